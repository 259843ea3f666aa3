"""Commands that make files, move them or look into them: ``export``, ``import``, ``rm`` and ``check``."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ..run import Run
from ..store import bin as bins
from ..store import listing
from ..store.about import About, check_name
from ..store.find import find
from . import output
from .main import OK, PROGRAM, USAGE, WRONG


def export(asked: argparse.Namespace) -> int:
    """Write a run as something that other programs read."""
    from ..store.rebuild import open_run

    path, target = find(asked.run, Path(asked.folder)), Path(asked.output)
    if asked.batches and asked.to != "csv":
        output.note(f"{PROGRAM}: --batches is for csv: the others have batches and epochs")
        return USAGE
    if not asked.force and (there := [each for each in _written(target, asked.to) if each.exists()]):
        msg = f"{there[0]} is there already: name another, or say --force"
        raise FileExistsError(msg)
    run, stripped = open_run(path), list[str]()
    if asked.public:
        from ..export.public import strip

        stripped = strip(run)
    made = _write(run, asked.to, target, asked.batches)
    if asked.json:
        output.json({"written": [str(each) for each in made], "stripped": stripped})
        return OK
    for each in made:
        print(output.clean(str(each)))
    if asked.public:
        output.note(
            f"taken out: {', '.join(stripped) or 'nothing'}. The names of metrics and controls stay: look at them"
        )
    return OK


def _written(target: Path, to: str) -> list[Path]:
    """What an export would replace."""
    if to == "parquet":
        stem = target.name.removesuffix(".parquet")
        return [target.with_name(f"{stem}.{kind}.parquet") for kind in ("epochs", "batches")]
    return [target] if to != "tensorboard" or not target.is_dir() or any(target.iterdir()) else []


def _write(run: Run, to: str, target: Path, batches: bool) -> list[Path]:
    ways: dict[str, Callable[[], Any]] = {
        "csv": lambda: run.to_csv(target, batches=batches),
        "html": lambda: run.to_html(target),
        "json": lambda: run.to_json(target),
        "parquet": lambda: run.to_parquet(target),
        "tensorboard": lambda: run.to_tensorboard(target),
    }
    made = ways[to]()
    return made if isinstance(made, list) else [made]


def import_(asked: argparse.Namespace) -> int:
    """Make a run file of what another program recorded."""
    from ..store.run_file import RunFile

    source, folder = Path(asked.source), Path(asked.into)
    run = Run.from_tensorboard(source) if source.is_dir() else Run.from_csv(source)
    name = run.name if asked.name is None else check_name(asked.name)
    known = [row for row, _ in listing.read_folder(folder) if row is not None] if folder.is_dir() else []
    there = next((row["path"] for row in known if row["id"] == run.id), None)
    if there is None:
        file = RunFile(run, folder, About(name=name, settings=run.settings))
        file.commit(1.0, whole=True)
        file.close()
    path = str(file.path) if there is None else there
    warnings = [event.message for event in run.events_list if event.kind == "warning"]
    if asked.json:
        output.json({"path": path, "id": run.id, "new": there is None, "epochs": len(run.epoch_rows),
                     "batches": run.batch_table.rows, "warnings": warnings})  # fmt: skip
        return OK
    print(output.clean(path))
    for warning in warnings:
        output.note(warning)
    if there is not None:
        output.note("this run is there already; nothing was written")
    return OK


def rm(asked: argparse.Namespace) -> int:
    """Put run files away."""
    paths = list(dict.fromkeys(find(what, Path(asked.folder)) for what in asked.runs))
    if not asked.yes and not _agreed(paths):
        return WRONG
    moved: list[dict[str, str]] = []
    refused: list[dict[str, str]] = []
    for path in paths:
        try:
            moved.append({"from": str(path), "to": str(bins.put(path))})
        except (bins.StillWritten, OSError) as error:
            refused.append({"path": str(path), "why": str(error)})
    if asked.json:
        output.json({"moved": moved, "refused": refused})
    else:
        for each in refused:
            output.note(f"{PROGRAM}: {each['why']}")
        if moved:
            print(f"{len(moved)} put away. To get back:")
        for each in moved:
            print(f"  mv {output.clean(shlex.join([each['to'], each['from']]))}")
    return WRONG if refused else OK


def _agreed(paths: Iterable[Path]) -> bool:
    if not sys.stdin.isatty():
        output.note(f"{PROGRAM}: nobody is there to ask: say --yes")
        return False
    for path in paths:
        print(output.clean(str(path)), file=sys.stderr)
    print(f"put these into the folder {bins.BIN} beside them? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def check(asked: argparse.Namespace) -> int:
    """Check run files."""
    from ..store import check as checks

    found = []
    for each in map(Path, asked.paths):
        if not each.exists():
            msg = f"there is no file or folder {each}"
            raise FileNotFoundError(msg)
        for checked in checks.check_folder(each) if each.is_dir() else [checks.check(each)]:
            found.append(checked)
            if not asked.json:
                _say(checked)
    if asked.json:
        output.json([
            {"path": str(each.path), "ok": not each.problems, "problems": each.problems, "counts": each.counts}
            for each in found
        ])  # fmt: skip
    elif not found:
        output.note("no run files")
    return WRONG if any(each.problems for each in found) else OK


def _say(checked: Any) -> None:
    counts = ", ".join(f"{count} {name}" for name, count in checked.counts.items() if count)
    found = "wrong" if checked.problems else "ok"
    print(f"{output.clean(str(checked.path))}: {found}{f' ({counts})' if counts else ''}")
    for problem in checked.problems:
        print(f"  {output.clean(problem)}")
    sys.stdout.flush()
