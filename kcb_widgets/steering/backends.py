"""What differs between TensorFlow, JAX and torch, and nothing else."""

from __future__ import annotations

import contextlib
import re
import sys
from typing import Any

import keras
import numpy as np


def sync_model(model: Any) -> Any:
    """The model with its state at home, ready to be written to.

    On JAX ``fit`` keeps the state in tuples of its own and variables are empty; a write before the sync would be lost.
    """
    sync = getattr(model, "jax_state_sync", None)
    if sync is not None:
        sync()
    return model


def hand_back(model: Any) -> None:
    """Have JAX's ``fit`` go on from what the variables hold now, whether another batch comes or not.

    Where it does not know how many batches there are, it begins one more, takes the variables' values for it, finds
    no data, and puts back the state of the batch before. What was written since would be lost, without a word, and
    after ``evaluate`` there would be no state to put back.
    """
    if getattr(model, "jax_state_sync", None) is None or not getattr(model, "_jax_state_synced", False):
        return
    owners = {
        "trainable_variables": model.trainable_variables,
        "non_trainable_variables": model.non_trainable_variables,
        "optimizer_variables": getattr(model.optimizer, "variables", []),
        "metrics_variables": model.metrics_variables,
    }
    model._jax_state = {kind: [variable.value for variable in owner] for kind, owner in owners.items()}


def read_scalar(model: Any, variable: Any, kind: str) -> float:
    """A scalar variable's value, without forcing JAX to bring its whole state home.

    Args:
        model: The model that trains.
        variable: A ``keras.Variable``.
        kind: Where JAX keeps it: ``optimizer_variables`` or ``metrics_variables``.

    Raises:
        LookupError: It cannot be read now.
    """
    state = getattr(model, "_jax_state", None)
    if state is not None and not getattr(model, "_jax_state_synced", True):
        owner = model.optimizer.variables if kind == "optimizer_variables" else model.metrics_variables
        for i, candidate in enumerate(owner):
            if candidate is variable:
                return float(np.asarray(state[kind][i]))
        msg = f"{variable.path} is not among the {kind}"
        raise LookupError(msg)
    value = variable.value
    with contextlib.suppress(TypeError):  # a variable of several devices is no number
        return float(value)  # of all ways to read a tf.Variable the cheapest, by half
    read = getattr(value, "value", None)
    if callable(read):
        value = read()
    detach = getattr(value, "detach", None)
    if detach is not None:
        value = detach().cpu()
    return float(np.asarray(value))


def per_device_variables(variable: Any) -> list[Any]:
    """What holds a variable's numbers: itself, or with a distribution strategy one variable for each device.

    These are not always copies of each other: batch normalization keeps statistics of its own on each device.
    """
    values = getattr(variable.value, "values", None)
    return list(values) if isinstance(values, (tuple, list)) else [variable]


def runs_eagerly(model: Any) -> bool:
    """Whether the training step reads Python values each time, so that none need to be traced again."""
    return keras.backend.backend() == "torch" or bool(getattr(model, "run_eagerly", False))


def retrace(model: Any) -> None:
    """Have the training step traced again at the next batch. ``fit`` looks the function up for each."""
    model.make_train_function(force=True)


def torch_state() -> Any:
    """The state of torch's random numbers, which Keras draws on there; None with other backends."""
    torch = sys.modules.get("torch") if keras.backend.backend() == "torch" else None
    if torch is None:
        return None
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return torch.get_rng_state().clone(), [state.clone() for state in cuda]


def set_torch_state(state: Any) -> None:
    """Put it back; None does nothing."""
    if state is None:
        return
    torch = sys.modules["torch"]
    torch.set_rng_state(state[0])
    if state[1]:
        torch.cuda.set_rng_state_all(state[1])


def torch_modes(model: Any) -> list[tuple[Any, bool]]:
    """Which of torch's modules are in training mode; none with other backends."""
    return [(module, module.training) for module in model.modules()] if keras.backend.backend() == "torch" else []


def set_torch_modes(modes: list[tuple[Any, bool]]) -> None:
    """Put them back."""
    for module, training in modes:
        module.training = training


def bytes_of(dtype: Any) -> float:
    """The bytes of one number of a variable's type; NumPy does not know all of them."""
    digits = re.search(r"\d+", str(keras.backend.standardize_dtype(dtype)))
    return 1.0 if digits is None else int(digits.group()) / 8


def shared_seeds() -> list[Any]:
    """The state of the random numbers that Keras draws where a layer gives no seed; it belongs to no model."""
    try:
        from keras.src.backend.common import global_state

        shared = global_state.get_global_attribute("global_seed_generator")
    except (ImportError, AttributeError):  # another version of Keras
        return []
    return [] if shared is None else [shared.state]
