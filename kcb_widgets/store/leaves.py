"""Leaves: the rows of a run file, found without the pages that lead to them.

SQLite finds a row by way of other pages, which change as a table grows. In a copy that was made meanwhile they may be
of different times, and lead nowhere. But rows lie where they were first written, and their CRCs say which they are: so
they are all there, if only one looks at every page.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from .encoding import Damaged
from .pages import LEAF, PageRecord, cells
from .rows import CRC, crc_of, is_whole, run_of
from .schema import COLUMNS, COVERED, PAGE_SIZE, REAL

READ = 128  # pages at a time


class Leaves:
    """Where the rows of a file lie.

    Args:
        path: The file, which this process does not write.
        size: Its bytes.
        end: When to give up, by ``time.monotonic()``; what was not found by then is missing.
    """

    def __init__(self, path: Path, size: int, end: float) -> None:
        self.size = size
        self._path, self._pages = path, size // PAGE_SIZE + 1
        self._at: dict[tuple[int, int], list[int]] = {}  # by number of columns and row
        with path.open("rb") as file:
            for first in range(0, self._pages, READ):
                self._scan(file.read(READ * PAGE_SIZE), first)
                if time.monotonic() > end:
                    break

    def _scan(self, data: bytes, first: int) -> None:
        for at in range(0, len(data), PAGE_SIZE):
            if data[at] == LEAF:
                page = data[at : at + PAGE_SIZE].ljust(PAGE_SIZE, b"\0")
                for cell in cells(page):
                    try:
                        found = PageRecord(page, cell, self._pages)
                    except Damaged:
                        continue
                    key = found.columns, found.number
                    self._at.setdefault(key, []).append(first * PAGE_SIZE + at + cell)

    def rows(self, table: str, run: str, numbers: Iterable[int], uncovered: bool) -> dict[int, tuple[Any, ...]]:
        """Rows of a table that are what was written, with all their columns, by their numbers.

        Args:
            table: The table.
            run: The id of its run; empty where a row itself says it.
            numbers: Which are wanted.
            uncovered: Whether the column that has no CRC is read too.
        """
        found: dict[int, tuple[Any, ...]] = {}
        room = self.size  # for texts and blobs: more have no place in it
        with self._path.open("rb") as file:
            for number in numbers:
                for place in self._at.get((len(COLUMNS[table]), number), ()):
                    row = self._row(file, place, table, run, uncovered)
                    if row is not None:
                        found[number] = row
                        room -= sum(len(value) for value in row if isinstance(value, (str, bytes)))
                        if room < 0 or is_whole(table, row):
                            break
                if room < 0:
                    break
        return found

    def _row(self, file: BinaryIO, place: int, table: str, run: str, uncovered: bool) -> tuple[Any, ...] | None:
        file.seek(place - place % PAGE_SIZE)
        page = file.read(PAGE_SIZE).ljust(PAGE_SIZE, b"\0")
        try:
            record = PageRecord(page, place % PAGE_SIZE, self._pages, file)
            names = COLUMNS[table] if uncovered else COVERED[table]
            values = [record.value(i, i in REAL[table]) for i in range(len(names))]
        except Damaged:
            return None
        values[0] = record.number  # it is no column of its own
        return tuple(values) if crc_of(run or run_of(table, values), table, values) == values[CRC] else None
