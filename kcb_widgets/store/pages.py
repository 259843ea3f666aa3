"""Pages of a run file, read without SQLite: as far as it takes to know that a file is one, and to find its rows again.

SQLite is shown a file only after ``check``: its header and its schema are ours to the letter, so that nothing in it can
be run. ``leaves.py`` reads rows with what is here. (The format: https://www.sqlite.org/fileformat2.html.)
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from .encoding import Damaged
from .schema import APPLICATION_ID, FORMAT, PAGE_SIZE, TABLES

MAGIC = b"SQLite format 3\0"
LEAF = 0x0D
SCHEMA_AT = 100  # on the first page, after the file's header
MAX_LOCAL = PAGE_SIZE - 35  # bytes of a row that may lie on a leaf page
MIN_LOCAL = (PAGE_SIZE - 12) * 32 // 255 - 23
OVERFLOW = PAGE_SIZE - 4  # bytes of a row on a page of its own
SIZES = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)  # bytes, by serial type
MAX_HEADER = 200  # bytes of a row that say what its columns are

# Of the header: where, how many bytes, what must stand there, and what is wrong else.
HEADER = (
    (68, 4, APPLICATION_ID, "it is another program's database"),
    (16, 2, PAGE_SIZE, "its pages have another size"),
    (
        18,
        2,
        0x0101,
        "another program has switched it to SQLite's WAL mode; 'PRAGMA journal_mode = DELETE' switches back",
    ),
    (20, 4, 0x00402020, "its header is none of ours"),
    (44, 4, 4, "its header is none of ours"),
    (52, 4, 0, "another program has rearranged its pages"),
    (56, 4, 1, "its texts are no UTF-8"),
)


def check(path: Path) -> str:
    """What is wrong with a file, in a clause; empty where SQLite may be shown it.

    Args:
        path: The file, which this process does not write.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        page = file.read(PAGE_SIZE)
    if len(page) < PAGE_SIZE or page[:16] != MAGIC:
        return "it is no SQLite database, or was cut short"
    for at, size, wanted, wrong in HEADER:
        if int.from_bytes(page[at : at + size], "big") != wanted:
            return wrong
    version = int.from_bytes(page[60:64], "big")
    if version != FORMAT:
        newer = f"it was written by a newer version (format {version}): update kcb-widgets"
        return newer if version > FORMAT else "its format is of no version"
    try:
        found = [PageRecord(page, at, 0) for at in cells(page, SCHEMA_AT)]
        schema = [tuple(record.value(column) for column in range(5)) for record in found]
    except Damaged:
        return "its list of tables is damaged"
    ours = [("table", name, name, sql) for name, sql in TABLES.items()]
    if [(kind, name, of, sql) for kind, name, of, _, sql in schema] != ours:
        return "its tables are others"
    roots = [root for *_, root, _ in schema]
    if not all(isinstance(root, int) and root > 1 for root in roots) or len(set(roots)) < len(roots):
        return "its list of tables is damaged"
    return ""


def cells(page: bytes, at: int = 0) -> Iterator[int]:
    """Where the cells of a leaf begin; none, where a page is no leaf.

    Args:
        page: The page.
        at: Where its header begins.
    """
    if page[at] == LEAF:
        (count,) = struct.unpack_from(">H", page, at + 3)
        last = min(count, (PAGE_SIZE - at - 8) // 2)
        for cell in struct.unpack_from(f">{last}H", page, at + 8):
            if cell < PAGE_SIZE - 4:
                yield cell


def _varint(data: bytes | bytearray, at: int) -> tuple[int, int]:
    value = 0  # 7 bits a byte, and 8 of the ninth
    for _ in range(8):
        if at >= len(data):
            raise Damaged("a number is cut short")
        byte = data[at]
        value, at = value << 7 | byte & 0x7F, at + 1
        if byte < 0x80:
            return value, at
    if at >= len(data):
        raise Damaged("a number is cut short")
    return value << 8 | data[at], at + 1


class PageRecord:
    """A row as it lies in a leaf.

    Args:
        page: The leaf.
        at: Where its cell begins.
        most: Pages of the file: no row is longer.
        file: Where the rest of a long row is read from.

    Attributes:
        number: Its rowid.
        columns: How many it has.

    Raises:
        Damaged: It is no row.
    """

    def __init__(self, page: bytes, at: int, most: int, file: BinaryIO | None = None) -> None:
        self._file = file
        self._size, at = _varint(page, at)
        self.number, at = _varint(page, at)
        local = self._size
        if local > MAX_LOCAL:
            local = MIN_LOCAL + (self._size - MIN_LOCAL) % OVERFLOW
            local = MIN_LOCAL if local > MAX_LOCAL else local
        self._data = bytearray(page[at : at + local])
        self._next = int.from_bytes(page[at + local : at + local + 4], "big") if self._size > local else 0
        if len(self._data) < local or self._size > (most + 1) * PAGE_SIZE:
            raise Damaged("a row is cut short")
        self._most = most
        end, at = _varint(self._data, 0)
        if not at <= end <= len(self._data) or end > MAX_HEADER:
            raise Damaged("a row has no columns")
        kinds = []
        while at < end:
            kind, at = _varint(self._data, at)
            kinds.append(kind)
        self._kinds, self._ends = kinds, [end]
        for kind in kinds:
            size = SIZES[kind] if kind < len(SIZES) else (kind - 12) // 2
            self._ends.append(self._ends[-1] + size)
        self.columns = len(kinds)
        if self._ends[-1] > self._size:
            raise Damaged("a row is cut short")

    def value(self, column: int, real: bool = False) -> Any:
        """A column's value.

        Args:
            column: Which.
            real: Whether it is a REAL column, where whole numbers stand for floats.

        Raises:
            Damaged: There is none.
        """
        if column >= self.columns:
            raise Damaged("a row has too few columns")
        kind, data = self._kinds[column], self._read(self._ends[column], self._ends[column + 1])
        if kind == 0:
            return None
        if kind in (8, 9):
            return float(kind - 8) if real else kind - 8
        if kind < 7:
            whole = int.from_bytes(data, "big", signed=True)
            return float(whole) if real else whole
        if kind == 7:
            return struct.unpack(">d", data)[0]
        if kind in (10, 11):
            raise Damaged("a value is of an unknown kind")
        try:
            return data.decode() if kind % 2 else bytes(data)
        except UnicodeDecodeError as error:
            raise Damaged("a text is none") from error

    def _read(self, first: int, last: int) -> bytearray:
        while len(self._data) < last and self._most > 0:
            if self._file is None or not self._next:
                break
            self._file.seek((self._next - 1) * PAGE_SIZE)
            page = self._file.read(PAGE_SIZE)
            self._next = int.from_bytes(page[:4], "big")
            self._data += page[4:]
            self._most -= 1  # pages may lead in a circle
            if len(page) < PAGE_SIZE:
                break
        if len(self._data) < last:
            raise Damaged("a row is cut short")
        return self._data[first:last]
