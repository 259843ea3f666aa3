"""Stopwatches that stay out of the way: two callbacks without batch hooks around all others, and a wrapper for hooks.

Keras runs batch hooks on a thread pool unless some callback in the list has one. The two stopwatches have none, so they
change nothing about that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import keras

BATCH_HOOKS = ("on_train_batch_begin", "on_train_batch_end")
EPOCH_HOOKS = ("on_epoch_begin", "on_epoch_end")


class Clock:
    """A moment: wall time and the CPU time of this thread."""

    __slots__ = ("cpu", "wall")

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.thread_time()


class Meter:
    """Times the batches of whole epochs, and the epoch hooks of what stands between ``first`` and ``last``.

    Args:
        epochs: How many epochs to measure; then the fit is stopped.
        ready: Asked at the end of each epoch until it says yes: measuring begins with the next one. The first epoch is
            never measured: it traces, and opens what is to be shown.
        begin: Called as measuring begins.
        patience: Seconds to wait for ``ready``.
    """

    def __init__(
        self, epochs: int, ready: Callable[[], bool], begin: Callable[[], None], patience: float = 30.0
    ) -> None:
        self._wanted, self._ready, self._begin, self._patience = epochs, ready, begin, patience
        self.first, self.last = _First(self), _Last(self)
        self.marks: dict[str, Clock] = {}
        self.measuring = False
        self.batches = 0
        self.wall: list[float] = []  # of one batch, by epoch
        self.cpu: list[float] = []
        self.between: list[float] = []  # wall time in the hooks around an epoch
        self.train_begin = self.train_end = 0.0

    def mark(self, name: str) -> Clock:
        """Remember now by this name."""
        self.marks[name] = clock = Clock()
        return clock

    def epoch_ended(self, model: Any) -> None:
        """The last hook of an epoch."""
        now, marks = Clock(), self.marks
        if self.measuring:
            began, ended = marks["loop begins"], marks["loop ends"]
            batches = model.history.params["steps"]
            self.batches += batches
            self.wall.append((ended.wall - began.wall) / batches)
            self.cpu.append((ended.cpu - began.cpu) / batches)
            self.between.append(now.wall - ended.wall + began.wall - marks["epoch begins"].wall)
            model.stop_training = len(self.wall) >= self._wanted
        elif self._ready():
            self.measuring = True
            self._begin()
        elif now.wall - marks["train begins"].wall > self._patience:
            raise TimeoutError("what is to be shown never came up in the browser")


class _First(keras.callbacks.Callback):
    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def on_train_begin(self, logs: Any = None) -> None:
        self._meter.mark("train begins")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._meter.mark("epoch begins")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._meter.mark("loop ends")

    def on_train_end(self, logs: Any = None) -> None:
        self._meter.mark("train ends")


class _Last(keras.callbacks.Callback):
    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def on_train_begin(self, logs: Any = None) -> None:
        self._meter.train_begin = time.perf_counter() - self._meter.marks["train begins"].wall

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._meter.mark("loop begins")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._meter.epoch_ended(self.model)

    def on_train_end(self, logs: Any = None) -> None:
        self._meter.train_end = time.perf_counter() - self._meter.marks["train ends"].wall


class Hooks:
    """Times every call of a callback's hooks, by what the call turned out to do.

    Args:
        callback: Its hooks are replaced on the instance. Not those of the fit's begin and end: Monitor looks at the
            frames above that one.
        marks: Numbers that change when something was done, by what was done; the first that changed names the call.
    """

    def __init__(self, callback: Any, marks: dict[str, Callable[[], Any]]) -> None:
        self.batch: dict[str, list[float]] = {name: [] for name in (*BATCH_HOOKS, *marks)}
        self.epoch: list[float] = []
        self._marks = marks
        for name in BATCH_HOOKS:
            setattr(callback, name, self._batch_hook(getattr(callback, name), self.batch[name]))
        for name in EPOCH_HOOKS:
            setattr(callback, name, self._epoch_hook(getattr(callback, name)))

    def clear(self) -> None:
        """Forget the warm-up."""
        for spent in (*self.batch.values(), self.epoch):
            spent.clear()

    def _batch_hook(self, hook: Any, plain: list[float]) -> Any:
        clock, marks = time.perf_counter, [(read, self.batch[name]) for name, read in self._marks.items()]

        def call(*args: Any, **kwargs: Any) -> None:
            before = [read() for read, _ in marks]
            began = clock()
            hook(*args, **kwargs)
            took = clock() - began
            for was, (read, spent) in zip(before, marks, strict=True):
                if read() != was:
                    spent.append(took)
                    return
            plain.append(took)

        return call

    def _epoch_hook(self, hook: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> None:
            began = time.perf_counter()
            hook(*args, **kwargs)
            self.epoch.append(time.perf_counter() - began)

        return call
