"""Scales: the colours of runs, each run's own or by the value of a setting."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ...record.values import plain
from ...store.differences import settings_of
from .colours import COLOURS, style_of
from .members import Member

# From blue to amber: it grows lighter all the way, and its ends differ in yellow and blue, which most people tell
# apart. Each is seen on white and on black.
SCALE = ("#3457C8", "#6A55C4", "#9A54B4", "#BC5A8C", "#CB6A5C", "#C9832A")
MISSING = "#808080"
OWN = tuple(colour for colour in COLOURS if colour != MISSING)  # of values that are no numbers
DECADES = 10.0  # how many times the least value the greatest is where values lie on a logarithmic scale
MAX_LISTED = 10  # values in the legend


class Scale:
    """The colours of runs.

    Args:
        members: The runs.
        setting: Its values are the colours; None: each run has its own.
    """

    def __init__(self, members: Sequence[Member], setting: str | None = None) -> None:
        self.setting = setting
        self._values: dict[str, Any] = {}
        if setting is not None:
            self._values = {member.id: plain(settings_of(member.row).get(setting), 200) for member in members}
        known = [value for value in self._values.values() if value is not None]
        self._missing = len(known) < len(self._values)
        self.numbers = bool(known) and all(_is_number(value) for value in known)
        self.first, self.last = (float(min(known)), float(max(known))) if self.numbers else (0.0, 0.0)
        self.log = self.first > 0 and self.last >= DECADES * self.first
        self._own = {} if self.numbers else _apart({str(value): f"{setting}={value}" for value in known})

    def colour(self, run: str) -> str:
        """The colour of a run, by its id."""
        if self.setting is None:
            return style_of(run).colour
        value = self._values.get(run)
        if value is None:
            return MISSING
        return _on_scale(self._part(float(value))) if self.numbers else self._own[str(value)]

    def together(self, runs: Sequence[str]) -> str | None:
        """The colour of some runs, where a setting gives all of them the same."""
        if self.setting is None:
            return None
        found = {self.colour(run) for run in runs}
        return found.pop() if len(found) == 1 else None

    def _part(self, value: float) -> float:
        if self.last == self.first:
            return 0.5
        if self.log:
            return (math.log(value) - math.log(self.first)) / (math.log(self.last) - math.log(self.first))
        return value / (self.last - self.first) - self.first / (self.last - self.first)

    def legend(self) -> dict[str, Any] | None:
        """What the colours stand for, as JSON; None where each run has its own."""
        if self.setting is None:
            return None
        said: dict[str, Any] = {"setting": self.setting, "missing": MISSING if self._missing else None}
        if self.numbers:
            return {**said, "scale": list(SCALE), "first": self.first, "last": self.last, "log": self.log}
        values = [{"text": text, "colour": colour} for text, colour in self._own.items()]
        return {**said, "values": values[:MAX_LISTED], "more": max(0, len(values) - MAX_LISTED)}


def _apart(keys: Mapping[str, str]) -> dict[str, str]:
    """The colours of values by their keys; the next one that is free where another value has it, as long as one is."""
    made: dict[str, str] = {}
    free = list(OWN)
    for text in sorted(keys):
        at = int(hashlib.sha256(keys[text].encode()).hexdigest(), 16) % len(OWN)
        made[text] = next((colour for colour in OWN[at:] + OWN[:at] if colour in free), OWN[at])
        if made[text] in free:
            free.remove(made[text])
    return made


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _on_scale(part: float) -> str:
    """The colour at a part of the scale, between two of its own."""
    at = min(max(part, 0.0), 1.0) * (len(SCALE) - 1)
    low = min(int(at), len(SCALE) - 2)
    pair = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in SCALE[low : low + 2]]
    return "#" + "".join(f"{round(a + (b - a) * (at - low)):02X}" for a, b in zip(*pair, strict=True))
