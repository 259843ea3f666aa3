"""A chunk: the rows of a table that lie in the same arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .packed import PackedTimes

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

MISSING = np.array([0x7FC0DEAD], np.uint32).view(np.float32)[0]  # a NaN of our own: no value, as against one of NaN


class Chunk:
    """Some rows of a table. ``values`` is ``(columns, room)`` float32, ``times`` float64 until the chunk is full.

    To grow, arrays are replaced by larger ones and never resized: a reader on another thread goes on reading the old.
    """

    __slots__ = ("times", "values", "writers")

    def __init__(self, names: list[str], room: int, timed: bool) -> None:
        self.times: Floats | PackedTimes = np.empty(room if timed else 0, np.float64)
        self.values = np.full((len(names), room), MISSING, np.float32)
        self.bind(names)

    @property
    def room(self) -> int:
        """Rows there is room for."""
        return self.values.shape[1]

    def seconds(self, rows: Indices) -> Floats:
        """Seconds of ``rows``, counted from the chunk's first."""
        times = self.times  # taken once: the training thread may replace them meanwhile
        return times.at(rows) if isinstance(times, PackedTimes) else times[rows]

    def grow(self, names: list[str], room: int) -> None:
        """Make room for ``room`` rows."""
        values = np.full((len(self.values), room), MISSING, np.float32)
        values[:, : self.room] = self.values
        if isinstance(self.times, np.ndarray) and self.times.size:
            times = np.empty(room, np.float64)
            times[: self.room] = self.times
            self.times = times
        self.values = values
        self.bind(names)

    def pack(self) -> None:
        """The chunk is full."""
        self.times = PackedTimes(self.seconds(np.arange(self.room)))

    def bind(self, names: list[str]) -> None:
        """A memoryview takes one number in half the time a NumPy array does."""
        self.writers: list[tuple[str, Any]] = [(n, memoryview(self.values[i])) for i, n in enumerate(names)]  # type: ignore[arg-type]
