"""Script: what was done to a run, in order, as far as it has to be done again to reproduce the run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..commands import VERBS, Value
from ..record.events import Event
from ..record.record import OVER, Record
from .last_fit import LastFit, last_fit

SETTINGS = ("snapshots.each_epoch", "snapshots.keep")
"""Controls that only say which snapshots are taken; a replay takes those that it needs."""


@dataclass(frozen=True)
class Act:
    """Something to do again.

    Attributes:
        step: After how many batches of the fit.
        epoch: In which of its epochs, counted from 0: one that has ended, or the next that has begun already.
        name: A control, ``snapshot``, ``rollback`` or ``forget``.
        value: The control's new value, or the snapshot's id.
        old: The value before.
        writer: The class name of the callback that wrote it; empty for what was asked for.
        early: Whether it came before something else that may have written to the same control at this step, and so
            must not wait for the next batch: at the end of a ``batch``, at the beginning of an ``epoch``, or in the
            ``test`` that follows an epoch's batches.
        at_end: Whether it came when the epoch's batches were over. Where Keras does not know how many batches there
            are, that is after it has begun one more; see ``Replay``.
        asked: Whether the writer was asked to write it, and did not by itself.
    """

    step: int
    epoch: int
    name: str
    value: Value = None
    old: Value = None
    writer: str = ""
    early: str = ""
    at_end: bool = False
    asked: bool = False


@dataclass(frozen=True)
class Ending:
    """Where a run ended before its last epoch was done.

    Attributes:
        step: After how many batches of the fit.
        validated: Whether the closing validation was run.
        ran_out: Whether Keras looked for one more batch and found that there were no more data.
    """

    step: int
    validated: bool
    ran_out: bool = False


def script(run: Record) -> list[Act]:
    """All that has to be done again, in order.

    Raises:
        ValueError: The run is not over, or was imported.
    """
    if not isinstance(run, Record) or not run.over:
        msg = f"only a run that is over can be replayed or written as code. Received: {run!r}"
        raise ValueError(msg)
    if origin := run.settings.get("imported.from"):
        msg = f"{run.title} is from {origin}, which does not say what was done to it: there is nothing to do again"
        raise ValueError(msg)
    events, fit = _during(run), last_fit(run)
    last_use = {str(event.new): i for i, event in enumerate(events) if event.kind == "rollback"}
    taken = {str(event.new) for event in events if event.kind == "snapshot"}
    acts = [Act(0, 0, "snapshot", snapshot) for snapshot in last_use if snapshot not in taken]
    times, others = _Times(fit, events), {str(card["id"]) for card in run.cards}
    for i, event in enumerate(events):
        at = event.step - fit.step, event.epoch - fit.epoch
        if event.kind == "rollback":
            acts.append(Act(*at, "rollback", str(event.new), at_end=event.at_end))
            if last_use[str(event.new)] == i:
                acts.append(Act(*at, "forget", str(event.new), at_end=event.at_end))
        elif event.kind == "snapshot" and str(event.new) in last_use:
            acts.append(Act(*at, "snapshot", str(event.new), at_end=event.at_end))
        elif event.kind == "changed" or (
            event.kind == "applied" and event.name not in VERBS and event.name not in {*SETTINGS, *others}
        ):
            writer, early = event.source if event.kind == "changed" else "", times.early(i, event)
            asked = bool(writer) and event.requested is not None
            acts.append(Act(*at, event.name, event.new, event.old, writer, early, event.at_end, asked))
    return acts


def _during(run: Record) -> list[Event]:
    """The events of the fit itself, without those that came after its end."""
    events = last_fit(run).events
    ends = [i for i, event in enumerate(events) if event.kind == "status" and event.name in OVER]
    return events[: ends[-1]] if ends else events


def restored(run: Record) -> list[str]:
    """The snapshots that were put back after the end, in words."""
    after = last_fit(run).events[len(_during(run)) :]
    return [event.message.partition(";")[0] for event in after if event.kind == "rollback"]


def loaded(run: Record) -> list[tuple[int, str]]:
    """When weights were read from a file, in batches of the fit, and which callback was asked to."""
    ids, fit = {str(card["id"]) for card in run.cards}, last_fit(run)
    return [(e.step - fit.step, e.name) for e in fit.events if e.kind == "applied" and e.name in ids]


def pressed(run: Record) -> list[tuple[int, str]]:
    """When buttons were pressed, in batches of the fit, and which."""
    fit = last_fit(run)
    return [(e.step - fit.step, str(e.new)) for e in fit.events if e.kind == "trigger"]


def closed(run: Record) -> bool:
    """Whether Keras ended the fit itself, and called every callback's ``on_train_end``."""
    return run.status in ("finished", "stopped")


def restorers(run: Record) -> list[str]:
    """The callbacks that write to the weights, of Keras's own: by the names of their classes."""
    names = []
    for card in run.cards:
        kind, wanted = str(card["type"]), f"{card['id']}.restore_best_weights"
        restores = any(control["name"] == wanted and control["value"] for control in run.controls)
        if restores or any(fact["label"] in ("swapped", "restored") for fact in card["facts"]):
            names.append(kind)
    return list(dict.fromkeys(names))


def unknown(run: Record) -> list[str]:
    """The callbacks of which nobody knows what they do to the weights, by the names of their classes."""
    return list(dict.fromkeys(str(card["type"]) for card in run.cards if not card["known"]))


class _Times:
    """When, between two batches, something happened, and before what else."""

    def __init__(self, fit: LastFit, events: list[Event]) -> None:
        self._starts = {epoch: step for _, step, epoch in fit.starts}
        self._ends = {epoch: end for epoch, _, end in fit.ended}
        self._changes: dict[tuple[int, int], list[int]] = {}
        for i, event in enumerate(events):
            if event.kind in ("changed", "held"):
                self._changes.setdefault((event.step, event.epoch), []).append(i)

    def early(self, index: int, event: Event) -> str:
        """See ``Act.early``. Before anything is applied what others wrote is looked for, so the order tells."""
        changes = self._changes.get((event.step, event.epoch), [])
        if self._starts.get(event.epoch) == event.step:
            return "epoch" if any(other > index for other in changes) else ""
        ended = event.time > self._ends.get(event.epoch, math.inf)
        if ended or any(other < index for other in changes):
            return ""
        return "test" if event.at_end else "batch"


def ending(run: Record) -> Ending | None:
    """Where the run ended early, for whatever reason; None when all its epochs were trained, or no batch was."""
    fit = last_fit(run)
    trained, steps = run.step - fit.step, run.params.get("steps")
    if not trained or (run.status == "finished" and not (steps and run.batch < steps)):
        return None
    epoch = next(epoch for _, before, epoch in reversed(fit.starts) if before < run.step)
    row, ran_out = {number: row for number, row, _ in fit.ended}.get(epoch), epoch in run.ran_out
    if row is None:  # it failed or was interrupted, and its last epoch was never closed
        return Ending(trained, False, ran_out)
    asked = [str(event.new) for event in fit.events if event.kind == "stop"]
    skipped = bool(asked) and asked[-1].endswith("_unvalidated")
    return Ending(trained, not skipped or any(name.startswith("val_") for name in row), ran_out)
