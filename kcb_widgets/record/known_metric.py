"""The metric that is known of the model as it is now, between two batches: what a snapshot may be called by."""

from __future__ import annotations

import math

import numpy as np

from .record import Record
from .stretches import LOSS

AT_EPOCHS_END = ("val_loss", LOSS)


def known_metric(run: Record) -> tuple[str, float | None]:
    """The name and value of what was logged at this very step; an empty name where nothing finite was.

    At an epoch's end, before the next batch, that is its ``val_loss``, or its loss where there is no validation. In
    mid-epoch the weights are no longer those of the last ``val_loss``: it is the loss that Keras shows at this step,
    the running mean of the epoch so far. After a rollback nothing is known until the next batch.
    """
    step = run.step
    if run.abandoned(np.array([step]))[0]:
        return "", None
    epochs, batches = run.epoch_table, run.batch_table
    ended = bool(epochs.rows) and epochs.last_step == step
    if not ended and not (batches.rows and batches.last_step == step):
        return "", None
    table, names = (epochs, AT_EPOCHS_END) if ended else (batches, (LOSS,))
    latest = table.values(table.rows - 1, table.rows)[:, 0]
    for name in names:
        if name in table.names and math.isfinite(value := float(latest[table.names.index(name)])):
            return name, value
    return "", None
