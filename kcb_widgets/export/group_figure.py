"""The figure of a group of fits: each a faint line, and their mean with one standard deviation to either side."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..record.fit_curves import collect
from ..record.fit_group import FitGroup
from .figures import TRAIN, VALIDATION, Picture, literal

FAINT = 0.35
MAX_DRAWN = 100  # fits that are drawn; the mean is of all


def plot(group: FitGroup, metrics: list[str] | None = None) -> Figure:
    """Draw a group of fits.

    Args:
        group: The fits.
        metrics: A plot for each; None: one for the loss, with that of validation where there is any.

    Returns:
        A figure with its own Agg canvas.
    """
    known = group.metrics()
    plots = [[name] for name in metrics] if metrics else [[name for name in known if name in ("val_loss", "loss")]]
    plots = plots if plots[0] else [known[:1]]
    figure = Picture(figsize=(5.6, 3.2 * len(plots)), layout="constrained")
    FigureCanvasAgg(figure)
    for number, names in enumerate(plots):
        axis = figure.add_subplot(len(plots), 1, number + 1)
        for name in names:
            _draw(axis, group, name)
        axis.set_title(literal(", ".join(names)), fontsize=10)
        axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axis.grid(alpha=0.25)
        if axis.get_legend_handles_labels()[0]:
            axis.legend(fontsize=7, framealpha=0.6)
    figure.suptitle(literal(f"{group.name or 'fits of one cell'}: {len(group)} fits"), fontsize=10)
    return figure


def _draw(axis: Any, group: FitGroup, metric: str) -> None:
    found = collect(group, metric)
    colour = VALIDATION if metric.startswith("val_") else TRAIN
    if not found.fits:
        return
    single = len(found.x) == 1
    for values in found.values[-MAX_DRAWN:]:
        there = np.isfinite(values)
        axis.plot(found.x[there], values[there], "o" if single else "-", color=colour, alpha=FAINT, linewidth=0.9)
    label = literal(f"{metric}: mean of {int(found.there.max())} fits \u00b1 standard deviation")
    if single:
        axis.errorbar(found.x, found.mean, found.high - found.mean, fmt="D", capsize=4, color=colour, label=label)
    else:
        axis.plot(found.x, found.mean, color=colour, linewidth=2, label=label)
        axis.fill_between(found.x, found.low, found.high, color=colour, alpha=0.18, linewidth=0)
    axis.set_xlabel("epochs" if found.by_epoch else "step")
