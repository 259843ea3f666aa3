"""Whether this Keras and this Python have the private names that are relied on, and what is lost without them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

from .epoch_loop import epoch_loop
from .frames import can_tell_ends


def missing() -> list[str]:
    """Say what no longer works here, in a sentence each; empty where all is as expected.

    It makes a small model and compiles it; nothing else is changed.
    """
    found = []
    for owner, names, lost in _needs():
        absent = [name for name in names if not hasattr(owner, name)]
        if absent:
            kind = owner.__name__ if isinstance(owner, type) else type(owner).__name__
            found.append(f"{kind} of Keras {keras.__version__} has no {', '.join(absent)}: {lost}")
    fit = getattr(keras.Model.fit, "__wrapped__", keras.Model.fit)
    if epoch_loop(getattr(fit, "__code__", None)) is None:
        found.append(f"fit of Keras {keras.__version__} has another loop over epochs: it cannot be made longer")
    if not can_tell_ends():
        found.append("this Python does not show whether a call has ended: a fit that dies is noticed late")
    return found


def _needs() -> Iterator[tuple[Any, tuple[str, ...], str]]:
    """An object or a class, the names that it must have, and what is lost without them."""
    optimizer, layer = keras.optimizers.SGD(), keras.layers.Dropout(0.5)
    yield optimizer, ("_learning_rate",), "learning rates are neither shown nor steered"
    yield optimizer, ("_iterations",), "an optimizer that takes no part in training is not marked so"
    names = ("_variables", "_trainable_variables", "_tracker", "_track_variable")
    yield optimizer, names, "layers cannot be frozen, and hyperparameters not be changed without a new trace"
    yield layer, ("_layers", "_flatten_layers"), "layers have no controls, and there are no snapshots"
    yield layer, ("_trainable_variables", "_trainable"), "layers cannot be frozen"
    yield layer, ("_tracker", "_seed_generators"), "rates that were 0 cannot be set"
    model = keras.Sequential([layer])
    model.compile(optimizer, "mse", metrics=["mae"])
    yield model, ("_should_eval",), "a stop cannot leave out the validation"
    yield model, ("_loss_tracker", "_compile_loss"), "fewer metrics have values of single batches"
    yield model, ("_compile_config",), "the settings of a run lack metrics and the weights of losses"
    if keras.backend.backend() == "jax":
        yield model, ("jax_state_sync", "_jax_state_synced"), "numbers cannot be read while a fit runs"
    yield keras.callbacks.Callback(), ("_model",), "fits that begin cannot be recorded"
    yield keras.callbacks.ModelCheckpoint, ("_get_file_path", "_save_model"), "files of checkpoints are not listed"
    yield keras.metrics.MeanAbsoluteError(), ("_fn", "_fn_kwargs"), "the weights of metrics are read after every batch"
