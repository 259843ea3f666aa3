"""Curves of many runs on one grid: what a comparison draws. Everything is reckoned from all points, and then binned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...record import curves
from ...record.block_summaries import BLOCK
from ...record.chunk import Floats
from ...record.downsampling import Source
from ...record.record import Record
from . import axes

ROW_AXES = ("step", "epoch", "time", "clock")  # of the rest each is one of these, scaled or moved
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
        x: Where they are, ``(4, n)``: a row an axis of ``ROW_AXES``.
        y: What they are.
        weight: Of how many batches each is.
    """

    x: Floats
    y: Floats
    weight: Floats


def rows(run: Record, metric: str) -> Rows:
    """A run's values of a metric, on all axes that tell one run's from another's; none where it has no such metric."""
    (y,), x, weight = _read(run, _source(run, metric), [metric])
    if not len(y):
        return Rows(np.empty((len(ROW_AXES), 0)), y, weight)
    return Rows(np.vstack([axes.along(run, axis, x) for axis in ROW_AXES]), y, weight)


def points(run: Record, metric: str, axis: str, align: str | None = None) -> Points:
    """A run's values of a metric, where it can be known where they are.

    Args:
        run: The run.
        metric: Its name.
        axis: What x is: one of ``axes.AXES``, or a series, by whose values those of the metric are sorted.
        align: What is drawn as zero; see ``axes.origin``.
    """
    series = axes.series_of(axis)
    if series is not None:
        return _against(run, metric, series)
    (y,), x, weight = _read(run, _source(run, metric), [metric])
    at = axes.along(run, axis, x) - axes.origin(run, axis, align)
    good = np.isfinite(at)
    return Points(at[good], y[good], weight[good])


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


def _source(run: Record, metric: str) -> Source:
    """What has a metric: its batches, or else its epochs."""
    return curves.batches(run) if metric in run.batch_table.names else curves.epochs(run)


def _read(run: Record, source: Source, wanted: list[str]) -> tuple[list[Floats], Floats, Floats]:
    """Columns of a source, where their rows are, and of how many batches each is."""
    names, rows = list(source.names()), source.rows()
    if not rows or any(name not in names for name in wanted):
        return [np.empty(0) for _ in wanted], np.empty((4, 0)), np.empty(0)
    columns = [names.index(name) for name in wanted]
    if rows <= MAX_ROWS:
        found, x = source.values(0, rows)[columns].astype(np.float64), source.x(0, rows)
        weight = np.ones(rows)
    else:
        read = source.read(0, rows, BLOCK)
        found, x = read.mean[columns].astype(np.float64), read.x
        weight = np.full(found.shape[1], float(BLOCK))
    if run.branches:  # what a rollback left behind is none of the run's course
        found = np.where(run.abandoned(x[1]), np.nan, found)
    return list(found), x, weight


def _against(run: Record, metric: str, series: str) -> Points:
    """A metric by another series: both of batches, both of epochs, or by a control's value at that time."""
    batches = run.batch_table.names
    if series in run.value_table.names:
        (y,), steps, weight = _read(run, _source(run, metric), [metric])
        x = _held(run, series, steps[1])
    else:
        together = metric in batches and series in batches
        (y, x), _, weight = _read(run, curves.batches(run) if together else curves.epochs(run), [metric, series])
    good = np.isfinite(x)
    order = np.flatnonzero(good)[np.argsort(x[good], kind="stable")]
    return Points(x[order], y[order], weight[order])


def _held(run: Record, control: str, steps: Floats) -> Floats:
    """The value of a control that each of ``steps`` was trained with: one holds from the batch after its own step."""
    table = run.value_table
    rows = table.rows
    values = table.values(0, rows)[table.names.index(control)].astype(np.float64)
    at = np.searchsorted(table.steps(0, rows), steps, side="left") - 1
    return np.where(at >= 0, values[np.maximum(at, 0)], np.nan) if rows else np.full(len(steps), np.nan)


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
