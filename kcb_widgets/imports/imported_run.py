"""ImportedRun: a run that another program recorded, put together epoch by epoch and batch by batch."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..record import names
from ..record.privacy import without_private
from ..record.values import plain
from ..run import Run

ELSEWHERE = "this run was imported: nothing of it trains here"
MAX_EPOCHS = 200_000
MAX_METRICS = 1_000
MAX_CELLS = 5_000_000  # values of epochs, or of batches
MAX_STEP = 2**50
MAX_NAME = 200
MAX_TEXT = 500
RATE = "learning_rate"


class ImportedRun(Run):
    """A run that is over, and was recorded by another program.

    Where nobody knows how many batches an epoch had, it is one step.

    Args:
        origin: What it is imported from, in a word or two; it is among the settings.
        name: What it is called.
        started: When it began, by ``time.time()``.
    """

    def __init__(self, origin: str, name: str, started: float) -> None:
        super().__init__()
        self.name = without_private(str(plain(name, MAX_NAME)))
        self.settings = {"imported.from": origin}
        self.started = started if started > 0 else time.time()
        self.status = "running"
        self.availability = dict.fromkeys(self.availability, ELSEWHERE)
        self._clock, self._ended = 0.0, 0.0
        self._contents = hashlib.sha256(origin.encode())
        self._told: set[str] = set()

    def begin(self, number: int, before: int = 0) -> None:
        """An epoch begins.

        Args:
            number: Which, from 0.
            before: Batches trained until then, where more than those that were added.
        """
        self._step = max(self._step, before)
        if self.epoch is None:
            self.initial_epoch = number
        self.epoch, self._batch = number, 0
        self.epoch_starts.append((self._batch_table.rows, self._step, number))
        self._contents.update(b"epoch %d" % number)

    def add_batch(self, step: int, seconds: float, logs: Mapping[str, float]) -> None:
        """A batch was trained.

        Args:
            step: Batches trained by then, more than before.
            seconds: Since the run began.
            logs: Running means since the epoch began, as Keras logs them.
        """
        self._move(seconds)
        self._step, self._batch = step, step - self.epoch_starts[-1][1]
        self._batch_table.append(step, self._ended or 0.0, logs)
        self._note(logs)

    def end(self, metrics: Mapping[str, Any], step: int, seconds: float = 0.0, took: float | None = None) -> None:
        """The epoch ended.

        Args:
            metrics: Its metrics, by name.
            step: Batches trained by then.
            seconds: Since the run began; 0 where that is not known.
            took: Seconds that the epoch took, where known.
        """
        _, before, number = self.epoch_starts[-1]
        if isinstance(rate := metrics.get(RATE), float) and math.isfinite(rate) and self.values.get(RATE) != rate:
            self.values[RATE] = rate
            self.value_table.append(before, self._ended or 0.0, {RATE: rate})
        self._move(seconds)
        self._step = max(step, self._step, self.epoch_table.last_step + 1)
        self._batch = self._step - before
        if not metrics and took is None:
            self.tell("import", "epochs without any value are left out")  # a run file would not have them either
            return
        columns = names.of_epochs(metrics)
        self._renamed(columns)
        row = {columns[name]: value for name, value in metrics.items()}
        self.epoch_rows.append((number, row | ({} if took is None else {"seconds": took})))
        numbers = {name: value for name, value in metrics.items() if name != RATE}
        refused = self.epoch_table.append(self._step, self._ended or 0.0, numbers)
        if refused:
            self._refuse(refused, numbers)
        self._note(metrics)

    def evaluate(self, step: int, seconds: float, logs: Mapping[str, float]) -> None:
        """The model was evaluated, and not for an epoch; these come after all batches and epochs."""
        if step > self.evaluation_table.last_step or not self.evaluation_table.rows:
            self.evaluation_table.append(step, max(0.0, seconds), logs)
            self._note(logs)

    def go_back(self, number: int) -> bool:
        """The epochs go on from an earlier one: what came after that one began is left behind, as by a rollback.

        Returns:
            Whether there was such an epoch.
        """
        for _, before, epoch in reversed(self.epoch_starts):
            if epoch == number:
                self.rolled_back(before)
                return True
        return False

    def tell(self, name: str, message: str) -> None:
        """Say, once, what could not be imported, or only otherwise."""
        if message not in self._told:
            self._told.add(message)
            self.add_event("warning", name, source="import", message=message)

    def done(self, message: str, seconds: float = 0.0) -> ImportedRun:
        """All is there: the run is over.

        Args:
            message: Where it is from, in a clause.
            seconds: How long it took, where that is more than was heard of.
        """
        self._move(seconds)
        ended = self._ended or 0.0
        rows = np.flatnonzero(~self.abandoned(self.epoch_table.steps(0, self.epoch_table.rows)))
        self.bests = self._best_of(rows)
        self.id = self._contents.hexdigest()[:12]
        del self._contents  # it cannot be pickled
        self._clock = time.perf_counter() - ended
        self.finish("finished", message)
        self._clock, self._ended = 0.0, ended
        self.events_list[-1] = replace(self.events_list[-1], time=ended)
        return self

    def _move(self, seconds: float) -> None:
        """Time goes on, and never back."""
        if math.isfinite(seconds):
            self._ended = max(self._ended or 0.0, seconds)

    def _note(self, values: Mapping[str, Any]) -> None:
        """What the run is told apart by: the same contents are the same run, whenever they are imported."""
        self._contents.update(repr((self._step, sorted(values.items()))).encode("utf-8", "replace"))


def without_many(metrics: Iterable[str], run: ImportedRun, known: set[str]) -> list[str]:
    """Those metrics that there is room for; the run tells of the others.

    Args:
        metrics: Their names.
        run: The run.
        known: The metrics it has; it grows.
    """
    kept = []
    for name in metrics:
        if name not in known and len(known) >= MAX_METRICS:
            run.tell("import", f"there are more than {MAX_METRICS} metrics: the others are left out")
            continue
        known.add(name)
        kept.append(name)
    return kept
