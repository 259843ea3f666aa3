"""Reads what Keras's metrics have accumulated, on the training thread, where it cannot be known otherwise."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from types import FrameType
from typing import Any

from ..commands.batch_hook_state import BatchHookState
from ..record.record import Record
from ..record.stretches import LOSS, Rule, Sizes
from ..steering.backends import read_scalar
from .resets import Resets
from .weighing import MeanMetric, Weighing, mean_metrics

MAX_METRICS_READ = 8  # metrics that are read after every batch; each costs up to 25 microseconds
MEAN_TOLERANCE = 1e-5  # relative difference of a logged mean and the one its metric holds, in float32

log = logging.getLogger(__name__)


class MetricWeights:
    """Knows or reads the weights of a fit's batches.

    Before an epoch's first batch, and after a reset, it reads what the metrics hold. After each batch it reads those
    whose weights are doubtful; the others cost nothing, and are compared when the epoch ends.

    Args:
        model: The model that trains.
        run: Its record.
        fit: The frame of Keras's ``fit``, where it was found.
        hook_state: Told what to call after each batch.

    Attributes:
        open: Whether it is unknown what the metrics hold before the next batch.
    """

    def __init__(self, model: Any, run: Record, fit: FrameType | None, hook_state: BatchHookState) -> None:
        self._model, self._run, self._hook_state = model, run, hook_state
        self._fit_found = fit is not None
        self._claimed: dict[str, MeanMetric] = {}
        self._measured: list[tuple[str, Any]] = []
        self._proved: dict[str, Any] = {}  # metrics whose logs must be compared with them after each batch
        self._resets: Resets | None = None
        self._batches = 0
        self.open = True
        try:  # a run is recorded also of a model that cannot be looked through
            self._weighing = Weighing(model, fit)
        except Exception as error:
            self._run.failed("batch values", error)
            self._give_up_all(error)
        else:
            hook_state.weigh = self._first

    # -- before a batch -----------------------------------------------------------------------------------------------

    def begin_epoch(self) -> None:
        """An epoch begins: Keras has set the metrics to zero, but others may have used them since."""
        self.open = True

    def check(self) -> None:
        """The model is at rest before a batch: read what the metrics hold."""
        run, weights, sums = self._run, {}, {}
        claimed = self._claimed or mean_metrics(self._model)
        for name, mean in list(claimed.items()):
            try:
                weight = self._peek(mean.metric.count)
                total = self._peek(mean.metric.total) if weight else 0.0
            except Exception:  # most often a metric without variables before its first batch
                log.debug("What %s holds cannot be read", name, exc_info=True)
                if name in self._claimed:
                    self._give_up([name], "what it holds cannot be read")
                continue
            if weight or total:
                weights[name], sums[name] = weight, total
        run.batch_values.resume(run.batch_table.rows, run.batch, weights, sums)
        self.open = False

    def _disturbed(self) -> None:
        """A metric is reset, or the model is tested on a batch, by something besides the training step."""
        if not self.open:
            self.open = True
            self._run.batch_values.interrupt(self._run.batch_table.rows)
        self._hook_state.has_work = True

    # -- after a batch ------------------------------------------------------------------------------------------------

    def _first(self, logs: Mapping[Any, Any]) -> Mapping[str, float] | None:
        """The fit's first batch, or execution of several, is done."""
        self._hook_state.weigh = None
        try:
            return self._begin(logs)
        except Exception as error:
            self._run.failed("batch values", error)
            self._give_up_all(error)
            return None

    def _begin(self, logs: Mapping[Any, Any]) -> Mapping[str, float] | None:
        run, weighing = self._run, self._weighing
        if not run.epoch_starts:  # a loop of the user's own that begins no epoch: what a mean covers is unknown
            return None
        found = {name: mean for name, mean in mean_metrics(self._model).items() if name in logs}
        if not weighing.divides:
            self._leave_out(found, f"its batches are not the same size on each of the {weighing.devices} devices")
            found = {}
        coarse = [name for name, mean in found.items() if not mean.precise]
        self._leave_out(coarse, "it is kept in 16 bits, too few for sums of many batches")
        first = {name: self._holds(mean.metric) for name, mean in found.items() if name not in coarse}
        odd = [name for name, (count, total) in first.items() if not _same(logs[name], total, count)]
        self._leave_out(odd, "what is logged is not the mean that the metric of this name holds")
        self._claim({name: found[name] for name in first if name not in odd}, first)
        metrics = [mean.metric for mean in self._claimed.values()]
        own_loop = not self._fit_found
        self._resets = Resets(metrics, None if own_loop else self._model, self._disturbed) if metrics else None
        if weighing.sizes is not None:
            run.throughput.samples_per_batch = weighing.sizes.batch
        elif LOSS in first and weighing.own_step:
            run.throughput.samples_per_batch = self._grown(LOSS, first) / self._executed()
        if not self._measured:
            return None
        self._hook_state.weigh = self._measure
        return {name: first[name][0] for name, _ in self._measured}

    def _claim(self, means: Mapping[str, MeanMetric], first: Mapping[str, tuple[float, float]]) -> None:
        run, weighing = self._run, self._weighing
        before = (dict(run.batch_values.rules), run.batch_values.sizes) if run.sittings else None
        run.batch_values.sizes = weighing.sizes if weighing.own_step else None
        even = self._even(means, first)
        doubtful = [name for name in means if name not in even]
        if weighing.devices > 1:
            self._leave_out(doubtful, "its weights on several devices are not known")
            doubtful = []
        if run.batch_values.sizes is None and "samples" in even.values():
            even.pop(LOSS, None)
            doubtful = [LOSS, *(name for name in doubtful if name != LOSS)]
        self._leave_out(doubtful[MAX_METRICS_READ:], f"only {MAX_METRICS_READ} metrics are read after every batch")
        for name in doubtful[:MAX_METRICS_READ]:
            self._measured.append((name, means[name].metric.count))
            if not weighing.own_step:
                self._proved[name] = means[name].metric.total
            run.batch_values.claim(name, "measured", means[name].bounded)
        for name, rule in even.items():
            run.batch_values.claim(name, rule, means[name].bounded)
        if before is not None:
            self._agree(*before)
        self._claimed = {name: means[name] for name in run.batch_values.names if name in means}

    def _agree(self, rules: Mapping[str, Rule], sizes: Sizes | None) -> None:
        """The run was gone on with: rules hold for all of its rows, also for those from before."""
        run, values = self._run, self._run.batch_values
        same = {name: rule for name, rule in values.rules.items() if name in rules} == dict(rules)
        if rules and not (same and values.sizes == sizes):
            values.stay(rules, sizes)
            self._measured, self._proved = [], {}
            message = f"they are weighed otherwise than before, so from step {run.step} on only running means are known"
            run.add_event("warning", "batch values", message=message)
            return
        fresh = [name for name in values.names - set(rules) if name in run.batch_table.names]
        for name in fresh:  # of its rows from before it is not known what they weigh
            values.names.discard(name)
            values.rules.pop(name)
        self._measured = [each for each in self._measured if each[0] not in fresh]
        self._leave_out(fresh, "what its batches from before the run was gone on with weigh is not known")

    def _even(self, means: Mapping[str, MeanMetric], first: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
        """The metrics that weigh batches of the same size the same, and by what: from their first weight."""
        weighing, run = self._weighing, self._run
        batches = self._executed()
        if weighing.sizes is not None:
            samples = float(weighing.sizes.until(batches))  # type: ignore[arg-type]
        elif LOSS in first and LOSS in means and weighing.even(means[LOSS]):
            samples = self._grown(LOSS, first)
        else:
            return {}
        known_length = run.params.get("steps") is not None
        even: dict[str, Any] = {}
        for name, mean in means.items():
            weight = self._grown(name, first)
            if not weighing.even(mean) or (samples == batches and weighing.sizes is None and mean.origin != "loss"):
                continue  # of batches of one sample it cannot be told which of the two it is
            if weight == samples:
                even[name] = "samples"
            elif weight == batches and known_length:
                even[name] = "batches"
        return even

    def _executed(self) -> int:
        """Batches in the first execution."""
        together, steps = self._run.steps_per_execution, self._run.params.get("steps")
        return together if steps is None else min(together, steps)

    def _grown(self, name: str, first: Mapping[str, tuple[float, float]]) -> float:
        return first[name][0] - self._run.batch_values.base(name)

    def _measure(self, logs: Mapping[Any, Any]) -> Mapping[str, float] | None:
        """Read the weights that are doubtful; called after each batch, where there are any."""
        try:
            read = {name: self._peek(count) for name, count in self._measured}
            odd = [n for n, total in self._proved.items() if not _same(logs.get(n), self._peek(total), read[n])]
            if odd:
                self._give_up(odd, "what is logged is not the mean that the metric of this name holds")
            self._batches += 1
            if LOSS in read and not self._batches & (self._batches - 1):
                self._compare("samples", read[LOSS])
        except Exception as error:
            self._run.failed("batch values", error)
            self._give_up_all(error)
            return None
        return read

    # -- at an epoch's end --------------------------------------------------------------------------------------------

    def end_epoch(self) -> None:
        """The epoch's training is done, and validation has not reset the metrics yet."""
        # Of data of unknown length Keras has begun one step more, which may have counted.
        if self.open or self._run.params.get("steps") is None:
            return
        self._compare("batches", 0.0)
        if self._run.batch_values.sizes is not None:
            self._compare("samples", 0.0)

    def _compare(self, rule: Rule, loss: float) -> None:
        """Compare what was known beforehand with what the metrics hold."""
        means, position, wrong = self._run.batch_values, self._run.batch, []
        for name, mean in self._claimed.items():
            expected = means.total(name, position, loss) if means.rules[name] == rule else None
            if expected is None:
                continue
            try:
                count = self._peek(mean.metric.count)
            except Exception:
                log.debug("What %s holds cannot be read", name, exc_info=True)
                continue
            # float32 counts are exact up to 2**24; beyond, each batch may round.
            if abs(count - expected) > (0.0 if expected <= 2**24 else (position + 1) * expected * 2.0**-24):
                wrong.append(name)
        self._give_up(wrong, "its batches do not all weigh what Keras's own code would give them")

    def leave(self) -> None:
        """The fit is over."""
        self._hook_state.weigh = None
        if self._resets is not None:
            self._resets.leave()

    # -- what is left out ---------------------------------------------------------------------------------------------

    def _give_up(self, names: list[str], why: str) -> None:
        """These are not recovered after all, in no batch of the run."""
        for name in names:
            self._run.batch_values.names.discard(name)
            self._claimed.pop(name, None)
            self._proved.pop(name, None)
        kept = self._claimed.keys() | ({LOSS} if "samples" in self._rules() else set())
        self._measured = [(name, count) for name, count in self._measured if name in kept]
        if not self._measured and self._hook_state.weigh == self._measure:
            self._hook_state.weigh = None
        self._leave_out(names, why)

    def _rules(self) -> set[str]:
        return {self._run.batch_values.rules[name] for name in self._claimed}

    def _leave_out(self, names: Any, why: str) -> None:
        for name in names:
            self._run.add_event("warning", name, message=f"{why}, so only its running mean is known")

    def _give_up_all(self, error: Exception) -> None:
        self._hook_state.weigh = None
        self._give_up([*self._claimed], f"its weights cannot be read ({type(error).__name__})")

    def _holds(self, metric: Any) -> tuple[float, float]:
        return self._peek(metric.count), self._peek(metric.total)

    def _peek(self, variable: Any) -> float:
        return read_scalar(self._model, variable, "metrics_variables")


def _same(logged: Any, total: float, count: float) -> bool:
    """Whether a logged number is the mean that a metric holds."""
    mean = total / count if count else 0.0
    try:
        logged = float(logged)
    except (TypeError, ValueError):
        return False
    if math.isnan(mean) or math.isinf(mean):
        return not math.isfinite(logged)
    return bool(abs(logged - mean) <= MEAN_TOLERANCE * abs(mean) + 1e-30)
