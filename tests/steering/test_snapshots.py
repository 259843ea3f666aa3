"""Snapshots hold all that training goes on from: after going back, the next batches do what they would have done."""

from __future__ import annotations

import re

import keras
import numpy as np
import pytest

import kcb_widgets as kcb
from kcb_widgets.record.known_metric import known_metric
from kcb_widgets.run import Run

BACKEND = keras.backend.backend()
SAMPLES, BATCH = 32, 4  # eight batches in an epoch
OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.05),
    "adam": lambda: keras.optimizers.Adam(0.05),
    "amsgrad": lambda: keras.optimizers.Adam(0.05, amsgrad=True),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.05, momentum=0.9, centered=True),
    "adagrad": lambda: keras.optimizers.Adagrad(0.05, initial_accumulator_value=0.3),
    "ftrl": lambda: keras.optimizers.Ftrl(0.05, initial_accumulator_value=0.2),
    "nadam": lambda: keras.optimizers.Nadam(0.05),
    "adafactor": lambda: keras.optimizers.Adafactor(0.05),
    "ema": lambda: keras.optimizers.AdamW(0.05, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3),
    "accumulated": lambda: keras.optimizers.Adam(0.05, gradient_accumulation_steps=2),
    "loss scale": lambda: keras.optimizers.LossScaleOptimizer(
        keras.optimizers.Adam(0.05), initial_scale=256.0, dynamic_growth_steps=3
    ),
    "several": lambda: keras.optimizers.MultiOptimizer(
        keras.optimizers.OptimizerMap(keras.optimizers.Adam(0.05), {"hidden/.*": keras.optimizers.RMSprop(0.01)})
    ),
    "schedule": lambda: keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.05, 3, 0.5)),
}
if hasattr(keras.optimizers, "ScheduleFreeAdamW"):
    OPTIMIZERS["schedule free"] = lambda: keras.optimizers.ScheduleFreeAdamW(0.05)
if not hasattr(keras.optimizers, "MultiOptimizer"):
    del OPTIMIZERS["several"]


def network(dropout=0.3):
    layers = [
        keras.layers.Dense(6, "relu", name="hidden"),
        keras.layers.BatchNormalization(name="norm"),
        keras.layers.Dropout(dropout, name="dropout"),
        keras.layers.Dense(4, "tanh", name="narrow"),
        keras.layers.Dense(1, name="out"),
    ]
    return keras.Sequential([keras.Input((5,)), *layers], name="network")


def numbers(model):
    """Every number that training goes on from, but for the metrics', by the order of the variables."""
    metrics = {id(variable) for variable in model.metrics_variables}
    every = [*(v for v in model.variables if id(v) not in metrics), *model.optimizer.variables]
    return [(re.sub(r"_\d+", "", v.path), np.array(keras.ops.convert_to_numpy(v))) for v in every]


def equal(one, other):
    assert [name for name, _ in one] == [name for name, _ in other]
    different = [a for (a, x), (_, y) in zip(one, other, strict=True) if not np.array_equal(x, y, equal_nan=True)]
    assert different == []
    return True


class Do(keras.callbacks.Callback):
    """Calls functions before batches (counted over the fit from 0), and keeps all numbers after each batch."""

    def __init__(self, actions):
        super().__init__()
        self.actions, self.after = actions, []

    def on_train_batch_begin(self, batch, logs=None):
        if (action := self.actions.get(len(self.after))) is not None:
            action()

    def on_train_batch_end(self, batch, logs=None):
        self.after.append(numbers(self.model))


