"""Goes on with a run that was kept: finds it, reads all of it, and makes its file this process's."""

from __future__ import annotations

import datetime
import os
import sqlite3
import threading
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..record import curves
from ..record.record import OVER, Record
from ..run import Run
from . import journal, listing, liveness
from .about import About
from .appendable import appendable
from .catch_up import catch_up
from .encoding import Damaged, from_json
from .naming import is_run_file, slug
from .reader import NotARunFile, Reader
from .rebuild import Rebuilding
from .run_file import Gone, RunFile
from .schema import SERIES
from .stored_table import StoredSummaries, StoredTable
from .writer import Position, Written, by_hand

turn = threading.RLock()
"""Held from the search to the end: a second search in this process would open and close a file that the first locks."""


class CannotResume(Exception):
    """A run cannot be gone on with; says why in a clause."""


@dataclass
class Kept:
    """A run that was kept, and can be gone on with.

    Attributes:
        run: The run, with tables that rows can be added to.
        position: How far it is kept.
        away: For how long nothing trained it, and how it ended, in a clause.
    """

    run: Run
    position: Position
    away: str


def last(folder: Path, name: str | None) -> tuple[Path, str] | None:
    """The run of a folder that was last heard of, and its status; None where there is none.

    Args:
        folder: The folder.
        name: What it is called; None: anything.

    Raises:
        CannotResume: A file that is newer cannot be read, so it may be that one.
    """
    judge, broken = liveness.Judge(), []
    found: list[tuple[float, Path, str]] = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if not is_run_file(path):
            continue
        try:
            row = listing.read(path, judge)
        except (ValueError, TypeError, OSError) as error:
            if name is None or f"-{slug(name)}-" in path.name:
                broken.append((_changed(path), _said(error, path)))
            continue
        if name is None or row["name"] == name:
            found.append((row["heard"], path, row["status"]))
    newest = max(found, default=None)
    for changed, why in broken:
        if newest is None or changed > newest[0]:
            raise CannotResume(why)
    return None if newest is None else newest[1:]


def read(path: Path, trusted: bool) -> Kept:
    """All of a run, as it was kept.

    Args:
        path: Its file.
        trusted: Whether a process of another machine, of which nothing can be known, is taken for dead.

    Raises:
        CannotResume: It cannot be read, or a process that lives writes it.
    """
    try:
        with Reader(path) as reader:
            if journal.state(path) == "ignore":
                raise CannotResume(f"{path.name} lies beside a journal that is not its own")
            summary, about = reader.summary(), reader.about()
            if about is None:
                raise CannotResume(f"{path.name} is damaged: it does not say who wrote it")
            before = _refuse_while_it_lives(summary, about, trusted)
            run = Run()
            rebuilding = Rebuilding(run, path, reader)
            rebuilding.rebuild(summary, about)
            position = _position(reader, run)
        _take_into_memory(run)
        catch_up(run)
    except FileNotFoundError:
        raise CannotResume(f"there is no {path.name}") from None
    except (NotARunFile, Damaged, OSError, TypeError, OverflowError) as error:
        raise CannotResume(_said(error, path)) from error
    if rebuilding.gaps:
        raise CannotResume(f"{path.name} is damaged: {min(rebuilding.gaps)}")
    away = datetime.timedelta(seconds=round(max(0.0, time.time() - summary["heard"])))
    return Kept(run, position, f"after {away} away; {before}")


def take(kept: Kept, run: Record, path: Path, about: About, every: float, trusted: bool) -> RunFile:
    """Make a run's file this process's.

    Args:
        kept: What was read of it.
        run: The run that goes on: ``kept.run``, or another that took over all it has.
        path: The file.
        about: What is known of the run now.
        every: Seconds between commits.
        trusted: See ``read``.

    Raises:
        CannotResume: Another process did so first, or it cannot be written.
    """

    def allow(connection: sqlite3.Connection) -> None:
        rows = []
        for order in ("summary ORDER BY number DESC", "about"):
            cursor = connection.execute(f"SELECT * FROM {order} LIMIT 1")
            rows.append({column[0]: each for column, each in zip(cursor.description, cursor.fetchone(), strict=True)})
        summary, about = rows
        _refuse_while_it_lives(summary, about, trusted)

    file = RunFile(run, path.parent, about)
    try:
        file.go_on(path, kept.position, every, allow)
    except (Gone, OSError, sqlite3.Error) as error:
        raise CannotResume(str(error)) from error
    return file


