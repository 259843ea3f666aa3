"""``batch_<metric>`` is each batch's own value, or it is not there and an event says why.

The weights of the models do not move (a learning rate of 0), so the truth is what Keras finds on each batch alone.
"""

from __future__ import annotations

import threading

import keras
import numpy as np
import pytest

import kcb_widgets as kcb
from kcb_widgets.record import curves
from kcb_widgets.record.downsampling import window

BACKEND = keras.backend.backend()
ONE_STEP = pytest.mark.skipif(BACKEND == "torch", reason="Keras has no steps_per_execution on torch")
pytestmark = [
    pytest.mark.filterwarnings("ignore:Your input ran out of data"),  # Keras says so of any data of unknown length
    pytest.mark.filterwarnings("ignore:`shuffle=True` was passed"),
]
ROUNDING = 2.0**-20  # relative to the sum so far: some roundings of half a unit of float32's last place
VOCABULARY = 12


def dense(optimizer=None, **compile_args):
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, "sigmoid")])
    defaults = {"loss": "binary_crossentropy", "metrics": ["accuracy", "mse"], "weighted_metrics": ["mae", "accuracy"]}
    model.compile(optimizer or keras.optimizers.SGD(0.0), **(defaults | compile_args))
    return model


def tokens(samples=50, length=7):
    """Sequences of different lengths, padded with zeros."""
    rng = np.random.default_rng(2)
    x = rng.integers(1, VOCABULARY, (samples, length))
    x[np.arange(length)[None, :] >= rng.integers(0, length + 1, samples)[:, None]] = 0
    return x, rng.integers(0, 2, (samples, length, 1)).astype("float32")


def embedding(**compile_args):
    layers = [keras.layers.Embedding(VOCABULARY, 4, mask_zero=True), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((7,), dtype="int32"), *layers])
    model.compile(
        keras.optimizers.SGD(0.0), "binary_crossentropy", metrics=["accuracy"], weighted_metrics=["mse"], **compile_args
    )
    return model


def masking(**compile_args):
    layers = [keras.layers.Masking(), keras.layers.SimpleRNN(3, return_sequences=True), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((7, 1)), *layers])
    model.compile(keras.optimizers.SGD(0.0), "mse", metrics=["mae"], **compile_args)
    return model


def data(samples=50):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(samples, 5)).astype("float32")
    return x, (rng.random((samples, 1)) < 0.4).astype("float32")


def cut(arrays, sizes):
    """Batches of these sizes."""
    ends = np.cumsum(sizes)
    return [tuple(array[end - size : end] for array in arrays) for end, size in zip(ends, sizes, strict=True)]


def even(samples, size):
    return [min(size, samples - at) for at in range(0, samples, size)]


def held(mean):
    """What a metric of Keras's has accumulated."""
    return float(keras.ops.convert_to_numpy(mean.count))


def alone(model, batches):
    """What Keras finds on each batch alone, by metric: its value and its weight; NaN where it weighs nothing."""
    from kcb_widgets.session.weighing import mean_metrics  # for the names only

    means, found = mean_metrics(model), []
    for batch in batches:
        x, y, *weights = batch
        model.reset_metrics()
        logs = model.test_on_batch(x, y, sample_weight=weights[0] if weights else None, return_dict=True)
        found.append({name: (logs[name], held(mean.metric)) for name, mean in means.items()})
    columns = {name: np.array([each[name] for each in found]).T for name in found[0]}
    return {name: (np.where(weight > 0, value, np.nan), weight) for name, (value, weight) in columns.items()}


def unmasked(truth, model, batches):
    """On JAX Keras's training step loses the mask on its way to the metrics; testing does not."""
    if BACKEND != "jax":
        return truth
    found = {name: ([], []) for name in truth if name != "loss"}
    for x, y in batches:
        error = np.asarray(keras.ops.convert_to_numpy(model(x))) - y
        for name, (values, weights) in found.items():
            each = {"mae": abs(error), "mse": error**2, "accuracy": abs(error) < 0.5}[name]
            values.append(each.mean())
            weights.append(len(x))
    return truth | {name: tuple(np.array(each) for each in columns) for name, columns in found.items()}


