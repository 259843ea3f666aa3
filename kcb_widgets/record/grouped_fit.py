"""One fit of a group: what became of it, and its curves, also when its run was let go of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import curves
from .chunk import Floats
from .record import Record

if TYPE_CHECKING:
    from . import wire

MAX_POINTS = 256  # of a curve whose run was let go of
REGULAR = ("finished", "stopped")


class Line(NamedTuple):
    """A fit's values of a metric, and where they are."""

    x: Floats
    y: Floats


@dataclass
class GroupedFit:
    """One fit of a group.

    Attributes:
        number: 1 for the first of the group.
        id: Of its run.
        run: Its run; None where that was let go of, and what follows is all there is.
        title: What the run is called.
        status: How it ended, or what it does.
        seconds: How long it took.
        paused: Whether it ever was.
        step: Batches trained.
        epochs: Epochs that are over.
        last: Metrics at the end of the last epoch.
        best: The best of each at the ends of epochs.
        lines: Curves of a run that was let go of, by whether they are of epochs, and by metric.
    """

    number: int
    id: str
    run: Record | None = None
    title: str = ""
    status: wire.Status = "waiting"
    seconds: float = 0.0
    paused: bool = False
    step: int = 0
    epochs: int = 0
    last: dict[str, float] = field(default_factory=dict)
    best: dict[str, float] = field(default_factory=dict)
    lines: dict[bool, dict[str, Line]] = field(default_factory=dict)

    def look(self) -> None:
        """Read the run again."""
        run = self.run
        if run is None or self.status in REGULAR:
            return
        rows = run.epoch_rows
        self.title, self.step, self.epochs = run.title, run.step, len(rows)
        self.paused = self.paused or any(event.kind == "paused" for event in list(run.events_list))
        logs = rows[-1][1] if rows else {}
        self.last = {
            name: float(value)
            for name, value in logs.items()
            if name != "seconds" and isinstance(value, (int, float)) and not isinstance(value, bool)
        }
        self.best = {each["metric"]: each["value"] for each in run.bests}
        self.seconds, self.status = run.seconds, run.status  # last: what is over is not read again

    def line(self, metric: str, by_epoch: bool) -> Line:
        """A metric's values: at the ends of epochs, or of batches by their steps. Empty where there are none."""
        if self.run is None:
            return self.lines.get(by_epoch, {}).get(metric, _NOTHING)
        return _read(self.run, metric, by_epoch)

    def let_go(self) -> None:
        """Keep no run any more, but its curves, with few points."""
        run = self.run
        if run is None:
            return
        self.look()
        for by_epoch in (True, False) if run.epoch_table.rows < 2 else (True,):
            names = (run.epoch_table if by_epoch else run.batch_table).names
            self.lines[by_epoch] = {name: _fewer(_read(run, name, by_epoch)) for name in names}
        self.run = None


_NOTHING = Line(np.empty(0), np.empty(0))


def _read(run: Record, metric: str, by_epoch: bool) -> Line:
    source = curves.epochs(run) if by_epoch else curves.batches(run)
    names, rows = list(source.names()), source.rows()
    if metric not in names or not rows:
        return _NOTHING
    column = names.index(metric)
    if by_epoch or rows <= MAX_POINTS * 64:
        y, x = source.values(0, rows)[column].astype(np.float64), source.x(0, rows)
    else:
        found = source.read(0, rows, -(-rows // (MAX_POINTS * 4)))
        y, x = found.mean[column].astype(np.float64), found.x
    good = np.isfinite(y) & ~run.abandoned(x[1]) if run.branches else np.isfinite(y)
    return Line(np.asarray(x[2 if by_epoch else 1])[good], y[good])


def _fewer(line: Line) -> Line:
    every = -(-len(line.x) // MAX_POINTS)
    if every <= 1:
        return Line(line.x.copy(), line.y.copy())
    edges = np.arange(0, len(line.x), every)
    count = np.diff(np.append(edges, len(line.x)))
    return Line(*(np.add.reduceat(part, edges) / count for part in line))
