"""How fast a run goes and how long it will still take."""

from __future__ import annotations

from collections import deque

WINDOW = 5.0  # seconds of training the pace is taken over


class Throughput:
    """Speed over the last seconds of training; time in validation and between epochs is counted apart.

    Attributes:
        samples_per_batch: Samples in a full batch, where known.
    """

    def __init__(self) -> None:
        self.samples_per_batch: float | None = None
        self._seen: deque[tuple[float, int]] = deque()  # (seconds, step) while training
        self._per_step: float | None = None
        self._epoch_began = 0.0
        self._extra = 0.0  # seconds an epoch takes beyond its batches
        self._epochs = 0

    def begin_epoch(self, seconds: float, step: int) -> None:
        """Called as an epoch begins."""
        self._epoch_began = seconds
        self.begin(seconds, step)

    def begin(self, seconds: float, step: int) -> None:
        """Batches are trained from now on; what was until now, tracing or validation, is none of their time."""
        self._seen.clear()
        self.note(seconds, step)

    def note(self, seconds: float, step: int) -> None:
        """Called now and then while batches are trained."""
        self._seen.append((seconds, step))
        while len(self._seen) > 2 and seconds - self._seen[0][0] > WINDOW:
            self._seen.popleft()
        (first, from_step), (last, to_step) = self._seen[0], self._seen[-1]
        if to_step > from_step and last > first:
            self._per_step = (last - first) / (to_step - from_step)

    def rest(self, seconds: float, step: int) -> None:
        """Something else comes before the next batch."""
        self.note(seconds, step)
        self._seen.clear()

    def waited(self, seconds: float) -> None:
        """The fit was paused for so long."""
        self._epoch_began += seconds
        self._seen.clear()

    def end_epoch(self, seconds: float, batches: int) -> float:
        """Called as an epoch ends; returns the seconds it took."""
        took = seconds - self._epoch_began
        if self._per_step is None and batches:
            self._per_step = took / batches
        if self._per_step is not None:
            extra = max(0.0, took - batches * self._per_step)
            # The first epoch's includes compiling; later ones are averaged, so that the time left does not jump.
            self._extra = extra if self._epochs < 2 else self._extra + (extra - self._extra) / min(self._epochs, 8)
        self._epochs += 1
        return took

    @property
    def seconds_per_step(self) -> float | None:
        """Seconds one batch takes, over the last seconds of training."""
        return self._per_step

    @property
    def batches_per_second(self) -> float | None:
        """Batches trained in a second."""
        return 1.0 / self._per_step if self._per_step else None

    @property
    def samples_per_second(self) -> float | None:
        """Samples trained in a second, where the size of a batch is known."""
        rate = self.batches_per_second
        return rate * self.samples_per_batch if rate and self.samples_per_batch else None

    def remaining(self, batch: int, batches: int | None, epochs_left: int | None) -> float | None:
        """Seconds to the end of the fit; None while it cannot be known.

        Args:
            batch: Batches done in this epoch.
            batches: Batches in an epoch.
            epochs_left: Epochs after this one.
        """
        if self._per_step is None or batches is None or epochs_left is None:
            return None
        return (max(0, batches - batch) + epochs_left * batches) * self._per_step + (epochs_left + 1) * self._extra
