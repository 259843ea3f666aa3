"""Relations: how settings relate to results. Which axes and points are shown, and which runs lie within the brushes.

A brush is a list of parts: a range of numbers, open where it has None, or a single value; None for one that is missing.
The browser reckons the same from the same table: ``js/src/panels/comparison/brush.js``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from ...record.values import Value, is_number

View = Literal["curves", "parallel", "scatter"]
VIEWS: tuple[View, ...] = ("curves", "parallel", "scatter")
SCALES = ("linear", "log", "categories")
OWN = ("duration", "epochs", "steered")
"""What a run has besides settings and metrics."""
EVERY = 100.0  # percent
FIRST_SETTINGS = 6  # axes besides the outcome, while none are chosen

Part = Value | tuple[float | None, float | None]
Brush = dict[str, tuple[Part, ...]]


def value_of(table: Mapping[str, Any], row: Mapping[str, Any], name: str) -> Value:
    """What a run has on an axis; None where it has nothing.

    Args:
        table: See ``rows.table``.
        row: One of its rows.
        name: A setting, ``last loss``, ``best loss``, ``duration``, ``epochs`` or ``steered``.

    Raises:
        KeyError: The table has nothing of this name.
    """
    if name in table["settings"]:
        found: Value = row["settings"][table["settings"].index(name)]
        return found
    if name in OWN:
        own: Value = row[name]
        return own
    part, _, metric = name.partition(" ")
    if part in ("last", "best") and any(metric in each["metrics"] for each in table["rows"]):
        result: Value = row["metrics"].get(metric, {}).get(part)
        return result
    raise KeyError(name)


def within(table: Mapping[str, Any], brush: Brush, outcome: str | None, best: float) -> list[str]:
    """The ids of the runs that lie within all brushes and among the best; a brush of what no run has does not count.

    Args:
        table: See ``rows.table``.
        brush: By axis.
        outcome: What runs are better or worse by.
        best: Percent of the runs that have an outcome.
    """
    found = [row for row in table["rows"] if all(_lies(table, row, name, parts) for name, parts in brush.items())]
    among = _best(table, outcome, best)
    return [row["id"] for row in found if among is None or row["id"] in among]


def _lies(table: Mapping[str, Any], row: Mapping[str, Any], name: str, parts: tuple[Part, ...]) -> bool:
    try:
        value = value_of(table, row, name)
    except KeyError:
        return True
    return any(_covers(part, value) for part in parts)


def _covers(part: Part, value: Value) -> bool:
    if isinstance(part, tuple):
        low, high = part
        return is_number(value) and (low is None or low <= value) and (high is None or value <= high)
    return part == value and isinstance(part, bool) == isinstance(value, bool)  # 1 is not True


def outcome_of(table: Mapping[str, Any], metric: str, which: str, chosen: str | None) -> str | None:
    """What runs are coloured by: what was chosen, or the metric: of validation, and its best, where there is one."""
    if chosen is not None:
        return chosen
    names = [metric] if which == "train" else [f"val_{metric}", metric]
    for name in names:
        for part in ("best", "last"):
            if any(part in row["metrics"].get(name, {}) for row in table["rows"]):
                return f"{part} {name}"
    return None


def axes_of(table: Mapping[str, Any], outcome: str | None, chosen: tuple[str, ...] | None) -> list[str]:
    """The axes of parallel coordinates: those that were chosen, or settings that differ, and the outcome.

    Settings that somebody gave are enough; where nobody gave any, those that were found are taken.
    """
    if chosen is not None:
        return list(chosen)
    given = [name for name in table["settings"] if name.startswith("config.")]
    first = (given or table["settings"])[:FIRST_SETTINGS]
    return list(dict.fromkeys([*first, *([] if outcome is None else [outcome])]))


def sides_of(
    table: Mapping[str, Any], outcome: str | None, chosen: tuple[str | None, str | None]
) -> tuple[str | None, str | None]:
    """What x and y of the scatter are."""
    x, y = chosen
    return x or (table["settings"] or ["duration"])[0], y or outcome


def direction_of(table: Mapping[str, Any], outcome: str | None) -> str | None:
    """Which way an outcome is better, as the runs say, or else its name; None where neither tells."""
    metric = (outcome or "").partition(" ")[2]
    said = {row["metrics"].get(metric, {}).get("direction") for row in table["rows"]} & {"min", "max"}
    if not said:
        said = {each["direction"] for each in table["metrics"] if each["name"] == metric.removeprefix("val_")} - {None}
    return said.pop() if len(said) == 1 else None


def _best(table: Mapping[str, Any], outcome: str | None, best: float) -> set[str] | None:
    """The ids of the best runs, with those that are as good as the last of them; None where there is no best."""
    direction = direction_of(table, outcome)
    if outcome is None or direction is None or best >= EVERY:
        return None
    sign = 1 if direction == "min" else -1
    every = {row["id"]: value_of(table, row, outcome) for row in table["rows"]}
    costs = {run: sign * value for run, value in every.items() if is_number(value)}
    if not costs:
        return set()
    last = sorted(costs.values())[max(0, math.ceil(len(costs) * best / EVERY) - 1)]
    return {run for run, cost in costs.items() if cost <= last}
