"""Notice when a ``fit`` dies: Keras calls no hook after an exception or an interrupt, so it is watched."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any

from ..kernel import threads

CHECK_INTERVAL_S = 0.05  # seconds; a look costs less than a microsecond


class FitWatchdog:
    """Watches one call of ``fit`` from a daemon thread, or a loop that calls a ``CallbackList`` by hand.

    A loop has no frame that ends with it for sure: a helper may call its hooks and return. It is over for certain when
    its thread has ended, or when its list of callbacks is in nobody's hands any more.

    Args:
        frame: The frame of ``fit``, let go when the call is over, or at the next look. None for a loop.
        gone: Called once, on the watching thread, when the fit is over; gets the exception that was being handled on
            its thread, if one was seen.
        callbacks: The loop's ``CallbackList``; only a weak reference is kept. None where it is not known.
    """

    def __init__(
        self, frame: FrameType | None, gone: Callable[[BaseException | None], None], callbacks: Any = None
    ) -> None:
        self._frame = None if frame is None else lightest(frame)
        self._by_hand = frame is None
        self._callbacks = weak(callbacks) if self._by_hand else None
        self._thread = threading.current_thread()
        self._ident = threading.get_ident()
        self._over = threading.Event()
        # A weak reference: a Monitor that nobody holds any more must not be kept alive by its watch.
        self._gone = weakref.WeakMethod(gone) if hasattr(gone, "__self__") else (lambda: gone)
        threads.start(self._look, "kcb-watch")

    @property
    def alive(self) -> bool:
        """Whether the call is still running, as far as is watched."""
        if self._by_hand:
            held = self._callbacks is None or self._callbacks() is not None
            return held and not self._over.is_set() and running(self._thread, self._ident)
        frame = self._frame
        return frame is not None and executing(frame)

    def is_of(self, fit: FrameType) -> bool:
        """Whether this call of ``fit`` is the one that is watched."""
        return self._frame is not None and self._frame is lightest(fit)

    def end(self) -> None:
        """Stop watching: the fit ended as it should."""
        self._over.set()
        self._frame = None

    def _look(self) -> None:
        while not self._over.wait(CHECK_INTERVAL_S):
            if not self.alive:
                self._frame = None
                error = None if self._by_hand else handled(self._ident)  # a loop's thread may be at something else
                call = self._gone()
                if call is not None and not self._over.is_set():
                    call(error)
                return


def weak(thing: Any) -> Callable[[], Any] | None:
    """A weak reference; None for nothing, and for what cannot be referred to weakly."""
    try:
        return None if thing is None else weakref.ref(thing)
    except TypeError:
        return None


def running(thread: threading.Thread, ident: int) -> bool:
    """Whether a thread has not ended."""
    # Python cannot tell of a thread that it did not start; the interpreter lists those that it has a state for.
    return ident in sys._current_exceptions() if isinstance(thread, threading._DummyThread) else thread.is_alive()


def executing(frame: FrameType) -> bool:
    """Whether a call has not ended yet; of any thread's, and without a look at its stack.

    While a call runs, what its frame holds belongs to the interpreter and the garbage collector is shown none of it;
    when it has ended and somebody still has the frame, all of it is the frame's own, its code among it (CPython's
    ``frame_traverse``; so on 3.11, 3.12 and 3.13). Going through the other thread's stack by ``f_back`` instead can
    crash the process: on 3.11 each step may set off a garbage collection, which may let the other thread run on and
    leave the frame that is just being read.
    """
    code = frame.f_code
    return not any(held is code for held in gc.get_referents(frame))


def lightest(frame: FrameType) -> FrameType:
    """The frame to hold: Keras's wrapper around ``fit``, which ends with it.

    Held for a moment after an exception, that keeps the arguments in memory and not all that ``fit`` had made, which
    whoever tries again with smaller batches may need.
    """
    caller = frame.f_back
    return caller if caller is not None and caller.f_code.co_name == "error_handler" else frame


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
