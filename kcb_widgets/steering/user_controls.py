"""The user's own controls and buttons on the board: read in the user's code, and run on the training thread."""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..commands import MAX_NAME, VERBS
from ..record.record import Record
from ..record.values import python, shown
from .controls.control import MAX_NUMBER, Control, Refused, Value, Written

if TYPE_CHECKING:
    from ..record import wire

RESERVED = ("epochs", "snapshots.each_epoch", "snapshots.keep")


class Values(Mapping[str, Any]):
    """The current values of the user's own controls, by name; read-only, from any thread."""

    def __init__(self, user_controls: UserControls) -> None:
        self._user_controls = user_controls

    def __getitem__(self, name: str) -> Any:
        return self._user_controls.controls[name].read()

    def __iter__(self) -> Iterator[str]:
        return iter(self._user_controls.controls)

    def __len__(self) -> int:
        return len(self._user_controls.controls)

    def __repr__(self) -> str:
        return repr(dict(self))


class UserControls:
    """What the user added to the board. It outlives a fit.

    Attributes:
        controls: By name. Replaced and never changed, so that any thread may go through it.
        values: Their current values.
    """

    def __init__(self) -> None:
        self.controls: dict[str, UserControl] = {}
        self.values = Values(self)
        self._buttons: dict[str, Callable[..., Any]] = {}
        self._changing = threading.Lock()

    def add_button(self, name: str, function: Callable[..., Any]) -> None:
        """Add a button, or give the one of this name another function."""
        name = _check_name(name)
        if not callable(function):
            msg = f"the function of a button must be callable. Received: {shown(function)}"
            raise TypeError(msg)
        with self._changing:
            self._buttons = {**self._buttons, name: function}

    def add_control(self, control: UserControl) -> None:
        """Add a control, or replace the one of this name."""
        with self._changing:
            self.controls = {**self.controls, control.name: control}

    def publish(self, run: Record, others: list[wire.Control] | None = None) -> None:
        """Put the controls and buttons on the record. Nothing else writes these two: any thread may come here.

        Args:
            run: The record.
            others: The controls of the fit, as a board shows them; None: they are as they were.
        """
        with self._changing:  # so that what is described last is what stays
            own = [control.describe() for control in self.controls.values()]
            if others is None:
                others = [control for control in run.controls if control["group"] != UserControl.group]
            run.controls = [*(control for control in others if control["name"] not in self.controls), *own]
            run.buttons = self.describe_buttons()

    def describe_buttons(self) -> list[wire.Button]:
        """The buttons, as a board shows them."""
        return [{"name": name, "label": name} for name in self._buttons]

    def press(self, name: str, monitor: Any) -> None:
        """Run a button's function; with the monitor, if it takes an argument.

        Raises:
            Refused: There is no such button.
            Exception: Whatever the function raises.
        """
        function = self._buttons.get(name)
        if function is None:
            msg = f"there is no button {name!r}"
            raise Refused(msg)
        call(function, monitor)


class UserControl(Control):
    """A control of the user's own: it changes nothing by itself.

    Args:
        name: Its name, unique on the board.
        value: The first value: a number, True or False, or one of ``choices``.
        minimum: The least number, or None.
        maximum: The largest number, or None.
        log: Whether the slider is logarithmic.
        choices: The strings to choose from.

    Raises:
        TypeError, ValueError: They do not fit together.
    """

    group = "user"

    def __init__(
        self,
        name: str,
        value: Any,
        minimum: float | None = None,
        maximum: float | None = None,
        log: bool = False,
        choices: Sequence[str] | None = None,
    ) -> None:
        name = _check_name(name)
        super().__init__(None, name)
        with contextlib.suppress(TypeError):  # else `check` says what it must be
            value = python(value)
        if choices is not None:
            self.kind, self.choices = "choice", _choices(choices)
        elif isinstance(value, bool):
            self.kind = "flag"
        self.minimum = _limit("min", minimum, -MAX_NUMBER)
        self.maximum = _limit("max", maximum, MAX_NUMBER)
        if self.minimum > self.maximum:
            msg = f"min must not be above max. Received: min={minimum!r}, max={maximum!r}"
            raise ValueError(msg)
        if log and self.kind == "number":
            if minimum is None:
                self.minimum = 0.0
            elif self.minimum < 0:
                msg = f"a logarithmic control cannot be negative. Received: min={minimum!r}"
                raise ValueError(msg)
            self.scale = "log"
        self.integer = self.kind == "number" and isinstance(value, int) and not isinstance(value, bool)
        self._value = self.check(value)

    def read(self) -> Value:
        return self._value

    def write(self, value: Value) -> Written:
        old, self._value = self._value, value
        return Written(old, value)


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a user's function with as many of the arguments as it takes."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # a builtin without one
        return function(*arguments)
    for count in range(len(arguments), -1, -1):
        try:
            signature.bind(*arguments[:count])
        except TypeError:
            continue
        return function(*arguments[:count])
    return function(*arguments)  # Python says best what is wrong


def _check_name(name: object) -> str:
    known = python(name) if isinstance(name, str) else None
    if not isinstance(known, str) or not known.strip() or len(known) > MAX_NAME:
        msg = f"the name must be a short string. Received: {shown(name)}"
        raise TypeError(msg)
    if known in VERBS or known in RESERVED or known.endswith("learning_rate"):
        msg = f"this name is taken by the board itself. Received: {shown(name)}"
        raise ValueError(msg)
    return known


def _choices(given: object) -> tuple[str, ...]:
    known = [] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    choices = tuple(str.__str__(choice) for choice in known if isinstance(choice, str))
    if not choices or len(choices) < len(known):
        msg = f"choices must be a list of strings. Received: {shown(given)}"
        raise TypeError(msg)
    return choices


def _limit(name: str, given: object, without: float) -> float:
    if given is None:
        return without
    try:
        known = python(given)
    except TypeError:
        known = None
    if isinstance(known, bool) or not isinstance(known, (int, float)):
        msg = f"{name} must be a number or None. Received: {shown(given)}"
        raise TypeError(msg)
    if known != known:
        msg = f"{name} must be a number. Received: {shown(given)}"
        raise ValueError(msg)
    return float(known)
