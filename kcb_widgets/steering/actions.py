"""What each verb does: a method for each entry of the table of verbs, of the same name."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
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
from .change_history import Change, ChangeHistory
from .control_writer import RETRACED, ControlWriter
from .controls.layer_groups import select
from .controls.trainable import Trainable
from .evaluate import Evaluation
from .loop_control import LoopControl
from .rates_kept import rates_kept
from .snapshots import SnapshotStore
from .user_controls import UserControls

log = logging.getLogger(__name__)

NAMED_AT_MOST = 3


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
        writer: Sets controls.
        history: What was changed by hand.
        folder: Where models are saved.
        monitor: What the functions of buttons are given.
        keep: Keeps the run in a file from here on; returns a clause.
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
        writer: ControlWriter,
        history: ChangeHistory,
        folder: Path,
        monitor: Any = None,
        keep: Callable[[Record, Path | None], str] | None = None,
    ) -> None:
        self._run, self._model, self._flow, self._snapshots = run, model, flow, snapshots
        self._evaluation, self._user_controls, self._callback_registry = evaluation, user_controls, callback_registry
        self._writer, self._history = writer, history
        self._folder, self._monitor, self._keep = folder, monitor, keep

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
        kept = rates_kept(self._run, snapshot.step, self._writer.controls.values())
        told = "; ".join(filter(None, [f"to step {snapshot.step}", rest, kept]))
        event = self._event(command, "rollback", snapshot.id, told, left)
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

    def keep(self, command: Command) -> Event:
        """Keep the run in a file. A board may not say where."""
        folder = None if command.value is None else Path(str(command.value))
        if self._keep is None or (folder is not None and command.source == "board"):
            raise Refused("the folder is chosen in Python")
        return self._run.add_event(
            "status", "keep", None, None, command.source, self._keep(self._run, folder), command.requested
        )

    def press(self, command: Command) -> Event:
        """Call the function of a button of the user's."""
        name = str(command.value)
        try:
            with self._run.current_work.doing(Work(f"the button {name}", False)):
                self._user_controls.press(name, self._monitor)
        except Refused:
            raise
        except Exception as error:
            log.exception("The button %s failed", name)
            return self._event(command, "error", name, f"{name}: {root_cause(error)}")
        return self._event(command, "trigger", name)

    def act(self, command: Command) -> Event:
        """Do what a callback's card offers."""
        return self._callback_registry.act(command)

    def undo(self, command: Command) -> Event:
        """Take the latest change back that was made by hand. One that is refused is not tried again."""
        self._writer.check_rates()
        asked = command.requested if command.source == "board" else math.inf
        change, why = self._history.take(self._writer.controls, asked)
        if change is None:
            raise Refused(why)
        remark = f"undoes what was set after step {change.step}" + (f" ({why})" if why else "")
        if len(change.parts) == 1:
            name, old, _ = change.parts[0]
            return self._writer.set(name, old, command, remark)
        return self._undo_together(change, command, remark)

    def _undo_together(self, change: Change, command: Command, remark: str) -> Event:
        controls = self._writer.controls
        back = [
            (control, bool(old))
            for name, old, new in reversed(change.parts)
            if isinstance(control := controls.get(name), Trainable) and control.read() == new
        ]
        events = self._writer.set_together(back, command, remark)
        return self._event(command, "applied", change.name, f"{remark}: {_layers(events)}")

    def freeze(self, command: Command) -> Event:
        """Have many layers train no longer."""
        return self._train(command, False)

    def unfreeze(self, command: Command) -> Event:
        """Have many layers train again."""
        return self._train(command, True)

    def _train(self, command: Command, value: bool) -> Event:
        which = None if command.value is None else str(command.value)
        group = select(self._model, self._writer.controls, which, value)
        if not group.changes and group.left:
            name, why = next(iter(group.left.items()))
            raise Refused(f"{name}: {why}")
        events = self._writer.set_together(group.changes, command)
        self._history.note_group(command, events)
        words = [_layers(events) if events else f"all {group.size} of them are so already"]
        for name, why in list(group.left.items())[:NAMED_AT_MOST]:
            words.append(f"not {name}: {why}")
        if any(control.rebuild for control, _ in group.changes) and events:
            words.append(RETRACED)
        return self._event(command, "applied", command.value, "; ".join(words))


def _layers(events: list[Event]) -> str:
    """The layers whose flags changed, in words."""
    names = [event.name.removesuffix(".trainable") for event in events]
    more = f" and {len(names) - NAMED_AT_MOST} more" if len(names) > NAMED_AT_MOST else ""
    return f"{len(names)} layer{'' if len(names) == 1 else 's'}: {', '.join(names[:NAMED_AT_MOST])}{more}"