def executed(truth, sizes):
    """The same of executions of several batches."""
    starts = np.cumsum([0, *sizes[:-1]])
    joined = {}
    for name, (value, weight) in truth.items():
        total = np.add.reduceat(weight, starts)
        sums = np.add.reduceat(np.where(weight > 0, value * weight, 0.0), starts)
        joined[name] = np.where(total > 0, sums / np.where(total > 0, total, 1.0), np.nan), total
    return joined


def check(run, truth, present=(), absent=(), epochs=1):
    """Every batch's value is the truth within float32's rounding, in every epoch."""
    frame = run.batches
    for name in present:
        value, weight = truth[name]
        assert f"batch_{name}" in frame, name
        own = frame[f"batch_{name}"].to_numpy(np.float64).reshape(epochs, -1)
        sums = np.cumsum(np.where(weight > 0, np.abs(value) * weight, 0.0))
        error = ROUNDING * sums / np.where(weight > 0, weight, 1.0) + 1e-6 * np.abs(value) + 1e-7
        for each in own:
            assert np.array_equal(np.isnan(each), np.isnan(value)), (name, each, value)
            assert (np.abs(each - value)[weight > 0] <= error[weight > 0]).all(), (name, each, value)
    events = run.events
    warned = events.loc[events["kind"] == "warning", "name"].tolist()
    for name in absent:
        assert f"batch_{name}" not in frame, name
        assert name in warned, (name, warned)
    claimed = {name.removeprefix("batch_") for name in frame if name.startswith("batch_")}
    assert claimed == set(present), claimed


PLAIN = ("loss", "accuracy", "mse")
ALL = (*PLAIN, "mae", "weighted_accuracy")


# -- arrays ------------------------------------------------------------------------------------------------------------


def test_arrays_with_a_smaller_last_batch():
    model, monitor = dense(), kcb.Monitor()
    for samples, size in ((48, 16), (50, 16), (5, 16), (1, 16), (9, 1)):
        x, y = data(samples)
        model.fit(x, y, batch_size=size, shuffle=False, epochs=3, verbose=0, callbacks=[monitor])
        check(monitor.run, alone(model, cut((x, y), even(samples, size))), ALL, epochs=3)
        assert monitor.run.events.query("kind == 'warning'").empty


def test_an_epoch_that_goes_on_where_the_one_before_ended():
    """With ``steps_per_epoch`` the smaller batch may come in any epoch."""
    model, (x, y), monitor = dense(), data(50), kcb.Monitor()
    model.fit(x, y, batch_size=16, steps_per_epoch=2, epochs=2, shuffle=False, verbose=0, callbacks=[monitor])
    truth = alone(model, cut((x, y), even(50, 16)))
    check_rows(monitor.run, {name: value for name, (value, _) in truth.items()}, ALL)


def check_rows(run, truth, names, rtol=1e-4):
    for name in names:
        assert np.allclose(run.batches[f"batch_{name}"], truth[name], rtol=rtol, atol=1e-5), name


def test_class_weights():
    model, (x, y), monitor = dense(), data(50), kcb.Monitor()
    for size in (16, 17):
        settings = {"batch_size": size, "shuffle": False, "epochs": 2, "verbose": 0}
        model.fit(x, y, class_weight={0: 0.2, 1: 7.0}, callbacks=[monitor], **settings)
        weights = np.where(y[:, 0] > 0.5, 7.0, 0.2).astype("float32")
        check(monitor.run, alone(model, cut((x, y, weights), even(50, size))), ALL, epochs=2)
        assert monitor.run.batches["batch_weighted_accuracy"].between(0, 1).all()


def test_sample_weights():
    model, (x, y), rng = dense(), data(50), np.random.default_rng(0)
    near = rng.uniform(0.7, 1.3, 50).astype("float32")
    zeros, batches_of_zero, large = near * (rng.random(50) < 0.5), near.copy(), near * 10.0 ** rng.integers(-2, 3, 50)
    batches_of_zero[:8] = batches_of_zero[24:40] = 0
    for weights in (near, zeros, batches_of_zero, large.astype("float32")):
        monitor = kcb.Monitor()
        settings = {"batch_size": 8, "shuffle": False, "epochs": 2, "verbose": 0}
        model.fit(x, y, sample_weight=weights, callbacks=[monitor], **settings)
        check(monitor.run, alone(model, cut((x, y, weights), even(50, 8))), ALL, epochs=2)


