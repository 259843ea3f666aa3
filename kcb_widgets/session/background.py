"""Fit in a background thread: the notebook stays usable, and the board's controls need no kernel trick at all."""

from __future__ import annotations

import logging
import threading
import time
from threading import current_thread
from typing import Any, Protocol

from .. import kernel
from ..commands import Reply
from ..kernel import threads

log = logging.getLogger(__name__)

_training: dict[int, Fit] = {}
_lock = threading.Lock()
STOP_TIMEOUT_S = 10.0  # seconds that a new fit waits for one that is at its end


def trains_in_background(model: Any) -> bool:
    """Whether a background fit of this model is under way, under whichever Monitor."""
    fit = _training.get(id(model))
    return fit is not None and fit._model is model and fit.running


class Watcher(Protocol):
    """What a fit needs of the Monitor that watches it."""

    @property
    def training(self) -> bool:
        """Whether a fit is under way."""

    @property
    def run(self) -> Any:
        """The record of the fit under way, or of the last."""

    @property
    def board(self) -> Any:
        """The board of that run."""

    def make_way(self) -> None:
        """Close a loop of this thread that was driven by hand and never ended."""

    def expect(self) -> None:
        """A fit is about to begin."""

    def left(self, error: BaseException | None) -> None:
        """``model.fit`` has returned, or raised."""

    def stop(self) -> Reply:
        """End the fit after the current batch."""


class Fit:
    """A fit that runs in the background. Made by ``Monitor.fit``.

    Attributes:
        history: What ``model.fit`` returned (Keras's History); None until it ends, or if it failed.
        exception: What ``model.fit`` raised, if it did.
    """

    def __init__(self, monitor: Watcher, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.history: Any = None
        self.exception: BaseException | None = None
        self._monitor, self._model = monitor, model
        self._done, self._thread = threading.Event(), current_thread()
        callbacks = kwargs.pop("callbacks", None) or []
        callbacks = list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
        if monitor not in callbacks:
            callbacks.append(monitor)
        monitor.make_way()
        self._follow(monitor, model)
        with _lock:
            other = _training.get(id(model))
            if other is not None and other.running:
                msg = "this model is training in the background already; wait() for that fit, or stop() it, first"
                raise RuntimeError(msg)
            if monitor.training or any(fit._monitor is monitor and fit.running for fit in _training.values()):
                msg = "this Monitor is watching another fit; use a second Monitor, or wait for that fit"
                raise RuntimeError(msg)
            _training[id(model)] = self
        monitor.expect()
        kwargs.setdefault("verbose", 0)  # Keras's own progress would print into whatever cell ran last
        all_kwargs = {**kwargs, "callbacks": callbacks}
        self._thread = threads.start(lambda: self._work(args, all_kwargs), "kcb-fit")

    @staticmethod
    def _follow(monitor: Watcher, model: Any) -> None:
        """Wait for the other fit of the model or the Monitor to leave, where it is about to.

        Its run is over and seen to be so a moment before ``model.fit`` returns: who presses "Train" then means it. One
        whose cell was run again is stopped.
        """
        for other in list(_training.values()):
            if (other._model is not model and other._monitor is not monitor) or other._thread is current_thread():
                continue
            if threads.is_cancelled(other._thread):
                other.stop()
            elif other._monitor.training:
                continue
            other._done.wait(STOP_TIMEOUT_S)

    def _work(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        try:
            self.history = self._model.fit(*args, **kwargs)
        except BaseException as error:  # it is handed to the user, by wait() and .exception
            log.debug("A fit in the background ended with an exception", exc_info=True)
            self.exception = error
        try:
            self._monitor.left(self.exception)
        finally:
            with _lock:
                _training.pop(id(self._model), None)
            self._done.set()

    @property
    def running(self) -> bool:
        """Whether it still trains."""
        return not self._done.is_set()

    def stop(self) -> Reply:
        """End it after the current batch."""
        return self._monitor.stop()

    def wait(self, timeout: float | None = None) -> Any:
        """Wait for the end; the board stays live meanwhile.

        Args:
            timeout: Seconds; None waits for ever.

        Returns:
            Keras's History.

        Raises:
            TimeoutError: It still trains.
            BaseException: Whatever ``model.fit`` raised.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._done.wait(0.02):
            kernel.pump().poll()
            if deadline is not None and time.monotonic() > deadline:
                msg = f"the fit still runs after {timeout} s"
                raise TimeoutError(msg)
        if self.exception is not None:
            raise self.exception
        return self.history

    def _display_(self) -> Any:
        """In marimo the value of a cell takes the place of all that was shown before: the board, then."""
        return self._monitor.board

    def __repr__(self) -> str:
        state = "running" if self.running else ("failed" if self.exception else "finished")
        return f"<Fit: {state}, {self._monitor.run!r}>"
