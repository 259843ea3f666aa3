"""CurrentWork: what the training thread is doing besides training, for other threads to see."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


class Metered(Protocol):
    """How often something was done, and how long it took in all."""

    count: int
    seconds: float


@dataclass(frozen=True)
class Work:
    """Something that is done between batches.

    Attributes:
        label: What a user knows it by: ``MyCallback.on_epoch_end``.
        known: Whether it is work that may well take long: Monitor's own, and that of Keras's own callbacks.
        meter: How long it usually takes; None where that is not measured.
    """

    label: str
    known: bool
    meter: Metered | None = None

    @property
    def usual(self) -> float | None:
        """Seconds that it took on average; None before it was done once."""
        meter = self.meter
        return meter.seconds / meter.count if meter is not None and meter.count else None


class CurrentWork:
    """What is done now; the training thread alone writes it, and puts back what was there before.

    Attributes:
        now: What is done; None while the model trains, or Keras is at work itself.
    """

    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now: Work | None = None

    @contextlib.contextmanager
    def doing(self, work: Work) -> Iterator[None]:
        """Something is done meanwhile. Hooks of batches write this out, as they are called often."""
        outer, self.now = self.now, work
        try:
            yield
        finally:
            self.now = outer


OURS = Work("Monitor", True)
