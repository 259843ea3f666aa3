"""A run as pandas DataFrames. pandas is imported when first used: it takes a third of a second."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from . import names
from .events import Event
from .positions import epoch_and_batch

if TYPE_CHECKING:
    import pandas as pd

    from .record import Record


def epochs(run: Record) -> pd.DataFrame:
    """See ``Run.epochs``."""
    import pandas as pd

    rows = list(run.epoch_rows)
    frame = pd.DataFrame([row for _, row in rows], index=pd.Index([epoch for epoch, _ in rows], name="epoch"))
    if run.branches and len(rows):
        frame["abandoned"] = run.abandoned(run.epoch_table.steps(0, len(rows)))
    ends = [name for name in ("abandoned", "learning_rate", "seconds") if name in frame]
    return frame[[name for name in frame if name not in ends] + ends]


def batches(run: Record) -> pd.DataFrame:
    """See ``Run.batches``."""
    import pandas as pd

    table, rows = run.batch_table, run.batch_table.rows
    steps = table.steps(0, rows).astype(np.int64)
    epoch, batch = epoch_and_batch(list(run.epoch_starts), 0, steps)
    made: dict[str, Any] = {"epoch": epoch, "batch": batch, "seconds": table.seconds(0, rows)}
    if run.branches:
        made["abandoned"] = run.abandoned(steps)
    recovered = set(run.batch_values.names)  # taken once: the training thread may change them meanwhile
    running, own = table.values(0, rows), run.batch_values.recover(table, 0, rows)
    metrics = table.names[: min(len(running), len(own))]
    columns = names.of_batches(metrics)
    for i, name in enumerate(metrics):
        made[columns[name]] = running[i]
    for i, name in enumerate(metrics):
        if name in recovered:
            made[f"batch_{name}"] = own[i]
    return pd.DataFrame(made, index=pd.Index(steps, name="step"))


def events(run: Record) -> pd.DataFrame:
    """See ``Run.events``."""
    import pandas as pd

    columns = [field.name for field in fields(Event)]
    return pd.DataFrame([asdict(event) for event in list(run.events_list)], columns=columns)
