"""Checks that training goes on from a snapshot as it once did, also when the guard goes back to one."""

from __future__ import annotations

import keras
import numpy as np

import kcb_widgets as kcb

from ..mode import current
from ..models import fresh_unit, ones, rich
from ..state import same, weights
from ..training import steered


def check_snapshot_and_rollback():
    model, x, y = rich()
    watch, _ = steered(model, x, y, {4: lambda m: m.snapshot(), 8: lambda m: m.rollback()}, epochs=3)
    for i in range(4):
        same(watch.states[5 + i], watch.states[9 + i])
    assert watch.logs[4:8] == watch.logs[8:12]


def check_guard():
    model = fresh_unit()

    def spoil(monitor):
        variable = spoiler.model.trainable_variables[0]
        variable.assign(np.full(variable.shape, np.nan))

    spoiler = keras.callbacks.Callback()
    plan = {2: spoil}
    watch, monitor = steered(model, *ones(6), plan, spoiler, guard=kcb.Guard(factor=0.5), epochs=1)
    values = [float(weights(one)[0]) / current().per for one in watch.states]
    assert values[:3] == [0, -0.5, -1.0], values
    assert np.isnan(values[3]), values
    assert values[4:] == [-0.25, -0.5, -0.75], values
    assert set(monitor.run.events.query("source == 'guard'")["kind"]) == {"guard", "rollback", "applied"}
