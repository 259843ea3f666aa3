"""Commands that look at runs: ``ls``, ``show`` and ``compare``."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..export.to_json import described, events
from ..record.formats import format_bytes
from ..record.portable import flat, private
from ..store import listing, liveness
from ..store.differences import differing, settings_of
from ..store.find import find
from ..store.rebuild import open_run
from . import output
from .main import OK, PROGRAM

Row = dict[str, Any]
SHOWN_METRICS = 4
FIRST = ("loss", "val_loss", "accuracy", "val_accuracy")  # of the metrics that a list has room for


def ls(asked: argparse.Namespace) -> int:
    """List a folder's runs."""
    rows, left_out = read(Path(asked.folder))
    rows.sort(key=lambda row: -row["started"])
    if asked.filter:
        rows = [row for row in rows if _has(row, asked.filter.casefold())]
    if asked.sort:
        if rows and all(value(row, asked.sort) is None for row in rows):
            msg = f"no run has {asked.sort!r} to sort by; there are {', '.join(_sortable(rows))}"
            raise ValueError(msg)
        rows = _sorted(rows, asked.sort, asked.reverse)
    elif asked.reverse:
        rows.reverse()
    shown = rows if asked.limit is None else rows[: asked.limit]
    if asked.json:
        output.json([plain(row) for row in shown])
    elif shown:
        _list(shown, asked.sort)
    else:
        output.note(f"no runs in {asked.folder}" + (" with this text" if asked.filter and left_out == 0 else ""))
    if len(shown) < len(rows) and not asked.json:
        output.note(f"{len(rows) - len(shown)} more")
    _tell(left_out, asked.folder)
    return OK


def show(asked: argparse.Namespace) -> int:
    """Show a run."""
    path = find(asked.run, Path(asked.folder))
    run = open_run(path)
    found = described(run)
    happened = events(run)
    latest = happened[len(happened) - asked.events :] if asked.events < len(happened) else happened
    if asked.json:
        output.json({**found, "path": str(path), "epochs": len(run.epoch_rows), "batches": run.batch_table.rows,
                     "events": latest})  # fmt: skip
        return OK
    facts = {
        "run": found["name"] or found["title"], "id": found["id"], "file": str(path),
        "status": f"{found['status']}{': ' + found['message'] if found['message'] else ''}",
        "started": output.moment(found["started"]), "took": output.duration(found["duration"]),
        "trained": f"{len(run.epoch_rows)} epochs, {found['step']} steps", "tags": ", ".join(found["tags"]),
        "picture": "" if run.picture is None else f"kept, an SVG of {format_bytes(len(run.picture))}: Run.open has it",
        "source": "" if run.source is None else f"kept, {len(run.source.splitlines())} lines: --json has it",
    }  # fmt: skip
    for name, fact in facts.items():
        if fact:
            print(f"{name:<8} {output.clean(fact)}")
    for line in output.lines(found["notes"]):
        print(f"{'':<8} {line}")
    if found["metrics"]:
        print()
        rows = [
            [
                output.clean(name),
                output.metric(each["last"]),
                output.metric(each.get("best")),
                output.cell(each.get("epoch")),
            ]
            for name, each in found["metrics"].items()
        ]
        output.table(["metric", "last", "best", "epoch"], rows, ("last", "best", "epoch"))
    settings = settings_of({"config": found["config"], "settings": found["settings"]})
    if settings:
        print()
        output.table(["setting", "value"], [[output.clean(name), output.cell(v)] for name, v in settings.items()])
    if latest:
        print()
        output.table(["step", "epoch", "event", "what"], map(_event, latest), ("step", "epoch"))
    if len(latest) < len(happened):
        output.note(f"{len(happened) - len(latest)} earlier events: --events {len(happened)}")
    return OK


def compare(asked: argparse.Namespace) -> int:
    """Compare runs."""
    rows: dict[str, Row] = {}
    left_out = 0
    for source in asked.runs:
        if Path(source).is_dir():
            some, more = read(Path(source))
            left_out += more
        else:
            some = [listing.read(find(source, Path(asked.folder)), liveness.Judge())]
        rows |= {row["id"]: row for row in some}
    found = list(rows.values())
    if len(found) < 2:
        msg = f"it takes two runs to compare. Found: {len(found)}"
        raise ValueError(msg)
    names = differing(map(settings_of, found))
    metrics = list(dict.fromkeys(name for row in found for name in row["metrics"]))
    if asked.json:
        output.json([_compared(row, names) for row in found])
    else:
        headers = ["id", "name", *names, *metrics, *(f"best {name}" for name in metrics)]
        lines = []
        for row in found:
            settings, values = settings_of(row), row["metrics"]
            lines.append([
                row["id"], output.clean(row["name"], 40), *(output.cell(settings.get(name)) for name in names),
                *(output.metric(values.get(name, {}).get(which)) for which in ("last", "best") for name in metrics),
            ])  # fmt: skip
        output.table(headers, lines, headers[2:], headers[2:])
        if not names:
            output.note("their settings are the same")
    _tell(left_out, asked.runs[0])
    return OK


