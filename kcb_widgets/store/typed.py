"""Whether a plain value is what a type says: what was read from a file is checked so before anybody uses it."""

from __future__ import annotations

import functools
import math
import types
from typing import (
    Any,
    Literal,
    NotRequired,
    Required,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from .encoding import Damaged

T = TypeVar("T")
EXACT = 2**53  # whole numbers below it are exact as floats
MAX_INTEGER = 2**63


@functools.cache
def _fields(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def conforms(value: Any, kind: Any) -> bool:
    """Whether ``value`` is of type ``kind``.

    Args:
        value: Of flags, numbers, texts, None, lists and dicts.
        kind: A TypedDict, ``list[...]``, ``dict[...]``, a Literal, a union, or one of Python's own. A whole number
            passes for a float; a flag passes for nothing else.
    """
    origin = get_origin(kind)
    if kind is Any:
        return True
    if is_typeddict(kind):
        return isinstance(value, dict) and _has_fields(value, _fields(kind))
    if origin in (Union, types.UnionType):
        return any(conforms(value, each) for each in get_args(kind))
    if origin is Literal:
        return any(value == each and type(value) is type(each) for each in get_args(kind))
    if origin is list:
        (of,) = get_args(kind)
        return isinstance(value, list) and all(conforms(each, of) for each in value)
    if origin is dict:
        _, of = get_args(kind)
        return isinstance(value, dict) and all(conforms(each, of) for each in value.values())
    if kind is None or kind is types.NoneType:
        return value is None
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    if kind is float:
        return isinstance(value, float) or (isinstance(value, int) and abs(value) < 1e308)
    if kind is int:
        return isinstance(value, int) and abs(value) < MAX_INTEGER
    return isinstance(value, kind)


def _has_fields(value: dict[str, Any], fields: dict[str, Any]) -> bool:
    for name, kind in fields.items():
        if get_origin(kind) in (NotRequired, Required):
            needed = get_origin(kind) is Required
            (kind,) = get_args(kind)
        else:
            needed = True
        if name not in value:
            if needed:
                return False
        elif not conforms(value[name], kind):
            return False
    return True


def either(value: Any, kind: Any, otherwise: T) -> T:
    """The value where it is of type ``kind``, else ``otherwise``."""
    return value if conforms(value, kind) else otherwise


def those(values: Any, kind: Any, most: int = 100_000) -> list[Any]:
    """Those of a list that are of type ``kind``."""
    return [each for each in values[:most] if conforms(each, kind)] if isinstance(values, list) else []


def whole(value: Any) -> int:
    """A whole number from 0, such as a step or a row.

    Raises:
        Damaged: It is none.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < EXACT:
        raise Damaged(f"{str(value)[:50]!r} is no whole number")
    return value


def number(value: Any) -> float:
    """A finite number.

    Raises:
        Damaged: It is none.
    """
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        raise Damaged(f"{str(value)[:50]!r} is no number")
    return float(value)


def text(value: Any, most: int = 10_000) -> str:
    """A text.

    Raises:
        Damaged: It is none, or is longer than ``most``.
    """
    if not isinstance(value, str) or len(value) > most:
        raise Damaged(f"{str(value)[:50]!r} is no text of up to {most} letters")
    return value
