"""The run that a fit is compared with: which it is, and that its curve is drawn."""

from __future__ import annotations

import json
import pickle
import struct
import threading

import keras
import numpy as np
import pytest

import kcb_widgets as kcb
from kcb_widgets.panels.series_encoder import SeriesEncoder
from kcb_widgets.session import baseline

X = np.linspace(-1, 1, 24, dtype="float32").reshape(12, 2)


class Waits(keras.callbacks.Callback):
    """Ends no epoch before the baseline was looked for."""

    def __init__(self, monitor):
        super().__init__()
        self.monitor = monitor

    def on_epoch_end(self, epoch, logs=None):
        for thread in threading.enumerate():
            if thread.name == "kcb-baseline":
                thread.join(30)


def train(monitor, rate=0.01, epochs=2, validated=True):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile(keras.optimizers.SGD(rate), "mse")
    more = {"validation_data": (X, X[:, :1])} if validated else {}
    model.fit(X, X[:, :1], batch_size=4, epochs=epochs, verbose=0, callbacks=[Waits(monitor), monitor], **more)
    return monitor.run


def told(run):
    return [(event.kind, event.message) for event in run.events_list if event.name == "baseline"]


def drawn(run):
    """The table ``baseline`` of a picture: its series, and their values."""
    raw = SeriesEncoder(run).whole()
    (size,) = struct.unpack("<I", raw[:4])
    header = json.loads(raw[4 : 4 + size])
    start = 4 + size + -(4 + size) % 8
    found = [table for table in header["tables"] if table["name"] == "baseline"]
    return {
        series["name"]: (series["label"], np.frombuffer(raw, np.float32, table["length"], start + series["mean"]))
        for table in found
        for series in table["series"]
    }


def test_the_best_is_that_of_the_folder_and_of_earlier_runs(tmp_path):
    kept = train(kcb.Monitor(log_dir=tmp_path, name="kept"), rate=0.1, epochs=3)
    train(kcb.Monitor(log_dir=tmp_path, name="worse"), rate=1e-4)
    monitor = kcb.Monitor(log_dir=tmp_path, name="now", baseline="best", keep_runs=3)
    run = train(monitor)
    assert run.baseline is not run
    assert run.baseline.id == kept.id
    assert told(run) == [("status", "compared with kept")]
    found = drawn(run)
    assert set(found) == {"loss", "val_loss"}
    np.testing.assert_allclose(found["val_loss"][1], kept.epochs["val_loss"], rtol=1e-6)
    assert found["val_loss"][0] == "val_loss, baseline kept"
    better = train(monitor, rate=0.2, epochs=4)
    assert train(monitor).baseline is better  # that was in memory


def test_the_first_run_is_compared_with_none():
    run = train(kcb.Monitor(baseline="best"))
    assert run.baseline is None
    assert told(run) == [("status", "there is no earlier run to compare this one with")]
    assert drawn(run) == {}


def test_a_run_or_a_file_may_be_named(tmp_path):
    first = train(kcb.Monitor(log_dir=tmp_path, name="first"))
    by_run = train(kcb.Monitor(baseline=first))
    assert by_run.baseline is first
    by_path = train(kcb.Monitor(baseline=str(first.path)))
    assert by_path.baseline.id == first.id
    for one, other in zip(drawn(by_run).values(), drawn(by_path).values(), strict=True):
        np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize("content", [None, b"", b"SQLite format 3\0" + b"?" * 100])
def test_a_file_that_is_none_is_told_and_the_fit_goes_on(tmp_path, content):
    path = tmp_path / "a.sqlite"
    if content is not None:
        path.write_bytes(content)
    run = train(kcb.Monitor(baseline=path))
    assert run.status == "finished"
    assert run.baseline is None
    ((kind, message),) = told(run)
    assert kind == "warning"
    assert message.startswith("this run is compared with none: ")


def test_only_what_the_run_has_too_is_drawn():
    first = train(kcb.Monitor())
    run = train(kcb.Monitor(baseline=first), validated=False)
    assert set(drawn(run)) == {"loss"}
    alone = train(kcb.Monitor(), epochs=1, validated=False)
    assert len(drawn(train(kcb.Monitor(baseline=alone), epochs=1, validated=False))["loss"][1]) == 3  # its batches


def test_a_baseline_does_not_change_what_is_trained():
    losses = []
    for options in ({}, {"baseline": "best"}, {"baseline": train(kcb.Monitor())}):
        keras.utils.set_random_seed(3)
        losses.append(train(kcb.Monitor(**options)).epochs["val_loss"].tolist())
    assert losses[0] == losses[1] == losses[2]


@pytest.mark.parametrize(("value", "error"), [(3, TypeError), (True, TypeError), ("", ValueError), ([], TypeError)])
def test_what_cannot_be_one_is_refused(value, error):
    with pytest.raises(error, match="baseline must"):
        kcb.Monitor(baseline=value)


def test_what_is_not_finite_is_never_the_best():
    rows = [{"metrics": {"loss": {"last": value}}} for value in (float("nan"), float("-inf"), 3.0, "2", None, 1.5)]
    assert baseline.best_of(rows) is rows[-1]
    assert baseline.best_of(rows[:2]) is None
    assert baseline.best_of([{"metrics": {}}]) is None
    validated = {"metrics": {"loss": {"last": 9.0}, "val_loss": {"last": 9.0, "best": 8.0}}}
    assert baseline.best_of([*rows, validated]) is validated


def test_it_travels_where_it_can(tmp_path):
    run = train(kcb.Monitor())
    for given, kept in (("best", "best"), (tmp_path / "a", tmp_path / "a"), (run, None)):
        assert pickle.loads(pickle.dumps(kcb.Monitor(baseline=given)))._baseline == kept
    compared = train(kcb.Monitor(baseline=run))
    assert pickle.loads(pickle.dumps(compared)).baseline is None
