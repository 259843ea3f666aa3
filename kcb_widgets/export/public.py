"""Takes out of a run what could tell who made it, so that it can be shown to anybody."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from ..record.portable import flat
from ..record.record import Record

if TYPE_CHECKING:
    from ..record import wire

NUMBERS = ("model.", "optimizer.", "fit.", "data.", "seed")  # settings whose numbers and flags stay
TEXTS = ("versions.", "backend", "model.dtype_policy", "imported.from")  # and those whose texts do
SOURCES = ("board", "python", "policy", "guard", "replay", "keras", "monitor", "import", "")


def strip(run: Record) -> list[str]:
    """Take out what could tell who made a run.

    Numbers stay: epochs, batches, what controls were set to. So do the names of metrics and controls.

    Args:
        run: The run; it is changed.

    Returns:
        What was taken out, in words.
    """
    run.picture = None  # its title is the run's name
    told = ["the source code"] if "source" in run.texts else []
    for name in ("name", "notes", "message", "tags", "config", "texts"):
        if getattr(run, name):
            told.append(name)
            setattr(run, name, type(getattr(run, name))())
    settings = flat(run.settings, 100_000)
    kept = {name: value for name, value in settings.items() if _stays(name, value)}
    if len(kept) < len(settings):
        told.append(f"{len(settings) - len(kept)} of {len(settings)} settings")
    run.settings = kept
    events = [_bare(event) for event in run.events_list]
    changed = sum(one != other for one, other in zip(events, run.events_list, strict=True))
    if changed:
        told.append(f"the texts of {changed} events")
    run.events_list = events
    texts = sum(isinstance(value, str) for _, row in run.epoch_rows for value in row.values())
    if texts:
        told.append(f"{texts} texts among the metrics")
    run.epoch_rows = [(epoch, {k: v for k, v in row.items() if _number(v)}) for epoch, row in run.epoch_rows]
    run.params = {name: value for name, value in run.params.items() if value is None or _number(value)}
    return told + _strip_panels(run)


def _strip_panels(run: Record) -> list[str]:
    """Take texts out of what only boards show: the cards of callbacks, and choices among a user's own words."""
    told = []
    cards = [_bare_card(card, number) for number, card in enumerate(run.cards, 1)]
    changed = sum(one != other for one, other in zip(cards, run.cards, strict=True))
    if changed:
        told.append(f"the texts of {changed} callbacks")
    run.cards = cards
    controls = [cast("wire.Control", {**each, "value": None, "choices": []}) if _own_words(each) else each
                for each in run.controls]  # fmt: skip
    changed = sum(one != other for one, other in zip(controls, run.controls, strict=True))
    if changed:
        told.append(f"the choices of {changed} controls")
    run.controls = controls
    run.command_results.clear()
    return told


def _own_words(control: wire.Control) -> bool:
    return control["group"] == "user" and isinstance(control["value"], str)


def _bare_card(card: wire.Card, number: int) -> wire.Card:
    """A callback's numbers; what is no callback of Keras's has a number for its name."""
    named = {} if card["known"] else {"id": f"callback {number}", "type": "callback"}
    facts = [fact for fact in card["facts"] if _number(fact["value"])]
    return cast("wire.Card", {**card, **named, "facts": facts, "says": "", "printed": "", "error": None, "files": []})


def _stays(name: str, value: Any) -> bool:
    return name.startswith(TEXTS) or (name.startswith(NUMBERS) and _number(value))


def _number(value: Any) -> bool:
    return isinstance(value, (bool, int, float))


def _bare(event: Any) -> Any:
    old, new = (value if value is None or _number(value) else None for value in (event.old, event.new))
    source = event.source if event.source in SOURCES else "callback"
    return replace(event, old=old, new=new, message="", source=source)
