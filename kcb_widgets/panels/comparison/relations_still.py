"""The still twins of parallel coordinates and of the scatter: figures for a paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...record.formats import format_metric
from ...record.values import Value
from . import relations
from .axis import Axis, axis_of, index_of, is_number, word_of
from .choices import Choices

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZES = {"parallel": (9.0, 4.2), "scatter": (5.6, 4.2)}  # inches
UNDER = 0.07  # of an axis, for each place under it
FAINT = 0.12
FEWEST = 3  # runs that have a rank correlation
COLOURS = ("#97864A", "#5C616E", "#00295F")  # from the worst; those of js/src/panels/comparison/colour_scale.js
NONE = "#5C636B"


def figure(table: Mapping[str, Any], choices: Choices, view: str, size: tuple[float, float] | None) -> Figure:
    """Parallel coordinates or a scatter of the runs within the brushes.

    Args:
        table: See ``rows.table``.
        choices: What is shown.
        view: ``parallel`` or ``scatter``.
        size: Width and height in inches.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from ...export.figures import Picture

    made = Picture(figsize=size or SIZES[view], layout="constrained")
    FigureCanvasAgg(made)
    outcome = relations.outcome_of(table, choices.metric, choices.which, choices.outcome)
    kept = set(relations.within(table, choices.brush, outcome, choices.best))
    rows = [row for row in table["rows"] if row["id"] in kept]
    if view == "parallel":
        others = [row for row in table["rows"] if row["id"] not in kept]
        _parallel(made, table, choices, outcome, rows, others)
    else:
        _scatter(made.add_subplot(), table, choices, outcome, rows)
    return made


def _values(table: Mapping[str, Any], name: str | None) -> list[Value] | None:
    """Of all runs; None where there is no such thing."""
    if name is None:
        return None
    try:
        return [relations.value_of(table, row, name) for row in table["rows"]]
    except KeyError:
        return None


def _axis(table: Mapping[str, Any], choices: Choices, name: str | None) -> Axis | None:
    values = _values(table, name)
    if name is None or values is None:
        return None
    by_value = any(is_number(part) for part in choices.brush.get(name, ()) if not isinstance(part, tuple))
    return axis_of(values, choices.scales.get(name) or ("categories" if by_value else None))


def _parallel(
    made: Figure, table: Mapping[str, Any], choices: Choices, outcome: str | None, rows: list[Any], others: list[Any]
) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    from ...export.figures import literal

    names = relations.axes_of(table, outcome, choices.axes)
    axes = {name: axis for name in names if (axis := _axis(table, choices, name)) is not None}
    deepest = max((len(axis.under) for axis in axes.values()), default=0)
    own = _axis(table, choices, outcome)
    smaller = relations.direction_of(table, outcome) == "min"
    colours = LinearSegmentedColormap.from_list("outcome", COLOURS)

    def height(axis: Axis, value: Value) -> float:
        place = axis.place(value)
        if place is not None:
            return place
        under = index_of(axis.under, value)
        return -UNDER * (deepest if value is None or under is None else under + 1)

    def line(row: Any) -> list[tuple[int, float]]:
        return [(i, height(axis, relations.value_of(table, row, name))) for i, (name, axis) in enumerate(axes.items())]

    def part(row: Any) -> float | None:
        place = own.place(relations.value_of(table, row, outcome)) if own is not None and outcome is not None else None
        return 1 - place if place is not None and smaller else place

    plot = made.add_subplot()
    plot.add_collection(LineCollection([line(row) for row in others], colors=NONE, alpha=FAINT, linewidths=0.8))
    parts = sorted(((part(row), line(row)) for row in rows), key=lambda each: -1.0 if each[0] is None else each[0])
    plot.add_collection(LineCollection(
        [each for _, each in parts], colors=[NONE if at is None else colours(at) for at, _ in parts], linewidths=1.2,
        linestyles=["--" if at is None else "-" for at, _ in parts],
    ))  # fmt: skip
    for i, (name, axis) in enumerate(axes.items()):
        plot.plot([i, i], [0, 1], color="#808080", linewidth=0.8)
        marks = [*axis.ticks(), *((height(axis, value), word_of(value)) for value in axis.under)]
        for at, word in marks:
            plot.text(i + 0.03, at, literal(word), fontsize=7, va="center", bbox=_BEHIND)
        plot.text(i, 1.06, literal(name.removeprefix("config.")), fontsize=8, weight="bold", ha="center")
    plot.set_xlim(-0.3, max(1, len(axes)) - 0.4)
    plot.set_ylim(-UNDER * (deepest + 1), 1.02)
    plot.set_axis_off()
    if own is not None and own.kind != "categories" and outcome is not None:
        bar = made.colorbar(ScalarMappable(Normalize(0, 1), colours), ax=plot, shrink=0.7)
        ends = [own.low, own.high][:: -1 if smaller else 1]
        bar.set_ticks([0, 1], labels=[format_metric(each) for each in ends])
        bar.set_label(literal(outcome))


_BEHIND = {"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.6}


def _scatter(plot: Axes, table: Mapping[str, Any], choices: Choices, outcome: str | None, rows: list[Any]) -> None:
    from ...export.figures import literal

    x, y = relations.sides_of(table, outcome, choices.scatter)
    across, up = _axis(table, choices, x), _axis(table, choices, y)
    plot.grid(alpha=0.25)
    if across is None or up is None or x is None or y is None:
        return
    pairs = [(row, *(relations.value_of(table, row, name) for name in (x, y))) for row in rows]
    there = [each for each in pairs if across.place(each[1]) is not None and up.place(each[2]) is not None]
    at = np.array([(across.place(each[1]), up.place(each[2])) for each in there], float).reshape(-1, 2)
    plot.scatter(at[:, 0], at[:, 1], c=[row["colour"] for row, _, _ in there], s=26)
    for axis, name, which in ((across, x, "x"), (up, y, "y")):
        said = f"{name.removeprefix('config.')}{' (log)' if axis.kind == 'log' else ''}"
        ticks = axis.ticks()
        getattr(plot, f"set_{which}label")(literal(said))
        getattr(plot, f"set_{which}ticks")([at for at, _ in ticks], labels=[literal(word) for _, word in ticks])
        getattr(plot, f"set_{which}lim")(-0.04, 1.04)
    numbers = [each[1:] for each in there if is_number(each[1]) and is_number(each[2])]
    found = rank_correlation([each[0] for each in numbers], [each[1] for each in numbers])
    notes = [] if found is None else [f"Spearman's rank correlation {found:.2f} (n = {len(numbers)})"]
    if len(there) < len(pairs):
        notes.append(f"{len(pairs) - len(there)} of {len(pairs)} runs have no point")
    plot.set_title("; ".join(notes), fontsize=8, loc="left")


def rank_correlation(x: Sequence[Any], y: Sequence[Any]) -> float | None:
    """Spearman's: Pearson's of the ranks, where ties have the mean of theirs; None where there is none."""
    if len(x) < FEWEST:
        return None
    a, b = (_ranks(each) for each in (x, y))
    scale = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / scale) if scale else None


def _ranks(values: Sequence[Any]) -> Any:
    _, which, count = np.unique(np.asarray(values, float), return_inverse=True, return_counts=True)
    ranks = np.cumsum(count) - (count - 1) / 2
    return ranks[which] - (len(values) + 1) / 2
