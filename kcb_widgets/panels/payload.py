"""What a board says of a run in words and numbers: the ``state`` and ``events`` traits, as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..record.events import Event
from ..record.fit_group import described
from ..record.record import Record
from ..record.values import plain

if TYPE_CHECKING:
    from ..record import wire

PANELS = ("progress", "controls", "chart", "fits", "classes", "epochs", "snapshots", "callbacks", "hooks", "events")
"""The table of panels; ``js/src/view.js`` has the same, with what draws each."""
MAX_EVENTS = 200
MAX_LENGTH = 10_000  # of a text; what a callback printed is the longest
MAX_DEPTH = 8
OVER = "nothing is training"
EVENT = [field.name for field in fields(Event)]
T = TypeVar("T")


def clean(value: T, depth: int = 0) -> T:
    """The same of dicts and lists, whatever stands in them."""
    made: Any
    if depth < MAX_DEPTH and isinstance(value, Mapping):
        made = {str(plain(key)): clean(each, depth + 1) for key, each in list(value.items())}
    elif depth < MAX_DEPTH and isinstance(value, (list, tuple)):
        made = [clean(each, depth + 1) for each in list(value)]
    else:
        made = plain(value, MAX_LENGTH)
    return cast("T", made)


def controls(run: Record) -> list[wire.Control]:
    """Every control there is, and its value."""
    return [clean(control) for control in run.controls]


def events(run: Record) -> list[wire.Event]:
    """The latest events, oldest first."""
    latest = run.events_list[-MAX_EVENTS:]
    return [cast("wire.Event", {name: plain(getattr(event, name)) for name in EVENT}) for event in latest]


def _can(run: Record) -> dict[str, str]:
    """Why actions cannot be done; of a run that is over all but going back, which may be possible still."""
    known = run.availability
    return {name: why if name == "rollback" else OVER for name, why in known.items()} if run.over else known


def _remaining(run: Record) -> float | None:
    """Seconds to the end of the last epoch, where that is known."""
    epochs = run.params.get("epochs")
    left = epochs - run.epoch - 1 if epochs is not None and run.epoch is not None else None
    return None if run.over else run.throughput.remaining(run.batch, run.batches_per_epoch, left)


def state(run: Record) -> wire.State:
    """Where the run stands; the board fills in what it knows of its views."""
    pace = run.throughput
    epochs = run.params.get("epochs")
    per_step = pace.seconds_per_step
    newest = run.group.newest if run.group is not None else None
    return {
        "run": run.id,
        "title": run.title,
        "status": run.status,
        "message": cast("str", plain(run.message)),
        "phase": run.phase,
        "epoch": run.epoch,
        "epochs": epochs,
        "initial_epoch": run.initial_epoch,
        "batch": run.batch,
        "batches": run.batches_per_epoch,
        "test_batch": run.test_batch,
        "test_batches": run.test_batches,
        "step": run.step,
        "elapsed": run.seconds if run.status != "waiting" else 0.0,
        "ticking": not run.over and run.status != "waiting",
        "remaining": _remaining(run),
        "ms_per_step": None if per_step is None else 1000 * per_step,
        "batches_per_second": pace.batches_per_second,
        "samples_per_second": pace.samples_per_second,
        "values": {name: cast("wire.Scalar", plain(value)) for name, value in list(run.values.items())},
        "flow": run.flow,
        "snapshots": run.snapshots,
        "snapshot_bytes": sum(snapshot["bytes"] for snapshot in run.snapshots),
        "buttons": run.buttons,
        "can": _can(run),
        "errors": sum(event.kind == "error" for event in run.events_list[-MAX_EVENTS:]),
        "bests": run.bests,
        "not_finite": run.not_finite,
        "stalled": None if run.over else run.stalled,
        "alerts": run.alerts,
        "undo": None if run.over else run.undoable,
        "kept": run.kept,
        "classes": run.insights.expected,
        "group": described(run, None if newest is None else _remaining(newest)),
        "heard": {},
        "path": "",
        "pump": {"ok": False, "reason": ""},
        "commands": list(run.command_results),
    }
