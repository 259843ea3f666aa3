"""Curves of many runs on one grid: what a comparison draws. Everything is reckoned from all points, and then binned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ...record import curves
from ...record.block_summaries import BLOCK
from ...record.chunk import Floats
from ...record.record import Record

Axis = Literal["step", "epoch", "time", "clock"]
AXES: tuple[Axis, ...] = ("step", "epoch", "time", "clock")
MAX_POINTS = 60_000  # of all curves together
MAX_BINS = 1000
MIN_BINS = 50
MAX_ROWS = 200_000  # of a run; of longer ones each 64 batches are a point
WIDEST = 0.3  # the mean at most smoothing is over this part of what is in view


class Points(NamedTuple):
    """A run's values of a metric: where, what, and of how many batches."""

    x: Floats
    y: Floats
    weight: Floats

    @property
    def finite(self) -> Points:
        """Those that can be drawn."""
        good = np.isfinite(self.y) & np.isfinite(self.x)
        return self if good.all() else Points(self.x[good], self.y[good], self.weight[good])


class Rows(NamedTuple):
    """A run's values of a metric, by whatever axis.

    Attributes:
        x: Where they are, ``(4, n)``: a row an axis of ``AXES``.
        y: What they are.
        weight: Of how many batches each is.
    """

    x: Floats
    y: Floats
    weight: Floats


def rows(run: Record, metric: str) -> Rows:
    """A run's values of a metric; none where it has no such metric."""
    source = curves.epochs(run) if metric not in run.batch_table.names else curves.batches(run)
    names, count = list(source.names()), source.rows()
    if metric not in names or not count:
        return Rows(np.empty((len(AXES), 0)), np.empty(0), np.empty(0))
    column = names.index(metric)
    if count <= MAX_ROWS:
        y, x = source.values(0, count)[column].astype(np.float64), source.x(0, count)
        weight = np.ones(count)
    else:
        found = source.read(0, count, BLOCK)
        y, x = found.mean[column].astype(np.float64), found.x
        weight = np.full(len(y), float(BLOCK))
    if run.branches:  # what a rollback left behind is none of the run's course
        y = np.where(run.abandoned(x[1]), np.nan, y)
    return Rows(np.vstack([x[1], x[2], x[3] - _paused(run, x[3]), _clock(run, x[3])]), y, weight)


def points(run: Record, metric: str, axis: Axis) -> Points:
    """A run's values of a metric.

    Args:
        run: The run.
        metric: Its name.
        axis: What x is.
    """
    found = rows(run, metric)
    return Points(found.x[AXES.index(axis)], found.y, found.weight)


def thinned(found: Rows, most: int) -> Rows:
    """The same in at most so many: neighbours become their mean."""
    count = len(found.y)
    each = -(-count // most)
    if each <= 1:
        return found
    starts = np.arange(0, count, each)
    good = np.isfinite(found.y)
    weight = np.add.reduceat(np.where(good, found.weight, 0.0), starts)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.add.reduceat(np.where(good, found.y, 0.0) * found.weight, starts) / weight
    lengths = np.diff(np.append(starts, count))
    return Rows(np.add.reduceat(found.x, starts, axis=1) / lengths, y, weight)


def _clock(run: Record, seconds: Floats) -> Floats:
    """When that was, by ``time.time()``: nothing trained the run between its sittings."""
    began = np.full(len(seconds), run.started)
    for when, before in run.sittings:
        began[seconds >= before] = when - before
    return np.asarray(began + seconds)


def _paused(run: Record, seconds: Floats) -> Floats:
    """For how long the run had been paused by then."""
    began, total, at, until = None, 0.0, [0.0], [0.0]
    for event in run.events_list:
        if event.kind == "paused" and began is None:
            began = event.time
        elif event.kind in ("resumed", "stop", "status") and began is not None:
            at += [began, event.time]
            total += event.time - began
            until += [until[-1], total]
            began = None
    return np.asarray(np.interp(seconds, at, until))


class Binned(NamedTuple):
    """One run on the grid: the mean in each bin, NaN where there is none."""

    raw: npt.NDArray[np.float32]
    smooth: npt.NDArray[np.float32] | None


def grid(first: float, last: float, lines: int) -> Floats:
    """The edges of the bins: as many as the lines together may have."""
    bins = int(np.clip(MAX_POINTS // max(1, lines), MIN_BINS, MAX_BINS))
    return np.linspace(first, last if last > first else first + 1.0, bins + 1)


def binned(found: Points, edges: Floats, smoothing: float = 0.0) -> Binned:
    """A run on a grid.

    Args:
        found: All its points.
        edges: Of the bins, rising.
        smoothing: From 0 to 1; the width of the mean is a part of the grid's, so the same for every run.
    """
    good = found.finite
    raw = _means(good.x, good.y, good.weight, edges)
    if not smoothing or not len(good.x):
        return Binned(raw.astype(np.float32), None)
    width = WIDEST * smoothing**2 * (edges[-1] - edges[0])
    smooth = _means(good.x, moving_mean(good, width), good.weight, edges)
    return Binned(raw.astype(np.float32), smooth.astype(np.float32))


def _means(x: Floats, y: Floats, weight: Floats, edges: Floats) -> Floats:
    bins = len(edges) - 1
    which = np.searchsorted(edges, x, side="right") - 1
    which[x == edges[-1]] = bins - 1
    inside = (which >= 0) & (which < bins)
    which, y, weight = which[inside], y[inside], weight[inside]
    total = np.bincount(which, weight, bins)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.bincount(which, weight * y, bins) / total)


def moving_mean(found: Points, width: float) -> Floats:
    """At each point the mean of all within half a ``width`` to either side. x never falls."""
    sums = np.concatenate([[0.0], np.cumsum(found.weight * found.y)])
    weights = np.concatenate([[0.0], np.cumsum(found.weight)])
    first = np.searchsorted(found.x, found.x - width / 2, side="left")
    last = np.searchsorted(found.x, found.x + width / 2, side="right")
    return np.asarray((sums[last] - sums[first]) / (weights[last] - weights[first]))


def extent(every: Iterable[Points]) -> tuple[float, float]:
    """From where to where there is anything to draw."""
    spans = [(each.x[0], each.x[-1]) for each in (found.finite for found in every) if len(each.x)]
    if not spans:
        return 0.0, 1.0
    return float(min(first for first, _ in spans)), float(max(last for _, last in spans))
