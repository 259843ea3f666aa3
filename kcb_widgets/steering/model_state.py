"""ModelState: every number that training goes on from, copied out of a model, and put back.

Weights alone do not roll back. The state is every variable of the model but its metrics' (seed generators included),
every variable of the optimizers (moments, iteration count), those that were set aside for frozen layers, and the random
state that belongs to no model. Variables are known by themselves, not by name: they live as long as the fit.
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from ..keras_internals.layers import within
from ..keras_internals.optimizer_slots import Unknown
from ..keras_internals.optimizers import learning_rate_of, own_variables
from ..keras_internals.random_numbers import shared_seeds
from .backends import bytes_of, per_device_variables, random_state, set_random_state, sync_model
from .controls.live_values import model_optimizers, wrapped_optimizers
from .initial import bytes_to_come, initial_values
from .optimizer_rebuild import SlotCache

Array = npt.NDArray[Any]
NAMED_AT_MOST = 3
log = logging.getLogger(__name__)


@dataclass(eq=False)
class ModelState:
    """Copies of all numbers that training goes on from.

    Attributes:
        numbers: Each part of a variable, and its numbers.
        known: The variables that these are of, by id. They are kept, so ids stay unique.
        random: The state of torch's own random numbers.
    """

    numbers: list[tuple[Any, Array]] = field(default_factory=list, repr=False)
    known: dict[int, Any] = field(default_factory=dict, repr=False)
    random: Any = field(default=None, repr=False)

    @property
    def bytes(self) -> int:
        """The memory it takes."""
        return sum(array.nbytes for _, array in self.numbers)

    @property
    def finite(self) -> bool:
        """Whether no number in it is NaN or infinite."""
        return all(_finite(array) for _, array in self.numbers)

    def holds(self, variable: Any) -> bool:
        """Whether the numbers of a variable are in it."""
        return id(variable) in self.known


@dataclass
class Restored:
    """What going back did.

    Attributes:
        begun: How many variables of optimizers came after the snapshot, and have the values that they begin with.
        frozen: How many variables belong to layers that are frozen now; they count when those train again.
        left: Variables that came after the snapshot, and are as they were before going back.
    """

    begun: int = 0
    frozen: int = 0
    left: list[str] = field(default_factory=list)

    def describe(self) -> str:
        """It in a clause; empty where everything was held and put back."""
        words = []
        if self.frozen:
            words.append(f"{_count(self.frozen, 'variable')} of the optimizer for frozen layers too")
        if self.begun:
            words.append(f"{_count(self.begun, 'variable')} of the optimizer came later and begin as Keras makes them")
        if self.left:
            named = ", ".join(self.left[:NAMED_AT_MOST])
            more = f" and {len(self.left) - NAMED_AT_MOST} more" if len(self.left) > NAMED_AT_MOST else ""
            words.append(f"not put back, as the snapshot has no value for it: {named}{more}")
        return "; ".join(words)


class ModelStateCopier:
    """Takes the state of one model out, and puts it back. The training thread alone calls it.

    Args:
        model: What trains.
        ours: Tells whether a variable is one of ours and no part of the state.
        slot_cache: What the optimizers keep for layers that are frozen now.
    """

    def __init__(self, model: Any, ours: Callable[[Any], bool], slot_cache: SlotCache) -> None:
        self._model, self._ours, self._slot_cache = model, ours, slot_cache

    @property
    def ready(self) -> bool:
        """Whether the model has its weights: TensorFlow builds a model that was not told its input on the first batch.

        A layer may still build itself later; ``lacking`` tells.
        """
        return bool(getattr(self._model, "built", True))

    @property
    def partial(self) -> bool:
        """Whether a layer is yet to be built: on the first batch, or never, if it is not used."""
        return not all(layer.built for layer in within(self._model))

    def size(self) -> int:
        """The bytes that a state takes now."""
        return int(sum(_bytes(variable) for variable in self._all(sync_model(self._model))))

    def size_to_come(self) -> int:
        """The bytes that a state will take once the optimizer is built, as far as that is known."""
        total, optimizer = self.size(), getattr(self._model, "optimizer", None)
        if optimizer is not None and not optimizer.built and self.ready:
            with contextlib.suppress(Unknown):
                total += bytes_to_come(optimizer, list(self._model.trainable_variables))
        return total

    def copy(self) -> ModelState:
        """The state now."""
        known = {id(variable): variable for variable in self._all(sync_model(self._model))}
        several = (part for variable in known.values() for part in per_device_variables(variable))
        return ModelState(
            [(part, np.array(keras.ops.convert_to_numpy(part))) for part in several], known, random_state()
        )

    def lacking(self, state: ModelState) -> list[str]:
        """The weights and statistics that came after ``state``: it cannot put them back."""
        return [_name(variable) for variable in self._of_model(self._model) if not state.holds(variable)]

    def put_back(self, state: ModelState) -> Restored:
        """Put everything to where it was.

        What optimizers made since gets the values that Keras would give it there: on a snapshot from before the first
        batch the moments begin at 0. What was set aside since is forgotten, so that it begins there too.
        """
        model = sync_model(self._model)
        for part, array in state.numbers:
            part.assign(array)
        done = Restored()
        for key, variable in list(self._slot_cache.items()):
            if state.holds(variable):
                done.frozen += 1
            else:
                del self._slot_cache[key]
        done.left = self.lacking(state) + [_name(one) for one in shared_seeds() if not state.holds(one)]
        for optimizer in self._optimizers(model):
            newer = [one for one in self._of_optimizer(optimizer) if not state.holds(one)]
            begun, left = _begin(optimizer, newer)
            done.begun += begun
            done.left += left
        model.reset_metrics()
        set_random_state(state.random)
        return done

    # -- what there is ------------------------------------------------------------------------------------------------

    def _all(self, model: Any) -> Iterator[Any]:
        seen: set[int] = set()
        several = [self._of_optimizer(optimizer) for optimizer in self._optimizers(model)]
        for variables in (self._of_model(model), *several, self._slot_cache.values(), shared_seeds()):
            for variable in variables:
                if id(variable) not in seen:
                    seen.add(id(variable))
                    yield variable

    def _of_model(self, model: Any) -> list[Any]:
        metrics = {id(variable) for variable in model.metrics_variables}
        every = {id(variable): variable for variable in [*model.variables, *loose(model)]}
        return [one for key, one in every.items() if key not in metrics and not self._ours(one)]

    @staticmethod
    def _optimizers(model: Any) -> list[Any]:
        return [each for optimizer in model_optimizers(model).values() for each in wrapped_optimizers(optimizer)]

    def _of_optimizer(self, optimizer: Any) -> list[Any]:
        """Its own variables, without those of optimizers in it. A learning rate is a control and stays as it is."""
        rate = learning_rate_of(optimizer)
        return [one for one in own_variables(optimizer) if one is not rate and not self._ours(one)]


def loose(model: Any) -> list[Any]:
    """The variables that layers hold in attributes, whether Keras lists them or not.

    It does not list the states of a stateful recurrent layer, nor TensorFlow's own variables.
    """
    return [one for layer in within(model) for value in vars(layer).values() for one in _variables_in(value, 2)]


def _variables_in(value: Any, depth: int) -> Iterator[Any]:
    if isinstance(value, keras.Variable) or (callable(getattr(value, "assign", None)) and hasattr(value, "dtype")):
        yield value
    elif depth and isinstance(value, (list, tuple, dict)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _variables_in(one, depth - 1)


def _begin(optimizer: Any, newer: list[Any]) -> tuple[int, list[str]]:
    """Give variables the values that the optimizer begins with: how many, and the names of those that stay."""
    if not newer:
        return 0, []
    try:
        values = initial_values(optimizer)
    except Unknown:
        values = {}
    except Exception:  # an optimizer of the user's own making: what cannot be known is left, and the event names it
        log.warning("what %s begins with cannot be known", type(optimizer).__name__, exc_info=True)
        values = {}
    left = []
    for variable in newer:
        arrays = values.get(id(variable))
        if arrays is None:
            left.append(_name(variable))
            continue
        for part, array in zip(per_device_variables(variable), arrays, strict=True):
            part.assign(array)
    return len(newer) - len(left), left


def _finite(array: Array) -> bool:
    if array.dtype.kind == "V":  # bfloat16 and others that NumPy knows from a library only
        array = array.astype(np.float32)
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())


def _bytes(variable: Any) -> float:
    return float(math.prod(variable.shape) * bytes_of(variable.dtype) * len(per_device_variables(variable)))


def _name(variable: Any) -> str:
    return str(getattr(variable, "path", None) or getattr(variable, "name", "a variable"))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
