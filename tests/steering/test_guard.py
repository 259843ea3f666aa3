"""The guard: going back in the first epoch, metrics that only epochs have, and what it says when it cannot act."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest

import kcb_widgets as kcb
from kcb_widgets.steering.guard import EPOCHS_WARM_UP, Guard, SpikeDetector

BACKEND = keras.backend.backend()
BATCH = 4
OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.05),
    "amsgrad": lambda: keras.optimizers.Adam(0.05, amsgrad=True),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.05, momentum=0.9),
    "adagrad": lambda: keras.optimizers.Adagrad(0.05, initial_accumulator_value=0.3),
    "ema": lambda: keras.optimizers.Adam(0.05, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2),
    "mixed": lambda: keras.optimizers.Adam(0.05),
}


def network():
    layers = [keras.layers.Dense(6, "relu"), keras.layers.BatchNormalization(), keras.layers.Dropout(0.3)]
    return keras.Sequential([keras.Input((5,)), *layers, keras.layers.Dense(1)], name="network")


class Lazy(keras.Model):
    """TensorFlow builds it on its first batch."""

    def __init__(self):
        super().__init__()
        self.hidden, self.out = keras.layers.Dense(6, "relu"), keras.layers.Dense(1)

    def call(self, x):
        return self.out(self.hidden(x))


def data(batches, bad=()):
    rng = np.random.default_rng(0)
    x, y = rng.random((batches * BATCH, 5), "float32"), rng.random((batches * BATCH, 1), "float32")
    for batch in bad:
        x[batch * BATCH : (batch + 1) * BATCH] = np.nan
    return x, y


def numbers(model):
    metrics = {id(variable) for variable in model.metrics_variables}
    every = [*(v for v in model.variables if id(v) not in metrics), *model.optimizer.variables]
    return [np.array(keras.ops.convert_to_numpy(v)) for v in every]


def train(x, y, *callbacks, optimizer=None, make=network, **settings):
    keras.utils.set_random_seed(3)
    model = make()
    model.compile(optimizer or keras.optimizers.Adam(0.05), "mse")
    model.fit(x, y, callbacks=list(callbacks), **({"batch_size": BATCH, "shuffle": False, "verbose": 0} | settings))
    return model


def of(monitor, *kinds):
    return [event for event in monitor.run.events_list if event.kind in kinds]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_after_a_bad_batch_in_the_first_epoch_training_is_as_if_it_began_after_it(optimizer):
    x, y = data(8, bad=[3])
    monitor = kcb.Monitor(guard=kcb.Guard(factor=1.0))
    if optimizer == "mixed":
        keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = train(x, y, monitor, optimizer=OPTIMIZERS[optimizer]())
        straight = train(x[4 * BATCH :], y[4 * BATCH :], optimizer=OPTIMIZERS[optimizer]())
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert [(event.kind, event.step) for event in of(monitor, "guard", "rollback")] == [("guard", 4), ("rollback", 4)]
    assert "not put back" not in of(monitor, "rollback")[0].message
    for one, other in zip(numbers(model), numbers(straight), strict=True):
        assert np.isfinite(one).all()
        assert np.array_equal(one, other)


def test_a_model_built_on_its_first_batch_goes_back_to_after_it():
    x, y = data(8, bad=[4])
    monitor = kcb.Monitor(guard=kcb.Guard(factor=1.0))
    model = train(x, y, monitor, make=Lazy)
    back = of(monitor, "rollback")[0]
    assert all(np.isfinite(array).all() for array in numbers(model))
    if BACKEND == "tensorflow":
        assert back.message.startswith("to step 1")
        assert "on its first batch" in of(monitor, "warning")[0].message
    else:
        assert back.message.startswith("to step 0")
    assert [event.name for event in of(monitor, "snapshot")][:1] == ["guard"]


# -- metrics of epochs -------------------------------------------------------------------------------------------------


class Logs(keras.callbacks.Callback):
    """Has each epoch end with the values given."""

    def __init__(self, **values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs.update({name: values[epoch] for name, values in self.values.items() if values[epoch] is not None})


@pytest.fixture
def watched(unit_model, ones):
    """A function that trains six batches an epoch while a guard watches a metric that epochs have these values of."""

    def run(values, guard, metric="val_own", **kwargs):
        monitor = kcb.Monitor(guard=guard, **kwargs)
        keras.utils.set_random_seed(1)
        unit_model().fit(
            *ones, batch_size=2, epochs=len(values), verbose=0, callbacks=[Logs(**{metric: values}), monitor]
        )
        return monitor

    return run


def test_it_acts_on_an_epochs_value_when_the_epoch_ends(watched):
    monitor = watched([1.0, math.nan, 1.0], kcb.Guard("val_own"))
    assert [(e.kind, e.step, e.epoch) for e in of(monitor, "guard", "rollback")] == [
        ("guard", 12, 1),
        ("rollback", 12, 1),
    ]
    assert monitor.run.branches == [{"from": 6, "to": 12}], "to the end of the epoch before"
    assert not of(monitor, "warning")
    snapshots = [(event.name, event.step) for event in of(monitor, "snapshot")]
    assert snapshots == [("guard", 0), ("epoch", 6), ("epoch", 18)], "none of what was just gone back from"
    assert monitor.run.status == "finished"


def test_a_leap_of_an_epochs_value_counts_after_some_epochs(watched):
    steady = [1.0, 0.9, 1.1, 0.95, 1.05]
    assert len(steady) == EPOCHS_WARM_UP
    monitor = watched([*steady, 9.0, 1.0], kcb.Guard("val_own", spike=4.0))
    assert [event.step for event in of(monitor, "rollback")] == [36]
    assert "val_own leapt to 9 from about 1" in of(monitor, "guard")[0].message
    assert not of(watched([*steady[1:], 9.0, 1.0], kcb.Guard("val_own", spike=4.0)), "guard")
    assert not of(watched([*steady, 9.0, 1.0], kcb.Guard("val_own", spike=None)), "guard")


def test_it_stops_at_an_epochs_end_where_nobody_could_resume(watched):
    monitor = watched([1.0, math.inf, 1.0], kcb.Guard("val_own", action="pause"))
    assert monitor.run.status == "stopped"
    assert monitor.run.step == 12


def test_val_loss_itself(unit_model, ones):
    bad = ones[0] * np.nan
    monitor = kcb.Monitor(guard=kcb.Guard("val_loss", limit=1))
    unit_model().fit(*ones, batch_size=2, epochs=3, verbose=0, callbacks=[monitor], validation_data=(bad, ones[1]))
    assert [event.kind for event in of(monitor, "guard", "rollback", "stop")] == ["guard", "rollback", "guard", "stop"]


def test_a_metric_that_does_not_come_is_said_once_at_the_end_of_the_first_epoch(watched):
    monitor = watched([1.0, 2.0], kcb.Guard("val_loss"))
    said = of(monitor, "warning")
    assert [(event.step, event.name) for event in said] == [(6, "guard")]
    assert said[0].message == (
        "val_loss is not among the metrics of the first epoch, so the guard watches nothing until it is; "
        "there are loss, val_own"
    )


def test_a_metric_that_comes_in_a_later_epoch_is_watched_from_there(watched):
    monitor = watched([None, math.nan, 1.0], kcb.Guard("val_own"))
    assert [event.kind for event in of(monitor, "warning", "rollback")] == ["warning", "rollback"]


def test_a_metric_that_is_no_single_number_is_said(watched):
    monitor = watched([[1.0, 2.0], [1.0, math.nan]], kcb.Guard("val_own"))
    said = {event.name: event.message for event in of(monitor, "warning")}
    assert "val_own is not a single number" in said["guard"]
    assert not of(monitor, "guard")


def test_a_best_metric_that_does_not_come_is_said_and_the_guard_gets_a_snapshot_of_each_epoch(watched):
    monitor = watched([1.0, 2.0, 3.0], kcb.Guard(), snapshots=kcb.Snapshots(best="val_loss"))
    said = of(monitor, "warning")
    assert len(said) == 1
    assert "val_loss is not among the metrics of the first epoch, so no best snapshot" in said[0].message
    assert "one is taken at each epoch for the guard; there are loss, val_own" in said[0].message
    assert [event.name for event in of(monitor, "snapshot")] == ["guard", "epoch", "epoch", "epoch"]


def test_after_going_back_at_an_epochs_end_its_value_makes_no_best_snapshot(watched):
    """The value is that of the weights that were abandoned."""
    monitor = watched([3.0, math.nan, 2.0], kcb.Guard("val_own"), snapshots=kcb.Snapshots(best="loss"))
    assert [(event.name, event.step) for event in of(monitor, "snapshot")] == [("guard", 0), ("best", 6), ("best", 18)]


def test_batches_of_unequal_weight_are_no_leaps_and_a_real_one_is():
    """A generator whose batches grow from 1 sample to 60: as if all weighed the same, each would seem to leap."""
    rng = np.random.default_rng(0)

    def batches(leap):
        for number in range(60):
            size = 60 if number % 6 == 5 else 1
            values = 2.0 + 0.01 * rng.normal(size=(size, 1)) + (40.0 if number == leap else 0.0)
            yield values.astype("float32"), np.ones((size, 1), "float32")

    for leap, acted in ((-1, []), (44, [45])):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
        model.compile(keras.optimizers.SGD(0.0), loss=lambda y, prediction: keras.ops.mean(prediction, axis=-1))
        monitor = kcb.Monitor(guard=kcb.Guard(spike=8.0))
        model.fit(batches(leap), steps_per_epoch=60, shuffle=False, verbose=0, callbacks=[monitor])
        assert [event.step for event in monitor.run.events_list if event.kind == "guard"] == acted


def test_the_weight_of_a_mean_need_not_be_a_count_of_batches():
    spike_detector = SpikeDetector(Guard(spike=3.0))
    total = weights = 0.0
    for weight, value in [(2.0, 1.0), (1.0, 1.1)] * 12:
        total, weights = total + weight * value, weights + weight
        assert spike_detector.check_batch(total / weights, weights, True) == ""
    assert "leapt to 9" in spike_detector.check_batch((total + 0.5 * 9.0) / (weights + 0.5), weights + 0.5, True)


@pytest.mark.parametrize("metric", ["", 3, None])
def test_a_metric_is_named_by_a_string(metric):
    with pytest.raises(ValueError, match="Received"):
        kcb.Guard(metric=metric)


# -- too little memory -------------------------------------------------------------------------------------------------


def test_too_little_memory_for_a_single_snapshot_is_said_when_the_fit_begins():
    x, y = data(8, bad=[3])
    monitor = kcb.Monitor(guard=kcb.Guard(), snapshots=kcb.Snapshots(megabytes=1e-5))
    train(x, y, monitor)
    first = monitor.run.events_list[0]
    assert (first.kind, first.name, first.step) == ("warning", "snapshots", 0)
    assert "more than the 10 B for all snapshots" in first.message
    assert "stop the fit where nobody could resume it, but cannot go back" in first.message
    assert "no good snapshot" in of(monitor, "guard")[0].message
    assert monitor.run.status == "stopped"


@pytest.mark.skipif(BACKEND != "tensorflow", reason="elsewhere Keras builds the optimizer first")
def test_what_the_optimizer_will_take_is_foreseen_and_what_fits_is_taken():
    x, y = data(8)
    weights = sum(w.size for w in network().get_weights())
    megabytes = weights * 4 * 2 / 2**20  # room for the weights and as much again, where Adam takes twice as much
    monitor = kcb.Monitor(guard=kcb.Guard(), snapshots=kcb.Snapshots(megabytes=megabytes))
    train(x, y, monitor, epochs=2)
    said = of(monitor, "warning")
    assert len(said) == 1
    assert "go back to the beginning only" in said[0].message
    assert [event.name for event in of(monitor, "snapshot")] == ["guard"]
    assert [(event.name, event.new, event.step) for event in of(monitor, "refused")] == [("snapshot", "epoch", 8)]
    monitor = kcb.Monitor(guard=kcb.Guard(), snapshots=kcb.Snapshots(megabytes=megabytes * 2.5))
    train(x, y, monitor)
    assert not of(monitor, "warning", "refused")


@pytest.mark.parametrize(
    "optimizer", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Ftrl", "Lion", "LossScaleOptimizer"]
)
def test_the_size_to_come_is_the_size_that_comes(optimizer):
    from kcb_widgets.steering.initial import bytes_to_come

    def make():
        kind = getattr(keras.optimizers, optimizer)
        return kind(keras.optimizers.Adam()) if optimizer == "LossScaleOptimizer" else kind()

    model, one = network(), make()
    foreseen = bytes_to_come(one, list(model.trainable_variables))
    assert not one.built
    before = len(one.variables)
    one.build(model.trainable_variables)
    assert len(one.variables) >= before
    slots = sum(int(np.prod(v.shape)) * 4 for v in one.variables if len(v.shape))
    assert foreseen == slots
