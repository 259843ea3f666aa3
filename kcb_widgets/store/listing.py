"""A folder's runs as a table: one row a run, read from the summary in each file. There is no index to go stale."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..record.portable import metrics as metrics_of
from ..record.record import OVER, Record
from . import liveness
from .differences import settings_of
from .encoding import from_json
from .naming import is_run_file
from .reader import NotARunFile, Reader
from .typed import conforms, those
from .writer import by_hand

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

MAX_SETTINGS = 200  # columns
MAX_TEXT = 10_000
FIRST = ("name", "started", "duration", "status", "epochs", "batches", "step", "steered", "tags", "notes")
METRIC = dict[str, str | int | float | None]


def runs(log_dir: str | PathLike[str] = "runs") -> pd.DataFrame:
    """See the package's ``runs``."""
    rows = [row for row, _ in read_folder(Path(log_dir)) if row is not None]
    rows.sort(key=lambda row: row["started"], reverse=True)
    return frame(rows)


def read_folder(folder: Path) -> Iterable[tuple[dict[str, Any] | None, str]]:
    """Each run of a folder as a row, or None and why a file is none.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    paths = sorted(path for path in folder.iterdir() if is_run_file(path))
    seen: dict[str, float] = {}
    here = liveness.Judge()
    found: dict[str, dict[str, Any]] = {}
    for path in paths:
        try:
            row = read(path, here)
        except (NotARunFile, OSError, ValueError, TypeError) as error:
            log.info("%s is left out: %s", path, error)
            yield None, str(error)
            continue
        if row["id"] not in seen or row["heard"] > seen[row["id"]]:
            seen[row["id"]] = row["heard"]
            found[row["id"]] = row
    for row in found.values():
        yield row, ""


def read(path: Path, here: liveness.Judge) -> dict[str, Any]:
    """A run file's summary.

    Raises:
        NotARunFile: It is none.
    """
    with Reader(path) as reader:
        summary, about = reader.summary(whole=False), reader.about()
    known = about or {"name": "", "notes": "", "tags": "[]", "config": "{}", "settings": "{}"}
    row = {
        "id": _kind(summary["run"], str), "path": str(path), "name": _kind(known["name"], str),
        "started": float(_kind(summary["started"], float)), "duration": float(_kind(summary["seconds"], float)),
        "status": _kind(summary["status"], str), "message": _kind(summary["message"], str),
        "heard": float(_kind(summary["heard"], float)), "notes": _kind(known["notes"], str),
        "tags": tuple(those(from_json(_kind(known["tags"], str)), str)),
        **{name: _kind(summary[name], int) for name in ("epochs", "batches", "step", "steered")},
    }  # fmt: skip
    if row["status"] not in OVER:
        every = float(_kind(summary["every"], float))
        row["status"], row["message"] = here.judge(liveness.writer_of(about), row["heard"], every)
    metrics = from_json(_kind(summary["metrics"], str))
    row["metrics"] = {
        name: each for name, each in (metrics if isinstance(metrics, dict) else {}).items() if conforms(each, METRIC)
    }
    row["config"] = _plain(known["config"])
    row["settings"] = _plain(known["settings"])
    return row


def row_of(run: Record) -> dict[str, Any]:
    """The same of a run in memory."""
    return {
        "id": run.id, "path": str(run.path or ""), "name": run.name or run.title, "started": run.started,
        "duration": run.seconds, "status": run.status, "message": run.message, "heard": time.time(), "notes": run.notes,
        "tags": tuple(run.tags), "epochs": len(run.epoch_rows), "batches": run.batch_table.rows, "step": run.step,
        "steered": sum(by_hand(event) for event in list(run.events_list)), "metrics": metrics_of(run),
        "config": dict(run.config), "settings": dict(run.settings),
    }  # fmt: skip


def frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows of ``read`` as a table."""
    import pandas as pd

    made = []
    for row in rows:
        line = {name: row[name] for name in FIRST}
        line["started"] = _when(row["started"], pd)
        for name, each in row["metrics"].items():
            line[name if name not in FIRST else f"metric_{name}"] = each.get("last", math.nan)
        for name, each in row["metrics"].items():
            if "best" in each:
                line[f"best_{name}"] = each["best"]
        line |= {name: value for name, value in list(settings_of(row).items())[:MAX_SETTINGS] if name not in line}
        line["path"] = row["path"]
        made.append(line)
    columns = list(dict.fromkeys(name for line in made for name in line)) or [*FIRST, "path"]
    first = [name for name in columns if name != "path"][: MAX_SETTINGS + len(FIRST) + 100]
    table: pd.DataFrame = pd.DataFrame(
        made, columns=[*first, "path"], index=pd.Index([row["id"] for row in rows], name="id")
    )
    return table


def _when(seconds: float, pd: Any) -> Any:
    try:
        return pd.Timestamp(seconds, unit="s", tz="UTC").round("ms")
    except (ValueError, OverflowError):
        return pd.NaT


def _plain(text: Any) -> dict[str, Any]:
    found = from_json(_kind(text, str))
    return found if isinstance(found, dict) else {}


def _kind(value: Any, kind: Any) -> Any:
    if not conforms(value, kind) or (isinstance(value, str) and len(value) > MAX_TEXT * 100):
        raise NotARunFile(f"{str(value)[:50]!r} is of an unknown kind")
    return value
