"""About: what is known of a run besides what happened in it: what people call it, and how it was set up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..record.portable import flat, private, strict_json
from ..record.privacy import without_private
from ..record.record import Record
from ..record.values import plain
from .rows import sealed

MAX_NAME = 200
MAX_NOTES = 100_000
MAX_TAGS = 100


@dataclass
class About:
    """What is known of a run besides what happened in it.

    Attributes:
        name: What it is called.
        tags: Words that people find it by.
        notes: A text.
        config: What the user set: any nested values.
        settings: How it was set up: model, optimizer, data, versions.
        texts: Long texts by name, such as the model's summary.
        late: Gives more settings, on the thread that writes: what may take a while.
    """

    name: str = ""
    tags: tuple[str, ...] = ()
    notes: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    late: Callable[[], Mapping[str, Any]] | None = None

    def row(self, run: Record) -> tuple[Any, ...]:
        """The row of ``about``, with its CRC: who changes a column makes it anew."""
        from . import liveness  # here: a Monitor checks its arguments with this file

        here = liveness.this_process()
        settings = dict(self.settings) | dict(self.late() if self.late is not None else {})
        return sealed(
            run.id, "about", 1, run.id, run.number, self.name, strict_json(list(self.tags)), self.notes,
            strict_json(private(self.config)), strict_json(flat(private(settings))),
            here.host, here.boot, here.process, here.started,
        )  # fmt: skip

    def documents(self) -> dict[str, Any]:
        """What is too long for the table of runs."""
        return {name: without_private(text) for name, text in self.texts.items()}


def check_name(name: object) -> str:
    """A run's name as it was given.

    Raises:
        TypeError: It is no text.
        ValueError: It is too long.
    """
    return _text("name", name, MAX_NAME)


def check_notes(notes: object) -> str:
    """A run's notes as they were given.

    Raises:
        TypeError: They are no text.
        ValueError: They are too long.
    """
    return _text("notes", notes, MAX_NOTES)


def check_tags(tags: object) -> tuple[str, ...]:
    """A run's tags as they were given.

    Raises:
        TypeError: They are no texts.
        ValueError: There are too many, or one is too long.
    """
    if isinstance(tags, str) or not isinstance(tags, Iterable):
        msg = f"tags must be texts. Received: {plain(tags)!r}"
        raise TypeError(msg)
    found = tuple(dict.fromkeys(_text("a tag", tag, MAX_NAME) for tag in tags))
    if len(found) > MAX_TAGS:
        msg = f"there may be {MAX_TAGS} tags. Received: {len(found)}"
        raise ValueError(msg)
    return found


def check_config(config: object) -> dict[str, Any]:
    """A user's settings as they were given; a copy that JSON can carry.

    Raises:
        TypeError: It is no mapping.
    """
    if config is None:
        return {}
    if not isinstance(config, Mapping):
        msg = f"config must be a dict. Received: {plain(config)!r}"
        raise TypeError(msg)
    made = private(config)
    assert isinstance(made, dict)
    return made


def _text(what: str, value: object, most: int) -> str:
    if not isinstance(value, str):
        msg = f"{what} must be a text. Received: {plain(value)!r}"
        raise TypeError(msg)
    if len(value) > most:
        msg = f"{what} may have {most} letters. Received: {len(value)}"
        raise ValueError(msg)
    return value.encode("utf-8", "replace").decode()
