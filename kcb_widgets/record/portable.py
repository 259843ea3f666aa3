"""What a run has as plain values that can leave the process: short, fit for JSON, and without what is private."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .privacy import without_private
from .values import MAX_INTEGER, plain, python

if TYPE_CHECKING:
    from .record import Record

MAX_TEXT = 10_000
MAX_DEPTH = 12
MAX_METRICS = 60
MAX_SETTINGS = 200
KEY = "float"  # a JSON object with this one key is a number that JSON has not


def scalar(value: object) -> Any:
    """A flag, number, text or None as JSON can carry it; anything else as text."""
    try:
        known = python(value)
    except TypeError:
        return plain(value)
    return plain(known) if isinstance(known, str) or (isinstance(known, int) and abs(known) > MAX_INTEGER) else known


def private(value: Any, depth: int = 0) -> Any:
    """The same of dicts and lists, with nothing in it that JSON cannot carry or that tells who and where it was."""
    if depth < MAX_DEPTH and isinstance(value, Mapping):
        return {without_private(str(plain(key))): private(each, depth + 1) for key, each in list(value.items())}
    if depth < MAX_DEPTH and isinstance(value, (list, tuple)):
        return [private(each, depth + 1) for each in list(value)]
    made = scalar(value) if not isinstance(value, str) else plain(value, MAX_TEXT)
    return without_private(made) if isinstance(made, str) else made


def text(value: Any) -> str:
    """A text as it may be passed on."""
    return without_private(str(plain(value, MAX_TEXT)))


def flat(values: Mapping[str, Any], most: int = MAX_SETTINGS) -> dict[str, Any]:
    """Nested values by dotted names; lists of numbers and texts stay together, as JSON.

    Args:
        values: The values.
        most: How many are kept.
    """
    found: dict[str, Any] = {}

    def add(name: str, value: Any) -> None:
        if isinstance(value, Mapping):
            for key, each in value.items():
                add(f"{name}.{key}" if name else str(key), each)
        elif isinstance(value, (list, tuple)) and any(isinstance(each, Mapping) for each in value):
            for number, each in enumerate(value):
                add(f"{name}.{number}", each)
        elif len(found) < most:
            found[name] = strict_json(list(value)) if isinstance(value, (list, tuple)) else value

    add("", values)
    found.pop("", None)
    return found


def metrics(run: Record) -> dict[str, dict[str, Any]]:
    """By metric, its value at the end of the last epoch, and its best where it is known which way is better."""
    found: dict[str, dict[str, Any]] = {}
    table = run.epoch_table
    if table.rows:
        last = table.values(table.rows - 1, table.rows)[:, 0].tolist()
        found = {
            name: {"last": value} for name, value in zip(table.names[: len(last)][:MAX_METRICS], last, strict=False)
        }
    for best in run.bests:
        if best["metric"] in found:
            found[best["metric"]] |= {"best": best["value"], "epoch": best["epoch"], "direction": best["direction"]}
    return found


def strict_json(value: Any, ascii_only: bool = False) -> str:
    """JSON of plain values, strictly: NaN and infinities are objects such as ``{"float": "NaN"}``, and None is null.

    Args:
        value: Flags, numbers, texts, None, dicts and lists.
        ascii_only: Whether all other characters are escaped.
    """
    return json.dumps(_strict(value), ensure_ascii=ascii_only, allow_nan=False, separators=(",", ":"))


def _strict(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {KEY: "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
    if isinstance(value, Mapping):
        return {str(key): _strict(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(each) for each in value]
    return value
