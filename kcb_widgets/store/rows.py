"""Rows as they lie in a run file: each with a CRC-32 of its other columns.

The CRC is of, one after the other: the table's name, a zero byte, the run's id, a zero byte, and the row's columns as
they stand in the table, but for ``crc`` itself and what ``schema.UNCOVERED`` names. A column is ``n`` where it is NULL;
``i`` and the digits of a whole number; ``f`` and the 8 bytes, little-endian, of another number; ``t``, the length in
bytes, ``:`` and the bytes of a text (UTF-8) or blob. So no row passes for one of another place, table or run.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from .encoding import Encoded
from .schema import COLUMNS, COVERED, REAL

SUMMARY_BYTES = 3800  # of each of its two rows: both lie on one page
MAX_SHORT = 57  # bytes of a text whose length takes one byte
WHOLE = 2**47 - 1  # up to here SQLite stores a REAL without a fraction as a whole number
CRC = 1  # where the CRC stands in a row


@lru_cache(64)
def _seed(run: str, table: str) -> int:
    return zlib.crc32(f"{table}\0{run}\0".encode("utf-8", "replace"))


def _packed(value: Any) -> bytes:
    if value is None:
        return b"n"
    if isinstance(value, int):
        return b"i%d" % value
    if isinstance(value, float):
        return b"f" + struct.pack("<d", value)
    raw = value.encode() if isinstance(value, str) else value
    return b"t%d:%s" % (len(raw), raw)


def crc_of(run: str, table: str, row: Sequence[Any]) -> int:
    """The CRC of a row.

    Args:
        run: The id of its run.
        table: Its table.
        row: All its columns, with any CRC; what is not covered may be left out.
    """
    covered = enumerate(row[: len(COVERED[table])])
    return zlib.crc32(b"".join([_packed(value) for i, value in covered if i != CRC]), _seed(run, table))


def is_whole(table: str, row: Sequence[Any]) -> bool:
    """Whether the column without a CRC of a row is what was written too, where it was read."""
    if table != "chunk" or len(row) < len(COLUMNS[table]):
        return True
    chunk = dict(zip(COLUMNS[table], row, strict=True))
    parts = Encoded(*(chunk[name] for name in ("step", "stride", "start", "unit", "crcs", "data")))
    try:
        return parts.whole(chunk["rows"])
    except (TypeError, ValueError, OverflowError):
        return False


def run_of(table: str, row: Sequence[Any]) -> str:
    """The id of the run that a row of ``summary`` says it is of."""
    run = row[COVERED[table].index("run")]
    return run.decode("utf-8", "replace") if isinstance(run, bytes) else str(run)


def sealed(run: str, table: str, number: int, *values: Any) -> tuple[Any, ...]:
    """A row as it is written, with its CRC.

    Args:
        run: The id of its run.
        table: Its table.
        number: Its ``id``.
        values: The columns after the CRC.
    """
    row = [_as_stored(value, i in REAL[table]) for i, value in enumerate((number, 0, *values))]
    row[CRC] = crc_of(run, table, row)
    return tuple(row)


def _as_stored(value: Any, real: bool) -> Any:
    """What SQLite will give back."""
    if isinstance(value, bool):
        value = int(value)
    if real and isinstance(value, int):
        value = float(value)
    if isinstance(value, float):
        return None if math.isnan(value) else value + 0.0 if real else value  # a REAL column does not keep -0.0
    return value


def padding(row: Sequence[Any]) -> str | None:
    """What has to stand in the last column of a row of ``summary`` for it to have its length; None if it is too long.

    Args:
        row: The other columns.
    """
    room = SUMMARY_BYTES - sum(_size(value) for value in row[1:])
    return " " * room if room > MAX_SHORT else None


def _size(value: Any) -> int:
    """Bytes that a value takes in SQLite's records, its type included."""
    if isinstance(value, str):
        length = len(value.encode())
        return length + (1 if length <= MAX_SHORT else 2)
    if value is None or value in (0, 1):
        return 1
    if isinstance(value, float):
        if not value.is_integer() or abs(value) > WHOLE:
            return 9
        value = int(value)
    return 1 + next(size for size in (1, 2, 3, 4, 6, 8) if -(2 ** (8 * size - 1)) <= value < 2 ** (8 * size - 1))
