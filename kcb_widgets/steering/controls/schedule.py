"""A learning rate that follows a schedule: a live factor over it, taking over from it, and what it plans.

Keras calls the optimizer's schedule inside the compiled step. On the first touch a stand-in takes its place that asks
the user's schedule and one variable of two numbers: the factor, and a fixed rate that overrides both unless it is NaN.
"""

from __future__ import annotations

import logging
import math
from typing import Any

import keras
import numpy as np

from ...commands import MAX_LEARNING_RATE
from ...keras_internals.optimizers import learning_rate_of, scope, track_also
from ..backends import read_scalar, runs_eagerly, sync_model
from .control import Control, Refused, Value, Written
from .hyperparameters import LearningRate, Missing
from .live_values import OptimizerSaveFilter, shortest

log = logging.getLogger(__name__)

Schedule = keras.optimizers.schedules.LearningRateSchedule
PLAN_POINTS = 64


def learning_rate(
    model: Any, optimizer: Any, save_filter: OptimizerSaveFilter, prefix: str, section: str
) -> list[Control]:
    """The controls of an optimizer's learning rate, whichever way it has one."""
    rate = learning_rate_of(optimizer)
    name = f"{prefix}learning_rate"
    if hasattr(rate, "assign"):
        return [LearningRate(model, optimizer, name, section)]
    if isinstance(rate, Schedule):
        inner = rate.inner if isinstance(rate, LiveSchedule) else rate
        schedule_override = ScheduleOverride(model, optimizer, inner, save_filter)
        return [
            Scheduled(schedule_override, name, section),
            Factor(schedule_override, name, section),
            TakeOver(schedule_override, name, section),
        ]
    if rate is None:
        return [Missing(model, f"{type(optimizer).__name__} has no learning rate")]
    return [Missing(model, "the optimizer takes its learning rate from a function")]


class LiveSchedule(Schedule):  # type: ignore[misc, valid-type]
    """The stand-in. Saved as the schedule it stands for, so that checkpoints load without this package.

    Args:
        inner: The user's schedule.
        factor: What to multiply it by.
        override: A fixed rate, or NaN for none.
    """

    def __init__(self, inner: Any, factor: float, override: float) -> None:
        self.inner = inner
        self.parameters = keras.Variable(
            [factor, override], trainable=False, name="live_learning_rate", dtype="float32",
            aggregation="only_first_replica",
        )  # fmt: skip

    def __call__(self, step: Any) -> Any:
        """The rate at a step."""
        parameters = keras.ops.convert_to_tensor(self.parameters)
        planned = keras.ops.cast(self.inner(step), "float32")
        return keras.ops.where(keras.ops.isnan(parameters[1]), planned * parameters[0], parameters[1])

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # what keras.saving writes down
        return type(self.inner)

    def get_config(self) -> dict[str, Any]:
        """The user's schedule's."""
        config: dict[str, Any] = self.inner.get_config()
        return config

    def __getattr__(self, name: str) -> Any:
        if name == "inner":
            raise AttributeError(name)
        return getattr(self.inner, name)


