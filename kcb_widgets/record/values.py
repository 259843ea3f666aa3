"""Values: what is a flag, a number or a text, wherever it comes from; and any of them for a message and a browser."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Any, TypeGuard

log = logging.getLogger(__name__)

Value = float | bool | str | None

MAX_TEXT = 64
MAX_INTEGER = 2**53  # what a browser can hold


def python(value: object) -> Value:
    """A scalar as Python's own, whether of NumPy, a tensor, a variable or a subclass such as IntEnum.

    The kind of its dtype tells what it is: ``numpy.bool_`` is a flag and no number, ``numpy.int64`` is a whole number.
    Arrays count where they have no dimension.

    Raises:
        TypeError: It is no boolean, number or string.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value  # type: ignore[return-value]
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, str):
        return str.__str__(value)
    convert = _kind(value)
    if convert is not None:
        try:
            held = getattr(value, "value", value)  # what one of Keras's variables holds
            tensor = value if callable(held) else held
            detach = getattr(tensor, "detach", None)  # or torch warns of a gradient that would be lost
            return convert(detach() if callable(detach) else tensor)
        except Exception as error:  # a symbolic tensor, or one whose value is elsewhere
            msg = f"this tensor has no value that can be read here. Received: {shown(value)}"
            raise TypeError(msg) from error
    msg = f"this is no number, flag or string. Received: {shown(value)}"
    raise TypeError(msg)


def _kind(value: object) -> Callable[[Any], Value] | None:
    """What turns a scalar with a dtype into Python's own; None where it is no such scalar."""
    try:
        shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
        if shape is None or dtype is None or tuple(shape) != ():
            return None
        name = str(getattr(dtype, "name", dtype)).rpartition(".")[2]  # float32, torch.float32
    except Exception:  # a tensor whose shape is not known, say
        log.debug("A %s has no shape or dtype to read", type(value).__name__, exc_info=True)
        return None
    for prefix, convert in KINDS.items():
        if name.startswith(prefix):
            return convert
    return None


KINDS: dict[str, Callable[[Any], Value]] = {
    "bool": lambda value: bool(int(value)),  # Keras's variables refuse to be asked directly
    "int": int,
    "uint": int,
    "float": float,
    "bfloat": float,
    "str": str,
}
"""By how the name of a dtype begins; complex, quantized and time ones are no numbers of ours."""


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value of Python's own is a finite number; a flag is none."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)  # however huge, which no float would hold


def positive_integer(name: str, value: object) -> int:
    """A whole number from 1 as Python's own, whether it was Python's or NumPy's.

    Args:
        name: What it is called where it was given.
        value: The number.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is below 1.
    """
    try:
        known = python(value)
    except TypeError:
        known = None
    if isinstance(known, bool) or not isinstance(known, int):
        msg = f"{name} must be a whole number. Received: {shown(value)}"
        raise TypeError(msg)
    if known < 1:
        msg = f"{name} must be at least 1. Received: {shown(value)}"
        raise ValueError(msg)
    return known


def shown(value: object) -> str:
    """A value as it may stand in a message: short, whatever it is."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**18:
        return "a huge integer"
    try:
        text = repr(value)
    except Exception:  # it cannot say what it is
        log.debug("A %s cannot be shown", type(value).__name__, exc_info=True)
        text = f"a {type(value).__name__}"
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def plain(value: object, most: int = 500) -> Value:
    """Any value as JSON can carry it and a browser read it: no NaN, no huge integer, nothing that is no text.

    Args:
        value: Whatever was given to us.
        most: Characters of a text that are kept.
    """
    try:
        known = python(value)
    except TypeError:
        try:
            known = str(value)
        except Exception:
            log.debug("A %s cannot be written", type(value).__name__, exc_info=True)
            known = f"a {type(value).__name__}"
    if isinstance(known, float) and not math.isfinite(known):
        return str(known)
    if isinstance(known, int) and abs(known) > MAX_INTEGER:
        return shown(known)
    if isinstance(known, str):
        return known[:most].encode("utf-8", "replace").decode()  # half a surrogate pair is no text
    return known
