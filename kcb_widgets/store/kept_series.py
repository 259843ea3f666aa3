"""The series of a run file: where their rows lie, and what reads them when they are asked for."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..record.chunk import Floats
from ..record.table import CHUNK
from .encoding import Damaged, Encoded, from_json
from .reader import Reader
from .stored_table import Piece, StoredSummaries, StoredTable
from .typed import conforms, number, text, whole
from .writer import PIECE, TIMES

INDEX = ("id", "series", "layout", "first", "rows", "step", "stride")
PARTS = ("id", "step", "stride", "start", "unit", "crcs", "data")
MAX_SECONDS = 1e12
Block = tuple[int, str, bytes]


class KeptSeries:
    """The series of a run file.

    Args:
        path: The file.
        reader: A look at it, whose summary was read.
        gap: Told what cannot be read, in a clause.

    Raises:
        Damaged: They do not fit together.
    """

    def __init__(self, path: Path, reader: Reader, gap: Callable[[str], None]) -> None:
        self._path, self._reader, self._gap = path, reader, gap
        self._open = True
        self._layouts = self._read_layouts()
        self._index = reader.rows("chunk", INDEX)
        if None in self._index:
            gap(f"{self._index.count(None)} pieces of the series are not what was written")

    def close(self) -> None:
        """The look is over; rows are read by others from now on."""
        self._open = False

    def table(self, series: str) -> StoredTable:
        """The table of a series.

        Raises:
            Damaged: Its rows do not fit together.
        """
        pieces = []
        for row in self._index:
            if row is not None and row[1] == series:
                names = self._layouts.get(row[2])
                if names is None:
                    raise Damaged("rows have no columns")
                at, _, _, first, rows, step, stride = row
                place = (at, names, whole(first), whole(rows), whole(step))
                pieces.append(Piece(*place, None if stride is None else whole(stride)))
        if pieces and not self._reader.fits(pieces[-1].first + pieces[-1].rows, len(pieces[-1].names)):
            raise Damaged("there are more rows and columns than it has room for")
        ids = {piece.id for piece in pieces}

        def read(first: Piece, last: Piece) -> dict[int, Encoded]:
            with self._look() as reader:
                found = reader.between("chunk", PARTS, first.id, last.id)
            return {at: _encoded(parts) for at, parts in found.items() if at in ids}

        ends = self._ends if series == "batches" else lambda _: None
        return StoredTable(pieces, read, self._gap, timed=series != "weights", ends=ends)

    def summaries(self, table: StoredTable) -> StoredSummaries:
        """What is kept of each 64 rows of the batches."""
        most = table.rows // CHUNK
        return StoredSummaries(table, lambda: [each for each in self._blocks[0] if each[0] < most])

    def _ends(self, piece: int) -> Floats | None:
        data = self._blocks[1].get(piece, b"")
        return np.frombuffer(data, "<f8") if len(data) == 8 * PIECE else None

    @functools.cached_property
    def _blocks(self) -> tuple[list[Block], dict[int, bytes]]:
        """What is kept of each 64 rows, and when they ended; read when a picture first needs it."""
        try:
            with self._look() as reader:
                rows = [row for row in reader.rows("block", ("version", "piece", "name", "data")) if row is not None]
        except (ValueError, OSError) as error:
            self._gap(str(error))
            return [], {}
        newest = max((row[0] for row in rows if isinstance(row[0], int)), default=0)
        good = [
            (piece, name, data)
            for version, piece, name, data in rows
            if version == newest and conforms(piece, int) and isinstance(name, str) and isinstance(data, bytes)
        ]
        return [each for each in good if each[1] != TIMES], {at: data for at, name, data in good if name == TIMES}

    @contextlib.contextmanager
    def _look(self) -> Iterator[Reader]:
        if self._open:
            yield self._reader
        else:
            with Reader(self._path, self._reader) as reader:
                reader.summary(whole=False)
                yield reader

    def _read_layouts(self) -> dict[int, tuple[str, ...]]:
        found = {}
        for at, row in enumerate(self._reader.rows("layout", ("names",)), 1):
            if row is not None:
                names = from_json(text(row[0], 10_000_000))
                if not conforms(names, list[str]) or len(set(names)) < len(names):
                    raise Damaged("columns have no names of their own")
                found[at] = tuple(names)
        return found


def _encoded(parts: tuple[Any, ...]) -> Encoded:
    _, step, stride, start, unit, crcs, data = parts
    if not (isinstance(crcs, bytes) and isinstance(data, bytes)):
        raise Damaged("a piece of a series has no bytes")
    times = [None if each is None else number(each) for each in (start, unit)]
    if any(each is not None and not math.fabs(each) < MAX_SECONDS for each in times):
        raise Damaged("a piece of a series has impossible times")
    return Encoded(whole(step), None if stride is None else whole(stride), times[0], times[1], crcs, data)
