"""Threads that may send to a browser, and are told when nobody waits for them any more."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable

from . import _marimo


def is_cancelled(thread: threading.Thread | None = None) -> bool:
    """Whether a thread's work is no longer wanted, or this one's: marimo says so when its cell runs again."""
    return _marimo.is_cancelled(thread or threading.current_thread())


def start(work: Callable[[], None], name: str) -> threading.Thread:
    """Run ``work`` on a daemon thread that shares its maker's context.

    ipykernel 7.0 keeps the running cell in a context variable, without which a widget's message cannot be sent.
    """
    if _marimo.here():
        thread = _marimo.thread(work, name)
    else:
        context = contextvars.copy_context()
        thread = threading.Thread(target=lambda: context.run(work), name=name, daemon=True)
    thread.start()
    return thread
