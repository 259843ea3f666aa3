"""What other programs wrote of runs: Keras's own callbacks in tiny fits, and event files record by record."""

from __future__ import annotations

import keras
import numpy as np
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

EPOCHS, BATCHES = 4, 3


def fit(callbacks, epochs=EPOCHS, validation_freq=1, model=None, **more):
    """Train a model of one weight for some epochs of three batches; what ``fit`` returns."""
    keras.utils.set_random_seed(7)
    if model is None:
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)], name="digits")
        model.compile("sgd", "mse", metrics=["mae"])
    x = np.linspace(0, 1, 4 * BATCHES, dtype="float32")[:, None]
    data = {"validation_data": (x, x), "validation_freq": validation_freq} if validation_freq else {}
    return model.fit(x, 2 * x, batch_size=4, epochs=epochs, verbose=0, callbacks=callbacks, **data, **more)


def write_events(path, events, wall=1000.0):
    """Write an event file.

    Args:
        path: The file.
        events: Tags, steps and values, each written a second after the one before.
        wall: When the first is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        writer = RecordWriter(file)
        writer.write(event_pb2.Event(wall_time=wall, file_version="brain.Event:2").SerializeToString())
        for i, (tag, step, value) in enumerate(events):
            values = [summary_pb2.Summary.Value(tag=tag, simple_value=value)]
            event = event_pb2.Event(wall_time=wall + i, step=step, summary=summary_pb2.Summary(value=values))
            writer.write(event.SerializeToString())
    return path
