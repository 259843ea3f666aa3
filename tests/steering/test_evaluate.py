"""evaluate() in the middle of a fit: what it finds, and that training goes on as if it had not been there."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import kcb_widgets as kcb

BACKEND = keras.backend.backend()
SAMPLES, BATCH = 24, 4


class Sampling(keras.layers.Layer):
    """Adds noise in training and inference alike, as the middle of a variational autoencoder does."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, x):
        return x + 0.1 * keras.random.normal(keras.ops.shape(x), seed=self.seed_generator)


class Unseeded(keras.layers.Layer):
    """Draws from the random numbers that all of Keras shares."""

    def call(self, x):
        return x + 0.1 * keras.random.normal(keras.ops.shape(x))


class Counts(keras.layers.Layer):
    """Counts its calls, in inference too, and multiplies by the count: a state of the user's own."""

    def build(self, shape):
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")

    def call(self, x):
        self.count.assign(self.count + 1.0)
        return x * (1.0 + 0.01 * self.count)


class Lazy(keras.Model):
    """Built on its first batch; what it keeps is made there."""

    def __init__(self):
        super().__init__()
        self.noise, self.lstm, self.out = Sampling(), keras.layers.LSTM(3, stateful=True), keras.layers.Dense(1)

    def call(self, x):
        return self.out(self.lstm(self.noise(x)))


def sequences():
    return [keras.Input(batch_shape=(BATCH, 3, 2)), keras.layers.LSTM(3, stateful=True), keras.layers.Dense(1)]


def dense(*layers):
    return lambda: keras.Sequential([keras.Input((6,)), keras.layers.Dense(4), *layers, keras.layers.Dense(1)])


MODELS = {
    "sampling": lambda: dense(Sampling())(),
    "count": lambda: dense(Counts())(),
    "dropout and batch normalization": lambda: dense(keras.layers.BatchNormalization(), keras.layers.Dropout(0.3))(),
    "stateful rnn": lambda: keras.Sequential(sequences()),
    "built late": Lazy,
    "unseeded": lambda: dense(Unseeded())(),
}


@pytest.fixture
def train():
    """A function that trains one of the models, and evaluates before the batches named (counted from 0)."""

    def run(name, *evaluations, **compile_args):
        keras.utils.set_random_seed(5)
        model = MODELS[name]()
        model.compile(**({"optimizer": "adam", "loss": "mse", "metrics": ["mae"]} | compile_args))
        shape = (SAMPLES, 3, 2) if "rnn" in name or "late" in name else (SAMPLES, 6)
        rng = np.random.default_rng(0)
        x, y = rng.random(shape, "float32"), rng.random((SAMPLES, 1), "float32")
        monitor, replies, seen = kcb.Monitor(), [], []

        def ask(batch, logs):
            if len(seen) in evaluations:
                replies.append(monitor.evaluate())

        def note(batch, logs):
            seen.append([np.array(keras.ops.convert_to_numpy(w)) for w in note.callback.model.weights])

        note.callback = keras.callbacks.LambdaCallback(on_train_batch_begin=ask, on_train_batch_end=note)
        data = (x[: 2 * BATCH], y[: 2 * BATCH])
        settings = {"epochs": 2, "batch_size": BATCH, "verbose": 0, "validation_data": data}
        history = model.fit(x, y, callbacks=[note.callback, monitor], **settings).history
        return history, seen, [reply.wait(0) for reply in replies], monitor

    return run


NOT_ON = {
    "jax": {"unseeded": "a layer must bring its own seed", "built late": "Keras cannot build a stateful layer there"},
    "torch": {
        "stateful rnn": "Keras cannot train a stateful layer there",
        "built late": "Keras cannot build a stateful layer there",
    },
}


def names():
    skipped = NOT_ON.get(BACKEND, {})
    return [
        pytest.param(name, marks=pytest.mark.skipif(name in skipped, reason=skipped.get(name, ""))) for name in MODELS
    ]


@pytest.mark.parametrize("name", names())
def test_training_with_evaluations_is_training_without_them_bit_for_bit(train, name):
    plain, with_evaluation = train(name), train(name, 0, 3, 9)
    assert [event.kind for event in with_evaluation[2]] == ["evaluated"] * 3
    assert plain[0] == with_evaluation[0]
    for a, b in zip(plain[1], with_evaluation[1], strict=True):
        assert len(a) == len(b)
        assert all(np.array_equal(one, other) for one, other in zip(a, b, strict=True))


def test_a_metric_that_is_no_single_number_is_left_out_and_named_and_the_rest_evaluated(train):
    class Pair(keras.metrics.Metric):
        """Two numbers by name, which Keras logs one by one."""

        def update_state(self, y_true, y_pred, sample_weight=None):
            pass

        def result(self):
            return {"first": keras.ops.ones(()), "second": keras.ops.ones(())}

    class Vector(keras.metrics.Metric):
        """As ``F1Score()`` without an average is: one number for each class."""

        def update_state(self, y_true, y_pred, sample_weight=None):
            pass

        def result(self):
            return keras.ops.ones((3,))

    _, _, (event,), monitor = train("sampling", 3, metrics=["mae", Vector(name="f1"), Pair(name="pair")])
    assert event.kind == "evaluated"
    assert "left out, as it is not a single number: val_f1" in event.message
    found = dict(part.split(" ") for part in event.message.split(";")[0].split(" · "))
    assert set(found) == {"val_loss", "val_mae", "val_first", "val_second"}
    assert event.new == pytest.approx(float(found["val_loss"]), rel=1e-3)
    assert set(monitor.run.evaluation_table.names) == set(found)


def test_keras_own_f1_score_of_several_classes():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy", keras.metrics.F1Score()])
    x, y = np.random.default_rng(0).random((12, 4), "float32"), np.eye(3, dtype="float32")[[0, 1, 2] * 4]
    monitor, replies = kcb.Monitor(), []
    ask = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda b, logs: replies.append(monitor.evaluate()))
    model.fit(x, y, batch_size=6, callbacks=[ask, monitor], verbose=0, validation_data=(x, y))
    events = [reply.wait(0) for reply in replies]
    assert [event.kind for event in events] == ["evaluated"] * 2
    assert all("val_accuracy" in event.message and "number: val_f1_score" in event.message for event in events)
