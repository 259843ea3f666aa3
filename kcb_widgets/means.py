"""Each batch's own value, recovered from the running means that Keras logs.

Keras logs the weighted mean of an epoch so far: after ``k`` batches ``m_k = sum(w_i v_i) / W_k``, ``W_k = sum(w_i)``.
So ``v_k = (m_k W_k - m_(k-1) W_(k-1)) / (W_k - W_(k-1))``. All batches of a fit weigh the same but the last of an
epoch, whose weight is read from the metric's own ``count`` when the epoch's training ends. float32 accumulators leave a
relative error of about ``k / 2**24`` in the k-th batch of an epoch: 1e-4 after a thousand batches.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .series import Floats, Table, Values


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
        self._totals[table.rows - 1] = totals
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
        opened, step = self._starts[-1]  # taken once: the training thread may begin an epoch meanwhile
        if opened < first and self._last_total < first:
            return self._within_epoch(table, columns, first, last, step)
        running = table.values(first, last)
        rows = np.arange(first, last)
        starts = np.array([row for row, _ in self._starts[-(last - first + 1) :]], np.int64)
        befores = np.array([step for _, step in self._starts[-(last - first + 1) :]], np.float64)
        if not len(starts) or starts[0] > first:  # an older stretch of the run: look at all epochs
            starts = np.array([row for row, _ in self._starts], np.int64)
            befores = np.array([step for _, step in self._starts], np.float64)
        which = np.clip(np.searchsorted(starts, rows, side="right") - 1, 0, None)
        weight = table.steps(first, last) - befores[which]
        opening = starts[which] == rows
        previous_weight = np.empty_like(weight)
        previous_weight[1:] = weight[:-1]
        before = max(first - 1, 0)
        previous_weight[0] = table.steps(before, before + 1)[0] - befores[which[0]]
        previous_weight[opening] = 0.0
        out = running.copy()
        mean = running[columns].astype(np.float64)
        previous = np.empty_like(mean)
        previous[:, 1:] = mean[:, :-1]
        previous[:, 0] = table.values(before, before + 1)[columns, 0]
        previous[:, opening] = 0.0
        weights = np.broadcast_to(weight, mean.shape).copy()
        self._settle(weights, [names[i] for i in columns], first, last)
        with np.errstate(divide="ignore", invalid="ignore"):
            own = (mean * weights - previous * previous_weight) / (weights - previous_weight)
        out[columns] = own.astype(np.float32)
        return out

    def _within_epoch(self, table: Table, columns: list[int], first: int, last: int, step: int) -> Values:
        """The same for rows of the current epoch, after its first: all there is to do between most pictures."""
        running = table.values(first - 1, last).astype(np.float64)
        weights = table.steps(first - 1, last) - step
        out = running[:, 1:].astype(np.float32)
        sums = running[columns] * weights
        with np.errstate(divide="ignore", invalid="ignore"):
            out[columns] = (sums[:, 1:] - sums[:, :-1]) / (weights[1:] - weights[:-1])
        return out

    def _settle(self, weights: Floats, names: list[str], first: int, last: int) -> None:
        known = self._totals
        ends = list(known) if last - first > len(known) else [row for row in range(first, last) if row in known]
        for row in ends:
            if first <= row < last:
                for i, name in enumerate(names):
                    weights[i, row - first] = self._totals[row].get(name, np.nan)
