"""The best value of each metric at epochs' ends, where its name tells which way is better."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .chunk import Indices
from .directions import direction_of
from .table import Table

if TYPE_CHECKING:
    from . import wire


def best_of(table: Table, rows: Indices, ended: Sequence[tuple[int, Any]]) -> list[wire.MetricBest]:
    """The best of some rows, for each metric that has a finite value in any; of equals the first.

    Args:
        table: The epochs' values.
        rows: Which of its rows count, in rising order.
        ended: For each row of the table the number of the epoch, and more.
    """
    found: list[wire.MetricBest] = []
    if not len(rows):
        return found
    names, steps = table.names, table.steps_at(rows)
    values = table.values(int(rows[0]), int(rows[-1]) + 1)[:, rows - rows[0]].astype(np.float64)
    for name, column in zip(names, values, strict=False):
        direction, finite = direction_of(name), np.isfinite(column)
        if direction is None or not finite.any():
            continue
        cost = np.where(finite, column if direction == "min" else -column, np.inf)
        at = int(cost.argmin())
        found.append({
            "metric": name,
            "value": float(column[at]),
            "epoch": ended[int(rows[at])][0],
            "step": int(steps[at]),
            "direction": direction,
        })  # fmt: skip
    return found


def better(
    bests: Sequence[wire.MetricBest], newer: Sequence[wire.MetricBest], names: Sequence[str]
) -> list[wire.MetricBest]:
    """The better of each metric; of equals the one that was there.

    Args:
        bests: Those that are known.
        newer: Those of a later epoch.
        names: All metrics, in the order of ``best_of``.
    """
    merged = {best["metric"]: best for best in bests}
    for best in newer:
        old, sign = merged.get(best["metric"]), 1 if best["direction"] == "min" else -1
        if old is None or sign * best["value"] < sign * old["value"]:
            merged[best["metric"]] = best
    return [merged[name] for name in names if name in merged]
