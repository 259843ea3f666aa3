"""What a model is made of and compiled with: its optimizer, losses and metrics, and the arguments of callbacks."""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import keras
import numpy as np

from ..keras_internals.models import compiled_with
from ..keras_internals.optimizers import learning_rate_of
from ..record.privacy import without_private
from ..record.values import python
from .tidy import ABSENT, MAX_LIST, Looks, shared_text

OWN = __name__.partition(".")[0]
KERAS_OWN = ("History", "ProgbarLogger")  # Keras puts these in by itself
NOT_TOLD = ("root", "headers")  # of RemoteMonitor: they may hold a password
OTHER_NAMES = {"separator": "sep"}  # arguments that a callback keeps under another name
MAX_DOCUMENT = 2_000_000  # characters of a model's configuration, or of its summary
LINE_LENGTH = 100


def describe_model(model: Any, looks: Looks) -> dict[str, Any]:
    """Describe a model: how large it is, and how it runs."""
    compiled = bool(getattr(model, "compiled", False))  # else Keras would resolve, and set, some of these now
    built = bool(getattr(model, "built", True))  # else its weights are yet to come, and there seem to be none
    return looks.each(
        "model",
        {
            "type": lambda: type(model).__name__,
            "name": lambda: model.name,
            "count_params": lambda: model.count_params() if built else _not_built(),
            "trainable_params": lambda: _count(model.trainable_weights) if built else ABSENT,
            "non_trainable_params": lambda: _count(model.non_trainable_weights) if built else ABSENT,
            "layers": lambda: len(model.layers),
            "run_eagerly": lambda: bool(model.run_eagerly) if compiled else ABSENT,
            "jit_compile": lambda: model.jit_compile if compiled else ABSENT,
            "steps_per_execution": lambda: model.steps_per_execution if compiled else ABSENT,
            "dtype_policy": lambda: model.dtype_policy.name,
        },
    )


def _not_built() -> Any:
    msg = "it has none before its first batch"
    raise LookupError(msg)


def _count(weights: Iterable[Any]) -> int:
    return sum(int(np.prod(weight.shape, dtype=np.int64)) for weight in weights)


# -- what it was compiled with ----------------------------------------------------------------------------------------


def describe_optimizer(optimizer: Any, looks: Looks, part: str = "optimizer") -> Any:
    """Describe an optimizer, and the one in it where it is wrapped; what is None does nothing and is left out."""
    if optimizer is None:
        return ABSENT
    config = looks.one(part, optimizer.get_config, None)
    if not isinstance(config, Mapping):
        rate = looks.one(f"{part}.learning_rate", lambda: learning_rate_of(optimizer))
        rate = {"type": type(rate).__name__} if isinstance(rate, _SCHEDULE) else rate
        config = {"name": getattr(optimizer, "name", None), "learning_rate": rate, **kept_arguments(optimizer)}
    inner = getattr(optimizer, "inner_optimizer", None)
    described = {name: value for name, value in config.items() if value is not None and value is not ABSENT}
    if "learning_rate" in described:
        described["learning_rate"] = _shortest(described["learning_rate"])
    if inner is not None:
        described["inner_optimizer"] = describe_optimizer(inner, looks, f"{part}.inner_optimizer")
    return {"type": type(optimizer).__name__, **described}


_SCHEDULE = keras.optimizers.schedules.LearningRateSchedule


def _shortest(rate: Any) -> Any:
    """A rate as it was written, 0.001: kept in 32 bits it reads 0.0010000000474974513."""
    try:
        number = python(rate)
    except TypeError:
        return rate
    if not isinstance(number, float) or float(np.float32(number)) != number:
        return number
    return float(str(np.float32(number)))


def describe_loss(loss: Any, looks: Looks) -> Any:
    """Describe what the loss is, of each output where there are several."""
    if loss is None:
        return ABSENT
    if isinstance(loss, Mapping):
        return {name: _present(describe_loss(one, looks)) for name, one in loss.items()}
    if isinstance(loss, (list, tuple)):
        return [_present(describe_loss(one, looks)) for one in loss[:MAX_LIST]]
    if not isinstance(loss, keras.losses.Loss):
        return loss  # a name, or a function
    name = type(loss).__name__
    config = looks.one(f"loss {name}", loss.get_config, None)
    return {"type": name, **_scalars(config if isinstance(config, Mapping) else {})}


def _present(described: Any) -> Any:
    return None if described is ABSENT else described


