"""TrainingCount: notes now and then how often the optimizer was called, so that a run can be gone on with."""

from __future__ import annotations

import logging
import math
import zlib
from typing import Any

import keras
import numpy as np

from ..keras_internals.models import state_in_fit
from ..keras_internals.optimizers import iterations_of
from ..record.events import first_line
from ..record.record import Record
from ..record.trail import Count, UnknownStep, step_of
from ..steering.backends import per_device_variables, read_scalar
from ..steering.controls.live_values import model_optimizers
from ..steering.controls.optimizers import innermost_optimizer

log = logging.getLogger(__name__)

MAX_WEIGHTS = 8  # of the smallest that are read, and of the largest
MAX_NUMBERS = 65_536  # in one of them


class TrainingCount:
    """Notes how the model stands as epochs begin, after the first batch and after rollbacks, and as the fit ends.

    Called on the training thread; one number and at most 16 small weights are read each time.

    Args:
        run: The record.
        model: What trains.
    """

    def __init__(self, run: Record, model: Any) -> None:
        self._run, self._model = run, model
        self._branches = -1  # the model comes from elsewhere
        self._seen: tuple[int, int | None] | None = None

    def epoch_begins(self) -> None:
        """Before the run is told: where it is gone on with, the step at which the model stands is found."""
        run, resumption = self._run, self._run.resuming
        self._seen = None
        try:
            self._seen = calls_of(self._model), weights_of(self._model)
            if resumption is not None:
                resumption.step = step_of(run.counts, *self._seen)
        except UnknownStep as why:
            if resumption is not None:
                resumption.why = str(why)
        except Exception as error:
            log.debug("It cannot be read how far a model was trained", exc_info=True)
            if resumption is not None:
                resumption.why = first_line(error)

    def epoch_began(self) -> None:
        """The run knows its step."""
        if self._seen is not None:
            self._note(*self._seen)

    def check(self) -> None:
        """The first batch is done: whether the optimizer is called once a batch."""
        self._look()

    def went_back(self) -> None:
        """Something was put back, perhaps."""
        if len(self._run.branches) != self._branches >= 0:
            self._look()

    def ends(self) -> None:
        """The fit has ended as it should, and every callback has had its say."""
        self._look()

    def _look(self) -> None:
        try:
            self._note(calls_of(self._model), weights_of(self._model))
        except UnknownStep:  # nor was it known before
            return

    def _note(self, calls: int, weights: int | None) -> None:
        run = self._run
        begins, self._branches = len(run.branches) != self._branches, len(run.branches)
        run.counts.append(Count(run.step, calls, weights, begins))


def calls_of(model: Any) -> int:
    """How often a model's optimizer was called.

    Raises:
        UnknownStep: It has none, or several.
    """
    roots = list(model_optimizers(model).values())
    if not roots:
        raise UnknownStep("the model has no optimizer")
    optimizer = innermost_optimizer(roots[0])
    if len(roots) > 1 or getattr(optimizer, "optimizers", None):
        raise UnknownStep("the model has several optimizers")
    return int(read_scalar(model, iterations_of(optimizer), "optimizer_variables"))


def weights_of(model: Any) -> int | None:
    """A checksum of some of a model's weights, whatever their order; 0 of none; None while they cannot be read."""
    if state_in_fit(model) is not None:
        return None
    sized = [(math.prod(each.shape), each) for each in getattr(model, "trainable_weights", ())]
    weights = [each for size, each in sorted(sized, key=lambda pair: pair[0]) if 0 < size <= MAX_NUMBERS]
    some = weights[:MAX_WEIGHTS] + weights[MAX_WEIGHTS:][-MAX_WEIGHTS:]
    arrays = (np.asarray(keras.ops.convert_to_numpy(per_device_variables(each)[0])) for each in some)
    return sum(zlib.crc32(np.ascontiguousarray(array).tobytes()) for array in arrays) % 2**32
