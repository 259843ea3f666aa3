"""Reads all the numbers that a model's training goes on from, puts them into another model and compares them."""

from __future__ import annotations

import re

import keras
import numpy as np

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
