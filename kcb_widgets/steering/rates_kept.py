"""Which learning rates a rollback leaves as they are: controls keep their values, and that is told."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..record.formats import format_setting
from ..record.record import Record
from .controls.control import Control
from .controls.schedule import Scheduled

LABELS = ("learning_rate", "learning_rate_factor")


def rates_kept(run: Record, step: int, controls: Iterable[Control]) -> str:
    """Say which learning rates are not what they were after ``step``.

    Args:
        run: The record of the fit.
        step: Of the snapshot that was put back.
        controls: Those of the model as it is now.

    Returns:
        A clause for each, or nothing.
    """
    table, kept = run.value_table, []
    steps = table.steps(0, table.rows)
    for control in controls:
        if control.label not in LABELS or control.name not in table.names:
            continue
        if isinstance(control, Scheduled) and not control.schedule_override.taken_over:
            continue  # the schedule goes by the optimizer's count, which went back too
        now, values = control.read(), table.column(control.name)
        known = np.isfinite(values)
        # A control comes on the record with its first change; what it was until then is its first value.
        then = [*values[known & (steps <= step)][-1:], *values[known][:1]]
        if isinstance(now, float) and then and np.float32(then[0]) != np.float32(now):
            kept.append(f"{control.name} stays {format_setting(now)}, it was {format_setting(float(then[0]))} then")
    return ", ".join(kept)
