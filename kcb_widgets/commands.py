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
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .events import Event

MAX_LEARNING_RATE = 1e6
MAX_TEXT = 64


class Refused(Exception):
    """A command cannot be carried out; the text says why."""


class Reply:
    """What became of a command; ``Monitor.set`` and the like return one."""

    def __init__(self) -> None:
        self._settled = threading.Event()
        self._event: Event | None = None
        self.training_thread: int | None = None
        self.pump: Any = None

    def settle(self, event: Event) -> None:
        """Called once, by whoever carried the command out or refused it."""
        if not self._settled.is_set():
            self._event = event
            self._settled.set()

    @property
    def done(self) -> bool:
        """Whether the command was applied or refused."""
        return self._settled.is_set()

    @property
    def event(self) -> Event | None:
        """The event that tells what became of the command; None while it waits."""
        return self._event

    @property
    def applied(self) -> bool:
        """Whether the command was carried out."""
        return self._event is not None and self._event.kind != "refused"

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
        assert self._event is not None
        return self._event

    def __repr__(self) -> str:
        if self._event is None:
            return "<Reply: requested>"
        return f"<Reply: {self._event.kind} at step {self._event.step}>"


@dataclass(frozen=True)
class Command:
    """A request.

    Attributes:
        name: What to change (``learning_rate``) or do (``stop``).
        value: The new value; None for things to do.
        source: ``board``, ``python``, ...
        id: The sender's name for it, echoed back.
        requested: When, ``time.time()``.
    """

    name: str
    value: float | None = None
    source: str = "python"
    id: str = ""
    requested: float = field(default_factory=time.time)
    reply: Reply = field(default_factory=Reply, compare=False, repr=False)


class Inbox:
    """Where commands wait for the next batch boundary. Any thread may put: a deque needs no lock."""

    def __init__(self) -> None:
        self.waiting: deque[Command] = deque()  # tested before every batch: an attribute is cheaper than a call

    def put(self, command: Command) -> Reply:
        """Leave a command for the training thread."""
        self.waiting.append(command)
        return command.reply

    def drain(self) -> list[tuple[Command, list[Command]]]:
        """Take everything out: the last command of each name, in order of arrival, each with those it supersedes."""
        latest: dict[str, list[Command]] = {}
        while True:
            try:
                command = self.waiting.popleft()
            except IndexError:
                break
            earlier = latest.pop(command.name, [])
            latest[command.name] = [*earlier, command]
        return [(commands[-1], commands[:-1]) for commands in latest.values()]

    def has(self, name: str) -> bool:
        """Whether a command of this name waits."""
        return any(command.name == name for command in tuple(self.waiting))


def check_value(name: object, value: object) -> tuple[str, float | None]:
    """The command's name and value, typed and in range.

    Raises:
        TypeError: The value is not a number.
        ValueError: The name is unknown, or the number is not finite or out of range.
    """
    if name == "stop":
        if value is not None:
            msg = f"stop takes no value. Received: {_shown(value)}"
            raise ValueError(msg)
        return "stop", None
    if name != "learning_rate":
        msg = f"there is no control of this name; there are learning_rate and stop. Received: {_shown(name)}"
        raise ValueError(msg)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        try:
            scalar = isinstance(value, (str, bytes)) or value is None or isinstance(value, bool)
            number = math.nan if scalar else float(value)  # type: ignore[arg-type]  # NumPy and tensor scalars
        except (TypeError, ValueError):
            scalar = True
        if scalar:
            msg = f"learning_rate must be a number. Received: {_shown(value)}"
            raise TypeError(msg)
    else:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
    if not math.isfinite(number) or not 0 <= number <= MAX_LEARNING_RATE:
        msg = f"learning_rate must be a finite number from 0 to {MAX_LEARNING_RATE:g}. Received: {_shown(value)}"
        raise ValueError(msg)
    return "learning_rate", number


def _shown(value: object) -> str:
    """A value as it may stand in a message: short, whatever it is."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**18:
        return "a huge integer"
    text = repr(value)
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


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
