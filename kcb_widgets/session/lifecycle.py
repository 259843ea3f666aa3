"""Lifecycle: which fit a Monitor records. One at a time: the outermost of the thread that came first."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import get_ident
from types import FrameType
from typing import Any

from ..commands import Inbox
from ..keras_internals.callback_lists import (
    calling_list,
    is_calling,
    model_of_callback,
    model_of_list,
    remove_repeats,
)
from ..keras_internals.exceptions import root_cause
from ..keras_internals.frames import current, fit_frame
from ..panels.display import Showing
from ..record.events import first_line
from ..record.fit_group import FitGroup
from ..record.record import Record
from ..run import Run
from ..steering.attempt import attempt
from ..steering.command_executor import refuse_all
from ..steering.fit_steering import SteeringContext
from . import baseline
from .after_fit import NEXT_BEGAN, AfterFit
from .background import trains_in_background
from .fit_watchdog import weak
from .front_end_check import check_front_end
from .keeping import Keeping
from .nesting import Nesting
from .session import Session

TWICE = "this Monitor is in callbacks more than once; the fit is recorded once"
SECOND = "a second fit in another thread is not monitored"
NESTED = "a fit that began inside this one is not monitored; give it a Monitor of its own"
SUPERSEDED = "another fit began before on_train_end was called"
UNCALLED = "fit ended and never called this Monitor: the model's own fit passes no callbacks on"


def _nothing() -> None:
    """What a weak reference to nothing gives."""


class Lifecycle(Nesting):
    """How a fit begins and ends for a Monitor, whatever threads and other fits there are.

    Keras hands a callback the model and the parameters of any ``fit``, ``evaluate`` or ``predict`` it is passed to,
    before it says which of them begins. They are taken when a fit begins, and those of the fit under way stay.
    """

    _showing: Showing
    _options: SteeringContext
    _keeping: Keeping

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[Run] = []
        self._keep_runs: int | None = None
        self._group: FitGroup | None = None
        self._waiting: Run | None = None
        self._numbers = 0
        self._run_before: tuple[int | None, int] | None = None  # epoch and step of the run before the current one
        self._turn = threading.RLock()  # short: which run is the current one
        self._beginning = threading.RLock()  # one fit begins at a time
        self._expected = False
        self._trained: Callable[[], Any] = _nothing  # weak: a Monitor keeps no model alive
        self._loop_left: Callable[[], Any] = _nothing  # the list of a loop that was declared over and may go on
        self._local = threading.local()
        self._inbox = Inbox()
        self._after_fit = AfterFit(self._quiet)

    # -- what Keras hands over ----------------------------------------------------------------------------------------

    def set_model(self, model: Any) -> None:
        """Keras names the model of what begins next."""
        self._local.model = weak(model) or (lambda: model)
        with self._beginning:
            session = self._session
            if session is None or not session.alive:
                super().set_model(model)

    def set_params(self, params: Any) -> None:
        """Keras names the parameters of what begins next."""
        self._local.params = params
        with self._beginning:
            session = self._session
            if session is None or not session.alive:
                super().set_params(params)

    @property
    def model(self) -> Any:
        """The model of the fit under way, or of the latest; None if nobody else has that any more."""
        return self._trained() if model_of_callback(self) is None else super().model

    # -- which run, which fit -----------------------------------------------------------------------------------------

    @property
    def run(self) -> Run:
        """The current run, or the latest; before the first fit an empty one that the fit will fill."""
        self._settle()
        with self._turn:  # a thread that looks for the run while a fit begins must not be given a second one
            if self._waiting is None and not self.runs:
                self._waiting = Run()
            return self._waiting or self.runs[-1]

    @property
    def training(self) -> bool:
        """Whether a fit is under way, or about to begin in another thread."""
        self._settle()
        session = self._session
        return self._expected or (session is not None and not session.run.over)

    @contextlib.contextmanager
    def _quiet(self) -> Iterator[bool]:
        """No fit of this Monitor begins here; whether none is under way, nor another of its latest model's."""
        if not self._beginning.acquire(blocking=False):
            yield False
            return
        try:
            yield not self.training and not trains_in_background(self._trained())
        finally:
            self._beginning.release()

    @property
    def _last_model(self) -> Any:
        """The model of the latest fit, if anyone still has it."""
        return self._trained()

    def _settle(self) -> None:
        session = self._session
        if session is not None:
            session.settle()

    def expect(self) -> None:
        """Show the board of a fit that is about to begin in another thread, under the cell that starts it."""
        with self._turn:
            self._waiting = self._waiting or Run()
            self._waiting.inbox = self._inbox
            self._expected = True
            if self._group is not None:
                self._group.join(self._waiting, self._keep_runs)
        attempt(self._waiting, "board", self._showing.open, self._waiting, self._keep_runs)

    def make_way(self) -> None:
        """Close a loop of this thread that was driven by hand and never ended: this thread is at something else now."""
        session = self._session
        if session is not None and session.by_hand and session.thread == get_ident():
            driver = session.callbacks()
            if driver is None or not is_calling(driver, current(1)):
                session.supersede(SUPERSEDED)

    def died(self, error: BaseException) -> None:
        """The fit under way on this thread raised ``error``; said by the code that called it and caught that."""
        self.left(error)

    def left(self, error: BaseException | None) -> None:
        """The fit that was expected is over; said on its thread, by the one that called it.

        Args:
            error: What it raised; None when it returned.
        """
        session = self._session
        if session is not None and session.thread == get_ident():
            if error is None:
                session.finish_regularly()
            else:
                session.finish_from(error)
            session.wait()
            return
        with self._turn:
            if not self._expected:  # a fit of another thread came first, and this one was not monitored
                return
            self._expected = False
            run, self._waiting = self._waiting or Run(), None
            self._add(run)
        run.finish("failed", UNCALLED if error is None else root_cause(error))
        run.inbox = None
        refuse_all(run, self._inbox, "training never began" if error is not None else UNCALLED)
        attempt(run, "board", run.changed)

    # -- a fit begins -------------------------------------------------------------------------------------------------

    def _begin(self, frame: FrameType) -> None:
        """``on_train_begin`` was called.

        Args:
            frame: Of the hook.
        """
        callbacks, fit = calling_list(self, frame), fit_frame(frame)
        model, params = self._named(callbacks)
        with self._beginning:
            if self._is_refused(callbacks, fit, frame):
                return
            super().set_model(model)
            super().set_params(params)
            self._record(model, params, callbacks, fit)

    def _named(self, callbacks: Any) -> tuple[Any, dict[str, Any]]:
        """The model and the parameters of the fit that begins: those of its list, or what Keras named last."""
        named = self._local.__dict__
        offered, told = named.pop("model", None), named.pop("params", None)
        own = getattr(callbacks, "__dict__", {})  # a list of the user's own is named its model once, and used again
        model = model_of_list(callbacks)
        if model is None and offered is not None:
            model = offered()
        params = own.get("params") or told or self.params
        if model is None:
            model = model_of_callback(self)
        return self._last_model if model is None else model, dict(params or {})

    def _is_refused(self, callbacks: Any, fit: FrameType | None, frame: FrameType) -> bool:
        """Whether another fit is under way, so that this one is not recorded; what is left of a dead one is closed."""
        old = self._session
        if old is None:
            return False
        if not old.alive:
            attempt(old.run, "on_train_begin", old.finish_from, None)
        elif old.thread != get_ident():
            return self._refuse(old, callbacks, fit, SECOND)
        else:
            same = old.by_hand if fit is None else old.is_of(fit)
            if fit is not None and not old.by_hand and not same:
                return self._refuse(old, callbacks, fit, NESTED)
            driver = old.callbacks()
            if driver is not None and driver is not callbacks and is_calling(driver, frame):
                return self._refuse(old, callbacks, fit, TWICE if same and fit is not None else NESTED)
            old.supersede(SUPERSEDED)
        old.wait()
        return False

    def _refuse(self, old: Session, callbacks: Any, fit: FrameType | None, why: str) -> bool:
        """Leave a fit unrecorded, and say so on the record of the one under way."""
        self._say(old.run, "callbacks" if why is TWICE else "fit", why)
        self._step_aside(callbacks, fit, "on_train_end")
        return True

    def _record(self, model: Any, params: dict[str, Any], callbacks: Any, fit: FrameType | None) -> None:
        self._inner = None
        self._after_fit.forget(NEXT_BEGAN)
        if callbacks is not None and self._loop_left() is callbacks:
            self._loop_left = _nothing
        with self._turn:
            run = self._waiting = self._waiting or Run()
        others = getattr(callbacks, "callbacks", None)
        resumed = attempt(run, "resume", self._keeping.resume, run, model, fit, params, others)
        with self._turn:
            self._waiting = None
            if not self._expected and self._inbox.waiting:  # came too late for the fit before
                refuse_all(run, self._inbox, "training ended first")
            self._add(run, numbered=bool(resumed))
        if self._group is not None:
            self._group.join(run, self._keep_runs)
        run.params = params
        if not resumed:
            run.start_clock()
        if not resumed or params.get("steps") is not None:
            run.batches_per_epoch = params.get("steps")
        session = None
        try:
            repeats = attempt(run, "callbacks", remove_repeats, callbacks, self)
            session = Session(run, model, self._inbox, callbacks, fit, self._options, self._ended)
            if repeats:
                self._say(run, "callbacks", TWICE)
        except Exception as error:
            run.failed("on_train_begin", error)
            run.finish("failed", f"training goes on, but cannot be recorded or steered: {first_line(error)}")
        except BaseException as error:  # Ctrl+C: no hook will come any more
            run.finish("interrupted" if isinstance(error, KeyboardInterrupt) else "failed", "before the first batch")
            self._expected = False
            attempt(run, "keep", self._keeping.finish, run)
            raise
        with self._turn:
            self._session, self._hook_state = session, None if session is None else session.hook_state
            self._expected = False  # not before: what another thread asks for meanwhile waits for the first batch
        if session is not None:
            attempt(run, "on_train_begin", session.begin)
        run.note_hook("on_train_begin", None)
        attempt(run, "on_train_begin", check_front_end, run)
        run.continues, self._trained = self._last_model is model, weak(model) or _nothing
        attempt(run, "keep", self._keeping.begin, run, model, fit, others)
        earlier, folder = self.runs[:-1], self._keeping.options.folder
        attempt(run, "baseline", baseline.begin, self._options.baseline, run, earlier, folder)
        attempt(run, "board", self._showing.open, run, self._keep_runs)

    def _keep_run(self, run: Record, folder: Path | None) -> str:
        """Keep a run from its first batch on; on the training thread where it is under way."""
        session = self._session
        callbacks = None if session is None else getattr(session.callbacks(), "callbacks", None)
        fit = None if session is None else fit_frame(current())
        return self._keeping.start(run, folder, self._trained(), fit, callbacks)

    def _add(self, run: Run, numbered: bool = False) -> None:
        """Make a run the current one, with the next number or its own. Called with the lock held."""
        before = self.runs[-1] if self.runs else None
        self._run_before = None if before is None else (before.epoch, before.step)
        self._numbers = max(run.number, self._numbers) if numbered else self._numbers + 1
        if not numbered:
            run.number, run.title = self._numbers, f"Run {self._numbers}"
        self.runs.append(run)
        if self._keep_runs is not None:
            del self.runs[: -self._keep_runs]

    def _ended(self, session: Session) -> None:
        with self._turn:
            if self._session is session:
                super().set_model(None)  # what is kept of a fit keeps no model alive; see `model`
                self._after_fit.keep(session.run, session.steering.kept_snapshots)
                self._session = self._hook_state = self._inner = None
                if session.may_go_on:
                    self._loop_left = session.callbacks
            elif session.steering.kept_snapshots is not None:  # the next fit did not wait for this end
                session.steering.kept_snapshots.forget(NEXT_BEGAN)
        attempt(session.run, "keep", self._keeping.finish, session.run)
        self._come_back()

    def _continue(self, run: Record, epoch: int) -> None:
        """A fit with ``initial_epoch`` that goes on where the run before it ended goes on counting steps."""
        last, step = self._run_before or (None, 0)
        if run.continues and last is not None and last + 1 == epoch:
            run.start_at(step)

    def _goes_on(self) -> bool:
        """Whether an epoch begins of a loop that was declared over: then it is a new run."""
        left = self._loop_left()
        if left is None or calling_list(self, current()) is not left:
            return False
        self._begin(current())
        return self._session is not None
