"""Checks run files: whether SQLite finds its own order in them, every checksum, and all rows that are counted."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .encoding import Damaged, Encoded, decode, from_json
from .naming import is_run_file
from .reader import NotARunFile, Reader
from .rebuild import open_run
from .schema import COLUMNS, GROWING

MAX_PROBLEMS = 20  # of a file
ROWS = 64  # of bytes that are read at a time
DEADLINE_S = 600.0
CHUNK = ("layout", "first", "rows", "step", "stride", "start", "unit", "crc", "data")


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
            reader.about()
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
        names = {number: from_json(text) for number, text in self.rows("layout", ("id", "names"))}
        for table in GROWING:
            if table == "chunk":
                yield from self._chunks(names)
            elif table == "block":
                yield from self._crcs(table, "data")
            elif table == "document":
                yield from self._crcs(table, "json")
            else:
                self.rows(table, COLUMNS[table])
        yield from self._quick_check()

    def _in_pieces(self, table: str, columns: tuple[str, ...]) -> Iterator[Any]:
        count = self.counts[table]
        for first in range(1, count + 1, ROWS):
            last = min(count, first + ROWS - 1)
            found = self.between(table, ("id", *columns), first, last)
            if len(found) != last - first + 1:
                raise NotARunFile(f"of rows {first} to {last} of {table} {last - first + 1 - len(found)} are missing")
            yield from found

    def _chunks(self, names: dict[int, Any]) -> Iterator[str]:
        for number, layout, first, rows, step, stride, start, unit, crc, data in self._in_pieces("chunk", CHUNK):
            columns = names.get(layout)
            if not isinstance(columns, list) or not isinstance(rows, int) or not isinstance(data, bytes):
                yield f"chunk {number} has no columns, rows or bytes"
                continue
            try:
                found = decode(Encoded(step, stride, start, unit, crc, data), rows, len(columns))
            except (Damaged, TypeError, ValueError) as error:
                yield f"chunk {number}: {error}"
                continue
            wrong = [str(columns[column]) for column in found.damaged]
            wrong += ["their steps"] if stride is None and found.steps is None else []
            wrong += ["their times"] if unit is not None and found.seconds is None else []
            if wrong:
                yield f"rows {first} to {first + rows - 1}: {', '.join(wrong)} not what was written"

    def _crcs(self, table: str, column: str) -> Iterator[str]:
        for number, name, crc, data in self._in_pieces(table, ("name", "crc", column)):
            read = data.encode() if isinstance(data, str) else data
            if not isinstance(read, bytes) or zlib.crc32(read) != crc:
                yield f"{table} {number} ({name}) is not what was written"

    def _quick_check(self) -> Iterator[str]:
        """What SQLite finds. The schema is ours by now, so nothing but this statement is run."""
        end = time.monotonic() + DEADLINE_S
        self._connection.set_progress_handler(lambda: time.monotonic() > end, 10_000)
        self._connection.set_authorizer(None)
        self._execute("BEGIN")  # nobody writes between these two
        ((pages,), (size,)) = (self._all(f"PRAGMA page_{name}", ())[0] for name in ("count", "size"))
        there = self.path.stat().st_size
        self._execute("COMMIT")
        if there < pages * size:
            yield f"it was cut short: it has {there} of {pages * size} bytes"
        found = self._all(f"PRAGMA quick_check({MAX_PROBLEMS})", ())
        if found != [("ok",)]:
            for (line,) in found:
                yield f"SQLite finds: {str(line).strip()}; a copy that was made while it was written may have this"
