"""Rebuild an optimizer for another list of weights, in place, in the middle of ``fit``.

Keras builds an optimizer once, for the weights that train at that time. Others kill ``fit`` ("Unknown variable"), and
on JAX so do fewer. So it is built again for the new list, and then the state of every weight that trained before and
trains still is put back: the very same variables, not copies. The optimizer stays the user's own object, with its
name, its iterations, its learning rate, its exclusions from weight decay, and whatever stands in for its numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from ..keras_internals.layers import set_own_trainable, within
from ..keras_internals.models import accept_trainable_flags
from ..keras_internals.optimizer_slots import AVERAGES, build_again, is_known, restore_attributes, slots_of
from ..keras_internals.optimizers import own_variables, track, trained_weights
from .controls.control import Refused
from .controls.live_values import wrapped_optimizers

SlotCache = dict[tuple[int, str, int], Any]
"""State set aside, by the ids of the optimizer and the weight, and the name of the attribute it was in."""

OnRebuild = Callable[[Any, Any], None]


class TrainabilityManager:
    """What the flags of one model share: its optimizer, which must know every weight that trains.

    Args:
        model: The model that trains.
        on_rebuild: Called with the optimizer before and after.
        slot_cache: Where the state of weights that train no longer is put; snapshots hold it too.
    """

    def __init__(self, model: Any, on_rebuild: OnRebuild | None, slot_cache: SlotCache | None = None) -> None:
        self._model, self._on_rebuild = model, on_rebuild
        self._slots: SlotCache = {} if slot_cache is None else slot_cache
        self.reason = why_not(getattr(model, "optimizer", None)) or self._rivals()

    def update(self) -> int:
        """Fit the optimizer to what trains now.

        Returns:
            How much of its state is new.

        Raises:
            Refused: Nothing trains now, or the optimizer cannot be rebuilt.
        """
        model = self._model
        weights = list(model.trainable_variables)
        if not weights:
            msg = "nothing would be left to train"
            raise Refused(msg)
        ours = {id(variable) for variable in model.variables}
        known = trained_weights(model.optimizer)
        begun = rebuild_optimizer(model.optimizer, weights + [one for one in known if id(one) not in ours], self._slots)
        trace_evaluation_again(model)
        accept_trainable_flags(model)
        if self._on_rebuild is not None:
            self._on_rebuild(model.optimizer, model.optimizer)
        return begun

    def _rivals(self) -> str:
        others = [one for one in vars(self._model).values() if isinstance(one, keras.optimizers.Optimizer)]
        if all(one is self._model.optimizer for one in others):
            return ""
        return "the model has optimizers of its own besides the one it was compiled with"


class Flags:
    """What trains in a layer, down to each weight. Keras's own setter makes all that one."""

    def __init__(self, layer: Any) -> None:
        self._layers = [(one, one.trainable) for one in within(layer)]
        self._variables = [(one, one.trainable) for one in layer.weights]

    def restore(self) -> None:
        """Make it so again."""
        for one, flag in self._layers:
            set_own_trainable(one, flag)
        for one, flag in self._variables:
            one.trainable = flag


def trace_evaluation_again(model: Any) -> None:
    """Drop what Keras traced for ``evaluate`` and ``predict``; they make it again.

    The penalties in ``val_loss`` are baked in. And JAX hands weights over in two lists, of those that train and those
    that do not: a trace made for another split of the same shapes would take one weight for another.
    """
    model.test_function = model.predict_function = None


def why_not(optimizer: Any) -> str:
    """Why an optimizer cannot be rebuilt; empty when it can."""
    if optimizer is None:
        return "the model has no optimizer"
    if any(getattr(each, "optimizers", None) is not None for each in wrapped_optimizers(optimizer)):
        return "this optimizer is made of several, each with weights of its own"
    if not all(is_known(each) for each in wrapped_optimizers(optimizer)):
        return f"{type(optimizer).__name__} is not built as Keras's optimizers are"
    return ""


