"""An axis of a still: where a value stands. The browser decides the same: ``js/src/panels/comparison/axis.js``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ...record.formats import format_setting
from ...record.values import Value

DECADES = 2  # positive numbers that span more are on a logarithmic scale
MOST_ODD = 4  # texts among numbers that get a place under the axis; with more all are categories
MISSING = "missing"
_WORDS = {"nan": "NaN", "inf": "∞", "-inf": "\u2212∞", "": "(empty)"}


@dataclass(frozen=True)
class Axis:
    """Where values stand.

    Attributes:
        kind: ``linear``, ``log`` or ``categories``.
        low: The least number.
        high: The largest.
        inside: Categories, from the bottom.
        under: What has a place under the axis: what is no number among numbers, and None, which is missing.
    """

    kind: str
    low: float
    high: float
    inside: tuple[Value, ...]
    under: tuple[Value, ...]

    def place(self, value: Value) -> float | None:
        """From 0, the bottom, to 1; None for what stands under the axis."""
        if self.kind == "categories":
            found = index_of(self.inside, value)
            return None if found is None else (found + 0.5) / len(self.inside)
        if not is_number(value):
            return None
        assert isinstance(value, (int, float))
        first, last = self._scaled(self.low), self._scaled(self.high)
        return (self._scaled(value) - first) / (last - first) if last > first else 0.5

    def ticks(self, most: int = 6) -> list[tuple[float, str]]:
        """Where numbers or categories are written, and what."""
        if self.kind == "categories":
            return [((i + 0.5) / len(self.inside), word_of(value)) for i, value in enumerate(self.inside)]
        if self.low == self.high:
            return [(0.5, word_of(self.low))]
        decades = math.log10(self.high) - math.log10(self.low) if self.kind == "log" else 0.0
        found = _powers(self.low, self.high, most) if decades >= 1 else _rounds(self.low, self.high, most)
        placed = [(self.place(each), f"{each:.4g}") for each in found if self.low <= each <= self.high]
        return [(at, word) for at, word in placed if at is not None]

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.kind == "log" else value / 2  # halves: the span of doubles is none


def axis_of(values: Iterable[Value], wanted: str | None) -> Axis:
    """The axis for some values.

    Args:
        values: Of all runs.
        wanted: A scale that somebody chose.
    """
    every = list(values)
    numbers = sorted({each for each in every if is_number(each)})  # type: ignore[type-var]
    odd = sorted({each for each in every if each is not None and not is_number(each)}, key=word_of)
    under: tuple[Value, ...] = (None,) if None in every else ()
    if not numbers or wanted == "categories" or len(odd) > MOST_ODD:
        return Axis("categories", 0.0, 0.0, (*numbers, *odd), under)
    low, high = float(numbers[0]), float(numbers[-1])  # type: ignore[arg-type]
    wide = low > 0 and math.log10(high) - math.log10(low) > DECADES
    kind = "log" if low > 0 and (wanted == "log" or (wide and wanted != "linear")) else "linear"
    return Axis(kind, low, high, (), (*odd, *under))


def _powers(low: float, high: float, most: int) -> list[float]:
    """Powers of ten."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    return [float(f"1e{power}") for power in range(first, last + 1, max(1, math.ceil((last - first) / most)))]


def _rounds(low: float, high: float, most: int) -> list[float]:
    """Round numbers."""
    rough = high / most - low / most
    if rough <= 0:  # the smallest numbers there are
        return [low, high]
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((each * power for each in (1, 2, 5, 10) if each * power >= rough), rough)
    return [float(f"{i * step:.12g}") for i in range(math.ceil(low / step), math.floor(high / step) + 1)][: 2 * most]


def is_number(value: Value) -> bool:
    """Whether a value is a finite number; a flag is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def word_of(value: Value) -> str:
    """A value as people read it."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "on" if value else "off"
    return format_setting(value) if isinstance(value, (int, float)) else _WORDS.get(value, value)


def index_of(values: tuple[Value, ...], value: Value) -> int | None:
    """Where a value stands among others; 1 is not True."""
    same = (i for i, each in enumerate(values) if each == value and isinstance(each, bool) == isinstance(value, bool))
    return next(same, None)
