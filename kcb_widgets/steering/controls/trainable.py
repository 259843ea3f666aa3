"""Which layers train."""

from __future__ import annotations

from typing import Any

import keras

from ...keras_internals.layers import own_weights, within
from ..optimizer_rebuild import Flags, TrainabilityManager
from .control import Value
from .layer_control import LayerControl, Place


class Trainable(LayerControl):
    """Whether a layer's weights train."""

    kind = "flag"

    def __init__(self, model: Any, place: Place, trainability: TrainabilityManager) -> None:
        super().__init__(model, place, "trainable")
        self._parents, self._trainability = place.parents, trainability
        self._before: Flags | None = None

    def read(self) -> Value:
        return bool(self.layer.trainable)

    def why_not(self) -> str:
        frozen = [parent.name for parent in self._parents if not parent.trainable]
        return self._trainability.reason or (f"{frozen[0]}, which it is part of, is frozen" if frozen else "")

    def _change(self, value: float | bool | str) -> str:
        now = Flags(self.layer)
        self.layer.trainable = value
        if value and self._before is not None:
            self._before.restore()
        try:
            begun = self._trainability.update()
        except BaseException:
            now.restore()
            raise
        self._before = None if value else now
        return self._message(begun)

    def _message(self, begun: int) -> str:
        if begun:
            return "the optimizer's state for it begins anew"
        if not self.read() and any(isinstance(one, keras.layers.BatchNormalization) for one in within(self.layer)):
            return "frozen batch normalization also keeps its statistics, and uses them"
        return ""


def has_weights(layer: Any) -> bool:
    """Whether there is anything in a layer that could train."""
    return any(own_weights(one) for one in within(layer))
