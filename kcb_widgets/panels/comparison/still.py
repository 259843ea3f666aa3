"""The still twins of a comparison: a figure for a paper, and what a saved notebook shows without a kernel."""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING, Any

from ...record.formats import format_metric
from .colours import style_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .comparison import Comparison

SIZE = (7.0, 4.2)  # inches
FAINT = 0.25
MAX_LEGEND = 20
MAX_ROWS = 50  # of the table
MAX_BYTES = 200_000  # of the picture
AXES = {"step": "step", "epoch": "epoch", "time": "seconds of training", "clock": "seconds since the first began"}


def figure(comparison: Comparison, metrics: list[str], size: tuple[float, float] | None) -> Figure:
    """The curves of one or more metrics, one plot each."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from ...export.figures import Picture, literal
    from . import curves

    choices, width = comparison._choices, size or (SIZE[0], SIZE[1] * len(metrics))
    made = Picture(figsize=width, layout="constrained")
    FigureCanvasAgg(made)
    for number, metric in enumerate(metrics):
        axis = made.add_subplot(len(metrics), 1, number + 1)
        found = [(member, comparison._curves(member, metric)) for member in comparison._shown()]
        first, last = curves.extent(lambda: [points for _, each in found for _, points in each])  # noqa: B023
        start = first if choices.x == "clock" else 0.0
        for member, each in found:
            colour, dashes = style_of(member.id)
            for curve, points in each:
                smoothing = choices.smoothing if curve == "train" else 0.0
                edges = curves.grid(first, last, 1)
                binned = curves.binned(points, edges, smoothing)
                middle = (edges[:-1] + edges[1:]) / 2 - start
                line = binned.raw if binned.smooth is None else binned.smooth
                good = line == line  # noqa: PLR0124  # not NaN
                style: Any = (0, dashes) if dashes else "-"
                label = literal(f"{member.row['name']} · {curve}") if len(each) > 1 else literal(str(member.row["name"]))
                marker = "o" if curve == "validation" else None
                axis.plot(middle[good], line[good], color=colour, linestyle=style, linewidth=1.4, label=label, marker=marker, markersize=3)
                if binned.smooth is not None:
                    axis.plot(middle, binned.raw, color=colour, alpha=FAINT, linewidth=0.8)
        axis.set_ylabel(literal(metric))
        axis.grid(alpha=0.25)
        if choices.log:
            axis.set_yscale("log")
        if number == len(metrics) - 1:
            axis.set_xlabel(AXES[choices.x])
        if axis.lines and len(axis.get_legend_handles_labels()[0]) <= MAX_LEGEND:
            axis.legend(fontsize=7, frameon=False)
    return made


def bundle(comparison: Comparison, data: dict[str, Any]) -> dict[str, Any]:
    """MIME data: the live widget, and for viewers without it a table and a picture."""
    data["text/plain"] = words(comparison)
    if "application/vnd.jupyter.widget-view+json" not in data:
        data["text/html"] = table(comparison)
    picture = io.BytesIO()
    figure(comparison, [comparison._choices.metric], None).savefig(picture, format="png", dpi=90)
    if picture.tell() <= MAX_BYTES:
        data["image/png"] = base64.b64encode(picture.getvalue()).decode()
    return data


def words(comparison: Comparison) -> str:
    """The runs as lines of text."""
    lines = [f"{len(comparison._members)} runs"]
    metric = comparison._choices.metric
    for member in comparison._members[:MAX_ROWS]:
        row = member.row
        value = row["metrics"].get(metric, {}).get("last")
        said = f", {metric} {format_metric(value)}" if isinstance(value, (int, float)) else ""
        lines.append(f"{row['name']}: {row['status']}, {row['epochs']} epochs{said}")
    return "\n".join(lines)


def table(comparison: Comparison) -> str:
    """The runs as a plain HTML table."""
    from .rows import table as rows_of

    found = rows_of(comparison._members[:MAX_ROWS])
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
