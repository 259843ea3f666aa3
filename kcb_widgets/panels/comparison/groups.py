"""Groups: runs with the same value of a setting as one line, the mean, with a band of one standard deviation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...record.values import plain
from ...store.differences import settings_of
from .curves import Binned
from .members import Member

MISSING = "missing"
BY = ("name", "tags")
"""What runs can be put together by besides their settings."""


class Group(NamedTuple):
    """Runs on one grid.

    Attributes:
        mean: Of the runs that have a value in a bin.
        low: The mean less a standard deviation (of a sample); where one run is left, the mean.
        high: The mean and a standard deviation.
        there: Runs that have a value.
    """

    mean: npt.NDArray[np.float32]
    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]
    there: npt.NDArray[np.float32]


def key_of(member: Member, by: str) -> str:
    """The group that a run belongs to, as a text."""
    if by == "name":
        return str(plain(member.row["name"]))
    if by == "tags":
        return ", ".join(sorted(map(str, member.row["tags"]))) or MISSING
    value = settings_of(member.row).get(by)
    return MISSING if value is None else str(plain(value))


def collect(lines: Iterable[tuple[Member, str, Binned]], by: str) -> dict[tuple[str, str], tuple[list[str], Group]]:
    """Runs on one grid, put together.

    Args:
        lines: Each run, what its curve is, and the curve.
        by: ``name``, ``tags`` or a setting.

    Returns:
        By the group's key and what the curve is: the ids of its runs, and the group.
    """
    found: dict[tuple[str, str], tuple[list[str], list[npt.NDArray[np.float32]]]] = {}
    for member, curve, line in lines:
        ids, each = found.setdefault((key_of(member, by), curve), ([], []))
        ids.append(member.id)
        each.append(filled(line.raw if line.smooth is None else line.smooth))
    return {key: (ids, together(each)) for key, (ids, each) in found.items()}


def together(lines: Iterable[npt.NDArray[np.float32]]) -> Group:
    """Put lines on one grid together; a run that dropped out counts no more from there on."""
    values = np.vstack(list(lines)).astype(np.float64)
    there = np.isfinite(values)
    count = there.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(there, values, 0.0).sum(axis=0) / count
        spread = np.sqrt(np.where(there, (values - mean) ** 2, 0.0).sum(axis=0) / np.maximum(count - 1, 1))
    return Group(*(part.astype(np.float32) for part in (mean, mean - spread, mean + spread, count)))


def filled(line: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A line without gaps between its first and last values: runs have their epochs' ends in different bins."""
    there = np.flatnonzero(np.isfinite(line))
    if not len(there):
        return line
    at = np.arange(len(line))
    found = np.interp(at, there, line[there].astype(np.float64)).astype(np.float32)
    found[: there[0]] = found[there[-1] + 1 :] = np.nan
    return found
