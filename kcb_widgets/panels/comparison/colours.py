"""A run's colour and dashes: they belong to its id, so that they are the same in every table, plot and session."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

# After Okabe and Ito (https://jfly.uni-koeln.de/color/) and Tol (https://personal.sron.nl/~pault/): told apart with
# most colour vision, by their dashes where not, and neither too faint on white nor on black.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#C4679B", "#8877DD", "#A07800", "#D0443E", "#6F8F00", "#808080", "#2F96A8")
DASHES: tuple[tuple[int, ...], ...] = ((), (8, 3), (2, 3), (8, 3, 2, 3))


class Style(NamedTuple):
    """How a run's line is drawn."""

    colour: str
    dashes: tuple[int, ...]


def style_of(run: str) -> Style:
    """The style of the run with this id."""
    number = int.from_bytes(hashlib.sha256(run.encode()).digest()[:4], "big")
    return Style(COLOURS[number % len(COLOURS)], DASHES[number // len(COLOURS) % len(DASHES)])
