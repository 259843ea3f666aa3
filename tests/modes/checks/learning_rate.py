"""Checks the learning rate: set, held against a callback, and multiplied, taken over and released under a schedule."""

from __future__ import annotations

import functools
from collections.abc import Callable

import keras
import numpy as np

from ..mode import current
from ..models import fresh_unit, ones, unit
from ..training import steered


def check_learning_rate():
    watch, _ = steered(
        fresh_unit(), *ones(6), {2: lambda m: m.set(learning_rate=0.25), 4: lambda m: m.set(learning_rate=0.125)}
    )
    assert watch.moves == [0.5, 0.5, 0.25, 0.25, 0.125, 0.125], watch.moves


def check_learning_rate_after_an_overflow():
    """A loss scale too large at first: the optimizer is passed over, which is not to say that it takes no part."""
    scale = 2.0**17 if current().name == "mixed" else 3e38
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
    per = current().per
    return watch.moves, lambda i: sum(0.5 / (1 + 0.25 * (i * per + j)) for j in range(per)) / per


def _follows(moves: list[float], expected: list[float]) -> None:
    assert np.allclose(moves, expected, rtol=0, atol=3e-5), f"{moves} is not {expected}"


def check_schedule_factor():
    moves, rate = _scheduled()
    _follows(moves[:4], [rate(0), rate(1), rate(2) / 2, rate(3) / 2])


def check_schedule_take_over():
    moves, _ = _scheduled()
    fixed = 0.5 / (1 + 0.25 * 4 * current().per) / 2
    _follows(moves[4:6] + moves[8:], [fixed, fixed, 0.0625, 0.0625])


def check_schedule_release():
    moves, rate = _scheduled()
    _follows(moves[6:8], [rate(6) / 2, rate(7) / 2])
