"""Guard: notice a metric that is no longer a number, or leaps, and do something about it before more is lost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..record.formats import format_metric
from ..record.values import positive_integer

WARM_UP = 20  # batches before a leap can be told from the noise of a beginning
MEMORY = 0.95  # of the running mean and variance: about the last twenty batches
EPOCHS_WARM_UP = 5  # values of epochs: there are few, and each is a mean of much data already
EPOCHS_MEMORY = 0.8  # about the last five epochs


@dataclass(frozen=True)
class Guard:
    """What to watch and what to do.

    Args:
        metric: The metric to watch, as Keras logs it; each batch's own value is looked at where it can be recovered.
            One that Keras logs for epochs alone, such as ``val_loss``, is looked at when an epoch ends.
        spike: How many standard deviations above the running mean count as a leap, once 20 batches were trained, or 5
            epochs for a metric of epochs; None looks for NaN and infinity alone.
        action: ``rollback`` to the last good snapshot, or ``pause``.
        factor: What to multiply the learning rate by after a rollback.
        limit: How often to act; after that the fit is paused, or stopped where nobody could resume it.

    Raises:
        TypeError, ValueError: A number is out of range, the metric has no name, or the action is none of the two.

    Example:
        >>> kcb.Monitor(guard=kcb.Guard(factor=0.5, limit=3), snapshots=kcb.Snapshots(each_epoch=True))
    """

    metric: str = "loss"
    spike: float | None = 8.0
    action: str = "rollback"
    factor: float = 0.5
    limit: int = 3

    def __post_init__(self) -> None:
        if not isinstance(self.metric, str) or not self.metric:
            msg = f"metric must be the name of a metric. Received: {self.metric!r}"
            raise ValueError(msg)
        if self.action not in ("rollback", "pause"):
            msg = f"action must be rollback or pause. Received: {self.action!r}"
            raise ValueError(msg)
        if self.spike is not None and not self.spike > 0:
            msg = f"spike must be positive, or None. Received: {self.spike!r}"
            raise ValueError(msg)
        if not 0 < self.factor <= 1:
            msg = f"factor must be above 0 and at most 1. Received: {self.factor!r}"
            raise ValueError(msg)
        object.__setattr__(self, "limit", positive_integer("limit", self.limit))


class Spikes:
    """Tells a leap of a value from its noise, by a running mean and spread.

    Args:
        spike: How many standard deviations above the mean count as a leap; None: nothing does.
        warm_up: How many values must have come before one can be a leap.
        memory: How much of the mean and spread stays from one value to the next.
    """

    def __init__(self, spike: float | None, warm_up: int, memory: float) -> None:
        self._spike, self._warm_up, self._memory = spike, warm_up, memory
        self._mean = self._variance = 0.0
        self._seen = 0

    def leapt_from(self, value: float) -> float | None:
        """The mean that ``value`` leapt away from; None where it is no leap, and then it is learnt from."""
        spread = max(math.sqrt(self._variance), 1e-12)
        if self._spike is not None and self._seen >= self._warm_up and value > self._mean + self._spike * spread:
            return self._mean
        self._seen += 1
        rate = max(1.0 - self._memory, 1.0 / self._seen)
        off = value - self._mean
        self._mean += rate * off
        self._variance = (1 - rate) * (self._variance + rate * off * off)
        return None


class SpikeDetector:
    """Looks at the values of one metric: each batch's, or each epoch's where Keras logs it for epochs alone.

    Args:
        guard: What counts as trouble.

    Attributes:
        acted: How often something was wrong.
        by_batch: Whether the metric is among the logs of batches.
    """

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self.acted = 0
        self.by_batch = False
        self._batches = Spikes(guard.spike, WARM_UP, MEMORY)
        self._epochs = Spikes(guard.spike, EPOCHS_WARM_UP, EPOCHS_MEMORY)
        self._sum = self._weight = 0.0  # of the running mean's batches
        self._muted = False

    def begin_epoch(self) -> None:
        """Keras's running mean begins at nothing."""
        self._sum, self._weight, self._muted = 0.0, 0.0, False

    def mute(self) -> None:
        """Say nothing more until the running mean begins at nothing: once NaN it stays NaN."""
        self._muted = True

    def check_batch(self, running: float, weight: float | None, recoverable: bool) -> str:
        """What is wrong with the newest batch, in a clause; empty when nothing is.

        Args:
            running: The metric as Keras logged it, a mean since the epoch began (or since a rollback).
            weight: What the mean's batches weigh together; None where that is not known now.
            recoverable: Whether it is such a mean; else the number itself is looked at.
        """
        self.by_batch = True
        if self._muted:
            return ""
        if not math.isfinite(running):
            return f"{self.guard.metric} is {running}"
        if not recoverable:
            return self._leap(self._batches, running)
        if weight is None or weight == self._weight:  # the batch has no value of its own that is known
            return ""
        value = running
        if weight > self._weight:
            value = (running * weight - self._sum) / (weight - self._weight)
        self._sum, self._weight = running * weight, weight
        return self._leap(self._batches, value)

    def check_epoch(self, value: float) -> str:
        """What is wrong with an epoch's value, in a clause; empty when nothing is."""
        if not math.isfinite(value):
            return f"{self.guard.metric} is {value}"
        return self._leap(self._epochs, value)

    def _leap(self, spikes: Spikes, value: float) -> str:
        mean = spikes.leapt_from(value)
        return (
            ""
            if mean is None
            else f"{self.guard.metric} leapt to {format_metric(value)} from about {format_metric(mean)}"
        )


def number(value: Any) -> float | None:
    """A metric's value as a plain number; None where it is not a single one."""
    if isinstance(value, (bool, str)) or value is None:
        return None
    if isinstance(value, (int, float)):
        return float(value)
    try:
        return float(np.asarray(value).item())  # a scalar of NumPy, or an array of one number
    except (TypeError, ValueError):
        return None


def missing(what: str, metric: str, logs: Mapping[str, Any]) -> str:
    """Why ``what`` can do nothing with a metric after the first epoch; empty when it can."""
    if number(logs.get(metric)) is not None:
        return ""
    there = ", ".join(sorted(name for name, value in logs.items() if number(value) is not None)) or "none"
    how = "is not a single number" if metric in logs else "is not among the metrics"
    return f"{metric} {how} of the first epoch, so {what}; there are {there}"
