"""Finishing: how a fit's session ends, in whatever way the fit does."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import kernel
from ..commands import Inbox
from ..kernel import threads
from ..record.record import Record
from ..steering.attempt import attempt
from ..steering.command_executor import refuse_all
from .fit_watchdog import FitWatchdog
from .raised import Raised, outcome_of
from .refresh_thread import RefreshThread
from .stall import StallDetector
from .train_end_sentinel import TrainEndSentinel

if TYPE_CHECKING:
    from ..record.wire import Status

UNSEEN = "fit ended early; its exception was not seen"
PREVIOUS_END_TIMEOUT_S = 10.0  # seconds that a fit which begins waits for the end of the one before


class Finishing:
    """The end of a session. ``Session`` is the rest of it."""

    run: Record
    thread: int
    steering: Any
    epoch_times: Any
    data_wait: Any
    stall: StallDetector
    metric_weights: Any
    training_count: Any
    raised: Raised
    _model: Any
    _inbox: Inbox
    _ended: Callable[[Any], None]
    _callbacks: Any
    _refresh_thread: RefreshThread
    _watch: FitWatchdog | None
    _blocking: bool
    _cell: int | str | None

    def __init__(self) -> None:
        self._closing = threading.Lock()
        self._closed = False
        self._done = threading.Event()
        self._finisher: int | None = None  # the thread that carries out the end
        self._closer: TrainEndSentinel | None = None
        self._left: deque[tuple[str, Callable[[], None]]] = deque()
        self._unregister: Callable[[], None] = lambda: None
        self._stop_listening: Callable[[], None] = lambda: None
        self.by_hand = False
        self.may_go_on = False

    @property
    def alive(self) -> bool:
        """Whether ``fit`` still runs, as far as can be seen."""
        return not self._closed and (self._watch is None or self._watch.alive)

    def train_ends(self) -> None:
        """``on_train_end`` was called; other callbacks may still come, and are watched to their end."""
        if self._callbacks is not None and self.steering.callback_registry.after and self._closer is None:
            self._closer = TrainEndSentinel(self._callbacks, self.finish_regularly)
        else:
            self.finish_regularly()

    def finish_regularly(self) -> None:
        """``on_train_end`` was called, of everybody."""
        run = self.run
        epochs = run.params.get("epochs")
        last = epochs is not None and run.epoch is not None and run.epoch + 1 >= epochs
        whole = last and (run.batches_per_epoch is None or run.batch >= run.batches_per_epoch)
        asked = run.status == "stopping"
        by_others = not asked and getattr(self._model, "stop_training", False) and not whole
        message = self._how_ended(by_others)
        if self.alive:
            attempt(run, "resume", self.training_count.ends)
        self.finish("stopped" if asked or by_others else "finished", message)

    def _how_ended(self, by_others: bool) -> str:
        try:
            message: str = self.steering.callback_registry.how_ended(by_others)
        except Exception as error:
            self.run.failed("callbacks", error)
            return ""
        return message

    def finish_from(self, error: BaseException | None) -> None:
        """The fit died of ``error``; None when nobody saw it, but the exception may have been noted as it passed."""
        outcome = self.raised.outcome or (None if error is None else outcome_of(error))
        self.finish(*(outcome or ("failed", UNSEEN)))

    def settle(self) -> None:
        """End the run at once where the fit is over and its exception is known, before the watchdog's next check."""
        if self.raised.outcome is not None and not self.alive:
            self.finish_from(None)
            if self.thread == threading.get_ident() != self._finisher:
                self._done.wait(PREVIOUS_END_TIMEOUT_S)

    def supersede(self, why: str) -> None:
        """Another fit begins, and this loop, driven by hand, never said that it ended. It may go on as a new run."""
        self.may_go_on = True
        self.finish(*(self.raised.outcome or ("failed", why)))

    def wait(self) -> None:
        """Wait until the end is all done, whichever thread does it: nothing of ours may be left in the model."""
        self._done.wait(PREVIOUS_END_TIMEOUT_S)

    def finish(self, status: Status, message: str = "") -> None:
        """The fit is over. Later calls change nothing."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        run = self.run
        self._left.extend([
            ("watch", self._stop_watching),
            ("stalled", lambda: self.stall.leave(time.perf_counter())),
            ("waiting for data", self.data_wait.leave),
            ("batch values", self.metric_weights.leave),
            ("callbacks", self.raised.leave),
            ("steering", self.steering.leave),
            ("hooks", self.epoch_times.publish),
            ("board", self._refresh_thread.end),
            ("record", lambda: run.finish(status, message)),
            ("commands", self._refuse),
            ("fit", lambda: self._ended(self)),
            ("progress line", self._draw_line),
            ("board", self._show),
        ])  # fmt: skip
        try:
            self._carry_out()
        except BaseException:  # Ctrl+C while this thread is at it: a run must not stay open, nor a reply
            threads.start(self._carry_out, "kcb-finish")
            raise

    def _carry_out(self) -> None:
        """Each step is taken, whatever becomes of the others."""
        self._finisher = threading.get_ident()
        while self._left:
            where, step = self._left[0]
            try:
                step()
            except Exception as error:
                self.run.failed(where, error)
            self._left.popleft()  # not before: what was interrupted is done again
        self._done.set()

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.end()
        self._unregister()
        self._stop_listening()
        if self._closer is not None:
            self._closer.leave()
        self._callbacks = None

    def _refuse(self) -> None:
        self.run.inbox = None
        refuse_all(self.run, self._inbox, "training ended first")

    def _draw_line(self) -> None:
        raise NotImplementedError

    def _show(self) -> None:
        raise NotImplementedError

    def _gone(self, error: BaseException | None) -> None:
        """On the watching thread: ``fit`` is gone and Keras said nothing."""
        unknown = error is None and self.raised.outcome is None
        if unknown and self._blocking and not self.by_hand and kernel.where() == "kernel":
            time.sleep(1.0)  # IPython tells us the exception when the cell ends, most often at once
        self.finish_from(error)

    def _cell_ended(self, error: BaseException | None) -> None:
        """On the main thread: a loop driven by hand died with the cell that it began in. A later cell may go on."""
        if not self.alive:
            self.finish_from(error)
        elif self.by_hand and error is not None and self.thread == threading.get_ident() and self._began_here():
            self.may_go_on = True
            self.finish_from(error)

    def _began_here(self) -> bool:
        return self.run.epoch is not None and self._cell is not None and self._cell == kernel.cell()
