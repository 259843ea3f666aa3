"""What rooms above a run give it, such as its replay: by name, a function that imports them when it is first called.

A run is read in places that train nothing. So it may not import what trains, and that need not be there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

given: dict[str, Callable[..., Any]] = {}
"""The package's ``__init__`` fills it."""


def call(name: str, *args: Any, **options: Any) -> Any:
    """Call what was given under a name."""
    return given[name](*args, **options)
