"""Puts run files into a folder beside them, from where they can be taken back; never one that may still be written."""

from __future__ import annotations

import os
import time
from pathlib import Path

from . import listing, liveness, run_file
from .naming import is_run_file
from .reader import NotARunFile

BIN = ".bin"
JOURNAL = "-journal"
ATTEMPTS = 1000  # at a name that no other file has
ELSEWHERE_S = 86_400.0  # a run of another machine may go on for so long after it was last heard of
JUST_NOW_S = 60.0


class StillWritten(ValueError):
    """A file belongs to a run that trains, or may."""


def why_not(path: Path) -> str:
    """Why a file may not be moved; empty where it may.

    Args:
        path: The file. One that cannot be read may be moved, unless it was written to just now.

    Raises:
        FileNotFoundError: There is none.
    """
    found = path.stat()
    if not is_run_file(path) or not path.is_file():
        return "it is no run file"
    if (found.st_dev, found.st_ino) in run_file.being_written:
        return "this process writes it"
    try:
        row = listing.read(path, liveness.Judge())
    except (NotARunFile, ValueError, TypeError) as error:
        lately = time.time() - found.st_mtime < JUST_NOW_S
        return f"it was written to just now, and cannot be read: {error}" if lately else ""
    if row["status"] in ("running", "silent"):
        return "it trains in another process"
    if row["status"] == "unknown" and time.time() - row["heard"] < ELSEWHERE_S:
        return f"it may train on another machine: {row['message']}"
    return ""


def put(path: Path) -> Path:
    """Put a run file into the bin beside it.

    Args:
        path: The file.

    Returns:
        Where it is now; ``restore`` takes it back.

    Raises:
        FileNotFoundError: There is none.
        StillWritten: It may not be moved.
        OSError: It cannot be.
    """
    if why := why_not(path):
        msg = f"{path} stays where it is: {why}"
        raise StillWritten(msg)
    folder = path.parent / BIN
    folder.mkdir(exist_ok=True)
    return _move(path, folder)


def restore(path: Path) -> Path:
    """Take a run file out of the bin.

    Args:
        path: Where ``put`` has put it.

    Returns:
        Where it is now.

    Raises:
        ValueError: It is in no bin.
        OSError: It cannot be moved.
    """
    if path.parent.name != BIN:
        msg = f"{path} is in no folder {BIN}"
        raise ValueError(msg)
    return _move(path, path.parent.parent)


def _move(path: Path, folder: Path) -> Path:
    target = folder / path.name
    for number in range(2, ATTEMPTS):
        if not target.exists():
            break
        target = folder / f"{path.stem}-{number}{path.suffix}"
    os.rename(path, target)
    journal = path.with_name(path.name + JOURNAL)
    if journal.exists():  # what a killed process left belongs to the file
        os.rename(journal, target.with_name(target.name + JOURNAL))
    return target