def read(folder: Path) -> tuple[list[Row], int]:
    """A folder's runs, and how many files are none.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    if not folder.is_dir():
        msg = f"there is no folder {folder}"
        raise FileNotFoundError(msg)
    rows, left_out = [], 0
    for row, _ in listing.read_folder(folder):
        if row is None:
            left_out += 1
        else:
            rows.append(row)
    return rows, left_out


def value(row: Row, name: str) -> Any:
    """What a run has under a name: a column, a metric, ``best_`` and a metric, or a setting; None where nothing."""
    if name in listing.FIRST or name in ("id", "path"):
        return row[name]
    metrics = row["metrics"]
    if name in metrics:
        return metrics[name].get("last")
    if name.startswith("best_") and name.removeprefix("best_") in metrics:
        return metrics[name.removeprefix("best_")].get("best")
    return settings_of(row).get(name)


def plain(row: Row) -> Row:
    """A run as JSON."""
    return {
        **private({name: row[name] for name in ("id", "message", *listing.FIRST)}), "path": row["path"],
        **{name: private(row[name]) for name in ("metrics", "config")}, "settings": private(flat(row["settings"])),
    }  # fmt: skip


def _compared(row: Row, names: Sequence[str]) -> Row:
    settings = settings_of(row)
    return {
        "id": row["id"], "name": row["name"], "path": row["path"], "status": row["status"],
        "differing": {name: private(settings[name]) for name in names if name in settings},
        "metrics": private(row["metrics"]),
    }  # fmt: skip


def _list(rows: Sequence[Row], by: str | None) -> None:
    common = dict.fromkeys(name for row in rows for name in row["metrics"])
    metrics = [*(name for name in FIRST if name in common), *(name for name in common if name not in FIRST)][
        :SHOWN_METRICS
    ]
    if by and by not in metrics and by not in listing.FIRST and by != "id":
        metrics.append(by)
    tagged = any(row["tags"] for row in rows)
    lines = []
    for row in rows:
        lines.append([
            row["id"], output.clean(row["name"], 40), output.moment(row["started"]), output.duration(row["duration"]),
            output.clean(row["status"]), output.cell(row["epochs"]),
            *(output.metric(value(row, name)) for name in metrics),
            *([output.clean(", ".join(row["tags"]), 60)] if tagged else []),
        ])  # fmt: skip
    headers = ["id", "name", "started", "took", "status", "epochs", *metrics, *(["tags"] if tagged else [])]
    output.table(
        headers,
        lines,
        ("took", "epochs", *metrics),
        [*headers[6 + len(metrics) :], *(each for each in metrics if each != by)],
    )


def _event(event: Row) -> list[str]:
    old, new = output.cell(event["old"]), output.cell(event["new"])
    change = f"{old} → {new}" if old or new else ""
    what = "  ".join(part for part in (event["name"], change, event["message"]) if part)
    return [str(event["step"]), str(event["epoch"]), output.clean(event["kind"]), output.clean(what, 300)]


def _has(row: Row, text: str) -> bool:
    places = [row["id"], row["name"], row["status"], row["notes"], *row["tags"]]
    places += [f"{name}={each}" for name, each in flat(row["config"]).items()]
    return any(text in str(place).casefold() for place in places)


def _sorted(rows: list[Row], name: str, reverse: bool) -> list[Row]:
    """By a value; numbers before texts, and what has none last, either way round."""

    def comparable(row: Row) -> tuple[bool, Any]:
        found = value(row, name)
        number = isinstance(found, (int, float))
        return not number, found if number else str(found)

    def has(row: Row) -> bool:
        found = value(row, name)
        return found is not None and not (isinstance(found, float) and math.isnan(found))

    there = sorted((row for row in rows if has(row)), key=comparable, reverse=reverse)
    return [*there, *(row for row in rows if not has(row))]


def _sortable(rows: Iterable[Row]) -> list[str]:
    names = dict.fromkeys(name for row in rows for name in (*row["metrics"], *settings_of(row)))
    return [*listing.FIRST, *list(names)[:20]]


def _tell(left_out: int, folder: str) -> None:
    if left_out:
        output.note(f"{left_out} files cannot be read as runs: '{PROGRAM} check {folder}' says why")
