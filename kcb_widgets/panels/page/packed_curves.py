"""The curves of many runs as float32, one after the other, as ``js/src/page/compared_curves.js`` reads them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...record.chunk import Floats
from ...store.reader import NotARunFile
from ..comparison import curves
from ..comparison.curves import AXES, Rows
from ..comparison.members import Member
from .document import dumped

log = logging.getLogger(__name__)

MOST = 1000  # points of a curve
LEAST = 60
CLOCK = AXES.index("clock")


class PackedCurves:
    """Curves, as many as there is room for.

    Args:
        room: Bytes, of base64 and JSON.

    Attributes:
        described: Of each run its tables, and of each table where its axes and curves begin; by its id.
        thinned: Points that a curve has at most; 0: all are whole.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._parts: list[bytes] = []
        self._size = 0
        self._most = MOST
        self._lengths: dict[tuple[str, str], int] = {}  # of the curves before they were thinned
        self.described: dict[str, list[dict[str, Any]]] = {}
        self.thinned = 0

    @property
    def raw(self) -> bytes:
        """All of them."""
        return b"".join(self._parts)

    def add_first(self, members: Sequence[Member], metric: str) -> list[str]:
        """Add the curves of a metric, as fine as there is room for; returns the ids of runs for which there is none.

        Args:
            members: The runs; of those that come first the curves are kept.
            metric: Its name; its validation comes with it.
        """
        found = self._read(members, metric)
        while self._most >= 2 * LEAST and _size(found) > self._room:
            self._most //= 2
            found = {id_: [(name, curves.thinned(rows, self._most)) for name, rows in each]
                     for id_, each in found.items()}  # fmt: skip
        without: list[str] = []
        while found and _size(found) > self._room:
            without += list(found)[len(found) // 2 :]
            found = dict(list(found.items())[: len(found) // 2])
        self._put(found)
        return [member.id for member in members if member.id in set(without)]

    def add(self, members: Sequence[Member], metric: str) -> bool:
        """Add the curves of another metric, of the same runs; whether there was room for them."""
        found = self._read([member for member in members if member.id in self.described], metric)
        used = self._size * 4 // 3 + len(dumped(self.described))
        if used + _size(found) > self._room:
            return False
        self._put(found)
        return True

    def _read(self, members: Sequence[Member], metric: str) -> dict[str, list[tuple[str, Rows]]]:
        names = [metric] if metric.startswith("val_") else [metric, f"val_{metric}"]
        found = {}
        for member in members:
            try:
                run = member.run()
            except (NotARunFile, OSError) as error:
                log.info("%s cannot be drawn: %s", member.id, error)
                continue
            each = []
            for name in names:
                rows = curves.rows(run, name)
                if len(rows.y):
                    self._lengths[member.id, name] = len(rows.y)
                    each.append((name, curves.thinned(rows, self._most)))
            found[member.id] = each
        return found

    def _put(self, found: dict[str, list[tuple[str, Rows]]]) -> None:
        for id_, each in found.items():
            tables = self.described.setdefault(id_, [])
            for name, rows in each:
                table = self._table_of(tables, rows.x)
                table["curves"][name] = {"y": self._append(rows.y), "weight": self._append_weight(rows.weight)}
                if len(rows.y) < self._lengths[id_, name]:
                    self.thinned = self._most

    def _table_of(self, tables: list[dict[str, Any]], x: Floats) -> dict[str, Any]:
        """The table whose curves have these places; most of a run's curves have the same."""
        places = x.copy()
        base = float(places[CLOCK, 0])
        places[CLOCK] -= base  # float32 has not the digits for a date
        raw = places.astype(np.float32).tobytes()
        for table in tables:
            if table["length"] == x.shape[1] and table["clock"] == base and self._parts[table["part"]] == raw:
                return table
        made = {"length": x.shape[1], "clock": base, "part": len(self._parts), "x": self._append_raw(raw), "curves": {}}
        tables.append(made)
        return made

    def _append(self, values: Floats) -> int:
        with np.errstate(over="ignore"):
            return self._append_raw(values.astype(np.float32).tobytes())

    def _append_weight(self, weight: Floats) -> int | list[float]:
        """Where the weights are; where all but the last are the same, these two."""
        if (weight[:-1] == weight[0]).all():
            return [float(weight[0]), float(weight[-1])]
        return self._append(weight)

    def _append_raw(self, raw: bytes) -> int:
        """Keep bytes; returns the number of the first float in them."""
        self._parts.append(raw)
        self._size += len(raw)
        return (self._size - len(raw)) // 4


def _size(found: dict[str, list[tuple[str, Rows]]]) -> int:
    """Bytes that these take at most, as base64 and with what is said of them."""
    size = 0
    for id_, each in found.items():
        size += 100 + len(id_)
        size += sum(4 * (len(AXES) + 2) * len(rows.y) * 4 // 3 + len(dumped(name)) + 120 for name, rows in each)
    return size
