"""A comparison's page: its table, and the thinned curves of its runs, from which it draws what is chosen there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from ...export.whole_file import whole
from ...record.portable import private, text
from ...store.differences import differing, settings_of
from ..comparison import axes, groups, rows
from ..comparison.choices import Choices
from ..comparison.colours import style_of
from ..comparison.markers import ALIGN
from ..comparison.members import Member
from ..comparison.scales import Scale
from ..payload import clean
from . import placing
from .document import document, dumped, packed
from .packed_curves import MOST, PackedCurves

MAX_BYTES = 4_000_000  # of the file
MAX_TABLE = 1_200_000  # of these the table
MAX_GROUPS = 300_000  # and what runs are put together by
MAX_COLOURS = 200_000  # and what they are coloured by
MAX_SHARED = 20_000  # and the settings that all of them have
ENOUGH = 120  # points of a curve: it is thinned no more for the sake of other metrics
MARGIN = 20_000  # for what is said of what was left out
EDIT = "This page is a copy: a run is edited, and deleted, where it is kept"


def to_html(members: Sequence[Member], choices: Choices, path: str | PathLike[str]) -> Path:
    """See ``Comparison.to_html``."""
    made = page(members, choices)
    with whole(path) as part:
        part.write_text(made, encoding="utf-8", newline="\n")
    return Path(path)


def page(members: Sequence[Member], choices: Choices) -> str:
    """The text of the page.

    Args:
        members: The runs, the newest first.
        choices: What it shows at first.
    """
    table, listed = _table(list(members), choices)
    together = _together(listed, choices, table["settings"])
    colours = _colours(listed, choices, table["settings"])
    places = placing.places(listed)
    aligns = list(ALIGN) if any(each["origins"] for each in places.values()) or not places else []
    limits: dict[str, Any] = {"groups": list(together), "colours": list(colours), "aligns": aligns, "edit": EDIT}
    data: dict[str, Any] = {
        "chosen": _chosen(choices, listed, limits), "table": table, "together": together, "colours": colours,
        "places": places, "words": placing.WORDS, "series": placing.names(listed),
        "shared": _shared(listed, table["settings"]),
    }  # fmt: skip
    title = f"{len(listed)} runs" if len(listed) != 1 else "1 run"
    room = MAX_BYTES - MARGIN - len(document("comparison", title, [], data).encode())
    metrics = [choices.metric, *(each["name"] for each in table["metrics"] if each["name"] != choices.metric)]
    most = MOST
    while True:
        curves = PackedCurves(room, most)
        without = curves.add_first(listed, metrics[0])
        there = [metrics[0], *(name for name in metrics[1:] if curves.add(listed, name))]
        if len(there) == len(metrics) or curves.most < 2 * ENOUGH:
            break
        most = curves.most // 2  # all metrics are worth more than one that is finer
    limits |= {"metrics": there, "runs": without}
    data |= {"curves": curves.described, "bytes": packed(curves.raw), "limits": limits}
    said = _said(members, listed, metrics, there, without, curves.thinned)
    if axes.series_of(choices.x) is not None:
        said.append("Its curves were drawn by a series; in this page they are by step.")
    return document("comparison", title, said, data)


def _said(
    members: Sequence[Member], listed: Sequence[Member], metrics: list[str], there: list[str], without: list[str],
    thinned: int,
) -> list[str]:  # fmt: skip
    """What stands under the title."""
    said = ["A copy of a comparison: what is drawn can be chosen here, and rows sorted and filtered."]
    if thinned:
        said.append(f"Of each curve there are at most {thinned} points: means of neighbours.")
    left_out = []
    if len(listed) < len(members):
        left_out.append(f"the oldest {len(members) - len(listed)} of {len(members)} runs")
    if without:
        left_out.append(f"the curves of {len(without)} runs")
    if len(there) < len(metrics):
        left_out.append(f"the curves of {len(metrics) - len(there)} of {len(metrics)} metrics")
    if left_out:
        said.append(f"Left out, for its size: {', '.join(left_out)}.")
    return said


def _chosen(choices: Choices, listed: Sequence[Member], limits: Mapping[str, Any]) -> dict[str, Any]:
    """What is shown at first, of what there is."""
    ids = {member.id for member in listed}
    sent = choices.sent()
    for name in ("shown", "hidden"):
        if sent[name] is not None:
            sent[name] = [each for each in sent[name] if each in ids]
    for name, known in (("group", "groups"), ("colour", "colours"), ("align", "aligns")):
        if sent[name] not in limits[known]:
            sent[name] = None
    if axes.series_of(choices.x) is not None:
        sent["x"] = Choices.x
    sent["brush"] = {axis: private(clean(parts)) for axis, parts in sent["brush"].items()}  # as values in the table are
    return sent


def _table(members: list[Member], choices: Choices) -> tuple[dict[str, Any], list[Member]]:
    """The table in a size that the page has room for, and the runs in it."""
    listed = members
    while True:
        table: dict[str, Any] = {"kind": "table", "left_out": 0, **rows.table(listed)}
        for row in table["rows"]:
            _without_private(row)
        if len(dumped(table)) > MAX_TABLE:
            wanted = {choices.metric, f"val_{choices.metric}"}
            for row in table["rows"]:
                row["metrics"] = {name: of for name, of in row["metrics"].items() if name in wanted}
        if len(dumped(table)) <= MAX_TABLE or len(listed) <= 1:
            return table, listed
        listed = listed[: len(listed) // 2]


def _without_private(row: dict[str, Any]) -> None:
    """Take out of a row of the table what tells who and where it was, and what only a kernel does."""
    for name in ("name", "message", "notes"):
        row[name] = text(row[name])
    row["tags"] = [text(tag) for tag in row["tags"]]
    row["settings"] = [text(value) if isinstance(value, str) else value for value in row["settings"]]
    row["file"] = row["live"] = False


def _together(members: Sequence[Member], choices: Choices, settings: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What runs can be put together by: for each the groups and how they are drawn, and the group of each run."""
    found: dict[str, dict[str, Any]] = {}
    room = MAX_GROUPS
    first = [choices.group] if choices.group else []
    for by in dict.fromkeys([*first, "name", "tags", *settings]):
        keys = [groups.key_of(member, by) for member in members]
        numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
        drawn = [{"key": text(key), "colour": style.colour, "dashes": list(style.dashes)}
                 for key, style in ((key, style_of(f"{by}={key}")) for key in numbers)]  # fmt: skip
        made = {"groups": drawn, "of": [numbers[key] for key in keys]}
        size = len(dumped(made))
        if size <= room:
            found[by] = made
            room -= size
    return found


