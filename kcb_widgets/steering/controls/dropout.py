"""Rates of dropout, and the strength of noise."""

from __future__ import annotations

from typing import Any

import keras

from ...keras_internals.layers import (
    attention_dropout_layer,
    attention_dropout_places,
    set_attention_dropout,
    unlocked,
    uses_flash_attention,
)
from ...keras_internals.optimizers import scope
from .control import Control, Refused, Value
from .layer_control import LayerControl, Place

DROPOUTS = (keras.layers.Dropout, keras.layers.GaussianDropout, keras.layers.AlphaDropout)
ATTENTIONS = (keras.layers.Attention,)  # AdditiveAttention too: it is one
HEADS = (keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention)


def dropout_rates(model: Any, place: Place) -> list[Control]:
    """The rates that a layer has."""
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
