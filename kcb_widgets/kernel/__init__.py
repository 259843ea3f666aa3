"""The Jupyter kernel: let browser messages in while `fit` runs, know how they came, and notice a cell's end.

While a cell runs, its kernel does not look at widget messages. Front ends and kernels have answers that work for some:
JupyterLab sends them to subshells, which ipykernel has since 7.0, but 7.4 routes a widget's messages back to the busy
main thread; ipykernel 6, Voila, VS Code and Colab have no subshells; and no subshell carries the requests with which a
reloaded page asks for its widgets. So the training thread pumps the queue itself, see `_pump.py`. Where a message
comes by a subshell all the same, it is handled there; handlers must not care.

Importing this module imports nothing of Jupyter, and outside a kernel every function here does nothing, cheaply.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Callable
from typing import Any, Literal

from . import _ipykernel_patch, _marimo, _outputs, _source
from ._message_thread import MessageThread
from ._pump import Pump

__all__ = [
    "Pump",
    "append",
    "arrival",
    "blocking",
    "cell",
    "disown",
    "fit_begins",
    "ipykernel_version",
    "listen",
    "notebook",
    "on_cell_end",
    "on_clear_output",
    "output_place",
    "own",
    "patch",
    "pump",
    "self_test",
    "source",
    "when_idle",
    "where",
]

log = logging.getLogger(__name__)

_owned: set[str] = set()
_pump: Pump | None = None
_message_thread: MessageThread | None = None
_trained = False
_not_mended = ""


def where() -> Literal["kernel", "marimo", "terminal", "script"]:
    """Whether this is a Jupyter kernel, a marimo notebook, an IPython terminal or plain Python."""
    if _marimo.here():
        return "marimo"
    shell = _shell()
    if shell is None:
        return "script"
    return "terminal" if getattr(shell, "kernel", None) is None else "kernel"


def notebook() -> bool:
    """Whether there are cells and pages here, so that a board can be shown: a Jupyter kernel or marimo."""
    return where() in ("kernel", "marimo")


def pump() -> Pump:
    """The pump of this process's kernel. Keep the result while a run lasts: this looks the kernel up each time."""
    global _pump
    kernel = getattr(_shell(), "kernel", None)
    if _pump is None or _pump.kernel is not kernel:
        _pump = Pump(kernel, _owned)
        if kernel is None and where() == "marimo":
            _pump.reason = _marimo.REASON
    return _pump


def listen() -> tuple[Callable[[], None], str]:
    """Have the messages of owned comms come in while a fit trains in the background, whatever other cells run.

    Returns:
        A function that ends it; and why another cell keeps them waiting all the same, empty where none does.
    """
    global _message_thread
    if where() == "marimo":
        return (lambda: None), _marimo.REASON
    kernel = getattr(_shell(), "kernel", None)
    if _message_thread is None or _message_thread.kernel is not kernel:
        _message_thread = MessageThread(kernel, _owned)
    return _message_thread.start(), _message_thread.reason


def self_test(timeout: float = 0.5) -> bool:
    """Prove that messages get in while a cell runs, by sending one; see `Pump.self_test`."""
    return pump().self_test(timeout)


def own(comm_id: str) -> None:
    """Have this comm's messages handled in mid-cell. Messages of all owned comms stay in their order.

    They overtake what else is waiting, such as a cell that was queued before. Messages of other comms wait for the end
    of the cell, as they would without us: their handlers may expect that. An empty id is ignored.

    Example:
        >>> own(board.comm.comm_id)
    """
    if comm_id:
        _owned.add(comm_id)
        pump().quieten(comm_id)
        _mend_or_not()


def disown(comm_id: str) -> None:
    """Treat this comm like any other again. Unknown ids are ignored."""
    _owned.discard(comm_id)
    pump().restore(comm_id)
    _mend_or_not()


def fit_begins() -> None:
    """A Monitor's fit begins in this process: from now on a kernel that may stop hearing is patched for its boards."""
    global _trained
    _trained = True
    _mend_or_not()


def patch() -> str:
    """Whether this kernel is patched, and why, in a clause; empty outside ipykernel. See ``_ipykernel_patch.py``."""
    kernel, version = getattr(_shell(), "kernel", None), ipykernel_version()
    if version is None:
        return ""
    if not _ipykernel_patch.faulty(kernel, version):
        return f"none: ipykernel {version} needs none"
    fault = f"ipykernel {version} may stop hearing the page, which 7.4 does not"
    if _ipykernel_patch.mended(kernel):
        return f"applied, while a board is there: {fault}; {_ipykernel_patch.SWITCH}=1 in its environment turns it off"
    if _ipykernel_patch.switched_off():
        return f"turned off by {_ipykernel_patch.SWITCH}, although {fault}"
    if _not_mended:
        return f"could not be applied ({_not_mended}), although {fault}"
    prevented = f"{_ipykernel_patch.SWITCH}=1 in the kernel's environment prevents it"
    return f"applied when a fit with a board begins, as {fault}; {prevented}"


