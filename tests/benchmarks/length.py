"""What length costs: fits of a thousand to ten million batches with 8 metrics, through Monitor's real hooks.

    python tests/benchmarks/length.py [--quick] [--output DIR]

The trainer has no training step (``synthetic.py``); a subscriber draws pictures as a board that is looked at does. Each
length has a process of its own. Every picture's minima and maxima are compared with those of all rows, which the
trainer knows. Prints a table, and writes it as Markdown and JSON. Targets are told, not asserted: machines differ.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE)]

import report  # noqa: E402

LENGTHS = (1_000, 100_000, 1_000_000, 10_000_000)
QUICK = (1_000, 20_000, 100_000)
BLOCKS = 20
POINTS = 1600  # the most a board may ask for
MESSAGE = 160_000  # bytes: 512 buckets each of batches and of epochs, and the header
HEAD = ("batches", "us wall", "p10-p90", "first", "last", "us CPU", "first", "last", "epoch ms", "last", "peak MB",
        "picture kB", "update ms", "zoom ms", "1 %", "worst", "first look ms", "correct")  # fmt: skip
NOTES = """\
us wall, CPU: a batch in both hooks (CPU: of the training thread), the median of 20 equal stretches of the fit; first
  and last: the median of its first and last three. epoch ms: in the hooks around an epoch, first and last stretches.
peak MB: of the process (10**6 bytes) above what it had before the fit, with all pictures but the check below.
picture kB: the message to the browser. update: a new picture of the whole run. zoom: the whole range, a hundredth of
  it, and the worst of all widths, in 1600 buckets. first look: a board that is opened after the fit.
correct: minimum and maximum of every bucket of all these pictures are those of its rows.
"""


def main() -> int:
    """Measure, and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="short fits: under a minute, and no numbers to quote")
    parser.add_argument("--output", type=Path, default=HERE.parent / "output", help="folder for the report")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one)))
        return 0
    machine, results = report.machine(), []
    for length in QUICK if options.quick else LENGTHS:
        command = [sys.executable, str(Path(__file__).resolve()), "--one", str(length)]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
        results.append(json.loads(done.stdout.splitlines()[-1]))
        print(f"{length:,} batches: {results[-1]['us']['wall']['median']:.1f} us each", file=sys.stderr)
    rows = [_row(result) for result in results]
    document = {"machine": machine, "results": results}
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "length.json").write_text(json.dumps(document, indent=1) + "\n")
    table = [HEAD, ["--:"] * len(HEAD), *rows]
    lines = ["# Length", "", *(f"| {' | '.join(row)} |" for row in table), ""]
    lines += [f"- {line}" for line in _targets(results)]
    (options.output / "length.md").write_text("\n".join([*lines, "", f"```\n{NOTES}```\n"]))
    about = f"{machine['processor']}, {machine['cores']} cores, load {machine['load before']} before\n"
    print("\n".join([about, report.columns([HEAD, *rows]), *_targets(results), "", NOTES]))
    return 0


