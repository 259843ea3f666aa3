"""The measurements as tables: paired with the no-op callback of the same repeat, median and range over repeats."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from plan import HOOKED, MODELS, VARIANTS

PACKAGES = (
    "kcb-widgets", "keras", "tensorflow", "tensorflow-cpu", "numpy", "anywidget", "ipywidgets", "ipykernel",
    "jupyterlab", "tensorboard", "tqdm", "livelossplot", "matplotlib", "playwright",
)  # fmt: skip
TIME_HEAD = ("callback", "us/batch", "range", "over no-op", "ratio", "quiet us/batch", "over no-op", "ratio")
WALL_HEAD = (*TIME_HEAD, "pushes/s")
CPU_HEAD = (*TIME_HEAD, "epoch ms", "begin ms", "end ms")
HOOK_HEAD = ("callback", "us/batch", "range", "plain us", "poll us", "polls/s", "look us", "p99", "looks/s",
             "epoch ms", "% of fit")  # fmt: skip
NOTES = """\
wall, CPU: of the batches of whole epochs, epoch hooks left out; CPU is that of the training thread. Each fit stands for
  its median epoch. Median over repeats, and their range; "over no-op" and "ratio" pair each fit with the no-op's of the
  same repeat. "quiet": the tenth percentile of all its epochs, for machines with other things to do.
  Where no callback has a batch hook (none, CSVLogger, PlotLossesKeras) Keras runs its own batch hooks on a thread pool.
epoch, begin, end ms: in hooks around each epoch, in on_train_begin and in on_train_end.
hooks: time inside Monitor's own hooks on the training thread, the no-op's (timed by the same wrapper) taken off.
  plain: the median batch, its two hooks together; poll: the median call that looked for messages; look: one that also
  looked at the controls and the newest rows, and had a picture drawn (on a thread of its own, pushes/s).
The backend computes on one thread, so that a step takes the same time each time.
"""
CHEAPER = 50
Row = Sequence[str]
Fit = dict[str, Any]


def machine() -> dict[str, Any]:
    """What it was measured on and with."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    processor = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": processor or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "versions": versions,
    }


def text(document: dict[str, Any]) -> str:
    """The report for a terminal."""
    parts = [_heading(document)]
    for title, head, rows in _tables(document):
        parts += [title, columns([head, *rows])]
    return "\n".join([*parts, *_targets(document["results"]), *_trouble(document["results"]), "", NOTES])


def markdown(document: dict[str, Any]) -> str:
    """The report for a page."""
    parts = ["# Per-batch cost", _heading(document).replace("\n", "  \n")]
    for title, head, rows in _tables(document):
        table = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
        parts += [f"## {title}", "\n".join(f"| {' | '.join(row)} |" for row in table)]
    ends = [*_targets(document["results"]), *_trouble(document["results"])]
    parts += ["\n".join(f"- {line}" for line in ends), f"```\n{NOTES}```"]
    return "\n\n".join(parts) + "\n"


def _heading(document: dict[str, Any]) -> str:
    machine, settings = document["machine"], document["settings"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"{machine['processor']}, {machine['cores']} cores, load {machine['load before']} before; {machine['system']}\n"
        f"Python {machine['python']}, Keras on {document['backend']}, {versions}\n"
        f"{settings['repeats']} repeats of {settings['epochs']} epochs of about {settings['epoch']} s\n"
    )


def _tables(document: dict[str, Any]) -> list[tuple[str, Row, list[Row]]]:
    results, tables = document["results"], []
    for model in MODELS:
        subject = next((r for r in results if r["kind"] == "model" and r["model"] == model), None)
        if subject is None:
            continue
        if any(r["kind"] == "fit" and r["model"] == model for r in results):
            whole = [_fit_rows(results, model, variant) for variant in VARIANTS]
            title = f"{model}: whole fits, a step of {subject['ms']:.2f} ms"
            tables.append((f"{title}, wall time", WALL_HEAD, [wall for wall, _ in whole]))
            tables.append((f"{title}, CPU time of the training thread", CPU_HEAD, [cpu for _, cpu in whole]))
        hooks = [_hook_row(results, model, variant) for variant in HOOKED if variant != "noop"]
        tables.append((f"{model}: inside Monitor's hooks", HOOK_HEAD, hooks))
    return tables


def _of(results: list[Fit], kind: str, model: str, variant: str) -> dict[int, Fit]:
    wanted = (kind, model, variant)
    done = [r for r in results if (r["kind"], r["model"], r.get("variant")) == wanted and "wall_us" in r]
    return {r["repeat"]: r for r in done}


def _fit_rows(results: list[Fit], model: str, variant: str) -> tuple[Row, Row]:
    """Wall time, and CPU time with what happens around epochs and fits."""
    own, base = _of(results, "fit", model, variant), _of(results, "fit", model, "noop")
    pairs = [(result, base[repeat]) for repeat, result in own.items() if repeat in base]
    if not pairs:
        none = [VARIANTS[variant], _why(results, variant)]
        return [*none, *[""] * (len(WALL_HEAD) - 2)], [*none, *[""] * (len(CPU_HEAD) - 2)]
    pace = [a["pushes"] / a["seconds"] for a, _ in pairs if a["pushes"] is not None]
    ends = [_middle([a[key] for a, _ in pairs], 1) for key in ("epoch_ms", "begin_ms", "end_ms")]
    wall, cpu = (_times(pairs, own, base, key) for key in ("wall_us", "cpu_us"))
    return [VARIANTS[variant], *wall, _middle(pace, 1)], [VARIANTS[variant], *cpu, *ends]


