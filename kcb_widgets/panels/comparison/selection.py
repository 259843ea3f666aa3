"""Selection: the runs that are compared, what is chosen to be seen of them, and the curves that this comes to."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...record.values import shown as in_words
from ...store import edit, liveness
from ...store.differences import settings_of
from ...store.reader import NotARunFile
from . import curves, deletion, picture, relations, rows
from .choices import FIRST_SHOWN, Choices
from .curves import Points
from .members import Member, members
from .scales import Scale

log = logging.getLogger(__name__)

REFRESH_S = 2.0  # seconds between looks at runs that are not over
MAX_DRAWN = 200  # runs whose curves are drawn
TRAIN, VALIDATION = "train", "validation"


class Selection:
    """Some runs, and what is seen of them.

    Args:
        source: A folder, run files, runs, Keras's ``History``, a table from ``kcb.runs``, or a list of any of these.
        given: What is chosen at first; see ``Choices``.

    Attributes:
        members: The runs, the newest first.
        left_out: Why files of the source are no runs.
        choices: What is chosen.
        turn: Held by whoever changes or reads more than one of these: pages are answered on threads.
    """

    def __init__(self, source: Any, given: Mapping[str, Any]) -> None:
        self.turn = threading.RLock()
        self.members, self.left_out = members(source)
        self.choices = self._first_choices()
        self.choose(given)
        self._points: dict[tuple[str, str, str, str | None], tuple[int, Points]] = {}
        self._looked = 0.0

    def _first_choices(self) -> Choices:
        """The loss, or whatever most runs have."""
        names = [each["name"] for each in rows.metric_names(self.members)]
        return Choices(metric="loss" if "loss" in names or not names else names[0])

    def choose(self, given: Mapping[str, Any]) -> None:
        """Change some choices.

        Raises:
            TypeError, ValueError: There is no such choice, or it cannot be this; a colour is a setting that there is.
        """
        with self.turn:
            made = self.choices.changed(given)
            if "colour" in given and made.colour is not None:
                self._check_setting(made.colour)
            self.choices = made

    def _check_setting(self, name: str) -> None:
        known = {each for member in self.members for each in settings_of(member.row)}
        if self.members and name not in known:
            msg = f"colour must be a setting that a run has, such as config.lr. Received: {in_words(name)}"
            raise ValueError(msg)

    # -- which runs ----------------------------------------------------------------------------------------------------

    def listed(self) -> list[Member]:
        """The runs that are not hidden."""
        hidden = set(self.choices.hidden)
        return [member for member in self.members if member.id not in hidden]

    def drawn(self) -> list[Member]:
        """The runs whose curves are drawn."""
        wanted, listed = self.choices.shown, self.listed()
        if wanted is None:
            return listed[:FIRST_SHOWN]
        known = {member.id: member for member in listed}
        return [known[each] for each in wanted if each in known][:MAX_DRAWN]

    def brushed(self) -> list[str]:
        """The ids of the runs within ``brush`` that are among the ``best``."""
        with self.turn:
            now, table = self.choices, self.table()
        outcome = relations.outcome_of(table, now.metric, now.which, now.outcome)
        return relations.within(table, now.brush, outcome, now.best)

    def member(self, run: str) -> Member:
        """The run of an id.

        Raises:
            ValueError: There is none.
        """
        for member in self.members:
            if member.id == run:
                return member
        msg = f"there is no such run. Received: {in_words(run)}"
        raise ValueError(msg)

    # -- what becomes of them ------------------------------------------------------------------------------------------

    def look_again(self) -> bool:
        """Whether runs that are not over have news."""
        now = time.monotonic()
        if now - self._looked < REFRESH_S:
            return False
        self._looked = now
        here, news = liveness.Judge(), False
        for member in self.members:
            if not member.over:
                try:
                    news |= member.refresh(here)
                except (NotARunFile, OSError):
                    log.debug("%s cannot be looked at", member.id, exc_info=True)
        return news

    def delete(self, run: str) -> Path:
        """Put a run's file into the bin, and forget the run; see ``deletion``.

        Returns:
            Where the file is now.
        """
        with self.turn:
            member = self.member(run)
            where = deletion.delete(member)
            self.members = [each for each in self.members if each is not member]
            self._points = {key: found for key, found in self._points.items() if key[0] != run}
        return where

    def edit(self, run: str, changes: Any) -> None:
        """Change what people say of a run, in its file.

        Raises:
            TypeError, ValueError: There is no such run, or this cannot be said of it.
        """
        member = self.member(run)
        if not isinstance(changes, Mapping):
            msg = f"changes must be given by name. Received: {in_words(changes)}"
            raise TypeError(msg)
        said = edit.checked({str(name): value for name, value in changes.items()})
        if member.path is not None:
            edit.edit(member.path, said)
        if member.live is not None:
            for name, value in said.items():
                setattr(member.live, name, value)
        member.row = {**member.row, **said}

    # -- what is seen of them ------------------------------------------------------------------------------------------

    def scale(self) -> Scale:
        """The colours of the runs."""
        return Scale(self.members, self.choices.colour)

    def table(self) -> dict[str, Any]:
        """The table of the runs that are not hidden; see ``rows.table``."""
        return rows.table(self.listed(), self.scale())

    def lines(self, metric: str = "") -> picture.Lines:
        """The runs that are drawn, and their curves of a metric: the one that is chosen, if none is named."""
        with self.turn:
            return [(member, self._curves(member, metric or self.choices.metric)) for member in self.drawn()]

    def _curves(self, member: Member, metric: str) -> list[tuple[str, Points]]:
        """A run's curves of a metric, by what they are."""
        which, found = self.choices.which, []
        if which in ("both", TRAIN):
            found.append((TRAIN, self._points_of(member, metric)))
        if which in ("both", VALIDATION) and not metric.startswith("val_"):
            found.append((VALIDATION, self._points_of(member, f"val_{metric}")))
        return [(curve, points) for curve, points in found if len(points.x)]

    def _points_of(self, member: Member, metric: str) -> Points:
        run = member.opened()
        if run is None:
            return Points(*(np.empty(0) for _ in range(3)))
        key = member.id, metric, self.choices.x, self.choices.align
        # What changes points: rows, and events that they are in line by.
        rows_now = run.batch_table.rows + run.epoch_table.rows + run.value_table.rows + len(run.events_list)
        known = self._points.get(key)
        if known is None or known[0] != rows_now:
            known = self._points[key] = rows_now, curves.points(run, metric, self.choices.x, self.choices.align)
        return known[1]
