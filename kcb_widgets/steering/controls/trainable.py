"""Which layers train."""

from __future__ import annotations

from typing import Any

import keras

from ...keras_internals.layers import own_weights, within
from ..backends import sync_model
from ..optimizer_rebuild import Flags, TrainabilityManager
from .control import Refused, Value, Written
from .layer_control import LayerControl, Place

BEGUN = "the optimizer's state for it begins anew"
BEGUN_SOME = "the optimizer's state begins anew where it had none"


class Trainable(LayerControl):
    """Whether a layer's weights train."""

    kind = "flag"

    def __init__(self, model: Any, place: Place, trainability: TrainabilityManager) -> None:
        super().__init__(model, place, "trainable")
        self._parents, self.trainability = place.parents, trainability
        self._before: Flags | None = None

    def read(self) -> Value:
        return bool(self.layer.trainable)

    def why_not(self) -> str:
        frozen = [parent.name for parent in self._parents if not parent.trainable]
        return self.trainability.reason or (f"{frozen[0]}, which it is part of, is frozen" if frozen else "")

    def _change(self, value: float | bool | str) -> str:
        now = self.switch(bool(value))
        try:
            begun = self.trainability.update()
        except BaseException:
            now.restore()
            raise
        self.switched(now)
        return BEGUN if begun else self.remark()

    def switch(self, value: bool) -> Flags:
        """Set the layer's flag, before the optimizer knows of it.

        Returns:
            The flags before; ``switched`` is to be given them, or they are to be restored.
        """
        now = Flags(self.layer)
        self.layer.trainable = value
        if value and self._before is not None:
            self._before.restore()
        return now

    def switched(self, before: Flags) -> None:
        """The optimizer knows: remember which weights of a frozen layer had been frozen already."""
        self._before = None if self.layer.trainable else before

    def remark(self) -> str:
        """What there is to say of a layer that is frozen now."""
        if not self.read() and any(isinstance(one, keras.layers.BatchNormalization) for one in within(self.layer)):
            return "frozen batch normalization also keeps its statistics, and uses them"
        return ""


def change_together(model: Any, changes: list[tuple[Trainable, bool]]) -> list[tuple[Trainable, Written]]:
    """Have layers train or not, and rebuild the optimizer once for all.

    Args:
        model: The model that trains.
        changes: The flags and their new values, in order: a layer inside of a frozen model comes after that model.

    Returns:
        What was done to each flag that had another value; nothing where none had.

    Raises:
        Refused: Nothing would be left to train, or the optimizer cannot be rebuilt. Nothing was changed then.
    """
    sync_model(model)
    switched: list[tuple[Trainable, Flags]] = []
    try:
        for control, value in changes:
            if control.read() == value:
                continue
            if why := control.why_not():
                raise Refused(why)
            switched.append((control, control.switch(value)))
        begun = switched[0][0].trainability.update() if switched else 0
    except BaseException:
        for _, before in reversed(switched):
            before.restore()
        raise
    done = []
    for control, before in switched:
        control.switched(before)
        now = control.read()
        message = control.remark() or (BEGUN_SOME if begun and now else "")
        done.append((control, Written(not now, now, control.rebuild, message)))
    return done


def has_weights(layer: Any) -> bool:
    """Whether there is anything in a layer that could train."""
    return any(own_weights(one) for one in within(layer))
