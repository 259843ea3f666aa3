"""Where outputs land in a notebook, and when they are cleared there: ``clear_output()`` says so to nobody."""

from __future__ import annotations

import logging
import sys
import weakref
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

_watchers: list[weakref.WeakMethod[Callable[[str], None]]] = []


def place(shell: Any) -> str:
    """What tells the place that outputs of this thread land in now from others; empty where there is none.

    Args:
        shell: IPython's shell, or None.
    """
    header = getattr(getattr(shell, "display_pub", None), "parent_header", None)
    request = header.get("msg_id") if isinstance(header, dict) else None
    if not isinstance(request, str) or not request:
        return ""
    return " ".join([request, *sorted(_capturing())])


def on_clear_output(shell: Any, callback: Callable[[str], None]) -> None:
    """Call a method back with the place, each time that one is cleared. It is referred to weakly.

    Args:
        shell: IPython's shell, or None.
        callback: A bound method.
    """
    publisher = getattr(shell, "display_pub", None)
    if publisher is None:
        return
    _watchers[:] = [each for each in _watchers if each() is not None]
    if not any(each() == callback for each in _watchers):
        _watchers.append(weakref.WeakMethod(callback))
    before = publisher.clear_output
    if getattr(before, "tells_kcb_widgets", False):
        return

    def clear_output(*args: Any, **kwargs: Any) -> Any:
        here = place(shell)
        result = before(*args, **kwargs)
        for each in list(_watchers):
            watcher = each()
            if watcher is not None and here:
                try:
                    watcher(here)
                except Exception:  # it is the user's call
                    log.exception("What was cleared could not be noted")
        return result

    clear_output.tells_kcb_widgets = True  # type: ignore[attr-defined]
    publisher.clear_output = clear_output


def _capturing() -> list[str]:
    """The ids of the ``Output`` widgets that take the outputs of now, so that those land in them."""
    package = sys.modules.get("ipywidgets")
    if package is None:
        return []
    module: Any = sys.modules.get("ipywidgets.widgets.widget")
    instances = getattr(module, "_instances", None)
    if instances is None:  # ipywidgets 7
        instances = package.Widget.widgets
    return [str(key) for key, each in list(instances.items()) if isinstance(each, package.Output) and each.msg_id]
