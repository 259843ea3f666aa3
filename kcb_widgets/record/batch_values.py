"""Each batch's own value, recovered from the running means that Keras logs.

Keras logs the weighted mean of an epoch so far: after ``k`` batches ``m_k = sum(w_i v_i) / W_k``, ``W_k = sum(w_i)``.
So ``v_k = (m_k W_k - m_(k-1) W_(k-1)) / (W_k - W_(k-1))``. The weights are never guessed: ``W_k`` is known from how
Keras and the data are made, or it was read from the metric's own ``count`` after the batch. A batch whose weights are
not known has no value. float32 accumulators leave a relative error of about ``k / 2**24`` in the k-th batch of an
epoch: 1e-4 after a thousand batches.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from .chunk import Floats
from .stretches import LOSS, Rule, Sizes, Stretch, bases
from .table import Table, Values

ROUNDING = 2.0**-21  # what float32 leaves of a sum: four roundings of half a unit in the last place, twice over
LIGHTEST = 2.0**-20  # a batch that weighs less, as a share of all before it, is lost in the rounding


class BatchValues:
    """What is known of the weights of a run's batches.

    Attributes:
        names: Metrics whose batch values can be recovered.
        rules: How each of them weighs a batch.
        bounded: Those whose values lie from 0 to 1.
        sizes: Samples in each batch, where known beforehand.
        weights: What was read: a row for each batch, as far as anything was.
    """

    def __init__(self, stretches: Iterable[Stretch] = ()) -> None:
        self.names: set[str] = set()
        self.rules: dict[str, Rule] = {}
        self.bounded: set[str] = set()
        self.sizes: Sizes | None = None
        self.weights = Table(timed=False)
        self._stretches = list(stretches)
        self._blind = False

    @classmethod
    def restored(
        cls,
        rules: Mapping[str, Rule],
        bounded: Iterable[str],
        sizes: Sizes | None,
        weights: Table,
        stretches: list[Stretch],
    ) -> BatchValues:
        """What was known of a run that is over; the arguments are the attributes of the same names."""
        made = cls(stretches)
        for name, rule in rules.items():
            made.claim(name, rule)
        made.bounded, made.sizes, made.weights = set(bounded), sizes, weights
        return made

    # -- writing: the training thread ---------------------------------------------------------------------------------

    def claim(self, name: str, rule: Rule, bounded: bool = False) -> None:
        """A metric's batch values can be recovered by this rule from now on."""
        self.rules[name] = rule
        if bounded:
            self.bounded.add(name)
        self.names.add(name)

    def begin_epoch(self, row: int, step: int) -> None:
        """An epoch's first row will be ``row``; ``step`` batches were trained before it."""
        self._begin(Stretch(row, step))

    def restart(self, row: int, step: int) -> None:
        """Keras's running means were reset before ``row``, in mid-epoch: after ``step`` batches."""
        epoch = self._stretches[-1].epoch_step if self._stretches else step
        self._begin(Stretch(row, epoch, step - epoch))

    def interrupt(self, row: int) -> None:
        """Something else changed the running means: nothing is known of the rows from ``row`` on."""
        if self._stretches:
            self._begin(Stretch(row, self._stretches[-1].epoch_step, known=False))

    def resume(self, row: int, position: int, weights: Mapping[str, float], sums: Mapping[str, float]) -> None:
        """What the metrics hold before ``row`` was read.

        Args:
            row: The next row.
            position: Batches of the epoch before it.
            weights: What each metric has accumulated, where that is not 0.
            sums: The weighted sums of its values.
        """
        if self._stretches:
            self._begin(Stretch(row, self._stretches[-1].epoch_step, position, True, weights, sums))

    def stay(self, rules: Mapping[str, Rule], sizes: Sizes | None) -> None:
        """Batches are weighed otherwise from now on, so their values are not known; of those before all stays.

        Args:
            rules: What they were weighed by.
            sizes: The samples they had.
        """
        self.rules, self.sizes, self.names, self._blind = dict(rules), sizes, set(rules), True
        if self._stretches:
            self._begin(self._stretches[-1])

    def _begin(self, stretch: Stretch) -> None:
        if self._blind:
            stretch = replace(stretch, known=False)
        if self._stretches and self._stretches[-1].row == stretch.row:
            self._stretches[-1] = stretch
        else:
            self._stretches.append(stretch)

    def weigh(self, row: int, weights: Mapping[str, float]) -> None:
        """What was read after the batch of ``row``; before the row itself is recorded."""
        while self.weights.rows < row:  # the first metric to be read came late
            self.weights.append(self.weights.rows + 1, 0.0, {})
        if self.weights.rows == row:
            self.weights.append(row + 1, 0.0, weights)

    def weigh_together(self, row: int, weights: list[Mapping[str, float]]) -> bool:
        """What was read after each of some batches, the first of ``row``; False where that cannot be in one go."""
        if self.weights.rows != row:
            return False
        return self.weights.extend(row + 1, [0.0] * len(weights), weights)

    # -- reading: any thread ------------------------------------------------------------------------------------------

    @property
    def stretches(self) -> list[Stretch]:
        """The stretches of rows over which running means go on from one another; only the newest is ever replaced."""
        return list(self._stretches)

    def recover(self, table: Table, first: int, last: int) -> Values:
        """Rows ``first`` to ``last`` (excluded) with batch values in place of running means, ``(columns, rows)``.

        Columns that cannot be recovered keep Keras's running mean; a batch without a value of its own is NaN.
        """
        names = table.names
        columns = [i for i, name in enumerate(names) if name in self.names]
        if not columns or last <= first or not self._stretches:
            return table.values(first, last)
        begin = max(first - 1, 0)  # the row before is needed too
        running = table.values(begin, last)
        columns = [i for i in columns if i < len(running)]
        mean = (running if len(columns) == len(running) else running[columns]).astype(np.float64)
        own = self._own(table, [names[i] for i in columns], mean, begin, last)
        out = running[:, first - begin :].copy()
        with np.errstate(over="ignore"):  # what float32 cannot hold is infinite
            out[columns] = own[:, first - begin :]
        return out

    def accumulated(self, name: str, position: int) -> float | None:
        """What a metric has accumulated after the newest batch, ``position`` batches into the epoch; None if not known.

        Cheaper than ``recover`` for one batch: a guard asks after each.
        """
        if name not in self.names:
            return None
        loss = self._newest_read(LOSS)
        if self.rules[name] == "measured":
            return self._newest_read(name) if self._stretches and self._stretches[-1].known else None
        if self.rules[name] == "samples" and self.sizes is None and loss is None:
            return None
        return self.total(name, position, loss or 0.0)

    def _newest_read(self, name: str) -> float | None:
        weights = self.weights
        if name not in weights.names or not weights.rows:
            return None
        value = float(weights.values(weights.rows - 1, weights.rows)[weights.names.index(name), 0])
        return value if np.isfinite(value) else None

    def base(self, name: str) -> float:
        """What a metric had accumulated when its present running mean began."""
        return self._stretches[-1].weights.get(name, 0.0) if self._stretches else 0.0

    def total(self, name: str, position: int, loss: float = 0.0) -> float | None:
        """What a metric has accumulated after ``position`` batches of the epoch, by its rule; None if not known.

        Args:
            name: The metric's.
            position: Batches of the epoch so far.
            loss: What the loss has accumulated, where the sizes of batches are not known beforehand.
        """
        last = self._stretches[-1] if self._stretches else None
        if last is None or not last.known:
            return None
        base, at = last.weights.get(name, 0.0), np.array([last.position, position], np.float64)
        if self.rules[name] == "batches":
            return base + position - last.position
        if self.rules[name] == "samples" and self.sizes is not None:
            before, now = self.sizes.until(at)
            return float(base + now - before)
        if self.rules[name] == "samples":
            return base + loss - last.weights.get(LOSS, 0.0)
        return None

    def _own(self, table: Table, names: list[str], mean: Floats, begin: int, last: int) -> Floats:
        stretches = self._between(begin, last)
        starts = np.array([stretch.row for stretch in stretches], np.int64)
        which = np.clip(np.searchsorted(starts, np.arange(begin, last), side="right") - 1, 0, None)
        base, base_sums = bases(stretches, names)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            weight = self._weight(table, names, begin, last, stretches, which, base)
            sums = mean * weight
            before, before_sums = np.empty_like(weight), np.empty_like(sums)
            before[:, 1:], before_sums[:, 1:] = weight[:, :-1], sums[:, :-1]
            before[:, 0] = before_sums[:, 0] = np.nan  # only ever read where a stretch opens
            opens = np.flatnonzero((starts >= begin) & (starts < last))
            before[:, starts[opens] - begin] = base[:, opens]
            before_sums[:, starts[opens] - begin] = base_sums[:, opens]
            before_sums[before == 0] = 0.0  # a mean of nothing may be logged as anything
            own_weight = weight - before
            own = (sums - before_sums) / own_weight
            light = own_weight <= 0
            for i, name in enumerate(names):
                if self.rules.get(name) == "measured" or self.sizes is None:
                    light[i] |= own_weight[i] < LIGHTEST * weight[i]
                if name in self.bounded:
                    _clip(own[i], ROUNDING * np.abs(sums[i]) / own_weight[i])
            own[light] = np.nan
        return own

    def _weight(
        self,
        table: Table,
        names: list[str],
        begin: int,
        last: int,
        stretches: list[Stretch],
        which: np.ndarray[tuple[int], np.dtype[np.intp]],
        base: Floats,
    ) -> Floats:
        """What each metric had accumulated after each row, ``(metrics, rows)``; NaN where it is not known."""
        epoch_steps = np.array([stretch.epoch_step for stretch in stretches], np.float64)
        positions = np.array([stretch.position for stretch in stretches], np.float64)
        unknown = np.array([not stretch.known for stretch in stretches])
        rules = {self.rules.get(name, "measured") for name in names}
        columns = self._read(begin, last)
        position = table.steps(begin, last) - epoch_steps[which] if rules - {"measured"} else None
        grown: dict[Rule, Floats | None] = {"batches": None, "samples": None}
        if position is not None:
            grown["batches"] = position - positions[which]
            if self.sizes is not None:
                grown["samples"] = self.sizes.until(position) - self.sizes.until(positions)[which]
            elif LOSS in columns:
                grown["samples"] = columns[LOSS] - np.array([s.weights.get(LOSS, 0.0) for s in stretches])[which]
        weight = np.full((len(names), last - begin), np.nan)
        for i, name in enumerate(names):
            more = grown.get(self.rules.get(name, "measured"))
            if more is not None:
                weight[i] = base[i][which] + more
            elif self.rules.get(name) == "measured" and name in columns:
                weight[i] = columns[name]
        weight[:, unknown[which]] = np.nan
        return weight

    def _read(self, begin: int, last: int) -> dict[str, Floats]:
        """What was read of each metric after each row; NaN where nothing was."""
        names, rows = self.weights.names, self.weights.rows
        if not names:
            return {}
        read = np.full((len(names), last - begin), np.nan)
        if rows > begin:
            found = self.weights.values(begin, min(last, rows))[: len(names)]
            read[:, : found.shape[1]] = found
        return dict(zip(names, read, strict=True))

    def _between(self, first: int, last: int) -> list[Stretch]:
        """The stretches that rows ``first`` to ``last`` (excluded) belong to."""
        begins, end = (bisect_right(self._stretches, row, key=lambda each: each.row) for row in (first, last - 1))
        return self._stretches[max(begins - 1, 0) : max(end, 1)]


def _clip(own: Floats, error: Floats) -> None:
    """Values that lie outside 0 to 1 by no more than what rounding explains are put on the bound; others stay."""
    above, below = (own > 1) & (own <= 1 + error), (own < 0) & (own >= -error)
    own[above], own[below] = 1.0, 0.0
