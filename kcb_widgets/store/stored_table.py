"""StoredTable: a table whose rows stay in a run file until they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..record.block_summaries import BLOCK, BlockSummaries, Extremes, empty
from ..record.chunk import MISSING, Floats, Indices
from ..record.table import CHUNK, Table, Values
from .encoding import EXTREMES, Damaged, Decoded, Encoded, decode, decode_extremes

PIECE = CHUNK // BLOCK
MAX_CHUNKS = 64  # held at a time
MAX_STEP = 2**53


@dataclass(frozen=True)
class Piece:
    """Where some rows lie.

    Attributes:
        id: The row of ``chunk``.
        names: Their columns.
        first: The first of them.
        rows: How many.
        step: The first row's step.
        stride: From one row's step to the next; None where they are irregular.
    """

    id: int
    names: tuple[str, ...]
    first: int
    rows: int
    step: int
    stride: int | None


class StoredChunk:
    """As many rows of a table as lie in the same arrays; see ``Chunk``."""

    def __init__(self, values: Values, times: Floats) -> None:
        self.values, self.times = values, times

    def seconds(self, rows: Indices) -> Floats:
        """Seconds of ``rows``, counted from the chunk's first."""
        return self.times[rows]


class _Chunks(Sequence[StoredChunk]):
    def __init__(self, count: int, load: Callable[[int], StoredChunk]) -> None:
        self._count, self._load = count, lru_cache(MAX_CHUNKS)(load)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, at: Any) -> Any:
        return self._load(range(self._count)[at])


