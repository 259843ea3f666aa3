"""A cockpit inside the notebook cell: watch and steer a Keras model while ``fit`` runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .background import Fit
from .commands import Reply
from .events import Event
from .monitor import Monitor
from .run import Run
from .steering.guard import Guard
from .steering.snapshots import Snapshots

if TYPE_CHECKING:
    from .panels.board import Board

__version__ = "0.1.0"
__all__ = ["Board", "Event", "Fit", "Guard", "Monitor", "Reply", "Run", "Snapshots"]


def __getattr__(name: str) -> Any:
    """Board is imported when it is first used: it brings ipywidgets along, which scripts do not need."""
    if name == "Board":
        from .panels.board import Board

        return Board
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
