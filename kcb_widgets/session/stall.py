"""StallDetector: notices, from another thread, that no batch has ended for much longer than usual."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..commands.batch_hook_state import BatchHookState
from ..record.current_work import Work
from ..record.formats import format_seconds
from ..record.record import Record

if TYPE_CHECKING:
    from ..record import wire

STALL_RATIO = 10  # times as long as usual
HOOK_RATIO = 2  # times as long as a hook ever took, besides
MIN_STALL_S = 5.0
FIRST_SHOW_S, LAST_SHOW_S = 1.0, 60.0  # between pictures of a stall: more and more, as nobody may be looking

# (seconds in batches, when the last began, epoch, phase, batches of validation, what is done besides)
Mark = tuple[float, float, int | None, str, int, Work | None]


class StallDetector:
    """Looks at what the training thread leaves behind anyway, and asks nothing of it.

    How long is usual differs: between two batches, before an epoch's first, when validation begins, in each hook of
    each callback. Where it is not known, because it is the first time, nothing is claimed: it may be compiling, filling
    a buffer or writing a file. A hook of the user's own is measured by the batches then.

    Args:
        run: The record; ``run.stalled`` is set on it.
        hook_state: What batch hooks write to.
        waits: Tells what the next batch waits for, in a word or two; empty where that is not known.
        show: Called when boards should show it.
    """

    def __init__(
        self, run: Record, hook_state: BatchHookState, waits: Callable[[], str], show: Callable[[], None]
    ) -> None:
        self._run, self._hook_state, self._waits, self._show = run, hook_state, waits, show
        self._longest: dict[str, float] = {}  # seconds, by kind of work
        self._mark: Mark | None = None
        self._since = self._batch_ended = 0.0
        self._next_show, self._show_every = 0.0, FIRST_SHOW_S
        self._lock = threading.Lock()  # the end of the fit comes on another thread
        self._over = False

    def check(self, now: float) -> None:
        """Look whether anything has happened since the last time. Called often, on the watchdog's thread.

        Args:
            now: ``time.perf_counter()``.
        """
        run, state = self._run, self._hook_state
        mark = (state.step, state.batch_started, run.epoch, run.phase, run.test_batch, run.current_work.now)
        if mark != self._mark:
            self._changed(mark, now)
        elif run.status != "running" or not run.phase:
            if run.status != "compiling":  # how long that takes is the measure of an epoch's first batch
                self._since = self._batch_ended = now
            self._end(now)
        else:
            self._judge(mark, now)

    def leave(self, now: float) -> None:
        """The fit is over."""
        self._end(now)
        with self._lock:
            self._over, self._run.stalled = True, None

    def _changed(self, mark: Mark, now: float) -> None:
        self._end(now)
        old, self._mark = self._mark, mark
        if old is not None:
            kind = self._kind(old)
            self._longest[kind] = max(self._longest.get(kind, 0.0), now - self._since)
        self._since = now
        if old is None or (old[0], old[3], old[4]) != (mark[0], mark[3], mark[4]):
            self._batch_ended = now

    @staticmethod
    def _kind(mark: Mark) -> str:
        seconds, _, _, phase, test_batch, work = mark
        if work is not None:
            return work.label
        if phase == "validate":
            return "validation" if test_batch else "validation begins"
        return "batch" if seconds else "first batch"

    def _judge(self, mark: Mark, now: float) -> None:
        """Nothing has happened for a while: whether that is too long for what goes on."""
        waited = now - self._since
        if waited <= MIN_STALL_S:
            return
        usual, work = self._usual(mark), mark[5]
        if usual is None or waited <= STALL_RATIO * usual:
            return
        # A hook may do its work now and then only, and nothing in most calls.
        if work is not None and waited <= HOOK_RATIO * self._longest.get(work.label, 0.0):
            return
        waits_for = self._waits() if work is None else work.label
        self._stall(now, {"seconds": now - self._batch_ended, "waits_for": waits_for})

    def _usual(self, mark: Mark) -> float | None:
        """Seconds that what goes on takes as a rule; None where that is not known."""
        run, kind, work = self._run, self._kind(mark), mark[5]
        step = run.throughput.seconds_per_step
        batch = None if step is None else step * run.steps_per_execution
        if work is not None:
            return work.usual if work.known or work.usual is not None else batch
        if kind == "validation":  # a smaller last batch may be compiled for as long as the first
            return max(
                (self._longest[name] for name in (kind, "validation begins") if name in self._longest), default=None
            )
        if kind != "batch":
            return self._longest.get(kind)
        batches = run.batches_per_epoch
        if run.closing or (batches is not None and run.batch >= batches):
            return None  # Keras is at the epoch's end
        if batch is not None and run.epoch == run.initial_epoch and batches is not None and run.batch + 1 >= batches:
            return max(batch, self._longest.get("first batch", batch))
        return batch

    def _stall(self, now: float, stall: wire.Stall) -> None:
        with self._lock:
            if self._over or self._run.over:
                return
            begins, self._run.stalled = self._run.stalled is None, stall
        if begins:
            self._next_show, self._show_every = 0.0, FIRST_SHOW_S
            what = f"; it waits for {stall['waits_for']}" if stall["waits_for"] else ""
            self._event(f"no batch ended for {format_seconds(stall['seconds'])}{what}")
        if now >= self._next_show:
            self._next_show, self._show_every = now + self._show_every, min(2 * self._show_every, LAST_SHOW_S)
            self._show()

    def _end(self, now: float) -> None:
        with self._lock:
            stall, self._run.stalled = self._run.stalled, None
        if stall is not None:
            self._event(f"over after {format_seconds(now - self._batch_ended)}")
            self._show()

    def _event(self, message: str) -> None:
        self._run.add_event("warning", "stalled", message=message)
