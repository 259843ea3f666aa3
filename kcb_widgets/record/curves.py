"""A run's tables as sources of pictures: what boards and figures draw."""

from __future__ import annotations

import numpy as np

from .chunk import Floats, Indices
from .downsampling import Source
from .record import Record
from .table import Table, Values


def batches(run: Record) -> Source:
    """Every batch, with its own value where it can be recovered."""
    table = run.batch_table
    return Source(
        lambda: table.rows,
        lambda: table.names,
        lambda first, last: run.batch_values.recover(table, first, last),
        lambda first, last: run.x(table, first, last),
        lambda rows: run.x_at(table, rows),
        run.blocks,
        lambda: frozenset(run.batch_values.names),
        table.steps_at,
    )


def epochs(run: Record) -> Source:
    """Every epoch's metrics, where its last batch stands."""
    return _plain(run, run.epoch_table)


def controls(run: Record) -> Source:
    """Values that hold until the next: each change, and one more row for now."""
    table = run.value_table

    def values(first: int, last: int) -> Values:
        rows = table.values(first, min(last, table.rows))
        if last <= table.rows:
            return rows
        return np.hstack([rows, table.values(table.rows - 1, table.rows)])

    def x(first: int, last: int) -> Floats:
        return x_at(np.arange(first, last))

    def x_at(rows: Indices) -> Floats:
        there = run.x_at(table, rows[rows < table.rows])
        return there if there.shape[1] == len(rows) else np.hstack([there, now(run)[:, None]])

    return Source(lambda: table.rows and table.rows + 1, lambda: table.names, values, x, x_at)


def evaluations(run: Record) -> Source:
    """What evaluating between batches found."""
    return _plain(run, run.evaluation_table)


def _plain(run: Record, table: Table) -> Source:
    return Source(
        lambda: table.rows,
        lambda: table.names,
        table.values,
        lambda first, last: run.x(table, first, last),
        lambda rows: run.x_at(table, rows),
    )


AHEAD = 0.25  # how far a plan is drawn beyond now, as a share of the run so far


def plan(run: Record) -> tuple[list[str], Values, Floats] | None:
    """What schedules give ahead: names, values ``(names, points)`` and places ``(4, points)``; None without any.

    Only a part of what was planned: the whole would leave the curves themselves little room.
    """
    planned = dict(run.plan)
    if not planned or run.over:
        return None
    here = now(run)
    epoch = run.batches_per_epoch or 1
    far = here[0] + max(AHEAD * (here[0] - run.first_step), epoch, 10)
    per_step = run.throughput.seconds_per_step or 0.0
    steps = np.unique(np.concatenate([np.asarray(ahead, np.float64) for ahead, _ in planned.values()]))
    steps = np.append(steps[(steps > here[0]) & (steps < far)], far)
    steps = np.append(here[0], steps[steps <= max(ahead[-1] for ahead, _ in planned.values())])
    if len(steps) < 2:
        return None
    values = np.vstack([np.interp(steps, ahead, rates) for ahead, rates in planned.values()]).astype(np.float32)
    on = steps - here[0]
    x = np.vstack([steps, steps, here[2] + on / epoch, here[3] + on * per_step])
    return list(planned), values, x


def now(run: Record) -> Floats:
    """Where the run stands: step, step, fractional epochs, seconds."""
    return np.array([run.step, run.step, run.epoch_at(np.array([float(run.step)]))[0], run.seconds])