class StoredTable(Table):
    """A table of a run file.

    Args:
        pieces: Where its rows lie, in order.
        read: Reads pieces ``first`` to ``last`` of the file, by their ids.
        gap: Told what could not be read, in a clause; those rows are missing.
        ends: Gives the seconds of the last of each 64 rows of a whole chunk, where they are kept.

    Raises:
        Damaged: The pieces do not fit together.
    """

    def __init__(
        self,
        pieces: Sequence[Piece],
        read: Callable[[Piece, Piece], dict[int, Encoded]],
        gap: Callable[[str], None],
        timed: bool = True,
        ends: Callable[[int], Floats | None] = lambda _: None,
    ) -> None:
        super().__init__(timed)
        self._pieces, self._read, self._gap, self._ends = list(pieces), read, gap, ends
        self._of_chunk: list[list[Piece]] = []
        for piece in self._pieces:
            self._join(piece)
        self._chunks = _Chunks(len(self._of_chunk), self._load)  # type: ignore[assignment]
        self._room = self.rows
        self._add_steps()

    @property
    def nbytes(self) -> int:
        """Memory of the columns is not held for good."""
        return 0

    @property
    def columns(self) -> list[int]:
        """How many columns each chunk has."""
        return [len(pieces[-1].names) for pieces in self._of_chunk]

    def seconds_at(self, rows: Indices) -> Floats:
        """See ``Table``; of rows that end 64 others no chunk has to be read."""
        out = np.empty(len(rows), np.float64)
        chunks = rows // CHUNK
        for at in np.unique(chunks).tolist():
            here = chunks == at
            ends = self._ends(at) if (rows[here] % BLOCK == BLOCK - 1).all() else None
            inside = rows[here] - at * CHUNK
            out[here] = self._chunks[at].seconds(inside) if ends is None else ends[inside // BLOCK]
        return out

    def _join(self, piece: Piece) -> None:
        known = len(self.names)
        if piece.first != self.rows or not 0 < piece.rows <= CHUNK - piece.first % CHUNK:
            raise Damaged(f"rows {piece.first} follow rows up to {self.rows}")
        if tuple(self.names) != piece.names[:known]:
            raise Damaged("columns change their names")
        if piece.first % CHUNK == 0:
            self._of_chunk.append([])
        self._of_chunk[-1].append(piece)
        self.names = list(piece.names)
        self.rows += piece.rows

    def _add_steps(self) -> None:
        for piece in self._pieces:
            if piece.stride is None:
                self._irregular(piece)
            else:
                self._segment(piece.first, piece.step, piece.stride, piece.rows)

    def _irregular(self, piece: Piece) -> None:
        found = self._decoded(piece, piece).get(piece.id)
        if found is None or found.steps is None or not (np.diff(found.steps) >= 0).all():
            raise Damaged(f"the steps of rows {piece.first} cannot be read")
        for i, step in enumerate(found.steps.tolist()):
            self._segment(piece.first + i, int(step), 1, 1)

    def _segment(self, row: int, step: int, stride: int, rows: int) -> None:
        last = step + stride * (rows - 1)
        if (row and step < self._last_step) or stride < 1 or not 0 <= step <= last < MAX_STEP:
            raise Damaged(f"step {step} follows step {self._last_step}")
        if rows == 1 and self._segments and step == self._next_step:  # a single row may have any stride
            stride = self._segments[-1][2]
        if not (self._segments and step == self._next_step and stride == self._segments[-1][2]):
            self._segments.append((row, step, stride))
            self._segment_rows.append(row)
        self._last_step, self._next_step = last, last + stride

    def _decoded(self, first: Piece, last: Piece) -> dict[int, Decoded]:
        """What the pieces hold, by their ids; those that cannot be read are left out."""
        try:
            found = self._read(first, last)
        except (ValueError, OSError) as error:
            self._gap(str(error))
            return {}
        made = {}
        for piece in self._of_chunk[first.first // CHUNK]:
            if first.id <= piece.id <= last.id and piece.id in found:
                try:
                    made[piece.id] = decode(found[piece.id], piece.rows, len(piece.names))
                except Damaged as error:
                    self._gap(str(error))
        return made

    def _load(self, at: int) -> StoredChunk:
        pieces = self._of_chunk[at]
        room = pieces[-1].first + pieces[-1].rows - at * CHUNK
        values = np.full((len(pieces[-1].names), room), MISSING, np.float32)
        times = np.full(room, np.nan)
        decoded = self._decoded(pieces[0], pieces[-1])
        for piece in pieces:
            rows = slice(piece.first - at * CHUNK, piece.first - at * CHUNK + piece.rows)
            found = decoded.get(piece.id)
            if found is None:
                self._gap(f"rows {piece.first} to {piece.first + piece.rows - 1} cannot be read")
                continue
            end = piece.first + piece.rows - 1
            if found.seconds is not None:
                times[rows] = found.seconds
            elif self._timed:
                self._gap(f"the times of rows {piece.first} to {end} are not what was written")
            for column in range(len(piece.names)):
                if column in found.damaged:
                    self._gap(f"{piece.names[column]} of rows {piece.first} to {end} is not what was written")
                else:
                    values[column, rows] = found.values[column]
        return StoredChunk(values, times)


class StoredSummaries(BlockSummaries):
    """Summaries of 64 rows each that stay in a run file until a picture needs them.

    Args:
        table: The table.
        read: Reads the rows of ``block``: piece, name and bytes, in the order of pieces.
    """

    def __init__(self, table: StoredTable, read: Callable[[], list[tuple[int, str, bytes]]]) -> None:
        super().__init__()
        self._names, self._stored = list(table.names), read
        self._columns = table.columns
        self._loaded = False

    def read(self, first: int, last: int, times: int, rows: int, values: Any, key: Any) -> Extremes:
        """See ``BlockSummaries``."""
        with self._turn:
            if not self._loaded:
                self._loaded = True
                self._take_stored(key)
        return super().read(first, last, times, rows, values, key)

    def load(self, key: Any) -> None:
        """Read them now: the file will be written to, and the rows go on."""
        with self._turn:
            self._loaded = True
            self._take_stored(key)

    def _take_stored(self, key: Any) -> None:
        found: dict[int, dict[str, bytes]] = {}
        for piece, name, data in self._stored():
            found.setdefault(piece, {})[name] = data
        pieces: list[Extremes] = []
        while (columns := found.get(len(pieces))) is not None:
            try:
                pieces.append(self._piece(columns, self._columns[len(pieces)]))
            except Damaged:
                break  # from here on they are made of the rows
        self._pieces, self._blocks, self._key = pieces, PIECE * len(pieces), key

    def _piece(self, columns: dict[str, bytes], least: int) -> Extremes:
        known = [i for i, name in enumerate(self._names) if name in columns]
        if known != list(range(len(columns))) or len(known) < least:
            raise Damaged("a column has no summaries")
        made = empty(len(known), PIECE)
        for i in known:
            arrays = decode_extremes(columns[self._names[i]], PIECE)
            for name, _ in EXTREMES:
                getattr(made, name)[i] = arrays[name]
        return made
