"""Rows: the table of a comparison, as plain JSON, with only the settings that differ."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...record.directions import direction_of
from ...record.values import plain
from ...store.about import flat
from ...store.encoding import to_json
from ..payload import clean
from .colours import style_of
from .members import Member

MAX_SETTINGS = 30  # columns
MAX_TEXT = 200


def settings_of(member: Member) -> dict[str, Any]:
    """A run's settings by dotted names: those that its user gave first."""
    config = {f"config.{name}": value for name, value in flat(member.row["config"]).items()}
    return config | flat(member.row["settings"])


def differing(members: Iterable[Member]) -> list[str]:
    """The settings that are not the same in all runs; first those that somebody gave, then what most runs have."""
    values: dict[str, dict[str, int]] = {}
    every = [settings_of(member) for member in members]
    for settings in every:
        for name, value in settings.items():
            counted = values.setdefault(name, {})
            key = to_json(plain(value))
            counted[key] = counted.get(key, 0) + 1
    found = [name for name, counted in values.items() if len(counted) > 1 or sum(counted.values()) < len(every)]
    return sorted(found, key=lambda name: (not name.startswith("config."), -sum(values[name].values())))[:MAX_SETTINGS]


def table(members: list[Member]) -> dict[str, Any]:
    """What the browser makes the table of."""
    settings = differing(members)
    names = metric_names(members)
    rows = []
    for member in members:
        row, own = member.row, settings_of(member)
        style = style_of(member.id)
        rows.append({
            "id": member.id,
            "name": _short(row["name"]),
            "status": row["status"],
            "message": _short(row["message"]),
            "tags": [_short(tag) for tag in row["tags"]],
            "notes": _short(row["notes"]),
            "started": row["started"],
            "duration": row["duration"],
            "epochs": row["epochs"],
            "step": row["step"],
            "steered": row["steered"],
            "metrics": row["metrics"],
            "settings": [plain(own.get(name), MAX_TEXT) for name in settings],
            "colour": style.colour,
            "dashes": list(style.dashes),
            "file": bool(row["path"]),
            "live": not member.over,
        })  # fmt: skip
    return {"settings": settings, "metrics": names, "rows": clean(rows)}


def metric_names(members: Iterable[Member]) -> list[dict[str, Any]]:
    """The metrics that any run has at the ends of its epochs, without those of validation, and which way is better."""
    names = dict.fromkeys(name for member in members for name in member.row["metrics"])
    base = dict.fromkeys(name.removeprefix("val_") for name in names)
    return [{"name": name, "direction": direction_of(name), "validation": f"val_{name}" in names} for name in base]


def _short(text: Any) -> str:
    return str(plain(text, MAX_TEXT))
