"""Readings: the numbers of one run that rules ask for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from ..record.chunk import MISSING
from ..record.record import Record
from ..record.table import Table
from ..record.values import python
from .reckoning import Term
from .rule import COUNTERS, MAX_COUNT

WINDOW = MAX_COUNT + 1  # values that are looked back on
OWN = "batch_"  # what the names of batches' own values begin with, as in ``run.batches``

Column = deque[float | None]


class _Latest(NamedTuple):
    """The latest rows of the batches, as they were read.

    Attributes:
        rows: How many rows there were.
        most: How many of them were to be read.
        branches: What a rollback had abandoned.
        values: The columns.
        columns: Those that were asked for, as Python's own numbers.
    """

    rows: int
    most: int
    branches: Any
    values: Any
    columns: dict[str, list[float | None]]


class Readings:
    """Reads a run on its training thread. What a rollback abandoned does not count.

    The values of epochs are held as Python's own numbers, so that a look costs no reading of tables.

    Args:
        run: The run.
    """

    def __init__(self, run: Record) -> None:
        self._run = run
        self._known: dict[Term, float | None] = {}
        self._columns: dict[str, Column] = {}
        self._rows = 0
        self._branches: Any = run.branches
        self._most = 1  # batches that any term looked back on so far
        self._latest: dict[bool, _Latest] = {}  # by whether they are the batches' own values

    def renew(self) -> None:
        """What is read from here on is of now; each number is read once until the next time."""
        self._known.clear()

    def read(self, terms: Iterable[Term]) -> dict[Term, float | None]:
        """The numbers, these among them; None for those that are not there."""
        known = self._known
        for term in terms:
            if term not in known:
                known[term] = self._read(term)
        return known

    def of_epochs(self, name: str) -> bool:
        """Whether it changes at the ends of epochs alone."""
        return name == "epoch" or name in self._run.epoch_table.names

    def column(self, name: str) -> Column:
        """The values of a metric at the ends of the latest epochs, oldest first; None where an epoch had none."""
        run = self._run
        rows, branches = run.epoch_table.rows, run.branches
        if rows != self._rows or branches is not self._branches:
            if rows == self._rows + 1 and branches is self._branches:
                self._append(rows - 1)
            else:
                self._columns.clear()
            self._rows, self._branches = rows, branches
        if name not in self._columns:
            known = name in run.epoch_table.names
            self._columns[name] = deque(self._window(run.epoch_table, name, WINDOW) if known else (), WINDOW)
        return self._columns[name]

    def why_unknown(self, term: Term) -> str:
        """Why a term has no value after the first epoch, in a clause; empty where it can have one."""
        name, run = term.name, self._run
        if name in COUNTERS or name in run.epoch_table.names:
            return ""
        if self._control(name) is not None:
            return "" if term.how == "now" else f"{name} is a control, of which {term.how} is not known"
        batches = run.batch_table.names
        own = name.removeprefix(OWN)
        if name in batches or (own != name and own in batches and own in run.batch_values.names):
            return "" if term.how != "best" else f"{name} is of batches, of which the best is not known"
        if own != name and own in batches:
            return f"the batches' own values of {own} are not known"
        there = ", ".join(sorted({*run.epoch_table.names, *batches})) or "none"
        return f"{name} is not among the metrics of the first epoch; there are {there}"

    def _append(self, row: int) -> None:
        table = self._run.epoch_table
        latest = dict(zip(table.names, _numbers(table.values(row, row + 1)[:, 0]), strict=True))
        for name, column in self._columns.items():
            column.append(latest.get(name))

    def _read(self, term: Term) -> float | None:
        name, run = term.name, self._run
        if name == "epoch":
            return None if run.epoch is None else float(run.epoch + 1)  # as the board counts them
        if name == "step":
            return float(run.step)
        if name in run.epoch_table.names:
            if term.how == "best":
                return next((best["value"] for best in run.bests if best["metric"] == name), None)
            return _of(self.column(name), term)
        value = self._control(name)
        if value is not None or term.how == "best":
            return value if term.how == "now" else None
        return _of(self._of_batches(name, max(term.n, 1) + 1), term)

    def _control(self, name: str) -> float | None:
        run = self._run
        value: Any = run.values.get(name)
        if value is None:
            value = next((control["value"] for control in run.controls if control["name"] == name), None)
        try:
            known = python(value)
        except TypeError:
            return None
        return float(known) if isinstance(known, (bool, int, float)) else None

    def _of_batches(self, name: str, count: int) -> list[float | None]:
        """Of the latest batches: Keras's running mean where epochs have no such metric, or a batch's own value."""
        run = self._run
        table = run.batch_table
        if name in table.names:
            return self._of_rows(name, count, own=False) if run.epoch_table.rows else []
        metric = name.removeprefix(OWN)
        if metric == name or metric not in table.names or metric not in run.batch_values.names:
            return []
        latest = self._of_rows(metric, count, own=True)
        return [None if value != value else value for value in latest[-count:]]

    def _of_rows(self, name: str, count: int, own: bool) -> list[float | None]:
        """The latest rows of the batches are read once for all that ask before there is a new one."""
        run, self._most = self._run, max(self._most, count)
        table = run.batch_table
        rows, latest = table.rows, self._latest.get(own)
        if (
            latest is None
            or (latest.rows, latest.most) != (rows, self._most)
            or latest.branches is not run.branches
            or len(latest.values) != len(table.names)
        ):
            first = max(rows - self._most, 0)
            values = run.batch_values.recover(table, first, rows) if own else table.values(first, rows)
            latest = self._latest[own] = _Latest(rows, self._most, run.branches, values, {})
        column = latest.columns.get(name)
        if column is None:
            numbers = _numbers(latest.values[table.names.index(name)])
            column = latest.columns[name] = self._kept(table, rows - len(numbers), numbers)
        return column

    def _window(self, table: Table, name: str, count: int) -> list[float | None]:
        first = max(table.rows - count, 0)
        return self._kept(table, first, _numbers(table.values(first, table.rows)[table.names.index(name)]))

    def _kept(self, table: Table, first: int, values: list[float | None]) -> list[float | None]:
        if not self._run.branches or not values:
            return values
        lost = self._run.abandoned(table.steps(first, first + len(values))).tolist()
        return [value for value, gone in zip(values, lost, strict=True) if not gone]


def _numbers(values: Any) -> list[float | None]:
    """Python's own numbers; None for what is missing, as against NaN."""
    values = np.ascontiguousarray(values, np.float32)
    found: list[float | None] = values.tolist()
    for at in np.flatnonzero(values.view(np.uint32) == MISSING.view(np.uint32)).tolist():
        found[at] = None
    return found


def _of(column: Column | list[float | None], term: Term) -> float | None:
    """What a term asks of values, oldest first."""
    have = len(column)
    if term.how == "mean":
        if have < term.n:
            return None
        latest = [value for value in islice(reversed(column), term.n) if value is not None]
        return sum(latest) / term.n if len(latest) == term.n else None
    back = term.n if term.how == "last" else 0
    return column[-1 - back] if have > back else None
