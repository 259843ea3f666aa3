"""Which ``CallbackList`` calls a hook: read from the stack of the own thread, never from another's."""

from __future__ import annotations

from types import FrameType
from typing import Any

MAX_FRAMES = 40  # frames: subclasses and decorators around a hook, and callbacks that hold callbacks


def calling_list(callback: Any, frame: FrameType | None) -> Any:
    """The nearest caller whose ``callbacks`` hold this callback.

    It is told by that list alone, so that a ``CallbackList`` of any Keras, or of the user's own, is found.

    Args:
        callback: The one that is called.
        frame: Where to begin; the search goes outward, to the call of ``fit``.

    Returns:
        Keras's ``CallbackList``, or what stands for it; None where the hook was called by hand.
    """
    for _ in range(MAX_FRAMES):
        if frame is None or frame.f_code.co_name == "fit":
            return None
        owner = _first_argument(frame)
        if owner is not callback and holds(owner, callback):
            return owner
        frame = frame.f_back
    return None


def is_calling(owner: Any, frame: FrameType | None) -> bool:
    """Whether a method of ``owner``, or of a list that it stands in, is under way on this thread."""
    while frame is not None:
        caller = _first_argument(frame)
        if caller is owner or holds(caller, owner):
            return True
        frame = frame.f_back
    return False


def holds(owner: Any, callback: Any) -> bool:
    """Whether ``owner`` has a list of callbacks with this one in it."""
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


def _first_argument(frame: FrameType) -> Any:
    code = frame.f_code
    return frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