def rebuild_optimizer(optimizer: Any, weights: list[Any], slot_cache: SlotCache) -> int:
    """Have an optimizer train these weights and no others.

    Args:
        optimizer: The model's optimizer. One that Keras has yet to build is left to Keras.
        weights: The weights that train from now on, in the model's order.
        slot_cache: Where the state of weights that train no longer is put, and taken from when they do again.

    Returns:
        How many variables of its state are new, as on the first batch of a fit.

    Raises:
        Refused: It keeps state that belongs to no weight in particular. Nothing was changed then.
    """
    news = [_Rebuilt(each) for each in reversed(wrapped_optimizers(optimizer)) if each.built]  # the innermost first
    try:
        for new in news:
            new.build(weights, slot_cache)
    except BaseException:
        for new in news:
            new.undo()
        raise
    for new in news:
        new.set_aside(slot_cache)
    return sum(new.begun for new in news)


class _Rebuilt:
    """One optimizer, built again; it remembers how it was.

    Attributes:
        begun: How many variables of its state are new.
    """

    def __init__(self, optimizer: Any) -> None:
        self._optimizer = optimizer
        self._attributes = dict(vars(optimizer))
        self._variables = own_variables(optimizer)
        self._weights = trained_weights(optimizer)
        self._had = {
            (name, id(weight)): slot
            for name, slots in slots_of(self._attributes, len(self._weights)).items()
            for slot, weight in zip(slots, self._weights, strict=True)
        }
        self._taken: list[tuple[int, str, int]] = []
        self.begun = 0

    def build(self, weights: list[Any], slot_cache: SlotCache) -> None:
        """Build it for ``weights``, and put back what it had for them."""
        optimizer = self._optimizer
        build_again(optimizer, weights)
        before = {id(variable) for variable in self._variables}
        made = [variable for variable in own_variables(optimizer) if id(variable) not in before]
        instead = self._put_back_slots(weights, slot_cache) | self._put_back_others()
        if any(id(variable) not in instead for variable in made):
            msg = f"{type(optimizer).__name__} keeps state that cannot be told apart by weight"
            raise Refused(msg)
        gone = {id(slot) for slot in self._had.values()} | {id(kept) for kept in instead.values()}
        others = [variable for variable in self._variables if id(variable) not in gone]
        # In the order in which Keras makes them: a checkpoint knows them by their number.
        track(optimizer, others + [instead[id(variable)] for variable in made])

    def undo(self) -> None:
        """Make it what it was."""
        restore_attributes(self._optimizer, self._attributes)
        track(self._optimizer, self._variables)

    def set_aside(self, slot_cache: SlotCache) -> None:
        """Keep the state of the weights that train no longer, for when they do again."""
        for key in self._taken:
            del slot_cache[key]
        still = {id(weight) for weight in trained_weights(self._optimizer)}
        for (name, weight), slot in self._had.items():
            if weight not in still and slot is not None:
                slot_cache[id(self._optimizer), name, weight] = slot

    def _put_back_slots(self, weights: list[Any], slot_cache: SlotCache) -> dict[int, Any]:
        """Put back the state of single weights; says which variable came in place of which (by id)."""
        instead: dict[int, Any] = {}
        for name, made in slots_of(vars(self._optimizer), len(weights)).items():
            slots = [self._slot(name, slot, weight, slot_cache) for slot, weight in zip(made, weights, strict=True)]
            instead |= {id(slot): kept for slot, kept in zip(made, slots, strict=True) if slot is not None}
            setattr(self._optimizer, name, slots)
        return instead

    def _put_back_others(self) -> dict[int, Any]:
        """Put back what ``build`` makes once for all weights, as a loss scale."""
        instead: dict[int, Any] = {}
        for name, made in list(vars(self._optimizer).items()):
            kept = self._attributes.get(name)
            if kept is not made and isinstance(made, keras.Variable) and isinstance(kept, keras.Variable):
                instead[id(made)] = kept
                setattr(self._optimizer, name, kept)
        return instead

    def _slot(self, name: str, made: Any, weight: Any, slot_cache: SlotCache) -> Any:
        """The state that a weight goes on with: what it had, else what it once had, else what was made just now."""
        key = id(self._optimizer), name, id(weight)
        kept = self._had.get(key[1:])
        if made is None or kept is not None:
            return kept
        if key in slot_cache:
            self._taken.append(key)
            return slot_cache[key]
        self.begun += 1
        if name == AVERAGES:  # Keras lets an average begin at 0 and mends that on the very first batch only
            made.assign(keras.ops.copy(weight))  # on JAX two variables must not share a buffer
        return made
