"""What differs between TensorFlow, JAX and torch, and nothing else: a class for each, in one table.

A new backend is a class and an entry in ``BACKENDS``; one that is not in the table is treated as TensorFlow is.
"""

from __future__ import annotations

import contextlib
import re
import sys
from typing import Any

import keras
import numpy as np

from ..keras_internals.models import set_state_in_fit, state_in_fit, state_is_home


class Backend:
    """TensorFlow, and what the others have in common with it."""

    def sync_model(self, model: Any) -> None:
        """Bring the model's state home, so that it can be written to."""

    def held(self, model: Any) -> list[tuple[Any, Any]]:
        """List the variables that an inference empties meanwhile, and what they hold."""
        return []

    def hand_back(self, model: Any) -> None:
        """Have ``fit`` go on from what the variables hold now."""

    def read_scalar(self, model: Any, variable: Any, kind: str) -> float:
        """Read a scalar variable as cheaply as can be; see the function of this name."""
        value = variable.value
        with contextlib.suppress(TypeError):  # a variable of several devices is no number
            return float(value)  # of all ways to read a tf.Variable the cheapest, by half
        read = getattr(value, "value", None)
        return float(np.asarray(read() if callable(read) else value))

    def runs_eagerly(self, model: Any) -> bool:
        """Tell whether the training step reads Python values each time."""
        return bool(getattr(model, "run_eagerly", False))

    def random_state(self) -> Any:
        """Copy the backend's own random state; None where Keras does not draw on it."""
        return None

    def set_random_state(self, state: Any) -> None:
        """Put a random state back."""

    def training_modes(self, model: Any) -> list[tuple[Any, bool]]:
        """List the backend's modules, and whether each is in training mode."""
        return []

    def devices(self, values: list[Any]) -> tuple[set[str], set[str]]:
        """Name the platforms and the graphics cards that these values lie on, as the backend does."""
        config = getattr(sys.modules.get("tensorflow"), "config", None)
        # .../device:GPU:0
        places = {tuple(place.split(":")[-2:]) for value in values if (place := str(getattr(value, "device", "")))}
        kinds = {place[0].lower() for place in places if len(place) == 2}
        if config is None or "gpu" not in kinds:
            return kinds, set()
        cards = config.get_visible_devices("GPU")
        used = [cards[int(place[1])] for place in sorted(places) if place[0] == "GPU" and int(place[1]) < len(cards)]
        details = [config.experimental.get_device_details(card) for card in used]
        return kinds, {str(detail["device_name"]) for detail in details if "device_name" in detail}


class Jax(Backend):
    """JAX: ``fit`` keeps the model's state in tuples of its own, and the variables are empty meanwhile."""

    def sync_model(self, model: Any) -> None:
        """Bring the state home; a write before that would be lost."""
        sync = getattr(model, "jax_state_sync", None)
        if sync is not None:
            sync()

    def hand_back(self, model: Any) -> None:
        """Give ``fit`` the variables' values as its state.

        Where it does not know how many batches there are, it begins one more, takes the variables' values for it, finds
        no data, and puts back the state of the batch before. What was written since would be lost, without a word, and
        after ``evaluate`` there would be no state to put back.
        """
        if not state_is_home(model):
            return
        owners = {
            "trainable_variables": model.trainable_variables,
            "non_trainable_variables": model.non_trainable_variables,
            "optimizer_variables": getattr(model.optimizer, "variables", []),
            "metrics_variables": model.metrics_variables,
        }
        state = {kind: [variable.value for variable in owner] for kind, owner in owners.items()}
        set_state_in_fit(model, state)

    def held(self, model: Any) -> list[tuple[Any, Any]]:
        """List the variables and their arrays, which nobody changes: that copies nothing."""
        return [(variable, variable.value) for variable in model.variables]

    def read_scalar(self, model: Any, variable: Any, kind: str) -> float:
        """Read the value where ``fit`` keeps it, which does not bring the whole state home."""
        state = state_in_fit(model)
        if state is None:
            return super().read_scalar(model, variable, kind)
        owner = model.optimizer.variables if kind == "optimizer_variables" else model.metrics_variables
        for i, candidate in enumerate(owner):
            if candidate is variable:
                return float(np.asarray(state[kind][i]))
        msg = f"{variable.path} is not among the {kind}"
        raise LookupError(msg)

    def devices(self, values: list[Any]) -> tuple[set[str], set[str]]:
        """Ask each value where it is."""
        found = {device for value in values for device in value.devices()}
        cards = {device.device_kind for device in found if device.platform != "cpu"}
        return {device.platform for device in found}, cards