class ScheduleOverride:
    """One optimizer's schedule, and the stand-in while there is one.

    Attributes:
        factor: What the schedule is multiplied by.
        override: The fixed rate, or NaN.
    """

    def __init__(self, model: Any, optimizer: Any, inner: Any, save_filter: OptimizerSaveFilter) -> None:
        self.model, self.optimizer, self.inner = model, optimizer, inner
        self.factor, self.override = 1.0, math.nan
        self._save_filter = save_filter
        self._live: Any = None

    def set(self, factor: float, override: float) -> bool:
        """Set both numbers; returns whether the step must be traced again."""
        sync_model(self.model)
        self.factor, self.override = factor, override
        if self._live is not None:
            self._live.parameters.assign(np.array([factor, override], "float32"))
            return False
        with scope(self.optimizer):
            self._live = LiveSchedule(self.inner, factor, override)
        # Part of the optimizer's variables, or JAX would take it for a constant.
        self._save_filter.hide(self._live.parameters)
        track_also(self.optimizer, self._live.parameters)
        self.optimizer.learning_rate = self._live
        return not runs_eagerly(self.model)

    def release(self) -> None:
        """Give the optimizer its own schedule back."""
        live, self._live = self._live, None
        if live is not None:
            sync_model(self.model)
            self.optimizer.learning_rate = self.inner
            self._save_filter.show(self.optimizer, live.parameters)

    @property
    def taken_over(self) -> bool:
        """Whether a fixed rate overrides the schedule."""
        return not math.isnan(self.override)

    @property
    def installed(self) -> bool:
        """Whether a change needs no new trace."""
        return self._live is not None or runs_eagerly(self.model)

    def rate(self) -> float:
        """The rate the next batch will use."""
        if self.taken_over:
            return shortest(self.override)
        step = read_scalar(self.model, self.optimizer.iterations, "optimizer_variables")
        return shortest(float(np.asarray(keras.ops.convert_to_numpy(self.inner(step)))) * self.factor)

    def plan(self, steps: int) -> tuple[list[int], list[float]]:
        """Rates ahead: batches from now (1 is the next), and the rate of each, at most ``PLAN_POINTS`` of them."""
        done = read_scalar(self.model, self.optimizer.iterations, "optimizer_variables")
        ahead = sorted({int(i) for i in np.linspace(1, steps, min(steps, PLAN_POINTS))})
        rates = []
        for batch in ahead:
            planned = keras.ops.convert_to_numpy(self.inner(done + batch - 1))
            rates.append(float(np.asarray(planned)) * self.factor)
        return ahead, rates


class ScheduleControl(Control):
    """A control that turns a schedule's stand-in."""

    def __init__(self, schedule_override: ScheduleOverride, name: str, label: str, section: str) -> None:
        super().__init__(schedule_override.model, name, label, section)
        self.schedule_override, self.optimizer = schedule_override, schedule_override.optimizer

    @property
    def rebuild(self) -> bool:  # type: ignore[override]
        """Whether a change has the training step traced again."""
        return not self.schedule_override.installed


class Scheduled(ScheduleControl):
    """The rate itself: what the schedule gives. Writing it takes over."""

    scale = "log"
    maximum = MAX_LEARNING_RATE

    def __init__(self, schedule_override: ScheduleOverride, name: str, section: str) -> None:
        super().__init__(schedule_override, name, "learning_rate", section)

    def read(self) -> Value:
        try:
            return self.schedule_override.rate()
        except Exception:  # a schedule is the user's own code: whatever it raises, there is just nothing to show
            log.debug("A schedule could not be asked for its rate", exc_info=True)
            return None

    def write(self, value: Value) -> Written:
        assert isinstance(value, (int, float))
        old, message = self.read(), "" if self.schedule_override.taken_over else "taken over from the schedule"
        rebuild = self.schedule_override.set(self.schedule_override.factor, float(value))
        return Written(old, self.read(), rebuild, message)

    def release(self) -> None:
        self.schedule_override.release()


class Factor(ScheduleControl):
    """What the schedule is multiplied by."""

    scale = "log"
    maximum = MAX_LEARNING_RATE

    def __init__(self, schedule_override: ScheduleOverride, of: str, section: str) -> None:
        super().__init__(schedule_override, f"{of}_factor", "learning_rate_factor", section)
        self.of = of

    def read(self) -> Value:
        return shortest(self.schedule_override.factor)

    def write(self, value: Value) -> Written:
        assert isinstance(value, (int, float))
        old = self.read()
        # As it is held, and put on the record.
        rebuild = self.schedule_override.set(shortest(float(value)), self.schedule_override.override)
        message = "it will hold when the schedule is released" if self.schedule_override.taken_over else ""
        return Written(old, self.read(), rebuild, message)


class TakeOver(ScheduleControl):
    """Whether the rate is fixed by hand and the schedule is not followed."""

    kind = "flag"

    def __init__(self, schedule_override: ScheduleOverride, of: str, section: str) -> None:
        super().__init__(schedule_override, f"{of}_take_over", "learning_rate_take_over", section)
        self.of = of

    def read(self) -> Value:
        return self.schedule_override.taken_over

    def write(self, value: Value) -> Written:
        schedule_override, old = self.schedule_override, self.schedule_override.taken_over
        if value == old:
            return Written(old, old)
        try:
            override = schedule_override.rate() if value else math.nan
        except Exception as error:
            msg = f"the schedule could not be asked for its rate ({error})"
            raise Refused(msg) from error
        return Written(old, value, schedule_override.set(schedule_override.factor, override))
