"""The still twins of a comparison: a figure for a paper, and what a saved notebook shows without a kernel."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...record.chunk import Floats
from ...record.formats import format_metric
from . import axes, curves, groups, picture
from .choices import Choices
from .colours import style_of
from .members import Member
from .picture import Lines
from .rows import table as rows_of
from .scales import SCALE, Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (7.0, 4.2)  # inches
FAINT = 0.25
BAND = 0.2
MARK = 7  # points
MAX_LEGEND = 20
MAX_ROWS = 50  # of the table
MAX_BYTES = 200_000  # of the picture


def figure(
    lines: Callable[[str], Lines],
    choices: Choices,
    scale: Scale,
    metrics: Sequence[str],
    size: tuple[float, float] | None,
) -> Figure:
    """The curves of one or more metrics, one plot each.

    Args:
        lines: Gives the runs and their curves of a metric.
        choices: What is shown.
        scale: The runs' colours.
        metrics: Their names.
        size: Width and height in inches.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from ...export.figures import Picture, literal

    made = Picture(figsize=size or (SIZE[0], SIZE[1] * len(metrics)), layout="constrained")
    FigureCanvasAgg(made)
    for number, metric in enumerate(metrics):
        axis = made.add_subplot(len(metrics), 1, number + 1)
        _draw(axis, lines(metric), choices, scale, metric)
        if number == len(metrics) - 1:
            axis.set_xlabel(literal(axes.label(choices.x, choices.align)))
    return made


def _draw(axis: Axes, lines: Lines, choices: Choices, scale: Scale, metric: str) -> None:
    from ...export.figures import literal

    first, last = curves.extent(points for _, each in lines for _, points in each)
    start = first if choices.x == "clock" and choices.align is None else 0.0
    edges = curves.grid(first, last, 1)
    middle = (edges[:-1] + edges[1:]) / 2 - start
    every = [
        (member, curve, curves.binned(points, edges, choices.smoothing if curve == "train" else 0.0))
        for member, each in lines
        for curve, points in each
    ]
    drawn: dict[str, tuple[Floats, str]] = {}  # the line that shows each run, and its colour
    if choices.group is None:
        for member, curve, made in every:
            _draw_run(axis, middle, member, curve, made, scale)
            line = np.asarray(made.raw if made.smooth is None else made.smooth, np.float64)
            drawn.setdefault(member.id, (line, scale.colour(member.id)))
    else:
        ends = picture.endings(lines, choices.group)
        for (key, curve), (ids, group) in groups.collect(every, choices.group, choices.band).items():
            colour, dashes = picture.group_style(choices.group, key, ids, scale)
            style = ":" if curve == "validation" else (0, dashes) if dashes else "-"
            mean = np.asarray(group.mean, np.float64)
            axis.plot(
                middle, mean, color=colour, linestyle=style, label=literal(f"{key} · {curve}, n={len(ids)}"),
                marker="|", markersize=MARK, markevery=_bins(middle, mean, [e.x - start for e in ends[key, curve]]),
            )  # fmt: skip
            axis.fill_between(middle, group.low, group.high, color=colour, alpha=BAND, linewidth=0)
            drawn |= {run: (mean, colour) for run in ids if run not in drawn}
    for mark in picture.marks(lines, choices)[0]:
        line, colour = drawn[mark["run"]]
        at = _bins(middle, line, [mark["x"] - start])
        axis.plot(middle[at], line[at], "^", color=colour, markersize=MARK)
    if scale.numbers:
        _draw_scale(axis, scale)
    if said := picture.left_out(lines, choices):
        axis.set_title(literal("; ".join(said)), fontsize=7, loc="left")
    axis.set_ylabel(literal(metric))
    axis.grid(alpha=0.25)
    if choices.log:
        axis.set_yscale("log")
    if 0 < len(axis.get_legend_handles_labels()[0]) <= MAX_LEGEND:
        axis.legend(fontsize=7, frameon=False)


def _draw_scale(axis: Axes, scale: Scale) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize

    from ...export.figures import literal

    norm = (LogNorm if scale.log else Normalize)(scale.first, scale.last)
    colours = ScalarMappable(norm, LinearSegmentedColormap.from_list("kcb", SCALE))
    axis.figure.colorbar(colours, ax=axis, label=literal(scale.setting or ""))


def _bins(x: Floats, line: Floats, places: Sequence[float]) -> list[int]:
    """The bins nearest to places on a line, of those that have a value."""
    there = np.flatnonzero(np.isfinite(line))
    return [int(there[np.abs(x[there] - each).argmin()]) for each in places] if len(there) else []


def _draw_run(axis: Axes, x: Floats, member: Member, curve: str, made: curves.Binned, scale: Scale) -> None:
    from ...export.figures import literal

    colour, dashes = scale.colour(member.id), style_of(member.id).dashes
    line = made.raw if made.smooth is None else made.smooth
    there = np.isfinite(line)  # a line goes on over bins without a value
    style: Any = {"color": colour, "linestyle": (0, dashes) if dashes else "-", "linewidth": 1.4, "markersize": 3}
    label = literal(f"{member.row['name']} · {curve}")
    axis.plot(x[there], line[there], **style, label=label, marker="o" if curve == "validation" else None)
    if made.smooth is not None:
        axis.plot(x, made.raw, color=colour, alpha=FAINT, linewidth=0.8)


def bundle(
    data: dict[str, Any], members: Sequence[Member], metric: str, picture: Callable[[], Figure]
) -> dict[str, Any]:
    """MIME data: the live widget, and for viewers without it a table and a picture."""
    data["text/plain"] = words(members, metric)
    data["text/html"] = table(members)
    raw = io.BytesIO()
    picture().savefig(raw, format="png", dpi=90)
    if raw.tell() <= MAX_BYTES:
        data["image/png"] = base64.b64encode(raw.getvalue()).decode()
    return data


def words(members: Sequence[Member], metric: str) -> str:
    """The runs as lines of text."""
    lines = [f"{len(members)} runs"]
    for member in members[:MAX_ROWS]:
        row = member.row
        value = row["metrics"].get(metric, {}).get("last")
        said = f", {metric} {format_metric(value)}" if isinstance(value, (int, float)) else ""
        lines.append(f"{row['name']}: {row['status']}, {row['epochs']} epochs{said}")
    return "\n".join(lines)


def table(members: Sequence[Member]) -> str:
    """The runs as a plain HTML table."""
    found = rows_of(list(members[:MAX_ROWS]), Scale(members))
    metrics = [each["name"] for each in found["metrics"]]
    head = ["run", "status", "epochs", *metrics, *found["settings"]]
    lines = []
    for row in found["rows"]:
        values = [row["metrics"].get(name, {}).get("last") for name in metrics]
        numbers = [format_metric(value) if isinstance(value, (int, float)) else "" for value in values]
        settings = ["" if value is None else str(value) for value in row["settings"]]
        cells = [row["name"], row["status"], str(row["epochs"]), *numbers, *settings]
        lines.append("".join(f"<td>{html.escape(cell)}</td>" for cell in cells))
    header = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in head)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table>"
