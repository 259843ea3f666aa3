"""RunFile: the file that one process writes a run to. Opened, written and closed by one thread."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..record.record import Record
from . import picture, writer
from .about import About
from .encoding import from_json
from .liveness import this_process
from .naming import UNFINISHED, file_name
from .schema import APPLICATION_ID, COLUMNS, FORMAT, PAGE_SIZE, TABLES, insert
from .writer import News, Position

LOCK_TIMEOUT_S = 0.5  # seconds a commit waits for another process that reads
ATTEMPTS = 20  # at a name that no other file has
UPDATE = f"UPDATE summary SET {', '.join(f'{name} = ?' for name in COLUMNS['summary'][1:])} WHERE id = ?"
TAKE = f"UPDATE about SET {', '.join(f'{name} = ?' for name in COLUMNS['about'][1:])} WHERE id = 1"
# No page may be moved later, and none stand between those that grow: not even where SQLite was built to do so.
HEADER = (
    f"page_size = {PAGE_SIZE}", "auto_vacuum = NONE", "encoding = 'UTF-8'", f"application_id = {APPLICATION_ID}",
    f"user_version = {FORMAT}",
)  # fmt: skip

Step = Callable[[sqlite3.Connection], None]

being_written: Counter[tuple[int, int]] = Counter()
"""Device and inode of the files that this process writes: they may be touched through SQLite only, as closing any
other handle to them drops SQLite's locks."""


class Gone(Exception):
    """The file was deleted, or is another."""


