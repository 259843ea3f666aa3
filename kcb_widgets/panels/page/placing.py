"""Placing: what puts a run's curves on any axis and in line with others, and its changes by hand with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...record.portable import text
from ...record.record import Record
from ..comparison import axes, markers, picture
from ..comparison.curves import ROW_AXES
from ..comparison.members import Member
from .document import dumped

MAX_PLACES = 400_000  # bytes of all
MARKS = (markers.MAX_MARKS, 10, 2, 0)  # of a run, until they fit
WORDS = {"samples": axes.NO_BATCH_SIZE, "nouns": {name: kind.noun for name, kind in markers.KINDS.items()}}
"""Why a run is not drawn."""


def places(members: Sequence[Member]) -> dict[str, dict[str, Any]]:
    """By a run's id what places it, in a size that a page has room for; runs that cannot be opened have nothing.

    ``samples`` is its batch size, ``origins`` where its markers are on each of ``ROW_AXES``, and ``marks`` where its
    changes are, and what they are. Where that is too much no run has origins.
    """
    every = {member.id: _of(run) for member in members if (run := member.opened()) is not None}
    for most in MARKS:
        for found in every.values():
            left_out = max(0, len(found["marks"]) - most)
            found["more"] = found["more"] or left_out > 0
            found["marks"] = found["marks"][left_out:]
        if len(dumped(every)) <= MAX_PLACES:
            return every
    return {id_: {**found, "origins": {}} for id_, found in every.items()}


def names(members: Sequence[Member]) -> list[str]:
    """The series that a kernel could draw the curves by."""
    return [text(name) for name in picture.names([(member, []) for member in members])]


def _of(run: Record) -> dict[str, Any]:
    every = markers.changes(run)
    events = every[-markers.MAX_MARKS :]
    columns = [[_number(each) for each in axes.places(run, axis, None, events)] for axis in ROW_AXES]
    rows = zip(*columns, strict=True) if events else ()
    marks = [[*row, text(markers.words(event))] for row, event in zip(rows, events, strict=True)]
    origins = {kind: [_number(axes.origin(run, axis, kind)) for axis in ROW_AXES] for kind in markers.ALIGN}
    return {
        "samples": axes.batch_size(run),
        "origins": {kind: at for kind, at in origins.items() if None not in at},
        "marks": [mark for mark in marks if None not in mark],
        "more": len(events) < len(every),
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
