"""The alerts that come with Monitor: overfitting, plateau, NaN, and waiting for data."""

from __future__ import annotations

from ..record.formats import format_metric
from ..record.nonfinite import in_words
from ..record.record import Record
from .alert import Alert, Check
from .readings import Readings
from .rule import Rule

PATIENCE = 10  # epochs without a better value
LEAST = 0.001  # by which share a value must be better to count
BOUND_EPOCHS = 2  # that waited for data, one after the other: the first fills buffers and caches

OVERFITS = Rule(
    "val_loss > 1.1 * best(val_loss) and last(val_loss, 1) > 1.1 * best(val_loss)"
    " and last(val_loss, 2) > 1.1 * best(val_loss) and loss < last(loss, 3) and best(val_loss) > 0"
)


class Plateau:
    """Nothing gets better."""

    def begin(self) -> Check:
        """It keeps nothing of a run."""
        return self._check

    def _check(self, run: Record, readings: Readings) -> str | None:
        name = "val_loss" if "val_loss" in run.epoch_table.names else "loss"
        values = [value for value in readings.column(name) if value is not None and value - value == 0.0]  # finite ones
        if len(values) <= PATIENCE or run.not_finite is not None:
            return ""
        before, latest = min(values[:-PATIENCE]), min(values[-PATIENCE:])
        if latest < before - LEAST * abs(before):
            return ""
        return f"{name} was {format_metric(before)} before, and at best {format_metric(latest)} since"


class NotFinite:
    """The record knows of a metric that is not finite now."""

    def begin(self) -> Check:
        """It keeps nothing of a run."""
        return self._check

    def _check(self, run: Record, readings: Readings) -> str | None:
        wrong = run.not_finite
        return "" if wrong is None else f"{wrong['name']} is {in_words(wrong)}"


class InputBound:
    """Epochs one after the other waited for data."""

    def begin(self) -> Check:
        """Counts the epochs of one run; what is known of an epoch is a new object."""
        seen, bound = None, 0

        def check(run: Record, readings: Readings) -> str | None:
            nonlocal seen, bound
            hooks = run.hooks
            if hooks.epoch is not seen:
                seen, bound = hooks.epoch, bound + 1 if hooks.bound else 0
            return hooks.bound.removeprefix("input-bound: ") if bound >= BOUND_EPOCHS else ""

        return check


BUILT_IN = {
    alert.name: alert
    for alert in (
        Alert(
            "overfitting",
            "warning",
            "val_loss is more than 10 % above its best for 3 epochs, while loss fell",
            built_in=True,
            when=OVERFITS,
        ),
        Alert(
            "plateau",
            "info",
            f"no better val_loss (or loss, without validation) for {PATIENCE} epochs, by more than 0.1 %",
            built_in=True,
            when=Plateau(),
        ),
        Alert("nan", "error", "a metric is NaN or infinite", built_in=True, when=NotFinite()),
        Alert(
            "input-bound",
            "warning",
            f"more than 30 % of each of {BOUND_EPOCHS} epochs was spent waiting for data",
            built_in=True,
            when=InputBound(),
        ),
    )
}
