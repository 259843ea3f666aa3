"""Inference between two batches, without disturbing the training.

Inference may have state too: the seed of a layer that samples, the states of a stateful recurrent layer. All that does
not train is put back afterwards, as are the epoch's running metrics.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from ..keras_internals.layers import own_weights, seed_generators, within
from ..keras_internals.models import is_empty, say_state_is_home
from ..keras_internals.random_numbers import shared_seeds, shared_seeds_as_before
from .backends import (
    held,
    per_device_variables,
    random_state,
    set_random_state,
    set_training_modes,
    sync_model,
    training_modes,
)
from .model_state import loose


@contextlib.contextmanager
def undisturbed(model: Any) -> Iterator[None]:
    """Whatever the model computes inside, training goes on from where it was.

    Args:
        model: The model that trains, at rest; ``sync_model`` gave it.
    """
    kept = [(each, [_copy(part) for part in per_device_variables(each)]) for each in _movable(model)]
    metrics = len(model.metrics_variables)
    stopping, random, modes = model.stop_training, random_state(), training_modes(model)
    numbers = held(model)
    try:
        with shared_seeds_as_before():
            yield
    except BaseException:
        sync_model(model)
        for variable, value in numbers:
            if is_empty(variable):
                variable.assign(value)
        say_state_is_home(model)
        raise
    finally:
        sync_model(model)
        if len(model.metrics_variables) > metrics:  # before the first batch some were not there yet
            model.reset_metrics()
        for each, values in kept:
            for part, value in zip(per_device_variables(each), values, strict=True):
                part.assign(value)
        _begin({id(each) for each, _ in kept}, model)
        set_random_state(random)  # reading data draws from it, and so does the next batch's dropout
        set_training_modes(modes)  # evaluate ends training mode, which Keras begins with an epoch only
        model.stop_training = stopping


def _movable(model: Any) -> list[Any]:
    """All variables that evaluating may write to: everything but the weights, those of frozen layers included."""
    weights = {id(one) for layer in within(model) for one in own_weights(layer)}
    every = {id(one): one for one in [*model.variables, *loose(model), *model.metrics_variables, *shared_seeds()]}
    return [one for key, one in every.items() if key not in weights]


def _begin(known: set[int], model: Any) -> None:
    """Have the state that evaluating itself made begin again: TensorFlow builds some models on their first batch."""
    made = {id(one) for one in [*model.variables, *loose(model)]} - known
    for layer in within(model):
        for seeds in seed_generators(layer):
            if id(seeds.state) in made:
                for part in per_device_variables(seeds.state):
                    seed, _ = _copy(part)  # and how often it was drawn from
                    part.assign([seed, 0])
        if isinstance(layer, keras.layers.RNN) and any(id(one) in made for one in layer.states or []):
            layer.reset_state()


def _copy(part: Any) -> Any:
    return np.array(keras.ops.convert_to_numpy(part))
