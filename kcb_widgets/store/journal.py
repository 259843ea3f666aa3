"""Hot journals: what SQLite left beside a run file whose process was killed in the middle of a commit.

SQLite puts the old pages back when the file is next opened for writing. That is right for the file and its own journal.
A folder copied while a run was written may have the file of one commit and the journal of a later one: then it would
mix the two. And a journal that names a super-journal makes SQLite delete that file, so one from elsewhere is not
trusted.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

MAGIC = bytes.fromhex("d9d505f920a163d7")
HEADER = 28
CHANGES = slice(24, 28)  # of a database's first page: how often it was changed
MAX_PAGES = 100_000


def state(path: Path) -> str:
    """What is to be done about the journal beside a file: ``none``, ``roll back`` or ``ignore``.

    Args:
        path: The run file, which this process does not write.
    """
    try:
        with Path(f"{path}-journal").open("rb") as journal, path.open("rb") as main:
            changes = main.read(HEADER)[CHANGES]
            before = _first_page(journal)
            named = _names_super_journal(journal)
    except FileNotFoundError:
        return "none"
    except OSError:
        return "ignore"
    if before is None:
        return "none"
    if named or len(changes) < 4:
        return "ignore"
    old, now = int.from_bytes(before[CHANGES], "big"), int.from_bytes(changes, "big")
    return "roll back" if now in (old, (old + 1) % 2**32) else "ignore"


def _first_page(journal: BinaryIO) -> bytes | None:
    """The database's first page as the journal has it; None where the journal is empty or is none."""
    header = journal.read(HEADER)
    if len(header) < HEADER or header[:8] != MAGIC:
        return None
    pages = int.from_bytes(header[8:12], "big")
    sector, size = int.from_bytes(header[20:24], "big"), int.from_bytes(header[24:28], "big")
    if not 512 <= size <= 65_536 or not 32 <= sector <= 65_536:
        return None
    journal.seek(sector)
    for _ in range(min(pages, MAX_PAGES)):
        record = journal.read(size + 8)
        if len(record) < size + 8:
            return None
        if int.from_bytes(record[:4], "big") == 1:
            return record[4 : 4 + size]
    return None


def _names_super_journal(journal: BinaryIO) -> bool:
    if journal.seek(0, 2) < 8:
        return False
    journal.seek(-8, 2)
    return journal.read(8) == MAGIC
