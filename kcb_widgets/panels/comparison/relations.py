"""Relations: how settings relate to results. Which axes and points are shown, and which runs lie within the brushes.

A brush is a list of parts: a range of numbers, open where it has None, or a single value; None for one that is missing.
The browser reckons the same from the same table: ``js/src/panels/comparison/brush.js``.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any, Literal

from ...record.values import MAX_INTEGER, Value, plain, python
from ...record.values import shown as in_words

View = Literal["curves", "parallel", "scatter"]
VIEWS: tuple[View, ...] = ("curves", "parallel", "scatter")
SCALES = ("linear", "log", "categories")
OWN = ("duration", "epochs", "steered")
"""What a run has besides settings and metrics."""
MAX_AXES = 30
MAX_NAME = 1000
MAX_PARTS = 10_000  # of a brush: one for each run, if need be
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
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return (low is None or low <= value) and (high is None or value <= high)
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
    """The axes of parallel coordinates: those that were chosen, or the first settings that differ, and the outcome."""
    if chosen is not None:
        return list(chosen)
    return list(dict.fromkeys([*table["settings"][:FIRST_SETTINGS], *([] if outcome is None else [outcome])]))


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
    costs = {
        run: sign * value
        for run, value in every.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }
    if not costs:
        return set()
    last = sorted(costs.values())[max(0, math.ceil(len(costs) * best / EVERY) - 1)]
    return {run for run, cost in costs.items() if cost <= last}


# -- what may be chosen ------------------------------------------------------------------------------------------------


def _name(name: str, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME:
        msg = f"{name} must be named by texts. Received: {in_words(value)}"
        raise TypeError(msg)
    return value


def _views(name: str, value: object) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, (list, tuple)) or not all(isinstance(each, str) and each in VIEWS for each in given):
        msg = f"{name} must be one or more of {', '.join(VIEWS)}. Received: {in_words(value)}"
        raise ValueError(msg)
    return tuple(each for each in VIEWS if each in given)


def _axes(name: str, value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, (list, tuple)) or len(value) > MAX_AXES:
        msg = f"{name} must be a list of at most {MAX_AXES} names. Received: {in_words(value)}"
        raise TypeError(msg)
    return tuple(dict.fromkeys(_name(name, each) for each in value))


def _scales(name: str, value: object) -> dict[str, str]:
    if not isinstance(value, Mapping) or len(value) > MAX_AXES:
        msg = f"{name} must be a dict of at most {MAX_AXES} axes. Received: {in_words(value)}"
        raise TypeError(msg)
    for each in value.values():
        if not isinstance(each, str) or each not in SCALES:
            msg = f"{name} must be of {', '.join(SCALES)}. Received: {in_words(each)}"
            raise ValueError(msg)
    return {_name(name, axis): str(each) for axis, each in value.items()}


def _brush(name: str, value: object) -> Brush:
    if not isinstance(value, Mapping) or len(value) > MAX_AXES:
        msg = f"{name} must be a dict of at most {MAX_AXES} axes. Received: {in_words(value)}"
        raise TypeError(msg)
    made = {}
    for axis, parts in value.items():
        if not isinstance(parts, (list, tuple)) or len(parts) > MAX_PARTS:
            msg = f"{name} must have a list of ranges and values for each axis. Received: {in_words(parts)}"
            raise TypeError(msg)
        made[_name(name, axis)] = tuple(_part(name, part) for part in parts)
    return made


def _part(name: str, value: object) -> Part:
    if isinstance(value, (list, tuple)):
        if len(value) != 2:
            msg = f"{name} must have ranges of two numbers, or None where they are open. Received: {in_words(value)}"
            raise TypeError(msg)
        low, high = (_end(name, each) for each in value)
        if low is not None and high is not None and low > high:
            msg = f"{name} must have ranges that go up. Received: {in_words(value)}"
            raise ValueError(msg)
        return low, high
    if isinstance(value, Mapping):
        msg = f"{name} must have ranges and values. Received: {in_words(value)}"
        raise TypeError(msg)
    return plain(value, MAX_NAME)


def _end(name: str, value: object) -> float | None:
    found = python(value)
    if found is None:
        return None
    if not _is_number(found) or not abs(found) < sys.float_info.max:  # type: ignore[arg-type]
        msg = f"{name} must have ranges of two numbers, or None where they are open. Received: {in_words(value)}"
        raise TypeError(msg)
    return found if abs(found) <= MAX_INTEGER else float(found)  # type: ignore[arg-type,return-value]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _percent(name: str, value: object) -> float:
    if not _is_number(value) or not 0 < value <= EVERY:  # type: ignore[operator]
        msg = f"{name} must be a number of percent above 0 and up to 100. Received: {in_words(value)}"
        raise ValueError(msg)
    return float(value)  # type: ignore[arg-type]


def _pair(name: str, value: object) -> tuple[str | None, str | None]:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        msg = f"{name} must be what x is and what y is. Received: {in_words(value)}"
        raise TypeError(msg)
    x, y = (None if each is None else _name(name, each) for each in value)
    return x, y


def _optional(name: str, value: object) -> str | None:
    return None if value is None else _name(name, value)


CHECKS: dict[str, Any] = {
    "view": _views,
    "axes": _axes,
    "scales": _scales,
    "brush": _brush,
    "outcome": _optional,
    "best": _percent,
    "scatter": _pair,
}
"""What checks a choice, by its name. None of these changes a curve."""
