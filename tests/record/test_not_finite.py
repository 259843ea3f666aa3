"""Which metric is not finite now, and since exactly which batch."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest

import kcb_widgets as kcb
from kcb_widgets.panels import payload
from kcb_widgets.run import Run

NAN, INF = math.nan, math.inf


def recorded(epochs, metric="loss"):
    """A run of these batches' logs."""
    run = Run()
    for epoch, values in enumerate(epochs):
        run.begin_epoch(epoch)
        for batch, value in enumerate(values):
            run.append(batch, value if isinstance(value, dict) else {metric: value})
        run.end_epoch(epoch, {"loss": values[-1]} if not isinstance(values[-1], dict) else values[-1])
    return run


def now(run):
    mark = payload.state(run)["not_finite"]
    return mark and (mark["name"], mark["value"], mark["step"], mark["epoch"], mark["batch"])


@pytest.mark.parametrize(
    ("epochs", "wanted"),
    [
        ([[1.0, 2.0], [1.0, 1.0]], None),
        ([[1.0, 2.0, NAN, NAN]], ("loss", "nan", 3, 0, 3)),
        ([[1.0, 2.0], [1.0, NAN]], ("loss", "nan", 4, 1, 2)),
        ([[1.0, NAN], [1.0, 1.0]], None),  # Keras's means begin at nothing: finite again
        ([[1.0, NAN], [NAN, NAN]], ("loss", "nan", 2, 0, 2)),  # without a break
        ([[NAN, NAN], [1.0, NAN]], ("loss", "nan", 4, 1, 2)),  # not since the first time
        ([[1.0, INF, NAN]], ("loss", "nan", 2, 0, 2)),  # infinite first
        ([[1.0, INF, INF]], ("loss", "inf", 2, 0, 2)),
        ([[{"auc": NAN, "loss": 1.0}, {"auc": NAN, "loss": NAN}]], ("loss", "nan", 2, 0, 2)),  # the loss first
        ([[{"auc": 1.0, "loss": 1.0}, {"auc": NAN, "loss": 1.0}]], ("auc", "nan", 2, 0, 2)),
        ([[{"loss": 1.0}, {"loss": 1.0, "late": NAN}]], ("late", "nan", 2, 0, 2)),  # its column is new
        ([[{"loss": 1.0, "rare": NAN}, {"loss": 1.0}]], ("rare", "nan", 1, 0, 1)),  # missing is not finite, nor NaN
    ],
)
def test_it_is_the_batch_since_which_there_was_no_other_value(epochs, wanted):
    assert now(recorded(epochs)) == wanted


def test_it_does_not_matter_how_many_batches_came_between_two_looks():
    run = Run()
    run.begin_epoch(0)
    seen = []
    for batch, value in enumerate([1.0, NAN, NAN, NAN, 1.0, 1.0, NAN, NAN]):
        run.append(batch, {"loss": value})
        if batch != 5:
            run.scan()
        seen.append(now(run) and now(run)[2])
    assert seen == [None, 2, 2, 2, None, None, 7, 7]


def test_a_run_longer_than_a_chunk_names_the_exact_batch():
    run = Run()
    run.begin_epoch(0)
    for batch in range(70_000):
        run.append(batch, {"loss": NAN if batch >= 65_530 else 1.0})
    run.scan()
    assert now(run) == ("loss", "nan", 65_531, 0, 65_531)


def test_a_metric_of_epochs_alone_has_no_batch():
    run = Run()
    for epoch, value in enumerate([1.0, NAN, NAN]):
        run.begin_epoch(epoch)
        run.append(0, {"loss": 1.0})
        run.end_epoch(epoch, {"loss": 1.0, "val_loss": value})
    assert now(run) == ("val_loss", "nan", 2, 1, None)
    run.finish("finished")
    assert run.message == "val_loss is NaN since epoch 2"


def test_after_a_rollback_all_is_finite():
    run = recorded([[1.0, 2.0], [1.0, NAN]])
    run.rolled_back(2)
    assert now(run) is None
    assert [mark["step"] for mark in run.nonfinite] == [4]  # it did happen
    run.begin_epoch(2)
    run.append(0, {"loss": NAN})
    run.scan()
    assert now(run) == ("loss", "nan", 5, 2, 1)


@pytest.mark.parametrize("status", ["finished", "stopped", "interrupted"])
def test_a_run_that_ends_so_says_it(status):
    run = recorded([[1.0, 2.0], [1.0, INF]])
    run.finish(status, "why")
    assert run.message == "why; loss is infinite since batch 2 (epoch 2)"
    assert run.events_list[-1].message == run.message


def fitted(y, **arguments):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    monitor = kcb.Monitor()
    x = np.ones((len(y), 3), "float32")
    settings = {"batch_size": 2, "shuffle": False, "verbose": 0, "epochs": 2} | arguments
    model.fit(x, y, callbacks=[monitor], **settings)
    return monitor.run


def test_a_fit_names_the_batch_and_so_does_its_event():
    y = np.ones((12, 1), "float32")
    y[6] = np.nan
    run = fitted(y)
    assert (run.status, run.message) == ("finished", "loss is NaN since batch 4 (epoch 1)")
    assert now(run) == ("loss", "nan", 4, 0, 4)
    nan = next(event for event in run.events_list if event.kind == "nan")
    assert (nan.name, nan.new, nan.message) == ("loss", "nan", "NaN since batch 4 (epoch 1)")


def test_where_validation_alone_is_not_finite_the_epoch_is_named():
    y = np.ones((12, 1), "float32")
    bad = np.full((2, 1), np.nan, "float32")
    run = fitted(y, validation_data=(np.ones((2, 3), "float32"), bad))
    assert run.message == "val_loss is NaN since epoch 1"


def test_a_run_that_is_well_says_nothing():
    run = fitted(np.ones((12, 1), "float32"))
    assert (run.message, now(run)) == ("", None)
