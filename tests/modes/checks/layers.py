"""Checks what can be changed in layers: dropout rates, regularizers, and which layers train."""

from __future__ import annotations

import functools

import keras
import numpy as np

from ..mode import current
from ..models import BATCH, branches, data, mean_prediction, ones, signed_prediction
from ..references import goes_on_as
from ..state import State, weights
from ..training import steered


def _dropping(rate: float, new: float) -> tuple[np.ndarray, np.ndarray]:
    """How far each of 512 weights moved before and after a change: by its input as the dropout let it through."""

    def layers():
        dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="unit")
        return [keras.Input((512,)), keras.layers.Dropout(rate, seed=1, name="drop"), dense]

    def optimizer():
        sgd = keras.optimizers.SGD(0.5)  # and a scale that is small enough for float16
        return keras.optimizers.LossScaleOptimizer(sgd, initial_scale=256) if current().name == "mixed" else sgd

    model = current().model(layers, optimizer, mean_prediction)
    watch, _ = steered(model, *ones(2, 512), {1: lambda m: m.set({"drop.rate": new})})
    values = [weights(one) for one in watch.states]
    return (values[0] - values[1]) / 0.5 / current().per, (values[1] - values[2]) / 0.5 / current().per


def _dropped(moves: np.ndarray, rate: float) -> None:
    if rate == 0:
        assert np.allclose(moves, 1, atol=1e-3), moves
        return
    samples = BATCH * current().per // (2 if current().strategy else 1)  # Keras drops the same on every device
    none = np.mean(np.abs(moves) < 1e-4)
    assert abs(none - rate**samples) < 0.1, f"{none:.2f} of the weights stayed, not {rate**samples:.2f}"
    parts = moves * (1 - rate) * samples  # in how many samples it was let through
    assert np.abs(parts - np.round(parts)).max() < 0.02
    assert abs(moves.mean() - 1) < 0.25


def check_dropout():
    before, after = _dropping(0.9, 0.5)
    _dropped(before, 0.9)
    _dropped(after, 0.5)


def check_dropout_from_0():
    before, after = _dropping(0.0, 0.9)
    _dropped(before, 0.0)
    _dropped(after, 0.9)


def check_regularizer():
    def make(l2):
        def layers():
            regularizer = keras.regularizers.L2(l2)
            arguments = {"use_bias": False, "kernel_initializer": "ones", "kernel_regularizer": regularizer}
            return [keras.Input((3,)), keras.layers.Dense(1, name="unit", **arguments)]

        return current().model(layers, lambda: keras.optimizers.SGD(0.1), signed_prediction)

    x, y = data(4)
    watch, _ = steered(make(0.01), x, y, {2: lambda m: m.set({"unit.kernel_regularizer.l2": 0.5})})
    goes_on_as(make(0.5), watch, x, y, 2, "l2")


def _two(frozen: bool = False):
    return current().model(lambda: branches(frozen), lambda: keras.optimizers.Adam(0.1), signed_prediction)


def _first(numbers: State) -> np.ndarray:
    return next(value for key, value in numbers.items() if key[0] == "model" and key[1].endswith("first/kernel"))


@functools.cache
def _freezing():
    x, y = data(6)
    on, off = {"first.trainable": True}, {"first.trainable": False}
    return steered(_two(), x, y, {2: lambda m: m.set(off), 4: lambda m: m.set(on)})[0], x, y


def check_freeze():
    watch, x, y = _freezing()
    assert not np.array_equal(_first(watch.states[1]), _first(watch.states[2]))
    for i in (3, 4):
        assert np.array_equal(_first(watch.states[2]), _first(watch.states[i])), "it still moves"
    goes_on_as(_two(frozen=True), watch, x, y, 2, "the other layer", until=4)


def check_unfreeze():
    watch, x, y = _freezing()
    assert not np.array_equal(_first(watch.states[4]), _first(watch.states[5]))
    slots = {key: value for key, value in watch.states[2].items() if key[0] == "optimizer" and "first" in key[1]}
    assert slots, "there is no state of the layer to compare with"
    watch.states[4] = {**slots, **watch.states[4]}
    goes_on_as(_two(), watch, x, y, 4, "unfrozen")


def check_unfreeze_what_was_compiled_frozen():
    x, y = data(4)
    watch, _ = steered(_two(frozen=True), x, y, {2: lambda m: m.set({"first.trainable": True})})
    assert np.array_equal(_first(watch.states[0]), _first(watch.states[2]))
    assert not np.array_equal(_first(watch.states[2]), _first(watch.states[3]))
    goes_on_as(_two(), watch, x, y, 2, "unfrozen")
