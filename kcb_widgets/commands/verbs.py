"""The table of verbs: what can be asked for besides setting a control. A new verb is an entry here and its action.

The actions are methods of the same names; see ``steering/actions.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..record.values import Value, shown

MAX_STEPS = 10**9
MAX_NAME = 200
MAX_PATH = 4096
STOPS = ("batch", "epoch", "batch_unvalidated", "epoch_unvalidated")


@dataclass(frozen=True)
class Verb:
    """Something that can be asked for.

    Attributes:
        name: As commands call it.
        check: Checks the value that comes with it, and returns the value to carry out.
        at_rest: Whether the model must be at rest: just before a batch, or at the end of an epoch.
        urgent: Whether it overtakes what waits until the model is at rest.
        each_value: Whether commands with different values are different things, which do not supersede each other.
        each_time: Whether every command counts, and none before it is superseded by one that comes after it.
    """

    name: str
    check: Callable[[str, object], Value]
    at_rest: bool = False
    urgent: bool = False
    each_value: bool = False
    each_time: bool = False


def _nothing(name: str, value: object) -> None:
    if value is not None:
        msg = f"{name} takes no value. Received: {shown(value)}"
        raise ValueError(msg)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME:
        msg = f"{name} takes a name. Received: {shown(value)}"
        raise ValueError(msg)
    return value


def _batches(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_STEPS:
        msg = f"{name} takes a whole number of batches from 1 to {MAX_STEPS}. Received: {shown(value)}"
        raise ValueError(msg)
    return value


def _stop(name: str, value: object) -> str:
    if value is None:
        return "batch"
    if value not in STOPS:
        msg = f"{name} takes one of {', '.join(STOPS)}, or nothing. Received: {shown(value)}"
        raise ValueError(msg)
    return str(value)


def _folder(name: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= MAX_PATH or "\0" in value:
        msg = f"{name} takes a folder, or nothing. Received: {shown(value)}"
        raise ValueError(msg)
    return value


def _layers(name: str, value: object) -> str | None:
    if value is None:
        return None
    known = value if isinstance(value, str) else ""
    kind, _, text = known.partition(":")
    if kind not in ("until", "named") or not 0 < len(text) <= MAX_NAME:
        msg = f"{name} takes until:<layer>, named:<part of names>, or nothing for all layers. Received: {shown(value)}"
        raise ValueError(msg)
    return known


VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb("pause", _nothing, urgent=True),
        Verb("resume", _nothing),
        Verb("step", _batches),
        Verb("finish_epoch", _nothing),
        Verb("stop", _stop, urgent=True),
        Verb("evaluate", _nothing, at_rest=True),
        Verb("snapshot", _nothing, at_rest=True),
        Verb("rollback", _text, at_rest=True),
        Verb("forget", _text, each_value=True),
        Verb("save", _nothing, at_rest=True),
        Verb("keep", _folder, at_rest=True),
        Verb("press", _text, at_rest=True, each_value=True),
        Verb("act", _text, at_rest=True, each_value=True),
        Verb("undo", _nothing, at_rest=True, each_time=True),
        Verb("freeze", _layers, at_rest=True, each_value=True),
        Verb("unfreeze", _layers, at_rest=True, each_value=True),
    )
}
"""By name; every other command is named after the control it sets."""