def _mend_or_not() -> None:
    """Have the patch in place while it is needed: a fit was begun, a board is there, and the kernel has the fault."""
    global _not_mended
    kernel = getattr(_shell(), "kernel", None)
    try:
        if not _trained or not _owned or _ipykernel_patch.switched_off():
            _ipykernel_patch.unmend(kernel)
        elif _ipykernel_patch.faulty(kernel, ipykernel_version()):
            _ipykernel_patch.mend(kernel)
    except Exception as error:  # an ipykernel that is not as we know it
        log.warning("The kernel could not be patched", exc_info=True)
        _not_mended = f"{type(error).__name__}: {error}"


def arrival() -> Literal["pump", "subshell", "main", ""]:
    """How the message that is being handled on this thread came in.

    Returns:
        "pump" inside `Pump.poll`, "subshell" on another thread than the main one, "main" on the main thread of an idle
        kernel, marimo's too, and an empty string outside a kernel.
    """
    if where() != "kernel":
        return "main" if where() == "marimo" else ""
    if threading.current_thread() is not threading.main_thread():
        return "subshell"
    return "pump" if pump().delivering else "main"


def blocking() -> bool:
    """Whether what runs on this thread keeps all else waiting: cells and clicks, or the rest of a script."""
    return _marimo.busy() if where() == "marimo" else threading.current_thread() is threading.main_thread()


def append(widget: Any) -> None:
    """In marimo: put a widget under the running cell, or the one that started this thread."""
    _marimo.show(widget)


def on_cell_end(callback: Callable[[BaseException | None], None]) -> Callable[[], None]:
    """Call back each time that a cell ends, with the exception that ended it or None.

    Returns:
        A function that stops it. Outside IPython both do nothing.
    """
    shell = _shell()
    if shell is None:
        return lambda: None

    def ended(result: Any) -> None:
        error = sys.exc_info()[1]  # An `async` cell that was cancelled has no result, only this.
        if result is not None:
            error = result.error_in_exec if result.error_before_exec is None else result.error_before_exec
        callback(error)

    def stop() -> None:
        with contextlib.suppress(ValueError):
            shell.events.unregister("post_run_cell", ended)

    shell.events.register("post_run_cell", ended)
    return stop


def when_idle(work: Callable[[], None]) -> bool:
    """Have the main thread do something between two cells.

    Args:
        work: What to do. What it raises is logged by the event loop.

    Returns:
        Whether there is a kernel that will.
    """
    loop = getattr(getattr(_shell(), "kernel", None), "io_loop", None)
    if loop is None:
        return False
    loop.add_callback(work)
    return True


def on_clear_output(callback: Callable[[str], None]) -> None:
    """Call a bound method back with the place, each time that ``clear_output()`` clears one; see ``output_place``.

    The method is referred to weakly. Outside of a Jupyter kernel nothing is cleared.
    """
    if where() == "kernel":
        _outputs.on_clear_output(_shell(), callback)


def output_place() -> str:
    """What tells the place where outputs land now from others: the running cell, or an ``Output`` widget in it."""
    return _outputs.place(_shell()) if where() == "kernel" else ""


def cell() -> int | str | None:
    """What tells the running cell from others: in IPython the number in its brackets; None where there are no cells."""
    if where() == "marimo":
        return _marimo.cell()
    # Not `execution_count`: IPython 9 already counts on at the start of a cell, earlier versions at its end.
    cells = getattr(getattr(_shell(), "history_manager", None), "input_hist_parsed", None)
    return len(cells) - 1 if isinstance(cells, list) else None


def source() -> str:
    """The text of the running cell, or of the script; empty where it cannot be known, as in marimo."""
    return "" if where() == "marimo" else _source.source(_shell())


def ipykernel_version() -> str | None:
    """The version of ipykernel that runs this kernel, or None outside one."""
    version = getattr(sys.modules.get("ipykernel"), "__version__", None)
    return version if isinstance(version, str) and where() == "kernel" else None


def _shell() -> Any:
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return None if get_ipython is None else get_ipython()
