"""What the tests share: tiny models, and the quiet they need."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# oneDNN makes 0 of relu(NaN) on some processors: a loss that is to become NaN would stay finite there.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np
import pytest
import scheduling

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    # With several threads TensorFlow rounds differently from fit to fit, with or without Monitor, once in many.
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)


def pytest_collection_modifyitems(items):
    """What takes long begins first."""
    items.sort(key=scheduling.place)


def pytest_xdist_make_scheduler(config, log):
    """What shares something is run by one worker."""
    return scheduling.Groups(config, log)


@pytest.fixture(autouse=True)
def patience_with_slow_machines(request, monkeypatch):
    """A machine with other things to do stands still for seconds: only the tests of that are to hear of it."""
    if request.path.name != "test_stall.py":
        from kcb_widgets.session import stall

        monkeypatch.setattr(stall, "MIN_STALL_S", 300.0)


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(7)


@pytest.fixture
def unit_model():
    """A function that makes a model with one weight whose gradient is exactly 1: SGD moves it by the learning rate."""

    def make(optimizer=None, **compile_args):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
        model.compile(optimizer or keras.optimizers.SGD(0.5), loss=mean_prediction, **compile_args)
        return model

    return make


def mean_prediction(y_true, y_pred):
    return keras.ops.mean(y_pred, axis=-1)


@pytest.fixture
def ones():
    """Twelve samples of 1, for ``unit_model``."""
    return np.ones((12, 1), "float32"), np.ones((12, 1), "float32")


class Weights(keras.callbacks.Callback):
    """The one weight of ``unit_model`` after every batch."""

    def __init__(self):
        super().__init__()
        self.seen = [0.0]

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(float(np.asarray(self.model.get_weights()[0]).ravel()[0]))

    @property
    def moves(self):
        """How far each batch moved the weight down: the learning rate that governed it."""
        return [float(np.round(a - b, 6)) for a, b in zip(self.seen, self.seen[1:], strict=False)]


@pytest.fixture
def weights():
    return Weights()


class At(keras.callbacks.Callback):
    """Does something at the end of a batch (counted over the whole fit, from 1)."""

    def __init__(self, batch, action):
        super().__init__()
        self.batch, self.action, self.count = batch, action, 0

    def on_train_batch_end(self, batch, logs=None):
        self.count += 1
        if self.count == self.batch:
            self.action()


@pytest.fixture
def at():
    return At


@pytest.fixture
def classifier():
    """A function that makes a small classifier of 8 numbers, with dropout, and its data."""

    def make(samples=64, **compile_args):
        rng = np.random.default_rng(0)
        x = rng.random((samples, 8), "float32")
        y = (x.sum(axis=1) > 4).astype("float32")[:, None]
        keras.utils.set_random_seed(3)
        layers = [keras.Input((8,)), keras.layers.Dense(8, "relu"), keras.layers.Dropout(0.2)]
        model = keras.Sequential([*layers, keras.layers.Dense(1, "sigmoid")])
        model.compile(**({"optimizer": "adam", "loss": "binary_crossentropy", "metrics": ["accuracy"]} | compile_args))
        return model, x, y

    return make


@pytest.fixture
def calls():
    """A function that counts the calls, of Python and of C, that another makes."""

    def count(function):
        seen = []
        sys.setprofile(lambda frame, event, arg: seen.append(event) if event in ("call", "c_call") else None)
        try:
            function()
        finally:
            sys.setprofile(None)
        return len(seen) - 1 - 1  # without the function itself and what ends the counting

    return count
