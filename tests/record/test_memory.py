"""What a finished run keeps: little, and nothing of the model."""

from __future__ import annotations

import gc
import threading
import tracemalloc
import weakref

import keras
import numpy as np
import pytest

import kcb_widgets as kcb
from kcb_widgets.record import table as table_module
from kcb_widgets.record.table import CHUNK, FIRST, Table
from kcb_widgets.run import Run

MOST = 0.1 * 2**20  # bytes of a small fit


def recorded(batches=40, epochs=3):
    """A run made through the record alone."""
    run = Run()
    run.params = {"steps": batches, "epochs": epochs}
    for epoch in range(epochs):
        run.begin_epoch(epoch)
        for batch in range(batches):
            run.append(batch, {"loss": 1.0 / (batch + 1), "accuracy": 0.5, "mae": 0.25})
        run.evaluated({"val_loss": 1.0})
        run.set_value("learning_rate", 0.1 / (epoch + 1))
        run.end_epoch(epoch, {"loss": 1.0, "accuracy": 0.5, "mae": 0.25, "val_loss": 1.0})
    run.finish("finished")
    return run


def kept(make, count):
    """Bytes that each of ``count`` things takes, seen by the allocator."""
    held = [make() for _ in range(2)]  # what is made once
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        held += [make() for _ in range(count)]
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - before) / count
    finally:
        tracemalloc.stop()


def test_a_small_run_is_small():
    assert kept(recorded, 30) < 0.3 * MOST
    run = recorded()
    tables = (run.batch_table, run.epoch_table, run.value_table, run.evaluation_table)
    assert sum(table.nbytes for table in tables) < 8_000
    assert kept(lambda: recorded(batches=1, epochs=1), 30) < 0.3 * MOST


def test_real_fits_leave_little_and_let_the_model_go(classifier):
    model, x, y = classifier(weighted_metrics=["mae"])
    monitor = kcb.Monitor(display=False)
    weights = np.linspace(0.7, 1.3, len(x))

    def fit():
        model.fit(x, y, sample_weight=weights, epochs=2, batch_size=8, verbose=0, callbacks=[monitor])
        return monitor.run

    for _ in range(2):
        fit()
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.take_snapshot()
        for _ in range(5):
            fit()
        gc.collect()
        after = tracemalloc.take_snapshot()
    finally:
        tracemalloc.stop()
    ours = [tracemalloc.Filter(True, "*/kcb_widgets/*")]
    more = after.filter_traces(ours).compare_to(before.filter_traces(ours), "filename")
    assert 0 < sum(difference.size_diff for difference in more) / 5 < 0.5 * MOST
    assert len(monitor.runs) == 7
    assert len(monitor.runs[3].batches) == 16  # and is whole
    assert monitor.runs[3].batches["batch_mae"].notna().all()
    gone = weakref.ref(monitor.runs[3])
    del monitor.runs[3]
    gc.collect()
    assert gone() is None


def test_a_finished_run_does_not_hold_the_model():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    monitor = kcb.Monitor(display=False)
    model.fit(np.ones((8, 1)), np.ones((8, 1)), verbose=0, callbacks=[monitor])
    run, seen = monitor.run, set()
    waiting = [vars(run)]
    while waiting:  # all that is reached from the run through containers and our own objects
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        assert not isinstance(one, (keras.Model, keras.Variable, keras.metrics.Metric, keras.optimizers.Optimizer))
        ours = type(one).__module__.startswith("kcb_widgets") or isinstance(one, (dict, list, tuple, set))
        waiting += gc.get_referents(one) if ours and not isinstance(one, type) else []
    assert len(seen) > 50


# -- how tables grow ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, FIRST, FIRST + 1, 1_000, 10_000])
def test_a_table_has_room_for_twice_its_rows_at_most(rows):
    table = Table()
    for i in range(rows):
        table.append(i + 1, 0.1 * i, {"loss": float(i), "accuracy": 0.5})
    assert table.nbytes <= (2 * 4 + 8) * max(2 * rows, FIRST)
    assert table.column("loss").tolist() == list(range(rows))
    assert table.seconds(0, rows).tolist() == [0.1 * i for i in range(rows)]


def test_only_the_first_chunk_is_small(monkeypatch):
    monkeypatch.setattr(table_module, "CHUNK", 256)
    table, rng = Table(), np.random.default_rng(0)
    rows = 0
    while rows < 2_000:
        n = int(rng.integers(1, 90))
        values = [{"loss": float(rows + i)} for i in range(n)]
        if not table.extend(rows + 1, [0.5 * (rows + i) for i in range(n)], values):
            for i, value in enumerate(values):
                table.append(rows + i + 1, 0.5 * (rows + i), value)
        rows += n
        assert table.rows == rows
        assert table.nbytes <= (-(-rows // 256) * 256) * (4 + 8)
    assert table.column("loss").tolist() == list(range(rows))
    assert np.allclose(table.seconds(0, rows), 0.5 * np.arange(rows), atol=1e-3)


def test_columns_first_seen_late_in_a_growing_chunk():
    table = Table()
    for i in range(1_000):
        table.append(i + 1, 0.0, {"loss": float(i)} | ({"late": 2.0 * i} if i >= 63 else {}))
    late = table.column("late")
    assert np.isnan(late[:63]).all()
    assert table.is_missing(62, "late")
    assert late[63:].tolist() == [2.0 * i for i in range(63, 1_000)]


def test_a_reader_on_another_thread_sees_whole_rows_while_the_table_grows():
    """Columns hold the row's number: a torn or resized array would show another."""
    wrong, passes, done = [], [], threading.Event()
    for _ in range(30):
        table = Table()
        done.clear()

        def read(table=table):
            while not done.is_set():
                rows = table.rows
                values, seconds, steps = table.values(0, rows), table.seconds(0, rows), table.steps(0, rows)
                for column in values:
                    if not np.array_equal(column[~np.isnan(column)], np.flatnonzero(~np.isnan(column))):
                        wrong.append(column)
                if not (np.array_equal(seconds, np.arange(rows)) and np.array_equal(steps, np.arange(1, rows + 1))):
                    wrong.append(seconds)
                passes.append(rows)

        reader = threading.Thread(target=read)
        reader.start()
        for i in range(24 * FIRST):
            table.append(i + 1, float(i), {"a": float(i), "b": float(i)} | ({"c": float(i)} if i > 100 else {}))
        done.set()
        reader.join()
    assert not wrong
    assert len(passes) > 30
    assert max(passes) <= 24 * FIRST < CHUNK
