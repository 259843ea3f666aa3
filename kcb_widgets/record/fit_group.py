"""Fits that belong together, such as the folds of a cross-validation: which there are, and what became of each."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from . import late
from .formats import format_metric
from .grouped_fit import REGULAR, GroupedFit
from .record import Record
from .values import plain, positive_integer

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from . import wire

OPEN_RUNS = 20  # fits whose runs are kept, so that they can be looked at again
MAX_FITS = 1000  # of which anything is kept
MAX_LISTED = 30  # that a board lists
MAX_NAME = 200


class FitGroup:
    """Fits that belong together, in the order in which they began.

    The runs of the latest 20 can be looked at again, fewer where the Monitor keeps fewer; of earlier ones, up to 1,000,
    there are their numbers and short curves.

    Args:
        name: What they are, such as ``5 folds``.
        fits: How many there will be; None: nobody knows.

    Raises:
        TypeError, ValueError: An argument is of the wrong kind.

    Attributes:
        name: What they are.
        planned: How many there will be, as far as is known.
    """

    def __init__(self, name: str = "", fits: int | None = None) -> None:
        if not isinstance(name, str) or len(name) > MAX_NAME:
            msg = f"name must be a text of at most {MAX_NAME} characters. Received: {plain(name, MAX_NAME)!r}"
            raise TypeError(msg)
        self.name = name
        self.planned = None if fits is None else positive_integer("fits", fits)
        self._fits: list[GroupedFit] = []
        self._number = 0
        self._turn = threading.RLock()

    def __repr__(self) -> str:
        said = f" of {self.planned}" if self.planned else ""
        return f"<FitGroup {self.name!r}: {self._number}{said} fits>"

    def __len__(self) -> int:
        """How many fits began."""
        return self._number

    def join(self, run: Record, keep: int | None = None) -> None:
        """A fit of the group begins.

        Args:
            run: Its run.
            keep: How many runs may be kept.
        """
        with self._turn:
            if run.group is self:
                return
            run.group = self
            self._number += 1
            self._fits.append(GroupedFit(self._number, run.id, run, run.title))
            for old in self._fits[: -min(OPEN_RUNS, keep or OPEN_RUNS)]:
                old.let_go()
            del self._fits[:-MAX_FITS]

    def fits(self) -> list[GroupedFit]:
        """What is known of the fits now, oldest first."""
        with self._turn:
            for each in self._fits:
                each.look()
            return list(self._fits)

    @property
    def runs(self) -> list[Record]:
        """The runs that can be looked at, oldest first."""
        with self._turn:
            return [each.run for each in self._fits if each.run is not None]

    @property
    def newest(self) -> Record | None:
        """The run of the fit that began last."""
        with self._turn:
            return self._fits[-1].run if self._fits else None

    def run(self, number: int) -> Record:
        """The run of a fit.

        Args:
            number: 1 for the first.

        Raises:
            LookupError: There is none, or it was let go of.
        """
        with self._turn:
            for each in self._fits:
                if each.number == number and each.run is not None:
                    return each.run
        msg = f"there is no run of fit {number}; {self._number} began, and the latest {len(self.runs)} are kept"
        raise LookupError(msg)

    def metrics(self) -> list[str]:
        """The metrics that fits have at the ends of epochs; the loss first, that of validation before all."""
        return _metrics_of(self.fits())

    def table(self) -> pd.DataFrame:
        """A row for each fit: its run, status, epochs, batches, seconds, and each metric, last and best.

        Metrics are those at the end of the last epoch, ``best_<metric>`` those of the best one. The mean of a column
        is the mean over the fits: ``group.table()[["val_loss"]].agg(["mean", "std"])``.
        """
        import pandas as pd

        rows = [
            {
                "fit": each.number, "run": each.title, "status": each.status, "epochs": each.epochs, "step": each.step,
                "seconds": each.seconds, **each.last, **{f"best_{name}": value for name, value in each.best.items()},
            }
            for each in self.fits()
        ]  # fmt: skip
        columns = ["fit", "run", "status", "epochs", "step", "seconds"]
        return pd.DataFrame(rows, columns=None if rows else columns).set_index("fit")

    def plot(self, metrics: Iterable[str] | None = None) -> Figure:
        """A Matplotlib figure: each fit a faint line, their mean and one standard deviation to either side.

        Args:
            metrics: Whose curves; those of the loss by default.
        """
        return cast("Figure", late.call("plot_group", self, None if metrics is None else list(metrics)))

    # -- for boards ----------------------------------------------------------------------------------------------------

    def describe(self, left: float | None) -> wire.FitGroup:
        """What a board says of the group.

        Args:
            left: Seconds to the end of the newest fit, where they are known.
        """
        fits = self.fits()
        metrics = _metrics_of(fits)
        metric = metrics[0] if metrics else ""
        over = [each for each in fits if each.status in REGULAR and metric in each.last]
        values = np.array([each.last[metric] for each in over])
        return {
            "name": self.name,
            "planned": self.planned,
            "number": self._number,
            "remaining": self._remaining(fits, left),
            "metric": metric,
            "counted": len(over),
            "mean": plain(float(values.mean())) if len(over) else None,
            "deviation": plain(float(values.std(ddof=1))) if len(over) > 1 else None,
            "fits": [
                {
                    "run": each.id,
                    "number": each.number,
                    "title": each.title,
                    "status": each.status,
                    "value": plain(each.last[metric]) if metric in each.last else None,
                    "kept": each.run is not None,
                }
                for each in fits[-MAX_LISTED:]
            ],
        }

    def _remaining(self, fits: list[GroupedFit], left: float | None) -> float | None:
        """Seconds to the end of the last fit: those to come take as long as those that ended without a pause."""
        if self.planned is None or not fits:
            return None
        to_come = max(0, self.planned - self._number)
        took = [each.seconds for each in fits if each.status in REGULAR and not each.paused]
        if fits[-1].status in REGULAR:
            left = 0.0
        if left is None or (to_come and not took and not left):
            return None
        now = fits[-1]
        each_takes = sum(took) / len(took) if took else now.seconds + left
        if not took and now.paused:
            return None if to_come else left
        found = left + to_come * each_takes
        return found if math.isfinite(found) else None


def _metrics_of(fits: Iterable[GroupedFit]) -> list[str]:
    names = dict.fromkeys(name for each in fits for name in each.last if name != "learning_rate")
    return sorted(names, key=lambda name: (name != "val_loss", name != "loss"))


def described(run: Record, left: float | None) -> Any:
    """What a board says of the group of a run; None where it has none, or is alone and nobody named it."""
    group = run.group
    if group is None or (len(group) < 2 and not group.name and group.planned is None):
        return None
    return group.describe(left)


def in_words(group: FitGroup) -> str:
    """A group in one line: how many fits there were, and what they came to."""
    said = group.describe(None)
    words = f"{said['name'] or 'fits of one cell'}: {said['number']} fits"
    if isinstance(said["mean"], float):
        words += f", {said['metric']} {format_metric(said['mean'])}"
        if isinstance(said["deviation"], float):
            words += f" \u00b1 {format_metric(said['deviation'])} over {said['counted']}"
    return words
