"""What it costs to keep runs in files: a batch, a file's size, and opening, listing and comparing files.

    python tests/benchmarks/keeping.py [--quick] [--output DIR]

Batches are those of a trainer whose step sleeps, so that the thread that writes has the time it has beside a real one.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from targets import Number, parse, publish, spread  # isort: skip  # first: it finds the others
import numpy as np
import trackers
from kept import begin, file_of, train

import kcb_widgets as kcb
from kcb_widgets.panels.series_encoder import SeriesEncoder
from kcb_widgets.store.about import About
from kcb_widgets.store.keeper import Keeper

METRICS = tuple(["loss", *(f"metric_{number}" for number in range(7))])
STEP_S = 0.002
NOTES = """
the training thread's own time: its CPU time a batch, kept less not kept, which take turns; medians.
the longest wait: what a batch of 8 metrics took between the ends of two steps that sleep 2 ms, the 99.9th percentile.
a long run: written in commits of 1,000 batches, 8 metrics. Opened and drawn: the whole run, as a board draws it first.
a folder: files of small runs with 10 settings each.
beside others: the same 8 numbers a batch, one batch a millisecond; trackio where it is installed. Monitor keeps each
  batch and its time, TensorBoard and trackio a step and a time for each.
compare: 100 runs of 10,000 batches: their table and curves, as they are first sent to the browser.
"""


def main() -> int:
    """Measure, and report."""
    options = parse(__doc__)
    quick = options.quick
    with tempfile.TemporaryDirectory(prefix="kcb-keeping-") as name:
        folder = Path(name)
        batches = _batches(folder, 2 if quick else 6, 500 if quick else 4000)
        long = _long(folder, 100_000 if quick else 10_000_000)
        files = _folder(folder, 50 if quick else 1000)
        compared = _compared(folder, 10 if quick else 100, 1000 if quick else 10_000)
        others = trackers.compare(folder, METRICS, 300 if quick else 10_000)
    publish("keeping", "Keeping runs", [
        ("A batch", batches), ("A long run", long), ("A folder", files), ("Comparing", compared),
        ("Beside other trackers", others),
    ], NOTES, options.output)  # fmt: skip
    return 0


def _batches(folder: Path, rounds: int, count: int) -> list[Number]:
    """What keeping costs the thread that trains."""
    took: dict[bool, list[float]] = {True: [], False: []}
    busy: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(2 * rounds):
        kept = turn % 2 == 0
        waited, own = _train(folder / "batches" if kept else None, count)
        took[kept] += waited
        busy[kept].append(own)
    means = {kept: 1e6 * statistics.median(values) for kept, values in busy.items()}
    waits = {kept: 1e3 * float(np.quantile(values, 0.999)) for kept, values in took.items()}
    return [
        Number("the training thread's own time, more a batch", means[True] - means[False], "us", 1.0),
        Number("the longest wait (99.9th percentile), kept", waits[True], "ms", 2.0 + waits[False]),
        Number("the same, not kept", waits[False], "ms"),
    ]


def _train(folder: Path | None, count: int) -> tuple[list[float], float]:
    """Seconds that each batch took longer than its step, and of the thread's own time on average."""
    run, logs = begin(METRICS), dict.fromkeys(METRICS, 0.5)
    run.begin_epoch(0)
    keeper = None
    if folder is not None:
        keeper = Keeper(run, folder, About(name="a run"))
        keeper.start()
    took = []
    last, own = time.perf_counter(), time.thread_time()
    for batch in range(count):
        time.sleep(STEP_S)
        slept = time.perf_counter()
        run.pending.append((batch, logs, slept, None))
        if not batch % 100:
            run.record_pending()
        now = time.perf_counter()
        took.append(now - last - STEP_S)
        last = now
    own = (time.thread_time() - own) / count
    run.finish("finished")
    if keeper is not None:
        keeper.finish()
    return took, own


def _long(folder: Path, count: int) -> list[Number]:
    """The file of a long run."""
    run = begin(METRICS, steps=10_000, epochs=count // 10_000)
    file = file_of(run, folder / "long")
    rng = np.random.default_rng(0)
    commits = []
    for first in range(0, count, 1000):
        if first % 10_000 == 0:
            run.begin_epoch(first // 10_000)
        for row in rng.random((1000, len(METRICS))).tolist():
            run.pending.append(
                (len(run.pending) + first % 10_000, dict(zip(METRICS, row, strict=True)), time.perf_counter(), None)
            )
        run.record_pending()
        if first % 10_000 == 9000:
            run.end_epoch(first // 10_000, {"loss": 0.5})
        commits.append(_ms(lambda: file.commit(1.0)))
    run.finish("finished")
    file.commit(1.0, whole=True)
    file.close()
    assert file.path is not None
    size = file.path.stat().st_size / 1e6
    began = time.perf_counter()
    opened = kcb.Run.open(file.path)
    picture = SeriesEncoder(opened)
    picture.whole()
    drawn = 1000 * (time.perf_counter() - began)
    zoom = _ms(lambda: picture.window(count / 2, count / 2 + 5000, 800))
    tenth = len(commits) // 10
    return [
        Number("batches", count, ""),
        Number("the file", size, "MB", 420),
        *spread("a commit of 1,000 batches, the first tenth", commits[:tenth]),
        *spread("the same, the last tenth", commits[-tenth:]),
        Number("opened and drawn", drawn, "ms", 1500),
        Number("a zoom", zoom, "ms"),
    ]


def _small(folder: Path, number: int, batches: int) -> Path:
    run = begin(("loss",), steps=batches)
    run.name, run.started = f"run {number}", run.started - number
    train(run, batches)
    run.end_epoch(0, {"loss": 0.5, "val_loss": 0.6})
    run.finish("finished")
    file = file_of(run, folder, name=run.name, config={f"setting_{i}": number * i for i in range(10)})
    file.commit(1.0, whole=True)
    file.close()
    assert file.path is not None
    return file.path


def _folder(folder: Path, count: int) -> list[Number]:
    """A folder of many files."""
    for number in range(count):
        size = _small(folder / "many", number, 20).stat().st_size / 1e3
    return [
        Number("files", count, ""),
        Number("the smallest file", size, "KB"),
        Number("kcb.runs", _ms(lambda: kcb.runs(folder / "many")), "ms", 1000),
    ]


def _compared(folder: Path, count: int, batches: int) -> list[Number]:
    """Many runs side by side."""
    for number in range(count):
        _small(folder / "compared", number, batches)
    sent: list[Any] = []

    def first() -> None:
        comparison = kcb.compare(folder / "compared")
        comparison.choose(shown=list(comparison.runs().index))
        comparison.send = lambda content, buffers=None: sent.append(buffers)
        comparison._messages.hello(True)
        sent.append(comparison)

    opened = _ms(first)
    comparison = sent[-1]
    zoom = _ms(lambda: comparison._messages.send_curves("view", 1, 10.0, batches / 10))
    shutil.rmtree(folder / "compared")
    return [
        Number("runs", count, ""),
        Number("opened", opened, "ms", 2000),
        Number("a zoom", zoom, "ms"),
    ]


def _ms(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


if __name__ == "__main__":
    sys.exit(main())