def _colours(members: Sequence[Member], choices: Choices, settings: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What runs can be coloured by: for each setting what its colours stand for, and the colour of each run."""
    found: dict[str, dict[str, Any]] = {}
    room = MAX_COLOURS
    first = [choices.colour] if choices.colour is not None and choices.colour in settings else []
    for setting in dict.fromkeys([*first, *settings]):
        scale = Scale(members, setting)
        of = [scale.colour(member.id) for member in members]
        numbers = {colour: number for number, colour in enumerate(dict.fromkeys(of))}
        made = {
            "legend": private(clean(scale.legend())),
            "colours": list(numbers),
            "of": [numbers[colour] for colour in of],
        }
        size = len(dumped(made))
        if size <= room:
            found[setting] = made
            room -= size
    return found


def _shared(members: Sequence[Member], settings: Sequence[str]) -> dict[str, Any]:
    """The settings that are the same in all runs, which the table leaves out."""
    every = [settings_of(member.row) for member in members]
    other = {*settings, *differing(every)}
    same = {name: value for name, value in (every[0] if every else {}).items() if name not in other}
    found, size = dict[str, Any](), 0
    for name, value in private(clean(same)).items():
        size += len(dumped({name: value}))
        if size > MAX_SHARED:
            break
        found[name] = value
    return found
