"""Hot journals: what SQLite left beside a run file whose process was killed in the middle of a commit.

SQLite puts the old pages back when the file is next opened for writing. That is right for the file and its own
journal. A folder copied while a run was written may have the file of one commit and the journal of a later one: then it
would mix the two. And a journal from elsewhere may name a file that SQLite deletes, or make the file as long as it
likes. What is not rolled back is read all the same: the summary before the newest counts what was there before.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from .schema import PAGE_SIZE

MAGIC = bytes.fromhex("d9d505f920a163d7")
HEADER = 28
CHANGES = slice(24, 28)  # of a database's first page: how often it was changed
PAGES = slice(28, 32)  # and how many pages it has
SECTORS = tuple(2**i for i in range(9, 17))  # bytes that its header may take
RECORD = PAGE_SIZE + 8
SAMPLED = 200  # every so many bytes of a page are in its checksum


def state(path: Path) -> str:
    """What is to be done about what lies beside a file: ``none``, ``roll back`` or ``ignore``.

    Args:
        path: The run file, which this process does not write, with no link in its way.
    """
    if os.path.lexists(f"{path}-wal") or os.path.lexists(f"{path}-shm"):  # of another mode, which ours never has
        return "ignore"
    beside = Path(f"{path}-journal")
    try:
        if not stat.S_ISREG(beside.lstat().st_mode):  # a pipe would never end
            return "ignore"
        with beside.open("rb") as journal, path.open("rb") as main:
            changes = main.read(HEADER)[CHANGES]
            return _state(journal, changes, os.fstat(main.fileno()).st_size // PAGE_SIZE)
    except FileNotFoundError:
        return "none"
    except OSError:
        return "ignore"


def _state(journal: BinaryIO, changes: bytes, pages: int) -> str:
    size = os.fstat(journal.fileno()).st_size
    if size >= len(MAGIC):
        journal.seek(-len(MAGIC), os.SEEK_END)
        if journal.read() == MAGIC:  # it names another file
            return "ignore"
    journal.seek(0)
    header = journal.read(HEADER)
    if len(header) < HEADER or header[:8] != MAGIC:
        return "none"
    before = int.from_bytes(header[16:20], "big")
    first = _first_page(journal, size, before)
    if first is None or int.from_bytes(first[PAGES], "big") != before or before > pages:
        return "ignore"
    old, now = int.from_bytes(first[CHANGES], "big"), int.from_bytes(changes, "big")
    return "roll back" if now in (old, (old + 1) % 2**32) else "ignore"


def _first_page(journal: BinaryIO, size: int, pages: int) -> bytes | None:
    """The database's first page as the journal has it; None where it has none, or is not whole."""
    at, found = 0, None
    while at + HEADER <= size:
        journal.seek(at)
        header = journal.read(HEADER)
        count, nonce, before, sector, page_size = (int.from_bytes(header[i : i + 4], "big") for i in range(8, 28, 4))
        if header[:8] != MAGIC:  # what an earlier, longer one left
            break
        if before != pages or page_size != PAGE_SIZE or sector not in SECTORS:
            return None
        if not count or count > (size - at) // RECORD:
            return None
        journal.seek(at + sector)
        for _ in range(count):
            record = journal.read(RECORD)
            number, page = int.from_bytes(record[:4], "big"), record[4:-4]
            total = (nonce + sum(page[PAGE_SIZE - SAMPLED : 0 : -SAMPLED])) % 2**32
            if len(record) < RECORD or not 1 <= number <= pages or total != int.from_bytes(record[-4:], "big"):
                return None
            found = page if number == 1 else found
        at = -(-(at + sector + count * RECORD) // sector) * sector
    return found
