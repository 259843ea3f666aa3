"""More epochs than ``fit`` was told.

Keras counts epochs with ``for epoch in range(initial_epoch, epochs)``, and no callback can change a range. A debugger
can: Python lets a trace function set a frame's variables and the line that runs next. So when the last epoch has ended
and more are wanted, ``fit`` is sent back to that line, once, with a later ``initial_epoch`` and ``epochs``. Nothing is
traced before or after. https://docs.python.org/3/reference/datamodel.html#frame-objects
"""

from __future__ import annotations

import ast
import inspect
import logging
import sys
import textwrap
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any

log = logging.getLogger(__name__)

Trouble = Callable[[str], None]


class EpochExtension:
    """Sends one call of ``fit`` back to its loop over epochs.

    Args:
        frame: The frame of ``fit``; None where there is none that could be found. Only its identity is kept.
        told: How many epochs ``fit`` was told to train.
        callbacks: Keras's ``CallbackList``; the others are told of the new number.
        trouble: Called with a reason when it could not be done after all.
    """

    def __init__(self, frame: FrameType | None, told: int, callbacks: Any, trouble: Trouble) -> None:
        self.told = told
        self._id = None if frame is None else id(frame)
        self._code = None if frame is None else frame.f_code
        self._callbacks, self._trouble = callbacks, trouble
        self._line: int | None = None
        self._looked = False

    def why_not(self) -> str:
        """Why there can be no more epochs; empty when there can."""
        if not self._looked:
            self._looked = True
            self._line = None if self._code is None else epoch_loop(self._code)
        return "" if self._line is not None else "this version of Keras has no loop over epochs that could be extended"

    def announce(self, epochs: int) -> None:
        """Tell Keras's other callbacks, the progress bar above all."""
        for callback in getattr(self._callbacks, "callbacks", None) or []:
            if isinstance(getattr(callback, "params", None), dict) and "epochs" in callback.params:
                callback.params["epochs"] = epochs
            if type(callback).__name__ == "ProgbarLogger":
                callback.epochs = epochs

    def at_end_of(self, epoch: int, epochs: int) -> None:
        """Called in ``on_epoch_end``: go on if Keras would end here and ``epochs`` are wanted."""
        if epoch + 1 < self.told or epochs <= epoch + 1 or self.why_not():
            return
        frame = self._frame()
        if frame is None:
            self._trouble("fit could not be found again")
            return
        self._send_back(frame, epoch + 1, epochs)

    def _frame(self) -> FrameType | None:
        frame: FrameType | None = sys._getframe()
        while frame is not None and not (id(frame) == self._id and frame.f_code is self._code):
            frame = frame.f_back
        return frame

    def _send_back(self, frame: FrameType, epoch: int, epochs: int) -> None:
        others, other = sys.gettrace(), frame.f_trace

        def done() -> None:
            frame.f_trace = other
            sys.settrace(others)

        def trace(traced: FrameType, event: str, _: Any) -> Any:
            if traced is not frame or event != "line":
                return trace if traced is frame else None
            try:
                assert self._line is not None
                traced.f_locals.update(initial_epoch=epoch, epochs=epochs)
                jump(traced, self._line)
                self.told = epochs
            except Exception as error:  # Python would not: fit ends as it was told
                log.exception("fit could not be sent on")
                self._trouble(str(error))
            finally:
                done()
            return None

        frame.f_trace = trace
        sys.settrace(trace)


def jump(frame: FrameType, line: int) -> None:
    """Set the line that a frame runs next; only a trace function of that frame may.

    Python >= 3.12 warns of local variables that have no value yet and sets them to None. ``fit`` sets its own again
    before it reads them, and where warnings are errors, this one would forbid the jump.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "assigning None to", RuntimeWarning)
        frame.f_lineno = line  # type: ignore[misc]  # a debugger may


def epoch_loop(code: Any) -> int | None:
    """The line of ``for epoch in range(initial_epoch, epochs)``; None where there is no such line."""
    try:
        lines, first = inspect.getsourcelines(code)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return None
    found = [
        node.lineno + first - 1
        for node in ast.walk(tree)
        if isinstance(node, ast.For) and ast.unparse(node.iter) == "range(initial_epoch, epochs)"
    ]
    return found[0] if len(found) == 1 else None
