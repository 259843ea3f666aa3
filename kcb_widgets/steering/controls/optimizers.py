"""Find every control an optimizer has, by inspection: whatever its own config lists and holds as a number."""

from __future__ import annotations

import logging
from typing import Any

from .control import Control
from .hyperparameters import OPTIONAL, Hyperparameter, Missing
from .live_values import LiveScalar, OptimizerSaveFilter, model_optimizers
from .schedule import learning_rate

log = logging.getLogger(__name__)


def find(model: Any, save_filter: OptimizerSaveFilter) -> list[Control]:
    """The controls of a model's optimizer, the learning rate first; a section for each of several optimizers."""
    found: list[Control] = []
    for prefix, section, one in groups(model):
        found += learning_rate(model, one, save_filter, prefix, section)
        found += [
            Hyperparameter(model, one, save_filter, prefix, section, name)
            for name, value in _numbers(one).items()
            if name != "learning_rate" and (value is not None or name in OPTIONAL)
        ]
    return found or [Missing(model, "the model has no optimizer")]


def groups(model: Any) -> list[tuple[str, str, Any]]:
    """The optimizers that do the work: what their controls' names begin with, their section, and themselves."""
    found: list[tuple[str, str, Any]] = []
    for name, root in model_optimizers(model).items():
        optimizer = innermost_optimizer(root)
        before = "" if name == "optimizer" else f"{name}."
        several = list(getattr(optimizer, "optimizers", None) or [])
        for i, one in enumerate(several):
            found.append((f"{before}optimizers[{i}].", f"{before}{type(one).__name__} {i}", one))
        if not several:
            found.append((before, f"{before}{type(optimizer).__name__}", optimizer))
    return found


def _numbers(optimizer: Any) -> dict[str, Any]:
    """Hyperparameters by name: what the optimizer's own config lists and holds as a number, or as None for off."""
    try:
        config = optimizer.get_config()
    except Exception:  # an optimizer of the user's own making
        log.debug("An optimizer has no settings to read", exc_info=True)
        return {}
    found: dict[str, Any] = {}
    for name in config:
        value = getattr(optimizer, name, "")
        if isinstance(value, LiveScalar):
            found[name] = 1.0
        elif value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
            found[name] = value
    if not getattr(optimizer, "use_ema", False):
        found.pop("ema_momentum", None)
    return found


def innermost_optimizer(optimizer: Any) -> Any:
    """The optimizer that does the work: LossScaleOptimizer's own ``_learning_rate`` is a dummy that changes nothing."""
    while getattr(optimizer, "inner_optimizer", None) is not None:
        optimizer = optimizer.inner_optimizer
    return optimizer
