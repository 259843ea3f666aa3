"""Append-only columns on one step axis, and bounded pictures of them.

Keras's metrics are float32, so float32 columns lose nothing. Rows live in chunks: a reader on another thread sees only
complete rows and can never disturb the training thread that appends.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .chunk import MISSING, Chunk, Floats, Indices
from .names import text

Values = npt.NDArray[np.float32]

CHUNK = 65_536
FIRST = 16  # rows that the first chunk has room for: it doubles as they come, so that short runs stay small


class Table:
    """Rows of named float32 values, each at a step and a time.

    Args:
        timed: Whether the times are kept.

    Attributes:
        names: The columns, in the order they were first seen.
        rows: Complete rows.
    """

    def __init__(self, timed: bool = True) -> None:
        self._timed = timed
        self.names: list[str] = []
        self.rows = 0
        self._chunks: list[Chunk] = []
        self._room = 0  # rows that there is room for
        self._segments: list[tuple[int, int, int]] = []  # (row, step, stride): regular steps cost no memory
        self._segment_rows: list[int] = []
        self._next_step = -1
        self._last_step = 0
        self._seconds: Any = None

    @property
    def last_step(self) -> int:
        """The newest row's step; 0 when there is none."""
        return self._last_step

    @property
    def nbytes(self) -> int:
        """Memory of the columns, in bytes."""
        return sum(chunk.values.nbytes + chunk.times.nbytes for chunk in list(self._chunks))

    def append(self, step: int, seconds: float, values: Mapping[str, float]) -> list[str]:
        """Add one row.

        Args:
            step: The row's step, greater than that of the row before.
            seconds: Seconds since the run began.
            values: Column name to number. New names become columns; names left out are missing in this row. A name that
                is no string is taken as the string of it.

        Returns:
            The names whose value was not a number (stored as missing). Empty in the ordinary case.
        """
        row = self.rows
        if row >= self._room:
            self._grow(row + 1)
        i = row % CHUNK
        chunk = self._chunks[-1]
        refused: list[str] = []
        try:
            for name, column in chunk.writers:
                column[i] = values[name]
            regular = len(values) == len(chunk.writers)
        except (KeyError, TypeError, ValueError, OverflowError):
            regular = False
        if not regular:
            refused = self._append_irregular(chunk, i, values)
        if self._timed:
            self._seconds[i] = seconds
        if step != self._next_step:
            self._new_segment(row, step)
        self._next_step = step + self._segments[-1][2]
        self._last_step = step
        self.rows = row + 1  # last: from here on readers see the row
        return refused

    def extend(self, step: int, seconds: Sequence[float], values: Sequence[Mapping[str, float]]) -> bool:
        """Add some rows, one step after the other, where nothing about them is out of the ordinary.

        Args:
            step: The first row's step.
            seconds: Of each row.
            values: Of each row.

        Returns:
            Whether they were added: all, or none. ``append`` takes any row.
        """
        i, n = self.rows % CHUNK, len(values)
        if i == 0 or i + n > CHUNK or step != self._next_step or self._segments[-1][2] != 1:
            return False
        if self.rows + n > self._room:
            self._grow(self.rows + n)
        chunk, columns = self._chunks[-1], len(self.names)
        if len(chunk.writers) != columns or any(len(row) != columns for row in values):
            return False
        try:
            for column, name in enumerate(self.names):
                chunk.values[column, i : i + n] = array("f", [row[name] for row in values])
        except (KeyError, TypeError, ValueError, OverflowError):
            return False
        if self._timed:
            self._seconds[i : i + n] = array("d", seconds)
        self._last_step = step + n - 1
        self._next_step = step + n
        self.rows += n  # last: from here on readers see the rows
        return True

    def _grow(self, rows: int) -> None:
        """Make room for so many rows, at most one more chunk."""
        if self.rows % CHUNK == 0 and self.rows == self._room:
            full, room = self.rows // CHUNK, CHUNK if self.rows else min(FIRST, CHUNK)
            self._chunks.append(Chunk(self.names, room, self._timed))
            if full and self._timed:
                self._chunks[-2].pack()
        chunk = self._chunks[-1]
        before, room = (len(self._chunks) - 1) * CHUNK, chunk.room
        while before + room < rows:
            room *= 2
        if room > chunk.room:
            chunk.grow(self.names, min(room, CHUNK))
        self._room = before + chunk.room
        self._seconds = memoryview(chunk.times)  # type: ignore[arg-type]

    def _new_segment(self, row: int, step: int) -> None:
        stride = max(1, step - self._last_step) if row else 1
        self._segments.append((row, step, stride))
        self._segment_rows.append(row)

    def _append_irregular(self, chunk: Chunk, i: int, values: Mapping[str, object]) -> list[str]:
        refused = []
        numbers: dict[str, float] = {}
        for key, value in values.items():
            name = text(key)
            try:
                numbers[name] = float(value)  # type: ignore[arg-type]
            except (TypeError, ValueError, OverflowError):
                refused.append(name)
        fresh = [name for name in numbers if name not in self.names]
        if fresh:
            self.names = self.names + fresh
            chunk.values = np.vstack([chunk.values, np.full((len(fresh), chunk.room), MISSING, np.float32)])
            chunk.bind(self.names)
        for row, (name, column) in enumerate(chunk.writers):
            if name in numbers:
                column[i] = numbers[name]
            else:
                chunk.values[row, i] = MISSING
        return refused

    def values(self, first: int, last: int) -> Values:
        """Rows ``first`` to ``last`` (excluded), shape ``(columns, last - first)``; missing values are NaN."""
        columns = len(self.names)
        out = np.full((columns, last - first), np.nan, np.float32)
        at = first
        while at < last:
            values = self._chunks[at // CHUNK].values  # taken once: the training thread may replace them meanwhile
            i = at % CHUNK
            n = min(CHUNK - i, last - at)
            have = min(columns, values.shape[0])
            out[:have, at - first : at - first + n] = values[:have, i : i + n]
            at += n
        return out

    def piece(self, first: int, last: int) -> tuple[list[str], Values]:
        """Rows ``first`` to ``last`` (excluded) of one chunk as they lie there: missing values keep their own NaN.

        Returns:
            The columns that the chunk has, and their values, shape ``(columns, last - first)``.
        """
        values = self._chunks[first // CHUNK].values  # taken once, as above
        i = first % CHUNK
        return self.names[: len(values)], values[:, i : i + last - first].copy()

    def column(self, name: str) -> Values:
        """One whole column."""
        whole: Values = self.values(0, self.rows)[self.names.index(name)]
        return whole

    def seconds(self, first: int, last: int) -> Floats:
        """Seconds since the run began of rows ``first`` to ``last`` (excluded)."""
        return self.seconds_at(np.arange(first, last))

    def seconds_at(self, rows: Indices) -> Floats:
        """Seconds since the run began of ``rows``, in rising order.

        Of rows long past they are known to a thousandth of what the 64 rows around took on average.
        """
        out = np.empty(len(rows), np.float64)
        at = 0
        while at < len(rows):
            which = int(rows[at]) // CHUNK
            end = int(np.searchsorted(rows, (which + 1) * CHUNK))
            out[at:end] = self._chunks[which].seconds(rows[at:end] - which * CHUNK)
            at = end
        return out

    def steps_at(self, rows: Indices) -> Floats:
        """Steps of ``rows``, in rising order, as float64 (exact to 2**53)."""
        if not len(rows):
            return np.empty(0)
        first, last = (bisect_right(self._segment_rows, rows[i]) - 1 for i in (0, -1))
        which = [first] if first == last else [bisect_right(self._segment_rows, row) - 1 for row in rows.tolist()]
        began, step, stride = np.array([self._segments[each] for each in which], np.float64).T
        return np.asarray(step + stride * (rows - began))

    def steps(self, first: int, last: int) -> Floats:
        """Steps of rows ``first`` to ``last`` (excluded), as float64 (exact to 2**53)."""
        out = np.empty(last - first, np.float64)
        at = first
        which = bisect_right(self._segment_rows, first) - 1
        while at < last:
            row, step, stride = self._segments[which]
            end = self._segment_rows[which + 1] if which + 1 < len(self._segment_rows) else last
            end = min(end, last)
            out[at - first : end - first] = step + stride * np.arange(at - row, end - row)
            at, which = end, which + 1
        return out

    def row_of_step(self, step: float) -> int:
        """The first row whose step is at least ``step`` (``rows`` when there is none)."""
        first, last = 0, self.rows
        while first < last:
            middle = (first + last) // 2
            if self.steps(middle, middle + 1)[0] < step:
                first = middle + 1
            else:
                last = middle
        return first

    def is_missing(self, row: int, name: str) -> bool:
        """Whether the row simply had no such value (as against a value of NaN)."""
        values, column = self._chunks[row // CHUNK].values, self.names.index(name)
        return column >= len(values) or values[column, row % CHUNK].tobytes() == MISSING.tobytes()
