"""Keeper: keeps a run in a file on a thread of its own, so that training waits for no disk."""

from __future__ import annotations

import atexit
import logging
import os
import sqlite3
import threading
import time
import weakref
from pathlib import Path
from typing import Any

from ..record.events import first_line
from ..record.record import Record
from .about import About
from .run_file import Gone, RunFile

log = logging.getLogger(__name__)

INTERVAL_S = 1.0
MAX_INTERVAL_S = 30.0
COST = 20  # a commit that takes long is made so many times its length apart
BEAT_S = 10.0  # seconds after which it is written that the process lives
CLOSE_TIMEOUT_S = 5.0  # seconds that the end of a fit waits for its last commit
EXIT_TIMEOUT_S = 30.0  # seconds that the end of the process waits for all of them

_keepers: weakref.WeakSet[Keeper] = weakref.WeakSet()
_parents: list[Any] = []  # SQLite's handles of the process that forked this one: never closed


class Keeper:
    """Keeps a run in a file.

    Args:
        run: The run.
        folder: Where the file is made.
        about: What else is known of it.
        file: The file, where it is there already.

    What fails is one event, and is tried again, less and less often; training goes on meanwhile. ``run.kept`` says
    where the run is kept, and what is wrong.
    """

    def __init__(self, run: Record, folder: Path, about: About, file: RunFile | None = None) -> None:
        self.folder = folder.absolute()
        self._run, self._file = run, file or RunFile(run, self.folder, about)
        self._shown = folder
        self._every, self._trouble, self._given_up = INTERVAL_S, "", False
        self._wake, self._closing, self._done = threading.Event(), threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._asked: list[threading.Event] = []
        self._process = os.getpid()
        self._turn = threading.Lock()

    @property
    def run(self) -> Record:
        """The run."""
        return self._run

    @property
    def path(self) -> Path | None:
        """The file; None before the run's first batch."""
        return self._file.path

    @property
    def _ours(self) -> bool:
        """Whether this is the process that keeps the run, and not a fork of it."""
        return self._process == os.getpid()

    def start(self) -> None:
        """Begin to keep the run."""
        self._publish()
        if self._ours and self._thread is None:
            _keepers.add(self)
            self._thread = threading.Thread(target=self._work, name="kcb-keep", daemon=True)
            self._thread.start()

    def finish(self, timeout: float = CLOSE_TIMEOUT_S) -> bool:
        """The run is over: write what is left, and close the file.

        Args:
            timeout: Seconds to wait for it; a slow folder is written to in the background.

        Returns:
            Whether it is done.
        """
        self._closing.set()
        self._wake.set()
        if not self._ours or self._thread is None or self._thread is threading.current_thread():
            return True
        return self._done.wait(timeout)

    def sync(self, timeout: float = CLOSE_TIMEOUT_S) -> bool:
        """Write what there is now.

        Args:
            timeout: Seconds to wait for it.

        Returns:
            Whether it was tried; what failed is tried again later.
        """
        if not self._ours or self._thread is None or self._done.is_set():
            return False
        done = threading.Event()
        self._asked.append(done)
        self._wake.set()
        return done.wait(timeout)

    def update(self) -> None:
        """Something was added to a run that is over."""
        if self._ours and self._done.is_set() and self._file.path is not None and not self._given_up:
            with self._turn:
                self._try(whole=True)
                self._file.close()

    # -- the writing thread --------------------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            failed = 0
            while not self._given_up:
                closing, asked = self._closing.is_set(), list(self._asked)
                with self._turn:
                    wrong = self._try(whole=closing)
                failed = failed + 1 if wrong else 0
                for each in asked if not wrong else ():
                    self._asked.remove(each)
                    each.set()
                if closing and (not wrong or failed > 3):
                    break
                self._wake.wait(min(MAX_INTERVAL_S, self._every * 2 ** min(failed, 5)) if not closing else INTERVAL_S)
                if not closing:
                    self._wake.clear()
            with self._turn:
                self._file.close()
        except Exception as error:  # of our own: training goes on
            self._run.failed("keep", error)
        finally:
            self._publish()
            self._done.set()
            for each in self._asked:
                each.set()

    def _try(self, whole: bool) -> bool:
        """Commit what is new; whether that failed."""
        run, began = self._run, time.perf_counter()
        if self._file.path is None and not run.batch_table.rows:
            return False  # a fit that ends before its first batch leaves no file
        try:
            wrote = self._file.commit(self._every, whole=whole or run.status == "paused", beat=BEAT_S)
        except Gone as error:
            self._given_up = True
            self._fail(f"{error}, so this run is no longer kept")
            return True
        except (sqlite3.Error, OSError) as error:
            log.debug("A run could not be kept", exc_info=True)
            self._fail(_said(error))
            return True
        except Exception as error:
            self._file.close()
            self._run.failed("keep", error)
            self._fail(first_line(error))
            return True
        if self._trouble:
            self._trouble = ""
            run.add_event("status", "keep", message="keeping goes on, and nothing is missing")
        if wrote:
            took = time.perf_counter() - began
            self._every = min(MAX_INTERVAL_S, max(INTERVAL_S, COST * took))
            self._publish()
        return False

    def _fail(self, why: str) -> None:
        if not self._trouble:
            more = "" if self._given_up else "; it is tried again, and training goes on"
            self._run.add_event("warning", "keep", message=f"{why}{more}")
        self._trouble = why
        self._publish()

    def _publish(self) -> None:
        path = self._run.path = self._file.path
        where = str(self._shown / path.name) if path is not None else str(self._shown)
        self._run.kept = {
            "path": where if not self._shown.is_absolute() else Path(where).name,
            "every": self._every,
            "trouble": self._trouble,
        }

    def _forked(self) -> None:
        """In a child process: it has the run, and does not keep it."""
        _parents.append(self._file.abandon())
        self._run.kept = None


def _said(error: Exception) -> str:
    """What went wrong, in a clause."""
    name = getattr(error, "sqlite_errorname", "")
    known = {
        "SQLITE_FULL": "the disk is full",
        "SQLITE_BUSY": "another process holds a lock on the file",
        "SQLITE_READONLY": "the file cannot be written to",
        "SQLITE_CANTOPEN": "the file cannot be opened",
        "SQLITE_IOERR": "the file cannot be read or written",
    }
    for begin, clause in known.items():
        if name.startswith(begin):
            return clause
    if isinstance(error, OSError) and error.strerror:
        return f"the folder cannot be written to ({error.strerror})"
    return first_line(error)


def all_of_them() -> list[Keeper]:
    """What keeps a run of this process, or kept one."""
    return list(_keepers)


def _in_child() -> None:
    for keeper in list(_keepers):
        keeper._forked()


def _at_exit() -> None:
    end = time.monotonic() + EXIT_TIMEOUT_S
    for keeper in list(_keepers):
        keeper.finish(max(0.0, end - time.monotonic()))


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
