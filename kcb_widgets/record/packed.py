"""Times of rows long past, packed into a little over 2 bytes each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

GROUP = 64  # rows of a full chunk whose times share a unit
TICKS = 1040  # units in the mean distance of a group's rows: the 63 distances just fit 16 bits


class PackedTimes:
    """Seconds of a full chunk's rows: to a thousandth of the mean row's time around it.

    Args:
        seconds: float64, of a multiple of ``GROUP`` rows.
    """

    __slots__ = ("_starts", "_ticks", "_units")

    def __init__(self, seconds: npt.NDArray[np.float64]) -> None:
        groups = seconds.reshape(-1, GROUP)
        self._starts = groups.min(axis=1)
        self._units = (groups.max(axis=1) - self._starts) / ((GROUP - 1) * TICKS)
        units = np.where(self._units > 0, self._units, 1.0)
        self._ticks = np.rint((groups - self._starts[:, None]) / units[:, None]).astype(np.uint16).ravel()

    @property
    def nbytes(self) -> int:
        """Memory of the arrays, in bytes."""
        return int(self._starts.nbytes + self._units.nbytes + self._ticks.nbytes)

    def at(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Seconds of ``rows``."""
        group = rows // GROUP
        return np.asarray(self._starts[group] + self._units[group] * self._ticks[rows])
