"""Markers: what happened to a run that a comparison shows on its curve, or puts runs in line by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from ...record.events import Event
from ...record.formats import format_setting
from ...record.record import Record
from ...record.values import plain
from ...store.writer import by_hand

ZERO = "zero"
MAX_MARKS = 50  # of a run
MAX_TEXT = 200
DRAG_S = 1.0  # seconds between requests that belong to one drag of a slider


class Kind(NamedTuple):
    """A kind of marker that runs can be put in line by.

    Attributes:
        noun: What a run without one has none of.
        words: What it is called after "since".
        is_one: Tells whether an event is one.
    """

    noun: str
    words: str
    is_one: Callable[[Event], bool]


def _of(*kinds: str) -> Callable[[Event], bool]:
    return lambda event: event.kind in kinds


KINDS: dict[str, Kind] = {
    "by_hand": Kind("change by hand", "the first change by hand", by_hand),
    "rollback": Kind("rollback", "the first rollback", _of("rollback")),
    "resumed": Kind("resumption", "it was first gone on with", lambda e: e.kind == "resumed" and e.name == "run"),
    "snapshot": Kind("snapshot", "the first snapshot", _of("snapshot")),
    "guard": Kind("act of a guard", "a guard first acted", _of("guard")),
    "nan": Kind("value that is not finite", "a value first was not finite", _of("nan")),
}
ALIGN = (ZERO, *KINDS)


def first(run: Record, kind: str) -> Event | None:
    """The first event of a kind; None where the run has none."""
    is_one = KINDS[kind].is_one
    return next((event for event in list(run.events_list) if is_one(event)), None)


def changes(run: Record) -> list[Event]:
    """What was changed by hand, oldest first; of a drag of a slider the value that it ended with."""
    made: list[Event] = []
    for event in list(run.events_list):
        if not by_hand(event):
            continue
        if made and _one_drag(made[-1], event):
            event = replace(event, old=made.pop().old)
        made.append(event)
    return made


def _one_drag(before: Event, event: Event) -> bool:
    return (
        before.kind == event.kind == "applied"
        and before.name == event.name
        and before.source == event.source == "board"
        and before.requested is not None
        and event.requested is not None
        and event.requested - before.requested < DRAG_S
    )


def words(event: Event) -> str:
    """A change as a clause: ``step 40: learning_rate 0.001 → 0.0001``."""
    if event.kind == "rollback":
        said = f"rolled back {event.message}".strip()
    elif event.old is None and event.new is None:
        said = " ".join(part for part in (event.name, event.message) if part)
    else:
        said = f"{event.name} {_value(event.old)} → {_value(event.new)}"
    return str(plain(f"step {event.step}: {said}", MAX_TEXT))


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (int, float)):
        return format_setting(value)
    return "none" if value is None else str(plain(value))
