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
from ...store import edit, listing, liveness
from ...store.reader import NotARunFile
from . import curves, groups, rows, still
from .choices import FIRST_SHOWN, Choices
from .colours import style_of
from .curves import Points
from .members import Member, members

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

    Make one with ``kcb.compare``. What is shown is chosen in the browser or here: ``metric``, ``which``, ``x``,
    ``log``, ``smoothing``, ``shown``, ``group`` and ``baseline`` are arguments of ``choose``.

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
        self._choices = self._first_choices().changed(choices)
        self._points: dict[tuple[str, str, str], tuple[int, Points]] = {}
        self._looked = 0.0
        self._turn = threading.RLock()
        super().__init__(chosen=self._choices.sent())
        kernel.own(self.comm.comm_id if self.comm is not None else "")
        self.on_msg(self._receive)

    def _first_choices(self) -> Choices:
        """The loss, or whatever most runs have."""
        known = rows.metric_names(self._members)
        names = [each["name"] for each in known]
        return Choices(metric="loss" if "loss" in names or not names else names[0])

    # -- what people use -----------------------------------------------------------------------------------------------

    def choose(self, **choices: Any) -> Comparison:
        """Change what is shown.

        Args:
            **choices: ``metric``: whose curves. ``which``: ``train``, ``validation`` or ``both``. ``x``: ``step``,
                ``epoch``, ``time`` (seconds of training, without pauses) or ``clock``. ``log``: whether y is
                logarithmic. ``smoothing``: from 0 to 1. ``shown``: the ids of the runs that are drawn; None: the
                newest. ``group``: what runs are put together by, as a mean with a band of one standard deviation:
                ``name``, ``tags`` or a setting such as ``config.depth``. ``baseline``: the id of the run that others
                are compared with.

        Raises:
            TypeError, ValueError: There is no such choice, or it cannot be this.
        """
        with self._turn:
            self._choices = self._choices.changed(choices)
            self.chosen = self._choices.sent()
        return self

    @property
    def shown(self) -> list[str]:
        """The ids of the runs whose curves are drawn."""
        return [member.id for member in self._shown()]

    def _shown(self) -> list[Member]:
        wanted = self._choices.shown
        if wanted is None:
            return self._members[:FIRST_SHOWN]
        known = {member.id: member for member in self._members}
        return [known[each] for each in wanted if each in known][:MAX_DRAWN]

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

    def figure(self, metrics: list[str] | None = None, size: tuple[float, float] | None = None) -> Figure:
        """The curves as a Matplotlib figure, for a paper.

        Args:
            metrics: Whose curves; the chosen metric's by default.
            size: Width and height in inches.
        """
        return still.figure(self._lines, self._choices, metrics or [self._choices.metric], size)

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
        first = Choices()
        said = {name: value for name, value in self._choices.sent().items() if value != getattr(first, name)}
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

    def _lines(self, metric: str = "") -> still.Lines:
        """The runs that are drawn, and their curves."""
        with self._turn:
            return [(member, self._curves(member, metric)) for member in self._shown()]

    def _of(self, member: Member, metric: str) -> Points:
        try:
            run = member.run()
        except (NotARunFile, OSError) as error:
            log.info("%s cannot be drawn: %s", member.id, error)
            return Points(*(np.empty(0) for _ in range(3)))
        key = member.id, metric, self._choices.x
        rows_now = run.batch_table.rows + run.epoch_table.rows
        known = self._points.get(key)
        if known is None or known[0] != rows_now:
            known = self._points[key] = rows_now, curves.points(run, metric, self._choices.x)
        return known[1]

    def _picture(self, first: float | None, last: float | None) -> tuple[dict[str, Any], bytes]:
        """All curves on one grid, as a header and float32."""
        with self._turn:
            lines = [(member, curve, points) for member, each in self._lines() for curve, points in each]
            whole = curves.extent(points for _, _, points in lines)
            low, high = whole if first is None or last is None else (first, last)
            edges = curves.grid(low, high, len(lines) * (2 if self._choices.smoothing else 1))
            made = [
                (member, curve, curves.binned(points, edges, self._choices.smoothing if curve == TRAIN else 0.0))
                for member, curve, points in lines
            ]
            parts: list[bytes] = []
            series: list[dict[str, Any]] = []
            for member, curve, line in made if self._choices.group is None else ():
                parts += [part.tobytes() for part in line if part is not None]
                series.append({"run": member.id, "curve": curve, "smooth": line.smooth is not None})
            together = self._together(made, parts)
        header = {
            "x": self._choices.x, "metric": self._choices.metric, "first": float(edges[0]), "last": float(edges[-1]),
            "bins": len(edges) - 1, "whole": list(whole), "series": series, "groups": together,
        }  # fmt: skip
        return header, b"".join(parts)

    def _together(self, made: list[tuple[Member, str, curves.Binned]], parts: list[bytes]) -> list[dict[str, Any]]:
        """Runs as groups, where that is chosen: what each is called and how it is drawn; its lines go to ``parts``."""
        by = self._choices.group
        if by is None:
            return []
        described = []
        for (key, curve), (ids, group) in groups.collect(made, by).items():
            parts += [part.tobytes() for part in group]
            colour, dashes = style_of(f"{by}={key}")
            described.append({"key": key, "curve": curve, "runs": ids, "colour": colour, "dashes": list(dashes)})
        return described

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
        if first or self._look_again():
            self._send_table()
            self._send_curves("", None, None, None)

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
        self.choose(**{str(name): value for name, value in choices.items()})
        self._send_curves("", None, None, None)

    def _send_table(self) -> None:
        self.send({"kind": "table", "left_out": len(self.left_out), **rows.table(self._members)})

    def _send_curves(self, view: str, request: Any, first: Any, last: Any) -> None:
        low, high = (_finite(value) for value in (first, last))
        if view and (low is None or high is None or not low < high):
            return
        header, data = self._picture(low, high)
        number = request if isinstance(request, int) else None
        self.send({"kind": "curves", "view": view, "request": number, **header}, [data])

    def _edit(self, run: str, changes: Any) -> None:
        """Change what people say of a run, in its file."""
        member = next((each for each in self._members if each.id == run), None)
        if member is None or not isinstance(changes, Mapping):
            msg = "there is no such run"
            raise ValueError(msg)
        said = edit.checked({str(name): value for name, value in changes.items()})
        if member.path is not None:
            edit.edit(member.path, said)
        if member.live is not None:
            for name, value in said.items():
                setattr(member.live, name, value)
        member.row = {**member.row, **said}
        self._send_table()

    def close(self) -> None:
        """Take the comparison away everywhere."""
        if self.comm is not None:
            kernel.disown(self.comm.comm_id)
        super().close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        found = super()._repr_mimebundle_(**kwargs)
        data, metadata = found if isinstance(found, tuple) else (found or {}, {})
        return still.bundle(dict(data), self._members, self._choices.metric, self.figure), metadata


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
