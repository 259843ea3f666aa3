"""Positions: where steps stand in epochs, and which of them rollbacks abandoned."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .chunk import Floats

if TYPE_CHECKING:
    from . import wire


def epoch_at(starts: Sequence[tuple[int, int, int]], length: float, steps: Floats) -> Floats:
    """Fractional epochs done after each of ``steps``, which rise: 2.5 is half of the third epoch.

    Args:
        starts: For each epoch its first row, the step before it and its number.
        length: Batches in the last of them.
        steps: Batches trained.
    """
    if not starts:
        return np.zeros_like(steps)
    if not len(steps):
        return np.zeros(0)
    last = len(starts)
    first, end = (bisect_left(starts, steps[i], 0, last, key=lambda start: start[1]) for i in (0, -1))
    some = starts[max(first - 1, 0) : min(end, last) + 1]  # and the one after, where the last of them ends
    befores = np.array([step for _, step, _ in some], np.float64)
    epochs = np.array([epoch for _, _, epoch in some], np.float64)
    lengths = np.append(np.diff(befores), length)
    which = np.clip(np.searchsorted(befores, steps, side="left") - 1, 0, None)
    part = (steps - befores[which]) / np.maximum(lengths[which], 1.0)
    return np.asarray(epochs[which] + np.clip(part, 0.0, 1.0))


def epoch_and_batch(
    starts: Sequence[tuple[int, int, int]], first: int, steps: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The epoch of each row, and its batch in it, both 0-based as Keras counts.

    Args:
        starts: See ``epoch_at``.
        first: The first row.
        steps: Of the rows from there on.
    """
    firsts, befores, numbers = (np.array(column, np.int64) for column in zip(*(starts or [(0, 0, 0)]), strict=True))
    # An epoch that trained nothing begins at the same row as the next: side="right" picks the later.
    which = np.searchsorted(firsts, np.arange(first, first + len(steps)), side="right") - 1
    return numbers[which], steps - befores[which] - 1


def abandoned(branches: Sequence[wire.Branch], steps: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which of ``steps`` rollbacks left behind.

    The trail is followed back from now: going back to a state on an abandoned stretch makes that part live again.
    """
    gone = np.ones(len(steps), bool)
    until: float = np.inf
    for branch in reversed(branches):
        if branch["to"] <= until:
            gone &= ~((steps > branch["to"]) & (steps <= until))
            until = branch["from"]
    gone &= steps > until
    return gone
