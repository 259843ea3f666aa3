"""Comparison: the widget that shows many runs beside each other. It reads runs, and never touches a model."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets

from ... import kernel
from ...commands.validation import text
from ...kernel import threads
from ...record.values import shown as in_words
from ...store import edit, listing, liveness
from ...store.differences import settings_of
from ...store.reader import NotARunFile
from . import curves, deletion, folds, picture, relations, relations_still, rows, side_by_side, still
from .choices import FIRST_SHOWN, Choices
from .curves import Points
from .members import Member, members
from .scales import Scale

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)

STATIC = Path(__file__).parents[2] / "static"
REFRESH_S = 2.0  # seconds between looks at runs that are not over
MAX_DRAWN = 200  # runs whose curves are drawn
COLUMNS = ["run", "name", "curve", "x", "value"]  # of ``data``
TRAIN, VALIDATION = "train", "validation"


class Comparison(anywidget.AnyWidget):  # type: ignore[misc]
    """Many runs beside each other: a table of what they were and what became of them, and their curves in one plot.

    Make one with ``kcb.compare``. What is shown is chosen in the browser or here, with ``choose``.

    Args:
        source: A folder, run files, runs, Keras's ``History``, a table from ``kcb.runs``, or a list of any of these.
        choices: What is shown; see ``choose``.

    Attributes:
        left_out: Why files of the source are no runs.
    """

    _esm = STATIC / "comparison.js"
    _css = STATIC / "comparison.css"

    chosen = traitlets.Dict().tag(sync=True)

    def __init__(self, source: Any, **choices: Any) -> None:
        self._source = source
        self._members, self.left_out = members(source)
        self._choices = self._changed(self._first_choices(), choices)
        self._points: dict[tuple[str, str, str, str | None], tuple[int, Points]] = {}
        self._looked, self._seen = 0.0, False
        self._turn = threading.RLock()
        super().__init__(chosen=self._choices.sent())
        kernel.own(self.comm.comm_id if self.comm is not None else "")
        self.on_msg(self._receive)

    def _first_choices(self) -> Choices:
        """The loss, or whatever most runs have."""
        known = rows.metric_names(self._members)
        names = [each["name"] for each in known]
        return Choices(metric="loss" if "loss" in names or not names else names[0])

    def _changed(self, choices: Choices, given: Mapping[str, Any]) -> Choices:
        """Choices with some changed, and checked; a colour may only be a setting that there is."""
        made = choices.changed(given)
        if "colour" not in given or made.colour is None or not self._members:
            return made
        if made.colour not in {name for member in self._members for name in settings_of(member.row)}:
            msg = f"colour must be a setting that a run has, such as config.lr. Received: {in_words(made.colour)}"
            raise ValueError(msg)
        return made

    # -- what people use -----------------------------------------------------------------------------------------------

    def choose(self, **choices: Any) -> Comparison:
        """Change what is shown.

        Args:
            **choices: ``metric``: whose curves. ``which``: ``train``, ``validation`` or ``both``. ``x``: ``step``,
                ``epoch``, ``time`` (seconds of training, without pauses), ``clock``, ``samples`` (steps times the
                batch size) or a recorded series, such as ``series.learning_rate``. ``align``: what of each run is
                drawn as zero: ``zero``, where it began, or its first ``by_hand`` (a change), ``rollback``,
                ``resumed``, ``snapshot``, ``guard`` or ``nan``. ``log``: whether y is logarithmic. ``smoothing``: from
                0 to 1. ``shown``: the ids of the runs that are drawn; None: the newest. ``group``: what runs are put
                together by, as a mean with a band: ``name``, ``tags``, a setting such as ``config.depth``, or a
                pattern of words of the name, such as ``name:seed*``. ``band``: ``deviation`` (one standard
                deviation), ``error`` (of the mean), ``range`` or ``quartiles``. ``colour``: a setting whose values are
                the colours, such as ``config.lr``. ``hidden``: the ids of runs that are neither drawn nor listed.
                ``baseline``: the id of the run that others are compared with. ``view``: ``curves``, ``parallel``
                (coordinates), ``scatter``, or a list of these. ``axes``: of the parallel coordinates, from the left:
                settings, ``last loss``, ``best val_loss``, ``duration``, ``epochs``, ``steered``. ``scales``: by axis,
                ``linear``, ``log`` or ``categories``. ``brush``: by axis, ranges and values that runs must have there:
                ``{"config.depth": [(2, None)], "config.kind": ["deep", None]}`` are those from 2 up whose kind is deep
                or missing. ``outcome``: what runs are coloured by in these views. ``best``: percent of the runs, the
                best by the outcome. ``scatter``: what x is and what y is.

        Raises:
            TypeError, ValueError: There is no such choice, or it cannot be this.
        """
        self._set(choices)
        if _changes_curves(choices):
            self._tell_views()
        return self

    def _set(self, choices: Mapping[str, Any]) -> None:
        with self._turn:
            self._choices = self._changed(self._choices, choices)
            self.chosen = self._choices.sent()

    def _tell_views(self) -> None:
        """Send all to the views, if there are any; reading curves may take a while."""
        if self._seen:
            threads.start(lambda: self._contained(self._send_all), "kcb-compare")

    def _send_all(self) -> None:
        self._send_table()
        self._send_curves("", None, None, None)

    @property
    def shown(self) -> list[str]:
        """The ids of the runs whose curves are drawn."""
        return [member.id for member in self._shown()]

    @property
    def brushed(self) -> list[str]:
        """The ids of the runs within ``brush`` that are among the ``best``."""
        with self._turn:
            now, table = self._choices, rows.table(self._listed(), self._scale())
        outcome = relations.outcome_of(table, now.metric, now.which, now.outcome)
        return relations.within(table, now.brush, outcome, now.best)

    def _shown(self) -> list[Member]:
        wanted, listed = self._choices.shown, self._listed()
        if wanted is None:
            return listed[:FIRST_SHOWN]
        known = {member.id: member for member in listed}
        return [known[each] for each in wanted if each in known][:MAX_DRAWN]

    def _listed(self) -> list[Member]:
        hidden = set(self._choices.hidden)
        return [member for member in self._members if member.id not in hidden]

    def runs(self) -> pd.DataFrame:
        """The runs as a table, as of ``kcb.runs``."""
        return listing.frame([member.row for member in self._members])

    def data(self) -> pd.DataFrame:
        """What is drawn, all points, without smoothing: columns ``run``, ``name``, ``curve``, ``x``, ``value``."""
        import pandas as pd

        parts = [
            pd.DataFrame({"run": member.id, "name": member.row["name"], "curve": curve, "x": found.x, "value": found.y})
            for member, each in self._lines()
            for curve, found in each
        ]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)

    def side_by_side(self, *, all_settings: bool = False) -> pd.DataFrame:
        """The runs that are drawn, at most ten, each a column: how they ended, settings, what was changed by hand.

        Args:
            all_settings: Also what is the same in all of them.
        """
        with self._turn:
            return side_by_side.frame(self._shown(), all_settings)

    def groups(self) -> pd.DataFrame:
        """The runs that are not hidden, put together as chosen: a row a group, with n, and means and deviations.

        Raises:
            ValueError: ``group`` is not chosen.
        """
        if self._choices.group is None:
            msg = "runs are put together by nothing: choose a group first. Received: None"
            raise ValueError(msg)
        return folds.frame(self._listed(), self._choices.group)

    def delete(self, run: str) -> Path:
        """Put a run's file into the folder ``.bin`` beside it, and take the run out of the comparison.

        Args:
            run: Its id.

        Returns:
            Where the file is now. It can be moved back by hand.

        Raises:
            ValueError: There is no such run, it has no file, or it trains or may train.
        """
        where = self._put_away(run)
        self._tell_views()
        return where

    def _put_away(self, run: str) -> Path:
        with self._turn:
            member = self._member(run)
            where = deletion.delete(member)
            self._members = [each for each in self._members if each is not member]
            self._points = {key: found for key, found in self._points.items() if key[0] != run}
        return where

    def figure(
        self,
        metrics: list[str] | None = None,
        size: tuple[float, float] | None = None,
        view: relations.View = "curves",
    ) -> Figure:
        """The curves as a Matplotlib figure, for a paper; or parallel coordinates, or a scatter.

        Args:
            metrics: Whose curves; the chosen metric's by default.
            size: Width and height in inches.
            view: ``curves``, ``parallel`` or ``scatter``: these are of the runs within the brushes.

        Raises:
            ValueError: There is no such view.
        """
        if view not in relations.VIEWS:
            msg = f"view must be one of {', '.join(relations.VIEWS)}. Received: {view!r}"
            raise ValueError(msg)
        if view != "curves":
            with self._turn:
                return relations_still.figure(rows.table(self._listed(), self._scale()), self._choices, view, size)
        return still.figure(self._lines, self._choices, self._scale(), metrics or [self._choices.metric], size)

    def to_html(self, path: str | PathLike[str]) -> Path:
        """Write the comparison as one HTML file: its table, and what it draws.

        It opens in any browser, without a kernel and without a network. There too it is chosen what is drawn, and rows
        are sorted and filtered; runs cannot be edited. It has at most 4 MB: where there are more curves than that the
        page says which metrics and runs it has none of. It says nothing of who made the runs, and where.

        Args:
            path: The file; one that is there is replaced.

        Returns:
            The path.
        """
        from ..page.comparison_page import to_html  # here: most comparisons are not written

        with self._turn:
            self._look_again()  # at runs that still train
            return to_html(self._members, self._choices, path)

    def to_code(self) -> str:
        """The call that shows this view again."""
        first = Choices().sent()
        said = {name: value for name, value in self._choices.sent().items() if value != first[name]}
        arguments = "".join(f", {name}={value!r}" for name, value in said.items())
        return f"kcb.compare({self._named_source()}{arguments})"

    def _named_source(self) -> str:
        if isinstance(self._source, (str, Path)):
            return repr(str(self._source))
        return repr([member.row["path"] for member in self._members if member.row["path"]])

    # -- curves --------------------------------------------------------------------------------------------------------

    def _curves(self, member: Member, metric: str = "") -> list[tuple[str, Points]]:
        """A run's curves of a metric, by what they are."""
        metric, which, found = metric or self._choices.metric, self._choices.which, []
        if which in ("both", TRAIN):
            found.append((TRAIN, self._of(member, metric)))
        if which in ("both", VALIDATION) and not metric.startswith("val_"):
            found.append((VALIDATION, self._of(member, f"val_{metric}")))
        return [(curve, points) for curve, points in found if len(points.x)]

    def _lines(self, metric: str = "") -> picture.Lines:
        """The runs that are drawn, and their curves."""
        with self._turn:
            return [(member, self._curves(member, metric)) for member in self._shown()]

    def _of(self, member: Member, metric: str) -> Points:
        try:
            run = member.run()
        except (NotARunFile, OSError) as error:
            log.info("%s cannot be drawn: %s", member.id, error)
            return Points(*(np.empty(0) for _ in range(3)))
        key = member.id, metric, self._choices.x, self._choices.align
        # What changes points: rows, and events that they are in line by.
        rows_now = run.batch_table.rows + run.epoch_table.rows + run.value_table.rows + len(run.events_list)
        known = self._points.get(key)
        if known is None or known[0] != rows_now:
            known = self._points[key] = rows_now, curves.points(run, metric, self._choices.x, self._choices.align)
        return known[1]

    def _scale(self) -> Scale:
        return Scale(self._members, self._choices.colour)

    # -- messages ------------------------------------------------------------------------------------------------------

    def _receive(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """A message from a view; whatever takes long is done on a thread, as this may be the one that trains."""
        if not isinstance(content, dict):
            return
        kind, view = content.get("kind"), text(content.get("view"))
        work: dict[str, Callable[[], None]] = {
            "hello": lambda: self._hello(content.get("first") is True),
            "choose": lambda: self._choose(content.get("choices")),
            "window": lambda: self._send_curves(
                view, content.get("request"), content.get("first"), content.get("last")
            ),
            "edit": lambda: self._edit(text(content.get("run")), content.get("changes")),
            "delete": lambda: self._delete(text(content.get("run"))),
            "side_by_side": lambda: self._send_side_by_side(view),
        }
        if isinstance(kind, str) and kind in work:
            threads.start(lambda: self._contained(work[kind]), "kcb-compare")

    def _contained(self, work: Callable[[], None]) -> None:
        try:
            with self._turn:
                work()
        except (TypeError, ValueError, OSError) as error:
            log.info("A comparison could not do what was asked", exc_info=True)
            self.send({"kind": "refused", "message": str(error)})
        except Exception as error:
            log.exception("A comparison failed")
            self.send({"kind": "refused", "message": f"{type(error).__name__}: {error}"})

    def _hello(self, first: bool) -> None:
        """A view is there, and looks: send all at first, and later what is new."""
        self._seen = True
        if first or self._look_again():
            self._send_all()

    def _look_again(self) -> bool:
        """Whether runs that are not over have news."""
        now = time.monotonic()
        if now - self._looked < REFRESH_S:
            return False
        self._looked = now
        here, news = liveness.Judge(), False
        for member in self._members:
            if not member.over:
                try:
                    news |= member.refresh(here)
                except (NotARunFile, OSError):
                    log.debug("%s cannot be looked at", member.id, exc_info=True)
        return news

    def _choose(self, choices: Any) -> None:
        if not isinstance(choices, Mapping):
            msg = "choices must be given by name"
            raise TypeError(msg)
        self._set({str(name): value for name, value in choices.items()})
        if {"colour", "group"} & choices.keys():  # the table shows them too
            self._send_table()
        if _changes_curves(choices):
            self._send_curves("", None, None, None)

    def _send_table(self) -> None:
        made = rows.table(self._members, self._scale(), self._choices.group)
        self.send({"kind": "table", "left_out": len(self.left_out), **made})

    def _send_side_by_side(self, view: str) -> None:
        self.send({"kind": "side_by_side", "view": view, **side_by_side.table(self._shown())})

    def _delete(self, run: str) -> None:
        where = self._put_away(run)
        self._send_all()
        self.send({"kind": "said", "message": deletion.words(where)})

    def _send_curves(self, view: str, request: Any, first: Any, last: Any) -> None:
        low, high = (_finite(value) for value in (first, last))
        if view and (low is None or high is None or not low < high):
            return
        header, data = picture.picture(self._lines(), self._choices, self._scale(), low, high)
        number = request if isinstance(request, int) else None
        self.send({"kind": "curves", "view": view, "request": number, **header}, [data])

    def _edit(self, run: str, changes: Any) -> None:
        """Change what people say of a run, in its file."""
        member = self._member(run)
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
        self._send_table()

    def _member(self, run: str) -> Member:
        for member in self._members:
            if member.id == run:
                return member
        msg = f"there is no such run. Received: {in_words(run)}"
        raise ValueError(msg)

    def close(self) -> None:
        """Take the comparison away everywhere."""
        if self.comm is not None:
            kernel.disown(self.comm.comm_id)
        super().close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        found = super()._repr_mimebundle_(**kwargs)
        data, metadata = found if isinstance(found, tuple) else (found or {}, {})
        return still.bundle(dict(data), self._listed(), self._choices.metric, self.figure), metadata


def compare(source: Any = "runs", **choices: Any) -> Comparison:
    """Show runs beside each other.

    Args:
        source: A folder, run files, runs, Keras's ``History``, a table from ``kcb.runs``, or a list of any of these.
        **choices: What is shown at first; see ``Comparison.choose``.

    Raises:
        FileNotFoundError: There is no such folder or file.
        TypeError, ValueError: ``source`` or a choice is none.

    Example:
        >>> kcb.compare("runs", metric="accuracy", x="time")
        >>> table = kcb.runs("runs")
        >>> kcb.compare(table[table["config.depth"] > 3])
    """
    return Comparison(source, **choices)


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value) or abs(value) > 2**53:
        return None
    return float(value)


def _changes_curves(choices: Mapping[str, Any]) -> bool:
    """Whether curves are drawn anew: what is chosen of the other views draws none."""
    return not choices or bool(set(choices) - set(relations.CHECKS))
