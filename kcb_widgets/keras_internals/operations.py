"""Where Keras's operations are defined: ``keras.ops`` only names them."""

from __future__ import annotations

from typing import Any

OPERATIONS = "keras.src.ops"
"""The module in which they are; functions in it say so in their ``__module__``."""


def is_operation(value: Any) -> bool:
    """Tell whether a function is one of ``keras.ops``.

    Relies on: the name of the module. Without it what a user's schedule will give is not drawn ahead.
    """
    home = getattr(value, "__module__", None) or ""
    return home.startswith(f"{OPERATIONS}.")
