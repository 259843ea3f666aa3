"""A file of Keras's CSVLogger as a run. It may have been appended to, cut short, edited, or made to do harm."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TextIO

from ..record.names import text
from ..record.values import plain, shown
from .imported_run import MAX_CELLS, MAX_EPOCHS, MAX_STEP, MAX_TEXT, ImportedRun, without_many

MAX_BYTES = 256 << 20
MAX_LINE = 1 << 20  # characters
MAX_SECONDS = 1e8  # of an epoch
SEPARATORS = (",", ";", "\t", "|", " ")
MISSING = ("", "NA")  # CSVLogger writes NA for what an epoch does not have
TOOK = "seconds"  # our own column: how long the epoch took
NUMBER = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,5})?|[+-]?(?:nan|inf|infinity)", re.IGNORECASE
)
WHOLE = re.compile(r"[0-9]{1,15}(?:\.0*)?")


def from_csv(path: str | PathLike[str], separator: str | None = None) -> ImportedRun:
    """See ``Run.from_csv``."""
    path = Path(path)
    found = path.stat()  # raises FileNotFoundError
    if not path.is_file():
        msg = f"{path} is no file"
        raise ValueError(msg)
    if found.st_size > MAX_BYTES:
        msg = f"{path} has {found.st_size} bytes, and {MAX_BYTES} are read at most"
        raise ValueError(msg)
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        run = _Reading(file, path, separator).run
    seconds = run.seconds
    run.started = max(0.0, found.st_mtime - seconds)  # it was last written to as the fit ended
    return run.done(f"from {path.name}")


class _Reading:
    """Reads a file into a run.

    Raises:
        ValueError: It is no such file.
    """

    def __init__(self, file: TextIO, path: Path, separator: str | None) -> None:
        self.run = ImportedRun("CSVLogger", path.stem, 1.0)
        self.run.batches_per_epoch = 1
        self._header: list[str] = []
        self._known: set[str] = set()
        self._last: int | None = None  # the epoch before, as the file counts
        self._added = 0  # to the file's numbers, as fits were appended
        self._cells = self._read = 0
        lines = _lines(file)
        first = next(lines, "")
        self._separator = separator if separator is not None else _separator_of(first)
        if not isinstance(self._separator, str) or len(self._separator) != 1:
            msg = f"separator must be one character. Received: {shown(separator)}"
            raise ValueError(msg)
        self._read_header(_cells(first, self._separator), path)
        try:
            for cells in csv.reader(lines, delimiter=self._separator):
                if not self._row(cells):
                    break
        except (csv.Error, _TooLong) as error:
            self.run.tell("csv", f"it was read to its epoch row {self._read}: {error}")

    def _read_header(self, cells: Sequence[str], path: Path) -> None:
        if "epoch" not in cells:
            msg = f"{path} has no column epoch, so CSVLogger did not write it; it begins with {shown(', '.join(cells))}"
            raise ValueError(msg)
        if {"step", "batch"} <= set(cells):
            msg = f"{path} has a row for each batch: what from_csv reads is a row for each epoch"
            raise ValueError(msg)
        self._header = [text(str(plain(cell.strip(), MAX_TEXT))) for cell in cells]

    def _row(self, cells: list[str]) -> bool:
        """Take a row; whether there is room for more."""
        run, header = self.run, self._header
        if not cells or not any(cell.strip() for cell in cells):
            return True
        if "epoch" in cells[: len(header) + MAX_TEXT] and not WHOLE.fullmatch(cells[header.index("epoch")].strip()):
            self._header = [text(str(plain(cell.strip(), MAX_TEXT))) for cell in cells]  # a fit with other metrics
            return True
        if self._read >= MAX_EPOCHS or self._cells >= MAX_CELLS:
            run.tell("csv", f"it was read to its epoch row {self._read}: there is room for no more")
            return False
        at = header.index("epoch")
        epoch = cells[at].strip() if at < len(cells) else ""
        if not WHOLE.fullmatch(epoch) or int(epoch.partition(".")[0]) >= MAX_STEP:
            run.tell("csv", "rows without a number of their epoch are left out")
            return True
        if len(cells) != len(header):
            run.tell("csv", "a row has more or fewer cells than its header: what has no name, or no value, is left out")
        found: dict[str, Any] = {}
        for name, cell in zip(header, cells, strict=False):
            if name and name != "epoch" and (stripped := cell.strip()) not in MISSING:
                found.setdefault(name, _value(stripped))
        took = found.pop(TOOK, None)
        kept = without_many(found, run, self._known)
        self._begin(int(epoch.partition(".")[0]))
        seconds = took if isinstance(took, float) and 0 <= took < MAX_SECONDS else None
        before = run.seconds
        run.end({name: found[name] for name in kept}, run.step + 1, before + (seconds or 0.0), seconds)
        self._read, self._cells = self._read + 1, self._cells + len(cells)
        return True

    def _begin(self, epoch: int) -> None:
        """Begin an epoch; where the numbers fall back another fit was appended."""
        run, last = self.run, self._last
        self._last = epoch
        if last is not None and epoch <= last:
            if epoch > run.initial_epoch and run.go_back(epoch + self._added):
                run.tell("csv", f"after epoch {last} it goes on from epoch {epoch}: what lay between is left behind")
            else:
                self._added += last + 1 - epoch
                run.tell("csv", "the epochs begin anew where another fit was appended: they are counted on")
        run.begin(epoch + self._added)


class _TooLong(ValueError):
    pass


def _lines(file: TextIO) -> Iterator[str]:
    """The lines of a file, one that is cut short or endless too."""
    while line := file.readline(MAX_LINE):
        if len(line) >= MAX_LINE:
            msg = f"a line has more than {MAX_LINE} characters"
            raise _TooLong(msg)
        yield line


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []


def _separator_of(header: str) -> str:
    """What stands between the columns: it makes most of a line that has ``epoch``."""
    found = {separator: _cells(header, separator) for separator in SEPARATORS}
    return max(SEPARATORS, key=lambda each: ("epoch" in found[each], len(found[each])))


def _value(cell: str) -> Any:
    """A number, or a text where it is none: CSVLogger writes arrays as text."""
    if len(cell) <= MAX_TEXT and NUMBER.fullmatch(cell):
        return float(cell)
    return plain(cell, MAX_TEXT)
