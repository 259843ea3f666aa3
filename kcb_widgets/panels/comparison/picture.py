"""Picture: all curves of a comparison on one grid, as a browser draws them: a header, and float32."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...record.record import Record
from ...store.reader import NotARunFile
from . import axes, curves, groups, markers
from .choices import Choices
from .colours import style_of
from .curves import Points
from .members import Member
from .scales import Scale

log = logging.getLogger(__name__)

Lines = list[tuple[Member, list[tuple[str, Points]]]]
TRAIN = "train"
MAX_SERIES = 200  # that can be an axis
MAX_MARKS = 500


def picture(
    lines: Lines, choices: Choices, scale: Scale, first: float | None, last: float | None
) -> tuple[dict[str, Any], bytes]:
    """All curves on one grid.

    Args:
        lines: The runs that are drawn, and their curves.
        choices: What is shown.
        scale: Their colours.
        first: The first x in view; None: the first there is.
        last: The last x in view.
    """
    flat = [(member, curve, points) for member, each in lines for curve, points in each]
    whole = curves.extent(points for _, _, points in flat)
    low, high = whole if first is None or last is None else (first, last)
    edges = curves.grid(low, high, len(flat) * (2 if choices.smoothing else 1))
    made = [
        (member, curve, curves.binned(points, edges, choices.smoothing if curve == TRAIN else 0.0))
        for member, curve, points in flat
    ]
    parts: list[bytes] = []
    series: list[dict[str, Any]] = []
    described: list[dict[str, Any]] = []
    if choices.group is None:
        for member, curve, line in made:
            parts += [part.tobytes() for part in line if part is not None]
            series.append({"run": member.id, "curve": curve, "smooth": line.smooth is not None})
    else:
        ends = endings(lines, choices.group)
        for (key, curve), (ids, group) in groups.collect(made, choices.group, choices.band).items():
            parts += [part.tobytes() for part in group]
            colour, dashes = group_style(choices.group, key, ids, scale)
            described.append({
                "key": key, "curve": curve, "runs": ids, "colour": colour, "dashes": list(dashes),
                "ends": [list(each) for each in ends[key, curve]],
            })  # fmt: skip
    changes, more = marks(lines, choices)
    header = {
        "x": choices.x, "align": choices.align, "metric": choices.metric, "band": choices.band,
        "first": float(edges[0]), "last": float(edges[-1]), "bins": len(edges) - 1, "whole": list(whole),
        "series": series, "groups": described, "marks": changes, "more_marks": more,
        "left_out": left_out(lines, choices), "axes": names(lines),
    }  # fmt: skip
    return header, b"".join(parts)


def group_style(by: str, key: str, ids: Sequence[str], scale: Scale) -> tuple[str, tuple[int, ...]]:
    """The colour and dashes of a group: those of its name, unless a setting gives its runs one colour."""
    style = style_of(f"{by}={key}")
    return scale.together(ids) or style.colour, style.dashes


def endings(lines: Lines, by: str) -> dict[tuple[str, str], list[groups.Ending]]:
    """Where runs drop out of each group's line."""
    lasts: dict[tuple[str, str], list[float]] = {}
    for member, each in lines:
        for curve, points in each:
            x = points.finite.x
            found = lasts.setdefault((groups.key_of(member, by), curve), [])
            found += [float(x.max())] if len(x) else []
    return {key: groups.endings(each) for key, each in lasts.items()}


def marks(lines: Lines, choices: Choices) -> tuple[list[dict[str, Any]], bool]:
    """What was changed by hand, in the runs that have a curve: where, and what; and whether there is more."""
    made: list[dict[str, Any]] = []
    more = False
    for member, each in lines:
        run = opened(member) if each else None
        if run is None:
            continue
        if len(made) >= MAX_MARKS:
            return made[:MAX_MARKS], True
        every = markers.changes(run)
        events = every[-markers.MAX_MARKS :]
        more |= len(events) < len(every)
        places = axes.places(run, choices.x, choices.align, events)
        made += [
            {"run": member.id, "x": x, "text": markers.words(event)}
            for x, event in zip(places, events, strict=False)
            if np.isfinite(x)
        ]
    return made[:MAX_MARKS], more or len(made) > MAX_MARKS


def left_out(lines: Lines, choices: Choices) -> list[str]:
    """How many runs the axis leaves out, and why."""
    runs = [run for member, each in lines if not each and (run := opened(member)) is not None]
    reasons = Counter(axes.why_not(run, choices.x, choices.align) for run in runs)
    reasons.pop("", None)
    return axes.counted(reasons)


def names(lines: Lines) -> list[str]:
    """The series that can be an axis, of the runs that are drawn."""
    every = [axes.names(run) for member, _ in lines if (run := opened(member)) is not None]
    return list(dict.fromkeys(name for each in every for name in each))[:MAX_SERIES]


def opened(member: Member) -> Record | None:
    """A run; None where it cannot be opened."""
    try:
        return member.run()
    except (NotARunFile, OSError) as error:
        log.debug("%s cannot be drawn: %s", member.id, error)
        return None
