"""The state an optimizer begins with: what Keras gives its variables when it builds them.

TensorFlow builds an optimizer on the first batch, and other variables come later still: momentum that was 0, or the
state of a layer that is unfrozen. A snapshot from before has no values for them. To go back to it they get the values
that Keras would give them there. Those are read from a copy of the optimizer that is built again, for the same weights.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from ..keras_internals.optimizer_slots import AVERAGES, slots_of, twin
from ..keras_internals.optimizers import iterations_of, scope, trained_weights
from .backends import bytes_of, per_device_variables


def initial_values(optimizer: Any) -> dict[int, list[npt.NDArray[Any]]]:
    """What the variables of one built optimizer began with, or would begin with for the weights as they are now.

    Args:
        optimizer: The optimizer; not those that it wraps.

    Returns:
        The values of each of a variable's parts, by the variable's id. Variables that ``build`` does not make are not
        in it: iterations, the learning rate, and ours.

    Raises:
        Unknown: The optimizer holds others in a way that we do not know.
    """
    weights, copy = trained_weights(optimizer), twin(optimizer)
    with scope(optimizer):
        copy.build(weights)
    trained = any(np.any(_array(part)) for part in per_device_variables(iterations_of(optimizer)))
    found: dict[int, list[npt.NDArray[Any]]] = {}
    held = vars(optimizer)
    for name, made in slots_of(vars(copy), len(weights)).items():
        slots = held.get(name)
        if slots is made or not isinstance(slots, list) or len(slots) != len(made):
            continue
        for slot, new, weight in zip(slots, made, weights, strict=True):
            if slot is not None and new is not None:
                # Keras lets an average begin at 0 and sets it to the weight on the very first batch only.
                found[id(slot)] = [
                    _array(part) for part in per_device_variables(weight if name == AVERAGES and trained else new)
                ]
    for name, made in vars(copy).items():
        kept = held.get(name)
        if kept is not made and isinstance(made, keras.Variable) and isinstance(kept, keras.Variable):
            found[id(kept)] = [_array(part) for part in per_device_variables(made)]
    return found


def bytes_to_come(optimizer: Any, weights: list[Any]) -> int:
    """About how much memory Keras will take for an optimizer that it has yet to build.

    Args:
        optimizer: The optimizer; it is left as it is.
        weights: What it will train. Nothing of their size is made: they are stood in for by variables of one number.

    Raises:
        Unknown: The optimizer holds others in a way that we do not know.
    """
    copy = twin(optimizer)
    with scope(optimizer):
        small = [
            keras.Variable(np.zeros((1,) * len(weight.shape)), dtype=weight.dtype, name=weight.name)
            for weight in weights
        ]
        copy.build(small)
    total, inner = 0, copy
    while inner is not None:
        for slots in slots_of(vars(inner), len(small)).values():
            for slot, weight in zip(slots, weights, strict=True):
                if slot is not None and len(slot.shape) == len(weight.shape):
                    total += math.prod(weight.shape) * bytes_of(slot.dtype) * len(per_device_variables(weight))
        inner = getattr(inner, "inner_optimizer", None)
    return total


def _array(part: Any) -> npt.NDArray[Any]:
    return np.array(keras.ops.convert_to_numpy(part))
