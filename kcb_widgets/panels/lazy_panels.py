"""Panels that are not in the board's own code: their code and their data go to a page that asks for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..commands.validation import text
from ..record.fit_curves import collect
from ..record.fit_group import FitGroup

if TYPE_CHECKING:
    from ..record import wire

STATIC = Path(__file__).parent.parent / "static"
MODULES = ("fits",)
MAX_WAITING = 50
MAX_DRAWN = 100  # fits whose curves are sent; the mean is of all


class LazyPanels:
    """Answers pages that ask for such a panel. Any thread may ask; the one that sends answers.

    Args:
        send: Sends a message with its buffers.
    """

    def __init__(self, send: Callable[..., None]) -> None:
        self._send = send
        self._waiting: dict[tuple[str, str], dict[str, Any]] = {}

    def ask(self, view: str, content: dict[str, Any]) -> None:
        """A page asks; only its latest question of a kind is answered."""
        if len(self._waiting) < MAX_WAITING:
            self._waiting[view, str(content["kind"])] = content

    def answer(self, group: FitGroup | None) -> None:
        """Answer those that wait.

        Args:
            group: The fits that belong with the one on the board.
        """
        while self._waiting:
            (view, kind), content = self._waiting.popitem()
            if kind == "module":
                self._send_module(view, text(content.get("name")))
            elif group is not None:
                self._send_fits(view, content, group)

    def _send_module(self, view: str, name: str) -> None:
        if name not in MODULES:
            return
        code, style = (_read(f"{name}.{kind}") for kind in ("js", "css"))
        reply: wire.ModuleReply = {"kind": "module", "view": view, "name": name, "code": code, "style": style}
        self._send(reply)

    def _send_fits(self, view: str, content: dict[str, Any], group: FitGroup) -> None:
        request, known = content.get("request"), group.metrics()
        if not isinstance(request, int) or isinstance(request, bool) or abs(request) > 2**53 or not known:
            return
        asked = text(content.get("metric"))
        metric = asked if asked in known else known[0]
        found = collect(group, metric)
        lines = [found.x, *found.values[-MAX_DRAWN:], found.mean, found.low, found.high, found.there]
        reply: wire.FitsReply = {
            "kind": "fits",
            "view": view,
            "request": request,
            "metric": metric,
            "metrics": known,
            "axis": "epoch" if found.by_epoch else "step",
            "points": len(found.x),
            "fits": [each.number for each in found.fits[-MAX_DRAWN:]],
        }
        with np.errstate(over="ignore"):
            self._send(reply, [np.concatenate([np.asarray(line, np.float32) for line in lines]).tobytes()])


def _read(name: str) -> str:
    path = STATIC / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""
