"""Checks that training stays the same, bit for bit, beside Monitor and after an evaluation in the middle."""

from __future__ import annotations

import numpy as np

import kcb_widgets as kcb

from ..models import BATCH, rich
from ..state import put, same
from ..training import Watch, fit, steered


def check_untouched_is_bit_identical():
    model, x, y = rich()
    plain, with_monitor = Watch(), Watch()
    fit(model, x, y, plain, epochs=2)
    model, x, y = rich()
    fit(model, x, y, kcb.Monitor(), with_monitor, epochs=2)
    for one, other in zip(plain.states, with_monitor.states, strict=True):
        same(one, other)
    assert plain.logs == with_monitor.logs


def check_evaluate():
    model, x, y = rich()
    plain = Watch()
    fit(model, x, y, plain, validation_data=(x, y))
    model, x, y = rich()
    watch, monitor = steered(model, x, y, {2: lambda m: m.evaluate()}, validation_data=(x, y))
    assert plain.logs == watch.logs
    same(plain.states[-1], watch.states[-1])
    put(model, watch.states[2])
    expected = model.evaluate(x, y, batch_size=BATCH, verbose=0, return_dict=True)
    event = monitor.run.events.query("kind == 'evaluated'").iloc[0]
    assert np.isclose(event["new"], expected["loss"], rtol=1e-5), (event["new"], expected)
