"""What is new in a run since the last commit, as rows for its file. It reads the record, and knows no database."""

from __future__ import annotations

import copy
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..record import curves, downsampling, portable
from ..record.block_summaries import BLOCK
from ..record.events import Event
from ..record.portable import private, scalar, strict_json
from ..record.privacy import without_private
from ..record.record import Record
from ..record.table import CHUNK, Table
from ..record.values import plain, python
from . import documents, encoding
from .rows import padding, sealed
from .schema import GROWING, SERIES

Rows = dict[str, list[tuple[Any, ...]]]
PIECE = CHUNK // BLOCK  # 64-row summaries in a row of ``block``
OVERVIEW = 1000  # points
FIRST_OVERVIEW = 1024  # rows of the batches at which the first is made; the next when there are twice as many
MIN_REGULAR = 32  # rows of a stretch with regular steps that is worth a chunk of its own
DOCUMENT_BYTES_PER_S = 200.0  # a file only grows: a document that changes all the time is written less often
TIMES = ""  # the name under which ``block`` has the seconds of the last of each 64 rows
MAX_TEXT = 4_000_000  # characters of a document that is one text; what is private was taken out of it before
BY_HAND = ("board", "python")
WORK_S, REST_S = 0.0005, 0.00005  # seconds of work between two rests, and of a rest


@dataclass(frozen=True)
class Written:
    """A document as it was written: its CRC, when it may be written again, and what of, if that is never changed."""

    crc: int
    again: float
    value: Any = None


@dataclass
class Position:
    """How far a run is kept.

    Attributes:
        counts: Rows of each table that only grows.
        rows: Rows of each series.
        step: Of the newest batch: training may have gone on since its rows were taken.
        layouts: The numbers of layouts that are there, by series and names.
        events: Those that were written; one that says more by now is another.
        steered: How many of them are changes that were made by hand.
        epochs: Rows of ``epoch_rows``.
        marks: The JSON of each mark, by kind.
        documents: The documents that were written, by name.
        blocks: Version and pieces of the 64-row summaries.
        block_key: What the summaries depend on besides the rows.
        overview: Version of the overview, and the rows there were.
    """

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(GROWING, 0))
    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SERIES, 0))
    step: int = 0
    layouts: dict[tuple[str, tuple[str, ...]], int] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    steered: int = 0
    epochs: int = 0
    marks: dict[str, list[str]] = field(default_factory=dict)
    documents: dict[str, Written] = field(default_factory=dict)
    blocks: tuple[int, int] = (0, 0)
    block_key: Any = None
    overview: tuple[int, int] = (0, 0)

    def copy(self) -> Position:
        """One that can go on without this one."""
        made = copy.copy(self)
        for name in ("counts", "rows", "layouts", "marks", "documents"):
            setattr(made, name, dict(getattr(self, name)))
        made.events = list(self.events)
        return made


