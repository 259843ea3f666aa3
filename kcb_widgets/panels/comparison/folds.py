"""Folds: the table of a comparison with a row a group: how many runs, and the mean and deviation of each metric."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .groups import key_of
from .members import Member

if TYPE_CHECKING:
    import pandas as pd


def frame(members: Sequence[Member], by: str) -> pd.DataFrame:
    """Groups as a table, indexed by their keys.

    Args:
        members: The runs.
        by: What they are put together by.

    Returns:
        ``runs``, how many there are, and for each metric ``<name> last``, ``<name> best`` and their deviations, of a
        sample; NaN where fewer than one or two runs have the metric as a number.
    """
    import pandas as pd

    found: dict[str, list[Member]] = {}
    for member in members:
        found.setdefault(key_of(member, by), []).append(member)
    metrics = dict.fromkeys(name for member in members for name in member.row["metrics"])
    made: list[dict[str, Any]] = []
    for each in found.values():
        line: dict[str, Any] = {"runs": len(each)}
        for name in metrics:
            for part in ("last", "best"):
                values = [member.row["metrics"].get(name, {}).get(part) for member in each]
                line[f"{name} {part}"], line[f"{name} {part} deviation"] = _mean_and_deviation(values)
        made.append(line)
    return pd.DataFrame(made, index=pd.Index(list(found), name=by)).dropna(axis=1, how="all")


def _mean_and_deviation(values: Sequence[Any]) -> tuple[float, float]:
    some = [float(value) for value in values if isinstance(value, (int, float)) and math.isfinite(value)]
    return (
        statistics.fmean(some) if some else math.nan,
        statistics.stdev(some) if len(some) > 1 else math.nan,
    )
