"""Rows: the table of a comparison, as plain JSON, with only the settings that differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from ...record.directions import direction_of
from ...record.values import plain
from ...store.differences import differing, settings_of
from ..payload import clean
from . import groups
from .colours import style_of
from .members import Member
from .scales import Scale

MAX_SETTINGS = 30  # columns
MAX_TEXT = 200


def table(members: list[Member], scale: Scale | None = None, group: str | None = None) -> dict[str, Any]:
    """What the browser makes the table of.

    Args:
        members: The runs.
        scale: Their colours; None: each run has its own.
        group: What they are put together by.
    """
    scale = scale or Scale(members)
    every = [settings_of(member.row) for member in members]
    have = Counter(name for own in every for name in own)
    # Those that somebody gave come first; then what most runs have.
    settings = sorted(differing(every), key=lambda name: (not name.startswith("config."), -have[name]))[:MAX_SETTINGS]
    names = metric_names(members)
    rows = []
    for member, own in zip(members, every, strict=True):
        row = member.row
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
            "colour": scale.colour(member.id),
            "dashes": list(style_of(member.id).dashes),
            "group": None if group is None else groups.key_of(member, group),
            "file": bool(row["path"]),
            "live": not member.over,
        })  # fmt: skip
    return {"settings": settings, "metrics": names, "rows": clean(rows), "legend": clean(scale.legend())}


def metric_names(members: Iterable[Member]) -> list[dict[str, Any]]:
    """The metrics that any run has at the ends of its epochs, without those of validation, and which way is better."""
    names = dict.fromkeys(name for member in members for name in member.row["metrics"])
    base = dict.fromkeys(name.removeprefix("val_") for name in names)
    return [{"name": name, "direction": direction_of(name), "validation": f"val_{name}" in names} for name in base]


def _short(text: Any) -> str:
    return str(plain(text, MAX_TEXT))
