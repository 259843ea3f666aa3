"""A folder of TensorBoard as a run: what Keras's callback wrote into ``train`` and ``validation`` belongs together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from os import PathLike
from pathlib import Path

from .event_file import EventFile, Scalar
from .imported_run import MAX_CELLS, MAX_EPOCHS, MAX_STEP, ImportedRun, without_many

TRAIN, VALIDATION = "train", "validation"
BATCH, EPOCH, EVALUATION, VERSUS = "batch_", "epoch_", "evaluation_", "_vs_iterations"
MAX_FILES = 1_000
MAX_NAMED = 10  # in a message


@dataclass
class _Row:
    """Values that were written together.

    Attributes:
        step: What TensorBoard calls so: a batch's number, or an epoch's.
        wall: When, by ``time.time()``.
        values: By metric.
        batches: Rows of batches that were written before.
    """

    step: int
    wall: float
    values: dict[str, float] = field(default_factory=dict)
    batches: int = 0


class _Rows:
    """Rows in the order in which they were written."""

    def __init__(self) -> None:
        self.all: list[_Row] = []

    def add(self, name: str, scalar: Scalar, batches: int = 0) -> None:
        """Add a value: to the newest row, where it is of the same step and has none of this name."""
        if not self.all or self.all[-1].step != scalar.step or name in self.all[-1].values:
            self.all.append(_Row(scalar.step, scalar.wall, batches=batches))
        self.all[-1].values[name] = scalar.value


def from_tensorboard(folder: str | PathLike[str]) -> ImportedRun:
    """See ``Run.from_tensorboard``."""
    folder = Path(folder)
    parts = _parts(folder)
    return _Import(folder, parts).run


def _parts(folder: Path) -> dict[str, list[Path]]:
    """The event files of one run, by their folder in it.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: It has none, or those of several runs.
    """
    if not folder.is_dir():
        msg = f"there is no folder {folder}"
        raise FileNotFoundError(msg)
    found = {name: _event_files(folder / name) for name in ("", TRAIN, VALIDATION)}
    if any(found.values()):
        return found
    runs = [
        each.name
        for each in sorted(folder.iterdir())[:MAX_FILES]
        if each.is_dir() and any(_event_files(each / name) for name in ("", TRAIN, VALIDATION))
    ]
    if runs:
        msg = f"{folder} has several runs: import {' and '.join(str(folder / name) for name in runs[:2])} one by one"
        raise ValueError(msg)
    msg = f"{folder} has no event files of TensorBoard"
    raise ValueError(msg)


def _event_files(folder: Path) -> list[Path]:
    """Event files, the oldest first: their names have the second in them, and end with how many the process had."""
    if not folder.is_dir():
        return []
    found = sorted((each for each in folder.iterdir() if "tfevents" in each.name and each.is_file()), key=_in_order)
    return [each for each in found if not each.name.endswith(".profile-empty")][:MAX_FILES]


def _in_order(path: Path) -> list[str | int]:
    """Words and numbers of a name by turns, so that a process's tenth file comes after its ninth."""
    return [int(part) if at % 2 else part for at, part in enumerate(re.split("([0-9]{1,20})", path.name))]


