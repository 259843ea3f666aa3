"""Evaluate between two batches, without disturbing the epoch's running metrics."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from .backends import parts, set_torch_modes, set_torch_state, synced, torch_modes, torch_state
from .control import Refused


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

    def run(self) -> dict[str, float]:
        """The metrics, by the names that validation has in Keras's logs: ``val_loss`` and so on.

        Raises:
            Refused: There is nothing to evaluate on.
        """
        if why := self.why_not():
            raise Refused(why)
        model = synced(self._model)
        data = self._data if isinstance(self._data, (tuple, list)) else (self._data,)
        named = dict(zip(("x", "y", "sample_weight"), data, strict=False))
        kept = [(each, [_copy(part) for part in parts(each)]) for each in model.metrics_variables]
        stopping, random, modes = model.stop_training, torch_state(), torch_modes(model)
        try:
            logs = model.evaluate(
                **named,
                batch_size=self._batch_size if hasattr(data[0], "shape") else None,
                steps=None if self._own else self._steps,
                verbose=0,
                return_dict=True,
            )
        finally:
            synced(model)
            if len(model.metrics_variables) > len(kept):  # before the first batch some were not there yet
                model.reset_metrics()
            for each, values in kept:
                for part, value in zip(parts(each), values, strict=True):
                    part.assign(value)
            set_torch_state(random)  # reading data draws from it, and so does the next batch's dropout
            set_torch_modes(modes)  # evaluate ends training mode, which Keras begins with an epoch only
            model.stop_training = stopping
        return {f"val_{name}": float(value) for name, value in logs.items()}


def _copy(part: Any) -> Any:
    return np.array(keras.ops.convert_to_numpy(part))