class Torch(Backend):
    """torch: nothing is traced, Keras draws on torch's own random numbers, and modules have a training mode."""

    def read_scalar(self, model: Any, variable: Any, kind: str) -> float:
        """Read a tensor that may need gradients, or lie on a GPU."""
        return float(variable.value.detach().cpu())

    def runs_eagerly(self, model: Any) -> bool:
        """Tell that it always does."""
        return True

    def random_state(self) -> Any:
        """Copy the state of the processor's generator and of each GPU's."""
        torch = sys.modules.get("torch")
        if torch is None:
            return None
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        return torch.get_rng_state().clone(), [state.clone() for state in cuda]

    def set_random_state(self, state: Any) -> None:
        """Put the generators' states back."""
        if state is None:
            return
        torch = sys.modules["torch"]
        torch.set_rng_state(state[0])
        if state[1]:
            torch.cuda.set_rng_state_all(state[1])

    def training_modes(self, model: Any) -> list[tuple[Any, bool]]:
        """List torch's modules in the model."""
        return [(module, module.training) for module in model.modules()]

    def devices(self, values: list[Any]) -> tuple[set[str], set[str]]:
        """Ask each value where it is, and CUDA for the names of its cards."""
        found = {value.device for value in values}
        torch = sys.modules["torch"]
        cards = {torch.cuda.get_device_name(device) for device in found if device.type == "cuda"}
        return {device.type for device in found}, cards


BACKENDS: dict[str, type[Backend]] = {"tensorflow": Backend, "jax": Jax, "torch": Torch}
"""By Keras's names for them."""


def current() -> Backend:
    """The backend that Keras uses in this process."""
    return BACKENDS.get(keras.backend.backend(), Backend)()


def sync_model(model: Any) -> Any:
    """Bring the model's state home, so that it can be written to; returns the model."""
    current().sync_model(model)
    return model


def hand_back(model: Any) -> None:
    """Have ``fit`` go on from what the variables hold now, whether another batch comes or not."""
    current().hand_back(model)


def held(model: Any) -> list[tuple[Any, Any]]:
    """What an inference takes out of a model until it is done, to be put back where it fails."""
    return current().held(model)


def read_scalar(model: Any, variable: Any, kind: str) -> float:
    """A scalar variable's value, without forcing JAX to bring its whole state home.

    Args:
        model: The model that trains.
        variable: A ``keras.Variable``.
        kind: Where JAX keeps it: ``optimizer_variables`` or ``metrics_variables``.

    Raises:
        LookupError: It cannot be read now.
    """
    return current().read_scalar(model, variable, kind)


def runs_eagerly(model: Any) -> bool:
    """Whether the training step reads Python values each time, so that none need to be traced again."""
    return current().runs_eagerly(model)


def random_state() -> Any:
    """The backend's own random state, where Keras draws on it; None elsewhere."""
    return current().random_state()


def set_random_state(state: Any) -> None:
    """Put a random state back; None does nothing."""
    current().set_random_state(state)


def training_modes(model: Any) -> list[tuple[Any, bool]]:
    """Which of the backend's modules are in training mode, where it has such a thing."""
    return current().training_modes(model)


def set_training_modes(modes: list[tuple[Any, bool]]) -> None:
    """Put training modes back."""
    for module, training in modes:
        module.training = training


def devices(model: Any) -> dict[str, Any]:
    """The platform that a model's weights lie on, and the names of graphics cards; empty where it has no weights.

    Args:
        model: What trains. Where its weights lie on several platforms, it is not the processor that is named.
    """
    values = [each for weight in model.weights for each in values_of(weight)]
    platforms, cards = current().devices(values)
    if not platforms:
        return {}
    platform = min(platforms, key=lambda name: (name == "cpu", name))
    return {"platform": platform, **({"names": sorted(cards)} if cards else {})}


# -- alike on all -----------------------------------------------------------------------------------------------------


def values_of(variable: Any) -> list[Any]:
    """What holds a variable's numbers in the backend: one value, or with a distribution strategy one per device."""
    value = variable.value
    several = getattr(value, "values", None)
    return list(several) if isinstance(several, (tuple, list)) else [value]


def per_device_variables(variable: Any) -> list[Any]:
    """What holds a variable's numbers: itself, or with a distribution strategy one variable for each device.

    These are not always copies of each other: batch normalization keeps statistics of its own on each device.
    """
    values = getattr(variable.value, "values", None)
    return list(values) if isinstance(values, (tuple, list)) else [variable]


def retrace(model: Any) -> None:
    """Have the training step traced again at the next batch. ``fit`` looks the function up for each."""
    model.make_train_function(force=True)


def bytes_of(dtype: Any) -> float:
    """The bytes of one number of a variable's type; NumPy does not know all of them."""
    digits = re.search(r"\d+", str(keras.backend.standardize_dtype(dtype)))
    return 1.0 if digits is None else int(digits.group()) / 8
