"""marimo: notebooks with a kernel of their own, not Jupyter's. All that this package knows of it.

Its kernel runs cells and handles widgets' messages one after the other, and offers no way to handle some in between
(marimo-team/marimo#3508), so live controls need a fit in the background. Its threads must be ``marimo.Thread``: only
those may send and print, and they are told when their cell runs again (docs.marimo.io/api/outputs).

Importing this imports nothing of marimo; outside it every function says so, cheaply.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

REASON = "marimo handles messages when the cell has ended"


def here() -> bool:
    """Whether this thread belongs to a marimo notebook."""
    marimo = sys.modules.get("marimo")
    return marimo is not None and bool(marimo.running_in_notebook())


def busy() -> bool:
    """Whether this is the thread that runs cells, so that nothing comes in until it is done."""
    return here() and not isinstance(threading.current_thread(), sys.modules["marimo"].Thread)


def is_cancelled(thread: threading.Thread) -> bool:
    """Whether the cell that started a thread was run again or deleted, so that its work is no longer wanted."""
    return bool(getattr(thread, "should_exit", False))


def thread(work: Callable[[], None], name: str) -> threading.Thread:
    """A thread that may send to the browser; not started."""
    made: threading.Thread = sys.modules["marimo"].Thread(target=work, name=name, daemon=True)
    return made


def cell() -> str | None:
    """Which run of which cell this is; None where marimo has hidden that elsewhere."""
    try:
        from marimo._messaging.context import RUN_ID_CTX  # type: ignore[import-not-found,unused-ignore]
        from marimo._runtime.context import get_context  # type: ignore[import-not-found,unused-ignore]

        execution = get_context().execution_context
        return None if execution is None else f"{execution.cell_id} {RUN_ID_CTX.get()}"
    except (ImportError, AttributeError, LookupError):
        return None


def show(widget: Any) -> None:
    """Put a widget under the running cell."""
    sys.modules["marimo"].output.append(widget)
