"""Every control in every mode, proved by what the next batches do to the weights: `python tests/modes/modes.py graph`.

A mode is a process of its own: a backend, virtual devices and a dtype policy are chosen once, before Keras starts. It
runs every `check_…` below and prints and writes what came of each: `ok`, `refused: why`, or `failed: how`.

The unit of time here is an execution, one call of Keras's training function: a batch, or two with
`steps_per_execution=2`. What is asked for at the end of an execution must govern the very next one.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import gc
import itertools
import json
import os
import re
import sys
import tempfile
import threading
import time
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from table import TITLES, backend_of

import kcb_widgets as kcb

# -- modes -------------------------------------------------------------------------------------------------------------

HOW = {
    "jit": {"jit_compile": True},
    "eager": {"run_eagerly": True},
    "steps": {"steps_per_execution": 2},
    "jax-eager": {"run_eagerly": True},
    "torch-jit": {"jit_compile": True},
}
OPTIMIZERS = "optimizers"  # no mode: every optimizer's numbers, TensorFlow graph


class Mode:
    """How models are made and compiled here."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.how = HOW.get(name, {})
        self.per = int(self.how.get("steps_per_execution", 1))
        self.strategy = None
        if backend_of(name) == "tensorflow":
            import tensorflow as tf

            # With several threads TensorFlow rounds differently from fit to fit, with or without Monitor.
            tf.config.threading.set_inter_op_parallelism_threads(1)
            tf.config.threading.set_intra_op_parallelism_threads(1)
        if name == "mixed":
            keras.mixed_precision.set_global_policy("mixed_float16")
        if name == "mirrored":
            cpu = tf.config.list_physical_devices("CPU")[0]
            tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
            self.strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

    def scope(self):
        """Where models are made."""
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()

    def model(self, layers, optimizer, loss, **compile_args):
        """A compiled and built model; its layers (or itself) and its optimizer are made here, by functions."""
        with self.scope():
            made = layers()
            model = keras.Sequential(made, name="model") if isinstance(made, list) else made
            model.compile(optimizer(), loss=loss, **self.how, **compile_args)
            model.optimizer.build(model.trainable_variables)
        return model


# -- state -------------------------------------------------------------------------------------------------------------

State = dict[tuple[str, str, int], np.ndarray]


def state(model) -> State:
    """Every number that training goes on from, but for what is set: the learning rate and what stands in for others.

    On JAX it is looked up where `fit` keeps it: to bring it home would do for Monitor what Monitor must do itself.
    """
    found: State = {}
    groups = ("trainable_variables", "non_trainable_variables", "optimizer_variables")
    homes = (model.trainable_variables, model.non_trainable_variables, model.optimizer.variables)
    away = getattr(model, "_jax_state", None) if not getattr(model, "_jax_state_synced", True) else None
    for group, variables in zip(groups, homes, strict=True):
        values = away[group] if away else variables
        for variable, value in zip(variables, values, strict=True):
            kind = "optimizer" if group == "optimizer_variables" else "model"
            if kind == "optimizer" and ("learning_rate" in variable.path or "live_" in variable.path):
                continue
            for part in on_devices(value):
                number = 0
                while (key := (kind, short(variable), number)) in found:
                    number += 1
                found[key] = np.array(keras.ops.convert_to_numpy(part))
    return found


def on_devices(variable) -> list:
    """A variable, or what MirroredStrategy made of it on each device: statistics of batches differ there."""
    values = getattr(getattr(variable, "value", None), "values", None)
    return list(values) if isinstance(values, tuple) else [variable]


def short(variable) -> str:
    """A variable's path, the same in every model made alike: Keras numbers what was given no name."""
    return re.sub(r"_\d+(?=/|$)", "", variable.path)


def put(model, numbers: State) -> None:
    """Have a model go on from there; what is not in `numbers` stays."""
    known: dict[tuple[str, str], int] = {}
    everything = [("model", v) for v in (*model.trainable_variables, *model.non_trainable_variables)]
    everything += [("optimizer", v) for v in model.optimizer.variables]
    for kind, variable in everything:
        name = short(variable)
        for part in on_devices(variable):
            number = known.get((kind, name), 0)
            known[kind, name] = number + 1
            if (kind, name, number) in numbers:
                part.assign(numbers[kind, name, number])


def weights(numbers: State) -> np.ndarray:
    """All weights in one row; what belongs to the optimizer or to random seeds left out."""
    rows = [v.ravel() for k, v in sorted(numbers.items()) if k[0] == "model" and "seed" not in k[1]]
    return np.concatenate(rows).astype("float64")


def same(one: State, other: State) -> None:
    """Fail unless two states are equal bit for bit."""
    assert one.keys() == other.keys(), sorted(one.keys() ^ other.keys())
    for key, value in one.items():
        assert np.array_equal(value, other[key], equal_nan=True), f"{key} is {value}, not {other[key]}"


class Refused(Exception):
    """Monitor, or Keras itself, cannot do this in this mode; the text says why."""


