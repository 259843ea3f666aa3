"""Checks: whether something can be chosen. It comes from a browser or from Python, and a check gives it typed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, Literal

from ...record.values import MAX_INTEGER, is_number, plain, python
from ...record.values import shown as in_words
from . import relations
from .axes import AXES, SERIES
from .groups import BANDS
from .markers import ALIGN
from .patterns import BY_NAME, MAX_LENGTH

Which = Literal["both", "train", "validation"]
WHICH: tuple[Which, ...] = ("both", "train", "validation")
MAX_NAME = 1000
MAX_SHOWN = 1000
MAX_AXES = 30
MAX_PARTS = 10_000  # of a brush: one for each run, if need be
RANGES = "must have ranges of two numbers, or None where they are open"
Check = Callable[[str, Any], Any]


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME:
        msg = f"{name} must be a name. Received: {in_words(value)}"
        raise TypeError(msg)
    return value


def _one_of(options: tuple[str, ...]) -> Check:
    def check(name: str, value: object) -> str:
        if not isinstance(value, str) or value not in options:
            msg = f"{name} must be one of {', '.join(options)}. Received: {in_words(value)}"
            raise ValueError(msg)
        return value

    return check


def _maybe(check: Check) -> Check:
    return lambda name, value: None if value is None else check(name, value)


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        msg = f"{name} must be True or False. Received: {in_words(value)}"
        raise TypeError(msg)
    return value


def _part(name: str, value: object) -> float:
    if not is_number(value) or not 0 <= value <= 1:
        msg = f"{name} must be a number from 0 to 1. Received: {in_words(value)}"
        raise ValueError(msg)
    return float(value)


def _percent(name: str, value: object) -> float:
    if not is_number(value) or not 0 < value <= relations.EVERY:
        msg = f"{name} must be a number of percent above 0 and up to 100. Received: {in_words(value)}"
        raise ValueError(msg)
    return float(value)


def _list(name: str, value: object, most: int, of: str) -> list[Any]:
    if not isinstance(value, (list, tuple)) or len(value) > most:
        msg = f"{name} must be a list of at most {most} {of}. Received: {in_words(value)}"
        raise TypeError(msg)
    return list(value)


def _by_axis(name: str, value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping) or len(value) > MAX_AXES:
        msg = f"{name} must be a dict of at most {MAX_AXES} axes. Received: {in_words(value)}"
        raise TypeError(msg)
    return {_text(name, axis): each for axis, each in value.items()}


def _names(most: int, of: str) -> Check:
    return lambda name, value: tuple(dict.fromkeys(_text(name, each) for each in _list(name, value, most, of)))


# -- the curves --------------------------------------------------------------------------------------------------------


def _x(name: str, value: object) -> str:
    if isinstance(value, str) and value.startswith(SERIES) and len(SERIES) < len(value) <= MAX_NAME:
        return value
    if not isinstance(value, str) or value not in AXES:
        msg = f"{name} must be one of {', '.join(AXES)}, or {SERIES} and a name. Received: {in_words(value)}"
        raise ValueError(msg)
    return value


def _group(name: str, value: object) -> str:
    known = _text(name, value)
    if known.startswith(BY_NAME) and not 0 < len(known) - len(BY_NAME) <= MAX_LENGTH:
        msg = f"a pattern of the name has from 1 to {MAX_LENGTH} characters. Received: {in_words(value)}"
        raise ValueError(msg)
    return known


# -- how settings relate to results ------------------------------------------------------------------------------------


def _views(name: str, value: object) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, (list, tuple)) or not all(
        isinstance(each, str) and each in relations.VIEWS for each in given
    ):
        msg = f"{name} must be one or more of {', '.join(relations.VIEWS)}. Received: {in_words(value)}"
        raise ValueError(msg)
    return tuple(each for each in relations.VIEWS if each in given)


def _scales(name: str, value: object) -> dict[str, str]:
    check = _one_of(relations.SCALES)
    return {axis: check(name, each) for axis, each in _by_axis(name, value).items()}


def _brush(name: str, value: object) -> relations.Brush:
    return {
        axis: tuple(_brushed(name, part) for part in _list(name, parts, MAX_PARTS, "ranges and values"))
        for axis, parts in _by_axis(name, value).items()
    }


def _brushed(name: str, value: object) -> relations.Part:
    if isinstance(value, (list, tuple)):
        low, high = _pair(_end, RANGES)(name, value)
        if low is not None and high is not None and low > high:
            msg = f"{name} must have ranges that go up. Received: {in_words(value)}"
            raise ValueError(msg)
        return low, high
    if isinstance(value, Mapping):
        msg = f"{name} must have ranges and values. Received: {in_words(value)}"
        raise TypeError(msg)
    return plain(value, MAX_NAME)


def _end(name: str, value: object) -> float:
    found = python(value)
    if not is_number(found) or not abs(found) < sys.float_info.max:
        msg = f"{name} {RANGES}. Received: {in_words(value)}"
        raise TypeError(msg)
    return found if abs(found) <= MAX_INTEGER else float(found)


def _pair(check: Check, words: str) -> Check:
    def both(name: str, value: object) -> tuple[Any, Any]:
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            msg = f"{name} {words}. Received: {in_words(value)}"
            raise TypeError(msg)
        first, second = (_maybe(check)(name, each) for each in value)
        return first, second

    return both


RELATIONS: dict[str, Check] = {
    "view": _views,
    "axes": _maybe(_names(MAX_AXES, "names")),
    "scales": _scales,
    "brush": _brush,
    "outcome": _maybe(_text),
    "best": _percent,
    "scatter": _pair(_text, "must be what x is and what y is"),
}
"""Of the views besides the curves, which none of these changes."""
CHECKS: dict[str, Check] = {
    "metric": _text,
    "which": _one_of(WHICH),
    "x": _x,
    "align": _maybe(_one_of(ALIGN)),
    "log": _flag,
    "smoothing": _part,
    "shown": _maybe(_names(MAX_SHOWN, "ids of runs")),
    "group": _maybe(_group),
    "band": _one_of(tuple(BANDS)),
    "colour": _maybe(_text),
    "hidden": _names(MAX_SHOWN, "ids of runs"),
    "baseline": _maybe(_text),
    **RELATIONS,
}
"""What checks a choice, by its name; raises TypeError or ValueError where it cannot be this."""


def changes_curves(given: Mapping[str, Any]) -> bool:
    """Whether curves are drawn anew because of what is chosen; so they are when nothing is."""
    return not given or bool(set(given) - set(RELATIONS))
