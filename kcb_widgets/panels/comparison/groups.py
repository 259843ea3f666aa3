"""Groups: runs with the same value of a setting, or alike names, as one line, the mean, with a band."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ...record.values import plain
from ...store.differences import settings_of
from . import patterns
from .curves import Binned
from .members import Member

MISSING = "missing"
MAX_KEY = 200
BY = ("name", "tags")
"""What runs can be put together by besides their settings and patterns of their names."""
Band = Literal["deviation", "error", "range", "quartiles"]
BANDS: dict[Band, str] = {
    "deviation": "mean ± standard deviation",
    "error": "mean ± standard error",
    "range": "least to greatest",
    "quartiles": "first to third quartile",
}
Lines = list[npt.NDArray[np.float32]]


class Group(NamedTuple):
    """Runs on one grid.

    Attributes:
        mean: Of the runs that have a value in a bin.
        low: The band's lower edge; by default the mean less a standard deviation (of a sample). Where one run is left,
            the mean.
        high: Its upper edge.
        there: Runs that have a value.
    """

    mean: npt.NDArray[np.float32]
    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]
    there: npt.NDArray[np.float32]


class Ending(NamedTuple):
    """Where runs of a group have no more values, while others go on.

    Attributes:
        x: Where.
        left: Runs that go on.
    """

    x: float
    left: int


def key_of(member: Member, by: str) -> str:
    """The group that a run belongs to, as a short text."""
    return _key_of(member, by)[:MAX_KEY]


def _key_of(member: Member, by: str) -> str:
    if by == "name":
        return str(plain(member.row["name"]))
    if by.startswith(patterns.BY_NAME):
        return patterns.key(str(plain(member.row["name"])), by.removeprefix(patterns.BY_NAME))
    if by == "tags":
        return ", ".join(sorted(str(plain(tag)) for tag in member.row["tags"])) or MISSING
    value = settings_of(member.row).get(by)
    return MISSING if value is None else str(plain(value))


def collect(
    lines: Iterable[tuple[Member, str, Binned]], by: str, band: Band = "deviation"
) -> dict[tuple[str, str], tuple[list[str], Group]]:
    """Runs on one grid, put together.

    Args:
        lines: Each run, what its curve is, and the curve.
        by: ``name``, ``tags``, a setting, or ``name:`` and a pattern.
        band: What of the runs lies in the band.

    Returns:
        By the group's key and what the curve is: the ids of its runs, and the group.
    """
    found: dict[tuple[str, str], tuple[list[str], Lines]] = {}
    for member, curve, line in lines:
        ids, each = found.setdefault((key_of(member, by), curve), ([], []))
        ids.append(member.id)
        each.append(filled(line.raw if line.smooth is None else line.smooth))
    return {key: (ids, together(each, band)) for key, (ids, each) in found.items()}


def together(lines: Iterable[npt.NDArray[np.float32]], band: Band = "deviation") -> Group:
    """Put lines on one grid together; a run that dropped out counts no more from there on."""
    values = np.vstack(list(lines)).astype(np.float64)
    there = np.isfinite(values)
    count = there.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(there, values, 0.0).sum(axis=0) / count
        low, high = _edges(np.where(there, values, np.nan), mean, count, band)
    return Group(*(part.astype(np.float32) for part in (mean, low, high, count)))


def _edges(
    values: npt.NDArray[np.float64], mean: npt.NDArray[np.float64], count: npt.NDArray[np.int64], band: Band
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The edges of a band; of columns without a value they are no number."""
    if band in ("range", "quartiles"):
        edges = np.full((2, len(mean)), np.nan)
        some = count > 0
        edges[:, some] = np.nanquantile(values[:, some], (0.0, 1.0) if band == "range" else (0.25, 0.75), axis=0)
        return edges[0], edges[1]
    spread = np.sqrt(np.nansum((values - mean) ** 2, axis=0) / np.maximum(count - 1, 1))
    if band == "error":
        spread = spread / np.sqrt(count)
    return mean - spread, mean + spread


def endings(lasts: Iterable[float]) -> list[Ending]:
    """Where runs drop out of a group.

    Args:
        lasts: Where each run's last value is.
    """
    counts = sorted(Counter(lasts).items())
    left = sum(count for _, count in counts)
    made = []
    for x, count in counts[:-1]:
        left -= count
        made.append(Ending(x, left))
    return made


def filled(line: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A line without gaps between its first and last values: runs have their epochs' ends in different bins."""
    there = np.flatnonzero(np.isfinite(line))
    if not len(there):
        return line
    at = np.arange(len(line))
    found = np.interp(at, there, line[there].astype(np.float64)).astype(np.float32)
    found[: there[0]] = found[there[-1] + 1 :] = np.nan
    return found
