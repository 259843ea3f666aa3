"""Side by side: a few runs as columns, with how they ended, their settings and what was changed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ...record.portable import strict_json
from ...record.values import plain
from ...store.differences import settings_of
from ..payload import clean
from . import markers, picture
from .members import Member

if TYPE_CHECKING:
    import pandas as pd

MAX_RUNS = 10
MAX_ROWS = 500
MAX_CHANGES = 100  # of a run
MAX_TEXT = 200
ABOUT = ("status", "epochs", "step", "duration", "tags", "notes")


class Row(NamedTuple):
    """One fact of every run.

    Attributes:
        part: What it belongs to: ``run``, ``metrics``, ``settings`` or ``by hand``.
        name: What it is called.
        values: Of each run; None where it has none.
    """

    part: str
    name: str
    values: list[Any]

    @property
    def differs(self) -> bool:
        """Whether the runs differ in it."""
        return len({strict_json(plain(value)) for value in self.values}) > 1


def rows(members: Sequence[Member]) -> list[Row]:
    """What there is to say of some runs; metrics are those of their last and their best epochs."""
    found = [Row("run", name, [_text(member.row[name]) for member in members]) for name in ABOUT]
    metrics = dict.fromkeys(name for member in members for name in member.row["metrics"])
    for name in metrics:
        for part in ("last", "best"):
            values = [member.row["metrics"].get(name, {}).get(part) for member in members]
            if any(value is not None for value in values):
                found.append(Row("metrics", f"{part} {name}", values))
    settings = [settings_of(member.row) for member in members]
    for name in dict.fromkeys(name for each in settings for name in each):
        found.append(Row("settings", name, [_text(each.get(name)) for each in settings]))
    found += _by_hand(members)
    return found


def _by_hand(members: Sequence[Member]) -> list[Row]:
    """The first change of each run, the second, and so on."""
    every = []
    for member in members:
        run = picture.opened(member)
        every.append([markers.words(event) for event in markers.changes(run)[:MAX_CHANGES]] if run else [])
    most = max(map(len, every), default=0)
    return [
        Row("by hand", f"change {at + 1}", [each[at] if at < len(each) else None for each in every])
        for at in range(most)
    ]


def table(members: Sequence[Member]) -> dict[str, Any]:
    """What the browser makes the table of, as JSON."""
    some = members[:MAX_RUNS]
    made = [{"part": row.part, "name": row.name, "values": row.values, "differs": row.differs} for row in rows(some)]
    # What differs must not be cut off by what does not.
    made = sorted(made, key=lambda row: not row["differs"])[:MAX_ROWS] if len(made) > MAX_ROWS else made
    return {
        "runs": [{"id": member.id, "name": str(plain(member.row["name"], MAX_TEXT))} for member in some],
        "more": len(members) - len(some),
        "rows": clean(made),
    }


def frame(members: Sequence[Member], all_settings: bool) -> pd.DataFrame:
    """The same as a table, indexed by part and name; runs of the same name have their ids besides."""
    import pandas as pd

    some = members[:MAX_RUNS]
    names = [str(plain(member.row["name"], MAX_TEXT)) for member in some]
    columns = [
        f"{name} ({member.id})" if names.count(name) > 1 else name for name, member in zip(names, some, strict=True)
    ]
    kept = [row for row in rows(some) if all_settings or row.differs or row.part == "by hand"]
    index = pd.MultiIndex.from_tuples([(row.part, row.name) for row in kept], names=["part", "name"])
    return pd.DataFrame([row.values for row in kept], index=index, columns=columns, dtype=object)


def _text(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return ", ".join(map(str, value))
    return plain(value, MAX_TEXT)