# -- masks -------------------------------------------------------------------------------------------------------------


def test_an_embedding_that_masks_zeros():
    model, (x, y) = embedding(), tokens()
    for size in (8, 50):
        monitor = kcb.Monitor()
        model.fit(x, y, batch_size=size, shuffle=False, epochs=2, verbose=0, callbacks=[monitor])
        batches = cut((x, y), even(50, size))
        truth = unmasked(alone(model, batches), model, batches)
        check(monitor.run, truth, ("loss", "accuracy", "mse"), epochs=2)


def test_a_masking_layer():
    model, (x, y), monitor = masking(), tokens(), kcb.Monitor()
    x = x[..., None].astype("float32")
    model.fit(x, y, batch_size=7, shuffle=False, verbose=0, callbacks=[monitor])
    batches = cut((x, y), even(50, 7))
    check(monitor.run, unmasked(alone(model, batches), model, batches), ("loss", "mae"))


# -- other data --------------------------------------------------------------------------------------------------------

SIZES = [3, 11, 1, 16, 5, 5, 8, 1]


class Parts(keras.utils.PyDataset):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


def dataset(arrays):
    """The rows of arrays as a tf.data pipeline."""
    return pytest.importorskip("tensorflow").data.Dataset.from_tensor_slices(arrays)


KINDS = ("generator", "generator of unknown length", "PyDataset", "tf.data")


@pytest.mark.parametrize("weighted", [False, True])
def test_batches_of_different_sizes(weighted):
    model = dense()
    for kind, sizes in ((kind, sizes) for sizes in (SIZES, SIZES[2:]) for kind in KINDS):
        (x, y), monitor = data(sum(sizes)), kcb.Monitor()
        arrays = (x, y, np.random.default_rng(3).uniform(0.7, 1.3, len(x)).astype("float32")) if weighted else (x, y)
        batches, kwargs = cut(arrays, sizes), {"epochs": 1}
        if kind == "generator":
            given, kwargs = (each for _ in range(2) for each in batches), {"epochs": 2, "steps_per_epoch": len(sizes)}
        elif kind == "generator of unknown length":
            given = (each for each in batches)
        elif kind == "PyDataset":
            given, kwargs = Parts(batches), {"epochs": 2}
        else:
            tf = pytest.importorskip("tensorflow")
            types = [tf.TensorSpec((None, *array.shape[1:])) for array in arrays]
            given = tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=tuple(types))  # noqa: B023
            kwargs = {"epochs": 2}
        model.fit(given, shuffle=False, verbose=0, callbacks=[monitor], **kwargs)
        check(monitor.run, alone(model, batches), ALL, epochs=kwargs["epochs"])


def test_tf_data():
    model, (x, y) = dense(), data(50)
    for drop, weights in ((drop, weights) for drop in (False, True) for weights in (None, np.linspace(0.7, 1.3, 50))):
        arrays, monitor = (x, y) if weights is None else (x, y, weights.astype("float32")), kcb.Monitor()
        given = dataset(arrays).batch(16, drop_remainder=drop)
        model.fit(given, epochs=2, verbose=0, callbacks=[monitor])
        check(monitor.run, alone(model, cut(arrays, [16] * 3 if drop else even(50, 16))), ALL, epochs=2)


@ONE_STEP
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["arrays", "tf.data"])
def test_several_steps_in_an_execution(kind, weighted):
    model, (x, y), monitor = dense(steps_per_execution=3), data(50), kcb.Monitor()
    arrays = (x, y, np.random.default_rng(3).uniform(0.7, 1.3, 50).astype("float32")) if weighted else (x, y)
    if kind == "arrays":
        names = dict(zip(("x", "y", "sample_weight"), arrays, strict=False))
        model.fit(**names, batch_size=6, shuffle=False, epochs=2, verbose=0, callbacks=[monitor])
    else:
        model.fit(dataset(arrays).batch(6), epochs=2, verbose=0, callbacks=[monitor])
    model.steps_per_execution = 1
    truth = executed(alone(model, cut(arrays, even(50, 6))), [3, 3, 3])
    check(monitor.run, truth, ALL, epochs=2)


