"""Bounded pictures of long columns: buckets of rows with their minimum, maximum and mean, kept as rows come in.

Buckets hold a power of two of rows and start at multiples of it, so a growing curve never dances: when there are too
many, neighbours merge in pairs. Nothing between two buckets is ever dropped: a spike of one batch stays visible.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .series import CHUNK, Floats, Values

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
    """What buckets are made of; ``Run`` gives one for batches, one for epochs, one for control values."""

    def __init__(
        self,
        rows: Callable[[], int],
        names: Callable[[], Sequence[str]],
        values: Callable[[int, int], Values],
        x: Callable[[int, int], Floats],
    ) -> None:
        self.rows, self.names, self.values, self.x = rows, names, values, x


def reduce_rows(values: Values, x: Floats, per_bucket: int) -> Buckets:
    """Buckets of ``per_bucket`` rows; the last may be partial.

    Args:
        values: ``(c, rows)`` float32.
        x: ``(4, rows)``: step, step again, epoch, seconds of each row.
        per_bucket: Rows in a bucket.
    """
    columns, rows = values.shape
    if per_bucket == 1:
        clean = np.where(np.isfinite(values), values, np.float32(np.nan))
        return Buckets(clean, clean, clean, np.ones(clean.shape, bool), x.copy(), 1)
    n = -(-rows // per_bucket)
    padded = np.full((columns, n * per_bucket), np.nan, np.float32)
    padded[:, :rows] = values
    block = padded.reshape(columns, n, per_bucket)
    finite = np.isfinite(block)
    low = np.where(finite, block, np.float32(np.inf))
    high = np.where(finite, block, np.float32(-np.inf))
    count = finite.sum(axis=2)
    total = np.where(finite, block, np.float32(0)).sum(axis=2, dtype=np.float64)
    empty = count == 0
    nan = np.float32(np.nan)
    starts = np.arange(n) * per_bucket
    ends = np.minimum(starts + per_bucket, rows) - 1
    return Buckets(
        np.where(empty, nan, low.min(axis=2)),
        np.where(empty, nan, high.max(axis=2)),
        (total / np.where(empty, np.nan, count)).astype(np.float32),
        low.argmin(axis=2) <= high.argmax(axis=2),
        np.vstack([x[0, starts], x[1, ends], x[2, ends], x[3, ends]]),
        per_bucket,
    )


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

    def update(self) -> Buckets | None:
        """The picture of all rows so far; None while there are none."""
        rows = self._source.rows()
        if not rows:
            return None
        columns = len(self._source.names())
        if self._closed is not None:
            self._closed = _with_columns(self._closed, columns)
        while (rows - 1) // self._per_bucket >= self._limit:
            self._halve()
        done = 0 if self._closed is None else self._closed.length
        want = (rows - 1) // self._per_bucket
        # A long gap (a board first shown late in a run) is taken in pieces, to keep memory flat.
        piece = max(1, CHUNK // self._per_bucket)
        while want - done > piece:
            self._closed = self._and(self._read(done * self._per_bucket, (done + piece) * self._per_bucket))
            done += piece
        whole = self._and(self._read(done * self._per_bucket, rows))
        self._closed = first(whole, want) if want else None
        return whole

    def _read(self, first: int, last: int) -> Buckets:
        return reduce_rows(self._source.values(first, last), self._source.x(first, last), self._per_bucket)

    def _and(self, more: Buckets) -> Buckets:
        return more if self._closed is None else join([self._closed, more])

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
    """Rows ``first_row`` to ``last_row`` (excluded) in at most ``points`` buckets, read from the rows themselves."""
    first_row, last_row = max(0, first_row), min(last_row, source.rows())
    if first_row >= last_row:
        return None
    per_bucket = 1
    while (last_row - first_row) // per_bucket > points:
        per_bucket *= 2
    first_row -= first_row % per_bucket
    piece = max(per_bucket, CHUNK // per_bucket * per_bucket)
    parts = []
    for at in range(first_row, last_row, piece):
        until = min(at + piece, last_row)
        parts.append(reduce_rows(source.values(at, until), source.x(at, until), per_bucket))
    return join(parts)
