"""Which ``CallbackList`` calls a hook: read from the stack of the own thread, never from another's."""

from __future__ import annotations

from types import FrameType
from typing import Any

from .frames import first_argument

MAX_FRAMES = 40  # frames: subclasses and decorators around a hook, and callbacks that hold callbacks


def calling_list(callback: Any, frame: FrameType | None) -> Any:
    """Return the nearest caller whose ``callbacks`` hold this callback.

    It is told by that list alone, so that a ``CallbackList`` of any Keras, or of the user's own, is found.

    Relies on: frames (``f_back``, ``f_code``), and that Keras's ``fit`` is called ``fit``. Without a list the fit's
    other callbacks have no cards, and a callback that is in the list twice is not noticed.

    Args:
        callback: The one that is called.
        frame: Where to begin; the search goes outward, to the call of ``fit``.

    Returns:
        Keras's ``CallbackList``, or what stands for it; None where the hook was called by hand.
    """
    for _ in range(MAX_FRAMES):
        if frame is None or frame.f_code.co_name == "fit":
            return None
        owner = first_argument(frame)
        if owner is not callback and holds(owner, callback):
            return owner
        frame = frame.f_back
    return None


def is_calling(owner: Any, frame: FrameType | None) -> bool:
    """Tell whether a method of ``owner``, or of a list that it stands in, is under way on this thread.

    Relies on: frames (``f_back``).
    """
    while frame is not None:
        caller = first_argument(frame)
        if caller is owner or holds(caller, owner):
            return True
        frame = frame.f_back
    return False


def holds(owner: Any, callback: Any) -> bool:
    """Tell whether ``owner`` has a list of callbacks with this one in it."""
    try:
        members = vars(owner).get("callbacks")  # not getattr: a property of a stranger's might do anything
    except TypeError:
        return False
    return isinstance(members, (list, tuple)) and any(one is callback for one in members)


def remove_repeats(owner: Any, callback: Any) -> int:
    """Leave one of the same callback in a list, so that each hook is called once.

    Keras walks through the list as this is called: only what comes later may go.

    Returns:
        How many were removed.
    """
    members = getattr(owner, "callbacks", None)
    if not isinstance(members, list):
        return 0
    places = [i for i, one in enumerate(members) if one is callback]
    for place in reversed(places[1:]):
        del members[place]
    return max(len(places) - 1, 0)


def model_of_list(callbacks: Any) -> Any:
    """Return the model that a ``CallbackList`` was given; None where it was given none.

    Relies on: ``CallbackList._model``. Without it the model that Keras named last is taken.
    """
    return getattr(callbacks, "__dict__", {}).get("_model")


def model_of_callback(callback: Any) -> Any:
    """Return the model that a callback was given, as it is; on JAX the public property first writes to it.

    Relies on: ``Callback._model``, which ``Callback.model`` reads.
    """
    return callback._model