class Watch(keras.callbacks.Callback):
    """Keeps the state after every execution, and does something at the end of some (1 is the first).

    It comes after Monitor in the list, so that what it asks for is not carried out before the next batch.
    """

    def __init__(self, actions: dict[int, Callable[[], object]] | None = None) -> None:
        super().__init__()
        self.actions, self.states, self.logs, self.traces = actions or {}, [], [], []
        self.validations = 0

    def on_train_begin(self, logs=None):
        self.states = [state(self._model)]
        self.traces = [traces()]

    def on_train_batch_end(self, batch, logs=None):
        self.states.append(state(self._model))
        self.logs.append(dict(logs))
        self.traces.append(traces())
        action = self.actions.get(len(self.states) - 1)
        if action is not None:
            action()

    def on_test_begin(self, logs=None):
        self.validations += 1

    @property
    def moves(self) -> list[float]:
        """How far each batch moved the one weight of `unit` down: the learning rate."""
        values = [float(weights(one)[0]) for one in self.states]
        return [float(np.round((a - b) / MODE.per, 5)) for a, b in itertools.pairwise(values)]


# -- models ------------------------------------------------------------------------------------------------------------

MODE: Mode
TRACES = {"count": 0}  # how often the loss ran as Python: at each trace, or at each batch where nothing is traced
BATCH = 4


def count() -> None:
    """Called by the losses. torch.compile would compile again for every new count; see `traces`."""
    if MODE.name != "torch-jit":
        TRACES["count"] += 1


def traces() -> int:
    """How often a loss was traced so far."""
    if MODE.name != "torch-jit":
        return TRACES["count"]
    from torch._dynamo.utils import counters

    return counters["stats"]["unique_graphs"]


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
    rows = executions * MODE.per * BATCH
    return rng.normal(0.5, 1, (rows, width)).astype("float32"), rng.choice([0.5, 1.0, 1.5], (rows, 1)).astype("float32")


