"""The curves of a group of fits in the same places, and their mean: a fit counts where it has a value."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .chunk import Floats
from .fit_group import FitGroup
from .grouped_fit import GroupedFit, Line

MAX_PLACES = 500
MIN_PLACES = 20


class FitCurves(NamedTuple):
    """A metric of a group's fits.

    Attributes:
        by_epoch: Whether it is of the ends of epochs; else of batches, where no fit has two epochs.
        fits: Those that have the metric.
        x: Epochs that are over, or steps; rising.
        values: A row for each fit, NaN where it has none.
        mean: Over the fits that have a value; NaN where one of several has: it would leap where others end.
        low: The mean less a standard deviation of a sample; NaN where fewer than two have a value.
        high: The mean and a standard deviation.
        there: Fits that have a value.
    """

    by_epoch: bool
    fits: list[GroupedFit]
    x: Floats
    values: Floats
    mean: Floats
    low: Floats
    high: Floats
    there: npt.NDArray[np.intp]


def collect(group: FitGroup, metric: str) -> FitCurves:
    """Read the curves of a metric, of all fits of which anything is kept."""
    fits = group.fits()
    by_epoch = any(each.epochs > 1 for each in fits) or metric.startswith("val_")
    found = [(each, line) for each in fits if len((line := each.line(metric, by_epoch)).x)]
    lines = [line for _, line in found]
    x, values = _in_same_places(lines, by_epoch)
    there = np.isfinite(values)
    count = there.sum(axis=0)
    few = min(2, len(lines))
    with np.errstate(all="ignore"):
        mean = np.where(count >= few, np.where(there, values, 0.0).sum(axis=0) / count, np.nan)
        squares = np.where(there, (values - mean) ** 2, 0.0).sum(axis=0)
        spread = np.where(count > 1, np.sqrt(squares / (count - 1)), np.nan)
    return FitCurves(by_epoch, [each for each, _ in found], x, values, mean, mean - spread, mean + spread, count)


def _in_same_places(lines: list[Line], by_epoch: bool) -> tuple[Floats, Floats]:
    """Where lines have values, and those: at their own places, or means over stretches where these are many."""
    if not lines:
        return np.empty(0), np.empty((0, 0))
    places = np.unique(np.concatenate([line.x for line in lines]))
    most = max(len(line.x) for line in lines)
    if len(places) <= MAX_PLACES and (by_epoch or len(places) == most):
        values = np.full((len(lines), len(places)), np.nan)
        for row, line in zip(values, lines, strict=True):
            row[np.searchsorted(places, line.x)] = line.y
        return places, values
    # As many stretches as the shortest line has points: then each has a value in all that it reaches, as a rule.
    count = int(np.clip(min(len(line.x) for line in lines), MIN_PLACES, MAX_PLACES))
    edges = np.linspace(places[0], places[-1], count + 1)
    values = np.full((len(lines), count), np.nan)
    for row, line in zip(values, lines, strict=True):
        at = np.minimum(np.searchsorted(edges, line.x, side="right") - 1, count - 1)
        with np.errstate(invalid="ignore"):
            row[:] = np.bincount(at, line.y, count) / np.bincount(at, minlength=count)
    return (edges[:-1] + edges[1:]) / 2, values
