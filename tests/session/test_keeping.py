"""Runs of real fits that are kept in files: asked for beforehand, in mid-run, or when the fit is over."""

from __future__ import annotations

import contextlib

import cloudpickle
import keras
import numpy as np
import pandas as pd
import pytest

import kcb_widgets as kcb
from kcb_widgets import Run
from kcb_widgets.session import keeping


@pytest.fixture(autouse=True)
def nobody_keeps(monkeypatch):
    monkeypatch.setattr(keeping, "_default", None)
    monkeypatch.delenv(keeping.VARIABLE, raising=False)


@pytest.fixture
def fit(unit_model, ones):
    """Fits a small model for some epochs; gives the model."""

    def train(monitor, epochs=3, **more):
        model = more.pop("model", None) or unit_model()
        more = {"callbacks": [monitor], "batch_size": 1, "verbose": 0, **more}
        model.fit(*ones, epochs=epochs, **more)
        return model

    return train


def files(folder):
    return sorted(folder.glob("*.sqlite"))


def only(folder):
    """The one run of a folder."""
    (path,) = files(folder)
    assert list(folder.iterdir()) == [path]  # no journal, and nothing half made
    return Run.open(path)


def test_a_run_is_kept_as_it_was(tmp_path, fit):
    monitor = kcb.Monitor(log_dir=tmp_path, name="digits, deep", tags=["a"], notes="why", config={"depth": 3})
    monitor.add_policy(lambda run, monitor: monitor.set(learning_rate=0.25), every=5)
    fit(monitor, validation_split=0.25)
    kept, live = only(tmp_path), monitor.run
    assert live.path == files(tmp_path)[0]
    assert "-digits-deep-" in live.path.name
    assert kept.id == live.id
    assert kept.status == "finished"
    assert kept.kept is None
    pd.testing.assert_frame_equal(kept.epochs, live.epochs)
    pd.testing.assert_frame_equal(kept.batches, live.batches, atol=1e-6, rtol=0)
    pd.testing.assert_frame_equal(kept.events, live.events)
    assert kept.to_code() == live.to_code()
    assert (kept.name, kept.tags, kept.notes, kept.config) == ("digits, deep", ("a",), "why", {"depth": 3})
    assert [each["name"] for each in kept.controls] == [each["name"] for each in live.controls]
    assert not any(each["enabled"] for each in kept.controls)


def test_a_kept_run_can_be_replayed(tmp_path, fit, unit_model):
    monitor = kcb.Monitor(log_dir=tmp_path)
    monitor.add_policy(lambda run, monitor: monitor.set(learning_rate=0.125), every=7)
    model = fit(monitor)
    again = fit(only(tmp_path).replay())
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])


