"""Notice when a ``fit`` dies: Keras calls no hook after an exception or an interrupt, so it is watched."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any

from ..keras_internals.frames import executing, lightest
from ..keras_internals.interpreter import handled, running
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
        look: Called at each look while ``fit`` runs; only a weak reference is kept of a method's owner. It must not
            raise.
    """

    def __init__(
        self,
        frame: FrameType | None,
        gone: Callable[[BaseException | None], None],
        callbacks: Any = None,
        look: Callable[[], None] = lambda: None,
    ) -> None:
        self._frame = None if frame is None else lightest(frame)
        self._by_hand = frame is None
        self._callbacks = weak(callbacks) if self._by_hand else None
        self._thread = threading.current_thread()
        self._ident = threading.get_ident()
        self._over = threading.Event()
        # A weak reference: a Monitor that nobody holds any more must not be kept alive by its watch.
        self._gone = weakref.WeakMethod(gone) if hasattr(gone, "__self__") else (lambda: gone)
        self._also = weakref.WeakMethod(look) if hasattr(look, "__self__") else (lambda: look)
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
            also = self._also()
            if also is not None:
                also()
            del also  # or the wait for the next look would keep its owner alive


def weak(thing: Any) -> Callable[[], Any] | None:
    """A weak reference; None for nothing, and for what cannot be referred to weakly."""
    try:
        return None if thing is None else weakref.ref(thing)
    except TypeError:
        return None
