"""What Keras's models hold under private names: JAX's state, their loss, and what ``fit`` asks of them.

Functions that write are for ``steering/`` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TRAINING_STEP = (
    "train_step",
    "compute_metrics",
    "get_metrics_result",
    "make_train_function",
    "_make_function",
    "_update_metrics_variables",
    "compute_loss_and_updates",
)
"""The methods of Keras's trainers that decide how metrics are updated and logged.

Those that a backend, or a version of Keras, does not have count as Keras's own. Without ``_make_function`` and
``_update_metrics_variables`` a model that overrides them would be taken for one with Keras's own training step.
"""


# -- JAX: `fit` keeps the numbers in tuples of its own, and the variables are empty meanwhile -------------------------


def state_in_fit(model: Any) -> Any:
    """Return the lists in which JAX's ``fit`` keeps the numbers now; None while the variables hold them.

    Relies on: ``_jax_state`` and ``_jax_state_synced`` of Keras's JAX trainer. Without them scalars are read from
    their variables, which fails while a fit runs, so that controls show no number.
    """
    state = getattr(model, "_jax_state", None)
    return None if state is None or getattr(model, "_jax_state_synced", True) else state


def state_is_home(model: Any) -> bool:
    """Tell whether JAX's ``fit`` has a state, and the variables hold its numbers now.

    Relies on: ``jax_state_sync`` and ``_jax_state_synced``. Without them the answer is no.
    """
    return getattr(model, "jax_state_sync", None) is not None and bool(getattr(model, "_jax_state_synced", False))


def is_empty(variable: Any) -> bool:
    """Tell whether JAX's inference took a variable's numbers and did not bring them back, as it failed.

    Relies on: ``_value``. Without it the answer is no, and a fit ends where inference between its batches fails.
    """
    return getattr(variable, "_value", variable) is None


def say_state_is_home(model: Any) -> None:
    """Have JAX's ``fit`` take the variables' numbers for the next batch.

    Relies on: ``_jax_state_synced``. Without it ``fit`` goes on from the numbers that it has.
    """
    if hasattr(model, "_jax_state_synced"):
        model._jax_state_synced = True


def set_state_in_fit(model: Any, state: dict[str, list[Any]]) -> None:
    """Give JAX's ``fit`` another state, by kind.

    Relies on: ``_jax_state``. Without it, where the number of batches is not known, what was written to the model
    after an epoch's last batch would be lost.
    """
    model._jax_state = state


# -- what `fit` asks of a model ---------------------------------------------------------------------------------------


def skip_validation(model: Any) -> None:
    """Have ``fit`` validate no more, until ``validate_again``.

    Relies on: ``Model._should_eval``, which ``fit`` asks after each epoch. Without it the closing validation runs.
    """
    object.__setattr__(model, "_should_eval", lambda epoch, validation_freq: False)


def validate_again(model: Any) -> None:
    """Undo ``skip_validation``.

    Relies on: ``Model._should_eval``.
    """
    vars(model).pop("_should_eval", None)


def validation_data_of(model: Any) -> Any:
    """Return Keras's iterator over the validation data; None before the first validation.

    Relies on: ``Model._eval_epoch_iterator``. Without it a run that dies while it validates counts as interrupted.
    """
    return getattr(model, "_eval_epoch_iterator", None)


def initial_epoch_of(model: Any) -> int | None:
    """Return the epoch that ``BackupAndRestore`` has ``fit`` go on with.

    Relies on: ``Model._initial_epoch``. Without it the callback's card does not say that the fit was restored.
    """
    epoch: int | None = getattr(model, "_initial_epoch", None)
    return epoch


# -- what `compile` made ----------------------------------------------------------------------------------------------


def compiled_with(model: Any) -> Mapping[str, Any]:
    """Return what ``compile`` was given, by the names of its arguments; empty where that is not kept.

    Relies on: ``Model._compile_config`` and its ``config``. Without them the settings of a run lack metrics and the
    weights of losses.
    """
    known = getattr(getattr(model, "_compile_config", None), "config", None)
    return known if isinstance(known, Mapping) else {}


def loss_tracker_of(model: Any) -> Any:
    """Return the metric of the loss.

    Relies on: ``Model._loss_tracker``. Without it the loss of single batches is known from measured weights only.
    """
    return getattr(model, "_loss_tracker", None)


def loss_metrics_of(model: Any) -> list[Any]:
    """Return the metrics of each output's loss.

    Relies on: ``Model._compile_loss`` and its ``metrics``. Without them their weights are measured.
    """
    return list(getattr(getattr(model, "_compile_loss", None), "metrics", None) or ())


def accept_trainable_flags(model: Any) -> None:
    """Have Keras take what trains now for what the model was compiled with; it would warn of the change.

    Relies on: ``Model._compiled_trainable_state`` and ``_flatten_layers``. Without them Keras warns.
    """
    compiled = getattr(model, "_compiled_trainable_state", None)
    if compiled is not None:
        compiled.update({layer: layer.trainable for layer in model._flatten_layers()})
