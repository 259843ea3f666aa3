"""A cockpit inside the notebook cell: watch and steer a Keras model while ``fit`` runs."""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

from ._doctor import Report, doctor
from .commands import Reply
from .record.events import Event
from .session.background import Fit
from .session.keeping import keep
from .store import runs

try:
    from . import replay as _replay  # noqa: F401  # gives runs their replay()
    from .monitor import Monitor
    from .run import Run
    from .steering.guard import Guard
    from .steering.snapshots import Snapshots
except ModuleNotFoundError as error:
    if error.name not in ("tensorflow", "jax", "torch"):
        raise
    msg = (
        f"Keras trains with {error.name} here, which is not installed: pip install 'kcb-widgets[tensorflow]' "
        "('kcb-widgets[cpu]' is smaller), or set KERAS_BACKEND to one that is, before Keras is imported"
    )
    raise ModuleNotFoundError(msg, name=error.name) from error

if TYPE_CHECKING:
    from .panels.board import Board
    from .panels.comparison.comparison import Comparison, compare

logging.getLogger(__name__).addHandler(logging.NullHandler())  # what is logged is shown where the user configured that

__version__ = "0.1.0"
__all__ = [
    "Board",
    "Comparison",
    "Event",
    "Fit",
    "Guard",
    "Monitor",
    "Reply",
    "Report",
    "Run",
    "Snapshots",
    "compare",
    "doctor",
    "keep",
    "runs",
]


_WIDGETS = {
    "Board": ".panels.board",
    "Comparison": ".panels.comparison.comparison",
    "compare": ".panels.comparison.comparison",
}


def __getattr__(name: str) -> Any:
    """Widgets are imported when they are first used: they bring ipywidgets along, which scripts do not need."""
    module = _WIDGETS.get(name)
    if module is not None:
        found = globals()[name] = getattr(importlib.import_module(module, __name__), name)
        return found
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
