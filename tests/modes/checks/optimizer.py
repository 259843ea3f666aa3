"""Checks the optimizer's other numbers, each against a model compiled with the new value, and several optimizers."""

from __future__ import annotations

import functools

import keras
import numpy as np

from ..mode import current
from ..models import branches, data, signed_prediction
from ..outcome import Refused
from ..references import Values, goes_on_as
from ..training import steered


@functools.cache
def _momentum() -> Values:
    return Values(keras.optimizers.SGD, [("momentum", 0.5), ("momentum", 0.2)], learning_rate=0.1, momentum=0.9)


def check_momentum():
    _momentum().check("momentum")


def check_second_change_without_a_trace():
    counts = np.diff(_momentum().watch.traces)
    first, usual, second = counts[2], counts[1], counts[4:]
    if current().name == "torch-jit" and second[0]:
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

        seen.append(current().model(branches, make, signed_prediction))
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
    goes_on_as(reference, watch, x, y, 2, "several optimizers")