def _times(pairs: list[tuple[Fit, Fit]], own: dict[int, Fit], base: dict[int, Fit], key: str) -> list[str]:
    took, idle = [a[key] for a, _ in pairs], [b[key] for _, b in pairs]
    over = [a - b for a, b in zip(took, idle, strict=True)]
    ratio = [a / b for a, b in zip(took, idle, strict=True)]
    quiet, none = _quiet(own.values(), key), _quiet(base.values(), key)
    return [
        *(_middle(took, 0), _range(took, 0), _middle(over, 1), _middle(ratio, 3)),
        *(f"{quiet:.0f}", f"{quiet - none:.1f}", f"{quiet / none:.3f}"),
    ]


def _quiet(fits: Iterable[Fit], key: str) -> float:
    epochs = sorted(took for fit in fits for took in fit[f"all_{key}"])
    return float(epochs[len(epochs) // 10])


def _why(results: list[Fit], variant: str) -> str:
    for result in results:
        if result.get("variant") == variant:
            if "missing" in result:
                return "not installed"
            if "failed" in result:
                return "failed"
    return "not measured"


def hooks(results: list[Fit], model: str, variant: str) -> list[dict[str, float]]:
    """Each repeat's time in the hooks, the no-op's taken off."""
    out, base = [], _of(results, "hooks", model, "noop")
    for repeat, result in _of(results, "hooks", model, variant).items():
        if repeat not in base:
            continue
        spent, idle, batches = result["hooks"], base[repeat]["hooks"], result["batches"]
        kinds = [name for name in spent if name != "epoch"]
        wrapper = {name: idle[name]["median"] for name in ("on_train_batch_begin", "on_train_batch_end")}
        seconds = result["seconds"]
        row = {"mean": sum(spent[name]["sum"] for name in kinds) / batches - sum(wrapper.values())}
        # Long steps have no plain end of a batch: each is due for a look at messages.
        before, after = ((spent[name]["median"] or cost) - cost for name, cost in wrapper.items())
        row["plain"] = before + after
        for name in ("poll", "look"):
            took = spent[name]["median"]
            row[name] = 0.0 if took is None else took - wrapper["on_train_batch_end"]
            row[f"{name} pace"] = spent[name]["calls"] / seconds
        row["p99"] = spent["look"]["p99"] or 0.0
        row["epoch"] = (spent["epoch"]["sum"] - idle["epoch"]["sum"]) / max(1, spent["epoch"]["calls"]) * 2 / 1000
        row["share"] = 100 * (row["mean"] * batches + spent["epoch"]["sum"]) / (1e6 * seconds)
        out.append(row)
    return out


def _hook_row(results: list[Fit], model: str, variant: str) -> Row:
    rows = hooks(results, model, variant)
    if not rows:
        return [VARIANTS[variant], "not measured", *[""] * (len(HOOK_HEAD) - 2)]
    keys = {
        "plain": 1, "poll": 1, "poll pace": 1, "look": 0, "p99": 0, "look pace": 1, "epoch": 2, "share": 2,
    }  # fmt: skip
    mean = [row["mean"] for row in rows]
    rest = [_middle([row[key] for row in rows], digits) for key, digits in keys.items()]
    return [VARIANTS[variant], _middle(mean, 1), _range(mean, 1), *rest]


def _targets(results: list[Fit]) -> list[str]:
    lines = []
    for variant, model, key, limit, unit in (
        ("headless", "tiny", "mean", 5.0, "us a batch on top of a no-op"),
        ("live", "tiny", "mean", 25.0, "us a batch on top of a no-op"),
        ("live", "5 ms", "share", 1.0, "% of the fit in its hooks"),
        ("live", "50 ms", "share", 0.2, "% of the fit in its hooks"),
    ):
        rows = hooks(results, model, variant)
        if rows:
            value = statistics.median(row[key] for row in rows)
            met = "met" if value <= limit else "MISSED"
            lines.append(f"target {met}: {VARIANTS[variant]}, {model} model: {value:.2f} {unit} (at most {limit:g})")
    for model in MODELS:
        ours, redraw = (_of(results, "fit", model, variant) for variant in ("live", "livelossplot"))
        ratios = [redraw[repeat]["epoch_ms"] / ours[repeat]["epoch_ms"] for repeat in ours if repeat in redraw]
        if ratios:
            value = statistics.median(ratios)
            met = "met" if value >= CHEAPER else "MISSED"
            lines.append(f"target {met}: around an epoch {value:.0f} times less than livelossplot, {model} model"
                         f" (at least {CHEAPER})")  # fmt: skip
    return lines


def _trouble(results: list[Fit]) -> list[str]:
    found: dict[str, int] = {}
    for result in results:
        for line in [result.get("missing"), result.get("failed"), *result.get("complaints", [])]:
            if line:
                key = f"{VARIANTS[result['variant']]}: {line}"
                found[key] = found.get(key, 0) + 1
    return [f"{line} ({count} fits)" for line, count in found.items()]


def _middle(values: Sequence[float], digits: int) -> str:
    return f"{statistics.median(values):.{digits}f}" if values else ""


def _range(values: Sequence[float], digits: int) -> str:
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}"


def columns(rows: Sequence[Row]) -> str:
    """Rows as a table of a terminal."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"
