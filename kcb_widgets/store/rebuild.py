"""Rebuilds a Run from its file: everything that a live one has, without what only a fit under way needs."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any, get_args

import numpy as np

from ..record import wire
from ..record.batch_values import BatchValues
from ..record.chunk import Floats
from ..record.events import Event
from ..record.hooks import Hooks
from ..record.record import OVER
from ..record.stretches import Rule, Sizes, Stretch
from ..record.trail import Count
from ..run import Run
from . import liveness
from .encoding import Damaged, Encoded, from_json
from .reader import NotARunFile, Reader
from .schema import SERIES
from .stored_table import Piece, StoredSummaries, StoredTable
from .typed import conforms, either, those
from .writer import PIECE, TIMES

MAX_COLUMNS = 10_000
MAX_GAPS = 100  # events for what could not be read
ELSEWHERE = "this run was opened from a file: nothing of it trains here"
LIVE = {"running": "it trains in another process", "silent": "it trains in another process, which is silent"}


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
        summary, about = reader.summary(), reader.about()
        run = Run()
        try:
            Rebuilding(run, path, reader).rebuild(summary, about)
        except (Damaged, TypeError, OverflowError) as error:
            raise NotARunFile(f"{path} is damaged: {error}") from error
    return run


class StoredHooks(Hooks):
    """Which hooks ran, as it was kept."""

    def __init__(self, described: wire.Hooks) -> None:
        super().__init__()
        self._described = described

    def describe(self, trained: int) -> wire.Hooks:
        """See ``Hooks``."""
        return self._described


class Rebuilding:
    """Fills a run from its file. ``gaps`` says what could not be read."""

    def __init__(self, run: Run, path: Path, reader: Reader) -> None:
        self._run, self._path, self._reader = run, path, reader
        self.gaps: set[str] = set()
        self._documents = self._read_documents()
        self._layouts = self._read_layouts()

    def rebuild(self, summary: dict[str, Any], about: dict[str, Any]) -> None:
        """Fill it; the arguments are the rows of the tables of these names."""
        run = self._run
        self._about(about)
        run.started = _number(summary["started"])
        run.inbox, run.path, run.reopened = None, self._path, True
        tables = {series: self._table(series) for series in SERIES}
        run._batch_table, run.epoch_table = tables["batches"], tables["epochs"]
        run.value_table, run.evaluation_table = tables["controls"], tables["evaluations"]
        run.blocks = StoredSummaries(run._batch_table.names, self._summaries)
        self._state()
        self._marks()
        self._batch_values(tables["weights"])
        run._step = _whole(summary["step"])
        run._batch = run._step - run.epoch_starts[-1][1] if run.epoch_starts else 0
        run._scanned = run._batch_table.rows
        run._clock, run._ended = 0.0, _number(summary["seconds"])
        self._epochs()
        self._events()
        self._status(summary, about)

    # -- one row of each -----------------------------------------------------------------------------------------------

    def _about(self, about: dict[str, Any]) -> None:
        run = self._run
        run.id, run.name, run.notes = _text(about["run"], 64), _text(about["name"]), _text(about["notes"], 100_000)
        run.number = _whole(about["number"])
        run.tags = tuple(those(from_json(_text(about["tags"], 1_000_000)), str))
        run.config = either(from_json(_text(about["config"], 10_000_000)), dict[str, Any], {})
        run.settings = either(from_json(_text(about["settings"], 10_000_000)), dict[str, Any], {})

    def _status(self, summary: dict[str, Any], about: dict[str, Any]) -> None:
        run = self._run
        run.message = _text(summary["message"], 10_000)
        status = either(summary["status"], wire.Status, "interrupted")
        if status not in OVER:
            writer = liveness.Writer(
                _text(about["host"]), _text(about["boot"]), _whole(about["process"]),
                None if about["process_started"] is None else _number(about["process_started"]),
            )  # fmt: skip
            judged, why = liveness.Judge().judge(writer, _number(summary["heard"]), _number(summary["every"]))
            if judged == "interrupted":
                status, run.message, run.phase = "interrupted", why, ""
            else:
                run.message = why or LIVE["running"]
        run.status = status
        run.availability = dict.fromkeys(run.availability, ELSEWHERE)

    # -- documents -----------------------------------------------------------------------------------------------------

    def _read_documents(self) -> dict[str, Any]:
        found: dict[str, tuple[int, str]] = {}
        for name, crc, text in self._reader.rows("document", ("name", "crc", "json")):
            found[_text(name)] = crc, text
        made = {}
        for name, (crc, text) in found.items():
            if not isinstance(text, str) or zlib.crc32(text.encode()) != crc:
                self._gap(f"{name} is not what was written")
            else:
                made[name] = from_json(text)
        return made

    def _state(self) -> None:
        run, hints = self._run, _hints()
        state = either(self._documents.get("state"), dict[str, Any], {})
        for name, kind in hints.items():
            if name in state and conforms(state[name], kind):
                setattr(run, name, state[name])
            elif name in state:
                self._gap(f"{name} is of an unknown kind")
        run.controls = [{**each, "enabled": False, "reason": ELSEWHERE} for each in self._those("controls", wire.Control)]
        run.cards = self._those("cards", wire.Card)
        run.snapshots = self._those("snapshots", wire.Snapshot)
        if conforms(self._documents.get("hooks"), wire.Hooks):
            run.hooks = StoredHooks(self._documents["hooks"])
        pace = either(self._documents.get("throughput"), dict[str, float | None], {})
        run.throughput._per_step = pace.get("seconds_per_step")
        run.throughput.samples_per_batch = pace.get("samples_per_batch")
        run.texts = {name: text for name, text in self._documents.items() if isinstance(text, str)}

    def _those(self, name: str, kind: Any) -> list[Any]:
        values = self._documents.get(name, [])
        found = those(values, kind)
        if isinstance(values, list) and len(found) < len(values):
            self._gap(f"{len(values) - len(found)} of {len(values)} {name} are of an unknown kind")
        return found

    def _marks(self) -> None:
        run = self._run
        kinds: dict[str, tuple[Any, int, Callable[[Any], Any]]] = {
            "epoch_start": (list[int], 3, tuple),
            "branch": (list[int], 2, lambda each: {"from": each[0], "to": each[1]}),
            "count": (list[int | bool | None], 4, lambda each: Count(*each)),
            "sitting": (list[float], 2, tuple),
        }
        names = ("epoch_start", "branch", "ran_out", "stretch", "count", "sitting")
        found: dict[str, dict[int, Any]] = {name: {} for name in names}
        for kind, number, text in self._reader.rows("mark", ("kind", "number", "json")):
            if kind in found:
                found[kind][_whole(number)] = from_json(_text(text, 1_000_000))
        made: dict[str, list[Any]] = {}
        for kind, by_number in found.items():
            if list(by_number) != list(range(len(by_number))):
                raise Damaged(f"marks of kind {kind} are missing")
            of, length, make = kinds.get(kind, (Any, 0, lambda each: each))
            values = list(by_number.values())
            if not all(conforms(each, of) and (not length or len(each) == length) for each in values):
                raise Damaged(f"marks of kind {kind} are of an unknown kind")
            made[kind] = [make(each) for each in values]
        run.epoch_starts, run.branches = made["epoch_start"], made["branch"]
        run.ran_out = either(made["ran_out"], list[int], [])
        run.counts, run.sittings = made["count"], made["sitting"]
        self._stretches = made["stretch"]

    def _batch_values(self, weights: StoredTable) -> None:
        known = either(self._documents.get("batch_values"), dict[str, Any], {})
        rules = {
            name: rule
            for name, rule in either(known.get("rules"), dict[str, str], {}).items()
            if rule in get_args(Rule)
        }
        sizes = known.get("sizes")
        made = None
        if isinstance(sizes, dict) and conforms(sizes.get("batch"), int) and conforms(sizes.get("samples"), float | None):
            made = Sizes(sizes["batch"], sizes.get("samples"))
        stretches = []
        for each in self._stretches:
            kinds = (int, int, int, bool, dict[str, float], dict[str, float])
            if not isinstance(each, list) or len(each) != len(kinds):
                raise Damaged("a stretch is of an unknown kind")
            if not all(conforms(value, kind) for value, kind in zip(each, kinds, strict=True)):
                raise Damaged("a stretch is of an unknown kind")
            stretches.append(Stretch(*each))
        bounded = those(known.get("bounded"), str)
        self._run.batch_values = BatchValues.restored(rules, bounded, made, weights, stretches)

    # -- rows ----------------------------------------------------------------------------------------------------------

    def _read_layouts(self) -> dict[int, tuple[str, ...]]:
        found = {}
        for number, names in self._reader.rows("layout", ("id", "names")):
            columns = from_json(_text(names, 10_000_000))
            if not conforms(columns, list[str]) or len(columns) > MAX_COLUMNS:
                raise Damaged("columns have no names")
            found[number] = tuple(columns)
        return found

    def _table(self, series: str) -> StoredTable:
        columns = ("id", "series", "layout", "first", "rows", "step", "stride")
        if not hasattr(self, "_index"):
            self._index = self._reader.rows("chunk", columns)
        pieces = []
        for number, of, layout, first, rows, step, stride in self._index:
            if of == series:
                names = self._layouts.get(layout)
                if names is None:
                    raise Damaged("rows have no columns")
                place = (_whole(number), names, _whole(first), _whole(rows), _whole(step))
                pieces.append(Piece(*place, None if stride is None else _whole(stride)))
        ids, path = {piece.id for piece in pieces}, self._path

        def read(first: Piece, last: Piece) -> dict[int, Encoded]:
            with Reader(path) as reader:
                reader.summary()
                found = reader.between("chunk", ("id", *PARTS), first.id, last.id)
            return {number: _encoded(parts) for number, *parts in found if number in ids}

        ends = self._ends if series == "batches" else lambda _: None
        return StoredTable(pieces, read, self._gap, timed=series != "weights", ends=ends)

    def _ends(self, piece: int) -> Floats | None:
        data = {at: data for at, name, data in self._blocks if name == TIMES}.get(piece, b"")
        return np.frombuffer(data, "<f8") if len(data) == 8 * PIECE else None

    def _summaries(self) -> list[tuple[int, str, bytes]]:
        return [block for block in self._blocks if block[1] != TIMES]

    @functools.cached_property
    def _blocks(self) -> list[tuple[int, str, bytes]]:
        """What is known of each 64 rows; read when a picture first needs it."""
        try:
            with Reader(self._path) as reader:
                reader.summary()
                rows = reader.rows("block", ("version", "piece", "name", "crc", "data"))
        except (ValueError, OSError) as error:
            self._gap(str(error))
            return []
        newest = max((row[0] for row in rows if isinstance(row[0], int)), default=0)
        return [
            (piece, name, data)
            for version, piece, name, crc, data in rows
            if version == newest and isinstance(data, bytes) and zlib.crc32(data) == crc
        ]

    def _epochs(self) -> None:
        rows: list[tuple[int, dict[str, Any]]] = self._run.epoch_rows
        for number, epoch, name, value in self._reader.rows("epoch", ("number", "epoch", "name", "value")):
            if number == len(rows):
                rows.append((_whole(epoch), {}))
            if number != len(rows) - 1:
                raise Damaged("epochs are missing")
            if not isinstance(value, (int, float, str, type(None))):
                raise Damaged("an epoch's value is of an unknown kind")
            rows[-1][1][_text(name)] = float("nan") if value is None else value

    def _events(self) -> None:
        names = ("number", "step", "epoch", "time", "kind", "name", "old", "new", "source", "message", "requested", "at_end")
        found: dict[int, Event] = {}
        for row in self._reader.rows("event", names):
            number, step, epoch, time, kind, name, old, new, source, message, requested, at_end = row
            found[_whole(number)] = Event(
                _whole(step), _whole(epoch), _number(time), _text(kind), _text(name), _scalar(old), _scalar(new),
                _text(source), _text(message, 100_000), None if requested is None else _number(requested), bool(at_end),
            )  # fmt: skip
        if list(found) != list(range(len(found))):
            raise Damaged("events are missing")
        self._run.events_list[:0] = found.values()  # before what is said of gaps

    def _gap(self, why: str) -> None:
        """Say, once for each, what could not be read; any thread may, and much later."""
        if why not in self.gaps and len(self.gaps) < MAX_GAPS:
            self.gaps.add(why)
            self._run.add_event("warning", "file", message=why)


PARTS = ("step", "stride", "start", "unit", "crc", "data")


def _encoded(parts: list[Any]) -> Encoded:
    step, stride, start, unit, crc, data = parts
    if not (isinstance(crc, bytes) and isinstance(data, bytes)):
        raise NotARunFile("a chunk has no bytes")
    numbers = (None if each is None else _number(each) for each in (start, unit))
    return Encoded(_whole(step), None if stride is None else _whole(stride), *numbers, crc, data)


def _hints() -> dict[str, Any]:
    """The attributes of a record that the document ``state`` may set."""
    return {
        "title": str, "first_step": int, "phase": wire.Phase, "params": dict[str, Any], "epoch": int | None,
        "initial_epoch": int, "announced_epoch": int, "batches_per_epoch": int | None, "test_batch": int,
        "test_batches": int | None, "values": dict[str, float], "nonfinite": list[wire.NonFinite],
        "not_finite": wire.NotFinite | None, "bests": list[wire.MetricBest], "flow": wire.Flow,
        "steps_per_execution": int, "continues": bool,
    }  # fmt: skip


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**53:
        raise Damaged(f"{str(value)[:50]!r} is no whole number")
    return value


def _number(value: Any) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise Damaged(f"{str(value)[:50]!r} is no number")
    return float(value)


def _text(value: Any, most: int = 10_000) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise Damaged(f"{str(value)[:50]!r} is no text of up to {most} letters")
    return value


def _scalar(value: Any) -> Any:
    found = from_json(_text(value, 100_000))
    if not isinstance(found, (int, float, str, type(None))):
        raise Damaged("an event's value is of an unknown kind")
    return found