# -- models ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [{}, {"run_eagerly": True}])
@pytest.mark.parametrize("unknown", [False, True])
def test_two_outputs_with_loss_weights(mode, unknown):
    inputs = keras.Input((5,))
    outputs = {"a": keras.layers.Dense(1, name="a")(inputs), "b": keras.layers.Dense(2, name="b")(inputs)}
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.SGD(0.0), {"a": "mse", "b": "mae"}, loss_weights={"a": 3.0, "b": 0.1},
        metrics={"a": ["mae"], "b": ["mae", "mse"]}, **mode,
    )  # fmt: skip
    (x, y), monitor = data(50), kcb.Monitor()
    y = {"a": y, "b": np.hstack([y, 1 - y])}
    sizes = [16, 2, 16, 16] if unknown else even(50, 16)
    ends = np.cumsum(sizes)
    batches = [
        (x[end - n : end], {name: each[end - n : end] for name, each in y.items()})
        for end, n in zip(ends, sizes, strict=True)
    ]
    if unknown:
        model.fit((each for each in batches), verbose=0, callbacks=[monitor])
    else:
        model.fit(x, y, batch_size=16, shuffle=False, epochs=2, verbose=0, callbacks=[monitor])
    names = ("loss", "a_loss", "b_loss", "a_mae", "b_mae", "b_mse")
    check(monitor.run, alone(model, batches), names, epochs=1 if unknown else 2)


def test_metrics_that_are_no_means_are_never_claimed():
    model = dense(metrics=["AUC", keras.metrics.F1Score(), keras.metrics.RootMeanSquaredError(), "mse"])
    (x, y), monitor = data(50), kcb.Monitor()
    model.fit(x, y, batch_size=16, shuffle=False, verbose=0, callbacks=[monitor])
    check(monitor.run, alone(model, cut((x, y), even(50, 16))), ("loss", "mse", "mae", "accuracy"))


def valid_only(y_true, y_pred):
    """A value for each sample of class 1: how many there are differs from batch to batch."""
    import tensorflow as tf

    return tf.boolean_mask(keras.ops.abs(y_pred - y_true), y_true > 0.5)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="shapes that depend on data need TensorFlow")
def test_a_metric_of_the_users_own_making_weighs_what_it_likes():
    model, (x, y), monitor = dense(metrics=[valid_only], weighted_metrics=[]), data(50), kcb.Monitor()
    model.fit(x, y, batch_size=8, shuffle=False, epochs=2, verbose=0, callbacks=[monitor])
    check(monitor.run, alone(model, cut((x, y), even(50, 8))), ("loss", "valid_only"), epochs=2)


def test_a_function_of_the_users_own_making():
    def far(y_true, y_pred):
        return keras.ops.max(
            keras.ops.abs(keras.ops.subtract(y_true, y_pred))
        )  # one number for the batch: each batch weighs 1

    model, (x, y), monitor = dense(metrics=[far], weighted_metrics=[]), data(50), kcb.Monitor()
    model.fit(x, y, batch_size=8, shuffle=False, epochs=2, verbose=0, callbacks=[monitor])
    check(monitor.run, alone(model, cut((x, y), even(50, 8))), ("loss", "far"), epochs=2)


class Own(keras.Model):
    """A training step of its own, in Keras's own words for each backend."""

    raw = False

    def __init__(self):
        super().__init__()
        self.layer = keras.layers.Dense(1)
        self.error = keras.metrics.Mean(name="error")
        self.unused = keras.metrics.Mean(name="unused")

    def call(self, x):
        return self.layer(x)

    @property
    def metrics(self):
        return [self.error, self.unused]

    def _weighed(self, x, y):
        """Its mean is over classes with different weights."""
        error = keras.ops.abs(y - self(x))
        return error, 1.0 + 2.0 * y

    if BACKEND == "jax":

        def train_step(self, state, data):
            trainable, others, optimizer, metrics = state
            x, y = data
            own, unused = metrics[:2], metrics[2:]
            prediction, others = self.stateless_call(trainable, others, x)
            error, weight = keras.ops.abs(y - prediction), 1.0 + 2.0 * y
            own = self.error.stateless_update_state(own, error, weight)
            logs = {"error": keras.ops.mean(error) if self.raw else self.error.stateless_result(own)}
            return logs | {"unused": keras.ops.mean(error)}, (trainable, others, optimizer, [*own, *unused])

    else:

        def train_step(self, data):
            x, y = data
            error, weight = self._weighed(x, y)
            self.error.update_state(error, weight)
            logs = {"error": keras.ops.mean(error) if self.raw else self.error.result()}
            return logs | {"unused": keras.ops.mean(error)}


