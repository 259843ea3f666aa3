"""Teller: calls the user's ``on_alert`` on a thread of its own, one alert after the other."""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from ..kernel import threads
from ..record.record import Record
from ..steering.user_controls import call
from .alert import Alert

MAX_WAITING = 50
EXIT_TIMEOUT_S = 10.0  # seconds that the end of Python waits for what is still to be told

_working: weakref.WeakSet[Teller] = weakref.WeakSet()


class Teller:
    """Has a thread as long as there is something to tell. Any thread may add to it.

    Args:
        function: The user's; called with the alert and the run, or with fewer if it takes fewer.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._waiting: deque[tuple[Alert, Record]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._full = False

    def tell(self, alert: Alert, run: Record) -> None:
        """Tell of an alert, soon; what waits is bounded, and what is too much is left out, which an event says."""
        with self._changed:
            if len(self._waiting) >= MAX_WAITING:
                if not self._full:
                    message = f"on_alert is slow: {MAX_WAITING} alerts wait for it, and more are left out"
                    run.add_event("warning", "on_alert", message=message)
                self._full = True
                return
            self._full = False
            self._waiting.append((alert, run))
            if self._thread is None or not self._thread.is_alive():  # a fork leaves threads behind
                _working.add(self)
                self._thread = threads.start(self._work, "kcb-alerts")

    def wait(self, timeout: float) -> bool:
        """Wait until all is told; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._thread is None, timeout)

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._waiting:
                    self._thread = None
                    self._changed.notify_all()
                    return
                alert, run = self._waiting.popleft()
            try:
                call(self._function, alert, run)
            except Exception as error:
                run.failed("on_alert", error)


@atexit.register
def _finish() -> None:
    """The thread is a daemon: a script that ends right after its fit must not take the last message with it."""
    until = time.monotonic() + EXIT_TIMEOUT_S
    for teller in list(_working):
        teller.wait(max(until - time.monotonic(), 0.0))
