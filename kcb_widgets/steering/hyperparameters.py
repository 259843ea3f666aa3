"""Find, read and write the optimizer's values, with their effect from the very next batch on."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..commands import MAX_LEARNING_RATE, Refused
from .backends import peek, synced


def leaf(optimizer: Any) -> Any:
    """The optimizer that does the work: LossScaleOptimizer's own ``_learning_rate`` is a dummy that changes nothing."""
    while getattr(optimizer, "inner_optimizer", None) is not None:
        optimizer = optimizer.inner_optimizer
    return optimizer


def shortest(value: float) -> float:
    """The shortest decimal that is this float32: 0.01, not 0.009999999776482582."""
    return float(str(np.float32(value)))


def _learning_rate_variable(model: Any) -> Any:
    """The variable that holds the learning rate.

    Raises:
        Refused: There is none that could be written; the text says why.
    """
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        msg = "the model has no optimizer"
        raise Refused(msg)
    optimizer = leaf(optimizer)
    if getattr(optimizer, "optimizers", None):
        msg = "this optimizer is made of several, each with a learning rate of its own"
        raise Refused(msg)
    variable = getattr(optimizer, "_learning_rate", None)
    if variable is None:
        msg = f"{type(optimizer).__name__} has no learning rate"
        raise Refused(msg)
    if not hasattr(variable, "assign"):
        if hasattr(variable, "get_config"):
            msg = f"the optimizer follows a schedule ({type(variable).__name__}), which sets the learning rate itself"
        else:
            msg = "the optimizer takes its learning rate from a function"
        raise Refused(msg)
    return variable


def why_not(model: Any) -> str:
    """Why the learning rate cannot be changed; empty when it can."""
    try:
        _learning_rate_variable(model)
    except Refused as refusal:
        return str(refusal)
    return ""


def read_learning_rate(model: Any) -> float | None:
    """The learning rate the next batch will use; None where it cannot be known."""
    try:
        return shortest(peek(model, _learning_rate_variable(model), "optimizer_variables"))
    except Refused:
        return _scheduled(model)
    except (LookupError, AttributeError, TypeError, ValueError):
        return None


def _scheduled(model: Any) -> float | None:
    optimizer = leaf(getattr(model, "optimizer", None))
    schedule: Any = getattr(optimizer, "_learning_rate", None)
    try:
        if hasattr(schedule, "get_config"):
            step = peek(model, optimizer.iterations, "optimizer_variables")
            return shortest(float(np.asarray(schedule(step))))
        return shortest(float(np.asarray(optimizer.learning_rate)))
    except Exception:  # a schedule is the user's own code: whatever it raises, there is just nothing to show
        return None


def write_learning_rate(model: Any, value: float) -> tuple[float, float]:
    """Have the next batch train with this learning rate.

    Args:
        model: The model that trains; this must be the thread that trains it.
        value: A finite number, not negative.

    Returns:
        The rate before and the rate now, as the optimizer holds it (float32).

    Raises:
        Refused: It cannot take one.
    """
    variable = _learning_rate_variable(model)
    model = synced(model)
    old = shortest(peek(model, variable, "optimizer_variables"))
    leaf(model.optimizer).learning_rate = value
    return old, shortest(peek(model, variable, "optimizer_variables"))


def control(model: Any) -> dict[str, Any]:
    """The learning rate as a board shows it."""
    reason = why_not(model)
    return {
        "name": "learning_rate",
        "kind": "number",
        "scale": "log",
        "value": read_learning_rate(model),
        "min": 0,
        "max": MAX_LEARNING_RATE,
        "enabled": not reason,
        "reason": reason,
    }
