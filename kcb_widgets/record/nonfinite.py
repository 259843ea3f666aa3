"""Values that are not finite: where they are among the rows of a table, and which metric is not finite now."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .chunk import MISSING
from .stretches import LOSS
from .table import Table

if TYPE_CHECKING:
    from . import wire


def first_of_each(table: Table, first: int, last: int) -> Iterator[tuple[str, int, str]]:
    """The first value of each column that is NaN or infinite, and was not left out.

    Args:
        table: The table.
        first: The first row to look through.
        last: The row after the last.

    Yields:
        The column's name, the row, and the value as text.
    """
    if last <= first or not table.names:
        return
    values = table.values(first, last)
    if np.isfinite(values).all():
        return
    for column, name in enumerate(table.names):
        for offset in np.flatnonzero(~np.isfinite(values[column]))[:1]:
            row = first + int(offset)
            if not table.is_missing(row, name):
                yield name, row, str(float(values[column, offset]))


class NotFiniteSince:
    """Follows a growing table: which columns are not finite in its newest row, and since which row without a break."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self._seen = 0

    def follow(self, table: Table) -> None:
        """Look at the rows that came since the last time."""
        first, self._seen = self._seen, table.rows
        if self._seen <= first:
            return
        values = table.values(first, self._seen)
        bad = ~np.isfinite(values)
        if not bad.any():
            self.rows = {}
            return
        told = values.view(np.uint32) != MISSING.view(np.uint32)
        for name, wrong, there in zip(table.names, bad, told, strict=False):
            self._follow(table, name, first, np.flatnonzero(there), wrong[there])

    def _follow(self, table: Table, name: str, first: int, rows: np.ndarray, wrong: np.ndarray) -> None:  # type: ignore[type-arg]
        if not len(rows):
            return
        good = np.flatnonzero(~wrong)
        if not wrong[-1]:
            self.rows.pop(name, None)
        elif len(good) or name not in self.rows:
            row = first + int(rows[good[-1] + 1 if len(good) else 0])
            while table.is_missing(row, name):  # it is from before the column was there
                row += 1
            self.rows[name] = row

    def forget(self, table: Table) -> None:
        """What the table holds by now no longer counts."""
        self.rows, self._seen = {}, table.rows


class NotFiniteNow:
    """Which metric of a run is not finite now, and since when.

    Keras logs running means: once a batch's value is not finite, the mean is not either until the epoch's end, and what
    the batches after it had cannot be known. So ``since`` is the batch that made it so.
    """

    def __init__(self) -> None:
        self._batches, self._epochs = NotFiniteSince(), NotFiniteSince()

    def follow(
        self, batches: Table, epochs: Table, starts: Sequence[tuple[int, int, int]], ended: Sequence[tuple[int, Any]]
    ) -> wire.NotFinite | None:
        """Look at the rows that came since the last time.

        Args:
            batches: A row for each batch, or each execution of several.
            epochs: A row for each epoch.
            starts: For each epoch its first row, the step before it and its number.
            ended: For each row of ``epochs`` the number of the epoch, and more.

        Returns:
            The loss if it is not finite, as others follow it; else the metric that is so for longest.
        """
        self._batches.follow(batches)
        self._epochs.follow(epochs)
        found = self._batches.rows
        if found:
            name = LOSS if LOSS in found else min(found, key=lambda each: found[each])
            return describe(batches, name, found[name], starts)
        found = {name: row for name, row in self._epochs.rows.items() if name not in batches.names}
        if not found:
            return None
        name = min(found, key=lambda each: found[each])
        row = found[name]
        value, step = value_of(epochs, name, epochs.rows - 1), int(epochs.steps(row, row + 1)[0])
        return {"name": name, "value": value, "step": step, "epoch": ended[row][0], "batch": None}

    def forget(self, batches: Table, epochs: Table) -> None:
        """The model went back to an earlier state: what was logged until now is not of it."""
        self._batches.forget(batches)
        self._epochs.forget(epochs)


def describe(table: Table, name: str, row: int, starts: Sequence[tuple[int, int, int]]) -> wire.NotFinite:
    """A metric that is not finite since a row of the batches; its value is the newest.

    Of an execution of several batches it is the last that is told.
    """
    _, before, epoch = starts[max(bisect_right(starts, row, key=lambda start: start[0]) - 1, 0)]
    step = int(table.steps(row, row + 1)[0])
    return {
        "name": name,
        "value": value_of(table, name, table.rows - 1),
        "step": step,
        "epoch": epoch,
        "batch": step - before,
    }


def value_of(table: Table, name: str, row: int) -> str:
    """A value as text: ``nan``, ``inf`` or ``-inf``."""
    return str(float(table.values(row, row + 1)[table.names.index(name), 0]))


def in_words(mark: wire.NotFinite) -> str:
    """Since when it is not finite: ``NaN since batch 301 (epoch 4)``; epochs count from 1, as on the board."""
    value, epoch = value_in_words(mark["value"]), f"epoch {mark['epoch'] + 1}"
    return f"{value} since {epoch}" if mark["batch"] is None else f"{value} since batch {mark['batch']} ({epoch})"


def value_in_words(value: str) -> str:
    """``NaN`` or ``infinite``."""
    return "NaN" if value == "nan" else "infinite"
