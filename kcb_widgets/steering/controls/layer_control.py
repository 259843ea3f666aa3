"""Layers and where they are in a model, and what every control of a layer does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras

from ...keras_internals.layers import children
from ..backends import runs_eagerly, sync_model
from .control import Control, Refused, Value, Written

if TYPE_CHECKING:
    from ...record import wire


@dataclass(frozen=True)
class Place:
    """A layer and where it is.

    Attributes:
        layer: The layer.
        parents: What it is part of, the model first.
        name: What its controls are called after.
    """

    layer: Any
    parents: tuple[Any, ...]
    name: str

    @property
    def is_unit(self) -> bool:
        """Whether it stands in a model by itself, and not inside another layer, whose saved state would forget it."""
        return all(isinstance(parent, keras.Model) for parent in self.parents)


def places(model: Any) -> Iterator[Place]:
    """Find every layer of a model, those of nested models and of other layers too."""
    pairs = list(_descend(model, (model,), set()))
    counts = Counter(layer.name for layer, _ in pairs)
    taken: Counter[str] = Counter()
    names: dict[int, str] = {}
    for layer, _ in pairs:
        name = layer.name if counts[layer.name] == 1 else (layer.path or layer.name)
        taken[name] += 1
        names[id(layer)] = name if taken[name] == 1 else f"{name}#{taken[name]}"
    for layer, parents in pairs:
        yield Place(layer, parents, names[id(known_as(layer, parents[-1]))])


def _descend(layer: Any, parents: tuple[Any, ...], seen: set[int]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    for child in children(layer):
        if id(child) not in seen:
            seen.add(id(child))
            yield child, parents
            yield from _descend(child, (*parents, child), seen)


def known_as(layer: Any, parent: Any) -> Any:
    """The layer its user made: ``LSTM``, not the ``LSTMCell`` which that made for itself."""
    return parent if isinstance(parent, keras.layers.RNN) and parent.cell is layer else layer


class LayerControl(Control):
    """A control of a layer.

    Args:
        model: The model that trains.
        place: The layer, and where it is.
        label: The setting.
    """

    group = "layers"
    heavy = True

    def __init__(self, model: Any, place: Place, label: str) -> None:
        super().__init__(model, f"{place.name}.{label}", label, place.name)
        self.layer = place.layer
        self.rebuild = not runs_eagerly(model)
        self._inside = "" if known_as(place.layer, place.parents[-1]) is place.layer else "cell."

    def places(self) -> list[str]:
        """Where the value is held: attributes, with dots between, from the layer that the control is named after."""
        return [self._inside + self.label]

    def describe(self) -> wire.Control:
        return {**super().describe(), "places": self.places()}

    def write(self, value: Value) -> Written:
        assert value is not None
        old = self.read()
        if value == old:
            return Written(old, old)
        if self.why_not():
            raise Refused(self.why_not())
        sync_model(self.model)
        message = self._change(value)
        return Written(old, self.read(), self.rebuild, message)

    def _change(self, value: float | bool | str) -> str:
        """Write another value than there is; returns what there is to say of it."""
        raise NotImplementedError
