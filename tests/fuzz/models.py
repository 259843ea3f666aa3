"""The models, optimizers and data of a case: the same for the same case, each time they are made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from .cases import Case

BATCH = 4
WIDTH = 5
RANDOM = ("dropout", "sampling")
"""Models whose training step draws random numbers, so that a batch cannot be computed once more."""


class Sampling(keras.layers.Layer):
    """Adds noise, at inference too: its seed moves whenever the model is called."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(11)

    def call(self, inputs: Any) -> Any:
        """Inputs with noise."""
        return inputs + 0.1 * keras.random.normal(keras.ops.shape(inputs), seed=self.seed_generator)


def optimizer(case: Case) -> Any:
    """A fresh optimizer."""
    kinds = keras.optimizers
    decay = kinds.schedules.ExponentialDecay(0.05, 3, 0.9)
    cosine = kinds.schedules.CosineDecay(0.05, 20)
    makers = {
        "sgd": lambda: kinds.SGD(0.05),
        "momentum": lambda: kinds.SGD(0.02, momentum=0.9, nesterov=True),
        "adam": lambda: kinds.Adam(0.01, amsgrad=True),
        "adamw": lambda: kinds.AdamW(0.01, weight_decay=0.01),
        "rmsprop": lambda: kinds.RMSprop(0.01, momentum=0.5, centered=True),
        "adagrad": lambda: kinds.Adagrad(0.05, initial_accumulator_value=0.2),
        "ema": lambda: kinds.Adam(0.01, use_ema=True, ema_momentum=0.8),
        "decay": lambda: kinds.SGD(decay, momentum=0.5),
        "cosine": lambda: kinds.Adam(cosine, clipnorm=1.0),
        "gathered": lambda: kinds.SGD(0.02, momentum=0.5, gradient_accumulation_steps=2),
        "loss_scale": lambda: kinds.LossScaleOptimizer(kinds.Adam(0.01), initial_scale=64.0),
    }
    return makers[case.optimizer]()


def model(case: Case) -> Any:
    """A fresh compiled model."""
    keras.utils.set_random_seed(case.seed)
    layers = keras.layers
    inputs = keras.Input((WIDTH,), dtype="int32" if case.model == "masked" else "float32")
    if case.model == "linear":
        outputs = layers.Dense(1, use_bias=False, kernel_regularizer=keras.regularizers.L2(0.01), name="out")(inputs)
    elif case.model == "masked":
        hidden = layers.Embedding(6, 3, mask_zero=True, name="embedding")(inputs)
        outputs = layers.Dense(1, name="out")(hidden)
    elif case.model == "nested":
        inside = [layers.Dense(4, "tanh", name="inside"), layers.Dropout(0.2, name="drop")]
        inner = keras.Sequential([keras.Input((WIDTH,)), *inside], name="inner")
        outputs = layers.Dense(1, name="out")(inner(inputs))
    else:
        hidden = layers.Dense(4, "tanh", kernel_regularizer="l2", name="hidden")(inputs)
        if case.model == "dropout":
            hidden = layers.Dropout(0.3, name="drop")(hidden)
        if case.model == "batchnorm":
            hidden = layers.BatchNormalization(name="normal")(hidden)
        if case.model == "sampling":
            hidden = Sampling(name="sampling")(hidden)
        outputs = layers.Dense(1, name="out")(hidden)
        if case.model == "two_outputs":
            outputs = [outputs, layers.Dense(2, name="second")(hidden)]
    made = keras.Model(inputs, outputs, name="model")
    several = case.model == "two_outputs"
    metrics = [["mae"], ["mse"]] if several else ["mae"]
    weighted = [[], ["mae"]] if several else ["mse"]
    loss = ["mse", "mae"] if several else "mse"
    made.compile(optimizer(case), loss, metrics=metrics, weighted_metrics=weighted, run_eagerly=case.eager)
    return made


def arrays(case: Case, samples: int, seed: int) -> tuple[np.ndarray, Any, np.ndarray]:
    """Inputs, targets and sample weights."""
    rng = np.random.default_rng(seed)
    if case.model == "masked":
        x = rng.integers(0, 6, (samples, WIDTH)).astype("int32")
        x[:, 0] = np.maximum(x[:, 0], 1)
        y: Any = rng.normal(size=(samples, WIDTH, 1)).astype("float32")
    else:
        x = rng.normal(size=(samples, WIDTH)).astype("float32")
        y = rng.normal(size=(samples, 1)).astype("float32")
    if case.weights == "class_weight":
        y = (y > 0).astype("float32")
    if case.model == "two_outputs":
        y = [y, rng.normal(size=(samples, 2)).astype("float32")]
    return x, y, rng.uniform(0.7, 1.3, samples).astype("float32")


def weighted(case: Case) -> str:
    """The kind of weights that Keras takes with this model and these data."""
    refused = case.model in ("two_outputs", "masked") or (case.weights, case.data) == ("class_weight", "generator")
    return "" if refused else case.weights


def fit_arguments(case: Case) -> dict[str, Any]:
    """What ``fit`` is called with, but for the callbacks."""
    x, y, sample_weight = arrays(case, case.samples, case.seed)
    kind = weighted(case)
    arguments: dict[str, Any] = {"epochs": case.epochs, "verbose": 0, "shuffle": False}
    if case.validation:
        arguments["validation_data"] = arrays(case, 6, case.seed + 1)[:2]
        arguments["validation_batch_size"] = BATCH
    if kind == "class_weight":
        arguments["class_weight"] = {0: 0.5, 1: 3.0}
    rows = (x, y, sample_weight) if kind == "sample_weight" else (x, y)
    if case.data == "arrays":
        arguments |= dict(zip(("x", "y", "sample_weight"), rows, strict=False), batch_size=BATCH)
        return arguments
    batches = [tuple(pick(part, i) for part in rows) for i in range(0, case.samples, BATCH)]
    if case.data == "generator":
        arguments |= {"x": endless_batches(batches, case.epochs), "steps_per_epoch": len(batches)}
        return arguments
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices(tuple(tuple(p) if isinstance(p, list) else p for p in rows)).batch(BATCH)
    arguments["x"] = data.filter(lambda *_: True) if case.data == "filtered" else data
    return arguments


def pick(part: Any, first: int) -> Any:
    """One batch of an array, or of each of several."""
    if isinstance(part, list):
        return tuple(pick(one, first) for one in part)
    return part[first : first + BATCH]


def endless_batches(batches: list[Any], epochs: int) -> Iterator[Any]:
    """The batches again and again: more than any fit of a case takes."""
    for _ in range(4 * epochs + 4):
        yield from batches


def callbacks(case: Case) -> list[Any]:
    """The fit's other callbacks, fresh."""
    made = {
        "reduce": lambda: keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=10.0),
        "early": lambda: keras.callbacks.EarlyStopping("loss", patience=2),
        "scheduler": lambda: keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        "printer": lambda: keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch)),
    }
    fixed = case.optimizer in ("decay", "cosine")  # Keras's callbacks cannot write to a schedule
    return [made[name]() for name in case.callbacks if not (fixed and name in ("reduce", "scheduler"))]
