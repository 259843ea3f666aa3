"""Reads run files. A file may be cut short, damaged, another program's or made to do harm: nothing in it is trusted.

It is opened read-only for each look, and closed again. Its schema must be exactly ours; SQLite may do nothing but read
our tables, within a time and memory that are bounded.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from . import journal, run_file
from .encoding import Damaged, from_json
from .schema import APPLICATION_ID, FORMAT, GROWING, TABLES
from .writer import checksum

MAGIC = b"SQLite format 3\0"
HEADER = 100  # bytes
DEADLINE_S = 30.0  # seconds that one look may take
LOCK_TIMEOUT_S = 2.0
MAX_VALUE = 64 << 20  # bytes of one value
MAX_ROWS = 50_000_000
LIMITS = {
    "LENGTH": MAX_VALUE,
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


class NotARunFile(ValueError):
    """A file is no run file, or cannot be read as one."""


class Reader:
    """One look into a run file.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: There is no such file.
        NotARunFile: It is no run file, is newer than this version knows, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: dict[str, int] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._connection = self._open()

    def close(self) -> None:
        """End the look."""
        self._connection.close()
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- reading -------------------------------------------------------------------------------------------------------

    def summary(self) -> dict[str, Any]:
        """The row of ``summary``; from then on its counts bound all that is read.

        Raises:
            NotARunFile: It is damaged.
        """
        row = self._one("summary")
        *values, crc = row.values()
        counts = self._json(row["counts"])
        good = isinstance(counts, dict) and all(_is_count(counts.get(name)) for name in GROWING)
        if not good or checksum(values) != crc:
            raise self._damaged("its summary is not what was written")
        self.counts = {name: counts[name] for name in GROWING}
        return row

    def about(self) -> dict[str, Any]:
        """The row of ``about``."""
        return self._one("about")

    def rows(self, table: str, columns: Sequence[str], where: str = "", values: Sequence[Any] = ()) -> list[Any]:
        """Rows of a table that grows, oldest first, as far as the summary counts them.

        Args:
            table: The table.
            columns: What is read of each row.
            where: A condition; without it, rows that are missing are an error.
            values: What its marks stand for.

        Raises:
            NotARunFile: The file is damaged.
        """
        most = self.counts[table]
        if not most:
            return []
        if where:
            sql = f"SELECT {', '.join(columns)} FROM {table} WHERE id <= {most} AND ({where}) ORDER BY id"
        else:  # a limit and no condition: it must not look at the row after the last, which a copy may not have
            sql = f"SELECT {', '.join(columns)} FROM {table} ORDER BY id LIMIT {most}"
        found = self._all(sql, values)
        if not where and len(found) != most:
            raise self._damaged(f"{most - len(found)} of {most} rows of {table} are missing")
        return found

    def between(self, table: str, columns: Sequence[str], first: int, last: int) -> list[Any]:
        """Rows ``first`` to ``last`` (included) of a table that grows, by their numbers."""
        sql = f"SELECT {', '.join(columns)} FROM {table} WHERE id >= ? ORDER BY id LIMIT ?"
        return self._all(sql, (first, max(0, min(last, self.counts[table]) - first + 1)))

    def _one(self, table: str) -> dict[str, Any]:
        cursor = self._execute(f"SELECT * FROM {table} LIMIT 1")
        with self._errors():
            row = cursor.fetchone()
        if row is None:
            raise self._damaged(f"it has no {table}")
        return dict(zip((column[0] for column in cursor.description), row, strict=True))

    def _all(self, sql: str, values: Sequence[Any]) -> list[Any]:
        with self._errors():
            return self._execute(sql, values).fetchmany(MAX_ROWS)

    def _execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        with self._errors():
            return self._connection.execute(sql, values)

    def _json(self, text: Any) -> Any:
        if not isinstance(text, str):
            raise self._damaged("a text is missing")
        try:
            return from_json(text)
        except Damaged as error:
            raise self._damaged(str(error)) from error

    # -- opening -------------------------------------------------------------------------------------------------------

    def _open(self) -> sqlite3.Connection:
        path = self.path
        found = path.stat()  # raises FileNotFoundError
        if not path.is_file():
            raise NotARunFile(f"{path} is no file")
        ours = (found.st_dev, found.st_ino) in run_file.being_written
        options = "mode=ro"
        if not ours:  # else it may be touched through SQLite only
            self._check_header()
            what = journal.state(path)
            if what == "roll back" and not self._roll_back():
                what = "ignore"
            if what == "ignore":
                options += "&immutable=1"
        connection = self._connect(self.path, options)
        try:
            self._confine(connection)
            self._check_schema(connection)
        except sqlite3.Error as error:
            connection.close()
            raise self._wrong(error) from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_header(self) -> None:
        try:
            with self.path.open("rb") as file:
                header = file.read(HEADER)
        except OSError as error:
            raise NotARunFile(f"{self.path} cannot be read: {error.strerror}") from error
        if len(header) < HEADER or header[:16] != MAGIC:
            raise NotARunFile(f"{self.path} is no run file: it is no SQLite database, or was cut short")
        if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
            raise NotARunFile(f"{self.path} is no run file: it is another program's database")

    def _roll_back(self) -> bool:
        """Have SQLite put back what a killed process left half written; whether that was done.

        While the process lives SQLite sees its lock, and waits instead.
        """
        try:
            self._touch(self.path)
        except sqlite3.OperationalError:  # the folder may not be written to: do it in another
            self._folder = tempfile.TemporaryDirectory(prefix="kcb-run-")
            copy = Path(self._folder.name) / self.path.name
            try:
                shutil.copyfile(self.path, copy)
                shutil.copyfile(f"{self.path}-journal", f"{copy}-journal")
                self._touch(copy)
            except (OSError, sqlite3.Error):
                return False
            self.path = copy
        except sqlite3.Error:
            return False
        return True

    def _touch(self, path: Path) -> None:
        with contextlib.closing(self._connect(path, "mode=rw")) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA user_version").fetchone()

    @staticmethod
    def _connect(path: Path, options: str) -> sqlite3.Connection:
        uri = f"{path.absolute().as_uri()}?{options}"
        return sqlite3.connect(uri, uri=True, timeout=LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False)

    def _confine(self, connection: sqlite3.Connection) -> None:
        for name, most in LIMITS.items():
            connection.setlimit(getattr(sqlite3, f"SQLITE_LIMIT_{name}"), most)
        for pragma in ("mmap_size = 0", "trusted_schema = OFF", "cell_size_check = ON", "query_only = ON"):
            connection.execute(f"PRAGMA {pragma}")
        end = time.monotonic() + DEADLINE_S
        connection.set_progress_handler(lambda: time.monotonic() > end, 10_000)

    def _check_schema(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > FORMAT:
            raise NotARunFile(f"{self.path} was written by a newer version (format {version}): update kcb-widgets")
        connection.set_authorizer(_authorize)
        sql = "SELECT name, type, sql FROM sqlite_master LIMIT 50"
        found = {name: (kind, text) for name, kind, text in connection.execute(sql)}
        if found != {name: ("table", text) for name, text in TABLES.items()}:
            raise NotARunFile(f"{self.path} is no run file: its tables are others")

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OverflowError, UnicodeError, MemoryError) as error:
            raise self._wrong(error) from error

    def _wrong(self, error: Exception) -> NotARunFile:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith("SQLITE_BUSY"):
            return NotARunFile(f"{self.path} is locked by another process: try again")
        if name.startswith("SQLITE_INTERRUPT"):
            return NotARunFile(f"{self.path} takes longer than {DEADLINE_S:g} s to read")
        return self._damaged(str(error))

    def _damaged(self, why: str) -> NotARunFile:
        return NotARunFile(
            f"{self.path} is damaged ({why}): copy it again from where it was written, or look at it with "
            "'kcb-widgets check'"
        )


def _authorize(action: int, first: str | None, second: str | None, database: str | None, _trigger: str | None) -> int:
    if action == sqlite3.SQLITE_SELECT:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_READ and (first in TABLES or first == "sqlite_master"):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_ROWS
