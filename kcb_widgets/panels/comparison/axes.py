"""Axes: what the curves of a comparison can be drawn by, and where a run's zero is on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...record.chunk import Floats
from ...record.events import Event
from ...record.record import Record
from ...store.differences import settings_of
from . import markers

AXES = ("step", "epoch", "time", "clock", "samples")
SERIES = "series."
"""What the name of a recorded series begins with, where it is an axis: ``series.learning_rate``."""
BATCH_SIZES = ("data.batch_size", "fit.batch_size", "config.batch_size")  # what Keras was found to do, or was told
LABELS = {
    "step": "step",
    "epoch": "epoch",
    "time": "seconds of training",
    "clock": "seconds since the first began",
    "samples": "samples seen",
}
NO_BATCH_SIZE = "the batch size is not known"


def series_of(axis: str) -> str | None:
    """The series that is an axis; None for the other axes."""
    return axis.removeprefix(SERIES) if axis.startswith(SERIES) else None


def label(axis: str, align: str | None) -> str:
    """What an axis is called on a figure."""
    series = series_of(axis)
    if series is not None or align is None:
        return series if series is not None else LABELS[axis]
    said = "seconds" if axis == "clock" else LABELS[axis]
    return said if align == markers.ZERO else f"{said} since {markers.KINDS[align].words}"


def batch_size(run: Record) -> int | None:
    """How many samples a batch has, where the run's settings say it."""
    known = settings_of({"config": run.config, "settings": run.settings})
    for name in BATCH_SIZES:
        value = known.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def along(run: Record, axis: str, x: Floats) -> Floats:
    """Where points are on an axis that is no series.

    Args:
        run: The run.
        axis: One of ``AXES``.
        x: The points, as ``Record.x`` gives them.

    Returns:
        NaN where that cannot be known.
    """
    if axis == "step":
        return np.asarray(x[1])
    if axis == "epoch":
        return np.asarray(x[2])
    if axis == "clock":
        return _clock(run, x[3])
    if axis == "samples":
        size = batch_size(run)
        return np.asarray(x[1] * (np.nan if size is None else size))
    return np.asarray(x[3] - _paused(run, x[3]))


def origin(run: Record, axis: str, align: str | None) -> float:
    """What of an axis is drawn as zero; NaN where the run has no such marker.

    Args:
        run: The run.
        axis: What x is; on one that is a series nothing moves.
        align: ``zero`` or a kind of marker; None: the axis's own zero.
    """
    if align is None or series_of(axis) is not None:
        return 0.0
    if align == markers.ZERO:
        return float(_at(run, axis, [(run.first_step, 0.0)])[0])
    event = markers.first(run, align)
    return np.nan if event is None else float(_at(run, axis, [(event.step, event.time)])[0])


def places(run: Record, axis: str, align: str | None, events: Sequence[Event]) -> list[float]:
    """Where events are on an axis; none on one that is a series."""
    if series_of(axis) is not None or not events:
        return []
    found = _at(run, axis, [(event.step, event.time) for event in events]) - origin(run, axis, align)
    return [float(each) for each in found]


def _at(run: Record, axis: str, when: Sequence[tuple[float, float]]) -> Floats:
    """Where steps and seconds are on an axis, in any order."""
    steps, seconds = np.array(when, np.float64).T
    order = np.argsort(steps, kind="stable")
    epochs = np.empty(len(steps))
    epochs[order] = run.epoch_at(steps[order])
    return along(run, axis, np.vstack([steps, steps, epochs, seconds]))


def why_not(run: Record, axis: str, align: str | None) -> str:
    """Why nothing of a run can be drawn, whatever its metrics; empty where it can."""
    series = series_of(axis)
    if series is not None:
        return "" if series in names(run) else f"no {series}"
    if axis == "samples" and batch_size(run) is None:
        return NO_BATCH_SIZE
    if align not in (None, markers.ZERO) and markers.first(run, str(align)) is None:
        return f"no {markers.KINDS[str(align)].noun}"
    return ""


def names(run: Record) -> list[str]:
    """The series that can be an axis."""
    return list(dict.fromkeys([*run.value_table.names, *run.batch_table.names, *run.epoch_table.names]))


def counted(reasons: Mapping[str, int]) -> list[str]:
    """How many runs are left out of a plot, and why, in sentences."""
    return [f"{n} run{'s are' if n > 1 else ' is'} not drawn: {why}" for why, n in reasons.items()]


def _clock(run: Record, seconds: Floats) -> Floats:
    """When that was, by ``time.time()``: nothing trained the run between its sittings."""
    began = np.full(len(seconds), run.started)
    for when, before in run.sittings:
        began[seconds >= before] = when - before
    return np.asarray(began + seconds)


def _paused(run: Record, seconds: Floats) -> Floats:
    """For how long the run had been paused by then."""
    began, total, at, until = None, 0.0, [0.0], [0.0]
    for event in run.events_list:
        if event.kind == "paused" and began is None:
            began = event.time
        elif event.kind in ("resumed", "stop", "status") and began is not None:
            at += [began, event.time]
            total += event.time - began
            until += [until[-1], total]
            began = None
    return np.asarray(np.interp(seconds, at, until))
