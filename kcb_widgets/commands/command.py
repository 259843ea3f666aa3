"""Command: a request to change or do something."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ..record.values import Value
from .reply import Reply
from .verbs import VERBS


class Refused(Exception):
    """A command cannot be carried out; the text says why."""


@dataclass(frozen=True)
class Command:
    """A request.

    Attributes:
        name: What to change (a control's name) or do (one of ``VERBS``).
        value: The new value; for things to do what they need, or None.
        source: ``board``, ``python``, ``policy``, ``guard``, ``replay``.
        id: The sender's name for it, echoed back.
        requested: When, ``time.time()``.
    """

    name: str
    value: Value = None
    source: str = "python"
    id: str = ""
    requested: float = field(default_factory=time.time)
    reply: Reply = field(default_factory=Reply, compare=False, repr=False)

    @property
    def key(self) -> str:
        """Commands with the same key supersede each other: the last one counts."""
        verb = VERBS.get(self.name)
        if self.counts:
            return f"{self.name} {id(self)}"
        return f"{self.name} {self.value}" if verb is not None and verb.each_value else self.name

    @property
    def counts(self) -> bool:
        """Whether it counts each time: neither is it superseded, nor are commands from before it by later ones."""
        return self.name in VERBS and VERBS[self.name].each_time
