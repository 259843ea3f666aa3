"""Threads that may send to a browser."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable


def start(work: Callable[[], None], name: str) -> threading.Thread:
    """Run ``work`` on a daemon thread that shares its maker's context.

    ipykernel 7.0 keeps the running cell in a context variable, without which a widget's message cannot be sent.
    """
    context = contextvars.copy_context()
    thread = threading.Thread(target=lambda: context.run(work), name=name, daemon=True)
    thread.start()
    return thread