@pytest.fixture
def train():
    """A function that trains a model on ever the same batch and acts before some: `{batch: action}`, with a monitor.

    It returns the numbers after each batch, and the run.
    """

    def run(name, actions, model=network, epochs=2, monitor=None, **compile_args):
        keras.utils.set_random_seed(3)
        model, monitor = model(), monitor or kcb.Monitor()
        eager = {"run_eagerly": True} if BACKEND == "tensorflow" else {}  # without a trace, in a fraction of the time
        model.compile(**({"optimizer": OPTIMIZERS[name](), "loss": "mse"} | eager | compile_args))
        rng = np.random.default_rng(0)
        x, y = rng.random((BATCH, 5), "float32"), rng.random((BATCH, 1), "float32")
        x, y = (np.tile(data, (SAMPLES // BATCH, 1)) for data in (x, y))
        do = Do({batch: lambda action=action: action(monitor) for batch, action in actions.items()})
        model.fit(x, y, batch_size=BATCH, epochs=epochs, shuffle=False, verbose=0, callbacks=[do, monitor])
        return do.after, monitor.run

    return run


def events(run, *kinds):
    return [event for event in run.events_list if event.kind in kinds]


# -- before the first batch --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_snapshot_before_the_first_batch_is_whole(train, optimizer):
    """All data is one batch, so that after going back all happens as it did from the beginning."""
    after, run = train(optimizer, {0: lambda m: m.snapshot(), 5: lambda m: m.rollback(), 12: lambda m: m.rollback()})
    assert not events(run, "refused", "error")
    assert len(after) == 16
    for first, again in zip(after[:5], after[5:10], strict=True):
        equal(first, again)
    for first, again in zip(after[:4], after[12:], strict=True):
        equal(first, again)
    assert not np.array_equal(after[0][0][1], after[4][0][1])
    assert all("not put back" not in event.message for event in events(run, "rollback"))


@pytest.mark.parametrize("case", ["graph", "jit", "mixed"])
def test_it_is_whole_in_every_mode(train, case):
    if BACKEND == "torch" and case != "mixed":
        pytest.skip("torch has one mode")
    graph = {"run_eagerly": False}
    modes = {"graph": graph, "jit": {"jit_compile": True, **graph}, "mixed": graph}
    if case == "mixed":
        keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        after, run = train("adam", {0: lambda m: m.snapshot(), 6: lambda m: m.rollback()}, **modes[case])
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert not events(run, "refused", "error")
    assert all(equal(first, again) for first, again in zip(after[:6], after[6:12], strict=True))


def test_a_snapshot_asked_for_while_the_fit_waits_before_its_first_batch(train):
    monitor = kcb.Monitor(paused=True)
    actions = {0: lambda m: (m.snapshot(), m.resume()), 5: lambda m: m.rollback()}
    after, run = train("adam", actions, monitor=monitor)
    assert [event.step for event in events(run, "snapshot")] == [0]
    assert all(equal(first, again) for first, again in zip(after[:5], after[5:10], strict=True))


def test_what_the_event_of_going_back_says(train):
    _, run = train("adam", {0: lambda m: m.snapshot(), 3: lambda m: m.rollback(), 5: lambda m: m.snapshot()})
    said = events(run, "rollback")[0].message
    if BACKEND == "tensorflow":  # elsewhere Keras has built the optimizer by then
        assert "to step 0; 16 variables of the optimizer came later and begin as Keras makes them" in said
    else:
        assert said == "to step 0"


def test_momentum_that_came_later_begins_at_rest(train):
    actions = {2: lambda m: m.snapshot(), 4: lambda m: m.set(momentum=0.9), 8: lambda m: m.rollback()}
    after, run = train("sgd", actions)
    straight, _ = train("sgd", {2: lambda m: m.set(momentum=0.9)})
    assert not events(run, "refused", "error")
    assert all(equal(again, first) for again, first in zip(after[8:], straight[2:], strict=False))


class Lazy(keras.Model):
    """TensorFlow builds it on its first batch."""

    def __init__(self):
        super().__init__()
        self.hidden, self.out = keras.layers.Dense(6, "relu"), keras.layers.Dense(1)

    def call(self, x):
        return self.out(self.hidden(x))


def test_a_model_without_weights_yet_cannot_be_snapped_and_says_so(train):
    actions = {0: lambda m: m.snapshot(), 1: lambda m: m.snapshot(), 5: lambda m: m.rollback()}
    after, run = train("adam", actions, model=Lazy)
    if BACKEND == "tensorflow":
        assert "on its first batch" in events(run, "refused")[0].message
    first = events(run, "rollback")[0]
    assert first.message.startswith("to step 1")
    assert all(equal(one, other) for one, other in zip(after[1:5], after[5:9], strict=True))


def test_a_rate_that_a_rollback_leaves_as_it_is_is_told(train):
    actions = {2: lambda m: m.snapshot(), 3: lambda m: m.set(learning_rate=0.5), 5: lambda m: m.rollback()}
    _, run = train("sgd", actions)
    (back,) = events(run, "rollback")
    assert back.message == "to step 2; learning_rate stays 0.5, it was 0.05 then"
    _, run = train("sgd", {2: lambda m: m.snapshot(), 5: lambda m: m.rollback()})
    assert events(run, "rollback")[0].message == "to step 2"


def test_a_schedule_goes_back_with_the_optimizer_and_what_was_set_on_it_stays(train):
    actions = {2: lambda m: m.snapshot(), 5: lambda m: m.rollback()}
    _, run = train("schedule", actions)
    assert events(run, "rollback")[0].message == "to step 2"
    _, run = train("schedule", {**actions, 3: lambda m: m.set(learning_rate_factor=0.5)})
    assert events(run, "rollback")[0].message == "to step 2; learning_rate_factor stays 0.5, it was 1 then"
    _, run = train("schedule", {**actions, 3: lambda m: m.set(learning_rate=0.5)})
    assert events(run, "rollback")[0].message.startswith("to step 2; learning_rate stays 0.5, it was ")


class OwnState(keras.optimizers.SGD):
    """It keeps its state where nobody would look for it."""

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.memory = {str(i): self.add_variable_from_reference(v, "memory") for i, v in enumerate(variables)}

    def update_step(self, gradient, variable, learning_rate):
        memory = self.memory[str(self._get_variable_index(variable))]
        self.assign(memory, memory + gradient)
        self.assign_sub(variable, learning_rate * memory)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="elsewhere Keras builds it before the first batch")
def test_what_cannot_be_known_is_left_and_named(train):
    actions = {0: lambda m: m.snapshot(), 3: lambda m: m.rollback()}
    after, run = train("sgd", actions, optimizer=OwnState(0.05))
    said = events(run, "rollback")[0].message
    assert "not put back, as the snapshot has no value for it" in said
    assert "memory" in said
    assert "and 5 more" in said
    assert len(after) == 16


# -- frozen layers -----------------------------------------------------------------------------------------------------


def freeze(m):
    m.set({"narrow.trainable": False})


def unfreeze(m):
    m.set({"narrow.trainable": True})


FREEZING = ["sgd", "adam", "rmsprop", "nadam", "ema", "accumulated", "loss scale"]


@pytest.mark.parametrize("optimizer", FREEZING)
def test_back_across_a_freeze_and_unfrozen_again(train, optimizer):
    actions = {3: lambda m: m.snapshot(), 5: freeze, 8: lambda m: (m.rollback(), unfreeze(m))}
    after, run = train(optimizer, actions)
    straight, _ = train(optimizer, {})
    assert not events(run, "refused", "error")
    assert "of the optimizer for frozen layers too" in events(run, "rollback")[0].message or optimizer == "sgd"
    assert all(equal(again, first) for again, first in zip(after[8:], straight[3:11], strict=True))


def test_back_across_a_freeze_the_layer_stays_frozen_and_is_what_it_was(train):
    actions = {3: lambda m: m.snapshot(), 5: freeze, 8: lambda m: m.rollback(), 12: unfreeze}
    after, _ = train("adam", actions, run_eagerly=False)
    straight, _ = train("adam", {3: freeze, 7: unfreeze}, run_eagerly=False)
    assert all(equal(again, first) for again, first in zip(after[8:], straight[3:11], strict=True))


@pytest.mark.parametrize("optimizer", ["adam", "ema", "loss scale"])
def test_back_to_a_snapshot_of_a_frozen_layer_that_trains_again(train, optimizer):
    """Its moments are those that were set aside when it was frozen, and not those it has got since."""
    actions = {2: freeze, 4: lambda m: m.snapshot(), 6: unfreeze, 9: lambda m: m.rollback()}
    after, run = train(optimizer, actions)
    straight, _ = train(optimizer, {2: freeze, 4: unfreeze})
    assert not events(run, "refused", "error")
    assert all(equal(again, first) for again, first in zip(after[9:], straight[4:11], strict=True))


@pytest.mark.parametrize("optimizer", ["ema", "adagrad"])
def test_back_to_a_snapshot_from_before_a_layer_ever_trained(train, optimizer):
    def frozen():
        model = network()
        model.get_layer("narrow").trainable = False
        return model

    back = {3: lambda m: m.snapshot(), 5: unfreeze, 8: lambda m: m.rollback()}
    after, run = train(optimizer, back, model=frozen)
    straight, _ = train(optimizer, {3: unfreeze}, model=frozen)
    assert not events(run, "refused", "error")
    assert "came later and begin as Keras makes them" in events(run, "rollback")[0].message
    assert all(equal(again, first) for again, first in zip(after[8:], straight[3:11], strict=True))
    # And frozen again before going back: what was set aside came later too.
    after, _ = train(optimizer, {**back, 7: freeze, 8: lambda m: (m.rollback(), unfreeze(m))}, model=frozen)
    assert all(equal(again, first) for again, first in zip(after[8:], straight[3:11], strict=True))


# -- more state --------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(BACKEND == "torch", reason="Keras cannot train a stateful layer there")
def test_the_states_of_a_stateful_recurrent_layer_are_put_back():
    keras.utils.set_random_seed(3)
    layers = [keras.layers.LSTM(3, stateful=True), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input(batch_shape=(BATCH, 3, 2)), *layers])
    model.compile("adam", "mse")
    rng = np.random.default_rng(0)
    x, y = (np.tile(rng.random(shape, "float32"), (8,) + (1,) * (len(shape) - 1)) for shape in ((4, 3, 2), (4, 1)))
    monitor = kcb.Monitor()
    do = Do({2: monitor.snapshot, 5: monitor.rollback})
    model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[do, monitor])
    assert all(equal(first, again) for first, again in zip(do.after[2:5], do.after[5:8], strict=True))


