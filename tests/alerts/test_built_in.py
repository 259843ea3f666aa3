"""The alerts that come with Monitor: what they find, and that ordinary fits have none."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
from alerting import Watched

import kcb_widgets as kcb
from kcb_widgets.alerts.built_in import BUILT_IN


def test_overfitting_is_told_with_its_numbers():
    fit = Watched(["overfitting"])
    fit.epochs(loss=[1.0, 0.8, 0.6, 0.5, 0.4, 0.3], val_loss=[1.0, 0.8, 0.9, 0.9, 0.91, 0.95])
    assert fit.events() == [(4, "overfitting")]
    (message,) = fit.messages()
    assert message.startswith("val_loss is more than 10 % above its best for 3 epochs, while loss fell: ")
    assert "val_loss = 0.91" in message
    assert "best(val_loss) = 0.8" in message


@pytest.mark.parametrize(
    ("loss", "val_loss"),
    [
        ([1.0, 0.8, 0.6, 0.5, 0.4, 0.3], [1.0, 0.8, 0.9, 0.9, 0.86, 0.9]),  # one of them is near the best
        ([1.0, 0.8, 0.8, 0.9, 1.0, 1.1], [1.0, 0.8, 0.9, 0.9, 0.91, 0.95]),  # it diverges
        ([1.0, 0.8, 0.6, 0.5, 0.4, 0.3], [1.0, 0.9, 0.8, 0.8, 0.82, 0.83]),
        ([-1.0, -1.1, -1.2, -1.3, -1.4, -1.5], [-1.0, -1.1, -1.2, -1.15, -1.1, -1.1]),  # shares of negative losses
    ],
)
def test_what_is_no_overfitting(loss, val_loss):
    fit = Watched(["overfitting"])
    fit.epochs(loss=loss, val_loss=val_loss)
    assert fit.events() == []


def test_a_plateau_is_ten_epochs_without_anything_better():
    fit = Watched(["plateau"])
    fit.epochs(loss=[1.0] * 14, val_loss=[2.0, 1.5, 1.0, *[1.0 - 0.00005 * i for i in range(11)]])
    assert fit.events() == [(12, "plateau")]
    assert fit.messages()[0].endswith(": val_loss was 1 before, and at best 0.9995 since")


def test_a_plateau_is_of_loss_where_there_is_no_validation():
    fit = Watched(["plateau"])
    fit.epochs(loss=[1.0] * 11)
    assert fit.events() == [(10, "plateau")]


@pytest.mark.parametrize(
    "values",
    [
        [1.0] * 10,
        [1.0 - 0.01 * i for i in range(60)],
        [1.0 * 0.998**i for i in range(40)],
        [*([1.0] * 9), 0.9, *([1.0] * 9), 0.8],
        [-1.0 - 0.01 * i for i in range(30)],
        [*([1.0] * 9), *([math.nan] * 10)],
    ],
)
def test_what_is_no_plateau(values):
    fit = Watched(["plateau"])
    fit.epochs(loss=values)
    assert fit.events() == []


def test_a_plateau_is_left_when_it_gets_better():
    fit = Watched(["plateau"])
    fit.epochs(loss=[1.0] * 11)
    assert [each["name"] for each in fit.run.alerts] == ["plateau"]
    fit.epoch(loss=0.9)
    assert fit.run.alerts == []


def test_nan_is_told_and_left_to_the_board():
    """Boards tell of it by themselves, with what can be done."""
    fit = Watched(["nan"])
    fit.epochs(loss=[1.0, math.nan])
    assert fit.events() == [(1, "nan")]
    assert fit.messages()[0] == "a metric is NaN or infinite: loss is NaN since batch 1 (epoch 2)"
    assert fit.run.alerts == []


def test_nan_is_told_between_batches():
    fit = Watched(["nan"])
    fit.epoch(loss=1.0)
    fit.run.begin_epoch(1)
    fit.run.append(0, {"loss": math.inf})
    fit.run.scan()
    fit.watch.between()
    assert fit.messages() == ["a metric is NaN or infinite: loss is infinite since batch 1 (epoch 2)"]


def test_waiting_for_data_is_told_after_two_epochs_of_it():
    fit = Watched(["input-bound"])
    for bound in (
        "",
        "input-bound: 40 % of the epoch",
        "",
        "input-bound: 50 % of the epoch",
        "input-bound: 60 % of it",
    ):
        fit.run.hooks.epoch, fit.run.hooks.bound = {"total": 1.0, "parts": []}, bound
        fit.watch.between()
        fit.watch.between()  # the same epoch
    assert fit.messages() == ["more than 30 % of each of 2 epochs was spent waiting for data: 60 % of it"]
    fit.run.hooks.epoch, fit.run.hooks.bound = {"total": 1.0, "parts": []}, ""
    fit.watch.between()
    assert fit.run.alerts == []


def test_each_says_its_rule():
    assert list(BUILT_IN) == ["overfitting", "plateau", "nan", "input-bound"]
    for alert in BUILT_IN.values():
        assert alert.rule in repr(alert)
        assert len(alert.rule) > 20


# -- fits as people have them ------------------------------------------------------------------------------------------


def blobs(samples, classes, noise):
    rng = np.random.default_rng(3)
    centers, label = rng.normal(size=(classes, 12)), rng.integers(0, classes, samples)
    return (centers[label] + noise * rng.normal(size=(samples, 12))).astype("float32"), label


def regression(samples, noise):
    rng = np.random.default_rng(4)
    x = rng.normal(size=(samples, 8)).astype("float32")
    return x, (np.sin(x[:, 0]) + x[:, 1] * x[:, 2] + noise * rng.normal(size=samples)).astype("float32")


def classify(optimizer, width=32, drop=0.0):
    layers = [keras.layers.Dense(width, "relu"), keras.layers.Dropout(drop), keras.layers.Dense(4, "softmax")]
    model = keras.Sequential([keras.Input((12,)), *layers])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def regress(optimizer):
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(32, "tanh"), keras.layers.Dense(1)])
    model.compile(optimizer, "mse")
    return model


HEALTHY = {
    "adam": (lambda: classify(keras.optimizers.Adam(1e-3), drop=0.2), blobs(600, 4, 1.0), 20),
    "sgd": (lambda: classify(keras.optimizers.SGD(0.02, momentum=0.9)), blobs(1200, 4, 1.5), 12),
    "few": (lambda: classify(keras.optimizers.Adam(3e-3)), blobs(300, 4, 0.8), 8),
    "long": (lambda: classify(keras.optimizers.Adam(1e-4)), blobs(400, 4, 1.0), 50),
    "regression": (lambda: regress(keras.optimizers.Adam(2e-3)), regression(1500, 0.2), 40),
    "noisy": (lambda: regress(keras.optimizers.RMSprop(1e-3)), regression(800, 0.5), 20),
}


@pytest.mark.parametrize(("name", "validated"), [*((name, True) for name in HEALTHY), ("few", False), ("sgd", False)])
def test_an_ordinary_fit_has_no_alert(name, validated):
    make, (x, y), epochs = HEALTHY[name]
    monitor = kcb.Monitor(display=False)
    split = {"validation_split": 0.25} if validated else {}
    make().fit(x, y, epochs=epochs, batch_size=64, callbacks=[monitor], verbose=0, **split)
    assert [event.message for event in monitor.run.events_list if event.kind == "alert"] == []


def test_a_fit_that_learns_noise_by_heart_overfits():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(120, 12)).astype("float32"), rng.integers(0, 4, 120)
    monitor = kcb.Monitor(display=False)
    model = classify(keras.optimizers.Adam(0.01), width=128)
    model.fit(x, y, epochs=25, batch_size=16, validation_split=0.5, callbacks=[monitor], verbose=0)
    assert "overfitting" in [event.name for event in monitor.run.events_list if event.kind == "alert"]


def test_a_fit_that_cannot_learn_is_on_a_plateau():
    monitor = kcb.Monitor(display=False)
    model = classify(keras.optimizers.SGD(1e-9))
    x, y = blobs(100, 4, 1.0)
    model.fit(x, y, epochs=12, batch_size=50, callbacks=[monitor], verbose=0)
    alerts = [event for event in monitor.run.events_list if event.kind == "alert"]
    assert [(event.name, event.epoch, event.new) for event in alerts] == [("plateau", 10, "info")]


def test_built_in_alerts_can_be_switched_off_one_by_one_or_all():
    def on(**options):
        return [alert.name for alert in kcb.Monitor(display=False, **options).alerts]

    assert on() == on(alerts=True) == list(BUILT_IN)
    assert on(alerts=False) == on(alerts=[]) == []
    assert on(alerts=["nan", "plateau"]) == ["nan", "plateau"]
    monitor = kcb.Monitor(display=False)
    monitor.remove_alert("nan")
    assert [alert.name for alert in monitor.alerts] == ["overfitting", "plateau", "input-bound"]
