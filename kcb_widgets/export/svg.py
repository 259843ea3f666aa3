"""A run's curves as a small SVG, made in milliseconds without Matplotlib: the picture in its file."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import numpy as np

from ..record import curves
from ..record.chunk import Floats
from ..record.downsampling import window
from ..record.formats import format_metric
from ..record.portable import text
from ..record.record import Record, group_of

MAX_BYTES = 60_000
POINTS = (400, 200, 100, 50, 25)  # of a curve, until it is small enough
MAX_PLOTS = 8
MAX_MARKS = 20
MAX_LABEL = 60
WIDTH, HEIGHT, LEFT, TOP, ACROSS, DOWN = 460, 240, 64, 34, 382, 176  # of a plot, and of what is within its axes
HEAD = 30
# Okabe and Ito's palette, as in figures.py.
TRAIN, VALIDATION, BAD = "#0072B2", "#D55E00", "#A63D85"
UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML cannot carry


def picture(run: Record) -> str:
    """The curves of a run: one plot a metric, those of training and validation in it.

    Args:
        run: The run, which is over.

    Returns:
        An SVG of at most ``MAX_BYTES``, on a white ground so that it reads anywhere; empty where that is not enough.
    """
    groups = _groups(run)
    shown = groups[:MAX_PLOTS]
    for points in POINTS:
        made = _document(run, shown, len(groups) - len(shown), points)
        if len(made.encode()) <= MAX_BYTES:
            return made
    return ""


def _groups(run: Record) -> list[str]:
    names = [*run.batch_table.names, *run.epoch_table.names]
    groups = dict.fromkeys(group_of(name) for name in names if name != "learning_rate")
    return sorted(groups, key=lambda group: group != "loss")


def _document(run: Record, groups: list[str], more: int, points: int) -> str:
    columns = min(2, max(1, len(groups)))
    rows = max(1, -(-len(groups) // columns))
    width, height = columns * WIDTH, HEAD + rows * HEIGHT
    said = f"{run.name or run.title}: {run.status}" + (f", and {more} more" if more else "")
    plots = []
    for number, group in enumerate(groups):
        row, column = divmod(number, columns)
        place = f"translate({column * WIDTH} {HEAD + row * HEIGHT})"
        plots.append(f'<g transform="{place}">{_plot(run, group, points)}</g>')
    none = "" if groups else _text(width / 2, height / 2, "no batches", "middle")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="11" fill="#222222"><title>{_escaped(said)}</title>'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>{_text(12, 20, said, weight=True)}'
        f"{''.join(plots)}{none}</svg>"
    )


class _Curve:
    """A line of a plot: where, what, and how it is drawn."""

    def __init__(self, label: str, color: str, x: Floats, y: Floats, dots: bool = False) -> None:
        self.label, self.color, self.dots = label, color, dots
        self.x, self.y = np.asarray(x, np.float64), np.asarray(y, np.float64)


def _curves(run: Record, group: str, points: int) -> Iterator[_Curve]:
    batches, epochs = run.batch_table, run.epoch_table
    if group in batches.names:
        found = window(curves.batches(run), 0, batches.rows, points)
        if found is not None:
            mean = np.where(run.abandoned(found.x[1]), np.nan, found.mean[batches.names.index(group)])
            yield _Curve("training", TRAIN, found.x[1], mean)
    found = window(curves.epochs(run), 0, epochs.rows, points)
    for name, label, color in ((group, "each epoch", TRAIN), (f"val_{group}", "validation", VALIDATION)):
        if found is not None and name in epochs.names:
            mean = np.where(run.abandoned(found.x[1]), np.nan, found.mean[epochs.names.index(name)])
            yield _Curve(label, color, found.x[1], mean, dots=True)


def _plot(run: Record, group: str, points: int) -> str:
    lines = list(_curves(run, group, points))
    finite = np.concatenate([line.y[np.isfinite(line.y)] for line in lines] or [np.empty(0)])
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if not high > low:
        low, high = low - (abs(low) or 1.0) / 10, high + (abs(high) or 1.0) / 10
    first, last = float(run.first_step), float(max(run.step, run.first_step + 1))
    parts = [_text(LEFT, 18, group, weight=True)]
    at = LEFT + ACROSS
    for line in reversed(lines):  # the legend, from the right
        parts.append(_text(at, 18, line.label, "end", line.color))
        at -= 7 * len(line.label) + 12
    parts.append(f'<path d="M{LEFT} {TOP}v{DOWN}h{ACROSS}" fill="none" stroke="#767676"/>')
    middle = low / 2 + high / 2
    for y, value in ((TOP + 4, high), (TOP + DOWN / 2 + 4, middle), (TOP + DOWN + 4, low)):
        parts.append(_text(LEFT - 6, y, format_metric(value), "end"))
    parts.append(_text(LEFT, HEIGHT - 12, f"{first:.0f}"))
    parts.append(_text(LEFT + ACROSS, HEIGHT - 12, f"step {last:.0f}", "end"))
    drawn = []
    for line in lines:
        ys = (1 - (line.y - low) / (high - low)) * DOWN
        drawn.append(_line(line, (line.x - first) / (last - first) * ACROSS, ys))
    for bad in [each for each in run.nonfinite if each["group"] == group][:MAX_MARKS]:
        place = (bad["step"] - first) / (last - first) * ACROSS
        drawn.append(f'<path d="M{place:.1f} 0v{DOWN}" stroke="{BAD}"/>{_text(place + 2, 12, bad["value"], color=BAD)}')
    return f'{"".join(parts)}<g transform="translate({LEFT} {TOP})">{"".join(drawn)}</g>'


def _line(line: _Curve, x: Floats, y: Floats) -> str:
    """A path with gaps where there is no value; dots where a value stands for an epoch."""
    path, pen = [], "M"
    for at, value in zip(x.tolist(), y.tolist(), strict=True):
        if np.isfinite(value):
            path.append(f"{pen}{at:.1f} {value:.1f}")
            pen = "L"
        elif not line.dots:  # an epoch without validation is no gap
            pen = "M"
    dots = len(path) <= 40 and line.dots
    width = 1.2 if line.dots else 1
    dash = ' stroke-dasharray="4 3"' if line.color == VALIDATION else ""
    made = f'<path d="{"".join(path)}" fill="none" stroke="{line.color}" stroke-width="{width}"{dash}/>'
    for place in path if dots else ():
        at, value = place[1:].split()
        made += f'<circle cx="{at}" cy="{value}" r="2.5" fill="{line.color}"/>'
    return made


def _text(x: float, y: float, said: str, anchor: str = "", color: str = "", *, weight: bool = False) -> str:
    more = (f' text-anchor="{anchor}"' if anchor else "") + (f' fill="{color}"' if color else "")
    more += ' font-weight="600"' if weight else ""
    return f'<text x="{x:g}" y="{y:g}"{more}>{_escaped(said)}</text>'


def _escaped(said: str) -> str:
    """A text as it may stand in XML, without what is private."""
    short = text(said)
    short = short if len(short) <= MAX_LABEL else short[: MAX_LABEL - 1] + "…"
    return html.escape(UNPRINTABLE.sub("\ufffd", short))
