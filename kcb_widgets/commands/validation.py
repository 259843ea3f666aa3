"""What comes from outside, typed and checked, before it becomes a command."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..record.formats import format_setting
from ..record.values import MAX_TEXT, Value, python, shown
from .command import Command
from .verbs import MAX_NAME, VERBS

MAX_LEARNING_RATE = 1e6


def check_value(name: object, value: object) -> tuple[str, Value]:
    """The command's name and value, typed; a control's own range is known to the control alone.

    Raises:
        TypeError: The value is of a kind that no control takes, or that this verb does not.
        ValueError: The name cannot be one, or the number is not finite or out of range.
    """
    if not isinstance(name, str) or not name or len(name) > MAX_NAME:
        msg = f"a command is named by a short string. Received: {shown(name)}"
        raise ValueError(msg)
    verb, is_rate = VERBS.get(name), name.endswith("learning_rate")
    try:
        known = python(value)
    except TypeError:
        if verb is not None:
            verb.check(name, value)  # says better what it takes
        kinds = "a number" if is_rate else "a number, True or False, a string or None"
        msg = f"{name} must be {kinds}. Received: {shown(value)}"
        raise TypeError(msg) from None
    if verb is not None:
        return name, verb.check(name, known)
    if known is None or isinstance(known, (bool, str)):
        if is_rate or (isinstance(known, str) and len(known) > MAX_TEXT):
            msg = f"{name} must be {'a number' if is_rate else 'a shorter string'}. Received: {shown(value)}"
            raise TypeError(msg)
        return name, known
    try:
        number = float(known)
    except OverflowError:
        number = math.inf
    least, most = (0.0, MAX_LEARNING_RATE) if is_rate else (-math.inf, math.inf)
    if not math.isfinite(number) or not least <= number <= most:
        limits = f" from 0 to {format_setting(MAX_LEARNING_RATE)}" if is_rate else ""
        msg = f"{name} must be a finite number{limits}. Received: {shown(value)}"
        raise ValueError(msg)
    return name, known


def text(value: object) -> str:
    """A short string from outside, or an empty one."""
    return value[:MAX_TEXT] if isinstance(value, str) else ""


def parse(content: Mapping[str, Any], sent: float) -> Command:
    """A command as the browser sent it.

    Args:
        content: What it sent.
        sent: When, ``time.time()``.

    Raises:
        TypeError, ValueError: It is not one we know, or its value cannot be.
    """
    name, value = check_value(content.get("name"), content.get("value"))
    return Command(name, value, source="board", id=text(content.get("id")), requested=sent)
