"""What a board says of a run in words and numbers: the ``state`` and ``events`` traits, as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ..record.events import Event
from ..record.record import Record
from ..record.values import plain

MAX_EVENTS = 200
MAX_LENGTH = 10_000  # of a text; what a callback printed is the longest
MAX_DEPTH = 8
EVENT = [field.name for field in fields(Event)]


def clean(value: Any, depth: int = 0) -> Any:
    """The same of dicts and lists, whatever stands in them."""
    if depth < MAX_DEPTH and isinstance(value, Mapping):
        return {str(plain(key)): clean(each, depth + 1) for key, each in list(value.items())}
    if depth < MAX_DEPTH and isinstance(value, (list, tuple)):
        return [clean(each, depth + 1) for each in list(value)]
    return plain(value, MAX_LENGTH)


def controls(run: Record) -> list[dict[str, Any]]:
    """Every control there is, and its value."""
    return [clean(control) for control in run.controls]


def events(run: Record) -> list[dict[str, Any]]:
    """The latest events, oldest first."""
    return [{name: plain(getattr(event, name)) for name in EVENT} for event in run.events_list[-MAX_EVENTS:]]


def state(run: Record) -> dict[str, Any]:
    """Where the run stands."""
    pace = run.throughput
    epochs = run.params.get("epochs")
    left = epochs - run.epoch - 1 if epochs is not None and run.epoch is not None else None
    per_step = pace.seconds_per_step
    remaining = None if run.over else pace.remaining(run.batch, run.batches_per_epoch, left)
    return {
        "run": run.id,
        "title": run.title,
        "status": run.status,
        "message": plain(run.message),
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
        "remaining": remaining,
        "ms_per_step": None if per_step is None else 1000 * per_step,
        "batches_per_second": pace.batches_per_second,
        "samples_per_second": pace.samples_per_second,
        "values": {name: plain(value) for name, value in list(run.values.items())},
        "flow": run.flow,
        "snapshots": run.snapshots,
        "snapshot_bytes": sum(snapshot["bytes"] for snapshot in run.snapshots),
        "buttons": run.buttons,
        "can": run.availability,
        "errors": sum(event.kind == "error" for event in run.events_list[-MAX_EVENTS:]),
    }
