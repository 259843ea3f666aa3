"""The same batches kept by Monitor, TensorBoard and trackio: what each costs the thread that trains, and its files."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from targets import Number  # isort: skip  # first: it finds the others
import numpy as np
from kept import begin

from kcb_widgets.store.about import About
from kcb_widgets.store.keeper import Keeper

Log = Callable[[int, dict[str, float]], None]
WARM = 100  # batches before anything is measured
PAUSE_S = 0.001  # between batches, in which others may write


@contextlib.contextmanager
def monitor(folder: Path, metrics: tuple[str, ...]) -> Iterator[Log]:
    """A run that is kept, as a Monitor does it."""
    run = begin(metrics)
    run.begin_epoch(0)
    keeper = Keeper(run, folder, About(name="a run"))
    keeper.start()

    def log(batch: int, logs: dict[str, float]) -> None:
        run.pending.append((batch, logs, time.perf_counter(), None))
        if not batch % 100:
            run.record_pending()

    yield log
    run.finish("finished")
    keeper.finish()


@contextlib.contextmanager
def tensorboard(folder: Path, metrics: tuple[str, ...]) -> Iterator[Log]:
    """What Keras's callback does with ``update_freq=1``."""
    import tensorflow as tf

    writer = tf.summary.create_file_writer(str(folder))

    def log(batch: int, logs: dict[str, float]) -> None:
        with writer.as_default():
            for name, value in logs.items():
                tf.summary.scalar(f"batch_{name}", value, step=batch)

    yield log
    writer.close()


@contextlib.contextmanager
def trackio(folder: Path, metrics: tuple[str, ...]) -> Iterator[Log]:
    """``trackio.log`` for each batch."""
    os.environ["TRACKIO_DIR"] = str(folder)
    with contextlib.redirect_stdout(io.StringIO()):
        import trackio as module

        module.init(project="benchmark")

    def log(batch: int, logs: dict[str, float]) -> None:
        module.log(logs, step=batch)

    yield log
    with contextlib.redirect_stdout(io.StringIO()):
        module.finish()


def compare(folder: Path, metrics: tuple[str, ...], count: int) -> list[Number]:
    """Measure all that are installed, one after the other."""
    numbers: list[Number] = []
    for name, kept in (("Monitor", monitor), ("TensorBoard", tensorboard), ("trackio", trackio)):
        if (
            importlib.util.find_spec("tensorflow" if name == "TensorBoard" else name.lower()) is None
            and kept is not monitor
        ):
            continue
        where = folder / name.lower()
        rng, took = np.random.default_rng(0), []
        with kept(where, metrics) as log:
            for batch, row in enumerate(rng.random((count + WARM, len(metrics))).tolist()):
                logs = dict(zip(metrics, row, strict=True))
                began = time.perf_counter()
                log(batch, logs)
                took.append(time.perf_counter() - began)
                time.sleep(PAUSE_S)
        found = 1e6 * np.array(took[WARM:])
        size = sum(path.stat().st_size for path in where.rglob("*") if path.is_file())
        numbers += [
            Number(f"{name}: a batch, mean", float(found.mean()), "us"),
            Number(f"{name}: a batch, 99.9th percentile", float(np.quantile(found, 0.999)) / 1000, "ms"),
            Number(f"{name}: its files, a batch", size / (count + WARM), "B"),
        ]
    return numbers
