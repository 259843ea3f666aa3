"""How fast a run goes and how long it will still take."""

from __future__ import annotations

from collections import deque

WINDOW = 5.0  # seconds of training the pace is taken over
MAX_EPOCHS_AVERAGED = 8


class Throughput:
    """Speed over the last seconds of training. What an epoch takes besides its batches is counted apart.

    That is the start of its data, until its first batch is done, and the rest: validation and the hooks at its end. In
    the first epoch both have something traced, which comes once, so only what follows the first batch of each counts.

    Attributes:
        samples_per_batch: Samples in a full batch, where known.
    """

    def __init__(self) -> None:
        self.samples_per_batch: float | None = None
        self._seen: deque[tuple[float, int]] = deque()  # (seconds, step) while training
        self._per_step: float | None = None
        self._epochs = 0  # that are over
        self._epoch_began = 0.0
        self._epoch_started = 0.0  # seconds until the first batch of this epoch was done
        self._validation_began: float | None = None
        self._traced = 0.0  # seconds of this epoch's validation until its first batch was done
        self._start = 0.0  # seconds that an epoch takes to start
        self._rest = 0.0  # seconds that an epoch takes besides its start and its batches

    def begin_epoch(self, seconds: float, step: int) -> None:
        """Called as an epoch begins."""
        self._epoch_began, self._epoch_started, self._traced = seconds, 0.0, 0.0
        self.begin(seconds, step)

    def first_batch(self, seconds: float, step: int) -> None:
        """Called after the first batch of an epoch, which waits for the data to start."""
        self._epoch_started = max(0.0, seconds - self._epoch_began)
        if self._epochs:
            self._start = max(0.0, self._epoch_started - (self._per_step or 0.0))
        self.begin(seconds, step)

    def begin_validation(self, seconds: float, step: int) -> None:
        """Called as validation begins."""
        self.rest(seconds, step)
        self._validation_began = seconds

    def first_validation_batch(self, seconds: float) -> None:
        """Called after the first batch of a validation."""
        if self._validation_began is not None:
            self._traced = max(0.0, seconds - self._validation_began)
            self._validation_began = None

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
        if self._validation_began is not None:
            self._validation_began += seconds
        self._seen.clear()

    def end_epoch(self, seconds: float, batches: int) -> float:
        """Called as an epoch ends; returns the seconds it took."""
        took = seconds - self._epoch_began
        if self._per_step is None and batches:
            self._per_step = took / batches
        if self._per_step is not None:
            trained = max(0, batches - 1) if self._epoch_started else batches
            rest = max(0.0, took - self._epoch_started - trained * self._per_step)
            if self._epochs == 0:
                self._rest = max(0.0, rest - self._traced)
            else:  # later ones are averaged, so that the time left does not jump
                self._rest += (rest - self._rest) / min(self._epochs, MAX_EPOCHS_AVERAGED)
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
        trained = (max(0, batches - batch) + epochs_left * batches) * self._per_step
        return trained + self._rest + epochs_left * (self._start + self._rest)
