"""The random numbers that Keras draws where a layer gives no seed."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any


def shared_seeds() -> list[Any]:
    """Return the state of the random numbers that Keras draws where a layer gives no seed; it belongs to no model.

    Relies on: ``keras.src.backend.common.global_state``, and the name ``global_seed_generator`` in it. Without them a
    rollback does not put these random numbers back, and ``evaluate`` draws from them.
    """
    try:
        from keras.src.backend.common import global_state

        shared = global_state.get_global_attribute("global_seed_generator")
    except (ImportError, AttributeError):  # another version of Keras
        return []
    return [] if shared is None else [shared.state]


@contextlib.contextmanager
def shared_seeds_as_before() -> Iterator[None]:
    """Take back that the shared random numbers were begun meanwhile: the next draw begins them as it would have.

    Keras begins them at the first draw, with a seed from Python's ``random``. Those that were there before are the
    caller's to put back.

    Relies on: as ``shared_seeds``.
    """
    begun, python = bool(shared_seeds()), random.getstate()
    try:
        yield
    finally:
        if not begun and shared_seeds():
            from keras.src.backend.common import global_state

            global_state.set_global_attribute("global_seed_generator", None)
            random.setstate(python)