class RunFile:
    """Keeps a run in a file.

    Nothing is counted as kept before its commit has succeeded: what failed is written by the next commit.

    Args:
        run: The run.
        folder: Where the file is made.
        about: What else is known of the run.

    Attributes:
        run: The run.
        path: The file; None before the first commit.
    """

    def __init__(self, run: Record, folder: Path, about: About) -> None:
        self.path: Path | None = None
        self.run, self._folder, self._about = run, folder, about
        self._position = Position()
        self._unsure: Position | None = None  # a commit's, whose outcome is not known
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._owner: tuple[Any, ...] = ()  # who the file says writes it
        self._held: tuple[int, int] | None = None  # what of ``being_written`` is this file's
        self._heard = 0.0
        self._commits = 0  # the number of the newest

    def commit(self, every: float, *, whole: bool = False, beat: float = 0.0) -> bool:
        """Write what is new.

        Args:
            every: Seconds between commits.
            whole: Whether nothing may be left for later.
            beat: Seconds after which it is written that the process lives, if nothing is new.

        Returns:
            Whether anything was written.

        Raises:
            Gone: The file was deleted, or is another.
            sqlite3.Error: It cannot be written now.
            OSError: The folder cannot be.
        """
        if self.path is None:
            self._create(every, whole)
            return True
        self._check_there()
        if self._connection is None:
            self._connect()
        news = self._news(self._position, whole)
        now = time.time()
        if not any(news.rows.values()) and now - self._heard < beat and not whole:
            return False
        self._write(news, now, every)
        return True

    def _news(self, since: Position, whole: bool) -> News:
        news = News(self.run, since, whole)
        there = self.run.batch_table.rows or self.run.epoch_rows
        if whole and self.run.over and there and (made := picture.made(self.run, news.position.step)):
            news.verbatim(picture.NAME, made)
        return news

    def close(self) -> None:
        """Close the file; ``commit`` opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("PRAGMA journal_mode = DELETE")  # it is empty by now
            with contextlib.suppress(sqlite3.Error):
                connection.close()
        self._hold(None)

    def _hold(self, identity: tuple[int, int] | None) -> None:
        held, self._held = self._held, identity
        if identity is not None:
            being_written[identity] += 1
        if held is not None:
            being_written[held] -= 1
            if being_written[held] <= 0:
                del being_written[held]

    def abandon(self) -> sqlite3.Connection | None:
        """After a fork: SQLite's handle belongs to the parent; whoever gets it must keep it and do nothing with it."""
        connection, self._connection = self._connection, None
        return connection

    # -- the first commit ----------------------------------------------------------------------------------------------

    def _create(self, every: float, whole: bool) -> None:
        """Make the file under another name, and give it its own when it is whole: none is ever seen without rows."""
        self._folder.mkdir(parents=True, exist_ok=True)
        run, now = self.run, time.time()
        name = file_name(run.started, self._about.name)
        part = self._folder / f".{name}{UNFINISHED}"
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        try:
            news = self._news(Position(), whole)
            for document, value in self._about.documents().items():
                news.document(document, value)
            with contextlib.closing(_open(part)) as connection:
                for pragma in HEADER:
                    connection.execute(f"PRAGMA {pragma}")
                _prepare(connection)
                connection.execute("BEGIN IMMEDIATE")
                for sql in TABLES.values():
                    connection.execute(sql)
                connection.execute(insert("about"), self._about.row(run))
                for number in (0, 1):
                    connection.execute(insert("summary"), writer.summary(run, news.position, now, every, number))
                _insert(connection, news)
                connection.execute("COMMIT")
            self.path = self._rename(part, name)
        except BaseException:
            for left in (part, Path(f"{part}-journal")):
                with contextlib.suppress(OSError):
                    left.unlink()
            raise
        with contextlib.suppress(OSError):
            Path(f"{part}-journal").unlink()
        self._position, self._heard, self._commits = news.position, now, 1
        self._identity, self._owner = _identity(self.path), _owner()

    def _rename(self, part: Path, name: str) -> Path:
        for _ in range(ATTEMPTS):
            path = self._folder / name
            try:
                os.link(part, path)
            except FileExistsError:
                pass
            except OSError:  # a file system without hard links
                if not path.exists():
                    part.rename(path)
                    return path
            else:
                part.unlink()
                return path
            name = file_name(self.run.started, self._about.name)
        msg = f"{self._folder} has a file of every name that was tried"
        raise FileExistsError(msg)

    def go_on(self, path: Path, position: Position, every: float, allow: Step) -> None:
        """Write on in the file of a run that was kept. It is this process's from then on, or as it was.

        Args:
            path: The file.
            position: How far the run is kept in it.
            every: Seconds between commits.
            allow: Called in the transaction; raises where the file must not be written by this process.

        Raises:
            Gone: It is another run's, or was written since.
            sqlite3.Error, OSError: It cannot be written now.
        """
        self.path, self._position, self._identity = path, position, _identity(path)
        try:
            self._connect()
            news = News(self.run, position)  # it has the new sitting, so the file's counts change
            self._write(news, time.time(), every, lambda connection: self._take(connection, allow))
            self._owner = _owner()
        except BaseException:
            self.close()
            raise

    def _take(self, connection: sqlite3.Connection, allow: Step) -> None:
        allow(connection)
        connection.execute(TAKE, self._about.row(self.run)[1:])

    # -- later commits -------------------------------------------------------------------------------------------------

    def _check_there(self) -> None:
        """See that the file is there and is the same one.

        Raises:
            Gone: It was deleted, or is another.
            OSError: The folder is not there, which may come back.
        """
        assert self.path is not None
        try:
            found = _identity(self.path)
        except FileNotFoundError:
            self.close()
            if self.path.parent.is_dir():
                msg = f"{self.path.name} was deleted"
                raise Gone(msg) from None
            raise
        if found != self._identity:  # a folder that was mounted again may number its files differently
            self.close()
            self._identity = found

    def _connect(self) -> None:
        assert self.path is not None
        connection = _open(self.path)
        self._hold(self._identity)
        try:
            _prepare(connection)
            self._check_ours(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _check_ours(self, connection: sqlite3.Connection) -> None:
        """See that nobody else has written: a process that was taken for dead, and lives, must write no more.

        Raises:
            Gone: Somebody has.
        """
        assert self.path is not None
        ask = "SELECT run, counts, number FROM summary ORDER BY number DESC LIMIT 1"
        found = connection.execute(ask).fetchone()
        owner = connection.execute("SELECT host, boot, process FROM about").fetchone()
        if not found or found[0] != self.run.id:
            msg = f"{self.path.name} is another run's"
            raise Gone(msg)
        if self._owner and owner != self._owner:
            msg = f"another process went on with {self.path.name}"
            raise Gone(msg)
        counts = from_json(found[1])
        if self._unsure is not None and counts == self._unsure.counts:
            self._position = self._unsure
        elif counts != self._position.counts:
            msg = f"{self.path.name} was changed by another process"
            raise Gone(msg)
        self._unsure, self._commits = None, found[2]

    def _write(self, news: News, now: float, every: float, first: Step = lambda _: None) -> None:
        connection = self._connection
        assert connection is not None
        try:
            connection.execute("BEGIN IMMEDIATE")
            self._check_ours(connection)  # within the transaction: no other process can write now
            first(connection)
            _insert(connection, news)
            row = writer.summary(self.run, news.position, now, every, self._commits + 1)
            connection.execute(UPDATE, (*row[1:], row[0]))
            self._unsure = news.position
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            self.close()
            raise
        self._unsure = None
        self._position, self._heard, self._commits = news.position, now, self._commits + 1


def _open(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=rw"  # never makes a file that was deleted anew
    return sqlite3.connect(uri, uri=True, timeout=LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False)


def _prepare(connection: sqlite3.Connection) -> None:
    """A rollback journal, and no memory mapping: a file is whole at rest, on network folders too."""
    for pragma in ("mmap_size = 0", "journal_mode = TRUNCATE", "synchronous = FULL", "trusted_schema = OFF"):
        connection.execute(f"PRAGMA {pragma}")


def _insert(connection: sqlite3.Connection, news: News) -> None:
    for table, rows in news.rows.items():
        if rows:
            connection.executemany(insert(table), rows)


def _owner() -> tuple[Any, ...]:
    here = this_process()
    return here.host, here.boot, here.process


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
