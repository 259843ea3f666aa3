"""Appendable: a table of a run file as one that rows can be added to, chunk by chunk, bit for bit."""

from __future__ import annotations

from ..record.chunk import Chunk
from ..record.table import CHUNK, FIRST, Table
from .stored_table import StoredTable


def appendable(stored: StoredTable, timed: bool = True) -> Table:
    """A table with the same rows, in memory.

    Args:
        stored: The table of the file; each of its chunks is read once and let go of.
        timed: Whether it has times.
    """
    made = Table(timed)
    made.names, made.rows = list(stored.names), stored.rows
    made._segments, made._segment_rows = list(stored._segments), list(stored._segment_rows)
    made._next_step, made._last_step = stored._next_step, stored._last_step
    for at in range(-(-stored.rows // CHUNK)):
        found = stored._load(at)
        columns, rows = found.values.shape
        last = at == (stored.rows - 1) // CHUNK
        room = FIRST
        while room < rows:
            room *= 2
        chunk = Chunk(made.names if last else made.names[:columns], min(room, CHUNK), timed)
        chunk.values[:columns, :rows] = found.values
        if timed:
            chunk.times[:rows] = found.times  # type: ignore[index]
            if not last:
                chunk.pack()
        made._chunks.append(chunk)
    made._room = sum(chunk.room for chunk in made._chunks)
    if made._chunks:
        made._seconds = memoryview(made._chunks[-1].times)  # type: ignore[arg-type]
    return made
