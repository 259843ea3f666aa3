"""Threads, locks and exceptions, where Python has no public name for what is asked."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any


def running(thread: threading.Thread, ident: int) -> bool:
    """Tell whether a thread has not ended.

    Python cannot tell of a thread that it did not start; the interpreter lists those that it has a state for.

    Relies on: ``threading._DummyThread`` and ``sys._current_exceptions``, for threads that Python did not start.
    """
    return ident in sys._current_exceptions() if isinstance(thread, threading._DummyThread) else thread.is_alive()


def handled(thread: int) -> BaseException | None:
    """Return the exception that a thread is handling right now.

    Relies on: ``sys._current_exceptions``, which gives a tuple on Python 3.11 and an exception later. Without one a
    fit that dies counts as interrupted.
    """
    seen: Any = sys._current_exceptions().get(thread)
    if isinstance(seen, tuple):  # Python 3.11
        seen = seen[1]
    return seen if isinstance(seen, BaseException) else None


def runs_threads_at_once() -> bool:
    """Tell whether this Python has no lock that lets one thread run at a time.

    Relies on: ``sys._is_gil_enabled``, which Python has since 3.13. Without it there is such a lock.
    """
    return not getattr(sys, "_is_gil_enabled", lambda: True)()


def free_in_child(lock: Any) -> None:
    """Have a lock free in a process that is forked off: the thread that holds it is not there.

    Relies on: ``Lock._at_fork_reinit``. Without it a process that is forked off while the lock is held may wait for
    ever.
    """
    renew = getattr(lock, "_at_fork_reinit", None)
    if renew is not None and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=renew)
