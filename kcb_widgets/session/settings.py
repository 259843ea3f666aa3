"""Settings: what a run was made with, read once as its fit begins."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import keras

from ..keras_internals.frames import variables
from ..keras_internals.random_numbers import seed_that_was_set
from ..steering.backends import devices
from .data_settings import describe_data
from .model_settings import (
    compile_argument,
    config_of,
    describe_callbacks,
    describe_loss,
    describe_model,
    describe_optimizer,
    summary_of,
)
from .tidy import ABSENT, MAX_LEAVES, Looks, Tidy

FIT = (
    *("epochs", "batch_size", "steps_per_epoch", "validation_split", "validation_freq", "shuffle", "initial_epoch"),
    "verbose",
)
TOLD = ("epochs", "steps", "verbose")  # what Keras tells callbacks
ORDER = (
    *("model", "optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", "callbacks", "data", "fit"),
    *("versions", "backend", "device", "seed"),
)


@dataclass(frozen=True)
class Settings:
    """What a run was made with.

    Nothing in it tells who made it or where: texts have lost folders, and the names of the user and of the machine.

    Attributes:
        values: Nested, and plain for JSON but for numbers that are not finite: about ``MAX_LEAVES`` values at most.
        model_config: The model as ``model.to_json()`` writes it, with lambdas that have lost their code; empty where it
            cannot be written.
        model_summary: The text of ``model.summary()``.
        missing: A line for each part that could not be read, and why.
    """

    values: dict[str, Any]
    model_config: str = ""
    model_summary: str = ""
    missing: list[str] = field(default_factory=list)


def collect(
    model: Any, fit: FrameType | None, params: Mapping[str, Any] | None, callbacks: Iterable[Any] | None
) -> Settings:
    """Read what a fit begins with; on its thread, before its first batch and before any of it is steered.

    It raises nothing, changes nothing, and keeps no reference to what it reads.

    Args:
        model: What trains.
        fit: The frame of Keras's ``fit``; None where a loop of the user's own trains.
        params: What Keras told callbacks.
        callbacks: The fit's callbacks, where they are known; Monitors and what Keras puts in by itself are left out.
    """
    looks, tidy = Looks(), Tidy()
    begun = collect_model(model)
    known = looks.one("fit", lambda: dict(variables(fit)), {})
    told = params if isinstance(params, Mapping) else {}
    # What is small and always there comes first: there may be too many callbacks or outputs to keep all.
    found = looks.each(
        "",
        {
            "model": lambda: begun.values.get("model", ABSENT),
            "optimizer": lambda: describe_optimizer(getattr(model, "optimizer", None), looks),
            "fit": lambda: _describe_fit(known, told),
            "versions": _versions,
            "backend": keras.backend.backend,
            "device": lambda: devices(model) or ABSENT,
            "seed": _seed,
            "loss": lambda: describe_loss(getattr(model, "loss", None), looks),
            "loss_weights": lambda: compile_argument(model, "loss_weights"),
            "metrics": lambda: compile_argument(model, "metrics"),
            "weighted_metrics": lambda: compile_argument(model, "weighted_metrics"),
            "data": lambda: describe_data(known, looks) or ABSENT,
            "callbacks": lambda: ABSENT if callbacks is None else describe_callbacks(callbacks, looks),
        },
    )
    values = {name: tidy.value(part) for name, part in found.items()}
    if known.get("class_weight") is not None and isinstance(values.get("fit"), dict):
        values["fit"]["class_weight"] = tidy.value(known["class_weight"], 2)
    if tidy.cut:
        looks.missing.append(f"values: what is beyond {MAX_LEAVES} in all, or 100 of one kind")
    values = {name: values[name] for name in ORDER if name in values}
    return Settings(values, begun.model_config, begun.model_summary, [*begun.missing, *looks.missing])


def collect_model(model: Any) -> Settings:
    """Read what a model alone tells; ``collect`` does that too.

    A model that is built by its first batch has more to tell after it: ``count_params``, and the shapes in its summary.

    Args:
        model: What trains, on its thread.

    Returns:
        Settings whose ``values`` have only ``model``.
    """
    looks, tidy = Looks(), Tidy()
    found = looks.each("", {"model": lambda: describe_model(model, looks)})
    return Settings(
        {name: tidy.value(part) for name, part in found.items()},
        looks.one("model_config", lambda: config_of(model), ""),
        looks.one("model_summary", lambda: summary_of(model), ""),
        looks.missing,
    )


def _describe_fit(known: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of ``fit``, and how many steps an epoch has."""
    return {name: told[name] for name in TOLD if name in told} | {name: known[name] for name in FIT if name in known}


def _versions() -> dict[str, Any]:
    """What is imported, by version: nothing is looked up on the disk."""
    named = ("keras", keras.backend.backend(), "numpy", __name__.partition(".")[0])
    found = {name: getattr(sys.modules.get(name), "__version__", None) for name in named}
    return {"python": platform.python_version(), **{name: text for name, text in found.items() if text}}


def _seed() -> Any:
    seed = seed_that_was_set()
    return ABSENT if seed is None else seed
