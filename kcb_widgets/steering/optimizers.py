"""Find every control an optimizer has, by inspection: whatever its own config lists and holds as a number."""

from __future__ import annotations

from typing import Any

from .control import Control
from .hyperparameters import OPTIONAL, Hyperparameter, Missing
from .live import LiveScalar, Veil
from .schedule import learning_rate


def find(model: Any, veil: Veil) -> list[Control]:
    """The controls of a model's optimizer, the learning rate first; a section for each of several optimizers."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return [Missing(model, "the model has no optimizer")]
    optimizer = leaf(optimizer)
    several = list(getattr(optimizer, "optimizers", None) or [])
    found: list[Control] = []
    for i, one in enumerate(several or [optimizer]):
        prefix, section = (f"optimizers[{i}].", f"{type(one).__name__} {i}") if several else ("", type(one).__name__)
        found += learning_rate(model, one, veil, prefix, section)
        found += [
            Hyperparameter(model, one, veil, prefix, section, name)
            for name, value in _numbers(one).items()
            if name != "learning_rate" and (value is not None or name in OPTIONAL)
        ]
    return found


def _numbers(optimizer: Any) -> dict[str, Any]:
    """Hyperparameters by name: what the optimizer's own config lists and holds as a number, or as None for off."""
    try:
        config = optimizer.get_config()
    except Exception:  # an optimizer of the user's own making
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


def leaf(optimizer: Any) -> Any:
    """The optimizer that does the work: LossScaleOptimizer's own ``_learning_rate`` is a dummy that changes nothing."""
    while getattr(optimizer, "inner_optimizer", None) is not None:
        optimizer = optimizer.inner_optimizer
    return optimizer
