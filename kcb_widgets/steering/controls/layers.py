"""Find every control a model's layers have: rates of dropout, strengths of regularizers, and which layers train.

Keras bakes what it reads from a layer into the compiled training step, so a change needs a new trace. Nothing is
installed: a layer holds its new value as it held the old one, and a file saved at any time is an ordinary one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from ...keras_internals.layers import (
    attention_dropout_layer,
    attention_dropout_places,
    children,
    own_weights,
    set_attention_dropout,
    unlocked,
    uses_flash_attention,
    within,
)
from ...keras_internals.optimizers import scope
from ...record import wire
from ..backends import runs_eagerly, sync_model
from ..optimizer_rebuild import Flags, OnRebuild, SlotCache, TrainabilityManager, trace_evaluation_again
from .control import Control, Refused, Value, Written
from .live_values import shortest

DROPOUTS = (keras.layers.Dropout, keras.layers.GaussianDropout, keras.layers.AlphaDropout)
ATTENTIONS = (keras.layers.Attention,)  # AdditiveAttention too: it is one
HEADS = (keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention)


def find(model: Any, on_rebuild: OnRebuild | None = None, slot_cache: SlotCache | None = None) -> list[Control]:
    """The controls of a model's layers, those of nested models too.

    Args:
        model: The model that trains. Layers that are yet to be built have no flag: TensorFlow builds a subclassed model
            on its first batch.
        on_rebuild: Called with the optimizer before and after it was given another list of weights. It is refitted in
            place, so the two are the same object; only its ``variables`` are others, and as many as there need be.
        slot_cache: Where the optimizer's state of frozen layers is put; None: where nobody else sees it.
    """
    places = list(_places(model))
    trainability = TrainabilityManager(model, on_rebuild, slot_cache)
    users = Counter(id(regularizer) for place in places for _, regularizer in _regularizers(place.layer))
    found: list[Control] = []
    for place in places:
        if place.is_unit and _has_weights(place.layer):
            found.append(Trainable(model, place, trainability))
        found += _rates(model, place)
        for attribute, regularizer in _regularizers(place.layer):
            others = users[id(regularizer)] - 1
            found += [
                RegularizerStrength(model, place, attribute, regularizer, name, others)
                for name in _strengths(regularizer)
            ]
    return found


# -- where layers are --------------------------------------------------------------------------------------------------


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


def _places(model: Any) -> Iterator[Place]:
    pairs = list(_descend(model, (model,), set()))
    counts = Counter(layer.name for layer, _ in pairs)
    taken: Counter[str] = Counter()
    names: dict[int, str] = {}
    for layer, _ in pairs:
        name = layer.name if counts[layer.name] == 1 else (layer.path or layer.name)
        taken[name] += 1
        names[id(layer)] = name if taken[name] == 1 else f"{name}#{taken[name]}"
    for layer, parents in pairs:
        yield Place(layer, parents, names[id(_known_as(layer, parents[-1]))])


def _descend(layer: Any, parents: tuple[Any, ...], seen: set[int]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    for child in children(layer):
        if id(child) not in seen:
            seen.add(id(child))
            yield child, parents
            yield from _descend(child, (*parents, child), seen)


def _known_as(layer: Any, parent: Any) -> Any:
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
        self._inside = "" if _known_as(place.layer, place.parents[-1]) is place.layer else "cell."

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


# -- rates -------------------------------------------------------------------------------------------------------------


def _rates(model: Any, place: Place) -> list[Control]:
    layer, parent = place.layer, place.parents[-1]
    if isinstance(layer, DROPOUTS):
        return [] if isinstance(parent, HEADS) else [DropoutRate(model, place, "rate")]
    if isinstance(layer, keras.layers.GaussianNoise):
        return [DropoutRate(model, place, "stddev")]
    if isinstance(layer, ATTENTIONS):
        return [DropoutRate(model, place, "dropout")]
    if isinstance(layer, HEADS):
        return [AttentionDropout(model, place, "dropout")]
    if hasattr(layer, "get_recurrent_dropout_mask"):
        return [RecurrentDropout(model, place, name, parent) for name in ("dropout", "recurrent_dropout")]
    return []


class DropoutRate(LayerControl):
    """How much a layer drops, or how strong its noise is."""

    maximum = 1.0

    def __init__(self, model: Any, place: Place, label: str) -> None:
        super().__init__(model, place, label)
        self.below = label != "stddev"  # all dropped: nothing to divide by what is left

    def read(self) -> Value:
        return float(getattr(self.layer, self.label))

    def _change(self, value: float | bool | str) -> str:
        self._set(float(value))
        return ""

    def _set(self, value: float) -> None:
        _give_seed(self.model, self.layer)
        setattr(self.layer, self.label, value)


class AttentionDropout(DropoutRate):
    """The dropout of attention with several heads, which keeps it twice: for itself and in a layer it made."""

    def places(self) -> list[str]:
        return attention_dropout_places(self.layer)

    def why_not(self) -> str:
        return "flash attention knows no dropout" if uses_flash_attention(self.layer) else ""

    def _set(self, value: float) -> None:
        _give_seed(self.model, attention_dropout_layer(self.layer))
        set_attention_dropout(self.layer, value)


class RecurrentDropout(DropoutRate):
    """What a recurrent layer's cell drops, of its input or of its state.

    A cell without dropout of its state multiplies by all its gates at once (``implementation`` 2), one with it gate by
    gate (1). Keras decides that when it makes the cell.
    """

    def __init__(self, model: Any, place: Place, label: str, layer: Any) -> None:
        super().__init__(model, place, label)
        self._rnn = layer

    def why_not(self) -> str:
        at_once = getattr(self.layer, "implementation", 1) == 2
        if self.label == "recurrent_dropout" and at_once and not self.layer.recurrent_dropout:
            return "it was 0 when the layer was made, so Keras made a loop that cannot drop any of the state"
        return ""

    def _set(self, value: float) -> None:
        rates = {"dropout": self.layer.dropout, "recurrent_dropout": self.layer.recurrent_dropout, self.label: value}
        only_input = rates["dropout"] and not rates["recurrent_dropout"]
        if only_input and getattr(self.layer, "implementation", 2) == 1 and getattr(self._rnn, "use_cudnn", False):
            msg = "Keras cannot train this layer with dropout but no recurrent_dropout (implementation is 1)"
            raise Refused(msg)
        super()._set(value)


def _give_seed(model: Any, layer: Any) -> None:
    """Give a layer made with a rate of 0 what Keras makes only for others: a source of random numbers."""
    if getattr(layer, "seed_generator", None) is not None:
        return
    with unlocked(layer), scope(getattr(model, "optimizer", None)):
        layer.seed_generator = keras.random.SeedGenerator(getattr(layer, "seed", None))


# -- regularizers ------------------------------------------------------------------------------------------------------


def _regularizers(layer: Any) -> list[tuple[str, Any]]:
    """A layer's own regularizers, by the attributes that hold them."""
    return [
        (name, value)
        for name, value in vars(layer).items()
        if name.endswith("_regularizer") and not name.startswith("_") and isinstance(value, keras.Regularizer)
    ]


def _strengths(regularizer: Any) -> list[str]:
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


# -- freezing ----------------------------------------------------------------------------------------------------------


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


def _has_weights(layer: Any) -> bool:
    """Whether there is anything in a layer that could train."""
    return any(own_weights(one) for one in within(layer))
