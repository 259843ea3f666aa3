"""Makes the models that the checks train, their losses and their data, the same each time."""

from __future__ import annotations

import functools

import keras
import numpy as np

from .mode import current
from .state import put, state
from .traces import count

BATCH = 4


def mean_prediction(y_true, y_pred):
    """A loss whose gradient is the mean of the inputs."""
    count()
    return keras.ops.mean(y_pred, axis=-1)


def signed_prediction(y_true, y_pred):
    """A loss whose gradient is another one each batch, whatever the weights are, so that differences do not grow."""
    count()
    return keras.ops.mean(y_true * y_pred, axis=-1)


def data(executions: int, width: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """So many executions of data, the same every time."""
    rng = np.random.default_rng(0)
    rows = executions * current().per * BATCH
    return rng.normal(0.5, 1, (rows, width)).astype("float32"), rng.choice([0.5, 1.0, 1.5], (rows, 1)).astype("float32")


def ones(executions: int, width: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Data for `unit`."""
    rows = executions * current().per * BATCH
    return np.ones((rows, width), "float32"), np.ones((rows, 1), "float32")


def unit(optimizer=None):
    """A model of one weight whose gradient is exactly 1: plain SGD moves it by the learning rate."""

    def layers():
        return [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="unit")]

    return current().model(layers, optimizer or (lambda: keras.optimizers.SGD(0.5)), mean_prediction)


@functools.cache
def shared_unit():
    """A `unit`, made once, and the state that it began in; `run.py` forgets it after a check that was not ok."""
    return unit(), {}


def fresh_unit():
    """The shared `unit` with its learning rate of 0.5, as if it were new: tracing again is what takes the time."""
    model, start = shared_unit()
    start.update(start or state(model))
    put(model, start)
    model.optimizer.learning_rate = 0.5
    return model


def linear(optimizer):
    """A model of three weights, with gradients that do not depend on them."""

    def layers():
        return [keras.Input((3,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", name="unit")]

    return current().model(layers, optimizer, signed_prediction)


def branches(frozen: bool = False):
    """The sum of two layers, `first` and `last`.

    Not one after the other: Keras's loop over `steps_per_execution` may read one weight before the step before has
    written another, with or without Monitor. Here no gradient depends on a weight.
    """
    inputs = keras.Input((3,))
    first = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", name="first")
    last = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", name="last")
    first.trainable = not frozen
    return keras.Model(inputs, keras.layers.Add(name="sum")([first(inputs), last(inputs)]), name="model")


def rich():
    """A model with all that keeps state: Adam, batch normalization and dropout."""
    keras.utils.set_random_seed(5)

    def layers():
        hidden = [keras.layers.Dense(8, "relu", name="hidden")] if current().per == 1 else []  # see `branches`
        last = keras.layers.Dense(1, "sigmoid", use_bias=False, name="out")
        normal = keras.layers.BatchNormalization(center=bool(hidden), scale=bool(hidden), name="normal")
        return [keras.Input((8,)), *hidden, normal, keras.layers.Dropout(0.3, name="drop"), last]

    model = current().model(layers, lambda: keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    x, _ = data(4, 8)
    return model, x, (x.sum(axis=1, keepdims=True) > 4).astype("float32")
