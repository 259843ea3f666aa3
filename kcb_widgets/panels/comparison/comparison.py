"""Comparison: the widget that shows many runs beside each other. It reads runs, and never touches a model."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from ... import kernel
from ...store import listing
from . import checks, folds, relations, relations_still, side_by_side, still
from .choices import Choices
from .messages import Messages
from .selection import Selection

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

STATIC = Path(__file__).parents[2] / "static"
COLUMNS = ["run", "name", "curve", "x", "value"]  # of ``data``


class Comparison(anywidget.AnyWidget):  # type: ignore[misc]
    """Many runs beside each other: a table of what they were and what became of them, and their curves in one plot.

    Make one with ``kcb.compare``. What is shown is chosen in the browser or here, with ``choose``.

    Args:
        source: A folder, run files, runs, Keras's ``History``, a table from ``kcb.runs``, or a list of any of these.
        choices: What is shown; see ``choose``.
    """

    _esm = STATIC / "comparison.js"
    _css = STATIC / "comparison.css"

    chosen = traitlets.Dict().tag(sync=True)

    def __init__(self, source: Any, **choices: Any) -> None:
        self._source = source
        self._selection = Selection(source, choices)
        self._messages = Messages(self._selection, lambda *parts: self.send(*parts), self._set)
        super().__init__(chosen=self._selection.choices.sent())
        kernel.own(self.comm.comm_id if self.comm is not None else "")
        self.on_msg(lambda _widget, content, _buffers: self._messages.receive(content))

    @property
    def left_out(self) -> list[str]:
        """Why files of the source are no runs."""
        return self._selection.left_out

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
        if checks.changes_curves(choices):
            self._messages.tell()
        return self

    def _set(self, choices: Mapping[str, Any]) -> None:
        with self._selection.turn:
            self._selection.choose(choices)
            self.chosen = self._selection.choices.sent()

    @property
    def shown(self) -> list[str]:
        """The ids of the runs whose curves are drawn."""
        return [member.id for member in self._selection.drawn()]

    @property
    def brushed(self) -> list[str]:
        """The ids of the runs within ``brush`` that are among the ``best``."""
        return self._selection.brushed()

    def runs(self) -> pd.DataFrame:
        """The runs as a table, as of ``kcb.runs``."""
        return listing.frame([member.row for member in self._selection.members])

    def data(self) -> pd.DataFrame:
        """What is drawn, all points, without smoothing: columns ``run``, ``name``, ``curve``, ``x``, ``value``."""
        import pandas as pd

        parts = [
            pd.DataFrame({"run": member.id, "name": member.row["name"], "curve": curve, "x": found.x, "value": found.y})
            for member, each in self._selection.lines()
            for curve, found in each
        ]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)

    def side_by_side(self, *, all_settings: bool = False) -> pd.DataFrame:
        """The runs that are drawn, at most ten, each a column: how they ended, settings, what was changed by hand.

        Args:
            all_settings: Also what is the same in all of them.
        """
        with self._selection.turn:
            return side_by_side.frame(self._selection.drawn(), all_settings)

    def groups(self) -> pd.DataFrame:
        """The runs that are not hidden, put together as chosen: a row a group, with n, and means and deviations.

        Raises:
            ValueError: ``group`` is not chosen.
        """
        group = self._selection.choices.group
        if group is None:
            msg = "runs are put together by nothing: choose a group first. Received: None"
            raise ValueError(msg)
        return folds.frame(self._selection.listed(), group)

    def delete(self, run: str) -> Path:
        """Put a run's file into the folder ``.bin`` beside it, and take the run out of the comparison.

        Args:
            run: Its id.

        Returns:
            Where the file is now. It can be moved back by hand.

        Raises:
            ValueError: There is no such run, it has no file, or it trains or may train.
        """
        where = self._selection.delete(run)
        self._messages.tell()
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
        now = self._selection
        if view != "curves":
            with now.turn:
                return relations_still.figure(now.table(), now.choices, view, size)
        return still.figure(now.lines, now.choices, now.scale(), metrics or [now.choices.metric], size)

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

        now = self._selection
        with now.turn:
            now.look_again()  # at runs that still train
            return to_html(now.members, now.choices, path)

    def to_code(self) -> str:
        """The call that shows this view again."""
        first = Choices().sent()
        said = {name: value for name, value in self._selection.choices.sent().items() if value != first[name]}
        arguments = "".join(f", {name}={value!r}" for name, value in said.items())
        return f"kcb.compare({self._named_source()}{arguments})"

    def _named_source(self) -> str:
        if isinstance(self._source, (str, Path)):
            return repr(str(self._source))
        return repr([member.row["path"] for member in self._selection.members if member.row["path"]])

    def close(self) -> None:
        """Take the comparison away everywhere."""
        if self.comm is not None:
            kernel.disown(self.comm.comm_id)
        super().close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        found = super()._repr_mimebundle_(**kwargs)
        data, metadata = found if isinstance(found, tuple) else (found or {}, {})
        now = self._selection
        return still.bundle(dict(data), now.listed(), now.choices.metric, self.figure), metadata


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
