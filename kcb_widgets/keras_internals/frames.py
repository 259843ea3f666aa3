"""Frames of Python's stack: find the call of ``fit``, know it again, read its variables, and tell whether it runs."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from types import CodeType, FrameType
from typing import Any

log = logging.getLogger(__name__)


def current(above: int = 0) -> FrameType:
    """Return the frame of the function that calls this.

    Relies on: ``sys._getframe``, which CPython and PyPy have. Without it nothing can be recorded.

    Args:
        above: How many callers further out.
    """
    return sys._getframe(above + 1)


def fit_frame(frame: FrameType | None) -> FrameType | None:
    """Find the nearest frame of a function called ``fit``, from ``frame`` outward.

    Relies on: ``f_back``, and the name of Keras's method. Without it a fit counts as a loop driven by hand.
    """
    while frame is not None and frame.f_code.co_name != "fit":
        frame = frame.f_back
    return frame


def lightest(frame: FrameType) -> FrameType:
    """Return the frame to hold: Keras's wrapper around ``fit``, which ends with it.

    Held for a moment after an exception, that keeps the arguments in memory and not all that ``fit`` had made, which
    whoever tries again with smaller batches may need.

    Relies on: the name ``error_handler`` in ``keras.src.utils.traceback_utils``. Without it the frame of ``fit`` is
    held.
    """
    caller = frame.f_back
    return caller if caller is not None and caller.f_code.co_name == "error_handler" else frame


def executing(frame: FrameType) -> bool:
    """Tell whether a call has not ended yet; of any thread's, and without a look at its stack.

    While a call runs, what its frame holds belongs to the interpreter and the garbage collector is shown none of it;
    when it has ended and somebody still has the frame, all of it is the frame's own, its code among it (CPython's
    ``frame_traverse``; so on 3.11, 3.12 and 3.13). Going through the other thread's stack by ``f_back`` instead can
    crash the process: on 3.11 each step may set off a garbage collection, which may let the other thread run on and
    leave the frame that is just being read.

    Relies on: ``gc.get_referents`` of a frame, which ``can_tell_ends`` checks once. Without it every call counts as
    running, so that a fit that dies is noticed only when the next one begins.
    """
    return _holds_nothing(frame) or not can_tell_ends()


@cache
def can_tell_ends() -> bool:
    """Tell whether this interpreter shows that a call has ended; checked once, on a call that ends."""
    frame, ran = _ended_call()
    known = ran and not _holds_nothing(frame)
    if not known:
        log.warning("This Python does not show whether a call has ended: fits that die are not noticed")
    return known


def _ended_call() -> tuple[FrameType, bool]:
    frame = sys._getframe()
    return frame, _holds_nothing(frame)


def _holds_nothing(frame: FrameType) -> bool:
    code = frame.f_code
    return not any(held is code for held in gc.get_referents(frame))


class Call:
    """Knows a call again on its own thread's stack. Keeps no frame: that would keep alive all that ``fit`` made.

    Relies on: ``sys._getframe``, ``f_back`` and ``f_code``.

    Args:
        frame: The frame of the call.

    Attributes:
        code: What it runs.
    """

    def __init__(self, frame: FrameType) -> None:
        self.code = frame.f_code
        self._id = id(frame)

    def find(self) -> FrameType | None:
        """Find its frame; None where it is not on this thread's stack."""
        frame: FrameType | None = sys._getframe()
        while frame is not None and not (id(frame) == self._id and frame.f_code is self.code):
            frame = frame.f_back
        return frame


def variables(frame: FrameType | None) -> Mapping[str, Any]:
    """Return the local variables of a call; none where no frame was found.

    Relies on: ``f_locals``. What is read from it is named in ``fit``: ``epoch_iterator``, and arguments.
    """
    return {} if frame is None else frame.f_locals


def first_argument(frame: FrameType) -> Any:
    """Return what a call was given first, which is ``self`` in a method.

    Relies on: ``f_locals``, and that a function's arguments come first in ``co_varnames``.
    """
    code = frame.f_code
    return frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None


def locals_named(name: str, frame: FrameType | None, codes: frozenset[CodeType], until: CodeType) -> Iterator[Any]:
    """Read one local variable of each call of some functions, the innermost first.

    Relies on: ``f_back``, ``f_code`` and ``f_locals``.

    Args:
        name: The variable.
        frame: Where to begin; the search goes outward.
        codes: The code of the functions.
        until: The code of a function at whose call the search ends.
    """
    while frame is not None and frame.f_code is not until:
        if frame.f_code in codes:
            yield frame.f_locals[name]
        frame = frame.f_back
