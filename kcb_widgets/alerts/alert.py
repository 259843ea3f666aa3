"""Alert: a condition that has a name, and what is told when it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, get_args

from ..record.record import Record
from ..record.values import shown
from .readings import Readings
from .rule import Rule

Level = Literal["info", "warning", "error"]

MAX_NAME = 64
MAX_MESSAGE = 300

Check = Callable[[Record, Readings], str | None]
"""What holds, in a clause; empty where nothing does; None where it cannot be known."""


class Condition(Protocol):
    """A condition of our own, that no rule can say."""

    def begin(self) -> Check:
        """What looks at one run."""


@dataclass(frozen=True, eq=False, repr=False)
class Alert:
    """An alert: as it is set, and as it is told.

    Attributes:
        name: What it is called.
        level: ``info``, ``warning`` or ``error``.
        rule: The condition in words.
        message: What was given with it; once it holds, what is told: the condition, and the numbers that made it so.
        step: Batches trained when it was told; None where it is only set.
        epoch: The epoch that it was told in, 0-based; None where it is only set.
        built_in: Whether it came with Monitor.
        off: Why it is looked at no more; empty while it is.
    """

    name: str
    level: Level
    rule: str
    message: str = ""
    step: int | None = None
    epoch: int | None = None
    built_in: bool = False
    off: str = ""
    when: Rule | Condition | Callable[..., Any] | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        off = f" (off: {self.off})" if self.off else ""
        said = f" {self.message}" if self.message else ""
        return f"<Alert {self.name!r}, {self.level}: {self.rule}{off}{said and ';' + said}>"


def make_alert(name: object, when: object, level: Level, message: object) -> Alert:
    """An alert of the user's.

    Raises:
        TypeError, ValueError: An argument is of the wrong kind, or the rule cannot be read.
    """
    if not isinstance(name, str):
        msg = f"the name of an alert must be a string. Received: {shown(name)}"
        raise TypeError(msg)
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        msg = f"the name of an alert must have from 1 to {MAX_NAME} printable characters. Received: {shown(name)}"
        raise ValueError(msg)
    if level not in get_args(Level):
        msg = f"level must be one of {', '.join(get_args(Level))}. Received: {shown(level)}"
        raise ValueError(msg)
    if not isinstance(message, str):
        msg = f"message must be a string. Received: {shown(message)}"
        raise TypeError(msg)
    if len(message) > MAX_MESSAGE:
        msg = f"message must have at most {MAX_MESSAGE} characters. Received: {len(message)}"
        raise ValueError(msg)
    if isinstance(when, str):
        rule = Rule(when)
        return Alert(name, level, rule.text, message, when=rule)
    if not callable(when):
        msg = f"when must be a rule in text, or a function of the run. Received: {shown(when)}"
        raise TypeError(msg)
    words = f"{getattr(when, '__name__', type(when).__name__)}(run)"
    return Alert(name, level, words, message, when=when)