@pytest.mark.parametrize("raw", [False, True])
def test_a_training_step_of_its_own(raw):
    model, (x, y), monitor = Own(), data(50), kcb.Monitor()
    model.raw = raw
    model.compile(keras.optimizers.SGD(0.0))
    model(x)
    model.fit(x, y, batch_size=16, shuffle=False, epochs=2, verbose=0, callbacks=[monitor])
    if raw:  # what it logs is not what its metrics hold
        return check(monitor.run, {}, (), ("error", "unused"))
    errors = np.abs(y - np.asarray(keras.ops.convert_to_numpy(model(x))))[:, 0]
    weights = 1.0 + 2.0 * y[:, 0]
    parts = cut((errors, weights), even(50, 16))
    truth = np.array([((error * weight).sum() / weight.sum(), weight.sum()) for error, weight in parts]).T
    check(monitor.run, {"error": truth}, ("error",), ("unused",), epochs=2)
    return None


def test_more_metrics_than_can_be_read_after_every_batch():
    functions = []
    for i in range(12):

        def own(y_true, y_pred, i=i):
            return keras.ops.abs(keras.ops.subtract(y_true, y_pred)) + float(i)

        own.__name__ = f"own_{i}"
        functions.append(own)
    model, (x, y), monitor = dense(metrics=functions, weighted_metrics=["mae"]), data(50), kcb.Monitor()
    model.fit(x, y, batch_size=16, shuffle=False, verbose=0, callbacks=[monitor])
    names = [f"own_{i}" for i in range(12)]
    check(monitor.run, alone(model, cut((x, y), even(50, 16))), ("loss", "mae", *names[:8]), names[8:])


def test_sums_in_16_bits_are_not_claimed():
    metric = keras.metrics.MeanSquaredError(name="coarse", dtype="float16")
    model, (x, y), monitor = dense(metrics=[metric], weighted_metrics=[]), data(50), kcb.Monitor()
    model.fit(x, y, batch_size=16, shuffle=False, verbose=0, callbacks=[monitor])
    check(monitor.run, alone(model, cut((x, y), even(50, 16))), ("loss",), ("coarse",))


# -- what others do meanwhile ------------------------------------------------------------------------------------------


HOOKS = ("on_epoch_begin", "on_train_batch_begin", "on_train_batch_end")
ACTS = {
    "nothing": lambda model, x, y: None,
    "evaluate": lambda model, x, y: model.evaluate(x[:21], y[:21], verbose=0, batch_size=7),
    "as much": lambda model, x, y: model.evaluate(x[:16], y[:16], verbose=0),  # as was trained: the same count
    "reset": lambda model, x, y: model.reset_metrics(),
    "test_on_batch": lambda model, x, y: model.test_on_batch(x[:8], y[:8]),
}


