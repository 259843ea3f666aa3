"""The loop over epochs in Keras's ``fit``: where it is, and how a running call is sent back to it.

Keras counts epochs with ``for epoch in range(initial_epoch, epochs)``, and no callback can change a range. A debugger
can: Python lets a trace function set a frame's variables and the line that runs next.
https://docs.python.org/3/reference/datamodel.html#frame-objects
"""

from __future__ import annotations

import ast
import inspect
import logging
import sys
import textwrap
import warnings
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

log = logging.getLogger(__name__)


def epoch_loop(code: Any) -> int | None:
    """Find the line of ``for epoch in range(initial_epoch, epochs)``.

    Relies on: this line in Keras's source, once. This is the check of it too: without the line ``epochs`` can be set
    no higher than ``fit`` was told, and the control says so.

    Returns:
        The line; None where there is no such line, or several.
    """
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


def send_back(
    frame: FrameType,
    line: int,
    variables: Mapping[str, Any],
    sent: Callable[[], None],
    failed: Callable[[Exception], None],
) -> None:
    """Have a call of this thread's stack go on at another line, as soon as it runs again. Traced until then only.

    Relies on: ``sys.settrace``, ``f_trace``, a writable ``f_lineno``, and that ``f_locals`` can be written to in a
    trace function. Where Python refuses, ``failed`` gets its reason and the call goes on as it would have.

    Args:
        frame: The frame of the call.
        line: The line that it runs next.
        variables: Its local variables to set before.
        sent: Called when that is done.
        failed: Called with the exception when it could not be done.
    """
    others, other = sys.gettrace(), frame.f_trace

    def done() -> None:
        frame.f_trace = other
        sys.settrace(others)

    def trace(traced: FrameType, event: str, _: Any) -> Any:
        if traced is not frame or event != "line":
            return trace if traced is frame else None
        try:
            traced.f_locals.update(variables)
            jump(traced, line)
            sent()
        except Exception as error:  # Python would not; the caller says so
            log.debug("a call could not be sent to line %s", line, exc_info=True)
            failed(error)
        finally:
            done()
        return None

    frame.f_trace = trace
    sys.settrace(trace)


def jump(frame: FrameType, line: int) -> None:
    """Set the line that a frame runs next; only a trace function of that frame may.

    Python >= 3.12 warns of local variables that have no value yet and sets them to None. ``fit`` sets its own again
    before it reads them, and where warnings are errors, this one would forbid the jump.

    Relies on: a writable ``f_lineno``.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "assigning None to", RuntimeWarning)
        frame.f_lineno = line  # type: ignore[misc]  # a debugger may