def _refuse_while_it_lives(summary: dict[str, Any], about: dict[str, Any], trusted: bool) -> str:
    """How a run ended, in a clause.

    Raises:
        CannotResume: It has not, or that cannot be known.
    """
    if summary["status"] in OVER:
        return f"it had {summary['status'] if summary['status'] == 'failed' else 'been ' + summary['status']}"
    writer = liveness.WritingProcess(about["host"], about["boot"], about["process"], about["process_started"])
    judged, why = liveness.Judge().judge(writer, summary["heard"], summary["every"])
    if judged == "interrupted":
        return "the machine was started again" if "machine" in why else "its process had ended"
    if judged == "unknown":
        if trusted:
            return "another machine trained it"
        raise CannotResume(f"it was {why}; if its process has ended, name its file (resume=path)")
    where = "this" if writer.process == os.getpid() else "another"
    raise CannotResume(f"it trains in {where} process{', which is ' + why if why else ''}")


def _said(error: Exception, path: Path) -> str:
    """What went wrong, without the folder."""
    return str(error).replace(str(path), path.name)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _take_into_memory(run: Run) -> None:
    for name in ("_batch_table", "epoch_table", "value_table", "evaluation_table"):
        table = getattr(run, name)
        assert isinstance(table, StoredTable)
        setattr(run, name, appendable(table))
    weights = run.batch_values.weights
    assert isinstance(weights, StoredTable)
    assert isinstance(run.blocks, StoredSummaries)
    run.batch_values.weights = appendable(weights, timed=False)
    run.blocks.load(curves.batches(run).key())


def _position(reader: Reader, run: Run) -> Position:
    """How far a run is kept, by its file."""
    tables = (run.batch_table, run.batch_values.weights, run.epoch_table, run.value_table, run.evaluation_table)
    marks: dict[str, dict[int, str]] = {}
    for kind, number, text in _whole(reader, "mark", "kind", "number", "json"):
        marks.setdefault(kind, {})[number] = text
    blocks = _whole(reader, "block", "version", "piece")
    version = max((each for each, _ in blocks), default=0)
    pieces = len({piece for each, piece in blocks if each == version})
    overviews = _whole(reader, "overview", "version")
    events = 1 + max((number for (number,) in _whole(reader, "event", "number")), default=-1)
    return Position(
        counts=dict(reader.counts),
        rows={name: table.rows for name, table in zip(SERIES, tables, strict=True)},
        layouts={
            (series, tuple(from_json(names))): number
            for number, series, names in _whole(reader, "layout", "id", "series", "names")
        },
        events=run.events_list[:events],
        steered=sum(by_hand(event) for event in run.events_list[:events]),
        epochs=len(run.epoch_rows),
        marks={kind: list(by_number.values()) for kind, by_number in marks.items()},
        documents={
            name: Written(zlib.crc32(made.encode()), 0.0) for name, made in _whole(reader, "document", "name", "json")
        },
        blocks=(version, pieces),
        block_key=curves.batches(run).key(),
        overview=(max((each for (each,) in overviews), default=0), run.batch_table.rows if overviews else 0),
    )


def _whole(reader: Reader, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """All rows of a table.

    Raises:
        CannotResume: One is not what was written.
    """
    rows = [row for row in reader.rows(table, columns) if row is not None]
    if len(rows) < reader.counts[table]:
        raise CannotResume(f"{reader.path.name} is damaged: rows of {table} are not what was written")
    return rows
