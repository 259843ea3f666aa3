"""Evaluate between two batches, without disturbing the training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .backends import sync_model
from .controls.control import Refused
from .guard import number
from .undisturbed import undisturbed


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
        with undisturbed(model):
            logs = model.evaluate(
                **named,
                batch_size=self._batch_size if hasattr(data[0], "shape") else None,
                steps=None if self._own else self._steps,
                verbose=0,
                return_dict=True,
            )
        return _found(logs)


def _found(logs: dict[str, Any]) -> Found:
    numbers = {name: number(value) for name, value in logs.items()}
    left = [f"val_{name}" for name, value in numbers.items() if value is None]
    remark = f"; left out, as it is not a single number: {', '.join(left)}" if left else ""
    return Found({f"val_{name}": value for name, value in numbers.items() if value is not None}, remark)
