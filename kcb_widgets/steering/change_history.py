"""ChangeHistory: the changes that people made to controls by hand, so that they can be taken back, the latest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..commands import Command
from ..record.events import Event
from ..record.record import Record
from .controls.control import Control, Value

if TYPE_CHECKING:
    from ..record import wire

BY_HAND = ("board", "python")
CLOCK_ERROR_S = 0.1  # seconds by which a browser's clock may have drifted since it was compared with ours
DRAG_GAP_S = 1.0  # seconds: commands of a board that follow each other sooner are one movement of a slider
MAX_CHANGES = 1000
NOTHING = "no control was changed by hand"


@dataclass
class Change:
    """What was changed in one go.

    Attributes:
        name: The control, or ``freeze`` and ``unfreeze``.
        old: The value before, of a control.
        new: The value that was set; of a group of layers, which.
        source: Who changed it.
        requested: When it was last asked for, ``time.time()``.
        step: Batches that were trained by then.
        parts: Every control that was changed, with its old and its new value, in order.
    """

    name: str
    old: Value
    new: Value
    source: str
    requested: float
    step: int
    parts: list[tuple[str, Value, Value]] = field(default_factory=list)


class ChangeHistory:
    """The changes of one fit that can be undone.

    A change that somebody else has overwritten since is passed over: to set the value before it would take back what
    another callback, a policy or a guard did, and not what the person did.

    Args:
        run: Where ``run.undoable`` and the reason in ``run.availability`` are kept.
    """

    def __init__(self, run: Record) -> None:
        self._run = run
        self._changes: list[Change] = []
        self._passed_over = ""  # why, of the latest change that was

    def note(self, control: Control | None, command: Command, earlier: list[Command], event: Event) -> None:
        """A control was set.

        Args:
            control: The control.
            command: Who asked.
            earlier: The commands that it supersedes: a movement of a slider may be longer than a batch.
            event: What became of it.
        """
        known = event.old is not None or (control is not None and control.nullable)
        if event.kind != "applied" or command.source not in BY_HAND or not known or event.old == event.new:
            return
        change = Change(event.name, event.old, event.new, command.source, command.requested, event.step)
        last = self._changes[-1] if self._changes else None
        began = min(one.requested for one in [*earlier, command])
        if last is not None and _goes_on(last, change, began):
            self._changes.pop()
            change.old = last.old
        if change.old != change.new:
            change.parts = [(change.name, change.old, change.new)]
            self._add(change)

    def note_group(self, command: Command, events: list[Event]) -> None:
        """Several controls were set by one command."""
        if events and command.source in BY_HAND:
            parts = [(event.name, event.old, event.new) for event in events]
            self._add(
                Change(command.name, None, command.value, command.source, command.requested, events[0].step, parts)
            )

    def _add(self, change: Change) -> None:
        self._changes, self._passed_over = [*self._changes, change][-MAX_CHANGES:], ""

    def take(self, controls: Mapping[str, Control], asked: float) -> tuple[Change | None, str]:
        """Take the latest change off that still holds.

        Args:
            controls: The controls there are, by name.
            asked: When the undo was asked for, which cannot mean a change that was asked for later.

        Returns:
            The change, and why a later one was passed over; without a change, why there is none.
        """
        self._forget_overwritten(controls)
        if not self._changes:
            return None, self._passed_over or NOTHING
        if asked < self._changes[-1].requested - CLOCK_ERROR_S:
            return None, f"this came late: {self._changes[-1].name} was changed after it was asked for"
        passed_over, self._passed_over = self._passed_over, ""
        return self._changes.pop(), passed_over

    def publish(self, controls: Mapping[str, Control]) -> None:
        """Put on the record what the next undo takes back, or why there is nothing."""
        self._forget_overwritten(controls)
        last = self._changes[-1] if self._changes else None
        undoable: wire.Undoable | None = None
        if last is not None:
            undoable = {"name": last.name, "old": last.old, "new": last.new}
        why = "" if last is not None else self._passed_over or NOTHING
        self._run.undoable, self._run.availability = undoable, {**self._run.availability, "undo": why}

    def _forget_overwritten(self, controls: Mapping[str, Control]) -> None:
        while self._changes and not _holds(self._changes[-1], controls):
            self._passed_over = self._overwritten(self._changes.pop(), controls)

    def _overwritten(self, change: Change, controls: Mapping[str, Control]) -> str:
        name = change.parts[0][0]
        control = controls.get(name)
        if control is None:
            return f"{name} is no longer there"
        later = [event for event in self._run.events_list if event.name == name and event.new == control.read()]
        who = f", set by {later[-1].source}" if later and later[-1].source else ""
        return f"{name} is {control.read()} by now{who}, and no longer what was set by hand"


def _goes_on(last: Change, change: Change, began: float) -> bool:
    """Whether a change is part of the same movement as the one before it."""
    same = (last.name, last.source, last.new) == (change.name, "board", change.old) and change.source == "board"
    return same and 0 <= began - last.requested < DRAG_GAP_S


def _holds(change: Change, controls: Mapping[str, Control]) -> bool:
    """Whether something of a change is still as it was made."""
    return any(name in controls and controls[name].read() == new for name, _, new in change.parts)