def test_without_being_asked_nothing_is_kept(tmp_path, fit, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monitor = kcb.Monitor()
    fit(monitor)
    assert list(tmp_path.iterdir()) == []
    assert monitor.run.kept is None
    assert monitor.run.path is None


def test_the_process_or_a_variable_can_ask_for_every_monitor(tmp_path, fit, monkeypatch):
    monkeypatch.setenv(keeping.VARIABLE, str(tmp_path / "variable"))
    fit(kcb.Monitor())
    kcb.keep(tmp_path / "process")
    fit(kcb.Monitor())
    fit(kcb.Monitor(log_dir=tmp_path / "own"))
    kcb.keep(None)
    fit(kcb.Monitor())
    assert {name: len(files(tmp_path / name)) for name in ("variable", "process", "own")} == {
        "variable": 2,
        "process": 1,
        "own": 1,
    }


def test_keeping_can_begin_in_mid_run_and_has_all_from_the_first_batch(tmp_path, fit):
    monitor, replies = kcb.Monitor(), []

    def ask(run, monitor):
        if run.step == 17:
            replies.append(monitor.keep(tmp_path))

    monitor.add_policy(ask, every=1)
    fit(monitor)
    (reply,) = replies
    assert reply.wait().message == f"kept in {tmp_path.name} from its first batch on"
    kept = only(tmp_path)
    assert len(kept.batches) == 36
    assert kept.batches.index[0] == 1
    pd.testing.assert_frame_equal(kept.events, monitor.run.events)


def test_keeping_twice_is_refused(tmp_path, fit):
    monitor, replies = kcb.Monitor(log_dir=tmp_path), []
    monitor.add_policy(lambda run, monitor: replies.append(monitor.keep(tmp_path)), every=30)
    fit(monitor)
    event = replies[0].wait()
    assert event.kind == "refused"
    assert event.message.startswith("it is kept in ")
    with pytest.raises(RuntimeError, match="already"):
        monitor.keep()
    only(tmp_path)


def test_a_run_that_is_over_can_be_kept(tmp_path, fit, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monitor = kcb.Monitor()
    with pytest.raises(RuntimeError, match="no batch"):
        monitor.keep()
    fit(monitor)
    monitor.keep()
    kept = only(tmp_path / "runs")
    pd.testing.assert_frame_equal(kept.events, monitor.run.events)
    assert kept.events.message.iloc[-1] == "kept in runs from its first batch on"


def test_what_comes_after_the_end_is_kept_too(tmp_path, fit):
    monitor = kcb.Monitor(log_dir=tmp_path, snapshots=kcb.Snapshots(best="loss"))
    model = fit(monitor)
    monitor.restore("best")
    assert model is not None
    pd.testing.assert_frame_equal(only(tmp_path).events, monitor.run.events)


def test_a_fit_that_ends_before_its_first_batch_leaves_no_file(tmp_path, unit_model):
    class Refuses(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            raise ValueError("no")

    monitor = kcb.Monitor(log_dir=tmp_path / "runs")
    with pytest.raises(ValueError, match="no"):
        unit_model().fit(np.ones((4, 1)), np.ones((4, 1)), callbacks=[monitor, Refuses()], verbose=0)
    assert monitor.run.status == "failed"
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("boom"), "failed"), (KeyboardInterrupt(), "interrupted"), (None, "stopped")]
)
def test_every_ending_is_kept(tmp_path, fit, error, status):
    class Ends(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if (
                self.model.optimizer.iterations.numpy() == 20
                if hasattr(self.model.optimizer.iterations, "numpy")
                else batch == 8
            ):
                if error is None:
                    self.model.stop_training = True
                else:
                    raise error

    monitor = kcb.Monitor(log_dir=tmp_path)
    with contextlib.suppress(ValueError, KeyboardInterrupt):
        fit(monitor, callbacks=[monitor, Ends()])
    _ = monitor.run.status
    kept = only(tmp_path)
    assert kept.status == monitor.run.status == status
    assert kept.message == monitor.run.message


def test_a_folder_that_cannot_be_made_takes_nothing_with_it(tmp_path, fit):
    (tmp_path / "file").write_text("")
    monitor = kcb.Monitor(log_dir=tmp_path / "file" / "runs")
    fit(monitor)
    assert monitor.run.status == "finished"
    (event,) = [each for each in monitor.run.events_list if each.name == "keep"]
    assert event.kind == "warning"
    assert event.message.endswith("it is tried again, and training goes on")


def test_many_fits_of_one_monitor_are_a_file_each(tmp_path, fit):
    monitor = kcb.Monitor(log_dir=tmp_path, config={"a": {"b": 1}})
    for _ in range(3):
        fit(monitor, epochs=1)
    table = kcb.runs(tmp_path)
    assert list(table.index) == [run.id for run in reversed(monitor.runs)]
    assert set(table.status) == {"finished"}
    assert set(table["config.a.b"]) == {1}
    assert list(table.batches) == [12, 12, 12]
    assert table.loss.notna().all()


def test_training_is_bit_identical_with_and_without(tmp_path):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(64, 4)).astype("float32"), rng.normal(size=(64, 1)).astype("float32")
    weights = []
    for log_dir in (None, tmp_path):
        keras.utils.set_random_seed(3)
        model = keras.Sequential(
            [keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dropout(0.2), keras.layers.Dense(1)]
        )
        model.compile("adam", "mse")
        model.fit(x, y, epochs=3, batch_size=8, verbose=0, callbacks=[kcb.Monitor(log_dir=log_dir)])
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"log_dir": 3}, TypeError),
        ({"log_dir": ""}, ValueError),
        ({"log_dir": b"runs"}, TypeError),
        ({"name": 3}, TypeError),
        ({"name": "x" * 1000}, ValueError),
        ({"tags": "one"}, TypeError),
        ({"tags": [1]}, TypeError),
        ({"notes": None}, TypeError),
        ({"config": [1]}, TypeError),
    ],
)
def test_what_is_no_option_is_refused(options, error):
    with pytest.raises(error, match="Received"):
        kcb.Monitor(**options)
    if "log_dir" in options:
        with pytest.raises(error, match="Received"):
            kcb.keep(**options)


def test_any_config_can_be_kept(tmp_path, fit):
    odd = {
        1: np.float32(0.5),
        "big": 2**80,
        "nan": float("nan"),
        "array": np.arange(3),
        "fn": len,
        "n": {"x": [None, True]},
    }
    fit(kcb.Monitor(log_dir=tmp_path, config=odd), epochs=1)
    kept = only(tmp_path).config
    assert kept["1"] == 0.5
    assert np.isnan(kept["nan"])
    assert kept["n"] == {"x": [None, True]}
    assert isinstance(kept["fn"], str)
    assert isinstance(kept["array"], str)


def test_a_monitor_takes_its_options_to_another_process(tmp_path):
    options = {"log_dir": tmp_path, "name": "n", "tags": ("t",), "notes": "w", "config": {"a": 1}, "keep_source": True}
    there = cloudpickle.loads(cloudpickle.dumps(kcb.Monitor(**options)))
    assert vars(there._keeping.options) == options | {"resume": None}
