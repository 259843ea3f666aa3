"""Each batch's own value, recovered from the running means that Keras logs.

Keras logs the weighted mean of an epoch so far: after ``k`` batches ``m_k = sum(w_i v_i) / W_k``, ``W_k = sum(w_i)``.
So ``v_k = (m_k W_k - m_(k-1) W_(k-1)) / (W_k - W_(k-1))``. All batches of a fit weigh the same but the last of an
epoch, whose weight is read from the metric's own ``count`` when the epoch's training ends. float32 accumulators leave a
relative error of about ``k / 2**24`` in the k-th batch of an epoch: 1e-4 after a thousand batches.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

import numpy as np

from .series import Table, Values


class Means:
    """What is known of the weights of a run's batches.

    Attributes:
        names: Metrics whose batch values can be recovered.
        units: Weight of one full batch by metric (for ``loss`` the number of samples).
    """

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.units: dict[str, float] = {}
        self._starts: list[tuple[int, int]] = []  # (first row, step before it) of each epoch
        self._last_total = -1
        self._totals: dict[int, dict[str, float]] = {}  # last row of an epoch -> weight of the epoch in full batches
        self._latest: dict[str, float] = {}

    @property
    def began(self) -> int:
        """The step before the first batch of the present running mean."""
        return self._starts[-1][1] if self._starts else 0

    def begin_epoch(self, row: int, step: int) -> None:
        """An epoch's first row will be ``row``; ``step`` batches were trained before it."""
        if self._starts and self._starts[-1][0] == row:
            self._starts[-1] = (row, step)
        else:
            self._starts.append((row, step))

    def first_counts(self, counts: Mapping[str, float], batches: int) -> None:
        """Weights accumulated by the run's first ``batches`` batches, by metric."""
        for name, count in counts.items():
            if np.isfinite(count) and count > 0:
                self.names.add(name)
                self.units[name] = count / batches

    def end_epoch(self, table: Table, counts: Mapping[str, float]) -> list[str]:
        """Settle the epoch's last batch from the weights accumulated over the epoch.

        Returns:
            Metrics whose batches do not all weigh the same (sample weights, masks): not recoverable from here on.
        """
        if not self._starts or table.rows <= self._starts[-1][0]:
            return []
        first, before = self._starts[-1]
        steps = table.steps(max(first, table.rows - 2), table.rows) - before
        full, previous = steps[-1], steps[0] if table.rows - first > 1 else 0.0
        totals, unsteady = {}, []
        for name in list(self.names):
            total = counts.get(name, np.nan) / self.units[name]
            if previous < total <= full * (1 + 1e-6):
                totals[name] = total
            else:
                unsteady.append(name)
                self.names.discard(name)
        if totals == self._latest:  # as it mostly is: then the epochs share one
            totals = self._latest
        self._totals[table.rows - 1] = self._latest = totals
        self._last_total = table.rows - 1
        return unsteady

    def recover(self, table: Table, first: int, last: int) -> Values:
        """Rows ``first`` to ``last`` (excluded) with batch values in place of running means, ``(columns, rows)``.

        Columns that cannot be recovered keep Keras's running mean.
        """
        names = table.names
        columns = [i for i, name in enumerate(names) if name in self.names]
        if not columns or last <= first:
            return table.values(first, last)
        before = max(first - 1, 0)  # the row before is needed too
        running = table.values(before, last)
        mean = (running if len(columns) == len(running) else running[columns]).astype(np.float64)
        epochs = self._epochs(first, last)
        starts = np.array([row for row, _ in epochs], np.int64)
        befores = np.array([step for _, step in epochs], np.float64)
        which = np.clip(np.searchsorted(starts, np.arange(before, last), side="right") - 1, 0, None)
        weight = table.steps(before, last) - befores[which]
        if not first:
            mean, weight = np.pad(mean, ((0, 0), (1, 0))), np.append(0.0, weight)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            sums = mean * weight
            own = sums[:, 1:] - sums[:, :-1]
            own /= weight[1:] - weight[:-1]
            opening = starts[(starts >= first) & (starts < last)] - first
            own[:, opening] = mean[:, opening + 1]
            for row in {*(starts - 1).tolist(), self._last_total} - set((opening + first).tolist()):
                known = self._totals.get(row) if first <= row < last else None
                if known is not None:
                    i = row - first
                    total = np.array([known.get(names[column], np.nan) for column in columns])
                    own[:, i] = (mean[:, i + 1] * total - sums[:, i]) / (total - weight[i])
        out = running[:, -(last - first) :].copy()
        out[columns] = own
        return out

    def _epochs(self, first: int, last: int) -> list[tuple[int, int]]:
        """The epochs that rows ``first`` to ``last`` belong to, and the one after: where the last of them ends."""
        begins, end = (bisect_right(self._starts, row, key=lambda start: start[0]) for row in (first, last))
        return self._starts[max(begins - 1, 0) : max(end, 1)]
