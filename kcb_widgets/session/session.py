"""Session: one fit under way. What its hooks do between batches, and how it notices that it is over."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable
from types import FrameType, SimpleNamespace
from typing import Any, TypeVar

from .. import kernel
from ..commands import Command, Inbox
from ..commands.batch_hook_state import BatchHookState
from ..kernel import front_ends, threads
from ..record.events import first_line
from ..record.record import Record
from ..steering.attempt import attempt
from ..steering.fit_steering import FitSteering, SteeringContext
from .data_wait import DataWait, waiting
from .epoch_times import EpochTimes
from .finishing import Finishing
from .fit_watchdog import FitWatchdog, weak
from .metric_weights import MetricWeights
from .raised import Raised
from .refresh_thread import RefreshThread
from .terminal import ProgressLine
from .unsteered import Unsteered

POLL_EVERY = 0.015  # seconds between looks for messages: a click waits at most this long, plus one batch
POLL_UNSEEN = 0.2  # while nobody looks at a board, so that the only message to come is that somebody does
HEAD = 0.005  # seconds: what was asked for reaches the model first, the picture of it is made then
PAUSED_POLL = 0.01  # while paused
PATIENCE = 30.0  # seconds that a fit which was started paused waits for somebody to look at its board
MANY = 100  # batches that may wait to be recorded
LOOK_EVERY = 0.5  # seconds between looks at all else: learning rates, NaN, the other callbacks, who looks at a board


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
        run.together = getattr(model, "steps_per_execution", 1) or 1
        # Of a loop driven by hand nobody else may keep it.
        self.callbacks: Callable[[], Any] = weak(callbacks) or (lambda: None)
        members = None if callbacks is None else SimpleNamespace(callbacks=callbacks.callbacks)
        self.tap = BatchHookState(self.thread, inbox, run)
        self.bridge = self._steering(model, members, fit, options)
        self.counts = MetricWeights(model, run, fit, self.tap)
        self._curious = True  # about the next batch's logs
        self._next_poll, self._poll_every = 0.0, POLL_UNSEEN
        self._next_look = 0.0
        self._watched = self._dismissed = False
        self._traced = run.batch_table.rows  # rows there were when the step was last traced
        self._tracing: tuple[list[str], float] | None = None
        self._pusher = RefreshThread(self._show)
        self._callbacks = members
        data = None if fit is None else fit.f_locals.get("epoch_iterator")
        self._blocking = self.bridge.flow.blocking = self._optional("kernel", kernel.blocking, True)
        self._pump = self._optional("kernel", kernel.pump, None)
        self._cell = self._optional("kernel", kernel.cell, None)
        self._unregister = self._optional("kernel", lambda: kernel.on_cell_end(self._cell_ended), self._unregister)
        self.waiting = self._optional("waiting for data", lambda: waiting(fit, model), DataWait())
        neighbours = self.bridge.neighbours
        self.spent = EpochTimes(run, neighbours.cards, neighbours.before, self.waiting, self.tap)
        self._line = None
        if not run.params.get("verbose"):
            self._line = self._optional("progress line", lambda: ProgressLine(run), None)
        self.raised = Raised(model)
        if fit is not None:
            self._optional("callbacks", lambda: self.raised.listen(callbacks, data), None)
        self._watch = self._optional("watch", lambda: FitWatchdog(fit, self._gone, callbacks), None)

    def is_of(self, fit: FrameType) -> bool:
        """Whether this call of ``fit`` is the one that is recorded."""
        return self._watch is not None and self._watch.is_of(fit)

    def _optional(self, where: str, make: Callable[[], T], otherwise: T) -> T:
        try:
            return make()
        except Exception as error:
            self.run.failed(where, error)
            return otherwise

    def _steering(self, model: Any, members: Any, fit: FrameType | None, options: SteeringContext) -> Any:
        """As much of it as can be had: all, without the other callbacks, or none."""
        why = ""
        for known in (members, None):
            try:
                return FitSteering(self.run, model, self._inbox, known, fit, options, self.tap)
            except Exception as error:
                self.run.failed("steering" if known is None else "callbacks", error)
                why = first_line(error)
        return Unsteered(self.run, self._inbox, f"this fit cannot be steered: {why}")

    def begin(self) -> None:
        """Look at what there is to steer, and at the other callbacks."""
        for where, step in (("steering", self.bridge.helm.look), ("callbacks", self._join)):
            self._optional(where, step, None)

    def _join(self) -> None:
        self.bridge.neighbours.join(self.bridge.helm)

    # -- between batches ----------------------------------------------------------------------------------------------

    def _look_closely(self, logs: dict[str, Any]) -> None:
        """At a batch's log keys, once in an epoch; at its values, where a guard was asked for."""
        hooks, bridge = self.run.hooks, self.bridge
        if "train" in hooks.fresh:
            hooks.keyed("train", logs)
        if bridge.lookout is not None:
            bridge.guard(logs)
        self._curious = bridge.lookout is not None
        self._arm()

    def attend(self, logs: dict[str, Any], now: float) -> None:
        """After a batch, where there is more to do than to note it."""
        if self._curious:
            self._look_closely(logs)
        if len(self.run.pending) >= MANY:
            self.run.settle()
        if now >= self._next_poll or self._inbox.waiting:  # a stop must be heard before the next batch
            self.service(now)

    def begin_epoch(self) -> None:
        """An epoch begins, and everybody has been told."""
        self._curious = self.tap.alert = True
        if self.run.status == "compiling":
            self._next_poll = 0.0  # an epoch may be over before the next look, and a batch's weight cannot be told then
        self._arm()

    def test_batch(self, batch: int) -> None:
        """A batch of validation is done."""
        self.run.test_batch, now = batch + 1, time.perf_counter()
        if now >= self._next_poll:
            self.service(now)

    def look_at_data(self, batch: int) -> None:
        """Before a batch: whether it will have to wait."""
        self.waiting.look(batch)
        self.tap.look = self.waiting.next

    def _arm(self) -> None:
        self.tap.due = 0.0 if self._curious else self._next_poll

    def service(self, now: float) -> None:
        """Let messages in, carry out what they ask, and show what is new.

        Args:
            now: ``time.perf_counter()``.
        """
        run = self.run
        self._next_poll = now + self._poll_every
        self._arm()
        if run.status == "compiling" and run.batch_table.rows > self._traced:
            self._compiled(now)
        hurry, asked = self._hear(heavy=False)
        self.tap.alert |= self.counts.open
        if hurry or now >= self._next_look:
            self._optional("steering", lambda: self._look(now), None)
        self._draw_line()
        if self._watched:
            self._pusher.push(rush=hurry, head=HEAD if asked else 0.0)

    def _hear(self, heavy: bool) -> tuple[bool, bool]:
        """Let messages in and carry out what they ask; whether somebody waits for a picture, and for an answer."""
        if self._pump is not None:
            self._pump.poll()
        asked = bool(self._inbox.waiting)
        if asked:
            self.bridge.apply(heavy=heavy)
        hurry, self.run.hurry = asked or self.run.hurry, False
        return hurry, asked

    def _look(self, now: float) -> None:
        """All that costs more than a look for messages: a few tenths of a millisecond after a long step."""
        run = self.run
        self._next_look = now + LOOK_EVERY
        self._care()
        self._watched = run.watched
        self._poll_every = POLL_EVERY if run.attended else POLL_UNSEEN
        self.bridge.helm.look()
        if run.phase == "train":
            run.pace.note(run.seconds, run.step)
        run.scan()
        if self._watched:
            self.tell()

    def _care(self) -> None:
        """Whether the fit is still wanted: marimo forgets a background thread whose cell is run anew."""
        if not self._dismissed and threads.dismissed():
            self._dismissed = True
            self._inbox.put(Command("stop", "batch", "notebook"))

    def before_batch(self) -> None:
        """The model is at rest, just before a batch."""
        bridge = self.bridge
        bridge.before_batch()
        if bridge.due():
            self.hold()
        names = bridge.retraced()
        if names and self.run.status == "running":
            run = self.run
            run.status, run.message = "compiling", f"tracing the training step again: {', '.join(names)}"
            self._traced, self._tracing, self._next_poll = run.batch_table.rows, (names, time.perf_counter()), 0.0
            self._arm()
            self._pusher.push(rush=True)
        bridge.apply(heavy=True)
        if self.counts.open:
            self.counts.look()

    def epoch_ends(self, epoch: int, logs: dict[str, Any]) -> None:
        """An epoch is done, validation included; the model is at rest."""
        run, bridge, flow = self.run, self.bridge, self.bridge.flow
        attempt(run, "on_epoch_end", bridge.epoch_ends, epoch, logs)
        if flow.paused and flow.is_last(epoch):
            attempt(run, "pause", self.hold)  # there is no batch any more to wait before, and there may be more epochs
        if flow.stop_after_epoch:
            run.status = "stopping"
        attempt(run, "epochs", flow.epoch_ends, epoch)

    def hold(self) -> None:
        """Wait here until somebody resumes; everything else works meanwhile."""
        run, flow, began = self.run, self.bridge.flow, time.perf_counter()
        before, run.status, run.message = (run.status, run.message), "paused", f"paused after step {run.step}"
        run.pace.rest(run.seconds, run.step)
        alone_since = began
        self._pusher.push(rush=True)
        while self.bridge.due():
            time.sleep(PAUSED_POLL)
            now = time.perf_counter()
            hurry, _ = self._hear(heavy=True)
            if hurry or now >= self._next_look:
                self._next_look = now + LOOK_EVERY
                self._care()
                self.bridge.helm.look()
                if run.watched:
                    self._pusher.push(rush=hurry)
            if flow.could_resume(run) or flow.source in ("board", "python"):
                alone_since = now
            elif now - alone_since > (PATIENCE if kernel.where() == "kernel" else 0.0):
                run.add_event("warning", "pause", message="nobody is here to resume it, so training goes on")
                flow.resume()
        run.pace.waited(time.perf_counter() - began)
        self.spent.paused(time.perf_counter() - began)
        if run.status == "paused":  # and not stopping by now
            run.status, run.message = before
        self.bridge.apply(heavy=True)

    def _compiled(self, now: float) -> None:
        run = self.run
        run.status, run.message = "running", ""
        run.pace.begin(run.seconds, run.step)
        if self._tracing is None:
            self.bridge.helm.trained()
            return
        (names, since), self._tracing = self._tracing, None
        run.add_event("recompiled", ", ".join(names), new=now - since, message=f"took {now - since:.2g} s")

    def _draw_line(self) -> None:
        """A terminal that is closed meanwhile ends the line, and nothing else."""
        line, self._line = self._line, None
        if line is not None:
            self._line = self._optional("progress line", lambda: line.show(self.run), None)

    def _show(self) -> None:
        """On the pusher's thread; at the end, on the one that ends the fit."""
        try:
            self.run.changed()
        except Exception as error:
            self.run.failed("board", error)

    def tell(self) -> None:
        """Put what the other callbacks did on the record."""
        self.bridge.neighbours.tell()
        self.spent.tell()


_told: set[str] = set()


def check_place(run: Record) -> None:
    """Say what cannot work here and what to do: aloud once where that is certain, always on the run's record."""
    place = front_ends.here()
    if place.problem:
        _tell(run, "front end", place.problem, aloud=place.sure)
    if not kernel.notebook() or not kernel.blocking() or kernel.self_test():
        return
    instead = "; monitor.fit(model, ...) trains in the background and keeps them live" if place.background else ""
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