def compile_argument(model: Any, name: str) -> Any:
    """What ``compile`` was given under this name, with names for the metrics in it.

    Raises:
        LookupError: The model was compiled, and does not keep it.
    """
    given = compiled_with(model)
    if not given and getattr(model, "compiled", False):
        msg = "the model does not keep what it was compiled with"
        raise LookupError(msg)
    found = given.get(name)
    return ABSENT if found is None else _named(found)


def _named(metric: Any) -> Any:
    if isinstance(metric, Mapping):
        return {name: _named(one) for name, one in metric.items()}
    if isinstance(metric, (list, tuple)):
        return [_named(one) for one in metric[:MAX_LIST]]
    return metric.name if isinstance(metric, (keras.metrics.Metric, keras.losses.Loss)) else metric


# -- callbacks --------------------------------------------------------------------------------------------------------


def describe_callbacks(callbacks: Iterable[Any] | None, looks: Looks) -> list[dict[str, Any]]:
    """Describe the callbacks that the user passed, without Monitors; of the user's own only the class is told."""
    theirs = tuple(getattr(keras.callbacks, name) for name in KERAS_OWN)
    found = []
    for one in callbacks or ():
        if isinstance(one, theirs) or _is_ours(one):
            continue
        name = type(one).__name__
        arguments = looks.one(f"callbacks {name}", partial(kept_arguments, one), {})
        if isinstance(arguments.get("min_delta"), float):
            arguments["min_delta"] = abs(arguments["min_delta"])  # Keras turns it round where less is better
        found.append({"type": name, **arguments})
    return found


def _is_ours(callback: Any) -> bool:
    return any(base.__module__.partition(".")[0] == OWN for base in type(callback).__mro__)


def kept_arguments(instance: Any) -> dict[str, Any]:
    """What an object of Keras's, or of a class that extends one, was made with, as far as it keeps that publicly.

    Only numbers, flags and texts, by the names of the constructor's arguments: other attributes are its state. They are
    read from the object itself, so that no property of the user's is run.
    """
    kind: Any = next((base for base in type(instance).__mro__ if base.__module__.startswith("keras.")), None)
    if kind is None:
        return {}
    arguments = inspect.signature(kind.__init__).parameters
    names = [OTHER_NAMES.get(name, name) for name in arguments if name not in NOT_TOLD]
    held = getattr(instance, "__dict__", {})
    return _scalars({name: held[name] for name in names if name in held})


def _scalars(found: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers, flags and texts among these, without None."""
    kept = {}
    for name, value in found.items():
        try:
            number = python(value)
        except TypeError:
            continue
        if number is not None:
            kept[name] = number
    return kept


# -- documents --------------------------------------------------------------------------------------------------------


def config_of(model: Any) -> str:
    """A model's configuration, as ``to_json`` writes it, without folders, names and the code of lambdas.

    Raises:
        Exception: Whatever Keras or the user's ``get_config`` raises; a ``ValueError`` where it is too long.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras prints the source of lambdas
        text: str = model.to_json()
    _check_length(text)
    if any(mark in text for mark in ("/", "\\", "__lambda__")) or without_private(text) != text:
        return json.dumps(_shareable(json.loads(text)))
    return text


def _shareable(part: Any) -> Any:
    if isinstance(part, dict):
        if part.get("class_name") == "__lambda__":
            part = {**part, "config": {}}
        return {_shareable(key): _shareable(one) for key, one in part.items()}
    if isinstance(part, list):
        return [_shareable(one) for one in part]
    return shared_text(part, MAX_DOCUMENT) if isinstance(part, str) else part


def summary_of(model: Any) -> str:
    """The text of ``model.summary()``, without folders and names.

    Raises:
        Exception: Whatever Keras raises; a ``ValueError`` where it is too long.
    """
    from rich.console import Console  # which Keras writes it with: it cuts off what is beyond the console's width

    width = min(LINE_LENGTH, Console(force_terminal=False, color_system=None).width)
    lines: list[str] = []
    model.summary(line_length=width, print_fn=lambda text, **_: lines.append(str(text)))
    text = "\n".join(lines)
    _check_length(text)
    return without_private(text).encode("utf-8", "replace").decode()


def _check_length(text: str) -> None:
    if len(text) > MAX_DOCUMENT:
        msg = f"it has {len(text):,} characters, more than are kept"
        raise ValueError(msg)
