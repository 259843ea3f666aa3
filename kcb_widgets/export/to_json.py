"""A run as JSON: all that people read of it, in one object.

It is strict JSON. NaN, infinity and what is missing stay three things: ``{"float": "NaN"}``, ``{"float": "Infinity"}``
(and ``"-Infinity"``), and in columns ``null``, while an epoch leaves out what it does not have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any

from ..record.portable import metrics, private, strict_json
from ..record.privacy import without_private
from ..record.record import Record
from .columns import Column, of_batches, of_table
from .whole_file import whole

FORMAT, VERSION = "kcb-widgets run", 1


def to_json(run: Record, path: str | PathLike[str]) -> Path:
    """See ``Run.to_json``."""
    with whole(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        for piece in _pieces(run):
            file.write(piece)
    return Path(path)


def described(run: Record) -> dict[str, Any]:
    """What is known of a run besides its rows and events, as plain values without what is private."""
    return {
        "id": run.id,
        **{name: private(getattr(run, name)) for name in ("number", "title", "name", "status", "message", "started")},
        "duration": run.seconds,
        **{name: private(getattr(run, name)) for name in ("first_step", "step", "epoch", "initial_epoch", "params")},
        **{name: private(getattr(run, name)) for name in ("tags", "config", "settings")},
        "notes": without_private(run.notes),
        "texts": {name: without_private(text) for name, text in run.texts.items()},
        "metrics": private(metrics(run)),
        **{name: private(getattr(run, name)) for name in ("bests", "branches", "nonfinite", "not_finite", "values")},
    }


def events(run: Record) -> list[dict[str, Any]]:
    """Its events, as plain values without what is private."""
    return [dict(private(asdict(event))) for event in list(run.events_list)]


def _pieces(run: Record) -> Iterator[str]:
    head = {"format": FORMAT, "version": VERSION, **described(run)}
    yield strict_json(head)[:-1]
    rows = [{"epoch": epoch, **private(row)} for epoch, row in list(run.epoch_rows)]
    yield f',"epochs":{_lines(rows)}'
    for name, table in (("controls", run.value_table), ("evaluations", run.evaluation_table)):
        yield f',"{name}":'
        yield from _columns(of_table(table))
    yield ',"batches":'
    yield from _columns(of_batches(run))
    yield f',"events":{_lines(events(run))}'
    yield "}\n"


def _lines(rows: Iterable[Any]) -> str:
    return "[" + ",\n".join(map(strict_json, rows)) + "]"


def _columns(pieces: Iterable[list[Column]]) -> Iterator[str]:
    """An object of lists, one for each column, put together piece by piece."""
    found: dict[str, list[str]] = {}
    for columns in pieces:
        for column in columns:
            found.setdefault(column.name, []).append(strict_json(column.plain())[1:-1])
    yield "{"
    for number, (name, parts) in enumerate(found.items()):
        yield f"{',' if number else ''}\n{strict_json(name)}:["
        yield ",".join(parts)
        yield "]"
    yield "}"
