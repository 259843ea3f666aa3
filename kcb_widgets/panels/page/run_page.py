"""A run's page: the board as it is when the run is over, with finer pictures to zoom into, in a bounded size."""

from __future__ import annotations

from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any

from ...export.whole_file import whole
from ...record.portable import flat, private, text
from ...record.record import OVER, Record
from .. import payload
from ..lazy_panels import MODULES
from ..series_encoder import SeriesEncoder
from .document import document, dumped, packed

MAX_BYTES = 1_000_000  # of the file
MAX_TRAITS = 250_000  # of these the words and numbers beside the curves
MAX_ABOUT = 40_000  # and the table under them
TEXTS = (10_000, 1000, 200)  # characters that texts are cut to until they fit
LISTS = ("events", "callbacks", "controls")
BUCKETS = (512, 256, 128, 64, 32)
FINEST = 16_384  # buckets of a level
STEP = 4  # a level has so many times the buckets of the one before
WORTH = 1.5  # times the size of the whole picture: what is less is no finer
COPY = "This page is a copy of the run"
TRAINING = "it was still training when this page was written"


def to_html(run: Record, path: str | PathLike[str]) -> Path:
    """See ``Run.to_html``."""
    made = page(run)
    with whole(path) as part:
        part.write_text(made, encoding="utf-8", newline="\n")
    return Path(path)


def page(run: Record) -> str:
    """The text of the page."""
    traits, left_out = _bounded(_traits(run))
    title = text(run.name or run.title)
    said = ["A copy of a run: its curves can be zoomed, hidden and saved. Nothing can be steered."]
    if run.status not in OVER:
        said.append(f"{TRAINING[0].upper()}{TRAINING[1:]}.")
    if left_out:
        said.append(f"Left out, for its size: {', '.join(left_out)}.")
    about = _about(run)
    empty = document("board", title, said, {"traits": traits, "series": "", "levels": []}, about)
    series, levels = pictures(run, MAX_BYTES - len(empty.encode()))
    data = {"traits": traits, "series": packed(series), "levels": [packed(level) for level in levels]}
    return document("board", title, said, data, about)


def _traits(run: Record) -> dict[str, Any]:
    """What a board of this run would send, without what only a kernel makes use of."""
    state: dict[str, Any] = {
        **private(payload.clean(payload.state(run))),
        "kept": None,
        "group": None,  # the other fits are not in the page
        "undo": None,
        "stalled": None,
        "commands": [],
        "ticking": False,
        "remaining": None,
    }
    state["can"] = dict.fromkeys(state["can"], COPY)
    if run.status not in OVER:  # a board would offer to steer it
        state |= {"status": "interrupted", "message": TRAINING, "phase": ""}
    return {
        "board_id": run.id,
        "show": [name for name in payload.PANELS if name not in MODULES],  # nothing sends a module here
        "state": state,
        "controls": private(payload.controls(run)),
        "events": private(payload.events(run)),
        "callbacks": private(payload.clean(run.cards)),
        "hooks": private(payload.clean(run.hooks.describe(run.batch_table.rows))),
    }


def _bounded(traits: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The same in a size that the page has room for, and what was left out for it."""
    for most in TEXTS:
        if len(dumped(traits)) <= MAX_TRAITS:
            return traits, []
        traits = _shortened(traits, most)
    before = {name: len(traits[name]) for name in LISTS}
    while len(dumped(traits)) > MAX_TRAITS and any(traits[name] for name in LISTS):
        longest = max(LISTS, key=lambda name: len(dumped(traits[name])))
        kept = traits[longest]
        # The latest events are those that people look for.
        half = kept[-(len(kept) // 2) :] if longest == "events" and len(kept) > 1 else kept[: len(kept) // 2]
        traits = {**traits, longest: half}
    left_out = [
        f"{count - len(traits[name])} of {count} {name}" for name, count in before.items() if len(traits[name]) < count
    ]
    if left_out and len(dumped(traits["state"])) > MAX_TRAITS:
        traits["state"]["values"], traits["state"]["snapshots"] = {}, []
        left_out.append("the values of controls")
    return traits, left_out


def _shortened(value: Any, most: int) -> Any:
    if isinstance(value, dict):
        return {_shortened(key, most): _shortened(each, most) for key, each in value.items()}
    if isinstance(value, list):
        return [_shortened(each, most) for each in value]
    return value[: most - 1] + "…" if isinstance(value, str) and len(value) > most else value


def pictures(run: Record, room: int) -> tuple[bytes, list[bytes]]:
    """The whole run, and finer pictures of it from coarse to fine: as fine as there is room for.

    Args:
        run: The run.
        room: Bytes, of base64.
    """
    room = room * 3 // 4 - 1000  # three bytes are four letters
    series = b""
    for buckets in BUCKETS:
        series = SeriesEncoder(run, buckets, text).whole()
        if len(series) <= room:
            break
    room -= len(series)
    encoder, levels, points = SeriesEncoder(run), list[bytes](), FINEST
    while points > BUCKETS[0]:
        level = encoder.window(run.first_step, run.step, points)
        if len(level) > room:
            points //= 2
            continue
        if len(level) < WORTH * len(series):  # the run is short: it has no finer one
            break
        levels.insert(0, level)
        room, points = room - len(level), points // STEP
    return series, levels


def _about(run: Record) -> dict[str, Any]:
    """What people look for besides the curves."""
    found: dict[str, Any] = {"status": run.status, "message": text(run.message), "began": _when(run.started)}
    found |= {"seconds": f"{run.seconds:.1f}", "epochs": len(run.epoch_rows), "batches": run.batch_table.rows}
    if run.baseline is not None:
        found["compared with"] = text(run.baseline.name or run.baseline.title)
    found |= {"tags": ", ".join(map(text, run.tags)), "notes": text(run.notes)}
    found |= {f"config.{name}": value for name, value in flat(private(run.config)).items()}
    found |= flat(private(run.settings))
    kept, size = dict[str, Any](), 0
    for name, value in found.items():
        size += len(name) + len(str(value)[:1000])
        if size > MAX_ABOUT:
            break
        if value not in ("", None):
            kept[name] = value
    return kept


def _when(seconds: float) -> str:
    """A moment in words; empty where there is none such, as a file may say."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return ""