def ones(executions: int, width: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Data for `unit`."""
    rows = executions * MODE.per * BATCH
    return np.ones((rows, width), "float32"), np.ones((rows, 1), "float32")


def unit(optimizer=None):
    """A model of one weight whose gradient is exactly 1: plain SGD moves it by the learning rate."""

    def layers():
        return [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="unit")]

    return MODE.model(layers, optimizer or (lambda: keras.optimizers.SGD(0.5)), mean_prediction)


@functools.cache
def _shared_unit():
    return unit(), {}


def fresh_unit():
    """The shared `unit` with its learning rate of 0.5, as if it were new: tracing again is what takes the time."""
    model, start = _shared_unit()
    start.update(start or state(model))
    put(model, start)
    model.optimizer.learning_rate = 0.5
    return model


def linear(optimizer):
    """A model of three weights, with gradients that do not depend on them."""

    def layers():
        return [keras.Input((3,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", name="unit")]

    return MODE.model(layers, optimizer, signed_prediction)


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
        hidden = [keras.layers.Dense(8, "relu", name="hidden")] if MODE.per == 1 else []  # see `branches`
        last = keras.layers.Dense(1, "sigmoid", use_bias=False, name="out")
        normal = keras.layers.BatchNormalization(center=bool(hidden), scale=bool(hidden), name="normal")
        return [keras.Input((8,)), *hidden, normal, keras.layers.Dropout(0.3, name="drop"), last]

    model = MODE.model(layers, lambda: keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    x, _ = data(4, 8)
    return model, x, (x.sum(axis=1, keepdims=True) > 4).astype("float32")


def fit(model, x, y, *callbacks, **kwargs):
    """Train, a batch after the other in order."""
    return model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=list(callbacks), **kwargs)


def steered(model, x, y, plan: dict[int, Callable], *others, first=(), **kwargs) -> tuple[Watch, kcb.Monitor]:
    """A fit with Monitor: `plan` says what to ask it for at the end of which execution. All must be granted."""
    monitor = kcb.Monitor(**{name: kwargs.pop(name) for name in ("guard", "snapshots") if name in kwargs})
    replies = []

    def ask(action):
        replies.append(action(monitor))

    watch = Watch({at: functools.partial(ask, action) for at, action in plan.items()})
    watch.history = fit(model, x, y, *first, monitor, *others, watch, **kwargs).history
    granted(monitor, *(reply for reply in replies if reply is not None))
    return watch, monitor


def granted(monitor, *replies) -> None:
    """Fail unless all was carried out and nothing of ours went wrong."""
    for reply in replies:
        event = reply.wait(0)
        if event.kind == "refused":
            raise Refused(event.message)
    wrong = monitor.run.events.query("kind == 'error'") if len(monitor.run.events) else []
    assert not len(wrong), "; ".join(wrong["message"])


# -- references --------------------------------------------------------------------------------------------------------


class Values:
    """Optimizer values, changed one after the other in one fit, each against a model compiled with that value.

    Each value governs two executions. The reference begins in the very state in which the value was set, and one with
    the value before must end elsewhere: so each part of the fit stands for itself.

    Args:
        cls: The optimizer's class.
        plan: Names and values, in order.
        at_first: What the optimizer is made with.
    """

    EXECUTIONS = 2

    def __init__(self, cls, plan: list[tuple[str, object]], **at_first) -> None:
        self.cls, self.plan, self.at_first = cls, plan, at_first
        self.references: dict[str, object] = {}
        self.x, self.y = data(self.EXECUTIONS * (len(plan) + 1))
        changes = {}
        for i, (name, value) in enumerate(plan, 1):
            changes[i * self.EXECUTIONS] = lambda monitor, name=name, value=value: self._set(monitor, name, value)
        self.replies: list = []
        self.watch, self.monitor = steered(linear(functools.partial(cls, **at_first)), self.x, self.y, changes)

    def _set(self, monitor, name, value):
        self.replies.append(monitor.set({name: value}))

    def check(self, *names: str) -> None:
        """Fail unless these values did what a model compiled with them does."""
        values = dict(self.at_first)
        for i, (name, value) in enumerate(self.plan, 1):
            before, values = values, {**values, name: value}
            if name not in names:
                continue
            granted(self.monitor, self.replies[i - 1])
            seen = [weights(one) for one in self.watch.states[i * self.EXECUTIONS : (i + 1) * self.EXECUTIONS + 1]]
            what = f"{name} {before.get(name)} → {value}"
            alike(seen, self._reference(values, i), what)
            with contextlib.suppress(AssertionError):
                alike(seen, self._reference(before, i), what)
                msg = f"{what} makes no difference to this data"
                raise RuntimeError(msg)

    def _reference(self, values: dict, part: int) -> list[np.ndarray]:
        start, key = part * self.EXECUTIONS, json.dumps(values, sort_keys=True)
        if key not in self.references:
            model = linear(functools.partial(self.cls, **values))
            self.references[key] = model, state(model)
        model, fresh = self.references[key]
        put(model, fresh)
        put(model, self.watch.states[start])
        rows = slice(start * MODE.per * BATCH, (start + self.EXECUTIONS) * MODE.per * BATCH)
        watch = Watch()
        fit(model, self.x[rows], self.y[rows], watch)
        return [weights(one) for one in watch.states]


def alike(seen: list[np.ndarray], expected: list[np.ndarray], what: str, rtol: float = 2e-5) -> None:
    """Fail unless weights moved as expected, to what float32 can tell."""
    assert len(seen) == len(expected), f"{len(seen)} states, not {len(expected)}"
    for i in range(1, len(seen)):
        move = np.abs(expected[i] - expected[i - 1]).max()
        worst = np.abs(seen[i] - expected[i]).max()
        limit = rtol * move + 4e-7 * max(1.0, np.abs(expected[i]).max())
        assert worst <= limit, f"{what}: execution {i} is off by {worst:.3g} (moves by {move:.3g})"


# -- the learning rate -------------------------------------------------------------------------------------------------


def check_learning_rate():
    watch, _ = steered(
        fresh_unit(), *ones(6), {2: lambda m: m.set(learning_rate=0.25), 4: lambda m: m.set(learning_rate=0.125)}
    )
    assert watch.moves == [0.5, 0.5, 0.25, 0.25, 0.125, 0.125], watch.moves


def check_learning_rate_after_an_overflow():
    """A loss scale too large at first: the optimizer is passed over, which is not to say that it takes no part."""
    scale = 2.0**17 if MODE.name == "mixed" else 3e38
    model = unit(lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.5), initial_scale=scale))
    x, y = ones(10)
    watch, _ = steered(model, 4 * x, y, {8: lambda m: m.set(learning_rate=0.25)})
    assert watch.moves[0] < 2, watch.moves
    assert watch.moves[7:] == [2.0, 1.0, 1.0], watch.moves


def check_learning_rate_hold():
    for monitor_first in (True, False):
        scheduler = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.125 if epoch else 0.5)
        plan = {1: lambda m: m.set(learning_rate=0.25), 2: lambda m: m.hold(), 5: lambda m: m.hold(on=False)}
        where = {"first": (scheduler,)} if not monitor_first else {}
        others = (scheduler,) if monitor_first else ()
        watch, _ = steered(fresh_unit(), *ones(3), plan, *others, epochs=3, **where)
        assert watch.moves == [0.5, 0.25, 0.25, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125], watch.moves


@functools.cache
def _scheduled() -> tuple[list[float], Callable[[int], float]]:
    def make():
        return keras.optimizers.SGD(keras.optimizers.schedules.InverseTimeDecay(0.5, 1, 0.25))

    plan = {
        2: lambda m: m.set(learning_rate_factor=0.5),
        4: lambda m: m.take_over(),
        6: lambda m: m.take_over(on=False),
        8: lambda m: m.set(learning_rate=0.0625),
    }
    watch, _ = steered(unit(make), *ones(10), plan)
    per = MODE.per
    return watch.moves, lambda i: sum(0.5 / (1 + 0.25 * (i * per + j)) for j in range(per)) / per


def _follows(moves: list[float], expected: list[float]) -> None:
    assert np.allclose(moves, expected, rtol=0, atol=3e-5), f"{moves} is not {expected}"


def check_schedule_factor():
    moves, rate = _scheduled()
    _follows(moves[:4], [rate(0), rate(1), rate(2) / 2, rate(3) / 2])


def check_schedule_take_over():
    moves, _ = _scheduled()
    fixed = 0.5 / (1 + 0.25 * 4 * MODE.per) / 2
    _follows(moves[4:6] + moves[8:], [fixed, fixed, 0.0625, 0.0625])


def check_schedule_release():
    moves, rate = _scheduled()
    _follows(moves[6:8], [rate(6) / 2, rate(7) / 2])


# -- the optimizer's other numbers -------------------------------------------------------------------------------------


@functools.cache
def _momentum() -> Values:
    return Values(keras.optimizers.SGD, [("momentum", 0.5), ("momentum", 0.2)], learning_rate=0.1, momentum=0.9)


def check_momentum():
    _momentum().check("momentum")


def check_second_change_without_a_trace():
    counts = np.diff(_momentum().watch.traces)
    first, usual, second = counts[2], counts[1], counts[4:]
    if MODE.name == "torch-jit" and second[0]:
        msg = "torch.compile compiles the step again for each new number"
        raise Refused(msg)
    assert (second == usual).all(), f"{counts} traces: the second change had some made"
    assert first >= usual


def check_momentum_from_0():
    Values(keras.optimizers.SGD, [("momentum", 0.9), ("momentum", 0.5)], learning_rate=0.1).check("momentum")


@functools.cache
def _adam() -> Values:
    plan = [("beta_1", 0.5), ("beta_2", 0.9), ("epsilon", 0.5)]
    return Values(keras.optimizers.Adam, plan, learning_rate=0.1)


def check_beta_1():
    _adam().check("beta_1")


def check_beta_2():
    _adam().check("beta_2")


def check_epsilon():
    _adam().check("epsilon")


def check_weight_decay():
    plan = [("weight_decay", 0.3), ("weight_decay", 0.5)]
    Values(keras.optimizers.AdamW, plan, learning_rate=0.1, weight_decay=0.1).check("weight_decay")


def check_weight_decay_from_None():
    plan = [("weight_decay", 0.3), ("weight_decay", 0.5), ("weight_decay", None)]
    Values(keras.optimizers.SGD, plan, learning_rate=0.1).check("weight_decay")


def _clips(name: str, *values: float | None) -> None:
    Values(keras.optimizers.SGD, [(name, value) for value in values], learning_rate=0.1).check(name)


def check_clipnorm():
    _clips("clipnorm", 0.2, 0.1, None)


def check_global_clipnorm():
    _clips("global_clipnorm", 0.2, 0.1, None)


def check_clipvalue():
    _clips("clipvalue", 0.1, 0.05, None)


def check_several_optimizers():
    from keras.optimizers import SGD, Adam, MultiOptimizer
    from keras.src.optimizers.multi_optimizer import OptimizerMap

    seen = []
    for rates in ((0.1, 0.1, 0.0), (0.02, 0.05, 0.8)):

        def make(rates=rates):
            sgd = SGD(rates[1], momentum=rates[2], name="b")
            return MultiOptimizer(OptimizerMap(Adam(rates[0], name="a"), {".*first/.*": sgd}))

        seen.append(MODE.model(branches, make, signed_prediction))
    model, reference = seen
    x, y = data(4)
    several = getattr(model.optimizer, "inner_optimizer", model.optimizer).optimizers
    names = {type(one).__name__: f"optimizers[{i}]" for i, one in enumerate(several)}
    wanted = {
        f"{names['Adam']}.learning_rate": 0.02,
        f"{names['SGD']}.learning_rate": 0.05,
        f"{names['SGD']}.momentum": 0.8,
    }
    watch, _ = steered(model, x, y, {2: lambda m: m.set(wanted)})
    _goes_on_as(reference, watch, x, y, 2, "several optimizers")


# -- layers ------------------------------------------------------------------------------------------------------------


def _dropping(rate: float, new: float) -> tuple[np.ndarray, np.ndarray]:
    """How far each of 512 weights moved before and after a change: by its input as the dropout let it through."""

    def layers():
        dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="unit")
        return [keras.Input((512,)), keras.layers.Dropout(rate, seed=1, name="drop"), dense]

    def optimizer():
        sgd = keras.optimizers.SGD(0.5)  # and a scale that is small enough for float16
        return keras.optimizers.LossScaleOptimizer(sgd, initial_scale=256) if MODE.name == "mixed" else sgd

    model = MODE.model(layers, optimizer, mean_prediction)
    watch, _ = steered(model, *ones(2, 512), {1: lambda m: m.set({"drop.rate": new})})
    values = [weights(one) for one in watch.states]
    return (values[0] - values[1]) / 0.5 / MODE.per, (values[1] - values[2]) / 0.5 / MODE.per


def _dropped(moves: np.ndarray, rate: float) -> None:
    if rate == 0:
        assert np.allclose(moves, 1, atol=1e-3), moves
        return
    samples = BATCH * MODE.per // (2 if MODE.strategy else 1)  # Keras drops the same on every device
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

        return MODE.model(layers, lambda: keras.optimizers.SGD(0.1), signed_prediction)

    x, y = data(4)
    watch, _ = steered(make(0.01), x, y, {2: lambda m: m.set({"unit.kernel_regularizer.l2": 0.5})})
    _goes_on_as(make(0.5), watch, x, y, 2, "l2")


def _goes_on_as(reference, watch: Watch, x, y, start: int, what: str, until: int | None = None) -> None:
    """Fail unless a fit went on from there as the reference does in the same state."""
    put(reference, watch.states[start])
    after, rows = Watch(), MODE.per * BATCH
    end = len(watch.states) - 1 if until is None else until
    fit(reference, x[start * rows : end * rows], y[start * rows : end * rows], after)
    alike([weights(one) for one in watch.states[start : end + 1]], [weights(one) for one in after.states], what)


def _two(frozen: bool = False):
    return MODE.model(lambda: branches(frozen), lambda: keras.optimizers.Adam(0.1), signed_prediction)


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
    _goes_on_as(_two(frozen=True), watch, x, y, 2, "the other layer", until=4)


def check_unfreeze():
    watch, x, y = _freezing()
    assert not np.array_equal(_first(watch.states[4]), _first(watch.states[5]))
    slots = {key: value for key, value in watch.states[2].items() if key[0] == "optimizer" and "first" in key[1]}
    assert slots, "there is no state of the layer to compare with"
    watch.states[4] = {**slots, **watch.states[4]}
    _goes_on_as(_two(), watch, x, y, 4, "unfrozen")


def check_unfreeze_what_was_compiled_frozen():
    x, y = data(4)
    watch, _ = steered(_two(frozen=True), x, y, {2: lambda m: m.set({"first.trainable": True})})
    assert np.array_equal(_first(watch.states[0]), _first(watch.states[2]))
    assert not np.array_equal(_first(watch.states[2]), _first(watch.states[3]))
    _goes_on_as(_two(), watch, x, y, 2, "unfrozen")


# -- the course of the fit ---------------------------------------------------------------------------------------------


class Helper(threading.Thread):
    """Somebody at a board: waits for pauses and answers them, one step after the other."""

    def __init__(self, monitor, *steps: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self.monitor, self.steps = monitor, steps
        self.paused_at: list[int] = []
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            for step in self.steps:
                known = self.paused_at[-1] if self.paused_at else -1
                until(lambda known=known: self.monitor.run.status == "paused" and self.monitor.run.step > known)
                at = self.monitor.run.step
                time.sleep(0.05)
                assert self.monitor.run.step == at, "it goes on while paused"
                self.paused_at.append(at)
                step()
        except BaseException as error:
            self.error = error
            self.monitor.stop()

    def done(self) -> list[int]:
        """The steps at which it found the fit paused."""
        self.join(20)
        if self.error is not None:
            raise self.error
        return [step // MODE.per for step in self.paused_at]


def until(condition: Callable[[], bool], timeout: float = 30) -> None:
    """Wait for something that another thread does."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.002)


def _accompanied(executions: int, plan: dict, *steps: Callable, **kwargs) -> tuple[Watch, list[int]]:
    model, monitor = fresh_unit(), kcb.Monitor()
    watch = Watch({at: functools.partial(action, monitor) for at, action in plan.items()})
    helper = Helper(monitor, *(functools.partial(step, monitor) for step in steps))
    watch.history = fit(model, *ones(executions), monitor, watch, **kwargs).history
    granted(monitor)
    return watch, helper.done()


def check_pause_change_resume():
    def change(monitor):
        assert monitor.set(learning_rate=0.25).wait(20).kind == "applied"
        monitor.resume()

    watch, paused = _accompanied(4, {2: lambda m: m.pause()}, change)
    assert paused == [2]
    assert watch.moves == [0.5, 0.5, 0.25, 0.25], watch.moves


def check_step():
    steps = (lambda m: m.step(2 * MODE.per), lambda m: m.set(learning_rate=0.25) and m.resume())
    watch, paused = _accompanied(5, {1: lambda m: m.pause()}, *steps)
    assert paused == [1, 3], paused
    assert watch.moves == [0.5, 0.5, 0.5, 0.25, 0.25], watch.moves


def check_finish_epoch():
    steps = (lambda m: m.finish_epoch(), lambda m: m.set(learning_rate=0.25) and m.resume())
    watch, paused = _accompanied(3, {1: lambda m: m.pause()}, *steps, epochs=2, validation_data=ones(1))
    assert paused == [1, 3], paused
    assert watch.moves == [0.5] * 3 + [0.25] * 3, watch.moves
    assert watch.validations == 2


def _stops(after: str, validate: bool, executions: int) -> None:
    plan = {2: lambda m: m.stop(after, validate=validate)}
    watch, monitor = steered(fresh_unit(), *ones(5), plan, epochs=3, validation_data=ones(1))
    assert watch.moves == [0.5] * executions, f"{len(watch.moves)} executions, not {executions}"
    assert watch.validations == int(validate), f"{watch.validations} validations"
    assert ("val_loss" in watch.history) == validate
    assert monitor.run.status == "stopped"
    history = fit(fresh_unit(), *ones(1), validation_data=ones(1)).history
    assert "val_loss" in history, "the next fit has no validation"


def check_stop_after_the_batch():
    _stops("batch", True, 3)


def check_stop_after_the_batch_unvalidated():
    _stops("batch", False, 3)


def check_stop_after_the_epoch():
    _stops("epoch", True, 5)


def check_stop_after_the_epoch_unvalidated():
    _stops("epoch", False, 5)


def _epochs(told: int, wanted: int, at: int) -> None:
    watch, _ = steered(fresh_unit(), *ones(2), {at: lambda m: m.set(epochs=wanted)}, epochs=told)
    assert watch.moves == [0.5] * 2 * wanted, f"{len(watch.moves) / 2} epochs, not {wanted}"
    assert len(watch.history["loss"]) == wanted


def check_more_epochs():
    _epochs(1, 3, 1)
    _epochs(2, 3, 4)


def check_fewer_epochs():
    _epochs(4, 2, 1)


# -- state -------------------------------------------------------------------------------------------------------------


def check_untouched_is_bit_identical():
    model, x, y = rich()
    plain, with_monitor = Watch(), Watch()
    fit(model, x, y, plain, epochs=2)
    model, x, y = rich()
    fit(model, x, y, kcb.Monitor(), with_monitor, epochs=2)
    for one, other in zip(plain.states, with_monitor.states, strict=True):
        same(one, other)
    assert plain.logs == with_monitor.logs


def check_evaluate():
    model, x, y = rich()
    plain = Watch()
    fit(model, x, y, plain, validation_data=(x, y))
    model, x, y = rich()
    watch, monitor = steered(model, x, y, {2: lambda m: m.evaluate()}, validation_data=(x, y))
    assert plain.logs == watch.logs
    same(plain.states[-1], watch.states[-1])
    put(model, watch.states[2])
    expected = model.evaluate(x, y, batch_size=BATCH, verbose=0, return_dict=True)
    event = monitor.run.events.query("kind == 'evaluated'").iloc[0]
    assert np.isclose(event["new"], expected["loss"], rtol=1e-5), (event["new"], expected)


def check_snapshot_and_rollback():
    model, x, y = rich()
    watch, _ = steered(model, x, y, {4: lambda m: m.snapshot(), 8: lambda m: m.rollback()}, epochs=3)
    for i in range(4):
        same(watch.states[5 + i], watch.states[9 + i])
    assert watch.logs[4:8] == watch.logs[8:12]


def check_guard():
    model = fresh_unit()

    def spoil(monitor):
        variable = Watch.model.fget(spoiler).trainable_variables[0]
        variable.assign(np.full(variable.shape, np.nan))

    spoiler = keras.callbacks.Callback()
    plan = {2: spoil}
    watch, monitor = steered(model, *ones(6), plan, spoiler, guard=kcb.Guard(factor=0.5), epochs=1)
    values = [float(weights(one)[0]) / MODE.per for one in watch.states]
    assert values[:3] == [0, -0.5, -1.0], values
    assert np.isnan(values[3]), values
    assert values[4:] == [-0.25, -0.5, -0.75], values
    assert set(monitor.run.events.query("source == 'guard'")["kind"]) == {"guard", "rollback", "applied"}


class _NoPackage:
    """An importer that has never heard of this package."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "kcb_widgets":
            raise ModuleNotFoundError(name)
        return None


@contextlib.contextmanager
def without_package():
    """As in a process where this package is not installed."""
    ours = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "kcb_widgets"}
    importer = _NoPackage()
    sys.meta_path.insert(0, importer)
    try:
        yield
    finally:
        sys.meta_path.remove(importer)
        sys.modules.update(ours)


def check_save():
    """A file saved in mid-training, with stand-ins installed, loads without the package, predicts and trains on."""

    def make():
        keras.utils.set_random_seed(5)
        schedule = keras.optimizers.schedules.InverseTimeDecay(0.1, 1, 0.25)
        return MODE.model(branches, lambda: keras.optimizers.Adam(schedule), signed_prediction)

    x, y = data(5)
    probe = np.linspace(-1, 1, 12).reshape(4, 3).astype("float32")
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.keras")
        plan = {
            1: lambda m: m.set(beta_1=0.5, epsilon=0.01, learning_rate_factor=1.0),
            3: lambda m: m.save(path),
        }
        watch, _ = steered(make(), x, y, plan)
        for name in zipfile.ZipFile(path).namelist():
            content = zipfile.ZipFile(path).read(name)
            assert b"kcb_widgets" not in content, f"{name} names us"
            assert b"live_" not in content, f"{name} has something of ours"
        with without_package(), MODE.scope():
            loaded = keras.models.load_model(path, custom_objects={"signed_prediction": signed_prediction})
        put_back = make()
        put(put_back, watch.states[3])
        assert np.array_equal(loaded.predict(probe, verbose=0), put_back.predict(probe, verbose=0))
        rows = slice(3 * MODE.per * BATCH, 4 * MODE.per * BATCH)
        after = Watch()
        fit(loaded, x[rows], y[rows], after)
        alike([weights(s) for s in watch.states[3:5]], [weights(s) for s in after.states], "the loaded model")


# -- nothing is left ---------------------------------------------------------------------------------------------------


def another(control: dict) -> object:
    """Another valid value of a control, as its description allows; one that makes a difference."""
    value, label = control["value"], control["label"]
    if control["kind"] == "flag":
        return not value
    if value is None:
        return 0.1
    if control["integer"]:
        return int(value) + (100 if "warmup" in label else 1)
    if label.endswith("weight_decay"):
        return 0.1
    if control["max"] == 1.0:
        return value / 2 if value else 0.5
    if value == 0:
        return 0.1
    if label.startswith("muon_"):  # Muon's polynomial diverges with much else
        return value * 0.97
    return 1e-2 if "epsilon" in label else value * 0.9


def _everything(schedule: bool):
    def layers():
        return [
            keras.Input((3,)),
            keras.layers.Dense(4, name="first", kernel_regularizer="l2"),
            keras.layers.BatchNormalization(name="normal"),
            keras.layers.Dropout(0.2, name="drop"),
            keras.layers.Dropout(0.0, name="nothing"),
            keras.layers.Dense(1, name="last"),
        ]

    rate = keras.optimizers.schedules.InverseTimeDecay(0.01, 1, 0.25) if schedule else 0.01
    made = (lambda: keras.optimizers.SGD(rate)) if schedule else (lambda: keras.optimizers.Adam(rate))
    return MODE.model(layers, made, "mse")


LEFT = {"epochs", "snapshots.each_epoch", "snapshots.keep", "last.trainable"}  # something must train


def _touch_everything(model) -> list[str]:
    x, y = data(3)
    asked: list[str] = []
    monitor = kcb.Monitor()

    def ask():
        clips = 0
        for control in monitor.run.controls:
            clip = "clip" in control["name"]
            name = control["name"]
            if not control["enabled"] or name in LEFT or (clip and clips):
                continue
            clips += clip
            asked.append(name)
            replies.append(monitor.set({name: another(control)}))

    replies: list = []
    watch = Watch({1: ask, 3: lambda: [monitor.snapshot(), monitor.evaluate(), monitor.rollback()]})
    fit(model, x, y, monitor, watch, epochs=2, validation_data=(x, y))
    fit(model, x, y, monitor, Watch({1: lambda: monitor.stop(validate=False)}), epochs=2, validation_data=(x, y))
    granted(monitor, *replies)
    return asked


def _shape_of(value) -> object:
    """A thing as far as it shows what kind it is and what it is made of."""
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [_shape_of(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _shape_of(one) for key, one in value.items()}
    return type(value).__name__


def _reach(*roots: object) -> list[object]:
    """What can be reached from objects, through attributes, containers and closures, but not through modules."""
    seen: dict[int, object] = {}
    waiting = list(roots)
    modules = {id(vars(module)) for module in list(sys.modules.values()) if hasattr(module, "__dict__")}
    while waiting:
        one = waiting.pop()
        if id(one) in seen or id(one) in modules or isinstance(one, (type, type(sys))):
            continue
        seen[id(one)] = one
        waiting += gc.get_referents(one)
    return list(seen.values())


def _is_ours(thing: object) -> bool:
    module = getattr(type(thing), "__module__", "") or ""
    made_in = getattr(thing, "__module__", "") if callable(thing) else ""
    return str(module).startswith("kcb_widgets") or str(made_in or "").startswith("kcb_widgets")


def check_nothing_is_left():
    for schedule in (False, True):
        model, twin = _everything(schedule), _everything(schedule)
        x, y = data(3)
        asked = _touch_everything(model)
        assert len(asked) >= 10, asked
        fit(twin, x, y, epochs=2, validation_data=(x, y))
        fit(model, x, y, validation_data=(x, y))  # without Monitor, on the step that it left
        pairs = [(model, twin), (model.optimizer, twin.optimizer), *zip(model.layers, twin.layers, strict=True)]
        while getattr(pairs[1][0], "inner_optimizer", None) is not None:
            pairs.insert(1, (pairs[1][0].inner_optimizer, pairs[1][1].inner_optimizer))
        for one, other in pairs:
            added = vars(one).keys() ^ vars(other).keys() if one.name != "nothing" else set()
            assert not added - SPARE, f"{type(one).__name__} has {added}"
            assert one.get_config().keys() == other.get_config().keys()
            strange = [key for key, value in one.get_config().items() if "Variable" in type(value).__name__]
            assert not strange, strange
        paths = [v.path.split("/", 1)[-1] for v in model.optimizer.variables]
        assert not [path for path in paths if "live" in path], paths
        left = [thing for thing in _reach(model, model.train_function) if _is_ours(thing)]
        assert not left, f"{left[0]!r} of {len(left)}"
        if backend_of(MODE.name) == "tensorflow":
            checkpoint_everything(model, twin)
    gc.collect()
    alive = {type(thing).__name__ for thing in gc.get_objects()} & {"LiveScalar", "LiveSchedule"}
    assert not alive, f"{alive} are still in memory"


def checkpoint_everything(model, twin) -> None:
    """TensorFlow's own checkpoints have what they have of a model that was never steered, and no more."""
    import tensorflow as tf

    contents = []
    with tempfile.TemporaryDirectory() as folder:
        for one in (model, twin):
            path = tf.train.Checkpoint(optimizer=one.optimizer).save(f"{folder}/{len(contents)}/it")
            contents.append({name for name, _ in tf.train.list_variables(path)})
    extra = {name for name in contents[0] - contents[1] if "momentum" not in name}  # which has been switched on
    assert not [name for name in extra if "live" in name or not re.search(r"/_variables/\d+/", name)], extra


SPARE = {"_exclude_from_weight_decay_cache"}  # Keras makes it when there is weight decay


# -- every optimizer, TensorFlow graph ---------------------------------------------------------------------------------


def optimizer_classes() -> list[str]:
    """Keras's optimizers, by name; not what only wraps others."""
    from keras import optimizers

    wrappers = {"Optimizer", "LossScaleOptimizer", "MultiOptimizer"}
    return sorted(
        name
        for name, value in vars(optimizers).items()
        if isinstance(value, type) and issubclass(value, optimizers.Optimizer) and name not in wrappers
    )


# Lion goes by the sign of what clipping makes smaller, which is often no other one.
INDIFFERENT = {("Lion", "clipnorm"), ("Lion", "global_clipnorm"), ("Lion", "clipvalue")}


class Turns(Watch):
    """Asks Monitor to change one optimizer value after the other, each for two executions, and then stops.

    Attributes:
        turns: The values of each, and after which execution they were set.
        refused: Why values could not be changed, by name.
    """

    def __init__(self, monitor) -> None:
        super().__init__()
        self.monitor, self.turns, self.refused = monitor, [], {}
        self.waiting: list[dict] | None = None
        self.back: dict[str, object] = {}  # the turn before is taken back, so that each stands for itself

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        if len(self.states) % 2 == 0:  # the first state is from before the first execution
            return
        if self.waiting is None:
            found = self.monitor.run.controls
            self.waiting = [one for one in found if one["group"] == "optimizer" and not one["of"]]
        while self.waiting:
            control = self.waiting.pop(0)
            name = control["name"]
            if control["enabled"]:
                values = {**self.back, name: another(control)}
                self.back = {name: control["value"]}
                self.turns.append((name, values, len(self.states) - 1, self.monitor.set(values)))
                return
            self.refused[name] = control["reason"]
        self.model.stop_training = True


class ByHand(Watch):
    """Makes the same turns by hand: an attribute is set, and Keras is made to trace the training step again.

    Each turn begins in the state that Monitor's fit was in, first with the old values, then with the new ones.
    """

    def __init__(self, live: Turns) -> None:
        super().__init__()
        self.live, self.starts = live, []

    def on_train_batch_begin(self, batch, logs=None):
        turn, part = divmod(batch, 4)
        _, values, at, _ = self.live.turns[turn]
        if part in (0, 2):
            if part == 2:
                self._set(values)
            put(self.model, self.live.states[at])

    def _set(self, values: dict[str, object]) -> None:
        optimizer = self.model.optimizer
        for name, value in values.items():
            if name == "momentum" and not optimizer.momentum:  # made without, so Keras made nothing to hold it
                held = "momentums" if hasattr(optimizer, "momentums") else "_momentums"
                optimizer._tracker.unlock()
                slots = optimizer.add_optimizer_variables(optimizer._trainable_variables, "momentum")
                setattr(optimizer, held, slots)
            setattr(optimizer, name, value)
        self.model.make_train_function(force=True)


def check_optimizer(cls: str) -> dict[str, str]:
    """Every number of an optimizer, changed by Monitor and by hand: what came of each."""
    x, y = data(100)

    def layers():
        return [keras.Input((3,)), keras.layers.Dense(2, name="first"), keras.layers.Dense(1, name="last")]

    def model():
        keras.utils.set_random_seed(5)
        return MODE.model(layers, getattr(keras.optimizers, cls), signed_prediction)

    def differ() -> dict[str, str]:
        monitor = kcb.Monitor()
        live = Turns(monitor)
        fit(model(), x, y, monitor, live)
        rows = [np.arange(at * BATCH, (at + 2) * BATCH) for _, _, at, _ in live.turns for _ in range(2)]
        rows = np.concatenate(rows)
        by_hand = ByHand(live)
        fit(model(), x[rows], y[rows], by_hand)
        results = {name: f"refused: {why}" for name, why in live.refused.items()}
        for turn, (name, _, at, reply) in enumerate(live.turns):
            new = by_hand.states[4 * turn + 3 : 4 * turn + 5]
            old = by_hand.states[4 * turn + 1 : 4 * turn + 3]
            seen = live.states[at + 1 : at + 3]
            indifferent = (cls, name) in INDIFFERENT
            results[name] = outcome(functools.partial(_agree, monitor, reply, seen, new, old, indifferent=indifferent))
        return results

    results: dict[str, str] = {}
    whole = outcome(lambda: results.update(differ()))
    return results if whole == "ok" else {"fit": whole}


def _agree(monitor, reply, seen: list[State], new: list[State], old: list[State], *, indifferent: bool) -> None:
    granted(monitor, reply)
    for i, (one, other) in enumerate(zip(seen, new, strict=True)):
        a, b = weights(one), weights(other)
        assert np.allclose(a, b, rtol=1e-5, atol=1e-7), f"execution {i + 1}: off by {np.abs(a - b).max():.3g}"
    unchanged = np.allclose(weights(seen[-1]), weights(old[-1]), rtol=1e-5, atol=1e-7)
    assert indifferent or not unchanged, "it makes no difference"


# -- running -----------------------------------------------------------------------------------------------------------


def outcome(check: Callable[[], object]) -> str:
    """What came of a check, in a line."""
    try:
        check()
    except Refused as why:
        return f"refused: {why}"
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        first = (str(error).strip().splitlines() or [""])[0][:300]
        if "--trace" in sys.argv:
            traceback.print_exc()
        return f"failed: {type(error).__name__}: {first} ({Path(frame.filename).name}:{frame.lineno})"
    return "ok"


CHECKS = {name.removeprefix("check_"): one for name, one in list(globals().items()) if name.startswith("check_")}
CHECKS.pop("optimizer")


def main() -> None:
    """Run one mode."""
    global MODE
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=[*TITLES, OPTIMIZERS])
    parser.add_argument("--json", type=Path, help="where to write the results")
    parser.add_argument("--only", help="run the checks whose name contains this")
    parser.add_argument("--trace", action="store_true", help="print where a check failed")
    arguments = parser.parse_args()
    MODE = Mode("graph" if arguments.mode == OPTIMIZERS else arguments.mode)
    results: dict[str, object] = {}
    wanted = optimizer_classes() if arguments.mode == OPTIMIZERS else list(CHECKS)
    for name in wanted:
        if arguments.only and arguments.only not in name:
            continue
        began = time.perf_counter()
        if arguments.mode == OPTIMIZERS:
            results[name] = check_optimizer(name)
        else:
            results[name] = outcome(CHECKS[name])
            if results[name] != "ok":
                _shared_unit.cache_clear()
        print(f"{time.perf_counter() - began:6.2f} s  {name}: {results[name]}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
