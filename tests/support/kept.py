"""Runs without a model, for tests of their files: fed by hand, as fast as they can be."""

from __future__ import annotations

import math
import random

import numpy as np

from kcb_widgets.run import Run
from kcb_widgets.store.about import About
from kcb_widgets.store.run_file import RunFile

ODD = (math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-45, 3.4e38, -1.5)
METRICS = ("loss", "accuracy", "größe", "a/b", "epoch", "batch_loss", "x" * 300)


def value(step, name="loss"):
    """A number that a step and a name always have: float32, so that a file keeps it as it is."""
    return float(np.float32((step * 2654435761 + len(name) * 40503) % 1000003 / 1000003))


def begin(metrics=("loss",), steps=None, epochs=1):
    """A run that has begun."""
    run = Run()
    run.params = {"epochs": epochs, "steps": steps}
    run.start_clock()
    run.status = "running"
    for name in metrics:
        run.batch_values.claim(name, "batches")
    return run


def train(run, batches, metrics=("loss",), epoch=0, first=0):
    """Batches of one epoch."""
    if not run.epoch_starts or run.epoch_starts[-1][2] != epoch:
        run.begin_epoch(epoch)
    for batch in range(first, first + batches):
        step = run.epoch_starts[-1][1] + batch + 1
        run.append(batch, {name: value(step, name) for name in metrics})


class Play:
    """A run in which anything may happen, as a random number says.

    Args:
        seed: The number.
    """

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.run = begin(steps=None, epochs=5)
        self.run.steps_per_execution = self.random.choice([1, 1, 1, 3])
        self.run.batch_values.claim("loss", self.random.choice(["batches", "samples", "measured"]))
        self.names = ["loss"]
        self.batch = self.epoch = 0
        self.run.begin_epoch(0)

    def number(self):
        """Any number that a metric may have."""
        return self.random.choice(ODD) if self.random.random() < 0.1 else self.random.uniform(-3, 3)

    def act(self):
        """Something happens."""
        what = self.random.choice(
            [self.train] * 6 + [self.end_epoch, self.event, self.value, self.evaluate, self.roll_back, self.tell]
        )
        what()

    def train(self):
        run, stride = self.run, self.run.steps_per_execution
        if self.random.random() < 0.1 and len(self.names) < len(METRICS):
            self.names.append(METRICS[len(self.names)])
        for _ in range(self.random.choice([1, 2, 40, 300])):
            logs = {name: self.number() for name in self.names if name == "loss" or self.random.random() < 0.95}
            weights = {"loss": float(self.batch + 1)} if self.random.random() < 0.5 else None
            run.pending.append((self.batch + stride - 1, logs, run._clock + run.seconds, weights))
            run.record_pending()
            self.batch += stride

    def end_epoch(self):
        if self.batch == 0:
            return
        self.run.close_epoch()
        logs = {name: self.number() for name in [*self.names, "val_loss"]} | {"text": "é\ud800", "many": [1, 2]}
        self.run.end_epoch(self.epoch, logs)
        self.epoch, self.batch = self.epoch + 1, 0
        self.run.begin_epoch(self.epoch)

    def event(self):
        old, new = (
            self.random.choice([None, True, 3, 2**70, math.nan, -math.inf, "a\x00b", "<b>", 1e-7]) for _ in range(2)
        )
        self.run.add_event("applied", self.random.choice(METRICS), old, new, "board", "why \u2028 'not'", 12.5)

    def tell(self):
        if self.run.events_list:
            self.run.tell_more(self.random.choice(self.run.events_list), "more is known")

    def value(self):
        self.run.set_value(self.random.choice(["learning_rate", "Dropout.rate"]), abs(self.number()), 0.5)

    def evaluate(self):
        self.run.evaluated({"val_loss": self.number()})

    def roll_back(self):
        if self.run.step:
            self.run.rolled_back(self.random.randrange(self.run.step))


def file_of(run, folder, **about):
    """A file for a run, to be written by hand."""
    return RunFile(run, folder, About(**{"name": "a run", **about}))
