"""A cockpit inside the notebook cell: watch and steer a Keras model while ``fit`` runs."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .record import late

if TYPE_CHECKING:
    from ._doctor import Report, doctor
    from .alerts.alert import Alert
    from .commands import Reply
    from .monitor import Monitor
    from .panels.board import Board
    from .panels.comparison.comparison import Comparison, compare
    from .record.events import Event
    from .run import Run
    from .session.background import Fit
    from .session.keeping import keep
    from .steering.guard import Guard
    from .steering.snapshots import Snapshots
    from .store import runs

logging.getLogger(__name__).addHandler(logging.NullHandler())  # what is logged is shown where the user configured that

__version__ = "0.1.0"
__all__ = [
    "Alert",
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

_PLACES = {
    "Alert": ".alerts.alert",
    "Board": ".panels.board",
    "Comparison": ".panels.comparison.comparison",
    "Event": ".record.events",
    "Fit": ".session.background",
    "Guard": ".steering.guard",
    "Monitor": ".monitor",
    "Reply": ".commands",
    "Report": "._doctor",
    "Run": ".run",
    "Snapshots": ".steering.snapshots",
    "compare": ".panels.comparison.comparison",
    "doctor": "._doctor",
    "keep": ".session.keeping",
    "runs": ".store",
}
_BACKENDS = ("tensorflow", "jax", "torch")


def __getattr__(name: str) -> Any:
    """Names are imported when they are first used: files are read without Keras, and scripts do without ipywidgets."""
    module = _PLACES.get(name)
    if module is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    found = globals()[name] = _imported(module, name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _imported(module: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module(module, __name__), name)
    except ModuleNotFoundError as error:
        if error.name not in _BACKENDS:
            raise
        msg = (
            f"Keras trains with {error.name} here, which is not installed: pip install 'kcb-widgets[tensorflow]' "
            "('kcb-widgets[cpu]' is smaller), or set KERAS_BACKEND to one that is, before Keras is imported"
        )
        raise ModuleNotFoundError(msg, name=error.name) from error


def _later(module: str, name: str) -> Callable[..., Any]:
    return lambda *args, **options: _imported(module, name)(*args, **options)


late.given |= {
    "open": _later(".store", "open_run"),
    "replay": _later(".replay", "Replay"),
    "from_history": _later(".imports", "from_history"),
    "from_csv": _later(".imports", "from_csv"),
    "from_tensorboard": _later(".imports", "from_tensorboard"),
    "to_html": _later(".panels.page.run_page", "to_html"),
    "picture": _later(".export.svg", "picture"),
    "plot_group": _later(".export.group_figure", "plot"),
    "reduce": _later(".session.pickling", "reduce_run"),
}
