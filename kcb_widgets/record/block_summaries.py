"""What is known of each 64 rows, so that no picture has to read all rows of a long run.

Made by those who look, never by the thread that trains: as rows come while a picture is drawn again and again, or all
at once when a board first asks. 14 bytes for each 64 rows of a column.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from .table import Values

BLOCK = 64
PIECE = 1024  # blocks in one array: never moved
READ = 16_384  # rows read at a time: what they take in between stays small


@dataclass
class Extremes:
    """The finite values in each of ``n`` groups of rows, for ``c`` columns. All arrays are ``(c, n)``.

    Attributes:
        low: Smallest, float32; infinite where there is none.
        high: Largest, float32; minus infinite where there is none.
        mean: Their mean, float32; 0 where there is none.
        order: Whether the smallest came before the largest (or is the same row).
        count: How many there are.
    """

    low: Values
    high: Values
    mean: Values
    order: npt.NDArray[np.bool_]
    count: npt.NDArray[Any]

    @property
    def length(self) -> int:
        """The number of groups."""
        return int(self.low.shape[1])

    @property
    def arrays(self) -> list[npt.NDArray[Any]]:
        """All of them, in order."""
        return [getattr(self, field.name) for field in fields(self)]


def empty(columns: int, groups: int) -> Extremes:
    """Groups that no value was seen in."""
    shape = (columns, groups)
    low = np.full(shape, np.inf, np.float32)
    return Extremes(low, -low, np.zeros(shape, np.float32), np.ones(shape, bool), np.zeros(shape, np.uint8))


def of_rows(values: Values, rows: int) -> Extremes:
    """Groups of ``rows`` rows each; the last may be shorter.

    Args:
        values: ``(c, n)`` float32.
        rows: Rows in a group.
    """
    columns, n = values.shape
    whole = n - n % rows
    if whole < n:
        return join([of_rows(values[:, :whole], rows), of_rows(values[:, whole:], n - whole)])
    block = values.reshape(columns, n // rows, rows)
    finite = np.isfinite(block)
    if finite.all():
        low = high = block
        count = np.full(block.shape[:2], rows)
        mean = block.mean(axis=2, dtype=np.float64)
    else:
        low = np.where(finite, block, np.float32(np.inf))
        high = np.where(finite, block, np.float32(-np.inf))
        count = finite.sum(axis=2)
        mean = np.where(finite, block, np.float32(0)).sum(axis=2, dtype=np.float64) / np.maximum(count, 1)
    order = low.argmin(axis=2) <= high.argmax(axis=2)
    return Extremes(low.min(axis=2), high.max(axis=2), mean.astype(np.float32), order, count)


def merge(parts: Extremes, times: int) -> Extremes:
    """Every ``times`` neighbours as one group; the last may be of fewer."""
    columns, n = parts.low.shape
    if times == 1:
        return parts
    if n % times:
        parts = join([parts, empty(columns, times - n % times)])
    low, high, mean, order, count = (array.reshape(columns, -1, times) for array in parts.arrays)
    first, last = low.argmin(axis=2), high.argmax(axis=2)
    inside = np.take_along_axis(order, first[:, :, None], axis=2)[:, :, 0]
    total = count.sum(axis=2, dtype=np.int64)
    weighed = (mean * count.astype(np.float64)).sum(axis=2) / np.maximum(total, 1)
    return Extremes(
        np.take_along_axis(low, first[:, :, None], axis=2)[:, :, 0],
        np.take_along_axis(high, last[:, :, None], axis=2)[:, :, 0],
        weighed.astype(np.float32),
        np.where(first == last, inside, first < last),
        total,
    )


def join(parts: Sequence[Extremes]) -> Extremes:
    """Groups side by side; columns that a part does not have yet are empty in it."""
    columns = max(part.low.shape[0] for part in parts)
    every = zip(*(widen(part, columns).arrays for part in parts), strict=True)
    return Extremes(*(np.concatenate(arrays, axis=1) for arrays in every))


def widen(part: Extremes, columns: int) -> Extremes:
    """The same groups with empty columns for metrics first seen later."""
    more = columns - part.low.shape[0]
    if more <= 0:
        return part
    pairs = zip(part.arrays, empty(more, part.length).arrays, strict=True)
    return Extremes(*(np.concatenate(pair) for pair in pairs))


class BlockSummaries:
    """The extremes of every 64 rows of a table but the newest: that row may still be corrected.

    Any thread that looks may ask; they take turns.
    """

    def __init__(self) -> None:
        self._pieces: list[Extremes] = []
        self._blocks = 0
        self._key: Hashable = None
        self._turn = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Memory of the arrays, in bytes."""
        return sum(array.nbytes for piece in self._pieces for array in piece.arrays)

    def read(
        self, first: int, last: int, times: int, rows: int, values: Callable[[int, int], Values], key: Hashable
    ) -> Extremes:
        """The groups of ``64 * times`` rows from row ``first`` to ``last`` (excluded); the last may be shorter.

        Args:
            first: First row, a multiple of ``64 * times``.
            last: Row after the last.
            times: A power of two.
            rows: Rows there are.
            values: Reads rows: from the first, to the last (excluded).
            key: What the values depend on besides the rows: when it changes, all rows are read again.
        """
        with self._turn:
            if key != self._key:
                self._key, self._blocks, self._pieces = key, 0, []
            done, want = self._blocks * BLOCK, (rows - 1) // BLOCK * BLOCK
            for at in range(done, want, READ):
                self._add(of_rows(values(at, min(at + READ, want)), BLOCK))
            whole = min(last // BLOCK, self._blocks)
            found, size = [], max(times, PIECE)
            for at in range(first // BLOCK, -(-last // BLOCK), size):
                parts = self._take(at, min(at + size, whole))
                if at + size > whole and whole * BLOCK < last:
                    parts.append(of_rows(values(max(at, whole) * BLOCK, last), BLOCK))
                found.append(merge(join(parts), times))
        return join(found)

    def _add(self, more: Extremes) -> None:
        at = 0
        while at < more.length:
            i = self._blocks % PIECE
            if i == 0:
                self._pieces.append(empty(more.low.shape[0], PIECE))
            piece = self._pieces[-1] = widen(self._pieces[-1], more.low.shape[0])
            n = min(PIECE - i, more.length - at)
            for into, array in zip(piece.arrays, more.arrays, strict=True):
                into[:, i : i + n] = array[:, at : at + n]
            at, self._blocks = at + n, self._blocks + n

    def _take(self, first: int, last: int) -> list[Extremes]:
        parts = []
        while first < last:
            i = first % PIECE
            n = min(PIECE - i, last - first)
            piece = self._pieces[first // PIECE]
            parts.append(Extremes(*(array[:, i : i + n] for array in piece.arrays)))
            first += n
        return parts