class _Import:
    def __init__(self, folder: Path, parts: dict[str, list[Path]]) -> None:
        self._batches, self._epochs, self._validated, self._evaluations, self._others = (_Rows() for _ in range(5))
        self._left_out: set[str] = set()
        self._troubles: list[str] = []
        self._cells = self._offset = 0
        self._known: set[str] = set()
        for part, files in parts.items():
            for number, path in enumerate(files, 1):
                # Not the file's own name: it has the machine's in it.
                where = f"{part or 'the folder'}, file {number} of {len(files)}"
                for scalar in self._scalars(path, where):
                    self._sort(part, scalar)
        rows = self._take_others()
        walls = [row.wall for each in (*rows, self._epochs, self._validated, self._evaluations) for row in each.all[:1]]
        self._began = min(walls, default=0.0)
        self.run = ImportedRun("TensorBoard", folder.resolve().name, self._began)
        for trouble in self._troubles:
            self.run.tell("tensorboard", trouble)
        if self._left_out:
            named = ", ".join(sorted(self._left_out)[:MAX_NAMED])
            more = f" and {len(self._left_out) - MAX_NAMED} more" if len(self._left_out) > MAX_NAMED else ""
            self.run.tell("tensorboard", f"left out, as no metric of Keras's: {named}{more}")
        self._build(folder)

    def _scalars(self, path: Path, where: str) -> Iterator[Scalar]:
        file = EventFile(path, lambda trouble: self._troubles.append(f"{where}: {trouble}"))
        for scalar in file.scalars():
            self._cells += 1
            if self._cells > MAX_CELLS:
                self._troubles.append(f"{where}: it was read to its {MAX_CELLS:,}th number: there is room for no more")
                break
            yield scalar
        self._left_out |= {tag for tag in file.others if not tag.startswith(("keras", "_hparams_"))}

    def _sort(self, part: str, scalar: Scalar) -> None:
        tag = scalar.tag
        if tag.startswith(EVALUATION) and tag.endswith(VERSUS):
            name = tag.removeprefix(EVALUATION).removesuffix(VERSUS)
            self._evaluations.add(f"val_{name}", scalar)
        elif part == VALIDATION and tag.startswith(EPOCH):
            self._validated.add(f"val_{tag.removeprefix(EPOCH)}", scalar)
        elif part == VALIDATION:
            self._left_out.add(tag)
        elif tag.startswith(EPOCH):
            self._epochs.add(tag.removeprefix(EPOCH), scalar, len(self._batches.all))
        elif tag.startswith(BATCH):
            self._batches.add(tag.removeprefix(BATCH), scalar)
        else:
            self._others.add(tag, scalar)

    def _take_others(self) -> list[_Rows]:
        """Scalars of other names: batches, where Keras wrote nothing; else nobody knows what their steps are."""
        if self._epochs.all or self._batches.all or self._validated.all:
            self._left_out |= {name for row in self._others.all for name in row.values}
        else:
            by_step: dict[int, _Row] = {}
            for row in self._others.all:
                by_step.setdefault(row.step, _Row(row.step, row.wall)).values |= row.values
            self._batches.all = [by_step[step] for step in sorted(by_step)]
        return [self._batches]

    # -- putting it together -------------------------------------------------------------------------------------------

    def _build(self, folder: Path) -> None:
        run = self.run
        epochs = self._joined()[:MAX_EPOCHS]
        per_epoch, offset, left = self._length(epochs)
        every = 0
        if self._batches.all and self._batches.all[0].step > 1:  # it did not write each batch, and maybe not each epoch
            per_epoch, offset, every = 0, 0, self._length_by_batches(epochs)
        run.batches_per_epoch = per_epoch or every or (None if self._batches.all else 1)
        done, ended, next_number, added = 0, self._began, 0, 0
        for at, row in enumerate(epochs):
            number = row.step + added
            if at and number < next_number:
                if not (row.step > run.initial_epoch and run.go_back(number)):
                    added += next_number - number
                    number = next_number
                    run.tell("tensorboard", "the epochs begin anew where another fit was added: they are counted on")
            elif every:
                done = self._add_silent(range(next_number, number), every, done)
            next_number = number + 1
            run.begin(number, number * every)
            self._add_batches(self._batches.all[done : row.batches])
            done = max(done, row.batches)
            kept = without_many(row.values, run, self._known)
            step = (at + 1) * per_epoch if per_epoch else run.step + (run.batch == 0)
            took, ended = max(0.0, row.wall - ended), max(ended, row.wall)
            run.end({name: row.values[name] for name in kept}, step, row.wall - self._began, took)
        if every:
            last = self._batches.all[-1].step
            done = self._add_silent(range(next_number, last // every), every, done)
            next_number = max(next_number, last // every)
        if cut := self._batches.all[done:]:
            run.begin(next_number, next_number * every)
            self._add_batches(cut)
        for evaluation in left:
            run.evaluate(max(0, evaluation.step - offset), evaluation.wall - self._began, evaluation.values)
        within = ", which ends within an epoch" if cut and epochs and not every else ""
        run.done(f"from TensorBoard's {folder.resolve().name}{within}")

    def _add_silent(self, numbers: range, every: int, done: int) -> int:
        """Batches of epochs of which nothing else was written; returns how many rows are done."""
        rows = self._batches.all
        for number in numbers:
            end = done
            while end < len(rows) and rows[end].step <= (number + 1) * every:
                end += 1
            self.run.begin(number, number * every)
            self._add_batches(rows[done:end])
            done = end
        return done

    def _add_batches(self, rows: list[_Row]) -> None:
        """Batches of one epoch; those of a fit that was added count from 1 again."""
        run = self.run
        for row in rows:
            if row.step + self._offset <= run.step:
                self._offset = run.step
            kept = without_many(row.values, run, self._known)
            step = max(row.step + self._offset, run.step + 1)
            if step >= MAX_STEP:  # of many fits that each claim a huge one
                run.tell("tensorboard", "batches with impossible steps are left out")
                continue
            run.add_batch(step, row.wall - self._began, {name: row.values[name] for name in kept})

    def _length_by_batches(self, epochs: list[_Row]) -> int:
        """How many batches an epoch had, where Keras wrote only some epochs: those whose last batch was written.

        Returns:
            Batches in an epoch; 0 where that does not tell, or every epoch was written.
        """
        rows = self._batches.all
        if not epochs or any(one.step >= other.step for one, other in pairwise(rows)):
            return 0
        if any(one.step >= other.step or not one.batches for one, other in pairwise([*epochs, _Row(MAX_STEP, 0.0)])):
            return 0
        found = {rows[row.batches - 1].step / (row.step + 1) for row in epochs}
        (length, *more) = found
        if more or length != int(length) or epochs[-1].step + 1 == len(epochs) or epochs[-1].step > MAX_EPOCHS:
            return 0
        why = f"Keras wrote one batch in {rows[0].step}, and only the epochs that ended with one"
        self.run.tell("tensorboard", f"{why}: it is taken that all had {int(length)} batches")
        return int(length)

    def _joined(self) -> list[_Row]:
        """Epochs, each with what its validation found: that was written just after, under the same number."""
        rows = list(self._epochs.all)
        of_number: dict[int, list[_Row]] = {}
        for row in rows:
            of_number.setdefault(row.step, []).append(row)
        alone = []
        for validated in self._validated.all:
            same = of_number.get(validated.step)
            if same:
                min(same, key=lambda row: abs(row.wall - validated.wall)).values |= validated.values
            else:
                alone.append(validated)
        return sorted([*rows, *alone], key=lambda row: row.wall) if alone else rows

    def _length(self, epochs: list[_Row]) -> tuple[int, int, list[_Row]]:
        """How many batches an epoch had, as the optimizer counted at validations.

        Returns:
            Batches in an epoch, 0 where they are not known or not the same; what the optimizer had counted before; and
            the evaluations that were no epoch's.
        """
        evaluations, at = self._evaluations.all, 0
        ends: list[tuple[int, int]] = []
        left: list[_Row] = []
        for number, row in enumerate(epochs):
            own = None
            while at < len(evaluations) and evaluations[at].wall <= row.wall:
                left += [own] if own is not None else []
                own, at = evaluations[at], at + 1
            if own is None:
                continue
            if any(name.startswith("val_") for name in row.values):
                ends.append((number, own.step))
            else:
                left.append(own)
        left += evaluations[at:]
        if not ends:
            return 0, 0, left
        lengths = {(other - step, later - number) for (number, step), (later, other) in pairwise(ends)}
        number, step = ends[0]
        each = {steps / count for steps, count in lengths} or {step / (number + 1)}
        (length, *more) = each
        fits = not more and 0 < length < MAX_STEP / (len(epochs) + 1) and length == int(length)
        whole = int(length) if fits else 0
        return whole, step - (number + 1) * whole if whole else 0, left
