"""An optimizer's slots, which are its variables for each weight: find them, build them again, build a copy.

Functions that write are for ``steering/`` alone.
"""

from __future__ import annotations

from typing import Any

import keras

from .optimizers import scope

AVERAGES = "_model_variables_moving_average"
"""The attribute in which ``Optimizer`` keeps the averages of weights, with ``use_ema``."""

NOT_SLOTS = ("_variables", "_trainable_variables")
OWN = ("_variables", "_tracker", "_trainable_variables", "_trainable_variables_indices", "built")
TRACKING = "_self_"  # where TensorFlow keeps what an object depends on


class Unknown(Exception):
    """What an optimizer begins with cannot be known; the text says why."""


def slots_of(attributes: dict[str, Any], count: int) -> dict[str, list[Any]]:
    """Find an optimizer's lists with one variable per weight, or None where a weight needs none.

    Relies on: Keras's optimizers holding slots in lists, in the order of the weights.

    Args:
        attributes: The optimizer's, by name.
        count: How many weights it was built for.
    """
    return {
        name: value
        for name, value in attributes.items()
        if name not in NOT_SLOTS and isinstance(value, list) and len(value) == count
        if any(isinstance(slot, keras.Variable) for slot in value)
        if all(slot is None or isinstance(slot, keras.Variable) for slot in value)
    }


def is_known(optimizer: Any) -> bool:
    """Tell whether an optimizer can be built again here.

    Relies on: ``_trainable_variables`` and ``_tracker``. This is the check of it too: without them layers cannot be
    frozen, and the controls say so.
    """
    return hasattr(optimizer, "_trainable_variables") and hasattr(optimizer, "_tracker")


def build_again(optimizer: Any, weights: list[Any]) -> None:
    """Have an optimizer make all of its slots anew, for these weights.

    Relies on: ``Optimizer.build`` filling ``_trainable_variables_indices``, and doing nothing else only once.
    """
    optimizer.built = False
    optimizer._trainable_variables_indices = {}
    with scope(optimizer):
        optimizer.build(list(weights))


def restore_attributes(optimizer: Any, attributes: dict[str, Any]) -> None:
    """Give an optimizer the attributes that it had; ``track`` gives it its variables.

    Relies on: the names ``_variables`` and ``_tracker``, which are left alone.
    """
    for name in vars(optimizer).keys() - attributes.keys():
        delattr(optimizer, name)
    for name, value in attributes.items():
        if vars(optimizer)[name] is not value and name not in ("_variables", "_tracker"):
            setattr(optimizer, name, value)


def twin(optimizer: Any) -> Any:
    """Make a copy of an optimizer that is not built; building it writes to nothing of the original's.

    Relies on: the private attributes in ``OWN``, the ``config`` of Keras's ``Tracker``, and ``_self_`` at the
    beginning of TensorFlow's own. Without them a rollback to a time before an optimizer was built leaves its variables
    as they are, and the event names them.

    Raises:
        Unknown: The optimizer holds others in a way that we do not know.
    """
    held = {name: value for name, value in vars(optimizer).items() if not name.startswith(TRACKING)}
    if getattr(optimizer, "optimizers", None) is not None or any(_holds_optimizers(value) for value in held.values()):
        msg = f"{type(optimizer).__name__} is made of several optimizers"
        raise Unknown(msg)
    tracker = held.get("_tracker")
    if tracker is None or "_trainable_variables" not in held:
        msg = f"{type(optimizer).__name__} is not built as Keras's optimizers are"
        raise Unknown(msg)
    copy: Any = object.__new__(type(optimizer))
    variables: list[Any] = []
    belongs, _ = tracker.config["variables"]
    # Not through setattr: a tracker would take the original's variables for the copy's own.
    vars(copy).update(
        {
            name: twin(value) if isinstance(value, keras.optimizers.Optimizer) else value
            for name, value in held.items()
            if name not in OWN
        },
        built=False,
        _variables=variables,
        _trainable_variables=[],
        _trainable_variables_indices={},
        _tracker=type(tracker)({"variables": (belongs, variables)}),
    )
    return copy


def _holds_optimizers(value: Any) -> bool:
    several = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple, set)) else ()
    return any(isinstance(one, keras.optimizers.Optimizer) for one in several)
