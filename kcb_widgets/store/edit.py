"""Edits what people say of a run in its file: its name, tags and notes. It may train meanwhile."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..record.portable import strict_json
from ..record.values import shown
from .about import check_name, check_notes, check_tags
from .reader import NotARunFile, Reader
from .rows import sealed
from .schema import COLUMNS

LOCK_TIMEOUT_S = 5.0
CHECKS: dict[str, Callable[[object], Any]] = {"name": check_name, "tags": check_tags, "notes": check_notes}


def checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes that may be made.

    Raises:
        TypeError, ValueError: There is no such thing to change, or it cannot be this.
    """
    for name in changes:
        if name not in CHECKS:
            msg = f"name, tags and notes can be changed. Received: {shown(name)}"
            raise ValueError(msg)
    return {name: CHECKS[name](value) for name, value in changes.items()}


def edit(path: Path, changes: Mapping[str, Any]) -> None:
    """Change a run's name, tags or notes in its file.

    Args:
        path: The file.
        changes: By name, checked.

    Raises:
        FileNotFoundError: There is no such file.
        NotARunFile: It is no run file, or is locked or cannot be written to.
    """
    values = {name: strict_json(list(value)) if name == "tags" else value for name, value in changes.items()}
    if not values:
        return
    with Reader(path) as reader:  # it is one of ours
        reader.summary()
        about = reader.about()
    if reader.ignored:  # SQLite would take it for the file's own once the file is written to
        raise NotARunFile(f"{path} cannot be changed: what lies beside it, a journal, is none of its own")
    if about is None:
        raise NotARunFile(f"{path} cannot be changed: what it says of its run is damaged")
    # The process that writes the run never changes this row, so what was read is what is there.
    row = {**about, **values}
    made = sealed(row["run"], "about", row["id"], *(row[name] for name in COLUMNS["about"][2:]))
    sql = f"UPDATE about SET {', '.join(f'{name} = ?' for name in COLUMNS['about'][1:])} WHERE id = 1"
    uri = f"{path.resolve().as_uri()}?mode=rw"
    try:
        with contextlib.closing(
            sqlite3.connect(uri, uri=True, timeout=LOCK_TIMEOUT_S, isolation_level=None)
        ) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            database.execute("PRAGMA synchronous = FULL")
            database.execute(sql, made[1:])
    except sqlite3.Error as error:
        raise NotARunFile(f"{path} cannot be changed: {error}") from error
