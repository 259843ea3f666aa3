"""GuardRunner: has a guard look at what training logs, and does what the guard was told to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..record.record import Record
from .guard import SpikeDetector, missing, number
from .learning_rates import LearningRateTracker
from .loop_control import LoopControl
from .snapshots import SnapshotStore


class GuardRunner:
    """The guard of one fit.

    Args:
        run: The fit's record.
        spike_detector: What looks.
        snapshots: What there is to go back to.
        flow: Where the fit waits and ends.
        rates: The learning rates.
        ask: Asks for something in the guard's name: a command's name and its value.
    """

    def __init__(
        self,
        run: Record,
        spike_detector: SpikeDetector,
        snapshots: SnapshotStore,
        flow: LoopControl,
        rates: LearningRateTracker,
        ask: Callable[[str, Any], None],
    ) -> None:
        self._run, self._spike_detector, self._snapshots, self._flow = run, spike_detector, snapshots, flow
        self._rates, self._ask = rates, ask
        self._told = False

    def batch_ends(self, logs: dict[str, Any]) -> None:
        """Look at the newest batch; what is to be done is done before the next."""
        spike_detector, run = self._spike_detector, self._run
        metric = spike_detector.guard.metric
        value = logs.get(metric)
        if not isinstance(value, (int, float)):
            return
        recoverable = metric in run.batch_values.names
        weight = run.batch_values.accumulated(metric, run.batch) if recoverable else None
        wrong = spike_detector.check_batch(float(value), weight, recoverable)
        if wrong:
            self._act(wrong)

    def epoch_ends(self, logs: dict[str, Any]) -> None:
        """Look at an epoch's value of a metric that batches do not have; say, once, when epochs have none either."""
        spike_detector = self._spike_detector
        if spike_detector.by_batch:
            return
        metric = spike_detector.guard.metric
        if not self._told:
            self._told = True
            if why := missing("the guard watches nothing until it is", metric, logs):
                self._run.add_event("warning", "guard", message=why)
        value = number(logs.get(metric))
        if value is not None and (wrong := spike_detector.check_epoch(value)):
            self._act(wrong)

    def _act(self, wrong: str) -> None:
        spike_detector, run = self._spike_detector, self._run
        guard = spike_detector.guard
        spike_detector.acted += 1
        good = self._snapshots.good_before(run.step) if guard.action == "rollback" else None
        if spike_detector.acted <= guard.limit and good is not None:
            count = f"{spike_detector.acted} of {guard.limit}"
            run.add_event("guard", guard.metric, source="guard", message=f"{wrong}; back to step {good.step} ({count})")
            self._ask("rollback", good.id)
            for name, value in self._rates.scale(guard.factor):
                self._ask(name, value)
            spike_detector.begin_epoch()
        else:
            spent = spike_detector.acted > guard.limit
            why = "it has acted as often as it may" if spent else "there is no good snapshot to go back to"
            how = "pausing" if self._flow.could_resume(run) else "stopping, as nobody is here to resume it"
            reason = wrong if guard.action == "pause" and not spent else f"{wrong}; {why}"
            run.add_event("guard", guard.metric, source="guard", message=f"{reason}; {how}")
            if how == "pausing":
                self._ask("pause", None)
            else:
                self._ask("stop", "batch")
            spike_detector.mute()
