"""Session: one fit under way. What its hooks do between batches, and how it notices that it is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import FrameType, SimpleNamespace
from typing import Any, TypeVar

from .. import kernel
from ..alerts.alerts import Alerts
from ..alerts.watch import AlertWatch
from ..commands import Command, Inbox
from ..commands.batch_hook_state import BatchHookState
from ..insight.class_reader import ClassReader
from ..insight.options import InsightOptions
from ..keras_internals.frames import variables
from ..kernel import threads
from ..record.events import first_line
from ..record.record import Record
from ..steering.attempt import attempt
from ..steering.fit_steering import FitSteering, SteeringContext
from . import open_fits
from .data_wait import DataWait, waiting
from .epoch_times import EpochTimes
from .finishing import Finishing
from .fit_watchdog import FitWatchdog, weak
from .metric_weights import MetricWeights
from .raised import Raised
from .refresh_thread import RefreshThread
from .stall import StallDetector
from .terminal import ProgressLine
from .training_count import TrainingCount
from .unsteered import Unsteered

POLL_INTERVAL_S = 0.015  # seconds between looks for messages: a click waits at most this long, plus one batch
POLL_INTERVAL_UNSEEN_S = 0.2  # while no board is looked at: the only message to come is that one is
REFRESH_DELAY_S = 0.005  # seconds: what was asked for reaches the model first, the picture of it is made then
PAUSED_POLL_S = 0.01  # while paused
RESUME_TIMEOUT_S = 30.0  # seconds that a fit which was started paused waits for a user to look at its board
MAX_PENDING_BATCHES = 100  # batches that may wait to be recorded
# Between looks at all else: learning rates, NaN, the other callbacks, who looks at a board.
SLOW_CHECK_INTERVAL_S = 0.5


T = TypeVar("T")


class Session(Finishing):
    """Ties a run to the model that trains and the thread that trains it.

    A step of its beginning that is not needed to record may fail: that is an event, and the others are taken.

    Args:
        run: The record.
        model: The model; kept here because Keras may hand the callback another one meanwhile (``evaluate``).
        inbox: Where commands wait.
        callbacks: Keras's ``CallbackList``; None where the hooks are called by hand.
        fit: The frame of ``fit``; None where a loop drives the list by hand.
        options: What the Monitor was told about steering.
        ended: Called once, when the fit is over in whatever way.
    """

    def __init__(
        self,
        run: Record,
        model: Any,
        inbox: Inbox,
        callbacks: Any,
        fit: FrameType | None,
        options: SteeringContext,
        ended: Callable[[Session], None],
    ) -> None:
        super().__init__()
        self.run, self.thread, self.by_hand = run, threading.get_ident(), fit is None
        self._model, self._inbox, self._ended = model, inbox, ended
        run.status, run.inbox = "compiling", inbox
        open_fits.note(self)
        run.steps_per_execution = getattr(model, "steps_per_execution", 1) or 1
        # Of a loop driven by hand nobody else may keep it.
        self.callbacks: Callable[[], Any] = weak(callbacks) or (lambda: None)
        members = None if callbacks is None else SimpleNamespace(callbacks=callbacks.callbacks)
        self.hook_state = BatchHookState(self.thread, inbox, run)
        self.steering = self._make_steering(model, members, fit, options)
        looks, validation = options.inside or InsightOptions(), variables(fit).get("validation_data")
        read = "classes" in looks.record
        self.class_reader = ClassReader(run, model, validation, looks.samples, looks.class_names, read)
        self.metric_weights = MetricWeights(model, run, fit, self.hook_state)
        self.training_count = TrainingCount(run, model)
        self._alerts = AlertWatch(run, options.alerts or Alerts(built_in=False))
        self._curious = True  # about the next batch's logs
        self._next_poll, self._poll_every = 0.0, POLL_INTERVAL_UNSEEN_S
        self._next_slow_check = 0.0
        self._epoch_starts = False  # and its first batch, which waits for the data to start, is not over
        self._watched = self._dismissed = False
        self._traced = run.batch_table.rows  # rows there were when the step was last traced
        self._tracing: tuple[list[str], float] | None = None
        self._refresh_thread = RefreshThread(self._show)
        self._callbacks = members
        data = variables(fit).get("epoch_iterator")
        self._blocking = self.steering.flow.blocking = self._optional("kernel", kernel.blocking, True)
        self._pump = self._optional("kernel", kernel.pump, None)
        if not self._blocking:  # another cell may run meanwhile, which polls nothing
            self._stop_listening, why = self._optional("kernel", kernel.listen, (self._stop_listening, ""))
            if why and kernel.where() == "kernel":
                message = f"another cell that runs keeps the board's clicks waiting until it ends: {why}"
                run.add_event("status", "kernel", message=message)
        self._cell = self._optional("kernel", kernel.cell, None)
        self._unregister = self._optional("kernel", lambda: kernel.on_cell_end(self._cell_ended), self._unregister)
        self.data_wait = self._optional("waiting for data", lambda: waiting(fit, model), DataWait())
        callback_registry = self.steering.callback_registry
        self.epoch_times = EpochTimes(
            run, callback_registry.cards, callback_registry.before, self.data_wait, self.hook_state
        )
        self._line = None
        if not run.params.get("verbose"):
            self._line = self._optional("progress line", lambda: ProgressLine(run), None)
        self.raised = Raised(model, callback_registry.hook_that_raised)
        if fit is not None:
            self._optional("callbacks", lambda: self.raised.listen(callbacks, data), None)
        waits = self.data_wait
        self.stall = StallDetector(run, self.hook_state, lambda: waits.waits_for(), self._show_soon)
        look = (lambda: None) if self.by_hand else self._look_for_stall  # a loop may rest between two cells
        self._watch = self._optional("watch", lambda: FitWatchdog(fit, self._gone, callbacks, look), None)

    def is_of(self, fit: FrameType) -> bool:
        """Whether this call of ``fit`` is the one that is recorded."""
        return self._watch is not None and self._watch.is_of(fit)

    def _optional(self, where: str, make: Callable[[], T], otherwise: T) -> T:
        try:
            return make()
        except Exception as error:
            self.run.failed(where, error)
            return otherwise

    def _make_steering(self, model: Any, members: Any, fit: FrameType | None, options: SteeringContext) -> Any:
        """As much of it as can be had: all, without the other callbacks, or none."""
        why = ""
        for known in (members, None):
            try:
                return FitSteering(self.run, model, self._inbox, known, fit, options, self.hook_state)
            except Exception as error:
                self.run.failed("steering" if known is None else "callbacks", error)
                why = first_line(error)
        return Unsteered(self.run, self._inbox, f"this fit cannot be steered: {why}")

    def begin(self) -> None:
        """Look at what there is to steer, and at the other callbacks."""
        for where, step in (("steering", self.steering.registry.check_rates), ("callbacks", self._join)):
            self._optional(where, step, None)

    def _join(self) -> None:
        self.steering.callback_registry.join(self.steering.registry)

    # -- between batches ----------------------------------------------------------------------------------------------

    def _inspect_last_batch(self, logs: dict[str, Any]) -> None:
        """At a batch's log keys, once in an epoch; at its values, where a guard was asked for."""
        hooks, steering = self.run.hooks, self.steering
        if "train" in hooks.fresh:
            hooks.keyed("train", logs)
        if steering.spike_detector is not None:
            steering.guard(logs)
        self._curious = steering.spike_detector is not None
        self._schedule_next_poll()

    def after_batch(self, logs: dict[str, Any], now: float) -> None:
        """After a batch, where there is more to do than to note it."""
        if self._curious:
            self._inspect_last_batch(logs)
        if self._epoch_starts:  # hooks call here after each epoch's first batch
            self._epoch_starts = False
            self.run.throughput.first_batch(self.run.seconds, self.run.step)
        if len(self.run.pending) >= MAX_PENDING_BATCHES:
            self.run.record_pending()
        if now >= self._next_poll or self._inbox.waiting:  # a stop must be heard before the next batch
            self.poll(now)

    def begin_epoch(self) -> None:
        """An epoch begins, and everybody has been told."""
        self._curious = self.hook_state.has_work = self._epoch_starts = True
        if self.run.status == "compiling":
            self._next_poll = 0.0  # an epoch may be over before the next look, and a batch's weight cannot be told then
        self._schedule_next_poll()

    def test_batch(self, batch: int) -> None:
        """A batch of validation is done."""
        self.run.test_batch, now = batch + 1, time.perf_counter()
        if batch == 0:
            self.run.throughput.first_validation_batch(self.run.seconds)
        if now >= self._next_poll:
            self.poll(now)

    def look_at_data(self, batch: int) -> None:
        """Before a batch: whether it will have to wait."""
        self.data_wait.check(batch)
        self.hook_state.next_data_check = self.data_wait.next

    def _schedule_next_poll(self) -> None:
        self.hook_state.next_poll = 0.0 if self._curious else self._next_poll

    def poll(self, now: float) -> None:
        """Let messages in, carry out what they ask, and show what is new.

        Args:
            now: ``time.perf_counter()``.
        """
        run = self.run
        self._next_poll = now + self._poll_every
        self._schedule_next_poll()
        if run.status == "compiling" and run.batch_table.rows > self._traced:
            self._compiled(now)
        hurry, asked = self._process_commands(heavy=False)
        self.hook_state.has_work |= self.metric_weights.open
        if hurry or now >= self._next_slow_check:
            self._optional("steering", lambda: self._slow_check(now), None)
        self._draw_line()
        if self._watched:
            self._refresh_thread.request(urgent=hurry, delay=REFRESH_DELAY_S if asked else 0.0)

    def _process_commands(self, heavy: bool) -> tuple[bool, bool]:
        """Let messages in and carry out what they ask; whether a user waits for a refresh, and for an answer."""
        if self._pump is not None:
            self._pump.poll()
        asked = bool(self._inbox.waiting)
        if asked:
            self.steering.apply(heavy=heavy)
        hurry, self.run.refresh_requested = asked or self.run.refresh_requested, False
        return hurry, asked

    def _slow_check(self, now: float) -> None:
        """All that costs more than a look for messages: a few tenths of a millisecond after a long step."""
        run = self.run
        self._next_slow_check = now + SLOW_CHECK_INTERVAL_S
        self._check_cancelled()
        self._watched = run.watched
        self._poll_every = POLL_INTERVAL_S if run.attended else POLL_INTERVAL_UNSEEN_S
        self.steering.registry.check_rates()
        if run.phase == "train":
            run.throughput.note(run.seconds, run.step)
        run.scan()
        self._optional("alerts", self._alerts.between, None)
        if self._watched:
            self.publish()

    def _check_cancelled(self) -> None:
        """Whether the fit is still wanted: marimo forgets a background thread whose cell runs again."""
        if not self._dismissed and threads.is_cancelled():
            self._dismissed = True
            self._inbox.put(Command("stop", "batch", "notebook"))

    def before_batch(self) -> None:
        """The model is at rest, just before a batch."""
        steering = self.steering
        steering.before_batch()
        if steering.due():
            self.wait_while_paused()
        names = steering.retraced()
        if names and self.run.status == "running":
            run = self.run
            run.status, run.message = "compiling", f"tracing the training step again: {', '.join(names)}"
            self._traced, self._tracing, self._next_poll = run.batch_table.rows, (names, time.perf_counter()), 0.0
            self._schedule_next_poll()
            self._refresh_thread.request(urgent=True)
        steering.apply(heavy=True)
        self._optional("resume", self.training_count.went_back, None)
        if self.metric_weights.open:
            self.metric_weights.check()

    def epoch_ends(self, epoch: int, logs: dict[str, Any]) -> None:
        """An epoch is done, validation included; the model is at rest."""
        run, steering, flow = self.run, self.steering, self.steering.flow
        attempt(run, "alerts", self._alerts.epoch_ends)  # before a guard goes back, and the epoch counts no more
        attempt(run, "on_epoch_end", steering.epoch_ends, epoch, logs)
        attempt(run, "classes", self.class_reader.epoch_ends, epoch)
        if flow.paused and flow.is_last(epoch):
            # There is no batch any more to wait before, and there may be more epochs.
            attempt(run, "pause", self.wait_while_paused)
        if flow.stop_after_epoch:
            run.status = "stopping"
        attempt(run, "epochs", flow.epoch_ends, epoch)

    def wait_while_paused(self) -> None:
        """Wait here until a command resumes; everything else works meanwhile."""
        run, flow, began = self.run, self.steering.flow, time.perf_counter()
        before, run.status, run.message = (run.status, run.message), "paused", f"paused after step {run.step}"
        run.throughput.rest(run.seconds, run.step)
        alone_since = began
        self._refresh_thread.request(urgent=True)
        while self.steering.due():
            time.sleep(PAUSED_POLL_S)
            now = time.perf_counter()
            hurry, _ = self._process_commands(heavy=True)
            if hurry or now >= self._next_slow_check:
                self._next_slow_check = now + SLOW_CHECK_INTERVAL_S
                self._check_cancelled()
                self.steering.registry.check_rates()
                if run.watched:
                    self._refresh_thread.request(urgent=hurry)
            if flow.could_resume(run) or flow.source in ("board", "python"):
                alone_since = now
            elif now - alone_since > (RESUME_TIMEOUT_S if kernel.where() == "kernel" else 0.0):
                run.add_event("warning", "pause", message="nobody is here to resume it, so training goes on")
                flow.resume()
        run.throughput.waited(time.perf_counter() - began)
        self.epoch_times.paused(time.perf_counter() - began)
        if run.status == "paused":  # and not stopping by now
            run.status, run.message = before
        self.steering.apply(heavy=True)

    def _compiled(self, now: float) -> None:
        run = self.run
        run.status, run.message = "running", ""
        run.throughput.begin(run.seconds, run.step)
        if self._tracing is None:
            self.steering.registry.trained()
            self._optional("resume", self.training_count.check, None)
            return
        (names, since), self._tracing = self._tracing, None
        run.add_event("recompiled", ", ".join(names), new=now - since, message=f"took {now - since:.2g} s")

    def _draw_line(self) -> None:
        """A terminal that is closed meanwhile ends the line, and nothing else."""
        line, self._line = self._line, None
        if line is not None:
            self._line = self._optional("progress line", lambda: line.show(self.run), None)

    def _show(self) -> None:
        """On the refresh thread; at the end, on the one that ends the fit."""
        try:
            self.run.changed()
        except Exception as error:
            self.run.failed("board", error)

    def _look_for_stall(self) -> None:
        """On the watchdog's thread."""
        self._optional("stalled", lambda: self.stall.check(time.perf_counter()), None)

    def _show_soon(self) -> None:
        """On the watchdog's thread, or on the one that ends the fit."""
        if self.run.watched:
            self._refresh_thread.request(urgent=True)

    def publish(self) -> None:
        """Put what the other callbacks did on the record."""
        self.steering.callback_registry.publish()
        self.epoch_times.publish()
