"""Whether two runs are the same, number for number."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kcb_widgets.panels import payload
from kcb_widgets.record import curves, downsampling

TABLES = ("batch_table", "epoch_table", "value_table", "evaluation_table")


def bits(values):
    """float32 as they lie in memory: NaN and missing are different, and so are 0 and -0."""
    return np.ascontiguousarray(values).view(np.uint32)


def assert_same_table(live, kept, timed=True, atol=1e-6):
    rows = live.rows
    assert (kept.rows, kept.names, kept.last_step) == (rows, live.names, live.last_step)
    np.testing.assert_array_equal(kept.steps(0, rows), live.steps(0, rows))
    if timed:
        np.testing.assert_allclose(kept.seconds(0, rows), live.seconds(0, rows), atol=atol, rtol=0)
    same, different = live.values(0, rows), kept.values(0, rows)
    np.testing.assert_array_equal(np.isnan(different), np.isnan(same))
    numbers = ~np.isnan(same)
    np.testing.assert_array_equal(bits(different[numbers]), bits(same[numbers]))
    for row in {0, rows // 2, rows - 1} if rows else ():
        for name in live.names:
            assert kept.is_missing(row, name) == live.is_missing(row, name), (row, name)
        assert kept.row_of_step(live.steps(row, row + 1)[0]) == live.row_of_step(live.steps(row, row + 1)[0])


def assert_same_picture(kept, live, first, last):
    found, wanted = (downsampling.window(curves.batches(run), first, last, 300) for run in (kept, live))
    for name in ("minimum", "maximum", "mean", "order"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
    np.testing.assert_array_equal(found.x[:3], wanted.x[:3])
    seconds = live.seconds / live.batch_table.rows  # a live run's own old times are known to a thousandth of this
    np.testing.assert_allclose(found.x[3], wanted.x[3], atol=max(2e-6, seconds / 500), rtol=0)


def assert_same_run(live, kept, state=True, atol=1e-6):
    """Compare all but ids.

    Args:
        live: A run in memory.
        kept: Another, or what its file gives.
        state: Whether to compare what is written less often than rows, too.
        atol: Seconds by which times may differ: those of old rows are not known as well.
    """
    for name in TABLES:
        assert_same_table(getattr(live, name), getattr(kept, name), atol=atol)
    assert_same_table(live.batch_values.weights, kept.batch_values.weights, timed=False)
    assert kept.batch_values.stretches == live.batch_values.stretches
    rows = live.batch_table.rows
    own = [run.batch_values.recover(run.batch_table, 0, rows) for run in (live, kept)]
    np.testing.assert_array_equal(bits(own[0])[~np.isnan(own[0])], bits(own[1])[~np.isnan(own[1])])
    for name in ("epoch_starts", "branches", "ran_out", "step", "batch"):
        assert getattr(kept, name) == getattr(live, name), name
    for name in ("nonfinite", "bests", "params", "epoch") if state else ():
        assert getattr(kept, name) == getattr(live, name), name
    assert not state or set(kept.values) == set(live.values)
    pd.testing.assert_frame_equal(kept.batches, live.batches, atol=atol, rtol=0)
    shown = [payload.events(run) for run in (live, kept)]
    assert shown[0] == shown[1]
