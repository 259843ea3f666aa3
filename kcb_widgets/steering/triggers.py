"""The user's own controls and buttons on the board: read in the user's code, and run on the training thread."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..commands import MAX_NAME, VERBS
from .control import MAX_NUMBER, Control, Refused, Value, Written

RESERVED = ("epochs", "snapshots.each_epoch", "snapshots.keep")


class Values(Mapping[str, Any]):
    """The current values of the user's own controls, by name; read-only, from any thread."""

    def __init__(self, triggers: Triggers) -> None:
        self._triggers = triggers

    def __getitem__(self, name: str) -> Any:
        return self._triggers.controls[name].read()

    def __iter__(self) -> Iterator[str]:
        return iter(self._triggers.controls)

    def __len__(self) -> int:
        return len(self._triggers.controls)

    def __repr__(self) -> str:
        return repr(dict(self))


class Triggers:
    """What the user added to the board. It outlives a fit.

    Attributes:
        controls: By name.
        values: Their current values.
    """

    def __init__(self) -> None:
        self.controls: dict[str, Own] = {}
        self.values = Values(self)
        self._buttons: dict[str, Callable[..., Any]] = {}

    def add_button(self, name: str, function: Callable[..., Any]) -> None:
        """Add a button, or give the one of this name another function."""
        _check_name(name)
        if not callable(function):
            msg = f"the function of a button must be callable. Received: {function!r}"
            raise TypeError(msg)
        self._buttons[name] = function

    def add_control(self, control: Own) -> None:
        """Add a control, or replace the one of this name."""
        self.controls[control.name] = control

    def describe_buttons(self) -> list[dict[str, str]]:
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


class Own(Control):
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
        _check_name(name)
        super().__init__(None, name)
        if choices is not None:
            if isinstance(choices, str) or not choices or not all(isinstance(choice, str) for choice in choices):
                msg = f"choices must be a list of strings. Received: {choices!r}"
                raise TypeError(msg)
            self.kind, self.choices = "choice", tuple(choices)
        elif isinstance(value, bool):
            self.kind = "flag"
        self.minimum = -MAX_NUMBER if minimum is None else float(minimum)
        self.maximum = MAX_NUMBER if maximum is None else float(maximum)
        if self.minimum > self.maximum:
            msg = f"min must not be above max. Received: min={minimum!r}, max={maximum!r}"
            raise ValueError(msg)
        if log and self.kind == "number":
            if minimum is None:
                self.minimum = 0.0
            elif minimum < 0:
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


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME:
        msg = f"the name must be a short string. Received: {name!r}"
        raise TypeError(msg)
    if name in VERBS or name in RESERVED or name.endswith("learning_rate"):
        msg = f"this name is taken by the board itself. Received: {name!r}"
        raise ValueError(msg)
