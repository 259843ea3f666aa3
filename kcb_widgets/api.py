"""SteeringAPI: everything a board can do, as typed methods that any thread may call while ``fit`` runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from os import PathLike, fspath
from typing import Any, Literal

from .commands import VERBS, Reply, Value, check_value
from .record.values import positive_integer, shown
from .steering.controls.control import Control
from .steering.policies import Policies
from .steering.user_controls import UserControl, UserControls

Every = Literal["epoch"] | int


class SteeringAPI:
    """What ``Monitor`` lets people, policies and other threads do. Each method that steers returns a ``Reply``."""

    def __init__(self) -> None:
        self._user_controls = UserControls()
        self._policies = Policies()

    def _send(self, commands: Sequence[tuple[str, Value]]) -> Reply:
        raise NotImplementedError

    def _control(self, name: str) -> Control | None:
        """The control of this name in the fit under way; None where nothing trains."""
        raise NotImplementedError

    def set(self, values: Mapping[str, Value] | None = None, /, **named: Any) -> Reply:
        """Change controls from the next batch on.

        Args:
            values: Values by the controls' names, for names that are no Python words: ``{"dropout.rate": 0.3}``.
            **named: Values by name, such as ``learning_rate=1e-4``. ``controls`` lists all names.

        Returns:
            A reply: ``.wait()`` returns the event that tells at which step it was applied, or why it was refused.

        Raises:
            TypeError: A value is of the wrong kind, or there is none.
            ValueError: A value is out of range, or there is no such control in the fit under way.

        Example:
            >>> monitor.set(learning_rate=1e-4, weight_decay=0.01).wait()
        """
        if values is not None and not isinstance(values, Mapping):
            msg = f"set() takes a dict of values by name, or values by keyword. Received: {shown(values)}"
            raise TypeError(msg)
        wanted = {**(values or {}), **named}
        if not wanted:
            msg = "set() needs at least one value, such as learning_rate=1e-4"
            raise TypeError(msg)
        return self._send([self._checked(name, value) for name, value in wanted.items()])

    def _checked(self, name: str, value: Any) -> tuple[str, Value]:
        if name in VERBS:
            msg = f"{name} is not a value to set; call monitor.{name}()"
            raise ValueError(msg)
        name, plain = check_value(name, value)
        control = self._control(name)
        return name, plain if control is None else control.check(plain)

    def hold(self, name: str = "learning_rate", on: bool = True) -> Reply:
        """Keep a learning rate against LearningRateScheduler, ReduceLROnPlateau and others that write to it."""
        return self.set({f"{name}_hold": on})

    def take_over(self, name: str = "learning_rate", on: bool = True) -> Reply:
        """Fix a learning rate that follows a schedule, at what it is now; ``on=False`` releases it."""
        return self.set({f"{name}_take_over": on})

    def undo(self) -> Reply:
        """Take back the latest change of a control that somebody made by hand, on the board or from Python.

        Again, and the one before it is taken back; a whole movement of a slider is one change, and so is ``freeze``.
        What another callback, a policy or a guard has overwritten since is passed over. The reply's event names what
        was set; it is refused where there is nothing to take back.
        """
        return self._send([("undo", None)])

    def freeze(self, *, until: str | None = None, named: str | None = None) -> Reply:
        """Have many layers train no longer; the training step is traced once for all of them.

        Args:
            until: The last layer to freeze: it, and all that come before it in the model.
            named: A part of the names of the layers to freeze, in whatever case, or of models that they are part of.

        Raises:
            TypeError, ValueError: Both are given, or one is no name.

        Example:
            >>> monitor.freeze(until="conv4_block6_out").wait()
        """
        return self._send([("freeze", _which("freeze", until, named))])

    def unfreeze(self, *, until: str | None = None, named: str | None = None) -> Reply:
        """Have many layers train again, all of them by default; see ``freeze``."""
        return self._send([("unfreeze", _which("unfreeze", until, named))])

    def stop(self, after: Literal["batch", "epoch"] = "batch", *, validate: bool = True) -> Reply:
        """End the fit; ``fit`` returns normally.

        Args:
            after: Whether to end after the current batch or epoch.
            validate: Whether Keras's closing validation is run.
        """
        return self._send([check_value("stop", after if validate else f"{after}_unvalidated")])

    def pause(self) -> Reply:
        """Wait before the next batch. Every control works meanwhile."""
        return self._send([("pause", None)])

    def resume(self) -> Reply:
        """Go on."""
        return self._send([("resume", None)])

    def step(self, batches: int = 1) -> Reply:
        """Train so many more batches, then pause.

        Raises:
            ValueError: It is not a whole number from 1.
        """
        return self._send([check_value("step", batches)])

    def finish_epoch(self) -> Reply:
        """Train to the end of the epoch, validation included, then pause."""
        return self._send([("finish_epoch", None)])

    def evaluate(self) -> Reply:
        """Evaluate now, on the validation data or on what ``evaluate_on`` gave, leaving running metrics as they are."""
        return self._send([("evaluate", None)])

    def snapshot(self) -> Reply:
        """Take a snapshot now; the event's ``new`` is its id."""
        return self._send([("snapshot", None)])

    def rollback(self, to: str = "latest") -> Reply:
        """Put weights, optimizer and random state back to a snapshot.

        Args:
            to: The snapshot's id, ``latest`` or ``best``.
        """
        return self._send([check_value("rollback", to)])

    def forget(self, snapshot: str) -> Reply:
        """Let go of a snapshot, by its id."""
        return self._send([check_value("forget", snapshot)])

    def save(self, path: str | PathLike[str] | None = None) -> Reply:
        """Save the whole model now, as a ``.keras`` file.

        Args:
            path: Where to; None: ``run-<number>-step-<step>.keras`` in the folder ``save_to``.

        Raises:
            ValueError: The path does not end in ``.keras``.
        """
        if path is not None and not fspath(path).endswith(".keras"):
            msg = f"path must end in .keras. Received: {path!r}"
            raise ValueError(msg)
        return self._send([("save", None if path is None else fspath(path))])

    def press(self, name: str) -> Reply:
        """Do what one of your own buttons does."""
        return self._send([check_value("press", name)])

    def act(self, what: str) -> Reply:
        """Have one of the fit's other callbacks do something.

        Args:
            what: ``ReduceLROnPlateau.cut``, ``ModelCheckpoint.save``, ``ModelCheckpoint.load:<file>`` or
                ``ModelCheckpoint.load_weights:<file>``; a file is named by its ``id`` in the callback's card.
        """
        return self._send([check_value("act", what)])

    # -- the user's own -----------------------------------------------------------------------------------------------

    @property
    def values(self) -> Mapping[str, Any]:
        """The current values of the controls that ``add_control`` added."""
        return self._user_controls.values

    def add_button(self, name: str, function: Callable[..., Any]) -> None:
        """Put a button on the board. Its function runs on the training thread, just before a batch.

        Args:
            name: What it says.
            function: Called with this Monitor, or with nothing if it takes nothing. An exception becomes an event.

        Raises:
            TypeError, ValueError: The function cannot be called, or the name is taken.
        """
        self._user_controls.add_button(name, function)
        self._send_news()

    def add_control(
        self,
        name: str,
        value: Any,
        *,
        min: float | None = None,  # named as sliders name it everywhere
        max: float | None = None,
        log: bool = False,
        choices: Sequence[str] | None = None,
    ) -> None:
        """Put a control on the board; your code reads ``monitor.values[name]``.

        Args:
            name: Its name.
            value: The first value; a number makes a slider or field, True or False a switch, a string a choice.
            min: The least number.
            max: The largest number.
            log: Whether the slider is logarithmic.
            choices: What can be chosen.

        Raises:
            TypeError, ValueError: The arguments do not fit together, or the name is taken.
        """
        self._user_controls.add_control(UserControl(name, value, min, max, log, choices))
        self._send_news()

    def add_policy(self, function: Callable[..., Any], every: Every = "epoch") -> None:
        """Have a function steer: it sees the run so far and may call the same methods as a person.

        Args:
            function: Called on the training thread with ``(run, monitor)``, or with fewer if it takes fewer. What it
                asks for is done at once; each event's source is ``policy``. An exception becomes an event.
            every: ``epoch``, or a number of batches; in a fit under way they are counted from now.

        Raises:
            TypeError, ValueError: The function cannot be called, or ``every`` is neither.
        """
        if not callable(function):
            msg = f"a policy must be callable. Received: {function!r}"
            raise TypeError(msg)
        if isinstance(every, str) and every != "epoch":
            msg = f"every must be 'epoch' or a whole number of batches from 1. Received: {every!r}"
            raise ValueError(msg)
        self._policies.add(function, every if isinstance(every, str) else positive_integer("every", every))

    def _send_news(self) -> None:
        """The board has to show something new of the user's."""
        raise NotImplementedError


def _which(verb: str, until: object, named: object) -> Value:
    """The value of a command that concerns many layers."""
    given = {kind: text for kind, text in (("until", until), ("named", named)) if text is not None}
    if len(given) > 1:
        msg = f"{verb}() takes until or named, not both. Received: until={shown(until)}, named={shown(named)}"
        raise ValueError(msg)
    for kind, text in given.items():
        if not isinstance(text, str):
            msg = f"{kind} must be a string. Received: {shown(text)}"
            raise TypeError(msg)
        return check_value(verb, f"{kind}:{text}")[1]
    return None
