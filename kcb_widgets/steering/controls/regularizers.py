"""Strengths of regularizers."""

from __future__ import annotations

from typing import Any

import keras

from ..optimizer_rebuild import trace_evaluation_again
from .control import Value
from .layer_control import LayerControl, Place
from .live_values import shortest


def regularizers(layer: Any) -> list[tuple[str, Any]]:
    """A layer's own regularizers, by the attributes that hold them."""
    return [
        (name, value)
        for name, value in vars(layer).items()
        if name.endswith("_regularizer") and not name.startswith("_") and isinstance(value, keras.Regularizer)
    ]


def strengths(regularizer: Any) -> list[str]:
    """A regularizer's numbers. Keras holds some of them as scalar tensors."""
    return [
        name
        for name, value in vars(regularizer).items()
        if not name.startswith("_") and (isinstance(value, float) or _is_scalar(value))
    ]


def _is_scalar(value: Any) -> bool:
    return bool(keras.ops.is_tensor(value)) and tuple(value.shape) == ()


class RegularizerStrength(LayerControl):
    """How strongly a regularizer pulls.

    Args:
        model: The model that trains.
        place: A layer that has it, and where that is.
        attribute: What the layer calls it.
        regularizer: The regularizer.
        name: What the regularizer calls the number.
        others: In how many other places it is.
    """

    scale = "log"

    def __init__(self, model: Any, place: Place, attribute: str, regularizer: Any, name: str, others: int) -> None:
        super().__init__(model, place, f"{attribute}.{name}")
        self._attribute, self._regularizer, self._name, self._others = attribute, regularizer, name, others
        self._last: tuple[Any, float] | None = None

    def read(self) -> Value:
        held = getattr(self._regularizer, self._name)
        if isinstance(held, float):
            return held
        if self._last is None or self._last[0] is not held:  # a tensor, perhaps on a device: asked once
            self._last = held, shortest(float(held))
        return self._last[1]

    def why_not(self) -> str:
        used = [getattr(weight, "regularizer", None) for weight in self.layer.weights]
        if self._attribute == "activity_regularizer" or any(one is self._regularizer for one in used):
            return ""
        return "none of the layer's weights has this regularizer"

    def _change(self, value: float | bool | str) -> str:
        held = isinstance(getattr(self._regularizer, self._name), float)
        setattr(self._regularizer, self._name, float(value) if held else keras.ops.convert_to_tensor(float(value)))
        if isinstance(self.layer, keras.layers.ActivityRegularization):
            setattr(self.layer, self._name, float(value))  # it saves its own copy
        trace_evaluation_again(self.model)
        places = f"the same regularizer is in {self._others + 1} places, and changed in all of them"
        return places if self._others else ""
