"""Commands: requests to change something, from a board, from Python or from another process.

Anybody may put a Command in the Inbox, from any thread. Only the training thread takes them out.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..record.events import Event
from ..record.values import MAX_TEXT, python, shown
from ..record.values import Value as Value  # for those who type a command

MAX_LEARNING_RATE = 1e6
MAX_STEPS = 10**9
MAX_NAME = 200
STOPS = ("batch", "epoch", "batch_unvalidated", "epoch_unvalidated")
VERBS = (
    *("pause", "resume", "step", "finish_epoch", "stop"),
    *("evaluate", "snapshot", "rollback", "forget", "save", "press", "act"),
)
"""Things to do; every other command is named after the control it sets."""


class Refused(Exception):
    """A command cannot be carried out; the text says why."""


class Reply:
    """What became of a command; ``Monitor.set`` and the like return one.

    Args:
        expected: How many commands it answers for.

    Attributes:
        events: What became of each, so far.
    """

    def __init__(self, expected: int = 1) -> None:
        self.events: list[Event] = []
        self.training_thread: int | None = None
        self.pump: Any = None
        self._expected = expected
        self._settled = threading.Event()

    def settle(self, event: Event) -> None:
        """Called once for each command, by whoever carried it out or refused it."""
        if not self._settled.is_set():
            self.events = [*self.events, event]
            if len(self.events) >= self._expected:
                self._settled.set()

    @property
    def done(self) -> bool:
        """Whether the command was applied or refused."""
        return self._settled.is_set()

    @property
    def event(self) -> Event | None:
        """The event that tells what became of the command: of several, the first refusal if there is one.

        None while it waits.
        """
        if not self.done:
            return None
        return next((event for event in self.events if event.kind == "refused"), self.events[-1])

    @property
    def applied(self) -> bool:
        """Whether the command was carried out."""
        return self.event is not None and self.event.kind != "refused"

    def wait(self, timeout: float | None = None) -> Event:
        """Wait until the command was applied or refused.

        Args:
            timeout: Seconds; None waits for ever.

        Raises:
            TimeoutError: Nothing happened in time.
            RuntimeError: Called on the training thread, which would wait for itself.
        """
        if not self.done and threading.get_ident() == self.training_thread:
            msg = "wait() was called on the thread that trains, which would wait for itself; the next batch applies it"
            raise RuntimeError(msg)
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._settled.wait(0.02):
            if self.pump is not None:
                self.pump.poll()  # a waiting main thread still lets the board's messages in
            if deadline is not None and time.monotonic() > deadline:
                msg = f"the command was neither applied nor refused within {timeout} s"
                raise TimeoutError(msg)
        event = self.event
        assert event is not None
        return event

    def __repr__(self) -> str:
        event = self.event
        return "<Reply: requested>" if event is None else f"<Reply: {event.kind} at step {event.step}>"


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
        return f"{self.name} {self.value}" if self.name in ("press", "forget", "act") else self.name


class Inbox:
    """Where commands wait for the next batch boundary. Any thread may put: a deque needs no lock."""

    def __init__(self) -> None:
        self.waiting: deque[Command] = deque()  # tested before every batch: an attribute is cheaper than a call

    def put(self, command: Command) -> Reply:
        """Leave a command for the training thread."""
        self.waiting.append(command)
        return command.reply

    def put_back(self, commands: list[Command]) -> None:
        """Leave commands for later, before those that have come since."""
        self.waiting.extendleft(reversed(commands))

    def take_back(self, command: Command) -> bool:
        """Take one command out again; False where it is being carried out, or refused, already."""
        try:
            self.waiting.remove(command)
        except (ValueError, IndexError):  # it is gone, or the training thread empties the inbox just now
            return False
        return True

    def drain(self) -> list[tuple[Command, list[Command]]]:
        """Take everything out: the last command of each key, in order of arrival, each with those it supersedes."""
        latest: dict[str, list[Command]] = {}
        while True:
            try:
                command = self.waiting.popleft()
            except IndexError:
                break
            earlier = latest.pop(command.key, [])
            latest[command.key] = [*earlier, command]
        return [(commands[-1], commands[:-1]) for commands in latest.values()]

    def has(self, name: str) -> bool:
        """Whether a command of this name waits."""
        return any(command.name == name for command in tuple(self.waiting))


def check_value(name: object, value: object) -> tuple[str, Value]:
    """The command's name and value, typed; a control's own range is known to the control alone.

    Raises:
        TypeError: The value is of a kind that no control takes, or that this verb does not.
        ValueError: The name cannot be one, or the number is not finite or out of range.
    """
    if not isinstance(name, str) or not name or len(name) > MAX_NAME:
        msg = f"a command is named by a short string. Received: {shown(name)}"
        raise ValueError(msg)
    is_verb, is_rate = name in VERBS, name.endswith("learning_rate")
    try:
        known = python(value)
    except TypeError:
        if is_verb:
            _check_verb(name, value)  # says better what it takes
        kinds = "a number" if is_rate else "a number, True or False, a string or None"
        msg = f"{name} must be {kinds}. Received: {shown(value)}"
        raise TypeError(msg) from None
    if is_verb:
        return name, _check_verb(name, known)
    if known is None or isinstance(known, (bool, str)):
        if is_rate or (isinstance(known, str) and len(known) > MAX_TEXT):
            msg = f"{name} must be {'a number' if is_rate else 'a shorter string'}. Received: {shown(value)}"
            raise TypeError(msg)
        return name, known
    try:
        number = float(known)
    except OverflowError:
        number = math.inf
    least, most = (0.0, MAX_LEARNING_RATE) if is_rate else (-math.inf, math.inf)
    if not math.isfinite(number) or not least <= number <= most:
        limits = f" from 0 to {MAX_LEARNING_RATE:g}" if is_rate else ""
        msg = f"{name} must be a finite number{limits}. Received: {shown(value)}"
        raise ValueError(msg)
    return name, known


def _check_verb(name: str, value: object) -> Value:
    if name == "step":
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_STEPS:
            msg = f"step takes a whole number of batches from 1 to {MAX_STEPS}. Received: {shown(value)}"
            raise ValueError(msg)
        return value
    if name == "stop":
        if value is None:
            return "batch"
        if value not in STOPS:
            msg = f"stop takes one of {', '.join(STOPS)}, or nothing. Received: {shown(value)}"
            raise ValueError(msg)
        return str(value)
    if name in ("rollback", "forget", "press", "act"):
        if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME:
            msg = f"{name} takes a name. Received: {shown(value)}"
            raise ValueError(msg)
        return value
    if value is not None:
        msg = f"{name} takes no value. Received: {shown(value)}"
        raise ValueError(msg)
    return None


def text(value: object) -> str:
    """A short string from outside, or an empty one."""
    return value[:MAX_TEXT] if isinstance(value, str) else ""


def parse(content: Mapping[str, Any]) -> Command:
    """A command as the browser sent it.

    Raises:
        TypeError, ValueError: It is not one we know, or its value cannot be.
    """
    name, value = check_value(content.get("name"), content.get("value"))
    return Command(name, value, source="board", id=text(content.get("id")))
