"""Reads run files. A file may be cut short, damaged, another program's or made to do harm: nothing in it is trusted.

It is opened read-only for each look, and closed again. Its header and schema must be exactly ours before SQLite is
shown it. SQLite may do nothing but read our tables, within a time and memory that are bounded. Every row is checked.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..record.record import OVER
from . import journal, pages, run_file
from .encoding import Damaged, from_json
from .leaves import Leaves
from .rows import CRC, crc_of, is_whole, run_of
from .schema import BLOB, COLUMNS, COVERED, GROWING, TABLES, UNCOVERED

log = logging.getLogger(__name__)

DEADLINE_S = 30.0  # seconds that one look may take
LOCK_TIMEOUT_S = 2.0
MAX_VALUE = 64 << 20  # bytes of one value
MIN_ROW = 8  # bytes that a row takes at least
SPARSE = 8  # a table may have so many cells for each byte of the file, where columns came late
FEW = 500_000  # cells that any table may have
LIMITS = {
    "SQL_LENGTH": 10_000,
    "COLUMN": 100,
    "EXPR_DEPTH": 20,
    "COMPOUND_SELECT": 1,
    "FUNCTION_ARG": 4,
    "ATTACHED": 0,
    "VARIABLE_NUMBER": 20,
    "TRIGGER_DEPTH": 1,
    "WORKER_THREADS": 0,
}
Row = tuple[Any, ...]


class NotARunFile(ValueError):
    """A file is no run file, or cannot be read as one."""


class Reader:
    """One look into a run file.

    Args:
        path: The file.
        before: An earlier look at the same run: what that had to find out is not found out again.

    Attributes:
        path: The file.
        size: Its bytes.
        run: The run's id, once the summary was read.
        counts: The rows of each table that count, once the summary was read.
        ignored: Whether something lies beside it that SQLite must not be shown: a journal that is none of its own.
        older: Whether the state before the newest commit is read, as not all is there that it wrote, or may be.

    Raises:
        FileNotFoundError: There is no such file.
        NotARunFile: It is no run file, is newer than this version knows, or is damaged.
    """

    def __init__(self, path: Path, before: Reader | None = None) -> None:
        self.path = path
        self.run = ""
        self.counts: dict[str, int] = {}
        self.older = False
        self._before = before
        self._leaves: Leaves | None = before._leaves if before is not None else None
        self._end = time.monotonic() + DEADLINE_S
        self._connection = self._open()

    def close(self) -> None:
        """End the look."""
        self._connection.close()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- reading -------------------------------------------------------------------------------------------------------

    def summary(self, whole: bool = True) -> dict[str, Any]:
        """The row of ``summary`` that holds; from then on its counts bound all that is read.

        Args:
            whole: Whether all that it counts must be there. In a copy that was made in the middle of a commit it is
                not, and the row before it holds.

        Raises:
            NotARunFile: It is damaged.
        """
        rows = [dict(zip(COLUMNS["summary"], row, strict=False)) for row in self._read("summary", 1, 2)[0].values()]
        rows = [row for row in rows if isinstance(row["number"], int) and row["run"] and isinstance(row["run"], str)]
        rows.sort(key=lambda row: row["number"], reverse=True)
        known = [(row, counts) for row in rows if (counts := self._counts(row["counts"])) is not None]
        if not known or len({row["run"] for row in rows}) > 1:
            raise self.damaged("its summary is not what was written")
        if self._before is not None and self._before.run != rows[0]["run"]:
            raise self.damaged("it is another run's by now")
        self.run, (row, self.counts) = rows[0]["run"], known[0]
        self.older = len(known) == 1  # the other, whether it was newer or not, cannot be read
        if whole and not self.older and not self._has_all(known[1][1], row["status"] in OVER):
            self.older, (row, self.counts) = True, known[1]
        return row

    def about(self) -> dict[str, Any] | None:
        """The row of ``about``; None where it is not what was written."""
        found, _ = self._read("about", 1, 1)
        return dict(zip(COLUMNS["about"], found[1], strict=True)) if 1 in found else None

    def rows(self, table: str, columns: Sequence[str]) -> list[Row | None]:
        """The rows of a table that grows, oldest first, as far as the summary counts them.

        Args:
            table: The table.
            columns: What is read of each row.

        Returns:
            None for a row that is not what was written.
        """
        most = self.counts[table]
        found = self.between(table, columns, 1, most)
        return [found.get(number) for number in range(1, most + 1)]

    def between(self, table: str, columns: Sequence[str], first: int, last: int) -> dict[int, Row]:
        """Rows ``first`` to ``last`` (included) of a table that grows, by their numbers; see ``rows``."""
        count = min(last, self.counts[table]) - first + 1
        if count < 1:
            return {}
        which = [COLUMNS[table].index(name) for name in columns]
        uncovered = max(which) >= len(COVERED[table])
        found, _ = self._read(table, first, count, uncovered)
        return {number: tuple([row[i] for i in which]) for number, row in found.items()}

    def fits(self, rows: int, columns: int) -> bool:
        """Whether a file of this size may have a table of so many cells: few bytes must not stand for many."""
        return rows * max(columns, 1) <= max(FEW, SPARSE * self.size)

    def _counts(self, text: Any) -> dict[str, int] | None:
        """The rows of each table; None where a file of this size cannot have them."""
        try:
            counts = from_json(text)
        except (Damaged, TypeError):
            return None
        good = isinstance(counts, dict) and all(self._is_count(counts.get(name)) for name in GROWING)
        return {name: counts[name] for name in GROWING} if good else None

    def _is_count(self, value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= self.size // MIN_ROW

    def _has_all(self, older: dict[str, int], over: bool) -> bool:
        """Whether all rows are there that were written since ``older``.

        One that is not what was written may be half of it. But when the run is over, it is rather a damaged one, and
        is missed less than what the last commit says of the run.
        """
        for table in (name for name in GROWING if name != "overview"):  # which is not for us
            last = self.counts[table]
            first = min(older[table], last) + 1
            if last < first:
                continue
            found, bad = self._read(table, first, last - first + 1, table in UNCOVERED)
            if len(found) + (len(bad) if over else 0) < last - first + 1:
                return False
            if not over and not all(is_whole(table, row) for row in found.values()):
                return False
        return True

    def _read(self, table: str, first: int, count: int, uncovered: bool = False) -> tuple[dict[int, Row], set[int]]:
        """Rows by their numbers; and the numbers of those that are there and are not what was written."""
        found: dict[int, Row] = {}
        bad: set[int] = set()
        try:
            self._select(table, first, count, uncovered, found, bad)
        except (sqlite3.Error, UnicodeError, OverflowError) as error:
            name = getattr(error, "sqlite_errorname", "")
            if name.startswith(("SQLITE_BUSY", "SQLITE_INTERRUPT")):
                raise self._wrong(name) from error
        half = {number for number, row in found.items() if uncovered and not is_whole(table, row)}
        if (len(found) < count or half) and not self._ours:
            if self._leaves is None or self._leaves.size != self.size:
                self._leaves = Leaves(self.path, self.size, self._end)
            missing = [number for number in range(first, first + count) if number not in found or number in half]
            found |= self._leaves.rows(table, self.run, missing, uncovered)
        return found, bad - found.keys()

    def _select(
        self, table: str, first: int, count: int, uncovered: bool, found: dict[int, Row], bad: set[int]
    ) -> None:
        names = COLUMNS[table] if uncovered else COVERED[table]
        # A limit and no other end: it must not look at the row after the last, which a copy may not have.
        sql = f"SELECT {', '.join(names)} FROM {table} {'WHERE id >= ?' if first > 1 else ''} ORDER BY id LIMIT ?"
        blobs, room = BLOB[table], self.size
        for row in self._connection.execute(sql, (first, count) if first > 1 else (count,)):
            number = row[0]
            if not first <= number < first + count:
                break
            room -= sum(len(value) for value in row if isinstance(value, bytes))
            if room < 0:  # rows that lie in one place
                break
            if crc_of(self.run or run_of(table, row), table, row) != row[CRC]:
                bad.add(number)
                continue
            try:
                found[number] = tuple(
                    [v.decode() if isinstance(v, bytes) and i not in blobs else v for i, v in enumerate(row)]
                )
            except UnicodeDecodeError:
                bad.add(number)

    # -- opening -------------------------------------------------------------------------------------------------------

    def _open(self) -> sqlite3.Connection:
        found = self.path.stat()  # raises FileNotFoundError
        if not self.path.is_file():
            raise NotARunFile(f"{self.path} is no file")
        real = self.path.resolve()  # beside which SQLite looks for a journal
        self.size = found.st_size
        self._ours = (found.st_dev, found.st_ino) in run_file.being_written
        what = "none"
        if not self._ours:  # else it may be touched through SQLite only
            self._check(real)
            what = journal.state(real)
            if what == "roll back":
                with contextlib.suppress(sqlite3.Error):  # a folder that may not be written to: see below
                    self._roll_back(real)
                self._check(real)
                self.size = real.stat().st_size
        self.ignored = what == "ignore"
        try:
            if what != "ignore":
                try:
                    return self._connect(real, "mode=ro")
                except sqlite3.OperationalError as error:
                    if self._ours or getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
                        raise
            return self._connect(real, "mode=ro&immutable=1")  # whatever lies beside it; each row is checked
        except sqlite3.Error as error:
            raise self._wrong(getattr(error, "sqlite_errorname", ""), str(error)) from error

    def _check(self, real: Path) -> None:
        try:
            wrong = pages.check(real)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise NotARunFile(f"{self.path} cannot be read: {error.strerror}") from error
        if wrong:
            raise NotARunFile(f"{self.path} is no run file that can be read: {wrong}")

    @staticmethod
    def _roll_back(real: Path) -> None:
        """Have SQLite put back what a killed process left half written.

        While the process lives SQLite sees its lock, and waits instead.
        """
        uri = f"{real.as_uri()}?mode=rw"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=LOCK_TIMEOUT_S)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA user_version").fetchone()

    def _connect(self, real: Path, options: str) -> sqlite3.Connection:
        uri = f"{real.as_uri()}?{options}"
        connection = sqlite3.connect(
            uri, uri=True, timeout=LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        try:
            for name, most in LIMITS.items():
                connection.setlimit(getattr(sqlite3, f"SQLITE_LIMIT_{name}"), most)
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(10_000, min(MAX_VALUE, self.size)))
            for pragma in ("mmap_size = 0", "trusted_schema = OFF", "cell_size_check = ON", "query_only = ON"):
                connection.execute(f"PRAGMA {pragma}")
            connection.set_progress_handler(lambda: time.monotonic() > self._end, 10_000)
            connection.text_factory = bytes
            connection.set_authorizer(_authorize)
            connection.execute("SELECT id FROM summary LIMIT 1").fetchone()
        except sqlite3.OperationalError:  # it cannot be opened
            connection.close()
            raise
        except sqlite3.DatabaseError:  # what cannot be read by way of SQLite may be there all the same
            log.debug("%s is damaged", real, exc_info=True)
        except BaseException:
            connection.close()
            raise
        return connection

    def damaged(self, why: str) -> NotARunFile:
        """What to raise where the file is not what was written.

        Args:
            why: A clause.
        """
        return NotARunFile(
            f"{self.path} is damaged ({why}): copy it again from where it was written, or look at it with "
            "'kcb-widgets check'"
        )

    def _wrong(self, name: str, why: str = "") -> NotARunFile:
        if name.startswith("SQLITE_BUSY"):
            return NotARunFile(f"{self.path} is locked by another process: try again")
        if name.startswith("SQLITE_INTERRUPT"):
            return NotARunFile(f"{self.path} takes longer than {DEADLINE_S:g} s to read")
        return self.damaged(why or name)


def _authorize(action: int, first: str | None, second: str | None, database: str | None, _trigger: str | None) -> int:
    if action == sqlite3.SQLITE_SELECT:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_READ and first in TABLES:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY
