"""What is kept of a run besides its rows: short lists that grow, and documents that are written when they change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..record.record import Record
from ..record.stretches import Stretch

STATE = (
    *("title", "first_step", "phase", "params", "epoch", "initial_epoch", "announced_epoch", "batches_per_epoch"),
    *(
        "test_batch",
        "test_batches",
        "values",
        "nonfinite",
        "not_finite",
        "bests",
        "flow",
        "steps_per_execution",
        "continues",
    ),
)
"""Attributes of a record that are kept as they are, in the document ``state``; ``kept_state`` has their types."""
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
