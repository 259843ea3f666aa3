"""Control: one thing that can be changed while ``fit`` runs. Each kind is a subclass, in a file by its idea."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...commands import Refused
from ...record.formats import format_setting
from ...record.values import python, shown

if TYPE_CHECKING:
    from ...record import wire

Value = float | bool | str | None

MAX_NUMBER = 1e9


@dataclass(frozen=True)
class Written:
    """What a write did.

    Attributes:
        old: The value before.
        new: The value the next batch trains with, as it is held (float32 where a variable holds it).
        rebuild: Whether Keras must trace the training step again for it to hold.
        message: One clause for the event.
    """

    old: Value
    new: Value
    rebuild: bool = False
    message: str = ""


class Control:
    """Something that can be changed; named as Keras names the attribute.

    Args:
        model: The model that trains.
        name: The full name, unique in the model: ``learning_rate``, ``dropout.rate``.
        label: The attribute alone.
        section: What it belongs to: ``Adam``, ``dropout``.

    Attributes:
        group: Where a board shows it.
        kind: ``number``, ``flag`` or ``choice``.
        scale: ``log`` or ``linear``, for numbers.
        minimum, maximum: The range, both ends included.
        below: Whether ``maximum`` itself is excluded.
        integer: Whether only whole numbers will do.
        nullable: Whether None (the setting is off) will do.
        choices: The valid strings of a choice.
        rebuild: Whether a change makes Keras trace the training step again.
        heavy: Whether it may only be written just before a batch or at an epoch's end, not in mid-validation.
        of: The control it accompanies.
        optimizer: The optimizer it belongs to, if any.
        idle: Why it changes nothing although it could be written; empty when it does.
    """

    group: wire.ControlGroup = "optimizer"
    kind: wire.ControlKind = "number"
    scale: wire.ControlScale = "linear"
    minimum = 0.0
    maximum = MAX_NUMBER
    below = False
    integer = False
    nullable = False
    choices: tuple[str, ...] = ()
    rebuild = False
    heavy = False
    of = ""

    def __init__(self, model: Any, name: str, label: str = "", section: str = "") -> None:
        self.model, self.name, self.label, self.section = model, name, label or name, section
        self.optimizer: Any = None
        self.idle = ""

    def read(self) -> Value:
        """The value the next batch will train with; None where it is off or cannot be known."""
        raise NotImplementedError

    def why_not(self) -> str:
        """Why it cannot be changed; empty when it can."""
        return ""

    def write(self, value: Value) -> Written:
        """Have the next batch train with this value. ``check`` was passed; this is the training thread.

        Raises:
            Refused: It cannot be; the text says why. Nothing was changed then.
        """
        raise NotImplementedError

    def release(self) -> None:
        """The fit is over: take away whatever was installed, and leave the value as a plain one."""

    def check(self, value: object) -> Value:
        """The value, typed and in range.

        Args:
            value: A boolean, number or string, of Python, NumPy or a tensor; or None.

        Raises:
            TypeError: It is of another kind.
            ValueError: It is out of range.
        """
        what = {"flag": "True or False", "choice": f"one of {', '.join(self.choices)}"}.get(self.kind, "a number")
        if self.nullable:
            what += " or None"
        try:
            known = python(value)
        except TypeError:
            msg = f"{self.name} must be {what}. Received: {shown(value)}"
            raise TypeError(msg) from None
        if known is None and self.nullable:
            return None
        if self.kind == "flag":
            if not isinstance(known, bool):
                msg = f"{self.name} must be {what}. Received: {shown(value)}"
                raise TypeError(msg)
            return known
        if self.kind == "choice":
            if known not in self.choices:
                msg = f"{self.name} must be {what}. Received: {shown(value)}"
                raise ValueError(msg)
            return known
        if isinstance(known, bool) or not isinstance(known, (int, float)):
            msg = f"{self.name} must be {what}. Received: {shown(value)}"
            raise TypeError(msg)
        return self._in_range(known)

    def _in_range(self, known: float) -> float:
        try:
            number = float(known)
        except OverflowError:
            number = math.inf
        inside = self.minimum <= number <= self.maximum and not (self.below and number == self.maximum)
        if not math.isfinite(number) or not inside:
            what, end = "whole" if self.integer else "finite", "below" if self.below else "to"
            limits = f"from {format_setting(self.minimum)} {end} {format_setting(self.maximum)}"
            msg = f"{self.name} must be a {what} number {limits}. Received: {shown(known)}"
            raise ValueError(msg)
        if self.integer and number != int(number):
            msg = f"{self.name} must be a whole number. Received: {shown(known)}"
            raise ValueError(msg)
        return int(number) if self.integer else number

    def describe(self) -> wire.Control:
        """The control as a board shows it."""
        reason = self.idle or self.why_not()
        return {
            "name": self.name,
            "label": self.label,
            "kind": self.kind,
            "scale": self.scale,
            "value": self.read(),
            "min": self.minimum if self.minimum > -MAX_NUMBER else None,
            "max": self.maximum if self.maximum < MAX_NUMBER else None,
            "integer": self.integer,
            "nullable": self.nullable,
            "choices": list(self.choices),
            "enabled": not reason,
            "reason": reason,
            "rebuild": self.rebuild,
            "group": self.group,
            "section": self.section,
            "of": self.of,
        }


__all__ = ["Control", "Refused", "Value", "Written"]
