"""A compact line of progress where the output is a terminal."""

from __future__ import annotations

import sys
from typing import Any

from ..record.formats import format_metric
from ..record.record import Record


class ProgressLine:
    """One tqdm bar for the whole fit. Written only to a terminal: logs and notebooks under nbconvert stay clean."""

    def __init__(self, run: Record) -> None:
        self._bar: Any = None
        # A daemon has no stderr, and what stands for it in a log may lack most of a file's methods.
        is_terminal = getattr(sys.stderr, "isatty", None)
        if is_terminal is None or not is_terminal():
            return
        from tqdm import tqdm

        self._bar = tqdm(total=self._total(run), unit="batch", dynamic_ncols=True, leave=True)

    @staticmethod
    def _total(run: Record) -> int | None:
        epochs, batches = run.params.get("epochs"), run.batches_per_epoch
        return (epochs - run.initial_epoch) * batches if epochs and batches else None

    def show(self, run: Record) -> ProgressLine:
        """Bring the line up to date; returns it."""
        bar = self._bar
        if bar is None:
            return self
        bar.total = self._total(run)
        bar.set_description_str(f"epoch {(run.epoch or 0) + 1}/{run.params.get('epochs', '?')}", refresh=False)
        numbers: dict[str, float] = {}
        if run.batch_table.rows:
            latest = run.batch_table.values(run.batch_table.rows - 1, run.batch_table.rows)[:, 0]
            numbers |= dict(zip(run.batch_table.names, map(float, latest), strict=False))
        if run.epoch_rows:
            last = run.epoch_rows[-1][1]
            numbers |= {k: v for k, v in last.items() if k.startswith("val_") and isinstance(v, float)}
        bar.set_postfix_str(", ".join(f"{k}={format_metric(v)}" for k, v in numbers.items()), refresh=False)
        bar.n = run.step - run.first_step
        bar.refresh()  # the session calls five times a second at most: no need of tqdm's own throttle
        if run.over:
            bar.set_description_str(run.status)
            bar.close()
            self._bar = None
        return self
