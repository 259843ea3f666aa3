"""A run's three tables as sources of pictures: what boards and figures draw."""

from __future__ import annotations

import numpy as np

from .bins import Source
from .run import Run
from .series import Floats, Values


def batches(run: Run) -> Source:
    """Every batch, with its own value where it can be recovered."""
    table = run.batch_table
    return Source(
        lambda: table.rows,
        lambda: table.names,
        lambda first, last: run.means.recover(table, first, last),
        lambda first, last: run.x(table, first, last),
    )


def epochs(run: Run) -> Source:
    """Every epoch's metrics, where its last batch stands."""
    table = run.epoch_table
    return Source(lambda: table.rows, lambda: table.names, table.values, lambda first, last: run.x(table, first, last))


def controls(run: Run) -> Source:
    """Values that hold until the next: each change, and one more row for now."""
    table = run.value_table

    def values(first: int, last: int) -> Values:
        rows = table.values(first, min(last, table.rows))
        if last <= table.rows:
            return rows
        return np.hstack([rows, table.values(table.rows - 1, table.rows)])

    def x(first: int, last: int) -> Floats:
        rows = run.x(table, first, min(last, table.rows))
        if last <= table.rows:
            return rows
        return np.hstack([rows, now(run)[:, None]])

    return Source(lambda: table.rows and table.rows + 1, lambda: table.names, values, x)


def now(run: Run) -> Floats:
    """Where the run stands: step, step, fractional epochs, seconds."""
    return np.array([run.step, run.step, run.epoch_at(np.array([float(run.step)]))[0], run.seconds])
