"""AfterFit: what can be done with a model when its fit is over: put a snapshot back."""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager

from .. import kernel
from ..commands import Command, Refused, Reply
from ..record.events import Event, first_line
from ..record.record import Record
from ..steering.command_executor import answer, refusal
from ..steering.kept_snapshots import NONE_TAKEN, KeptSnapshots

log = logging.getLogger(__name__)

NEXT_BEGAN = "the next fit has begun, so these snapshots are gone"
LET_GO = "the snapshots were let go of"
MONITOR_GONE = "the Monitor that kept the snapshots is gone"
UNDER_WAY = "a fit is under way or about to begin"
CELL_RUNS = "a cell is running, which may use the model; ask again when it is done"
IDLE_S = 1.0  # seconds within which an idle main thread gets to what it is asked


class AfterFit:
    """The snapshots of a Monitor's latest fit, until its next begins.

    Args:
        quiet: Makes a context in which no fit of this Monitor begins; it gives whether none is under way.
    """

    def __init__(self, quiet: Callable[[], AbstractContextManager[bool]]) -> None:
        self._quiet = quiet
        self._run: Record | None = None
        self._kept: KeptSnapshots | None = None

    def keep(self, run: Record, kept: KeptSnapshots | None) -> None:
        """A fit is over, and has left these."""
        self._run, self._kept = run, kept
        run.restorer = Restorer(self, run)

    def forget(self, why: str) -> None:
        """Free the memory.

        Args:
            why: What is said where one is asked for.
        """
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.forget(why)

    def restore(self, which: str, command: Command) -> Event:
        """Put the model back to a snapshot, on this thread.

        Args:
            which: The snapshot's id, ``latest`` or ``best``.
            command: Who asked, and when.

        Raises:
            Refused: A fit is under way, or the snapshot is not there.
        """
        with self._quiet() as quiet:
            if not quiet:
                raise Refused(UNDER_WAY)
            run, kept = self._run, self._kept
            if run is None or kept is None:
                raise Refused(NONE_TAKEN if run is None else run.availability["rollback"] or NONE_TAKEN)
            snapshot, rest = kept.restore(which)
            message = f"to step {snapshot.step}, after the end" + (rest and f"; {rest}")
            return run.add_event(
                "rollback", "rollback", run.step, snapshot.id, command.source, message, command.requested
            )

    def carry_out(self, command: Command, run: Record, deadline: float) -> None:
        """Do what a board of ``run`` asked for, and answer it.

        Args:
            command: A ``rollback``.
            run: The run on the board.
            deadline: By ``time.monotonic()``, when it is too late: the model may be another by then.
        """
        try:
            if run is not self._run:
                raise Refused(NEXT_BEGAN)
            if time.monotonic() > deadline:
                raise Refused(CELL_RUNS)
            event = self.restore(str(command.value), command)
        except Refused as why:
            event = refusal(run, command, str(why))
        except Exception as error:
            log.exception("The snapshot %s could not be put back", command.value)
            event = refusal(run, command, first_line(error))
        answer(run, [command], event)
        run.changed()


class Restorer:
    """Takes what boards ask of a run that is over. It holds nothing: a run keeps neither a Monitor nor a model.

    Args:
        after_fit: Of the Monitor.
        run: The run.
    """

    def __init__(self, after_fit: AfterFit, run: Record) -> None:
        self._run = known = weakref.ref(run)
        self._after_fit = weakref.ref(after_fit, lambda _: _monitor_gone(known()))

    def put(self, command: Command) -> Reply:
        """Carry out a ``rollback`` on the main thread: at once where it is here, else as soon as it is idle."""
        after_fit, run = self._after_fit(), self._run()
        if run is None:
            return command.reply
        if after_fit is None:
            answer(run, [command], refusal(run, command, MONITOR_GONE))
            return command.reply
        deadline, arrival = time.monotonic() + IDLE_S, kernel.arrival()
        if arrival in ("main", ""):
            after_fit.carry_out(command, run, deadline)
        elif arrival == "pump" or not kernel.when_idle(lambda: after_fit.carry_out(command, run, deadline)):
            answer(run, [command], refusal(run, command, CELL_RUNS))
        return command.reply


def _monitor_gone(run: Record | None) -> None:
    if run is not None and run.snapshots:
        run.snapshots, run.availability = [], {**run.availability, "rollback": MONITOR_GONE}
