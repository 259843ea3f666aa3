"""Pause, resume, run so many batches, stop, and train more or fewer epochs than ``fit`` was told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ..keras_internals.models import skip_validation, validate_again
from ..record.record import Record
from .controls.control import Control, Refused, Value, Written
from .epoch_extension import EpochExtension

if TYPE_CHECKING:
    from ..record import wire

MAX_EPOCHS = 1_000_000


class LoopControl:
    """Where a fit goes on, waits and ends.

    Args:
        run: Its record; ``run.flow`` says what is planned.
        model: What trains.
        extension: How to get more epochs than Keras was told.

    Attributes:
        paused: Whether the training thread waits, or will before the next batch.
        source: Who asked for the pause, or for what ends in one.
        until: Pause when this step is reached, or at the end of the epoch.
        stop_after_epoch: Whether to stop when the epoch is done.
        blocking: Whether nothing else in Python gets a turn while it trains.
        epochs: How many epochs the fit shall have; None while it is what ``fit`` was told.
    """

    def __init__(self, run: Record, model: Any, extension: EpochExtension, paused: bool) -> None:
        self._run, self._model = run, model
        self.extension = extension
        self.paused = paused
        self.source = "start"
        self.blocking = True
        self.until: int | Literal["epoch"] | None = None
        self.stop_after_epoch = False
        self.stopping: wire.StopPoint = ""
        self.epochs: int | None = None
        self._unvalidated = False
        self.publish()

    def publish(self) -> None:
        """Put what is planned on the record."""
        self._run.flow = {"paused": self.paused, "until": self.until, "stop": self.stopping}

    @property
    def due(self) -> bool:
        """Whether the next batch must wait."""
        return self.paused or (isinstance(self.until, int) and self._run.step >= self.until)

    @property
    def planned(self) -> bool:
        """Whether there is anything to look at before each batch."""
        return self.paused or self.until is not None

    def could_resume(self, run: Record) -> bool:
        """Whether a user could resume it: at a board, or in Python meanwhile."""
        return run.attended or not self.blocking

    def pause(self, source: str = "") -> None:
        """Wait before the next batch.

        Args:
            source: Who asked for it.
        """
        self.paused, self.until, self.source = True, None, source
        self.publish()

    def resume(self) -> None:
        """Go on."""
        self.paused, self.until = False, None
        self.publish()

    def step(self, batches: int, source: str = "") -> None:
        """Go on for so many batches, then wait.

        Args:
            batches: How many.
            source: Who asked for it.
        """
        self.paused, self.until, self.source = False, self._run.step + batches, source
        self.publish()

    def finish_epoch(self, source: str = "") -> None:
        """Go on to the end of the epoch, validation included, then wait.

        Args:
            source: Who asked for it.
        """
        self.paused, self.until, self.source = False, "epoch", source
        self.publish()

    def stop(self, how: str) -> str:
        """End the fit.

        Args:
            how: One of ``commands.verbs.STOPS``.

        Returns:
            What will happen, in a clause.
        """
        first, _, unvalidated = how.partition("_")
        when: wire.StopPoint = "epoch" if first == "epoch" else "batch"
        self.stopping, self.stop_after_epoch = when, when == "epoch"
        self.paused, self.until = False, None
        if unvalidated:
            self._skip_validation()
        else:
            self.undo()
        if when == "batch":
            self._model.stop_training = True
        self.publish()
        closing = "without validation" if unvalidated else "Keras still runs the epoch's closing validation"
        return f"after this {when}; {closing}"

    def is_last(self, epoch: int) -> bool:
        """Whether Keras will train no epoch after this one."""
        if self.stop_after_epoch or self._model.stop_training:
            return True
        epochs = self.epochs or self._run.params.get("epochs")
        return epochs is not None and epoch + 1 >= epochs

    def epoch_ends(self, epoch: int) -> None:
        """The last look before Keras decides whether to train another epoch."""
        if self.stop_after_epoch or (self.epochs is not None and epoch + 1 >= self.epochs):
            self._model.stop_training = True
        elif self.epochs is not None and not self._model.stop_training:
            self.extension.at_end_of(epoch, self.epochs)

    def undo(self) -> None:
        """Take away what was installed."""
        if self._unvalidated:
            self._unvalidated = False
            validate_again(self._model)

    def _skip_validation(self) -> None:
        skip_validation(self._model)
        self._unvalidated = True


class Epochs(Control):
    """How many epochs the fit has: more or fewer than it was told.

    Args:
        flow: The fit's.
        run: Its record.
    """

    group = "flow"
    integer = True
    maximum = MAX_EPOCHS

    def __init__(self, model: Any, flow: LoopControl, run: Record) -> None:
        super().__init__(model, "epochs")
        self._flow, self._run = flow, run

    @property
    def minimum(self) -> float:  # type: ignore[override]
        """No fewer than have begun."""
        return float((self._run.epoch or 0) + 1)

    def read(self) -> Value:
        return self._run.params.get("epochs")

    def why_not(self) -> str:
        return "" if self._run.params.get("epochs") else "Keras was not told how many epochs there are"

    def write(self, value: Value) -> Written:
        assert isinstance(value, int)
        old = self.read()
        if value > self._flow.extension.told and (why := self._flow.extension.why_not()):
            raise Refused(why)
        self._flow.epochs = value
        self._run.params = {**self._run.params, "epochs": value}
        self._flow.extension.announce(value)
        return Written(old, value)
