"""LastFit: what of a run one fit can do again. Of a run that was gone on with it is what came since the last time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..record.events import Event
from ..record.record import Record


@dataclass(frozen=True)
class LastFit:
    """One call of ``fit``: the whole run, or the last part of one that was gone on with.

    Attributes:
        step: The step before its first batch.
        epoch: Its first epoch.
        events: What happened in it.
        starts: Of its epochs: first row, step before it, and number.
        ended: Of those that ended: number, values, and seconds of the end.
        resumed: How it was gone on with; None for a whole run.
    """

    step: int
    epoch: int
    events: list[Event]
    starts: list[tuple[int, int, int]]
    ended: list[tuple[int, dict[str, Any], float]]
    resumed: Event | None = None

    @property
    def from_where(self) -> str:
        """When the run was gone on with and from where, in a clause; empty for a whole run."""
        if self.resumed is None:
            return ""
        restored = self.resumed.new
        known = (
            "from a state that is not known" if restored is None else f"from the model as it was after batch {restored}"
        )
        return f"was gone on with after batch {self.step}, {known}"


def last_fit(run: Record) -> LastFit:
    """The fit that ended a run."""
    events, starts, rows = list(run.events_list), list(run.epoch_starts), list(run.epoch_rows)
    steps, ends = (read(0, len(rows)) for read in (run.epoch_table.steps, run.epoch_table.seconds))
    at = max((i for i, event in enumerate(events) if (event.kind, event.name) == ("resumed", "run")), default=None)
    if at is None:
        ended = [(epoch, row, float(end)) for (epoch, row), end in zip(rows, ends, strict=False)]
        return LastFit(run.first_step, run.initial_epoch, events, starts, ended)
    event = events[at]
    begun = max(
        (i for i, (_, step, epoch) in enumerate(starts) if (step, epoch) == (event.step, event.epoch)),
        default=len(starts),
    )
    ended = [(rows[i][0], rows[i][1], float(ends[i])) for i in np.flatnonzero(steps > event.step).tolist()]
    return LastFit(event.step, event.epoch, events[at + 1 :], starts[begun:], ended, event)
