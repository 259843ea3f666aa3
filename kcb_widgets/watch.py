"""Notice when a ``fit`` dies: Keras calls no hook after an exception or an interrupt, so its frame is watched."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any

from . import threads

EVERY = 0.05  # seconds; a look costs about a microsecond


class Watch:
    """Watches one call of ``fit`` from a daemon thread.

    Args:
        frame: The frame of ``fit``; no reference to it is kept.
        gone: Called once, on the watching thread, when the frame is no longer on its thread's stack; gets the exception
            that was being handled there, if one was seen.
    """

    def __init__(self, frame: FrameType, gone: Callable[[BaseException | None], None]) -> None:
        self._frame, self._code = id(frame), frame.f_code
        self._thread = threading.get_ident()
        self._over = threading.Event()
        # A weak reference: a Monitor that nobody holds any more must not be kept alive by its watch.
        self._gone = weakref.WeakMethod(gone) if hasattr(gone, "__self__") else (lambda: gone)
        threads.start(self._look, "kcb-watch")

    @property
    def alive(self) -> bool:
        """Whether the call is still running."""
        frame: FrameType | None = sys._current_frames().get(self._thread)
        while frame is not None:
            if id(frame) == self._frame and frame.f_code is self._code:
                return True
            frame = frame.f_back
        return False

    def end(self) -> None:
        """Stop watching: the fit ended as it should."""
        self._over.set()

    def _look(self) -> None:
        while not self._over.wait(EVERY):
            if not self.alive:
                error = handled(self._thread)
                call = self._gone()
                if call is not None and not self._over.is_set():
                    call(error)
                return


def handled(thread: int) -> BaseException | None:
    """The exception a thread is handling right now."""
    seen: Any = sys._current_exceptions().get(thread)
    if isinstance(seen, tuple):  # Python 3.11
        seen = seen[1]
    return seen if isinstance(seen, BaseException) else None


def fit_frame(frame: FrameType | None) -> FrameType | None:
    """The nearest frame of a function called ``fit``, from ``frame`` outwards."""
    while frame is not None and frame.f_code.co_name != "fit":
        frame = frame.f_back
    return frame
