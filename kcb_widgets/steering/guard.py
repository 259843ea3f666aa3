"""Guard: notice a metric that is no longer a number, or leaps, and do something about it before more is lost."""

from __future__ import annotations

import math
from dataclasses import dataclass

WARM_UP = 20  # batches before a leap can be told from the noise of a beginning
MEMORY = 0.95  # of the running mean and variance: about the last twenty batches


@dataclass(frozen=True)
class Guard:
    """What to watch and what to do.

    Args:
        metric: The metric to watch, as Keras logs it; each batch's own value is looked at where it can be recovered.
        spike: How many standard deviations above the running mean count as a leap; None looks for NaN and infinity.
        action: ``rollback`` to the last good snapshot, or ``pause``.
        factor: What to multiply the learning rate by after a rollback.
        limit: How often to act; after that the fit is paused, or stopped where nobody could resume it.

    Raises:
        ValueError: A number is out of range, or the action is none of the two.

    Example:
        >>> kcb.Monitor(guard=kcb.Guard(factor=0.5, limit=3), snapshots=kcb.Snapshots(each_epoch=True))
    """

    metric: str = "loss"
    spike: float | None = 8.0
    action: str = "rollback"
    factor: float = 0.5
    limit: int = 3

    def __post_init__(self) -> None:
        if self.action not in ("rollback", "pause"):
            msg = f"action must be rollback or pause. Received: {self.action!r}"
            raise ValueError(msg)
        if self.spike is not None and not self.spike > 0:
            msg = f"spike must be positive, or None. Received: {self.spike!r}"
            raise ValueError(msg)
        if not 0 < self.factor <= 1:
            msg = f"factor must be above 0 and at most 1. Received: {self.factor!r}"
            raise ValueError(msg)
        if not isinstance(self.limit, int) or self.limit < 1:
            msg = f"limit must be a whole number from 1. Received: {self.limit!r}"
            raise ValueError(msg)


class Lookout:
    """Looks at each batch's value of one metric.

    Args:
        guard: What counts as trouble.

    Attributes:
        acted: How often something was wrong.
    """

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self.acted = 0
        self._mean = self._variance = 0.0
        self._seen = 0
        self._sum = 0.0  # of the running mean's batches
        self._batches = 0
        self._muted = False

    def begin_epoch(self) -> None:
        """Keras's running mean begins anew."""
        self._sum, self._batches, self._muted = 0.0, 0, False

    def mute(self) -> None:
        """Say nothing more until the running mean begins anew: once NaN it stays NaN."""
        self._muted = True

    def look(self, running: float, batches: int, recoverable: bool) -> str:
        """What is wrong with the newest batch, in a clause; empty when nothing is.

        Args:
            running: The metric as Keras logged it, a mean since the epoch began (or since a rollback).
            batches: How many batches it is the mean of.
            recoverable: Whether it is such a mean; else the number itself is looked at.
        """
        name = self.guard.metric
        if self._muted:
            return ""
        if not math.isfinite(running):
            return f"{name} is {running}"
        value = running
        if recoverable and batches > self._batches:
            value = (running * batches - self._sum) / (batches - self._batches)
        self._sum, self._batches = running * batches, batches
        leap = self._leap(value)
        if not leap:
            self._learn(value)
        return leap

    def _leap(self, value: float) -> str:
        spike, spread = self.guard.spike, math.sqrt(self._variance)
        if spike is None or self._seen < WARM_UP or value <= self._mean + spike * max(spread, 1e-12):
            return ""
        return f"{self.guard.metric} leapt to {value:.4g} from about {self._mean:.4g}"

    def _learn(self, value: float) -> None:
        self._seen += 1
        rate = max(1.0 - MEMORY, 1.0 / self._seen)
        off = value - self._mean
        self._mean += rate * off
        self._variance = (1 - rate) * (self._variance + rate * off * off)
