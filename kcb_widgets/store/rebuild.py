"""Rebuilds a Run from its file: everything that a live one has, without what only a fit under way needs."""

from __future__ import annotations

import logging
from os import PathLike
from pathlib import Path
from typing import Any

from ..record import wire
from ..record.events import Event
from ..record.record import OVER
from ..run import Run
from . import liveness
from .encoding import Damaged, from_json
from .kept_series import KeptSeries
from .kept_state import ELSEWHERE, Documents, Marks
from .reader import NotARunFile, Reader
from .schema import COLUMNS, SERIES
from .typed import either, number, text, those, whole

MAX_GAPS = 100  # events for what could not be read
LIVE = {"running": "it trains in another process", "silent": "it trains in another process, which is silent"}

log = logging.getLogger(__name__)


def open_run(path: str | PathLike[str]) -> Run:
    """Open a run file.

    Args:
        path: The file.

    Returns:
        The run as it was when this was called.

    Raises:
        FileNotFoundError: There is no such file.
        NotARunFile: It is no run file, is newer than this version knows, or is damaged.
    """
    path = Path(path)
    with Reader(path) as reader:
        run = Run()
        try:
            Rebuilding(run, path, reader).rebuild(reader.summary(), reader.about())
        except NotARunFile:
            raise
        except Damaged as error:
            raise reader.damaged(str(error)) from error
        except Exception as error:  # whatever may stand in a file, it is the file that is wrong
            log.debug("%s cannot be opened", path, exc_info=True)
            raise reader.damaged(f"{type(error).__name__}: {error}") from error
    return run


class Rebuilding:
    """Fills a run from its file. ``gaps`` says what could not be read."""

    def __init__(self, run: Run, path: Path, reader: Reader) -> None:
        self._run, self._path, self._reader = run, path, reader
        self.gaps: set[str] = set()

    def rebuild(self, summary: dict[str, Any], about: dict[str, Any] | None) -> None:
        """Fill it; the arguments are the rows of the tables of these names."""
        run, reader = self._run, self._reader
        run.started = number(summary["started"])
        run.inbox, run.path, run.reopened = None, self._path, True
        self._about(summary, about)
        documents, marks = Documents(reader, self._gap), Marks(reader)
        series = KeptSeries(self._path, reader, self._gap)
        try:
            tables = {name: series.table(name) for name in SERIES}
        finally:
            series.close()
        if tables["batches"].rows != summary["batches"]:
            raise Damaged("the newest batches are missing")
        run._batch_table, run.epoch_table = tables["batches"], tables["epochs"]
        run.value_table, run.evaluation_table = tables["controls"], tables["evaluations"]
        run.blocks = series.summaries(tables["batches"])
        documents.restore(run)
        run.epoch_starts, run.branches, run.ran_out = marks.epoch_starts, marks.branches, marks.ran_out
        run.counts, run.sittings = marks.counts, marks.sittings
        run.batch_values = documents.batch_values(tables["weights"], marks.stretches)
        run._step = whole(summary["step"])
        run.picture = documents.picture(run._step)
        run._batch = max(0, run._step - run.epoch_starts[-1][1]) if run.epoch_starts else 0
        if run.first_step > run._step:
            raise Damaged("it began after its last step")
        run._scanned = run._batch_table.rows
        run._clock, run._ended = 0.0, number(summary["seconds"])
        self._epochs()
        self._events()
        self._status(summary, about)
        if reader.older:
            self._gap("its newest rows may be missing, as in a copy made in mid-commit: it is as it was before them")

    def _about(self, summary: dict[str, Any], about: dict[str, Any] | None) -> None:
        run = self._run
        run.id = text(summary["run"], 64)
        if about is None:
            self._gap("what it is called and how it was set up is not what was written")
            return
        run.name, run.notes = text(about["name"]), text(about["notes"], 100_000)
        run.number = whole(about["number"])
        run.tags = tuple(those(from_json(text(about["tags"], 1_000_000)), str))
        run.config = either(from_json(text(about["config"], 10_000_000)), dict[str, Any], {})
        run.settings = either(from_json(text(about["settings"], 10_000_000)), dict[str, Any], {})

    def _status(self, summary: dict[str, Any], about: dict[str, Any] | None) -> None:
        run = self._run
        run.message = text(summary["message"], 10_000)
        status: wire.Status = either(summary["status"], wire.Status, "interrupted")
        if status not in OVER:
            judged, why = liveness.Judge().judge(
                liveness.writer_of(about), number(summary["heard"]), number(summary["every"])
            )
            if judged == "interrupted":
                status, run.message, run.phase = "interrupted", why, ""
            else:
                run.message = why or LIVE["running"]
        run.status = status
        run.availability = dict.fromkeys(run.availability, ELSEWHERE)

    def _epochs(self) -> None:
        rows: list[tuple[int, dict[str, Any]]] = self._run.epoch_rows
        names: set[str] = set()
        for row in self._reader.rows("epoch", ("number", "epoch", "name", "value")):
            if row is None:
                self._gap("a value of an epoch is not what was written")
                continue
            at, epoch, name, value = row
            if whole(at) == len(rows):
                rows.append((whole(epoch), {}))
            if at != len(rows) - 1:
                raise Damaged("epochs are missing")
            if not isinstance(value, (int, float, str, type(None))):
                raise Damaged("an epoch's value is of an unknown kind")
            rows[-1][1][text(name)] = float("nan") if value is None else value
            names.add(name)
        if not self._reader.fits(len(rows), len(names)):
            raise Damaged("there are more epochs and metrics than it has room for")

    def _events(self) -> None:
        found: dict[int, Event] = {}
        lost = False
        for row in self._reader.rows("event", COLUMNS["event"][2:]):
            if row is None:
                self._gap("an event is not what was written")
                lost = True
                continue
            at, step, epoch, time, kind, name, old, new, source, message, requested, at_end = row
            found[whole(at)] = Event(
                whole(step), whole(epoch), number(time), text(kind), text(name), _scalar(old), _scalar(new),
                text(source), text(message, 100_000), None if requested is None else number(requested), bool(at_end),
            )  # fmt: skip
        if sorted(found) != list(range(len(found))) and not lost:
            raise Damaged("events are missing")
        self._run.events_list[:0] = [event for _, event in sorted(found.items())]  # before what is said of gaps

    def _gap(self, why: str) -> None:
        """Say, once for each, what could not be read; any thread may, and much later."""
        if why not in self.gaps and len(self.gaps) < MAX_GAPS:
            self.gaps.add(why)
            self._run.add_event("warning", "file", message=why)


def _scalar(made: Any) -> Any:
    found = from_json(text(made, 100_000))
    if not isinstance(found, (int, float, str, type(None))):
        raise Damaged("an event's value is of an unknown kind")
    return found
