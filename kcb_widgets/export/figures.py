"""Matplotlib: every still picture. No pyplot, so no figure of the user's is touched and any thread may draw."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from ..record import curves
from ..record.downsampling import window
from ..record.events import Event
from ..record.record import Record, group_of

# Okabe and Ito's palette, told apart with any colour vision (https://jfly.uni-koeln.de/color/).
TRAIN, VALIDATION, RATE, EVENT, BAD = "#0072B2", "#D55E00", "#009E73", "#7F7F7F", "#CC79A7"
NEUTRAL = "#808080"
POINTS = 1600
MAX_MARKERS = 50
MAX_PLOTS = 40  # more are no picture any more, and take minutes
STILL_COLORS = 128
LONGEST = 120  # characters of a title


class Picture(Figure):
    """A figure that a notebook shows by itself: without pyplot, nobody has told IPython how."""

    def _repr_png_(self) -> bytes:
        return _png(self)


def plot(run: Record) -> Figure:
    """The run's curves: one plot per metric group, and one for each control that was changed.

    Steps that were left behind, by a rollback or because the run was gone on with from before them, are drawn faint.

    Args:
        run: The run to draw, finished or not.

    Returns:
        A figure with its own Agg canvas; a notebook shows it, ``savefig`` writes it.
    """
    groups = _groups(run)
    controls = list(run.value_table.names) if run.value_table.rows else []
    left = max(0, len(groups) + len(controls) - MAX_PLOTS)
    groups = groups[:MAX_PLOTS]
    controls = controls[: MAX_PLOTS - len(groups)]
    count = max(1, len(groups) + len(controls))
    columns = min(count, 2)
    rows = -(-count // columns)
    figure = Picture(figsize=(5.2 * columns, 2.9 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(rows, columns, i + 1) for i in range(count)]
    if not groups and not controls:
        axes[0].text(0.5, 0.5, "no batches yet", ha="center", va="center", transform=axes[0].transAxes)
        axes[0].set_axis_off()
    for axis, group in zip(axes, groups, strict=False):
        _metric(axis, run, group)
    for axis, name in zip(axes[len(groups) :], controls, strict=False):
        _control(axis, run, name)
    for axis in axes[: len(groups) + len(controls)]:
        _markers(axis, run)
        axis.set_xlabel("step")
        if run.step > run.first_step:
            margin = 0.04 * (run.step - run.first_step)
            axis.set_xlim(run.first_step - margin, run.step + margin)  # the same for all, whenever a control was met
        axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axis.grid(alpha=0.25)
    # Metric names are data: a "$" in one must not be read as mathematics.
    said = f"{run.title}: {run.status}" + (f" ({run.message})" if run.message else "")
    figure.suptitle(literal(said) + (f"\nand {left} more" if left else ""), fontsize=10)
    return figure


def still(run: Record, board_id: str) -> str:
    """The same figure as a small PNG in base64, marked with the board it stands for; it reads on light and on dark."""
    return still_of(plot(run), board_id)


def still_of(figure: Figure, board_id: str) -> str:
    """A figure as a small PNG in base64."""
    _suit_any_background(figure)
    return base64.b64encode(_png(figure, board_id)).decode()


def _suit_any_background(figure: Figure) -> None:
    """Take the background away: a page may be light or dark, now or tomorrow. Dark letters get a light outline."""
    figure.patch.set_alpha(0)
    for axis in figure.axes:
        axis.patch.set_alpha(0)
        axis.tick_params(color=NEUTRAL, which="both")
        for spine in axis.spines.values():
            spine.set_color(NEUTRAL)
        for line in axis.get_xgridlines() + axis.get_ygridlines():
            line.set(color=NEUTRAL, alpha=0.4)
        if (legend := axis.get_legend()) is not None:
            legend.get_frame().set_alpha(0)
    for text in figure.findobj(Text):
        text.set_path_effects([withStroke(linewidth=2, foreground="white")])


def _png(figure: Figure, board_id: str = "") -> bytes:
    """A small PNG, marked with the board it stands for, if it does."""
    from PIL import Image, PngImagePlugin

    raw, small, info = io.BytesIO(), io.BytesIO(), PngImagePlugin.PngInfo()
    figure.savefig(raw, format="png", dpi=90)
    if board_id:
        info.add_text("kcb-board", board_id)
    # A palette makes the picture three times smaller than full colour. Not any: the usual one may turn blue dots green.
    mode = "RGB" if figure.patch.get_alpha() is None else "RGBA"
    few = Image.open(raw).convert(mode).quantize(STILL_COLORS, method=Image.Quantize.FASTOCTREE)
    few.save(small, "png", optimize=True, pnginfo=info)
    return small.getvalue()


def _groups(run: Record) -> list[str]:
    names = [*run.batch_table.names, *run.epoch_table.names]
    groups = dict.fromkeys(group_of(name) for name in names if name != "learning_rate")
    return sorted(groups, key=lambda group: group != "loss")  # Keras sorts by name; the loss is looked at first


def _metric(axis: Any, run: Record, group: str) -> None:
    batches, epochs = run.batch_table, run.epoch_table
    kept, left = [], False  # what is on the way to where the run is now, and whether anything is not
    if group in batches.names:
        buckets = window(curves.batches(run), 0, batches.rows, POINTS)
        if buckets is not None:
            column = batches.names.index(group)
            label = "each batch" if group in run.batch_values.names else "mean since the epoch began"
            if buckets.per_bucket > 1:
                low, high = buckets.minimum[column], buckets.maximum[column]
                axis.fill_between(buckets.x[0], low, high, color=TRAIN, alpha=0.25, linewidth=0)
            gone, mean = run.abandoned(buckets.x[1]), buckets.mean[column]
            line = {"color": TRAIN, "linewidth": 0.9}
            axis.plot(buckets.x[0], np.where(gone, np.nan, mean), alpha=0.6, label=label, **line)
            kept.append(mean[~gone])
            if gone.any():
                left = True
                axis.plot(buckets.x[0], np.where(gone, mean, np.nan), alpha=0.2, **line)
    steps = epochs.steps(0, epochs.rows)
    gone = run.abandoned(steps)
    for name, color, style, label in (
        (group, TRAIN, "o", "training, epoch"),
        (f"val_{group}", VALIDATION, "s--", "validation"),
    ):
        if name in epochs.names and epochs.rows:
            values = epochs.column(name)
            values = np.where(np.isfinite(values), values, np.nan)
            axis.plot(steps, np.where(gone, np.nan, values), style, color=color, markersize=4, label=label)
            kept.append(values[~gone])
            if gone.any():
                axis.plot(steps, np.where(gone, values, np.nan), style, color=color, markersize=4, alpha=0.2)
    evaluated = run.evaluation_table
    if f"val_{group}" in evaluated.names:
        at, found = evaluated.steps(0, evaluated.rows), evaluated.column(f"val_{group}")
        axis.plot(at, found, "^", color=VALIDATION, markersize=5, fillstyle="none", label="evaluated")
    if left:
        _fit_to(axis, np.concatenate(kept))
    for bad in run.nonfinite:
        if bad["group"] == group:
            axis.axvline(bad["step"], color=BAD, linewidth=1)
            axis.text(
                bad["step"], 0.02, literal(bad["value"]), color=BAD, fontsize=7, transform=axis.get_xaxis_transform()
            )
    axis.set_title(literal(group), fontsize=10)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize=7, framealpha=0.6)


def _fit_to(axis: Any, values: Any) -> None:
    """Scale an axis by these values alone: a stretch that was left for its explosion must not flatten the rest."""
    values = values[np.isfinite(values)].astype(np.float64)  # a margin may be more than float32 holds
    if values.size:
        margin = 0.05 * (values.max() - values.min()) or 0.05 * abs(values.max()) or 1.0
        axis.set_ylim(values.min() - margin, values.max() + margin)


def _control(axis: Any, run: Record, name: str) -> None:
    table = run.value_table
    steps, values = table.steps(0, table.rows), table.column(name)
    known = np.isfinite(values)  # it was changed for the first time some way into the run
    if not known.any():
        return
    steps, values = steps[known], values[known]
    axis.step([*steps, max(run.step, steps[-1])], [*values, values[-1]], where="post", color=RATE)
    if values.min() > 0 and values.max() >= 10 * values.min():
        axis.set_yscale("log")
    axis.set_title(literal(name), fontsize=10)


def _markers(axis: Any, run: Record) -> None:
    for event in [e for e in list(run.events_list) if _marked(e)][-MAX_MARKERS:]:
        axis.axvline(
            event.step, color=EVENT, linewidth=0.8, linestyle=":" if event.kind == "changed" else "-", alpha=0.6
        )


def _marked(event: Event) -> bool:
    went_on = event.kind == "resumed" and event.name == "run"
    return went_on or event.kind in ("applied", "changed", "held", "rollback", "stop")


def literal(text: str) -> str:
    """A text that is data: a dollar sign in it begins no mathematics, and it has an end."""
    return (text if len(text) <= LONGEST else text[: LONGEST - 1] + "\u2026").replace("$", r"\$")
