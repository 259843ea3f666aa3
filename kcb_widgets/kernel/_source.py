"""The source of what runs: the text of the cell, or of the script that this process was started with."""

from __future__ import annotations

import logging
import sys
import tokenize
from typing import Any

MAX_SOURCE = 200_000  # characters
CUT = "\n# … the rest was not kept: it is longer than {} characters\n"

log = logging.getLogger(__name__)


def source(shell: Any) -> str:
    """The text as it was typed, magics and all; empty where it cannot be known.

    Args:
        shell: IPython's shell; None where there is none.
    """
    found = _of_script() if shell is None else _of_message(shell) or _of_history(shell)
    return found if len(found) <= MAX_SOURCE else found[:MAX_SOURCE] + CUT.format(MAX_SOURCE)


def _of_message(shell: Any) -> str:
    """The cell of the request that a Jupyter kernel carries out: it is there for cells that no history has, too."""
    parent = getattr(getattr(shell, "kernel", None), "get_parent", None)
    if parent is None:
        return ""
    try:
        message = parent("shell")
        code = message["content"]["code"] if message["header"]["msg_type"] == "execute_request" else ""
    except Exception:  # a kernel that is not as we know it
        log.debug("The running cell's message cannot be read", exc_info=True)
        return ""
    return code if isinstance(code, str) else ""


def _of_history(shell: Any) -> str:
    """The newest cell in IPython's history, which is put there before it runs."""
    cells = getattr(getattr(shell, "history_manager", None), "input_hist_raw", None)
    newest = cells[-1] if isinstance(cells, list) and cells else ""
    return newest if isinstance(newest, str) else ""


def _of_script() -> str:
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    if not isinstance(path, str):  # typed at a prompt, or given to `python -c`
        return ""
    try:
        with tokenize.open(path) as file:  # in the encoding that it declares
            return file.read(MAX_SOURCE + 1)
    except (OSError, SyntaxError, UnicodeDecodeError):
        log.debug("%s cannot be read", path, exc_info=True)
        return ""
