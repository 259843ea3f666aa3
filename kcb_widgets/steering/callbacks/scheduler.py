"""LearningRateScheduler: what its function gives ahead, where it may be asked."""

from __future__ import annotations

import logging
from typing import Any

import keras

from ...record.formats import format_metric
from ..controls.control import Value
from .card import Card, scalar
from .pure_functions import pure

log = logging.getLogger(__name__)

MAX_AHEAD = 200
Plan = dict[str, tuple[list[int], list[float]]]


class LearningRateSchedulerCard(Card):
    """``LearningRateScheduler``."""

    known = True
    curious = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        schedule = self.callback.schedule
        self._safe = isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule) or pure(schedule)
        self._ahead: list[tuple[int, float]] = []
        self._wrote: float | None = None

    def facts(self) -> list[tuple[str, Value]]:
        facts: list[tuple[str, Value]] = [("writes", self.calls("on_epoch_begin")), ("wrote", self._wrote)]
        if not self._safe:
            facts.append(("ahead", "not known: its function may do more than compute"))
        return facts

    def says(self) -> str:
        if not self._ahead:
            return ""
        epoch, rate = self._ahead[0]
        return f"sets the learning rate to {format_metric(rate)} in epoch {epoch + 1}"

    def after(self, hook: str, index: int | None, logs: dict[str, Any]) -> None:
        if hook == "on_epoch_begin":
            rate = next(iter(self._rates()), None)
            self._wrote = None if rate is None else scalar(rate.read())
        super().after(hook, index, logs)
        # Where Monitor stands after it, the plan is made when that has seen the epoch.
        if hook == "on_epoch_begin" and index == self.context.run.epoch:
            self.context.registry.learning_rates.ahead()

    def _rates(self) -> list[Any]:
        controls = self.context.registry.controls.values() if self.context.registry is not None else []
        return [control for control in controls if control.label == "learning_rate" and not control.idle]

    def plan(self, ahead: range, first: int, batches: int) -> Plan:
        """The rates of coming epochs, by control: each as two points, its first batch and its last.

        Args:
            ahead: The coming epochs.
            first: The step before the first of them.
            batches: How many batches each has.
        """
        plan: Plan = {}
        self._ahead = []
        rates = self._rates() if self.on and self._safe else []
        for rate in rates:
            value = scalar(rate.read())
            values = [] if value is None else self._values(ahead[:MAX_AHEAD], value)
            self._ahead = self._ahead or list(zip(ahead, values, strict=False))
            steps = [step for i in range(len(values)) for step in (first + i * batches + 1, first + (i + 1) * batches)]
            plan[rate.name] = (steps, [value for value in values for _ in (0, 1)])
        return {name: points for name, points in plan.items() if points[0]}

    def _values(self, epochs: range, rate: float) -> list[float]:
        """What the function gives for each epoch, each time told the rate before, as Keras tells it."""
        values: list[float] = []
        for epoch in epochs:
            try:
                try:
                    given = self.callback.schedule(epoch, rate)
                except TypeError:  # an older kind of function, which takes the epoch alone
                    given = self.callback.schedule(epoch)
                number = scalar(keras.ops.convert_to_numpy(given) if keras.ops.is_tensor(given) else given)
            except Exception:  # it is the user's own code: there is just nothing to draw
                log.debug("A schedule could not be asked ahead", exc_info=True)
                break
            if number is None:
                break
            rate = number
            values.append(rate)
        return values
