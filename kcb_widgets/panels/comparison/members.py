"""Members: the runs that are compared, wherever they are: in files, in memory, or Keras's own History."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

from ...record.record import OVER, Record
from ...run import Run
from ...store import listing, liveness, open_run
from ...store.reader import NotARunFile

log = logging.getLogger(__name__)


class Member:
    """A run that is compared.

    Args:
        row: What is known of it without a look at its rows; see ``listing.read``.
        run: The run, where it is in memory; else it is opened when its curve is first asked for.
    """

    def __init__(self, row: dict[str, Any], run: Record | None = None) -> None:
        self.row = row
        self.live = run if run is not None and not run.reopened else None
        self._run = run

    @property
    def id(self) -> str:
        """The run's id."""
        return str(self.row["id"])

    @property
    def over(self) -> bool:
        """Whether nothing new will come of it."""
        return self.live.over if self.live is not None else self.row["status"] in OVER

    @property
    def path(self) -> Path | None:
        """Its file, if it has one."""
        return Path(self.row["path"]) if self.row["path"] else None

    def run(self) -> Record:
        """The run, opened where it has to be.

        Raises:
            NotARunFile, OSError: It cannot be.
        """
        if self._run is None:
            assert self.path is not None
            self._run = open_run(self.path)
        return self._run

    def opened(self) -> Record | None:
        """The run; None where it cannot be opened."""
        try:
            return self.run()
        except (NotARunFile, OSError) as error:
            log.info("%s cannot be drawn: %s", self.id, error)
            return None

    def refresh(self, here: liveness.Judge) -> bool:
        """Look again at a run that is not over; whether there is news."""
        before = self.row
        if self.live is not None:
            self.row = listing.row_of(self.live)
        elif self.path is not None:
            self.row = listing.read(self.path, here)
            if self.row["heard"] != before["heard"]:
                self._run = None
        return self.row != before


def members(source: Any) -> tuple[list[Member], list[str]]:
    """The runs that a source names, the newest first, and why others are left out.

    Args:
        source: A folder, a run file, a run, Keras's ``History``, a table from ``kcb.runs``, or a list of any of these.

    Raises:
        FileNotFoundError: There is no such folder or file.
        TypeError: It is none of these.
    """
    found: dict[str, Member] = {}
    left_out: list[str] = []
    for member in _each(source, left_out):
        known = found.get(member.id)
        if known is None or (known.live is None and member.live is not None):
            found[member.id] = member
    return sorted(found.values(), key=lambda each: -each.row["started"]), left_out


def _each(source: Any, left_out: list[str]) -> Iterable[Member]:
    if isinstance(source, Record):
        yield Member(listing.row_of(source), source)
    elif isinstance(source, (str, PathLike)):
        yield from _of_path(Path(source), left_out)
    elif hasattr(source, "columns") and hasattr(source, "path"):  # a table of runs
        for path in source["path"]:
            yield from _of_path(Path(path), left_out)
    elif isinstance(getattr(source, "history", None), dict):
        run = Run.from_history(source)
        yield Member(listing.row_of(run), run)
    elif isinstance(source, Iterable) and not isinstance(source, (bytes, dict)):
        for each in source:
            yield from _each(each, left_out)
    else:
        msg = f"runs must be a folder, files, runs, Keras's History or a table of runs. Received: {source!r}"
        raise TypeError(msg)


def _of_path(path: Path, left_out: list[str]) -> Iterable[Member]:
    if path.is_dir():
        for row, why in listing.read_folder(path):
            if row is None:
                left_out.append(why)
            else:
                yield Member(row)
        return
    try:
        yield Member(listing.read(path, liveness.Judge()))
    except NotARunFile as error:
        left_out.append(str(error))
