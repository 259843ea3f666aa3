"""Attempt: one of several steps, contained by itself: what goes wrong in it takes none of the others with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..record.record import Record


def attempt(run: Record, where: str, step: Callable[..., Any], *args: Any) -> Any:
    """Call ``step``; an exception becomes an event, and training goes on with the next step.

    Args:
        run: Where the event goes.
        where: What the event names.
        step: What to call.
        *args: What to call it with.

    Returns:
        What ``step`` returns; None where it failed.
    """
    try:
        return step(*args)
    except Exception as error:
        run.failed(where, error)
        return None