class News:
    """Collects rows for a file.

    Args:
        run: The run that is kept.
        since: How far it was kept.
        whole: Whether nothing may be left for later: the run is over, or paused.

    Attributes:
        rows: By table.
        position: How far it is kept once they are written.
    """

    def __init__(self, run: Record, since: Position, whole: bool = False) -> None:
        self.rows: Rows = {name: [] for name in GROWING}
        self.position = since.copy()
        self._run, self._whole, self._rested = run, whole, time.perf_counter()
        run.record_pending()
        for series, table in _tables(run).items():
            self._series(series, table)
        self._events()
        self._epochs()
        for kind, (values, make) in documents.marks(run).items():
            self._marks(kind, values, make)
        for name, value in documents.of(run).items():
            self.document(name, value)
        self._blocks()
        self._overview()

    def _add(self, table: str, *values: Any) -> int:
        self._rest()
        self.position.counts[table] += 1
        number = self.position.counts[table]
        self.rows[table].append(sealed(self._run.id, table, number, *values))
        return number

    def _rest(self) -> None:
        """Let go of the interpreter now and then: the thread that trains would wait 5 ms for it by itself."""
        if time.perf_counter() - self._rested > WORK_S:
            time.sleep(REST_S)
            self._rested = time.perf_counter()

    def document(self, name: str, value: Any) -> None:
        """Add a document, if it has changed and was not written lately."""
        written, now = self.position.documents.get(name), time.monotonic()
        if written is not None and (written.value is value or not (self._whole or now >= written.again)):
            return
        made = strict_json(plain(value, MAX_TEXT) if isinstance(value, str) else private(value))
        self.verbatim(name, made, value if name in documents.REPLACED else None)

    def verbatim(self, name: str, made: str, value: Any = None) -> None:
        """Add a document as it is, if it has changed.

        Args:
            name: Its name.
            made: JSON, without what is private.
            value: What it was made of, if that is never changed.
        """
        written, crc = self.position.documents.get(name), zlib.crc32(made.encode())
        if written is None or crc != written.crc:
            self._add("document", name, made)
        again = time.monotonic() + len(made) / DOCUMENT_BYTES_PER_S
        self.position.documents[name] = Written(crc, again, value)

    # -- series --------------------------------------------------------------------------------------------------------

    def _series(self, series: str, table: Table) -> None:
        first, last = self.position.rows[series], table.rows
        timed = series != "weights"
        for begin, end in pieces(table, first, last):
            names, values = table.piece(begin, end)
            steps = table.steps(begin, end)
            made = encoding.encode(steps, table.seconds(begin, end) if timed else None, values)
            layout = self._layout(series, names)
            here = (made.step, made.stride, made.start, made.unit, made.crc, made.data)
            self._add("chunk", series, layout, begin, end - begin, *here)
        self.position.rows[series] = max(first, last)
        if series == "batches":
            self.position.step = int(table.steps(last - 1, last)[0]) if last else self._run.first_step

    def _layout(self, series: str, names: Sequence[str]) -> int:
        key = series, tuple(names)
        known = self.position.layouts.get(key)
        if known is None:
            known = self.position.layouts[key] = self._add("layout", series, strict_json(list(names)))
        return known

    # -- events, epochs, marks -----------------------------------------------------------------------------------------

    def _events(self) -> None:
        now, before = list(self._run.events_list), self.position.events
        if now[: len(before)] != before:  # rare: more is known of one
            for number, (old, event) in enumerate(zip(before, now, strict=False)):
                if old is not event:
                    self._event(number, event)
        for number, event in enumerate(now[len(before) :], len(before)):
            self._event(number, event)
            self.position.steered += by_hand(event)
        self.position.events = now

    def _event(self, number: int, event: Event) -> None:
        old, new = (strict_json(private(scalar(value))) for value in (event.old, event.new))
        self._add(
            "event", number, event.step, event.epoch, event.time, event.kind, text(event.name), old, new,
            text(event.source), text(event.message), event.requested, int(event.at_end),
        )  # fmt: skip

    def _epochs(self) -> None:
        rows = list(self._run.epoch_rows)
        for number in range(self.position.epochs, len(rows)):
            epoch, values = rows[number]
            for name, value in values.items():
                self._add("epoch", number, epoch, text(name), _of_epoch(value))
        self.position.epochs = len(rows)

    def _marks(self, kind: str, values: Sequence[Any], make: Callable[[Any], Any]) -> None:
        before = self.position.marks.get(kind, [])
        # What lies behind the newest is never changed: only that is compared.
        first = max(0, len(before) - 1)
        fresh = [strict_json(make(value)) for value in values[first:]]
        for number, made in enumerate(fresh, first):
            if number >= len(before) or before[number] != made:
                self._add("mark", kind, number, made)
        self.position.marks[kind] = [*before[:first], *fresh]

    # -- what is known of many rows together ---------------------------------------------------------------------------

    def _blocks(self) -> None:
        run, rows = self._run, self._run.batch_table.rows
        source = curves.batches(run)
        version, done = self.position.blocks
        key = source.key()
        if done and key != self.position.block_key:
            version, done = version + 1, 0
        while (done + 1) * CHUNK < rows:  # the newest row may still be corrected
            found = run.blocks.read(done * CHUNK, (done + 1) * CHUNK, 1, rows, source.values, key)
            for column, name in enumerate(source.names()[: len(found.low)]):
                data = encoding.encode_extremes(found, column)
                self._add("block", version, done, name, data)
            ends = run.batch_table.seconds_at(np.arange(done * CHUNK + BLOCK - 1, (done + 1) * CHUNK, BLOCK))
            self._add("block", version, done, TIMES, ends.astype("<f8").tobytes())
            done += 1
        self.position.blocks, self.position.block_key = (version, done), key

    def _overview(self) -> None:
        run, rows = self._run, self._run.batch_table.rows
        version, at = self.position.overview
        due = rows >= max(FIRST_OVERVIEW, 2 * at)
        if not (due or (self._whole and run.over and (rows > at or not version))):
            return
        sources = {"batches": curves.batches(run)}
        if self._whole:
            sources |= {"epochs": curves.epochs(run), "controls": curves.controls(run)}
            sources |= {"evaluations": curves.evaluations(run)}
        for series, source in sources.items():
            found = downsampling.window(source, 0, source.rows(), OVERVIEW)
            if found is None:
                continue
            for column, name in enumerate(source.names()[: len(found.mean)]):
                numbers = zip(
                    *found.x[:2].astype(np.int64).tolist(),
                    *(part[column].tolist() for part in (found.minimum, found.maximum, found.mean)),
                    strict=True,
                )
                for point in numbers:
                    self._add("overview", version + 1, series, name, *point)
        self.position.overview = version + 1, rows


