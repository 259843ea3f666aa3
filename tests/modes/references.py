"""Compares a steered fit with a reference: a model that was compiled with the new values, in the same state."""

from __future__ import annotations

import contextlib
import functools
import json

import numpy as np

from .mode import current
from .models import BATCH, data, linear
from .state import put, state, weights
from .training import Watch, fit, granted, steered


class Values:
    """Optimizer values, changed one after the other in one fit, each against a model compiled with that value.

    Each value governs two executions. The reference begins in the very state in which the value was set, and one with
    the value before must end elsewhere: so each part of the fit stands for itself.

    Args:
        cls: The optimizer's class.
        plan: Names and values, in order.
        at_first: What the optimizer is made with.
    """

    EXECUTIONS = 2

    def __init__(self, cls, plan: list[tuple[str, object]], **at_first) -> None:
        self.cls, self.plan, self.at_first = cls, plan, at_first
        self.references: dict[str, object] = {}
        self.x, self.y = data(self.EXECUTIONS * (len(plan) + 1))
        changes = {}
        for i, (name, value) in enumerate(plan, 1):
            changes[i * self.EXECUTIONS] = lambda monitor, name=name, value=value: self._set(monitor, name, value)
        self.replies: list = []
        self.watch, self.monitor = steered(linear(functools.partial(cls, **at_first)), self.x, self.y, changes)

    def _set(self, monitor, name, value):
        self.replies.append(monitor.set({name: value}))

    def check(self, *names: str) -> None:
        """Fail unless these values did what a model compiled with them does."""
        values = dict(self.at_first)
        for i, (name, value) in enumerate(self.plan, 1):
            before, values = values, {**values, name: value}
            if name not in names:
                continue
            granted(self.monitor, self.replies[i - 1])
            seen = [weights(one) for one in self.watch.states[i * self.EXECUTIONS : (i + 1) * self.EXECUTIONS + 1]]
            what = f"{name} {before.get(name)} → {value}"
            alike(seen, self._reference(values, i), what)
            with contextlib.suppress(AssertionError):
                alike(seen, self._reference(before, i), what)
                msg = f"{what} makes no difference to this data"
                raise RuntimeError(msg)

    def _reference(self, values: dict, part: int) -> list[np.ndarray]:
        start, key = part * self.EXECUTIONS, json.dumps(values, sort_keys=True)
        if key not in self.references:
            model = linear(functools.partial(self.cls, **values))
            self.references[key] = model, state(model)
        model, fresh = self.references[key]
        put(model, fresh)
        put(model, self.watch.states[start])
        rows = slice(start * current().per * BATCH, (start + self.EXECUTIONS) * current().per * BATCH)
        watch = Watch()
        fit(model, self.x[rows], self.y[rows], watch)
        return [weights(one) for one in watch.states]


def goes_on_as(reference, watch: Watch, x, y, start: int, what: str, until: int | None = None) -> None:
    """Fail unless a fit went on from there as the reference does in the same state."""
    put(reference, watch.states[start])
    after, rows = Watch(), current().per * BATCH
    end = len(watch.states) - 1 if until is None else until
    fit(reference, x[start * rows : end * rows], y[start * rows : end * rows], after)
    alike([weights(one) for one in watch.states[start : end + 1]], [weights(one) for one in after.states], what)


def alike(seen: list[np.ndarray], expected: list[np.ndarray], what: str, rtol: float = 2e-5) -> None:
    """Fail unless weights moved as expected, to what float32 can tell."""
    assert len(seen) == len(expected), f"{len(seen)} states, not {len(expected)}"
    for i in range(1, len(seen)):
        move = np.abs(expected[i] - expected[i - 1]).max()
        worst = np.abs(seen[i] - expected[i]).max()
        limit = rtol * move + 4e-7 * max(1.0, np.abs(expected[i]).max())
        assert worst <= limit, f"{what}: execution {i} is off by {worst:.3g} (moves by {move:.3g})"
