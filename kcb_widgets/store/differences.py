"""Which settings of some runs differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..record.portable import flat, strict_json
from ..record.values import plain


def settings_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """A run's settings by dotted names, those that its user gave first.

    Args:
        row: One of ``listing.read``.
    """
    return {f"config.{name}": value for name, value in flat(row["config"]).items()} | flat(row["settings"])


def differing(settings: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of settings that are not the same in all runs; those that somebody gave first.

    Args:
        settings: Of each run; see ``settings_of``.
    """
    every = [{name: strict_json(plain(value)) for name, value in each.items()} for each in settings]
    names = dict.fromkeys(name for each in every for name in each)
    found = [name for name in names if len({each.get(name) for each in every}) > 1]
    return sorted(found, key=lambda name: not name.startswith("config."))
