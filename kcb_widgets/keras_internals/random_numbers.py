"""The random numbers that Keras draws where a layer gives no seed."""

from __future__ import annotations

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
