"""Monitor: the one callback. Keras calls it; each hook is a few lines."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from threading import get_ident
from time import perf_counter
from typing import TYPE_CHECKING, Any

import keras

from . import kernel
from .commands import Command, Inbox, Reply, Value
from .events import first_line
from .panels.showing import Showing
from .remote import Remote
from .run import Run
from .session import Session, check_place
from .steering.attempt import attempt
from .steering.bridge import Options
from .steering.control import Control
from .steering.guard import Guard
from .steering.helm import refuse_all
from .steering.snapshots import Snapshots
from .tap import Tap

if TYPE_CHECKING:
    from .background import Fit
    from .panels.board import Board


def _guarded(hook: Callable[..., None]) -> Callable[..., None]:
    """Run a hook with its session, on the training thread only; whatever goes wrong becomes an event.

    Training is sacred: nothing of ours may end it. StopIteration would, silently: Keras takes it for the end of the
    data. KeyboardInterrupt passes.
    """
    noted = hook.__name__.startswith("on_") and "batch" not in hook.__name__

    def call(self: Monitor, *args: Any, **kwargs: Any) -> None:
        session = self._session
        if (session is None and not noted) or (session is not None and get_ident() != session.thread):
            return
        try:
            logs = kwargs.get("logs", args[-1] if args else None)
            if session is None:  # evaluate or predict outside of any fit, or a fit that cannot be recorded
                self._outside(hook.__name__, logs)
                return
            if noted:
                session.spent.note(hook.__name__, logs)
            hook(self, session, *args, **kwargs)
        except Exception as error:
            (self.run if session is None else session.run).failed(hook.__name__, error)

    call.__name__, call.__doc__ = hook.__name__, hook.__doc__
    return call


class Monitor(Remote, keras.callbacks.Callback):  # type: ignore[misc]
    """Watch and steer ``fit`` from the notebook cell it runs in.

    Pass it to ``fit`` and a live board appears under the cell. Its controls reach the model while ``fit`` runs. Outside
    a notebook it records the run all the same, and shows a line of progress in a terminal.

    Args:
        display: Show the board when a fit begins. None: in notebooks.
        paused: Begin paused, before the first batch. Where nobody is there to resume it, training goes on.
        snapshots: Which snapshots are taken by themselves, and how many are kept; none by themselves by default.
        guard: What to do when a metric is NaN or leaps; nothing by default.
        evaluate_on: Data for ``evaluate``, in place of ``fit``'s validation data.
        save_to: The folder that ``save`` and the board's Save write to.

    Attributes:
        runs: Every run so far, oldest first; each ``fit`` is a new one.

    Raises:
        TypeError: An argument is of the wrong kind.

    Example:
        >>> monitor = kcb.Monitor()
        >>> model.fit(x, y, epochs=20, callbacks=[monitor], verbose=0)
        >>> monitor.run.epochs  # a DataFrame
    """

    def __init__(
        self,
        *,
        display: bool | None = None,
        paused: bool = False,
        snapshots: Snapshots | None = None,
        guard: Guard | None = None,
        evaluate_on: Any = None,
        save_to: str | PathLike[str] = ".",
    ) -> None:
        Remote.__init__(self)
        keras.callbacks.Callback.__init__(self)
        for name, value, kind in (
            ("paused", paused, bool),
            ("snapshots", snapshots, Snapshots),
            ("guard", guard, Guard),
            ("save_to", save_to, (str, PathLike)),
        ):
            if value is not None and not isinstance(value, kind):  # type: ignore[arg-type]
                what = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
                msg = f"{name} must be a {what}. Received: {value!r}"
                raise TypeError(msg)
        if display is not None and not isinstance(display, bool):
            msg = f"display must be True, False or None. Received: {display!r}"
            raise TypeError(msg)
        self.runs: list[Run] = []
        self._waiting: Run | None = None
        self._turn = threading.Lock()
        self._session: Session | None = None
        self._tap: Tap | None = None
        self._expected = False
        self._last_model: Any = None
        self._inbox = Inbox()
        own = (self._triggers, self._policies, self)
        self._options = Options(bool(paused), snapshots or Snapshots(), guard, evaluate_on, Path(save_to), *own)
        self._showing = Showing(display)

    # -- what users call, from any thread -----------------------------------------------------------------------------

    def __deepcopy__(self, memo: Any) -> Monitor:
        """Itself: it is what people look at, and tuners copy their callbacks for every trial."""
        return self

    @property
    def run(self) -> Run:
        """The current run, or the latest; before the first fit an empty one that the fit will fill."""
        with self._turn:  # a thread that looks for the run while a fit begins must not be given a second one
            if self._waiting is None and not self.runs:
                self._waiting = Run()
            return self._waiting or self.runs[-1]

    @property
    def board(self) -> Board:
        """The board of the current run. Show it again anywhere, any number of times."""
        return self._showing.board(self.run)

    def fit(self, model: Any, *args: Any, **kwargs: Any) -> Fit:
        """Train in a background thread, so that the notebook stays usable.

        Args:
            model: The model to train.
            *args: As for ``model.fit``.
            **kwargs: As for ``model.fit``; ``verbose`` is 0 unless given.

        Returns:
            A handle with ``wait()``, ``stop()``, ``history`` and ``exception``.

        Raises:
            RuntimeError: This model, or this Monitor, is training already.
        """
        from .background import Fit

        return Fit(self, model, args, kwargs)

    @property
    def controls(self) -> list[str]:
        """The names that ``set`` takes in the fit under way; empty when nothing trains."""
        session = self._session
        return [] if session is None else list(session.bridge.helm.controls)

    def _control(self, name: str) -> Control | None:
        session = self._session
        if session is None:
            return None
        controls = session.bridge.helm.controls
        if name not in controls:
            msg = f"there is no control of this name; there are {', '.join(controls)}. Received: {name!r}"
            raise ValueError(msg)
        return controls[name]

    def _send(self, commands: Sequence[tuple[str, Value]]) -> Reply:
        session, reply = self._session, Reply(len(commands))
        reply.pump = kernel.pump()
        source = "python"
        if session is not None:
            reply.training_thread = session.thread
            if get_ident() == session.thread:
                source = session.bridge.speaking
        for name, value in commands:
            self._inbox.put(Command(name, value, source, reply=reply))
        if not self.training:
            refuse_all(self.run, self._inbox, "nothing is training")
        return reply

    def _send_news(self) -> None:
        run = self.run
        self._triggers.tell(run)
        run.changed()

    @property
    def training(self) -> bool:
        """Whether a fit is under way, or about to begin in another thread."""
        session = self._session
        return self._expected or (session is not None and not session.run.over)

    def expect(self) -> None:
        """Show the board of a fit that is about to begin in another thread, under the cell that starts it."""
        self._waiting = self._waiting or Run()
        self._waiting.inbox = self._inbox
        self._expected = True
        self._showing.open(self._waiting)

    def died(self, error: BaseException) -> None:
        """The fit under way raised ``error``; said by whoever called it and caught that."""
        if self._session is not None:
            self._session.finish_from(error)
        elif self._expected:  # it never came to training: wrong arguments, say
            self._expected, run = False, self.run
            self._waiting = None
            self.runs.append(run)
            run.finish("failed", first_line(error))
            refuse_all(run, self._inbox, "training never began")
            run.changed()

    # -- hooks --------------------------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Any = None) -> None:
        """A fit begins: a new run."""
        try:
            self._begin()
        except Exception as error:
            self.run.failed("on_train_begin", error)

    @_guarded
    def on_epoch_begin(self, session: Session, epoch: int, logs: Any = None) -> None:
        """An epoch begins."""
        run = session.run
        if run.epoch is None and epoch and len(self.runs) > 1:
            self._continue(run, self.runs[-2], epoch)
        run.begin_epoch(epoch)
        session.bridge.helm.rates.ahead()
        session.counts.begin_epoch()
        if session.bridge.lookout is not None:
            session.bridge.lookout.begin_epoch()
        session.bridge.helm.look("LearningRateScheduler")
        session.service(perf_counter())
        session.begin_epoch()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch: what was asked for governs it."""
        tap = self._tap
        if tap is None:
            return
        if tap.alert or tap.waiting:
            self._before_batch()
        now = perf_counter()
        if now >= tap.look:
            self._look_at_data(batch)
            now = perf_counter()
        tap.began = now

    @_guarded
    def _before_batch(self, session: Session) -> None:
        session.before_batch()

    @_guarded
    def _look_at_data(self, session: Session, batch: int) -> None:
        session.look_at_data(batch)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch: note it, and now and then record all of them, let messages in and show what is new."""
        tap = self._tap
        if tap is None or get_ident() != tap.thread:
            return
        try:
            now = perf_counter()
            tap.step += now - tap.began
            weights = None if tap.weigh is None else tap.weigh(logs or {})
            tap.put((batch, logs.copy() if logs else {}, now, weights))  # a copy: other callbacks may add to them
            if (now >= tap.due or tap.waiting or not batch & 127) and self._session is not None:
                self._session.attend(logs or {}, now)
        except Exception as error:
            self.run.failed("on_train_batch_end", error)

    @_guarded
    def on_test_begin(self, session: Session, logs: Any = None) -> None:
        """Validation begins."""
        session.counts.settle()
        run = session.run
        run.pace.rest(run.seconds, run.step)
        run.phase, run.test_batch = "validate", 0
        session.service(perf_counter())

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """A batch of validation, or of ``evaluate``, is done."""
        self._count("test", logs)
        if self._session is not None:
            self._test_batch(batch)

    @_guarded
    def _test_batch(self, session: Session, batch: int) -> None:
        session.test_batch(batch)

    @_guarded
    def on_test_end(self, session: Session, logs: Any = None) -> None:
        """Validation is over."""
        run = session.run
        run.phase, run.test_batches = "train", run.test_batch or None
        run.pace.begin(run.seconds, run.step)

    @_guarded
    def on_epoch_end(self, session: Session, epoch: int, logs: Any = None) -> None:
        """An epoch ends, validation included. No step takes another with it."""
        run = session.run
        attempt(run, "on_epoch_end", session.counts.settle)
        attempt(run, "learning_rate", session.bridge.helm.look, "ReduceLROnPlateau")
        attempt(run, "on_epoch_end", run.end_epoch, epoch, logs or {})
        attempt(run, "on_epoch_end", session.service, perf_counter())
        session.epoch_ends(epoch, logs or {})

    @_guarded
    def on_train_end(self, session: Session, logs: Any = None) -> None:
        """The fit ended as it should."""
        session.train_ends()

    @_guarded
    def on_predict_begin(self, session: Session, logs: Any = None) -> None:
        """``predict`` begins."""

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """A batch of ``predict`` is done."""
        self._count("predict", logs)

    @_guarded
    def on_predict_end(self, session: Session, logs: Any = None) -> None:
        """``predict`` is over."""

    def _count(self, phase: str, logs: Any) -> None:
        session = self._session
        if session is not None and get_ident() != session.thread:
            return
        hooks = (self.run if session is None else session.run).hooks
        hooks.batches[phase] += 1
        if phase in hooks.fresh and isinstance(logs, dict):
            hooks.keyed(phase, logs)

    def _outside(self, name: str, logs: Any = None) -> None:
        self.run.note_hook(name, logs)
        if name.endswith("_end"):
            self.run.changed()

    def _begin(self) -> None:
        frame, old = sys._getframe(2), self._session
        if old is not None:
            if old.alive and old.thread != get_ident():
                old.run.add_event("warning", "fit", message="a second fit in another thread is not monitored")
                return
            self._try(old.run, "on_train_begin", old.finish_from, None)
        with self._turn:
            run, self._waiting = self._waiting or Run(), None
            self.runs.append(run)
        run.number = len(self.runs)
        run.title = f"Run {run.number}"
        run.params = dict(self.params or {})
        run.batches_per_epoch = run.params.get("steps")
        run.start_clock()
        session = None
        try:
            session = Session(run, self._model, self._inbox, frame, self._options, self._ended)
        except Exception as error:
            run.failed("on_train_begin", error)
            run.finish("failed", f"training goes on, but cannot be recorded or steered: {first_line(error)}")
        self._session, self._tap = session, None if session is None else session.tap
        self._expected = False  # not before: what another thread asks for meanwhile waits for the first batch
        if session is not None:
            self._try(run, "on_train_begin", session.begin)
        run.note_hook("on_train_begin", None)
        self._try(run, "on_train_begin", check_place, run)
        self._last_model, last = self._model, self._last_model
        run.continues = last is self._model
        self._try(run, "board", self._showing.open, run)

    @staticmethod
    def _try(run: Run, where: str, step: Callable[..., None], *arguments: Any) -> None:
        """One step of a beginning: if it fails, the others are taken all the same."""
        try:
            step(*arguments)
        except Exception as error:
            run.failed(where, error)

    def _ended(self, session: Session) -> None:
        if self._session is session:
            self._session = self._tap = None

    @staticmethod
    def _continue(run: Run, previous: Run, epoch: int) -> None:
        """A fit with ``initial_epoch`` that goes on where the run before it ended goes on counting steps."""
        if run.continues and previous.epoch is not None and previous.epoch + 1 == epoch:
            run.start_at(previous.step)
