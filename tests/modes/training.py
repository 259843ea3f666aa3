"""Trains a model, asks Monitor for changes on the way, and keeps the state after every execution."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import keras
import numpy as np

import kcb_widgets as kcb

from .mode import current
from .models import BATCH
from .outcome import Refused
from .state import state, weights
from .traces import traces


class Watch(keras.callbacks.Callback):
    """Keeps the state after every execution, and does something at the end of some (1 is the first).

    It comes after Monitor in the list, so that what it asks for is not carried out before the next batch.
    """

    def __init__(self, actions: dict[int, Callable[[], object]] | None = None) -> None:
        super().__init__()
        self.actions, self.states, self.logs, self.traces = actions or {}, [], [], []
        self.validations = 0

    def on_train_begin(self, logs=None):
        self.states = [state(self._model)]
        self.traces = [traces()]

    def on_train_batch_end(self, batch, logs=None):
        self.states.append(state(self._model))
        self.logs.append(dict(logs))
        self.traces.append(traces())
        action = self.actions.get(len(self.states) - 1)
        if action is not None:
            action()

    def on_test_begin(self, logs=None):
        self.validations += 1

    @property
    def moves(self) -> list[float]:
        """How far each batch moved the one weight of `unit` down: the learning rate."""
        values = [float(weights(one)[0]) for one in self.states]
        return [float(np.round((a - b) / current().per, 5)) for a, b in itertools.pairwise(values)]


def fit(model, x, y, *callbacks, **kwargs):
    """Train, a batch after the other in order."""
    return model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=list(callbacks), **kwargs)


def steered(model, x, y, plan: dict[int, Callable], *others, first=(), **kwargs) -> tuple[Watch, kcb.Monitor]:
    """A fit with Monitor: `plan` says what to ask it for at the end of which execution. All must be granted."""
    monitor = kcb.Monitor(**{name: kwargs.pop(name) for name in ("guard", "snapshots") if name in kwargs})
    replies = []

    def ask(action):
        replies.append(action(monitor))

    watch = Watch({at: functools.partial(ask, action) for at, action in plan.items()})
    watch.history = fit(model, x, y, *first, monitor, *others, watch, **kwargs).history
    granted(monitor, *(reply for reply in replies if reply is not None))
    return watch, monitor


def granted(monitor, *replies) -> None:
    """Fail unless all was carried out and nothing of ours went wrong."""
    for reply in replies:
        event = reply.wait(0)
        if event.kind == "refused":
            raise Refused(event.message)
    wrong = monitor.run.events.query("kind == 'error'") if len(monitor.run.events) else []
    assert not len(wrong), "; ".join(wrong["message"])
