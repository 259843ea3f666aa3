"""Metrics may have any name, and log keys need not be strings: nothing fails, and no column hides another."""

from __future__ import annotations

import io
import json

import keras
import numpy as np
import pytest

import kcb_widgets as kcb
from kcb_widgets.panels.payload import events, state
from kcb_widgets.panels.series_encoder import SeriesEncoder

AWKWARD = ("epoch", "batch", "seconds", "batch_loss", "step", "abandoned", "metric_epoch", "learning_rate")


def absolute(name, plus):
    def metric(y_true, y_pred):
        return keras.ops.abs(y_true - y_pred) + plus

    metric.__name__ = name
    return metric


def looked_at(run):
    """All that a board, a notebook and a file ask of a run."""
    run.plot().savefig(io.BytesIO(), format="png")
    assert SeriesEncoder(run).whole()
    assert SeriesEncoder(run).window(0, run.step, 100)
    json.dumps([state(run), events(run), run.hooks.describe(run.step)], allow_nan=False)
    for frame in (run.batches, run.epochs):
        assert frame.columns.is_unique
        assert all(isinstance(column, str) for column in frame.columns)
        frame.reset_index()  # pandas refuses where a column is called as the index


def test_a_metric_named_as_one_of_our_columns_has_a_column_of_its_own(unit_model, ones):
    metrics = [absolute(name, plus) for plus, name in enumerate(AWKWARD, 10)]
    monitor = kcb.Monitor()
    unit_model(keras.optimizers.SGD(0.0), metrics=metrics).fit(
        *ones, batch_size=4, epochs=2, verbose=0, callbacks=[monitor], validation_data=ones
    )
    run = monitor.run
    looked_at(run)
    batches, epochs = run.batches, run.epochs
    assert batches["epoch"].tolist() == [0] * 3 + [1] * 3
    assert batches["batch"].tolist() == [0, 1, 2] * 2
    assert batches["seconds"].is_monotonic_increasing
    assert batches["batch_loss"].tolist() == [0.0] * 6
    assert epochs["seconds"].max() < 1000
    assert epochs.index.tolist() == [0, 1]
    names = {
        "epoch": "metric_metric_epoch", "batch": "metric_batch", "seconds": "metric_seconds", "step": "metric_step",
        "batch_loss": "metric_batch_loss", "abandoned": "metric_abandoned", "metric_epoch": "metric_epoch",
    }  # fmt: skip
    for metric, column in names.items():
        value = 11.0 + AWKWARD.index(metric)
        assert batches[column].tolist() == [value] * 6, metric
        assert batches[f"batch_{metric}"].tolist() == [value] * 6, metric
        assert epochs[column if column in epochs else metric].tolist() == [value] * 2, metric
        assert epochs[f"val_{metric}"].tolist() == [value] * 2
    assert epochs["metric_seconds"].tolist() == [11.0 + AWKWARD.index("seconds")] * 2
    warned = run.events.query("kind == 'warning' and message.str.contains('own column')")
    assert sorted(set(warned["name"])) == sorted(set(names) - {"metric_epoch"})
    assert warned["message"].is_unique


class Step(keras.callbacks.Callback):
    """Puts odd keys into the logs before Monitor sees them, as a training step of a model's own may."""

    def __init__(self, keys):
        super().__init__()
        self.keys = keys

    def _add(self, logs):
        logs.update({key: float(i) for i, key in enumerate(self.keys)})

    def on_train_batch_end(self, batch, logs=None):
        self._add(logs)

    def on_epoch_end(self, epoch, logs=None):
        self._add(logs)

    on_test_batch_end = on_train_batch_end


class Broken:
    def __str__(self):
        raise ValueError("no name")


ODD = (0, ("a", 1), None, 1.5, b"bytes", np.int64(7), np.str_("text"), Broken(), frozenset({1}))
STRANGE = ("$x^$", "a\nb", "", " ", "_hidden", "é中", "\ud800", "nul\0", "%s {x}", "x" * 3000, "val_", "val_loss")


@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")
@pytest.mark.parametrize("keys", [ODD, STRANGE])
def test_any_key_of_the_logs_becomes_a_column(unit_model, ones, keys):
    monitor = kcb.Monitor()
    unit_model().fit(
        *ones, batch_size=4, epochs=3, verbose=0, callbacks=[Step(keys), monitor], validation_data=ones
    )  # fmt: skip
    run = monitor.run
    assert run.events.query("kind == 'error'").empty
    looked_at(run)
    for i, key in enumerate(keys):
        name = "Broken" if isinstance(key, Broken) else r"\ud800" if key == "\ud800" else str(key)
        assert run.batches[name].tolist() == [float(i)] * 9
        assert run.epochs[name].tolist() == [float(i)] * 3
    hooks = {row["name"]: row["keys"] for row in run.hooks.describe(run.step)["rows"]}
    for known in hooks.values():
        assert len(known) == len(set(known)) <= 1 + 2 * len(keys) + 1, "an odd key is one key in every epoch"
    assert run.status == "finished"


def test_the_keys_of_a_training_step_of_a_models_own(ones):
    class Numbered(keras.Model):
        def __init__(self):
            super().__init__()
            self.layer = keras.layers.Dense(1)

        def call(self, x):
            return self.layer(x)

        def train_step(self, *args):
            answer = super().train_step(*args)
            if isinstance(answer, tuple):
                return {0: answer[0]["loss"]}, answer[1]
            return {0: answer["loss"]}

    model, monitor = Numbered(), kcb.Monitor()
    model.compile("sgd", "mse")
    model.fit(*ones, batch_size=4, epochs=2, verbose=0, callbacks=[monitor])
    looked_at(monitor.run)
    assert monitor.run.batches["0"].notna().all()
    assert monitor.run.status == "finished"
