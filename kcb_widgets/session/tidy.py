"""Makes what was found of a run's settings fit to be kept: short, plain for JSON, and without what is private."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..record.events import first_line
from ..record.privacy import without_folders, without_private
from ..record.values import python

log = logging.getLogger(__name__)

MAX_LEAVES = 200  # values in all
MAX_TEXT = 500
MAX_LIST = 100
MAX_DEPTH = 6  # dictionaries and lists within each other; a list of numbers is no further step
MAX_READ = 10_000  # characters of a text that are looked at
MAX_WHY = 200
MAX_INTEGER = 2**63 - 1

ABSENT = object()
"""What a look gives that finds nothing: it is left out, and nothing is missing."""


class Looks:
    """Looks at what belongs to the user, each apart: what fails is left out, and said.

    Attributes:
        missing: A line for each look that failed.
    """

    def __init__(self) -> None:
        self.missing: list[str] = []

    def one(self, what: str, look: Callable[[], Any], default: Any = ABSENT) -> Any:
        """What a look gives; ``default`` where it fails.

        Args:
            what: What it looks for, in the words of the settings.
            look: The look.
            default: What stands for it.
        """
        try:
            return look()
        except Exception as error:
            log.debug("%s is not known", what, exc_info=True)
            self.missing.append(f"{what}: {shared_text(first_line(error), MAX_WHY)}")
            return default

    def each(self, part: str, looks: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
        """What several looks give, by name, without those that fail or find nothing."""
        found = {name: self.one(f"{part}.{name}" if part else name, look) for name, look in looks.items()}
        return {name: value for name, value in found.items() if value is not ABSENT}


class Tidy:
    """Turns anything into what JSON can hold, until there are enough values.

    Arrays and strange objects become the name of their type; functions and classes become their own. What Keras has
    made a configuration of an object becomes ``{"type": ..., **configuration}``.

    Args:
        most: How many values there may be in all.

    Attributes:
        cut: Whether something had to be left out.
    """

    def __init__(self, most: int = MAX_LEAVES) -> None:
        self._left = most
        self.cut = False

    def value(self, value: Any, depth: int = 1) -> Any:
        """The value as JSON can hold it.

        Args:
            value: Anything.
            depth: How many dictionaries and lists it stands in.
        """
        try:
            if isinstance(value, Mapping):
                return self._mapping(value, depth)
            if isinstance(value, (list, tuple)):
                return self._list(value, depth)
            self._left -= 1
            return leaf(value)
        except Exception:  # it is not as its class promises
            log.debug("A %s cannot be kept", type(value).__name__, exc_info=True)
            return type(value).__name__

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> Any:
        name, config = value.get("class_name"), value.get("config")
        if isinstance(name, str) and "config" in value:
            if not isinstance(config, Mapping) or name == "__lambda__":  # a function: its code is the user's
                return self.value("<lambda>" if name == "__lambda__" else config, depth)
            value = {"type": name, **config}
        if depth >= MAX_DEPTH or not value:
            self._left -= 1
            return type(value).__name__ if value else {}
        kept: dict[str, Any] = {}
        for i, (key, one) in enumerate(value.items()):
            if i >= MAX_LIST or self._left <= 0:
                self.cut = True
                break
            kept[str(leaf(key))] = self.value(one, depth + 1)
        return kept

    def _list(self, value: Sequence[Any], depth: int) -> Any:
        plain = all(one is None or isinstance(one, (bool, int, float, str)) for one in value[:MAX_LIST])
        if (depth >= MAX_DEPTH and not plain) or not value:
            self._left -= 1
            return type(value).__name__ if value else []
        kept: list[Any] = []
        for one in value[:MAX_LIST]:
            if self._left <= 0:
                break
            kept.append(self.value(one, depth + 1))
        self.cut = self.cut or len(kept) < len(value)
        return kept


def leaf(value: Any) -> Any:
    """A number, a flag, a text or None as Python's own; of anything else a name."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    try:
        known = python(value)
    except TypeError:
        named = isinstance(value, type) or callable(value)
        name = getattr(value, "__name__", None) if named else None
        return shared_text(name if isinstance(name, str) else type(value).__name__)
    if isinstance(known, str):
        return shared_text(known)
    return "a huge integer" if isinstance(known, int) and abs(known) > MAX_INTEGER else known


def shared_text(text: str, most: int = MAX_TEXT) -> str:
    """A text without what is private; ``/home/ann/best.keras`` becomes ``best.keras``.

    Args:
        text: The user's.
        most: How long it may be.
    """
    kept = without_private(without_folders(text[:MAX_READ]))
    kept = kept if len(kept) <= most else kept[: most - 1] + "…"
    return kept.encode("utf-8", "replace").decode()  # half a surrogate pair is no text
