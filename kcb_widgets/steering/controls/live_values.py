"""Variables that stand in for plain numbers while ``fit`` runs, so that changing them needs no new trace.

Keras bakes an optimizer's Python floats into the compiled training step. A variable in a float's place is read on every
step instead. It goes in when a value is first touched (one trace) and comes out when the fit ends. Checkpoints written
meanwhile are as if it were not there: ``get_config`` gives plain floats, ``save_own_variables`` leaves it out.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from ...keras_internals.optimizers import untrack


class LiveScalar(keras.Variable):  # type: ignore[misc]
    """A variable that answers the optimizer's own tests (``if self.momentum != 0``) as an ordinary active number."""

    def __bool__(self) -> bool:
        return True

    def __ne__(self, other: object) -> Any:
        return True

    def __gt__(self, other: object) -> Any:
        return True

    def __eq__(self, other: object) -> Any:
        return self is other

    __hash__ = object.__hash__


def model_optimizers(model: Any) -> dict[str, Any]:
    """A model's optimizers by attribute: the one it was compiled with, and those of a training step of its own."""
    found = {"optimizer": getattr(model, "optimizer", None)}
    for name, value in vars(model).items():
        if isinstance(value, keras.optimizers.Optimizer) and value is not found["optimizer"]:
            found[name] = value
    return {name: optimizer for name, optimizer in found.items() if optimizer is not None}


def wrapped_optimizers(optimizer: Any) -> list[Any]:
    """An optimizer and all that it wraps: each of them saves its inner ones' variables too."""
    inner = getattr(optimizer, "inner_optimizer", None)
    found = [optimizer] if inner is None else [optimizer, *wrapped_optimizers(inner)]
    for each in getattr(found[-1], "optimizers", None) or []:
        found += wrapped_optimizers(each)
    return found


class OptimizerSaveFilter:
    """Keeps our variables out of what optimizers save, while there are any.

    Args:
        roots: The model's optimizers.
    """

    def __init__(self, roots: list[Any]) -> None:
        self._roots = roots
        self._hidden: dict[int, Any] = {}
        self._filtered: list[Any] = []

    def hide(self, variable: Any) -> None:
        """Leave ``variable`` out of checkpoints."""
        self._hidden[id(variable)] = variable
        if not self._filtered:
            self._filtered = [each for root in self._roots for each in wrapped_optimizers(root)]
            for optimizer in self._filtered:
                self._put_on(optimizer)

    def show(self, owner: Any, variable: Any) -> None:
        """Have ``owner`` forget ``variable``; the last one takes everything of ours away."""
        untrack(owner, variable)
        self._hidden.pop(id(variable), None)
        if not self._hidden:
            for optimizer in self._filtered:
                for name in ("get_config", "save_own_variables", "load_own_variables"):
                    vars(optimizer).pop(name, None)
            self._filtered = []

    @property
    def busy(self) -> bool:
        """Whether anything is hidden."""
        return bool(self._hidden)

    def covers(self, variable: Any) -> bool:
        """Whether a variable is one of ours."""
        return id(variable) in self._hidden

    def _put_on(self, optimizer: Any) -> None:
        cls = type(optimizer)

        def own() -> list[Any]:
            return [variable for variable in optimizer.variables if id(variable) not in self._hidden]

        def get_config() -> dict[str, Any]:
            config: dict[str, Any] = cls.get_config(optimizer)
            return {key: number(value) if isinstance(value, LiveScalar) else value for key, value in config.items()}

        def save_own_variables(store: Any) -> None:
            for i, variable in enumerate(own()):
                store[str(i)] = variable.numpy()

        def load_own_variables(store: Any) -> None:
            variables = own()
            if len(store.keys()) != len(variables):
                cls.load_own_variables(optimizer, store)  # it knows what to warn of
                return
            for i, variable in enumerate(variables):
                variable.assign(store[str(i)])

        for function in (get_config, save_own_variables, load_own_variables):
            object.__setattr__(optimizer, function.__name__, function)


def number(variable: Any) -> float:
    """A scalar variable's value, as the shortest decimal that is this float32."""
    return shortest(float(np.asarray(keras.ops.convert_to_numpy(variable))))


def shortest(value: float) -> float:
    """The shortest decimal that is this float32: 0.01, not 0.009999999776482582."""
    return float(str(np.float32(value)))
