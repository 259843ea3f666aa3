"""Three models whose steps take a known time: real layers, real gradients, sized to the machine at the start."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from plan import MODELS

WIDTH = 512
SEED = 7


@dataclass
class Subject:
    """A model, its data (one batch again and again, so that data cost nothing) and how long a step takes."""

    model: Any
    batch: tuple[Any, Any]
    seconds: float = 0.0

    @property
    def data(self) -> Any:
        """Without end, as ``fit`` takes it."""
        if keras.backend.backend() != "tensorflow":
            return _again(self.batch)
        import tensorflow as tf

        return tf.data.Dataset.from_tensors(self.batch).repeat()


def _again(batch: Any) -> Iterator[Any]:
    while True:
        yield batch


def one_thread() -> None:
    """One thread for the backend's work: the other core is the browser's, and a step takes the same time each time.

    JAX reads it from its environment, see ``per_batch.py``.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
    elif keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(1)


def make(name: str) -> Subject:
    """A model whose step takes about ``MODELS[name]`` seconds."""
    target = MODELS[name]
    if not target:
        return _subject(32, width=8, layers=1)
    # Time grows about in proportion to the batch. Bounded: on a busy machine one look may be far off.
    size = 64
    for _ in range(4):
        subject = _subject(size)
        factor = target / subject.seconds
        if 0.87 < factor < 1.15:
            break
        size = max(1, min(4096, round(size * max(0.25, min(8.0, factor)))))
    return subject


def _subject(batch_size: int, width: int = WIDTH, layers: int = 3) -> Subject:
    keras.utils.set_random_seed(SEED)
    dense = [keras.layers.Dense(width, activation="relu") for _ in range(layers)]
    model = keras.Sequential([keras.Input((width,)), *dense, keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1e-3), loss="mse", metrics=["mae"])
    x = np.random.default_rng(SEED).normal(size=(batch_size, width)).astype("float32")
    subject = Subject(model, (x, x[:, :1]))
    model.fit(subject.data, epochs=1, steps_per_epoch=3, verbose=0)
    subject.seconds = _time(subject)
    return subject


def _time(subject: Subject) -> float:
    """Seconds a step takes: the least of some tries, which other load on the machine disturbs least."""
    steps, best = 3, float("inf")
    for _ in range(6):
        began = time.perf_counter()
        subject.model.fit(subject.data, epochs=1, steps_per_epoch=steps, verbose=0)
        best = min(best, (time.perf_counter() - began) / steps)
        steps = max(3, min(200, round(0.1 / best)))
    return best
