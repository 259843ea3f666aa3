"""OpenFits: the fits of this process that were not said to be over, so that those that died unseen can be closed."""

from __future__ import annotations

import weakref
from typing import Protocol

from ..record.record import Record
from .finishing import UNSEEN


class Fit(Protocol):
    """A session, as far as its end goes."""

    run: Record

    @property
    def alive(self) -> bool:
        """Whether the fit still runs."""

    def finish_from(self, error: BaseException | None) -> None:
        """The fit died."""

    def wait(self) -> None:
        """Wait until its end is done."""


_fits: weakref.WeakSet[Fit] = weakref.WeakSet()
_runs: weakref.WeakSet[Record] = weakref.WeakSet()


def note(fit: Fit) -> None:
    """A fit begins."""
    _fits.add(fit)
    _runs.add(fit.run)


def close_dead() -> None:
    """Close the runs of fits that have died, before their watchdogs look again.

    Where nobody holds a Monitor any more, nobody else would: its run's file would be this process's to its end.
    """
    from ..store import keeper

    for fit in list(_fits):
        if not fit.run.over and not fit.alive:
            fit.finish_from(None)
            fit.wait()
    held = [fit.run for fit in list(_fits)]
    for each in keeper.all_of_them():
        if each.run in _runs and not any(run is each.run for run in held):
            each.run.finish("failed", UNSEEN)
        if each.run.over:  # and perhaps still being written
            each.finish()
