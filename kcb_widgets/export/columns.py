"""A run's rows column by column, piece by piece, with what is missing told from what is NaN."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..record import names
from ..record.chunk import MISSING
from ..record.positions import epoch_and_batch
from ..record.record import Record
from ..record.table import CHUNK, Table, Values


@dataclass(frozen=True)
class Column:
    """Some rows of a column.

    Attributes:
        name: The column's name.
        values: Whole numbers, flags, float64 or float32.
        missing: Which of them are missing; None: none.
    """

    name: str
    values: npt.NDArray[Any]
    missing: npt.NDArray[np.bool_] | None = None

    def plain(self) -> list[Any]:
        """The values as Python's own, None where one is missing; float32 with as few digits as tell it."""
        values = self.values
        made = list(map(float, values.astype("U"))) if values.dtype == np.float32 else values.tolist()
        if self.missing is not None:
            for row in np.flatnonzero(self.missing).tolist():
                made[row] = None
        return made


def of_batches(run: Record) -> Iterator[list[Column]]:
    """The columns of ``run.batches``, a piece of its rows at a time."""
    table, rows = run.batch_table, run.batch_table.rows
    metrics = list(table.names)  # those there are now: a live run may get more meanwhile
    recovered = [name for name in metrics if name in set(run.batch_values.names)]
    columns, branches = names.of_batches(metrics), bool(run.branches)
    starts = list(run.epoch_starts)
    for first in range(0, rows, CHUNK):
        last = min(first + CHUNK, rows)
        steps = table.steps(first, last).astype(np.int64)
        epoch, batch = epoch_and_batch(starts, first, steps)
        found = [
            Column("step", steps),
            Column("epoch", epoch),
            Column("batch", batch),
            Column("seconds", table.seconds(first, last)),
        ]
        if branches:
            found.append(Column("abandoned", run.abandoned(steps)))
        found += [
            Column(columns[each.name], each.values, each.missing) for each in _of_piece(table, metrics, first, last)
        ]
        own = run.batch_values.recover(table, first, last) if recovered else ()
        found += [Column(f"batch_{name}", own[metrics.index(name)]) for name in recovered]
        yield found


def of_table(table: Table) -> Iterator[list[Column]]:
    """Step, seconds and all columns of a table, a piece of its rows at a time."""
    known, rows = list(table.names), table.rows
    for first in range(0, rows, CHUNK):
        last = min(first + CHUNK, rows)
        steps = table.steps(first, last).astype(np.int64)
        yield [
            Column("step", steps),
            Column("seconds", table.seconds(first, last)),
            *_of_piece(table, known, first, last),
        ]


def _of_piece(table: Table, wanted: list[str], first: int, last: int) -> list[Column]:
    """Rows of one chunk: a column that came later is missing in it."""
    there, values = table.piece(first, last)
    by_name: dict[str, Values] = dict(zip(there, values, strict=False))
    found = []
    for name in wanted:
        column = by_name.get(name)
        if column is None:
            column = np.full(last - first, MISSING, np.float32)
        missing = column.view(np.uint32) == MISSING.view(np.uint32)
        found.append(Column(name, column, missing if missing.any() else None))
    return found
