"""Finds a run's file by its path, or in a folder by its id, its name, or the beginning of its id."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import listing
from .schema import SUFFIX

MIN_PREFIX = 3  # letters of an id that may stand for it
SHOWN = 5

# What a text may be, what counts most first.
WAYS: tuple[Callable[[str, dict[str, Any]], bool], ...] = (
    lambda what, row: row["id"] == what,
    lambda what, row: Path(row["path"]).name in (what, what + SUFFIX),
    lambda what, row: row["name"] == what,
    lambda what, row: len(what) >= MIN_PREFIX and row["id"].startswith(what),
)


class Ambiguous(ValueError):
    """Several runs are called so."""


def find(what: str, folder: Path) -> Path:
    """Find a run's file.

    Args:
        what: A file, or a run's id, name, file name or the beginning of its id.
        folder: Where to look for what is no file.

    Raises:
        FileNotFoundError: There is none.
        Ambiguous: There are several.
    """
    path = Path(what)
    if path.is_file():
        return path
    if os.sep in what or (what.endswith(SUFFIX) and not (folder / what).is_file()):
        msg = f"there is no file {what}"
        raise FileNotFoundError(msg)
    if not folder.is_dir():
        msg = f"there is no file {what}, and no folder {folder} to look for a run of this id or name"
        raise FileNotFoundError(msg)
    rows = [row for row, _ in listing.read_folder(folder) if row is not None]
    for way in WAYS:
        found = [row for row in rows if way(what, row)]
        if len(found) > 1:
            ids = ", ".join(sorted(row["id"] for row in found)[:SHOWN])
            more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            msg = f"{len(found)} runs in {folder} are called {what!r}; say which by its id: {ids}{more}"
            raise Ambiguous(msg)
        if found:
            return Path(found[0]["path"])
    msg = f"no run in {folder} has the id or name {what!r}"
    raise FileNotFoundError(msg)
