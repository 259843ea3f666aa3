"""Unsteered: takes the place of steering in a fit whose model or callbacks cannot be read, so that it is recorded."""

from __future__ import annotations

from typing import Any

from ..commands import Inbox
from ..record.record import Record
from ..steering.command_executor import refuse_all


class Unsteered:
    """Answers like ``FitSteering`` and its rooms do, and refuses all that is asked.

    Args:
        run: The record.
        inbox: Where commands wait.
        reason: Why nothing can be steered.
    """

    spike_detector = kept_snapshots = None
    speaking = "python"

    def __init__(self, run: Record, inbox: Inbox, reason: str) -> None:
        self._run, self._inbox, self._reason = run, inbox, reason
        self.flow, self.registry, self.callback_registry = _NoLoopControl(), _NoControls(), _NoCallbacks()

    def before_batch(self) -> None:
        """Nothing is due."""

    def apply(self, heavy: bool) -> None:
        """Refuse what waits."""
        refuse_all(self._run, self._inbox, self._reason)

    def due(self) -> bool:
        """No batch has to wait."""
        return False

    def epoch_ends(self, epoch: int, logs: dict[str, Any]) -> None:
        """An epoch is done."""
        self.apply(heavy=True)

    def guard(self, logs: dict[str, Any]) -> None:
        """Nothing is guarded."""

    def retraced(self) -> list[str]:
        """Nothing is traced again."""
        return []

    def leave(self) -> None:
        """Nothing was put into the model."""


class _NoLoopControl:
    paused = stop_after_epoch = False
    blocking = True
    source = ""

    def is_last(self, epoch: int) -> bool:
        return False

    def could_resume(self, run: Record) -> bool:
        return False

    def resume(self) -> None:
        pass

    def epoch_ends(self, epoch: int) -> None:
        pass


class _NoLearningRates:
    held = False

    def ahead(self) -> None:
        pass


class _NoControls:
    def __init__(self) -> None:
        self.learning_rates = _NoLearningRates()
        self.controls: dict[str, Any] = {}
        self.siblings: list[str] = []

    def check_rates(self, suspect: str = "", writer: str = "") -> None:
        pass

    def trained(self) -> None:
        pass


class _NoCallbacks:
    before = after = 0

    def __init__(self) -> None:
        self.cards: list[Any] = []

    def join(self, registry: Any) -> None:
        pass

    def publish(self) -> None:
        pass

    def hook_that_raised(self, error: BaseException) -> str:
        return ""

    def how_ended(self, stopped: bool) -> str:
        return "model.stop_training was set" if stopped else ""