def summary(run: Record, position: Position, heard: float, every: float, number: int) -> tuple[Any, ...]:
    """The row of ``summary`` that commit ``number`` writes. Of many metrics it has the first."""
    metrics = portable.metrics(run)
    while True:
        row = sealed(
            run.id, "summary", 1 + number % 2, number, run.id, run.status, text(run.message), run.started, run.seconds,
            heard, every, position.step, position.epochs, position.rows["batches"], position.steered,
            strict_json(metrics), strict_json(position.counts),
        )  # fmt: skip
        pad = padding(row)
        if pad is not None or not metrics:
            return (*row, pad)
        metrics.popitem()


def pieces(table: Table, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Rows ``first`` to ``last`` (excluded) as stretches of one chunk each, with steps as regular as can be."""
    while first < last:
        end = min(last, (first // CHUNK + 1) * CHUNK)
        steps = table.steps(first, end)
        breaks = np.flatnonzero(np.diff(np.diff(steps))) + 2
        if len(breaks) and breaks[0] >= MIN_REGULAR:
            end = first + int(breaks[0])
        elif len(breaks):  # irregular, to where a long regular stretch begins
            far = np.flatnonzero(np.diff(np.append(breaks, len(steps))) >= MIN_REGULAR)
            end = first + int(breaks[far[0]]) if len(far) else end
        yield first, end
        first = end


def by_hand(event: Event) -> bool:
    """Whether somebody changed something of the training."""
    return event.source in BY_HAND and event.kind in ("applied", "rollback")


def text(value: Any) -> str:
    """A text as it may be kept."""
    return without_private(str(plain(value)))


def _tables(run: Record) -> dict[str, Table]:
    found = (run.batch_table, run.batch_values.weights, run.epoch_table, run.value_table, run.evaluation_table)
    return dict(zip(SERIES, found, strict=True))


def _of_epoch(value: Any) -> Any:
    """As SQLite keeps it: NaN becomes NULL."""
    try:
        known = python(value)
    except TypeError:
        return text(value)
    if isinstance(known, int) and not isinstance(known, bool) and abs(known) >= 2**63:
        return float(known)
    return text(known) if isinstance(known, str) else known
