"""CatchUp: what a killed process had not written yet of what its rows say anyway.

Documents that change all the time are written less often than rows; see ``writer.News.document``.
"""

from __future__ import annotations

import numpy as np

from ..record.record import Record


def catch_up(run: Record) -> None:
    """Bring epoch, control values, bests and marks of values that are not finite up to a run's rows.

    Args:
        run: A run as it was kept, its rows in memory.
    """
    known = run.epoch
    if run.epoch_starts:
        run.initial_epoch, run.epoch = run.epoch_starts[0][2], run.epoch_starts[-1][2]
    table = run.value_table
    if table.rows:
        row = table.rows - 1
        for name, value in zip(table.names, table.values(row, row + 1)[:, 0].tolist(), strict=False):
            if not table.is_missing(row, name) and np.float32(run.values.get(name, np.nan)) != np.float32(value):
                run.values[name] = value
    run.find_bests()
    events = list(run.events_list)  # what happened then has been told
    starts = [row for row, _, epoch in run.epoch_starts if known is None or epoch >= known]
    for first, end in zip(starts, [*starts[1:], run.batch_table.rows], strict=True):
        run.mark_not_finite(first, end)
    run.events_list = events
