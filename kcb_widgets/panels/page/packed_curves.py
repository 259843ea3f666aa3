"""The curves of many runs as float32, one after the other, as ``js/src/page/compared_curves.js`` reads them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...record.chunk import Floats
from ...store.reader import NotARunFile
from ..comparison import curves
from ..comparison.curves import ROW_AXES, Rows
from ..comparison.members import Member
from .document import dumped

log = logging.getLogger(__name__)

MOST = 1000  # points of a curve
LEAST = 60
CLOCK = ROW_AXES.index("clock")
Found = dict[str, list[tuple[str, Rows]]]  # by a run's id, its curves by name


class PackedCurves:
    """Curves, as many as there is room for.

    Args:
        room: Bytes, of base64 and JSON.
        most: Points of a curve.

    Attributes:
        most: Points of a curve that there is room for.
        described: Of each run its tables, and of each table where its axes and curves begin; by its id.
        thinned: Points that a curve has at most; 0: all are whole.
    """

    def __init__(self, room: int, most: int = MOST) -> None:
        self._room = room
        self._parts: list[bytes] = []
        self._size = 0
        self.most = most
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
        while self.most >= 2 * LEAST and self._size_of(found) > self._room:
            self.most //= 2
            found = {id_: [(n, curves.thinned(rows, self.most)) for n, rows in each] for id_, each in found.items()}
        without: list[str] = []
        while found and self._size_of(found) > self._room:
            without += list(found)[len(found) // 2 :]
            found = dict(list(found.items())[: len(found) // 2])
        self._put(found)
        return [member.id for member in members if member.id in set(without)]

    def add(self, members: Sequence[Member], metric: str) -> bool:
        """Add the curves of another metric, of the same runs; whether there was room for them."""
        found = self._read([member for member in members if member.id in self.described], metric)
        left = self._room - self._size * 4 // 3 - len(dumped(self.described))
        if self._size_of(found) > left:
            return False
        self._put(found)
        return True

    def _read(self, members: Sequence[Member], metric: str) -> Found:
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
                    each.append((name, _thinned(rows, self.most)))
            found[member.id] = each
        return found

    def _size_of(self, found: Found) -> int:
        """Bytes that these take at most, as base64 and with what is said of them."""
        size = 0
        for id_, each in found.items():
            size += 100 + len(id_)
            for name, rows in each:
                axes = 0 if self._known(self.described.get(id_, []), rows.x) else len(ROW_AXES)
                columns = axes + 1 + (not _is_even(rows.weight))
                size += 4 * columns * len(rows.y) * 4 // 3 + len(dumped(name)) + 160
        return size

    def _put(self, found: Found) -> None:
        for id_, each in found.items():
            tables = self.described.setdefault(id_, [])
            for name, rows in each:
                table = self._table_of(tables, rows.x)
                table["curves"][name] = {"y": self._append(rows.y), "weight": self._append_weight(rows.weight)}
                if len(rows.y) < self._lengths[id_, name]:
                    self.thinned = self.most

    def _table_of(self, tables: list[dict[str, Any]], x: Floats) -> dict[str, Any]:
        """The table whose curves have these places; most of a run's curves have the same."""
        known = self._known(tables, x)
        if known is not None:
            return known
        base, raw = _packed(x)
        made = {"length": x.shape[1], "clock": base, "part": len(self._parts), "x": self._append_raw(raw), "curves": {}}
        tables.append(made)
        return made

    def _known(self, tables: list[dict[str, Any]], x: Floats) -> dict[str, Any] | None:
        base, raw = _packed(x)
        same = (each for each in tables if each["length"] == x.shape[1] and each["clock"] == base)
        return next((each for each in same if self._parts[each["part"]] == raw), None)

    def _append(self, values: Floats) -> int:
        with np.errstate(over="ignore"):
            return self._append_raw(values.astype(np.float32).tobytes())

    def _append_weight(self, weight: Floats) -> int | list[float]:
        """Where the weights are; where all but the last are the same, these two."""
        if _is_even(weight):
            return [float(weight[0]), float(weight[-1])]
        return self._append(weight)

    def _append_raw(self, raw: bytes) -> int:
        """Keep bytes; returns the number of the first float in them."""
        self._parts.append(raw)
        self._size += len(raw)
        return (self._size - len(raw)) // 4


def _thinned(rows: Rows, most: int) -> Rows:
    """The same in at most so many points; halved as the first metric was, so that both have the same places."""
    at = MOST
    while at >= most:
        rows = curves.thinned(rows, at)
        at //= 2
    return rows


def _packed(x: Floats) -> tuple[float, bytes]:
    """Places as float32, which has not the digits for a date: the first is given by itself."""
    base = float(x[CLOCK, 0]) if np.isfinite(x[CLOCK, 0]) else 0.0
    places = x.copy()
    places[CLOCK] -= base
    return base, places.astype(np.float32).tobytes()


def _is_even(weight: Floats) -> bool:
    return bool((weight[:-1] == weight[0]).all())
