"""Monitor: the one callback. Keras calls it; each hook is a few lines."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras

from . import kernel
from .commands import Command, Inbox, Reply, check_value
from .panels.showing import Showing
from .run import Run
from .session import Session, check_kernel, first_line
from .steering.helm import refuse_all

if TYPE_CHECKING:
    from .background import Fit
    from .panels.board import Board


def _guarded(hook: Callable[..., None]) -> Callable[..., None]:
    """Run a hook with its session, on the training thread only; whatever goes wrong becomes an event.

    Training is sacred: nothing of ours may end it. StopIteration would, silently: Keras takes it for the end of the
    data. KeyboardInterrupt passes.
    """

    def call(self: Monitor, *args: Any, **kwargs: Any) -> None:
        session = self._session
        if session is None or threading.get_ident() != session.thread:
            return
        try:
            hook(self, session, *args, **kwargs)
        except Exception as error:
            session.failed(hook.__name__, error)

    call.__name__, call.__doc__ = hook.__name__, hook.__doc__
    return call


class Monitor(keras.callbacks.Callback):  # type: ignore[misc]
    """Watch and steer ``fit`` from the notebook cell it runs in.

    Pass it to ``fit`` and a live board appears under the cell. Its controls reach the model while ``fit`` runs. Outside
    a notebook it records the run all the same, and shows a line of progress in a terminal.

    Args:
        display: Show the board when a fit begins. None: wherever there is a Jupyter kernel.

    Attributes:
        runs: Every run so far, oldest first; each ``fit`` is a new one.

    Raises:
        TypeError: ``display`` is not True, False or None.

    Example:
        >>> monitor = kcb.Monitor()
        >>> model.fit(x, y, epochs=20, callbacks=[monitor], verbose=0)
        >>> monitor.run.epochs  # a DataFrame
    """

    def __init__(self, *, display: bool | None = None) -> None:
        super().__init__()
        if display is not None and not isinstance(display, bool):
            msg = f"display must be True, False or None. Received: {display!r}"
            raise TypeError(msg)
        self.runs: list[Run] = []
        self._waiting: Run | None = None
        self._session: Session | None = None
        self._expected = False
        self._last_model: Any = None
        self._inbox = Inbox()
        self._showing = Showing(display)

    # -- what users call, from any thread -----------------------------------------------------------------------------

    @property
    def run(self) -> Run:
        """The current run, or the latest; before the first fit an empty one that the fit will fill."""
        if self._waiting is not None:
            return self._waiting
        if not self.runs:
            self._waiting = Run()
            return self._waiting
        return self.runs[-1]

    @property
    def board(self) -> Board:
        """The board of the current run. Show it again anywhere, any number of times."""
        return self._showing.board(self.run)

    def set(self, *, learning_rate: float) -> Reply:
        """Change the learning rate from the next batch on.

        Args:
            learning_rate: A finite number, not negative.

        Returns:
            A reply: ``.wait()`` returns the event that tells at which step it was applied, or why it was refused.

        Raises:
            TypeError: It is not a number.
            ValueError: It is negative, infinite or not a number.
        """
        return self._send(*check_value("learning_rate", learning_rate))

    def stop(self) -> Reply:
        """End the fit after the current batch. Keras still validates, and ``fit`` returns normally."""
        return self._send("stop", None)

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

    def _send(self, name: str, value: float | None) -> Reply:
        command, session = Command(name, value), self._session
        command.reply.pump = kernel.pump()
        command.reply.training_thread = session.thread if session is not None else None
        self._inbox.put(command)
        if not self.training:
            refuse_all(self.run, self._inbox, "nothing is training")
        return command.reply

    @property
    def training(self) -> bool:
        """Whether a fit is under way, or about to begin in another thread."""
        return self._session is not None or self._expected

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
            if self._session is not None:
                self._session.failed("on_train_begin", error)

    @_guarded
    def on_epoch_begin(self, session: Session, epoch: int, logs: Any = None) -> None:
        """An epoch begins."""
        run = session.run
        if run.epoch is None and epoch and len(self.runs) > 1:
            self._continue(run, self.runs[-2], epoch)
        run.begin_epoch(epoch)
        session.counts.begin_epoch()
        session.helm.look("LearningRateScheduler")
        session.service(time.perf_counter())

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch: what was asked for governs it."""
        if self._inbox.waiting:
            self._apply()

    @_guarded
    def _apply(self, session: Session) -> None:
        session.apply()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch: record it, and now and then let messages in and show what is new."""
        session = self._session
        if session is None or threading.get_ident() != session.thread:
            return
        try:
            if session.lag < 0:
                session.first_batch(batch)
            now = time.perf_counter()
            session.run.append(batch + session.lag, logs or {}, now)
            if now >= session.next_poll:
                session.service(now)
        except Exception as error:
            session.failed("on_train_batch_end", error)

    @_guarded
    def on_test_begin(self, session: Session, logs: Any = None) -> None:
        """Validation begins."""
        session.counts.settle()
        session.run.phase, session.run.test_batch = "validate", 0
        session.service(time.perf_counter())

    @_guarded
    def on_test_batch_end(self, session: Session, batch: int, logs: Any = None) -> None:
        """A validation batch is done."""
        session.run.test_batch = batch + 1
        now = time.perf_counter()
        if now >= session.next_poll:
            session.service(now)

    @_guarded
    def on_test_end(self, session: Session, logs: Any = None) -> None:
        """Validation is over."""
        run = session.run
        run.phase, run.test_batches = "train", run.test_batch or None

    @_guarded
    def on_epoch_end(self, session: Session, epoch: int, logs: Any = None) -> None:
        """An epoch ends, validation included."""
        session.counts.settle()
        session.helm.look("ReduceLROnPlateau")
        session.run.end_epoch(epoch, logs or {})
        session.service(time.perf_counter())

    @_guarded
    def on_train_end(self, session: Session, logs: Any = None) -> None:
        """The fit ended as it should."""
        session.finish_regularly()

    def _begin(self) -> None:
        frame, old = sys._getframe(2), self._session
        if old is not None:
            if old.alive and old.thread != threading.get_ident():
                old.run.add_event("warning", "fit", message="a second fit in another thread is not monitored")
                return
            old.finish_from(None)
        run, self._waiting, self._expected = self._waiting or Run(), None, False
        run.number = len(self.runs) + 1
        run.title = f"Run {run.number}"
        run.params = dict(self.params or {})
        run.batches_per_epoch = run.params.get("steps")
        run.start_clock()
        self.runs.append(run)
        self._session = session = Session(run, self._model, self._inbox, frame, self._ended)
        session.helm.look()
        check_kernel(run)
        self._last_model, last = self._model, self._last_model
        run.continues = last is self._model
        try:
            self._showing.open(run)
        except Exception as error:
            session.failed("board", error)

    def _ended(self, session: Session) -> None:
        if self._session is session:
            self._session = None

    @staticmethod
    def _continue(run: Run, previous: Run, epoch: int) -> None:
        """A fit with ``initial_epoch`` that goes on where the run before it ended goes on counting steps."""
        if run.continues and previous.epoch is not None and previous.epoch + 1 == epoch:
            run.first_step = run.step = previous.step
