"""ControlWriter: the one way in which a control gets another value during a fit, with an event on the record."""

from __future__ import annotations

from typing import Any

from ..commands import Command, Refused
from ..record.events import Event
from ..record.record import Record
from .backends import retrace
from .control_registry import ControlRegistry
from .controls.control import Control, Value, Written
from .controls.trainable import Trainable, change_together

RETRACED = "the training step is traced again"


class ControlWriter:
    """Sets the controls of one fit.

    Args:
        run: Where events go.
        model: What is steered.
        registry: The controls.

    Attributes:
        retracing: What has the training step traced again at the next batch, by the names of controls and verbs.
    """

    def __init__(self, run: Record, model: Any, registry: ControlRegistry) -> None:
        self._run, self._model, self._registry = run, model, registry
        self.retracing: list[str] = []

    @property
    def controls(self) -> dict[str, Control]:
        """The controls there are, by name."""
        return self._registry.controls

    def check_rates(self) -> None:
        """Notice what others wrote to the learning rates."""
        self._registry.check_rates()

    def set(self, name: str, value: Value, command: Command, remark: str = "") -> Event:
        """Give a control another value.

        Args:
            name: The control's.
            value: The value that was asked for.
            command: Who asked, and when.
            remark: What the event's message begins with.

        Raises:
            Refused: It cannot be changed; the text says why.
            TypeError, ValueError: It does not take this value.
        """
        control = self.controls.get(name)
        if control is None:
            msg = f"there is no control of this name: {name}"
            raise Refused(msg)
        if why := control.idle or control.why_not():
            raise Refused(why)
        checked = control.check(value)
        self._registry.check_rates()
        written = control.write(checked)
        if written.rebuild:
            self._retrace(control.name)
        return self._note(control, written, command, remark, RETRACED if written.rebuild else "")

    def set_together(self, changes: list[tuple[Trainable, bool]], command: Command, remark: str = "") -> list[Event]:
        """Have layers train or not, with one new trace for all.

        Args:
            changes: The layers' flags and their new values, in order.
            command: Who asked, and when.
            remark: What each event's message begins with.

        Returns:
            An event for each flag that has another value now.

        Raises:
            Refused: Nothing would be left to train, or the optimizer cannot be rebuilt. Nothing was changed then.
        """
        done = change_together(self._model, changes)
        if any(written.rebuild for _, written in done):
            self._retrace(command.name)
        return [self._note(control, written, command, remark) for control, written in done]

    def _retrace(self, name: str) -> None:
        retrace(self._model)
        self.retracing = [*self.retracing, name]

    def _note(self, control: Control, written: Written, command: Command, *remarks: str) -> Event:
        run, old, new = self._run, written.old, written.new
        before, *after = remarks
        message = "; ".join(part for part in (before, written.message, *after) if part)
        if control.kind == "number" and isinstance(new, (int, float)) and control.group not in ("flow", "callbacks"):
            run.set_value(control.name, float(new), float(old) if isinstance(old, (int, float)) else None)
        self._registry.learning_rates.wrote(control)
        return run.add_event("applied", control.name, old, new, command.source, message, command.requested)
