"""Choices: what a comparison shows. They come from a browser or from Python, and are checked either way."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from ...record.values import shown as in_words
from . import relations
from .axes import AXES, SERIES
from .groups import BANDS, Band
from .markers import ALIGN
from .patterns import BY_NAME, MAX_LENGTH

Which = Literal["both", "train", "validation"]
WHICH: tuple[Which, ...] = ("both", "train", "validation")
MAX_NAME = 1000
MAX_SHOWN = 1000
FIRST_SHOWN = 20  # the newest runs are shown at first


@dataclass(frozen=True)
class Choices:
    """What a comparison shows.

    Attributes:
        metric: Whose curves.
        which: Those of training, of validation, or both.
        x: The horizontal axis: ``step``, ``epoch``, ``time`` (seconds of training, without pauses), ``clock``,
            ``samples``, or a recorded series such as ``series.learning_rate``.
        align: What is drawn as zero of each run: ``zero``, where it began, or a kind of marker; None: the axis's zero.
        log: Whether the vertical axis is logarithmic.
        smoothing: From 0 to 1.
        shown: The ids of the runs whose curves are drawn; None: the newest.
        group: What runs are put together by: ``name``, ``tags``, a setting such as ``config.depth``, or a pattern of
            the name such as ``name:seed*``; None: nothing.
        band: What of a group lies in the band around its mean; one of ``groups.BANDS``.
        colour: The setting whose values are the runs' colours; None: each run has its own.
        hidden: The ids of runs that are neither drawn nor in the table.
        baseline: The id of the run that others are compared with; None: none.
        view: What stands over the table: ``curves``, ``parallel`` (coordinates) and ``scatter``, or some of them.
        axes: Of the parallel coordinates, from the left; None: settings that differ, and the outcome.
        scales: Axes that are ``linear``, ``log`` or ``categories`` because somebody said so.
        brush: By axis, ranges and values: runs outside are left out; see ``relations``.
        outcome: What runs are coloured by, such as ``best val_loss``; None: the metric.
        best: Percent of the runs, the best by the outcome, that are not left out.
        scatter: What x is and what y is; None: the first setting that differs, and the outcome.
    """

    metric: str = "loss"
    which: Which = "both"
    x: str = "step"
    align: str | None = None
    log: bool = False
    smoothing: float = 0.0
    shown: tuple[str, ...] | None = None
    group: str | None = None
    band: Band = "deviation"
    colour: str | None = None
    hidden: tuple[str, ...] = ()
    baseline: str | None = None
    view: tuple[str, ...] = ("curves",)
    axes: tuple[str, ...] | None = None
    scales: dict[str, str] = field(default_factory=dict)
    brush: relations.Brush = field(default_factory=dict)
    outcome: str | None = None
    best: float = relations.EVERY
    scatter: tuple[str | None, str | None] = (None, None)

    def changed(self, given: Mapping[str, Any]) -> Choices:
        """The same with some changed.

        Raises:
            TypeError, ValueError: There is no such choice, or it cannot be this.
        """
        names = [each.name for each in fields(self)]
        for name in given:
            if name not in names:
                msg = f"there is no choice of this name; there are {', '.join(names)}. Received: {in_words(name)}"
                raise ValueError(msg)
        made = {name: _CHECKS[name](name, value) for name, value in given.items()}
        return replace(self, **made)

    def sent(self) -> dict[str, Any]:
        """As JSON."""
        made: dict[str, Any] = _lists(asdict(self))
        return made


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _lists(each) for name, each in value.items()}
    return [_lists(each) for each in value] if isinstance(value, (list, tuple)) else value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME:
        msg = f"{name} must be a name. Received: {in_words(value)}"
        raise TypeError(msg)
    return value


def _one_of(options: tuple[str, ...]) -> Any:
    def check(name: str, value: object) -> str:
        if value not in options:
            msg = f"{name} must be one of {', '.join(options)}. Received: {in_words(value)}"
            raise ValueError(msg)
        return str(value)

    return check


def _axis(name: str, value: object) -> str:
    if isinstance(value, str) and value.startswith(SERIES) and len(SERIES) < len(value) <= MAX_NAME:
        return value
    if value not in AXES:
        msg = f"{name} must be one of {', '.join(AXES)}, or {SERIES} and a name. Received: {in_words(value)}"
        raise ValueError(msg)
    return str(value)


def _maybe(check: Any) -> Any:
    return lambda name, value: None if value is None else check(name, value)


def _group(name: str, value: object) -> str:
    known = _text(name, value)
    if known.startswith(BY_NAME) and not 0 < len(known) - len(BY_NAME) <= MAX_LENGTH:
        msg = f"a pattern of the name has from 1 to {MAX_LENGTH} characters. Received: {in_words(value)}"
        raise ValueError(msg)
    return known


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        msg = f"{name} must be True or False. Received: {in_words(value)}"
        raise TypeError(msg)
    return value


def _part(name: str, value: object) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not math.isfinite(value)
        or not 0 <= value <= 1
    ):
        msg = f"{name} must be a number from 0 to 1. Received: {in_words(value)}"
        raise ValueError(msg)
    return float(value)


def _ids(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, (list, tuple)) or len(value) > MAX_SHOWN:
        msg = f"{name} must be a list of ids of runs. Received: {in_words(value)}"
        raise TypeError(msg)
    return tuple(dict.fromkeys(_text(name, each) for each in value))


_CHECKS: dict[str, Any] = {
    "metric": _text,
    "which": _one_of(WHICH),
    "x": _axis,
    "align": _maybe(_one_of(ALIGN)),
    "log": _flag,
    "smoothing": _part,
    "shown": _maybe(_ids),
    "group": _maybe(_group),
    "band": _one_of(tuple(BANDS)),
    "colour": _maybe(_text),
    "hidden": _ids,
    "baseline": _maybe(_text),
    **relations.CHECKS,
}
