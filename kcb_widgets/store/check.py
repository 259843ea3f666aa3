"""Checks run files: whether SQLite finds its own order in them, every checksum, and all rows that are counted."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .encoding import Damaged, Encoded, decode, from_json
from .naming import is_run_file
from .reader import NotARunFile, Reader
from .rebuild import open_run
from .schema import GROWING

MAX_PROBLEMS = 20  # of a file
ROWS = 64  # of bytes that are read at a time
DEADLINE_S = 600.0
CHUNK = ("layout", "first", "rows", "step", "stride", "start", "unit", "crcs", "data")


@dataclass(frozen=True)
class Checked:
    """What was found in a file.

    Attributes:
        path: The file.
        problems: What is wrong, a clause each; empty where nothing is.
        counts: By table, the rows that count.
    """

    path: Path
    problems: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)


def check_folder(folder: Path) -> Iterator[Checked]:
    """Check all run files of a folder.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    for path in sorted(path for path in folder.iterdir() if is_run_file(path)):
        yield check(path)


def check(path: Path) -> Checked:
    """Check a run file; nothing is written to it.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: There is none.
    """
    problems: list[str] = []
    counts: dict[str, int] = {}
    try:
        reader = _Check(path)
        with reader:
            reader.summary()
            counts = dict(reader.counts)
            problems += reader.problems()
        run = open_run(path)
        problems += [event.message for event in run.events_list if event.name == "file"]
    except (NotARunFile, Damaged, OSError) as error:
        if isinstance(error, FileNotFoundError) and not path.exists():
            raise
        problems.append(str(error))
    return Checked(path, tuple(dict.fromkeys(problems))[:MAX_PROBLEMS], counts)


class _Check(Reader):
    """One look at all there is."""

    def problems(self) -> Iterator[str]:
        """What is wrong with rows that count, and then with the file."""
        if self.about() is None:
            yield "what it says of its run is not what was written"
        for table in GROWING:
            rows = self.rows(table, ("id",))
            bad = [number for number, row in enumerate(rows, 1) if row is None]
            if bad:
                yield f"{len(bad)} of {len(rows)} rows of {table} are missing or not what was written, from {bad[0]} on"
        yield from self._chunks()
        yield from self._quick_check()

    def _chunks(self) -> Iterator[str]:
        """Their arrays have checksums of their own."""
        layouts = {row[0]: from_json(row[1]) for row in self.rows("layout", ("id", "names")) if row is not None}
        for first in range(1, self.counts["chunk"] + 1, ROWS):
            for number, row in self.between("chunk", CHUNK, first, first + ROWS - 1).items():
                layout, begin, rows, step, stride, start, unit, crcs, data = row
                columns = layouts.get(layout)
                if not isinstance(columns, list):
                    yield f"chunk {number} has no columns"
                    continue
                try:
                    found = decode(Encoded(step, stride, start, unit, crcs, data), rows, len(columns))
                except (Damaged, TypeError, ValueError) as error:
                    yield f"chunk {number}: {error}"
                    continue
                wrong = [str(columns[column]) for column in found.damaged]
                wrong += ["their steps"] if stride is None and found.steps is None else []
                wrong += ["their times"] if unit is not None and found.seconds is None else []
                if wrong:
                    yield f"rows {begin} to {begin + rows - 1}: {', '.join(wrong)} not what was written"

    def _quick_check(self) -> Iterator[str]:
        """What SQLite finds. The schema is ours by now, so nothing but this statement is run."""
        end = time.monotonic() + DEADLINE_S
        connection = self._connection
        connection.set_progress_handler(lambda: time.monotonic() > end, 10_000)
        connection.set_authorizer(None)
        connection.text_factory = str
        try:
            connection.execute("BEGIN")  # nobody writes between these two
            (pages,), (size,) = (connection.execute(f"PRAGMA page_{name}").fetchone() for name in ("count", "size"))
            there = self.path.stat().st_size
            connection.execute("COMMIT")
            if there < pages * size:
                yield f"it was cut short: it has {there} of {pages * size} bytes"
            found = connection.execute(f"PRAGMA quick_check({MAX_PROBLEMS})").fetchall()
        except sqlite3.Error as error:
            found = [(str(error),)]
        if found != [("ok",)]:
            for (line,) in found:
                yield f"SQLite finds: {str(line).strip()}; a copy that was made while it was written may have this"
