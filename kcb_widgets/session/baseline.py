"""Baseline: the run that a fit is compared with while it trains. It is looked for off the training thread."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from ..kernel import threads
from ..record.record import Record
from ..record.values import plain

BEST = "best"
FIRST = ("val_loss", "loss")
"""What the best run is the best of: the first of these that any run has."""

log = logging.getLogger(__name__)

Known = str | Path | Record | None


def check_baseline(baseline: object) -> Known:
    """What to compare with, as it was given: ``best``, a run, the path of a run file, or None.

    Raises:
        TypeError: It is none of these.
        ValueError: It is empty.
    """
    if baseline is None or isinstance(baseline, Record) or (isinstance(baseline, str) and baseline == BEST):
        return baseline
    if not isinstance(baseline, (str, PathLike)):
        msg = f"baseline must be 'best', a Run, the path of a run file, or None. Received: {baseline!r}"
        raise TypeError(msg)
    if not str(baseline):
        msg = f"baseline must be 'best' or name a run file. Received: {baseline!r}"
        raise ValueError(msg)
    return Path(baseline)


def begin(baseline: Known, run: Record, earlier: Sequence[Record], folder: Path | None) -> None:
    """A fit begins: look for what it is compared with.

    Args:
        baseline: What was asked for.
        run: The run that begins.
        earlier: The Monitor's earlier runs.
        folder: Where runs are kept.
    """
    if isinstance(baseline, Record):
        _compare(run, baseline)
    elif baseline is not None:
        threads.start(lambda: _contained(baseline, run, list(earlier), folder), "kcb-baseline")


def _contained(baseline: str | Path, run: Record, earlier: list[Record], folder: Path | None) -> None:
    try:
        found = _find(baseline, run, earlier, folder)
        if found is None:
            run.add_event("status", "baseline", message="there is no earlier run to compare this one with")
        else:
            _compare(run, found)
        run.changed()
    except (OSError, ValueError) as error:
        log.info("The baseline cannot be opened", exc_info=True)
        run.add_event("warning", "baseline", message=f"this run is compared with none: {plain(str(error))}")
    except Exception as error:
        run.failed("baseline", error)


def _compare(run: Record, found: Record) -> None:
    if found is run:
        run.add_event("warning", "baseline", message="a run cannot be compared with itself")
        return
    run.baseline = found
    run.add_event("status", "baseline", message=f"compared with {found.name or found.title}")


def _find(baseline: str | Path, run: Record, earlier: list[Record], folder: Path | None) -> Record | None:
    from ..store import listing, open_run  # here: most fits are compared with none

    if isinstance(baseline, Path):
        return open_run(baseline)
    known = {each.id: listing.row_of(each) for each in earlier if each.over}
    here = {each.id: each for each in earlier}
    if folder is not None and folder.is_dir():
        known = {row["id"]: row for row, _ in listing.read_folder(folder) if row is not None} | known
    known.pop(run.id, None)
    best = best_of(list(known.values()))
    if best is None:
        return None
    return here.get(best["id"]) or open_run(best["path"])


def best_of(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The row with the best loss at an epoch's end: that of validation, where any has one; None without any."""
    for metric in FIRST:
        found = [(value, row) for row in rows if (value := _best(row, metric)) is not None]
        if found:
            return min(found, key=lambda each: each[0])[1]
    return None


def _best(row: dict[str, Any], metric: str) -> float | None:
    said = row["metrics"].get(metric, {})
    value = said.get("best", said.get("last"))
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known else None
