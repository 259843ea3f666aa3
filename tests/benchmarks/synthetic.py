"""A trainer without a training step: it calls a callback's hooks as ``fit`` does, with logs such as ``fit`` has.

Eight metrics, all running means as Keras logs them, of an odd last batch in each epoch; a few spikes, NaN and
infinities at known batches. So every row that must have been recorded is known here, without asking the recorder.
"""

from __future__ import annotations

import time
from typing import Any

import keras
import numpy as np
from keras.src.trainers.epoch_iterator import EpochIterator

METRICS = ("mae", "mse", "mape", "msle", "cosine_similarity", "squared_hinge", "hinge")
NAMES = tuple(sorted(("loss", *METRICS)))  # as Keras hands them out
SAMPLES = 32  # of a batch; the last of an epoch has half
PATTERNS = 7  # epochs of noise, taken in turn
SPIKES = 200
ODD = (np.nan, np.inf, -np.inf)


class Trainer:
    """Calls the hooks of ``batches`` batches.

    Args:
        batches: In all; a multiple of ``epoch``.
        epoch: Batches of an epoch.

    Attributes:
        wall: Seconds that the batches of each epoch took, their hooks included.
        cpu: CPU seconds of this thread in them.
        between: Seconds in the hooks around each epoch.
    """

    def __init__(self, batches: int, epoch: int) -> None:
        self.batches, self.epoch = batches, epoch
        rng = np.random.default_rng(5)
        weights = np.arange(1, epoch + 1, dtype=np.float64)
        weights[-1] -= 0.5
        own = rng.gamma(2.0, 0.1, size=(PATTERNS, epoch, len(NAMES))) + np.arange(len(NAMES))
        sums = np.cumsum(own * np.diff(weights, prepend=0.0)[None, :, None], axis=1)
        self._running = (sums / weights[None, :, None]).astype(np.float32)  # (patterns, epoch, metrics)
        self._weights = weights
        rows = rng.choice(batches, min(SPIKES, batches // 50), replace=False).tolist()
        heights = [float(np.float32(height)) for height in rng.normal(scale=50.0, size=len(rows))]
        heights[: len(ODD)] = ODD
        self._spikes = {row: (NAMES[i % len(NAMES)], heights[i]) for i, row in enumerate(rows)}
        self._logs = [[dict(zip(NAMES, row, strict=True)) for row in pattern] for pattern in self._running.tolist()]
        self.wall = np.zeros(batches // epoch)
        self.cpu, self.between = np.zeros_like(self.wall), np.zeros_like(self.wall)

    def train(self, model: Any, monitor: Any) -> None:
        """The whole fit."""
        self.fit(model, monitor)

    def fit(self, model: Any, monitor: Any) -> None:
        """Monitor finds in this frame what it finds in that of Keras's ``fit``: the data's adapter."""
        samples = np.empty((SAMPLES * self.epoch - SAMPLES // 2, 1), np.float32)
        epoch_iterator = EpochIterator(x=samples, batch_size=SAMPLES)
        epochs, metrics = self.batches // self.epoch, _metrics(model)
        assert epoch_iterator.num_batches == self.epoch
        model.stop_training = False
        hooks = keras.callbacks.CallbackList([monitor], model=model, epochs=epochs, steps=self.epoch, verbose=1)
        hooks.on_train_begin()
        for number in range(epochs):
            self._train_epoch(hooks, monitor, number, metrics)
        hooks.on_train_end()

    def _train_epoch(self, hooks: Any, monitor: Any, number: int, metrics: dict[str, Any]) -> None:
        logs = list(self._logs[number % PATTERNS])
        for row in range(number * self.epoch, (number + 1) * self.epoch):
            if row in self._spikes:
                name, height = self._spikes[row]
                logs[row % self.epoch] = {**logs[row % self.epoch], name: height}
        for metric in metrics.values():
            metric.reset_state()
        began = time.perf_counter()
        hooks.on_epoch_begin(number)
        before, after = monitor.on_train_batch_begin, monitor.on_train_batch_end  # Keras's own list takes 60 us
        before(0)
        for name, metric in metrics.items():  # Monitor reads what a full batch weighs after the first
            metric.count.assign(SAMPLES)
            metric.total.assign(SAMPLES * logs[0][name])
        if number == 0:  # the first batch takes its time to trace
            time.sleep(0.1)
        after(0, logs[0])
        wall, cpu = time.perf_counter(), time.thread_time()
        for batch in range(1, self.epoch):
            before(batch)
            after(batch, logs[batch])
        self.cpu[number] = time.thread_time() - cpu
        ended = time.perf_counter()
        self.wall[number] = ended - wall
        for metric in metrics.values():
            metric.count.assign(SAMPLES * (self.epoch - 0.5))
        hooks.on_epoch_end(number, dict(logs[-1]))
        self.between[number] = time.perf_counter() - ended + (0.0 if number == 0 else wall - began)

    def truth(self, column: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Each batch's own value of one metric, by the formula, float32 of shape ``(batches,)``."""
        epochs = self.batches // self.epoch
        mean = self._running[np.arange(epochs) % PATTERNS, :, column].astype(np.float64).ravel()
        for row, (name, height) in self._spikes.items():
            if name == NAMES[column]:
                mean[row] = height
        weights = np.tile(self._weights, epochs)
        before, weighed = np.append(0.0, mean[:-1]), np.append(0.0, weights[:-1])
        before[:: self.epoch] = weighed[:: self.epoch] = 0.0
        with np.errstate(invalid="ignore"):
            return ((mean * weights - before * weighed) / (weights - weighed)).astype(np.float32)


def make_model() -> Any:
    """A model with these metrics, trained by one batch so that everything of it exists."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", loss="mse", metrics=list(METRICS))
    x = np.ones((SAMPLES, 1), np.float32)
    model.fit(x, x, verbose=0)
    return model


def _metrics(model: Any) -> dict[str, Any]:
    """The metrics whose means Keras logs, by name."""
    from kcb_widgets.session.weighing import mean_metrics

    found = {name: mean.metric for name, mean in mean_metrics(model).items()}
    assert set(found) == set(NAMES), found
    return found