def measure(batches: int) -> dict[str, Any]:
    """One fit, in this process."""
    from synthetic import Trainer, make_model

    import kcb_widgets as kcb
    from kcb_widgets.panels.series_encoder import SeriesEncoder

    epoch = min(1_000, batches // BLOCKS)
    model = make_model()
    Trainer(5_000, 1_000).train(model, _watched(kcb, SeriesEncoder))  # what is only loaded or warmed up once
    trainer, monitor = Trainer(batches, epoch), _watched(kcb, SeriesEncoder)
    gc.collect()
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far was TensorFlow's
    trainer.train(model, monitor)

    run = monitor.run
    picture = SeriesEncoder(run)
    whole = picture.whole()
    ranges = {"zoom": (0, batches), "hundredth": (batches * 0.437, batches * 0.447)}
    ranges |= {f"1/{2**i}": (batches * 0.3, batches * (0.3 + 0.7 / 2**i)) for i in range(1, 12)}
    zooms = {name: _ms(lambda at=at: picture.window(*at, POINTS)) for name, at in ranges.items()}
    result = {
        "batches": run.batch_table.rows,
        "us": {kind: _stretches(getattr(trainer, kind) / epoch * 1e6) for kind in ("wall", "cpu")},
        "epoch_ms": _stretches(trainer.between * 1e3),
        "peak_mb": (_memory("VmHWM") - before) / 1e6,
        "left_mb": (_memory("VmRSS") - before) / 1e6,
        "columns_mb": run.batch_table.nbytes / 1e6,
        "blocks_mb": run.blocks.nbytes / 1e6,
        "picture_bytes": len(whole),
        "update_ms": _ms(picture.whole),
        "zooms_ms": zooms,
        "complaints": [f"{e.name}: {e.message}" for e in run.events_list if e.kind in ("error", "warning")],
    }
    messages = [whole, *(picture.window(*at, POINTS) for at in ranges.values())]
    run.blocks = type(run.blocks)()
    late = SeriesEncoder(run)
    result["first_look_ms"] = _ms(late.whole, times=1)
    messages.append(late.whole())
    truth = [trainer.truth(column) for column in range(8)]
    result["correct"] = all(correct(raw, truth) for raw in messages)
    return result


def _watched(kcb: Any, picture: Any) -> Any:
    """A Monitor whose run is drawn as by a board that is looked at."""
    monitor = kcb.Monitor(display=False)
    drawn = picture(monitor.run)
    monitor.run.subscribe(lambda run: drawn.whole(), lambda: True)
    return monitor


def correct(raw: bytes, truth: list[Any]) -> bool:
    """Whether a message holds the minimum and maximum of every bucket's rows.

    Args:
        raw: The message.
        truth: Each metric's values, of all rows; row ``i`` is step ``i + 1``.
    """
    size = struct.unpack("<I", raw[:4])[0]
    header, data = json.loads(raw[4 : 4 + size]), raw[-(-(4 + size) // 8) * 8 :]
    table = next(each for each in header["tables"] if each["name"] == "batches")
    n, per_bucket = table["length"], table["per_bucket"]
    steps, ends = (np.frombuffer(data, "<f8", n, table["x"][key]) for key in ("step", "end"))
    first, last = int(steps[0]) - 1, int(ends[-1])
    starts = np.arange(first, last, per_bucket)
    good = np.array_equal(steps, starts + 1) and np.array_equal(ends, np.minimum(starts + per_bucket, last))
    for series, values in zip(table["series"], truth, strict=True):
        rows = values[first:last]
        rows = np.where(np.isfinite(rows), rows, np.float32(np.nan))
        for key, extreme in (("min", np.fmin), ("max", np.fmax)):
            drawn = np.frombuffer(data, "<f4", n, series[key if per_bucket > 1 else "mean"])
            good = good and np.array_equal(drawn, extreme.reduceat(rows, starts - first), equal_nan=True)
    return bool(good)


def _stretches(per_epoch: Any) -> dict[str, float]:
    each = [float(stretch.mean()) for stretch in np.array_split(per_epoch, BLOCKS)]
    low, middle, high = np.percentile(each, (10, 50, 90)).tolist()
    ends = {"first": statistics.median(each[:3]), "last": statistics.median(each[-3:])}
    return {"median": middle, "p10": low, "p90": high, **ends}


def _ms(action: Callable[[], Any], times: int = 5) -> float:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        took.append(1e3 * (time.perf_counter() - began))
    return statistics.median(took)


def _memory(key: str) -> int:
    """Bytes of this process's memory, by a line of ``/proc/self/status``."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(key))


def _row(result: dict[str, Any]) -> list[str]:
    wall, cpu, epoch, zooms = result["us"]["wall"], result["us"]["cpu"], result["epoch_ms"], result["zooms_ms"]
    return [
        f"{result['batches']:,}",
        *(f"{wall['median']:.1f}", f"{wall['p10']:.1f}-{wall['p90']:.1f}", f"{wall['first']:.1f}"),
        *(f"{wall['last']:.1f}", *(f"{cpu[key]:.1f}" for key in ("median", "first", "last"))),
        *(f"{epoch['first']:.2f}", f"{epoch['last']:.2f}"),
        *(f"{result['peak_mb']:.0f}", f"{result['picture_bytes'] / 1e3:.1f}", f"{result['update_ms']:.1f}"),
        *(f"{each:.1f}" for each in (zooms["zoom"], zooms["hundredth"], max(zooms.values()), result["first_look_ms"])),
        "yes" if result["correct"] and not result["complaints"] else "NO",
    ]


def _targets(results: list[dict[str, Any]]) -> list[str]:
    """Against the second length: the first is over before there is a picture."""
    longest, usual = results[-1], results[1]
    said = []
    for kind in ("wall", "cpu"):
        change = longest["us"][kind]["median"] / usual["us"][kind]["median"] - 1
        pair = f"{longest['batches']:,} against {usual['batches']:,}"
        said.append((f"{change:+.0%} {kind} a batch, {pair} (at most 20 %)", abs(change) <= 0.2))
        change = longest["us"][kind]["last"] / longest["us"][kind]["first"] - 1
        said.append((f"{change:+.0%} {kind} a batch, last against first of {longest['batches']:,}", abs(change) <= 0.2))
    said.append((f"{longest['peak_mb']:.0f} MB at {longest['batches']:,} (at most 400)", longest["peak_mb"] <= 400))
    size = max(result["picture_bytes"] for result in results)
    said.append((f"{size:,} bytes of a picture at most ({MESSAGE:,} with 512 buckets in each table)", size <= MESSAGE))
    said.append(("every picture correct", all(result["correct"] for result in results)))
    return [f"target {'met' if met else 'MISSED'}: {line}" for line, met in said]


if __name__ == "__main__":
    sys.exit(main())
