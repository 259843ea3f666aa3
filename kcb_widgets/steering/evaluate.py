"""Evaluate between two batches, without disturbing the training.

Inference may have state too: the seed of a layer that samples, the states of a stateful recurrent layer. All that does
not train is put back afterwards, as are the epoch's running metrics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from ..keras_internals.layers import own_weights, seed_generators, within
from ..keras_internals.random_numbers import shared_seeds, shared_seeds_as_before
from .backends import (
    per_device_variables,
    random_state,
    set_random_state,
    set_training_modes,
    sync_model,
    training_modes,
)
from .controls.control import Refused
from .guard import number
from .model_state import loose


@dataclass(frozen=True)
class Found:
    """What an evaluation found.

    Attributes:
        logs: The metrics, by the names that validation has in Keras's logs: ``val_loss`` and so on.
        remark: A clause on what was left out; empty when nothing was.
    """

    logs: dict[str, float]
    remark: str = ""


class Evaluation:
    """Evaluates the model that trains.

    Args:
        model: The model.
        arguments: What ``fit`` was called with, by name.
        data: Data to use instead of ``fit``'s validation data: whatever ``model.evaluate`` takes as ``x``, or a tuple
            ``(x, y)`` or ``(x, y, sample_weight)``. None for the validation data.
    """

    def __init__(self, model: Any, arguments: dict[str, Any], data: Any = None) -> None:
        self._model = model
        self._data = arguments.get("validation_data") if data is None else data
        self._own = data is not None
        self._batch_size = arguments.get("validation_batch_size") or arguments.get("batch_size")
        self._steps = arguments.get("validation_steps")

    def why_not(self) -> str:
        """Why there is nothing to evaluate on; empty when there is."""
        if self._data is None:
            return "fit has no validation data; give Monitor some with evaluate_on=(x, y)"
        if hasattr(self._data, "__next__"):
            return "the validation data can be read only once; give Monitor other data with evaluate_on=(x, y)"
        return ""

    def run(self) -> Found:
        """Evaluate.

        Raises:
            Refused: There is nothing to evaluate on.
        """
        if why := self.why_not():
            raise Refused(why)
        model = sync_model(self._model)
        data = self._data if isinstance(self._data, (tuple, list)) else (self._data,)
        named = dict(zip(("x", "y", "sample_weight"), data, strict=False))
        kept = [(each, [_copy(part) for part in per_device_variables(each)]) for each in _movable(model)]
        metrics = len(model.metrics_variables)
        stopping, random, modes = model.stop_training, random_state(), training_modes(model)
        try:
            with shared_seeds_as_before():
                logs = model.evaluate(
                    **named,
                    batch_size=self._batch_size if hasattr(data[0], "shape") else None,
                    steps=None if self._own else self._steps,
                    verbose=0,
                    return_dict=True,
                )
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
        return _found(logs)


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


def _found(logs: dict[str, Any]) -> Found:
    numbers = {name: number(value) for name, value in logs.items()}
    left = [f"val_{name}" for name, value in numbers.items() if value is None]
    remark = f"; left out, as it is not a single number: {', '.join(left)}" if left else ""
    return Found({f"val_{name}": value for name, value in numbers.items() if value is not None}, remark)


def _copy(part: Any) -> Any:
    return np.array(keras.ops.convert_to_numpy(part))