@pytest.mark.skipif(BACKEND != "tensorflow", reason="with a seed of their own elsewhere")
def test_the_random_numbers_that_all_of_keras_shares_are_put_back(train):
    class Noise(keras.layers.Layer):
        def call(self, x):
            return x + keras.random.normal(keras.ops.shape(x))

    def noisy():
        return keras.Sequential([keras.Input((5,)), Noise(), keras.layers.Dense(1)])

    after, _ = train("adam", {2: lambda m: m.snapshot(), 5: lambda m: m.rollback()}, model=noisy)
    assert all(equal(first, again) for first, again in zip(after[2:5], after[5:8], strict=True))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_state_that_is_not_finite_is_known_in_every_type(dtype):
    from kcb_widgets.steering.model_state import ModelStateCopier

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, dtype=dtype)])
    model.compile("sgd", "mse")
    copier = ModelStateCopier(model, lambda variable: False, {})
    assert copier.copy().finite
    assert copier.copy().bytes == copier.size()
    model.layers[0].kernel.assign(keras.ops.full((2, 1), np.nan, dtype=dtype))
    assert not copier.copy().finite


# -- what a snapshot is called by --------------------------------------------------------------------------------------


def by_hand(unit_model, ones, at, batches, validation=True, **settings):
    """The snapshots that are asked for after these batches, of a fit with two batches an epoch; and its run."""
    monitor = kcb.Monitor(**settings)
    asks = [at(batch, monitor.snapshot) for batch in batches]
    seen = {}

    class Collects(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen.update({snapshot["id"]: snapshot for snapshot in monitor.run.snapshots})

        on_train_end = on_epoch_end = on_train_batch_begin

    data = {"validation_data": (2 * ones[0], ones[1])} if validation else {}
    model = unit_model()
    model.fit(*ones, batch_size=6, epochs=3, verbose=0, callbacks=[*asks, monitor, Collects()], **data)
    return list(seen.values()), monitor.run


@pytest.mark.parametrize(("validation", "metric"), [(True, "val_loss"), (False, "loss")])
def test_a_snapshot_at_an_epochs_end_is_called_by_its_epochs_metric(unit_model, ones, at, validation, metric):
    (snapshot,), run = by_hand(unit_model, ones, at, [4], validation)
    value = run.epochs[metric][1]
    assert (snapshot["step"], snapshot["metric"], snapshot["value"]) == (4, metric, pytest.approx(value))
    event = next(event for event in run.events_list if event.kind == "snapshot")
    assert event.message.startswith(f"{metric} {value:.4g}, ")


def test_one_in_mid_epoch_is_called_by_the_loss_so_far_as_its_weights_are_not_those_of_the_last_val_loss(
    unit_model, ones, at
):
    (snapshot,), run = by_hand(unit_model, ones, at, [3])
    assert (snapshot["step"], snapshot["metric"]) == (3, "loss")
    assert snapshot["value"] == pytest.approx(run.batches["loss"][3])
    assert snapshot["value"] != pytest.approx(run.epochs["val_loss"][0])


def test_one_of_each_epoch_is_called_by_its_metric_too(unit_model, ones, at):
    snapshots, run = by_hand(unit_model, ones, at, [], snapshots=kcb.Snapshots(each_epoch=True))
    assert [s["value"] for s in snapshots] == pytest.approx(run.epochs["val_loss"].tolist())
    assert {s["metric"] for s in snapshots} == {"val_loss"}


def test_after_a_rollback_nothing_is_known_of_the_model_until_the_next_batch():
    run = Run()
    run.begin_epoch(0)
    assert known_metric(run) == ("", None)
    run.append(0, {"loss": 0.5})
    run.end_epoch(0, {"loss": 0.5, "val_loss": 0.25})
    assert known_metric(run) == ("val_loss", 0.25)
    run.begin_epoch(1)
    assert known_metric(run) == ("val_loss", 0.25)
    run.append(0, {"loss": 0.125})
    assert known_metric(run) == ("loss", 0.125)
    run.rolled_back(1)
    assert known_metric(run) == ("", None)
    run.append(1, {"loss": 0.375})
    assert known_metric(run) == ("loss", 0.375)
    run.append(2, {"loss": float("nan")})
    assert known_metric(run) == ("", None)
