"""What each verb does: a method for each entry of the table of verbs, of the same name."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from ..commands import Command, Refused
from ..keras_internals.exceptions import root_cause
from ..record.current_work import Work
from ..record.events import Event
from ..record.formats import format_bytes, format_metric
from ..record.record import Record
from .backends import sync_model
from .callback_registry import CallbackRegistry
from .evaluate import Evaluation
from .loop_control import LoopControl
from .snapshots import SnapshotStore
from .user_controls import UserControls

log = logging.getLogger(__name__)


class Actions:
    """Does what verbs ask for; each method puts an event on the record and returns it.

    Args:
        run: Where events go.
        model: What is steered.
        flow: Where the fit goes on, waits and ends.
        snapshots: What there is to go back to.
        evaluation: How to evaluate now.
        user_controls: The user's own controls and buttons.
        callback_registry: The fit's other callbacks.
        folder: Where models are saved.
        monitor: What the functions of buttons are given.
    """

    def __init__(
        self,
        run: Record,
        model: Any,
        *,
        flow: LoopControl,
        snapshots: SnapshotStore,
        evaluation: Evaluation,
        user_controls: UserControls,
        callback_registry: CallbackRegistry,
        folder: Path,
        monitor: Any = None,
    ) -> None:
        self._run, self._model, self._flow, self._snapshots = run, model, flow, snapshots
        self._evaluation, self._user_controls, self._callback_registry = evaluation, user_controls, callback_registry
        self._folder, self._monitor = folder, monitor

    def _event(self, command: Command, kind: str, new: Any = None, message: str = "", old: Any = None) -> Event:
        name = kind if kind in ("paused", "resumed") else command.name  # "paused pause" would say it twice
        return self._run.add_event(kind, name, old, new, command.source, message, command.requested)

    def pause(self, command: Command) -> Event:
        """Wait before the next batch."""
        self._flow.pause(command.source)
        return self._event(command, "paused")

    def resume(self, command: Command) -> Event:
        """Train on."""
        self._flow.resume()
        return self._event(command, "resumed")

    def step(self, command: Command) -> Event:
        """Train so many batches, then wait."""
        assert isinstance(command.value, int)
        self._flow.step(command.value, command.source)
        return self._event(
            command, "resumed", command.value, f"for {command.value} batch{'' if command.value == 1 else 'es'}"
        )

    def finish_epoch(self, command: Command) -> Event:
        """Train to the end of the epoch, then wait."""
        self._flow.finish_epoch(command.source)
        return self._event(command, "resumed", message="to the end of the epoch")

    def stop(self, command: Command) -> Event:
        """End the fit after the batch or the epoch."""
        message = self._flow.stop(str(command.value))
        if self._flow.stopping == "batch":
            self._run.status = "stopping"
        self._run.message = message
        return self._event(command, "stop", command.value, message)

    def evaluate(self, command: Command) -> Event:
        """Evaluate on the validation data."""
        found = self._evaluation.run()
        self._run.evaluated(found.logs)
        words = " · ".join(f"{name} {format_metric(value)}" for name, value in found.logs.items())
        return self._event(command, "evaluated", found.logs.get("val_loss"), words + found.remark)

    def snapshot(self, command: Command) -> Event:
        """Keep the model's state."""
        taken = self._snapshots.take()
        words = "" if taken.value is None else f"{taken.metric} {format_metric(taken.value)}, "
        return self._event(command, "snapshot", taken.id, words + format_bytes(taken.bytes))

    def rollback(self, command: Command) -> Event:
        """Put a snapshot back."""
        snapshot = self._snapshots.find(str(command.value))
        left, rest = self._run.step, self._snapshots.restore(snapshot).describe()
        event = self._event(command, "rollback", snapshot.id, f"to step {snapshot.step}" + (rest and f"; {rest}"), left)
        self._run.rolled_back(snapshot.step)
        return event

    def forget(self, command: Command) -> Event:
        """Let go of a snapshot."""
        self._snapshots.forget(str(command.value))
        return self._event(command, "applied", message="forgotten")

    def save(self, command: Command) -> Event:
        """Save the model to a file."""
        run = self._run
        name = f"run-{run.number}-step-{run.step}.keras"
        path = self._folder / name if command.value is None else Path(str(command.value))
        path.parent.mkdir(parents=True, exist_ok=True)
        sync_model(self._model).save(path)
        return self._event(command, "saved", str(path), format_bytes(path.stat().st_size))

    def press(self, command: Command) -> Event:
        """Call the function of a button of the user's."""
        name, work = str(command.value), self._run.current_work
        outer, work.now = work.now, Work(f"the button {name}", False)
        try:
            self._user_controls.press(name, self._monitor)
        except Refused:
            raise
        except Exception as error:
            log.exception("The button %s failed", name)
            return self._event(command, "error", name, f"{name}: {root_cause(error)}")
        finally:
            work.now = outer
        return self._event(command, "trigger", name)

    def act(self, command: Command) -> Event:
        """Do what a callback's card offers."""
        return self._callback_registry.act(command)
