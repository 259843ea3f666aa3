"""Commands: requests to change something, from a board, from Python or from another process.

Anybody may put a Command in the Inbox, from any thread. Only the training thread takes them out.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .events import Event

log = logging.getLogger(__name__)

Value = float | bool | str | None

MAX_LEARNING_RATE = 1e6
MAX_STEPS = 10**9
MAX_TEXT = 64
MAX_NAME = 200
MAX_INTEGER = 2**53  # what a browser can hold
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


def python(value: object) -> Value:
    """A scalar as Python's own, whether of NumPy, a tensor, a variable or a subclass such as IntEnum.

    The kind of its dtype tells what it is: ``numpy.bool_`` is a flag and no number, ``numpy.int64`` is a whole number.
    Arrays count where they have no dimension.

    Raises:
        TypeError: It is no boolean, number or string.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value  # type: ignore[return-value]
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, str):
        return str.__str__(value)
    convert = _kind(value)
    if convert is not None:
        try:
            return convert(value)
        except Exception as error:  # a symbolic tensor, or one whose value is elsewhere
            msg = f"this tensor has no value that can be read here. Received: {shown(value)}"
            raise TypeError(msg) from error
    msg = f"this is no number, flag or string. Received: {shown(value)}"
    raise TypeError(msg)


def _kind(value: object) -> Callable[[Any], Value] | None:
    """What turns a scalar with a dtype into Python's own; None where it is no such scalar."""
    try:
        shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
        if shape is None or dtype is None or tuple(shape) != ():
            return None
        name = str(getattr(dtype, "name", dtype)).rpartition(".")[2]  # float32, torch.float32
    except Exception:  # a tensor whose shape is not known, say
        log.debug("A %s has no shape or dtype to read", type(value).__name__, exc_info=True)
        return None
    for prefix, convert in KINDS.items():
        if name.startswith(prefix):
            return convert
    return None


KINDS: dict[str, Callable[[Any], Value]] = {
    "bool": lambda value: bool(int(value)),  # Keras's variables refuse to be asked directly
    "int": int,
    "uint": int,
    "float": float,
    "bfloat": float,
    "str": str,
}
"""By how the name of a dtype begins; complex, quantized and time ones are no numbers of ours."""


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


def shown(value: object) -> str:
    """A value as it may stand in a message: short, whatever it is."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**18:
        return "a huge integer"
    try:
        text = repr(value)
    except Exception:  # it cannot say what it is
        log.debug("A %s cannot be shown", type(value).__name__, exc_info=True)
        text = f"a {type(value).__name__}"
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def plain(value: object, most: int = 500) -> Value:
    """Any value as JSON can carry it and a browser read it: no NaN, no huge integer, nothing that is no text.

    Args:
        value: Whatever was given to us.
        most: Characters of a text that are kept.
    """
    try:
        known = python(value)
    except TypeError:
        try:
            known = str(value)
        except Exception:
            log.debug("A %s cannot be written", type(value).__name__, exc_info=True)
            known = f"a {type(value).__name__}"
    if isinstance(known, float) and not math.isfinite(known):
        return str(known)
    if isinstance(known, int) and abs(known) > MAX_INTEGER:
        return shown(known)
    if isinstance(known, str):
        return known[:most].encode("utf-8", "replace").decode()  # half a surrogate pair is no text
    return known


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
