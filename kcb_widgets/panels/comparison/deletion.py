"""Deletion: takes a run out of a folder, into the bin beside it, as ``kcb-widgets rm`` does."""

from __future__ import annotations

from pathlib import Path

from ...record.values import shown
from ...store import bin as bins
from .members import Member


def delete(member: Member) -> Path:
    """Put a run's file into the bin.

    Returns:
        Where it is now.

    Raises:
        ValueError: It has none, or the run trains or may train.
        FileNotFoundError: The file is gone already.
    """
    name = shown(member.row["name"])
    if member.live is not None and not member.live.over:
        msg = f"{name} stays: it trains"
        raise bins.StillWritten(msg)
    if member.path is None:
        msg = f"{name} is in no file: hide it, or leave it out"
        raise ValueError(msg)
    return bins.put(member.path)


def words(where: Path) -> str:
    """Where a file is, in a sentence."""
    return (
        f"The run's file is {where.parent.parent.name}/{where.parent.name}/{where.name} now; move it back to undo this."
    )
