"""Says as a fit begins what cannot work in this front end."""

from __future__ import annotations

import warnings

from .. import kernel
from ..kernel import front_ends
from ..record.record import Record

_told: set[str] = set()


def check_front_end(run: Record) -> None:
    """Say what cannot work here and what to do: aloud once where that is certain, always on the run's record."""
    front_end = front_ends.here()
    if front_end.problem:
        _tell(run, "front end", front_end.problem, aloud=front_end.sure)
    if not kernel.notebook() or not kernel.blocking() or kernel.self_test():
        return
    instead = "; monitor.fit(model, ...) trains in the background and keeps them live" if front_end.background else ""
    message = (
        f"this kernel lets no widget messages in while a cell runs ({kernel.pump().reason}), so the board's controls "
        f"wait until the cell ends{instead}"
    )
    _tell(run, "kernel", message, aloud=True)


def _tell(run: Record, what: str, message: str, aloud: bool) -> None:
    run.add_event("warning", what, message=message)
    if aloud and what not in _told:
        _told.add(what)
        warnings.warn(f"kcb_widgets: {message}", RuntimeWarning, stacklevel=3)
