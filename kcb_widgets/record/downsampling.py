"""Bounded pictures of long columns: buckets of rows with their minimum, maximum and mean, kept as rows come in.

Buckets hold a power of two of rows and start at multiples of it, so a growing curve never dances: when there are too
many, neighbours merge in pairs. Nothing between two buckets is ever dropped: a spike of one batch stays visible.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import block_summaries
from .block_summaries import BLOCK, READ, BlockSummaries
from .chunk import Floats, Indices
from .table import Values

Flags = npt.NDArray[np.bool_]


@dataclass
class Buckets:
    """``n`` buckets of ``c`` columns.

    Attributes:
        minimum: Smallest finite value, ``(c, n)`` float32, NaN where a bucket has none.
        maximum: Largest finite value.
        mean: Mean of the finite values.
        order: True where the minimum came before the maximum.
        x: ``(k, n)`` float64: first step, last step; fractional epochs and seconds at the last row.
        per_bucket: Rows in a full bucket.
    """

    minimum: Values
    maximum: Values
    mean: Values
    order: Flags
    x: Floats
    per_bucket: int

    @property
    def length(self) -> int:
        """The number of buckets."""
        return int(self.x.shape[1])


class Source:
    """What buckets are made of; ``curves.py`` gives one for batches, one for epochs, one for control values.

    Args:
        rows: How many rows there are.
        names: Their columns.
        values: Reads rows from the first to the last (excluded): ``(c, rows)`` float32.
        x: Where they are: ``(4, rows)``: step, step again, epoch, seconds.
        x_at: The same of single rows, in rising order.
        step_at: Their steps alone, for which a run file need not be read.
        kept: What is known of each 64 rows; one's own by default.
        key: What the values depend on besides the rows.
    """

    def __init__(
        self,
        rows: Callable[[], int],
        names: Callable[[], Sequence[str]],
        values: Callable[[int, int], Values],
        x: Callable[[int, int], Floats],
        x_at: Callable[[Indices], Floats] | None = None,
        kept: BlockSummaries | None = None,
        key: Callable[[], Hashable] = bool,
        step_at: Callable[[Indices], Floats] | None = None,
    ) -> None:
        self.rows, self.names, self.values, self.x, self.key = rows, names, values, x, key
        self._x_at, self._kept, self._step_at = x_at, kept or BlockSummaries(), step_at

    def x_at(self, rows: Indices) -> Floats:
        """Where single rows are, ``(4, n)``."""
        if self._x_at is not None:
            return self._x_at(rows)
        first = int(rows[0])
        return self.x(first, int(rows[-1]) + 1)[:, rows - first]

    def read(self, first: int, last: int, per_bucket: int) -> Buckets:
        """Rows as buckets; the last bucket may be partial.

        Args:
            first: First row, a multiple of ``per_bucket``.
            last: Row after the last.
            per_bucket: Rows in a bucket, a power of two.
        """
        nan = np.float32(np.nan)
        if per_bucket == 1:
            values = self.values(first, last)
            clean = np.where(np.isfinite(values), values, nan)
            return Buckets(clean, clean, clean, np.ones(clean.shape, bool), self.x(first, last), 1)
        if per_bucket < BLOCK:
            pieces = range(first, last, READ)
            found = block_summaries.join(
                [block_summaries.of_rows(self.values(at, min(at + READ, last)), per_bucket) for at in pieces]
            )
        else:
            key, rows = self.key(), max(last, self.rows())
            found = self._kept.read(first, last, per_bucket // BLOCK, rows, self.values, key)
        starts = np.arange(first, last, per_bucket)
        ends = np.minimum(starts + per_bucket, last) - 1
        none = found.count == 0
        low, high, mean = (np.where(none, nan, part) for part in (found.low, found.high, found.mean))
        steps = self.x_at(starts)[0] if self._step_at is None else self._step_at(starts)
        x = np.vstack([steps[None], self.x_at(ends)[1:]])
        return Buckets(low, high, mean, found.order, x, per_bucket)


def merge_pairs(buckets: Buckets) -> Buckets:
    """Half as many buckets, each of twice the rows; of an even number of them."""
    a = np.s_[:, 0::2]
    b = np.s_[:, 1::2]
    low_a, low_b, high_a, high_b = buckets.minimum[a], buckets.minimum[b], buckets.maximum[a], buckets.maximum[b]
    min_in_a = ~(low_b < low_a) & ~np.isnan(low_a)
    max_in_a = ~(high_b > high_a) & ~np.isnan(high_a)
    order = np.where(min_in_a == max_in_a, np.where(min_in_a, buckets.order[a], buckets.order[b]), min_in_a)
    mean_a, mean_b = buckets.mean[a], buckets.mean[b]
    mean = np.where(np.isnan(mean_a), mean_b, np.where(np.isnan(mean_b), mean_a, (mean_a + mean_b) / 2))
    x = buckets.x
    return Buckets(
        np.fmin(low_a, low_b),
        np.fmax(high_a, high_b),
        mean.astype(np.float32),
        order.astype(bool),
        np.vstack([x[0, 0::2], x[1, 1::2], x[2, 1::2], x[3, 1::2]]),
        buckets.per_bucket * 2,
    )


def join(parts: Sequence[Buckets]) -> Buckets:
    """Buckets side by side (all with the same columns and rows per bucket)."""
    return Buckets(
        np.concatenate([p.minimum for p in parts], axis=1),
        np.concatenate([p.maximum for p in parts], axis=1),
        np.concatenate([p.mean for p in parts], axis=1),
        np.concatenate([p.order for p in parts], axis=1),
        np.concatenate([p.x for p in parts], axis=1),
        parts[0].per_bucket,
    )


def first(buckets: Buckets, count: int) -> Buckets:
    """The first ``count`` buckets."""
    parts = (buckets.minimum, buckets.maximum, buckets.mean, buckets.order, buckets.x)
    return Buckets(*(part[:, :count] for part in parts), buckets.per_bucket)  # type: ignore[call-arg, arg-type]


def _with_columns(buckets: Buckets, columns: int) -> Buckets:
    """The same buckets with empty columns for metrics first seen later."""
    more = columns - buckets.mean.shape[0]
    if more <= 0:
        return buckets
    nan = np.full((more, buckets.length), np.nan, np.float32)

    def pad(part: Values) -> Values:
        return np.vstack([part, nan])

    order = np.vstack([buckets.order, np.ones(nan.shape, bool)])
    return Buckets(pad(buckets.minimum), pad(buckets.maximum), pad(buckets.mean), order, buckets.x, buckets.per_bucket)


class Bins:
    """The whole run in at most ``limit`` buckets, kept up to date at a cost that does not grow with the run.

    Only closed buckets are kept. The newest row never lies in a closed bucket, because its value may still be
    corrected (the last batch of an epoch is smaller than the others).
    """

    def __init__(self, source: Source, limit: int = 512) -> None:
        self._source = source
        self._limit = limit
        self._closed: Buckets | None = None
        self._per_bucket = 1
        self._key: Hashable = None

    def update(self) -> Buckets | None:
        """The picture of all rows so far; None while there are none."""
        key, rows = self._source.key(), self._source.rows()
        if not rows:
            return None
        if key != self._key:  # what was made of the rows is no longer what would be made of them now
            self._key, self._closed = key, None
        while (rows - 1) // self._per_bucket >= self._limit:
            self._halve()
        done = 0 if self._closed is None else self._closed.length
        want = (rows - 1) // self._per_bucket
        whole = self._source.read(done * self._per_bucket, rows, self._per_bucket)
        if self._closed is not None:
            whole = join([_with_columns(self._closed, whole.mean.shape[0]), whole])
        self._closed = first(whole, want) if want else None
        return whole

    def _halve(self) -> None:
        self._per_bucket *= 2
        closed = self._closed
        if closed is None:
            return
        even = closed.length // 2 * 2
        if not even:
            self._closed = None
            return
        self._closed = merge_pairs(first(closed, even))


def window(source: Source, first_row: int, last_row: int, points: int) -> Buckets | None:
    """Rows ``first_row`` to ``last_row`` (excluded) in at most ``points`` buckets, and one more for their alignment."""
    first_row, last_row = max(0, first_row), min(last_row, source.rows())
    if first_row >= last_row:
        return None
    per_bucket = 1
    while (last_row - first_row) // per_bucket > points:
        per_bucket *= 2
    return source.read(first_row - first_row % per_bucket, last_row, per_bucket)