class Meddle(keras.callbacks.Callback):
    """In each epoch one act in one hook."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y, self.epoch = x, y, 0
        self.plan = [(hook, act) for hook in HOOKS for act in ACTS]

    def _act(self, hook):
        if self.plan[self.epoch][0] == hook:
            ACTS[self.plan[self.epoch][1]](self.model, self.x, self.y)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        self._act("on_epoch_begin")

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 2:
            self._act("on_train_batch_begin")

    def on_train_batch_end(self, batch, logs=None):
        if batch == 1:
            self._act("on_train_batch_end")


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("kind", ["arrays", "generator", "sample weights"])
def test_callbacks_that_use_the_metrics(before, kind):
    """A batch beside it may have no value of its own where none is known; no value is wrong."""
    model, (x, y), monitor = dense(), data(50), kcb.Monitor()
    meddle, arrays = Meddle(x, y), (x, y)
    callbacks, epochs = [meddle, monitor] if before else [monitor, meddle], len(meddle.plan)
    if kind == "sample weights":
        arrays = (x, y, np.linspace(0.5, 2.0, 50).astype("float32"))
    batches = cut(arrays, even(50, 8))
    if kind == "generator":
        given = (each for _ in range(epochs) for each in batches)
        model.fit(given, epochs=epochs, steps_per_epoch=7, verbose=0, callbacks=callbacks)
    else:
        named = dict(zip(("x", "y", "sample_weight"), arrays, strict=False))
        model.fit(**named, batch_size=8, shuffle=False, epochs=epochs, verbose=0, callbacks=callbacks)
    truth, frame = alone(model, batches), monitor.run.batches
    for name in ALL:
        own = frame[f"batch_{name}"].to_numpy(np.float64).reshape(epochs, 7)
        for (hook, act), each in zip(meddle.plan, own, strict=True):
            known = ~np.isnan(each)
            assert known.sum() >= (7 if act == "nothing" or hook == "on_epoch_begin" else 6), (hook, act, each)
            assert np.allclose(each[known], truth[name][0][known], rtol=3e-5, atol=1e-6), (name, hook, act, each)
    assert monitor.run.events.query("kind == 'warning'").empty


@pytest.mark.parametrize("weighted", [False, True])
def test_a_rollback_and_an_evaluation_in_mid_epoch(weighted):
    model, (x, y), monitor = dense(), data(50), kcb.Monitor(evaluate_on=data(23))
    weights = np.random.default_rng(3).uniform(0.7, 1.3, 50).astype("float32") if weighted else None

    def driver(run, monitor):
        if run.step in (2, 9):
            monitor.snapshot()
        elif run.step in (5, 12):
            monitor.rollback("latest")
        elif run.step in (3, 10):
            monitor.evaluate()

    monitor.add_policy(driver, every=1)
    settings = {"batch_size": 8, "shuffle": False, "epochs": 2, "verbose": 0}
    model.fit(x, y, sample_weight=weights, callbacks=[monitor], **settings)
    assert [branch["to"] for branch in monitor.run.branches] == [5, 12]
    assert monitor.run.evaluation_table.rows == 2
    arrays = (x, y, weights) if weighted else (x, y)
    truth = alone(model, cut(arrays, even(50, 8)))
    check_rows(monitor.run, {name: np.tile(value, 2) for name, (value, _) in truth.items()}, ALL)


@pytest.mark.parametrize("kind", ["arrays", "tf.data"])
def test_what_is_read_while_validation_runs_is_the_truth_already(kind):
    """The last, smaller batch too: in a callback before Monitor and after it, on another thread, and on a board."""
    model, (x, y), monitor, seen = dense(), data(50), kcb.Monitor(), []

    def read():
        run = monitor.run
        picture = window(curves.batches(run), 0, run.batch_table.rows, 10_000)
        names = list(run.batch_table.names)
        seen.append(
            (run.batches, {name: picture.mean[names.index(name)] for name in names if name in run.batch_values.names})
        )

    class Reader(keras.callbacks.Callback):
        def _read(self):
            read()
            thread = threading.Thread(target=read)
            thread.start()
            thread.join()

        def on_train_batch_end(self, batch, logs=None):
            self._read()

        def on_test_begin(self, logs=None):
            self._read()

        def on_test_batch_end(self, batch, logs=None):
            self._read()

        def on_epoch_end(self, epoch, logs=None):
            self._read()

    given = {"x": x, "y": y, "batch_size": 16, "shuffle": False}
    if kind == "tf.data":
        given = {"x": dataset((x, y)).batch(16)}
    validation = (x[:20], y[:20])
    callbacks = [Reader(), monitor, Reader()]
    model.fit(**given, epochs=2, validation_data=validation, verbose=0, callbacks=callbacks)
    truth = alone(model, cut((x, y), even(50, 16)))
    assert len(seen) > 40
    for frame, drawn in seen:
        for name in ALL:
            if f"batch_{name}" in frame:  # not before the first batch
                whole = np.tile(truth[name][0], 2)[: len(frame)]
                assert np.allclose(frame[f"batch_{name}"], whole, rtol=1e-5, atol=1e-6)
                assert np.allclose(drawn[name], whole, rtol=1e-5, atol=1e-6)
        assert "batch_loss" in frame or len(frame) == 0


# -- rounding ----------------------------------------------------------------------------------------------------------


def test_an_accuracy_is_between_0_and_1_and_no_real_error_is_hidden():
    model, monitor = dense(metrics=["accuracy"], weighted_metrics=[]), kcb.Monitor()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(7_000, 5)).astype("float32")
    y = (rng.random((7_000, 1)) < 0.5).astype("float32")
    model.fit(x, y, batch_size=7, shuffle=False, verbose=0, callbacks=[monitor])
    own = monitor.run.batches["batch_accuracy"]
    assert own.between(0, 1).all()
    assert (own == 1).any()
    run = kcb.Run()
    run.begin_epoch(0)
    run.batch_values.claim("accuracy", "batches", bounded=True)
    for batch, mean in enumerate([1.0, 1.0, 0.5, 0.9]):  # the last but one is -0.5, the last 2.1: no rounding does that
        run.append(batch, {"accuracy": mean})
    assert run.batches["batch_accuracy"].tolist() == pytest.approx([1.0, 1.0, -0.5, 2.1])


# -- cost --------------------------------------------------------------------------------------------------------------


def reads(monkeypatch, **fit):
    """How often a fit of 40 batches and two epochs reads a metric."""
    from kcb_widgets.session import metric_weights

    seen, peek = [], metric_weights.read_scalar
    monkeypatch.setattr(metric_weights, "read_scalar", lambda *args: seen.append(args[1]) or peek(*args))
    model, monitor = dense(**fit.pop("compile", {})), kcb.Monitor(display=False)
    model.fit(verbose=0, epochs=2, callbacks=[monitor], **fit)
    assert monitor.run.step == 80
    return len(seen)


def test_weights_that_are_certain_are_not_read_at_each_batch(monkeypatch):
    x, y = data(400)
    weights = np.linspace(0.7, 1.3, 400)
    static = dataset((x, y)).batch(10, drop_remainder=True)
    assert reads(monkeypatch, x=x, y=y, batch_size=10) < 40
    assert reads(monkeypatch, x=static) < 40
    # Only the two that the weights matter to; only the loss, by which the others are known.
    assert 160 <= reads(monkeypatch, x=x, y=y, batch_size=10, sample_weight=weights) < 160 + 40
    loose = dataset((x, y)).batch(10)
    loose = {"x": loose, "compile": {"weighted_metrics": []}}
    assert 80 <= reads(monkeypatch, **loose) < 80 + 60


def test_nothing_of_ours_is_left_in_the_metrics(classifier):
    model, x, y = classifier()
    before = {id(owner): set(vars(owner)) for owner in (model, *model.metrics)}
    model.fit(x, y, verbose=0)
    before = {id(owner): set(vars(owner)) for owner in (model, *model.metrics, *model._compile_metrics.metrics)}
    inside = []
    look = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: inside.append("reset_state" in vars(model._loss_tracker))
    )
    model.fit(x, y, verbose=0, callbacks=[kcb.Monitor(), look])
    assert any(inside)
    assert {id(owner): set(vars(owner)) for owner in (model, *model.metrics, *model._compile_metrics.metrics)} == before


@pytest.mark.parametrize("place", ["Weighing", "mean_metrics", "read_scalar"])
def test_a_failure_of_ours_costs_the_batch_values_and_nothing_else(monkeypatch, caplog, place):
    def broken(*args, **kwargs):
        raise StopIteration("ours")  # Keras would take it for the end of the data

    monkeypatch.setattr(f"kcb_widgets.session.metric_weights.{place}", broken)
    model, (x, y), monitor = dense(), data(50), kcb.Monitor()
    model.fit(x, y, batch_size=16, epochs=2, verbose=0, callbacks=[monitor])
    run = monitor.run
    assert run.status == "finished"
    assert run.batches["loss"].notna().all()
    assert len(run.batches) == 8
    assert not any(column.startswith("batch_") for column in run.batches)
    assert "ours" in run.events.query("kind == 'error'")["message"].iloc[0]
    assert any(record.exc_info for record in caplog.records if record.name.startswith("kcb_widgets"))
