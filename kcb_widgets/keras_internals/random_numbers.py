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


def seed_that_was_set() -> int | None:
    """Return what ``keras.utils.set_random_seed`` was last given on this thread; None where it was not called there.

    Numbers may have been drawn since.

    Relies on: the name ``global_random_seed`` in ``keras.src.backend.common.global_state``, which later versions of
    Keras have (3.8 has not). Without it no run knows its seed.
    """
    try:
        from keras.src.backend.common import global_state

        seed = global_state.get_global_attribute("global_random_seed")
    except (ImportError, AttributeError):  # another version of Keras
        return None
    return seed if isinstance(seed, int) else None
