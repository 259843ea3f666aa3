"""Panels that are not in the board's own code: their code and their data go to a page that asks for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..commands.validation import text
from ..record.fit_curves import collect
from ..record.fit_group import FitGroup
from ..record.record import Record
from . import class_payload

if TYPE_CHECKING:
    from ..record import wire

STATIC = Path(__file__).parent.parent / "static"
MODULES = ("fits", "classes")
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

    def ask(self, view: str, content: dict[str, Any], run: Record) -> None:
        """A page asks; only its latest question of a kind is answered."""
        if content["kind"] == "classes":
            run.insights.asked = time.monotonic()
        if len(self._waiting) < MAX_WAITING:
            self._waiting[view, str(content["kind"])] = content

    def answer(self, run: Record) -> None:
        """Answer those that wait.

        Args:
            run: The run on the board.
        """
        while self._waiting:
            (view, kind), content = self._waiting.popitem()
            if kind == "module":
                self._send_module(view, text(content.get("name")))
            elif (request := _request(content)) is None:
                continue
            elif kind == "classes":
                epoch, cell = content.get("epoch"), content.get("cell")
                self._send(class_payload.reply(run.insights, run.over, view, request, epoch, cell))
            elif run.group is not None:
                self._send_fits(view, request, text(content.get("metric")), run.group)

    def _send_module(self, view: str, name: str) -> None:
        if name not in MODULES:
            return
        code, style = (_read(f"{name}.{kind}") for kind in ("js", "css"))
        reply: wire.ModuleReply = {"kind": "module", "view": view, "name": name, "code": code, "style": style}
        self._send(reply)

    def _send_fits(self, view: str, request: int, asked: str, group: FitGroup) -> None:
        known = group.metrics()
        if not known:
            return
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


def _request(content: dict[str, Any]) -> int | None:
    """A question's number; None where it has none."""
    number = content.get("request")
    return number if isinstance(number, int) and not isinstance(number, bool) and abs(number) < 2**53 else None
