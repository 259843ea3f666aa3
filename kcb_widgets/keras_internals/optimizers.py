"""What Keras's optimizers hold under private names: learning rate, iterations, variables, and how they track them.

Functions that write are for ``steering/`` alone.
"""

from __future__ import annotations

import contextlib
from typing import Any


def learning_rate_of(optimizer: Any) -> Any:
    """Return a learning rate as it is held: a variable, a schedule or a function; None where there is none.

    Relies on: ``Optimizer._learning_rate``, as the public property calls a schedule. Without it the learning rate is
    neither shown nor steered, and a rollback puts it back as well.
    """
    return getattr(optimizer, "_learning_rate", None)


def iterations_of(optimizer: Any) -> Any:
    """Return the variable that counts an optimizer's calls.

    It is not what ``iterations`` gives, which stays 0 while the first gradients are being accumulated.

    Relies on: ``Optimizer._iterations``. Without it an optimizer that takes no part in training is not marked so.
    """
    return optimizer._iterations


def own_variables(optimizer: Any) -> list[Any]:
    """Return an optimizer's own variables, without those of optimizers in it.

    Relies on: ``Optimizer._variables``. Without it all of its variables are returned.
    """
    own = getattr(optimizer, "_variables", None)
    return list(optimizer.variables if own is None else own)


def trained_weights(optimizer: Any) -> list[Any]:
    """Return the weights that an optimizer was built for, in their order.

    Relies on: ``Optimizer._trainable_variables``. Without it layers cannot be frozen.
    """
    return list(getattr(optimizer, "_trainable_variables", []))


def scope(optimizer: Any) -> Any:
    """Return the context for an optimizer's new variables: its distribution strategy's, where it has one.

    Relies on: ``_distribution_strategy`` of Keras's optimizers on TensorFlow. Without it a model on several devices
    cannot be steered, as TensorFlow refuses variables of one device.
    """
    strategy = getattr(optimizer, "_distribution_strategy", None)
    return contextlib.nullcontext() if strategy is None else strategy.scope()


# -- which variables are an optimizer's -------------------------------------------------------------------------------


def track(optimizer: Any, variables: list[Any]) -> None:
    """Have an optimizer hold these variables as its state, in this order.

    Relies on: ``Optimizer._tracker`` and ``_variables``, and the ``config`` and ``stored_ids`` of Keras's ``Tracker``.
    Without them no hyperparameter but the learning rate changes without a new trace, and no layer can be frozen.
    """
    tracker = optimizer._tracker
    # A new list, set as Keras's constructor does it, with no tracker yet: TensorFlow saves no list that lost an item.
    del optimizer._tracker
    optimizer._variables = list(variables)
    optimizer._tracker = tracker
    belongs, _ = tracker.config["variables"]
    tracker.config["variables"] = belongs, optimizer._variables
    tracker.stored_ids["variables"] = {id(variable) for variable in variables}


def untrack(optimizer: Any, variable: Any) -> None:
    """Have an optimizer forget one of its variables.

    Relies on: what ``track`` does.
    """
    track(optimizer, [kept for kept in optimizer._variables if kept is not variable])


def track_also(optimizer: Any, variable: Any) -> None:
    """Have an optimizer hold one more variable.

    Relies on: ``Optimizer._track_variable``. Without it a learning rate that follows a schedule cannot be changed.
    """
    optimizer._track_variable(variable)


def forget_dependency(optimizer: Any, name: str) -> None:
    """Have TensorFlow not save the object that an attribute holds; it would keep it as a dependency for ever.

    Relies on: ``_delete_tracking`` of TensorFlow's trackable objects. Without it a ``SavedModel`` holds our variables.
    """
    if hasattr(optimizer, "_delete_tracking"):
        optimizer._delete_tracking(name)


# -- momentum ---------------------------------------------------------------------------------------------------------


def has_no_momentum_slots(optimizer: Any) -> bool:
    """Tell whether an optimizer was built with a momentum of 0, so that it keeps none.

    Relies on: the attributes ``momentums`` of SGD and ``_momentums`` of RMSprop. Without them the answer is no.
    """
    slots = getattr(optimizer, "momentums", getattr(optimizer, "_momentums", None))
    return isinstance(slots, list) and not slots


def make_momentum(optimizer: Any) -> None:
    """SGD and RMSprop keep no momentum when built with 0; give them what ``build`` would have.

    Relies on: ``_tracker``, ``_trainable_variables`` and the attributes that ``has_no_momentum_slots`` names.
    """
    name = _momentum_name(optimizer)
    with scope(optimizer):
        optimizer._tracker.unlock()
        variables = optimizer._trainable_variables
        if hasattr(optimizer, "add_optimizer_variables"):
            slots = optimizer.add_optimizer_variables(variables, "momentum")
        else:  # Keras 3.8
            slots = [optimizer.add_variable_from_reference(variable, name="momentum") for variable in variables]
        setattr(optimizer, name, slots)


def forget_momentum(optimizer: Any) -> None:
    """Back at 0 the optimizer saves none, so what was made for it must go, or its checkpoints would not load.

    Relies on: the same as ``make_momentum``.
    """
    name = _momentum_name(optimizer)
    for slot in getattr(optimizer, name):
        untrack(optimizer, slot)
    setattr(optimizer, name, [])


def _momentum_name(optimizer: Any) -> str:
    return "momentums" if hasattr(optimizer, "momentums") else "_momentums"
