"""What is kept of a run besides its rows: short lists that grow, and documents that are written when they change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..record.privacy import without_private
from ..record.record import Record
from ..record.stretches import Stretch
from ..record.values import MAX_INTEGER, plain, python

MAX_TEXT = 10_000
MAX_DEPTH = 12
MAX_METRICS = 60
STATE = (
    *("title", "first_step", "phase", "params", "epoch", "initial_epoch", "announced_epoch", "batches_per_epoch"),
    *("test_batch", "test_batches", "values", "nonfinite", "not_finite", "bests", "flow", "availability", "undoable"),
    *("stalled", "steps_per_execution", "continues"),
)
"""Attributes of a record that are kept as they are, in the document ``state``."""
REPLACED = ("controls", "cards")
"""Documents whose lists are replaced when there is news, and never changed."""


def of(run: Record) -> dict[str, Any]:
    """The documents of a run, by name."""
    values, throughput = run.batch_values, run.throughput
    sizes = values.sizes
    return {
        "state": {name: getattr(run, name) for name in STATE},
        "controls": run.controls,
        "cards": run.cards,
        "hooks": run.hooks.describe(run.batch_table.rows),
        "snapshots": run.snapshots,
        "batch_values": {
            "rules": {name: rule for name, rule in list(values.rules.items()) if name in values.names},
            "bounded": sorted(values.bounded),
            "sizes": None if sizes is None else {"batch": sizes.batch, "samples": sizes.samples},
        },
        "throughput": {
            "seconds_per_step": throughput.seconds_per_step,
            "samples_per_batch": throughput.samples_per_batch,
        },
    }


def marks(run: Record) -> dict[str, tuple[Sequence[Any], Callable[[Any], Any]]]:
    """Lists that grow, and what makes JSON of one of theirs; only the newest may still change."""
    return {
        "epoch_start": (list(run.epoch_starts), list),
        "stretch": (run.batch_values.stretches, _stretch),
        "branch": (run.branches, lambda branch: [branch["from"], branch["to"]]),
        "ran_out": (list(run.ran_out), int),
        "count": (list(run.counts), lambda count: [count.step, count.calls, count.weights, count.begins]),
        "sitting": (list(run.sittings), list),
    }


def _stretch(each: Stretch) -> list[Any]:
    return [each.row, each.epoch_step, each.position, each.known, dict(each.weights), dict(each.sums)]


def metrics(run: Record) -> dict[str, dict[str, Any]]:
    """By metric, its value at the end of the last epoch, and its best where it is known which way is better."""
    found: dict[str, dict[str, Any]] = {}
    table = run.epoch_table
    if table.rows:
        last = table.values(table.rows - 1, table.rows)[:, 0].tolist()
        found = {name: {"last": value} for name, value in zip(table.names[: len(last)][:MAX_METRICS], last, strict=False)}
    for best in run.bests:
        if best["metric"] in found:
            found[best["metric"]] |= {"best": best["value"], "epoch": best["epoch"], "direction": best["direction"]}
    return found


def scalar(value: object) -> Any:
    """A flag, number, text or None as JSON can carry it; anything else as text."""
    try:
        known = python(value)
    except TypeError:
        return plain(value)
    return plain(known) if isinstance(known, str) or (isinstance(known, int) and abs(known) > MAX_INTEGER) else known


def private(value: Any, depth: int = 0) -> Any:
    """The same of dicts and lists, with nothing in it that JSON cannot carry or that tells who and where it was."""
    if depth < MAX_DEPTH and isinstance(value, Mapping):
        return {without_private(str(plain(key))): private(each, depth + 1) for key, each in list(value.items())}
    if depth < MAX_DEPTH and isinstance(value, (list, tuple)):
        return [private(each, depth + 1) for each in list(value)]
    made = scalar(value) if not isinstance(value, str) else plain(value, MAX_TEXT)
    return without_private(made) if isinstance(made, str) else made
