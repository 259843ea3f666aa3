"""Shows what is new from a thread of its own, so that the training thread pays for a signal and not for a picture."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..kernel import threads

MIN_INTERVAL_S = 0.1  # seconds between pictures, at least
# And this many times as long as the last one took: the thread never takes more of Python's time than that.
MIN_INTERVAL_RATIO = 50
UNWATCHED_INTERVAL_S = 1.0
URGENT_INTERVAL_RATIO = 10  # times as long as the last one took, for the answer to what a person has just asked


class RefreshThread:
    """Calls ``show`` on a daemon thread, when there is something to show and enough time has passed.

    The interpreter runs one thread at a time, but TensorFlow, JAX and torch let others run while they compute.

    Args:
        show: What to call. It must not raise.
    """

    def __init__(self, show: Callable[[], None]) -> None:
        self._show = show
        self._news, self._delay = False, 0.0
        self._urgent, self._over = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def request(self, urgent: bool = False, delay: float = 0.0) -> None:
        """There is news. Returns at once; calls that come before the next picture share it.

        Args:
            urgent: A user waits for it. Otherwise the thread wakes by itself, as waking it costs more than a batch.
            delay: Seconds to begin later by, if it is not at work already.
        """
        self._news, self._delay = True, delay or self._delay
        if self._thread is None:
            self._thread = threads.start(self._work, "kcb-push")
        if urgent:
            self._urgent.set()

    def end(self) -> None:
        """No picture comes after this returns, unless one takes longer than two seconds."""
        self._over.set()
        self._urgent.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2.0)

    def _work(self) -> None:
        while True:
            while not (self._news or self._over.is_set()):
                self._urgent.wait(MIN_INTERVAL_S)
                self._urgent.clear()  # news is noted before
            if self._over.is_set():
                return
            delay, self._delay = self._delay, 0.0
            if delay:
                self._over.wait(delay)
            self._urgent.clear()
            self._news = False
            began = time.perf_counter()
            self._show()
            took = time.perf_counter() - began
            soon, late = (
                max(0.0, min(UNWATCHED_INTERVAL_S, least) - took)
                for least in (took * URGENT_INTERVAL_RATIO, max(MIN_INTERVAL_S, took * MIN_INTERVAL_RATIO))
            )
            self._over.wait(soon)
            self._urgent.wait(late - soon)
