"""What Keras's layers hold under private names: the layers in them, what trains, attention's dropout, seeds.

Functions that write are for ``steering/`` alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def within(layer: Any) -> list[Any]:
    """Return a layer and all layers in it.

    Relies on: ``Layer._flatten_layers``. Without it no layer has controls, and there are no snapshots.
    """
    return list(layer._flatten_layers())


def layers_of(model: Any) -> list[Any]:
    """Return what ``within`` does; nothing for a model of a kind that has no ``_flatten_layers``.

    Relies on: ``Layer._flatten_layers``. Without it no mask is expected.
    """
    return within(model) if hasattr(model, "_flatten_layers") else []


def children(layer: Any) -> list[Any]:
    """Return the layers that are directly in a layer.

    Relies on: ``Layer._layers``. Without it no layer has controls.
    """
    return list(layer._layers)


def own_weights(layer: Any) -> list[Any]:
    """Return a layer's own weights that could train, frozen or not, and none of the layers in it.

    Relies on: ``Layer._trainable_variables``. Without it no layer can be frozen, nor a model evaluated between batches.
    """
    return list(layer._trainable_variables)


def set_own_trainable(layer: Any, flag: bool) -> None:
    """Set whether a layer trains, and nothing else; the public property sets it for all that is in the layer.

    Relies on: ``Layer._trainable``. Without it a layer that trained in part trains as a whole when it is unfrozen.
    """
    layer._trainable = flag


@contextmanager
def unlocked(layer: Any) -> Iterator[None]:
    """Let a layer that is built be given variables meanwhile.

    Relies on: ``Layer._tracker``, and its ``locked``, ``lock`` and ``unlock``. Without it a rate that was 0 when the
    layer was built cannot be set.
    """
    locked = layer._tracker.locked
    layer._tracker.unlock()
    try:
        yield
    finally:
        if locked:
            layer._tracker.lock()


def seed_generators(layer: Any) -> list[Any]:
    """Return a layer's own sources of random numbers.

    Relies on: ``Layer._seed_generators``. Without it those that an evaluation makes do not begin anew after it.
    """
    return list(getattr(layer, "_seed_generators", None) or [])


# -- attention with several heads keeps its dropout twice: for itself and in a layer it made --------------------------


def attention_dropout_places(layer: Any) -> list[str]:
    """Return the attributes that hold the dropout of attention with several heads, with dots between.

    Relies on: ``_dropout_layer`` and ``_dropout`` of ``MultiHeadAttention``, ``dropout`` of ``GroupQueryAttention``.
    """
    return ["_dropout_layer.rate", _dropout_name(layer)]


def attention_dropout_layer(layer: Any) -> Any:
    """Return the layer that attention with several heads drops with.

    Relies on: ``_dropout_layer``. Without it this dropout cannot be set.
    """
    return layer._dropout_layer


def set_attention_dropout(layer: Any, value: float) -> None:
    """Set the dropout of attention with several heads, in both places.

    Relies on: the attributes that ``attention_dropout_places`` names. Without them this dropout cannot be set.
    """
    layer._dropout_layer.rate = value
    setattr(layer, _dropout_name(layer), value)


def uses_flash_attention(layer: Any) -> bool:
    """Tell whether attention is computed in one piece, without dropout.

    Relies on: ``_flash_attention``. Without it a dropout that has no effect can be set.
    """
    return bool(getattr(layer, "_flash_attention", None))


def _dropout_name(layer: Any) -> str:
    return "_dropout" if hasattr(layer, "_dropout") else "dropout"
