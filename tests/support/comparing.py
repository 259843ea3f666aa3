"""Runs to compare, and what a comparison sends of them."""

from __future__ import annotations

import numpy as np
import pytest
from kept import begin, file_of, train


def make(folder, name, config=None, epochs=2, steps=50, over=True, tags=(), age=0.0):
    """A small run in a file."""
    run = begin(("loss",), steps=steps, epochs=epochs)
    run.name, run.started = name, run.started - 60.0 * age
    for epoch in range(epochs):
        train(run, steps, ("loss",), epoch)
        run.end_epoch(epoch, {"loss": 1.0 / (epoch + 1), "val_loss": 2.0 / (epoch + 1)})
    if over:
        run.finish("finished")
    file = file_of(run, folder, name=name, config=config or {}, tags=tags)
    file.commit(1.0, whole=True)
    file.close()
    run.path = file.path
    return run


def heard(comparison, content):
    """What a comparison sends because of a message."""
    sent = []
    comparison.send = lambda content, buffers=None: sent.append((content, buffers))
    threads = []
    kcb_threads = pytest.MonkeyPatch()
    kcb_threads.setattr("kcb_widgets.panels.comparison.messages.threads.start", lambda work, name: threads.append(work))
    try:
        comparison._messages.receive(content)
        for work in threads:
            work()
    finally:
        kcb_threads.undo()
    return sent


def decode(header, buffers):
    """The curves of a message: by run and curve, raw and smoothed."""
    values = np.frombuffer(buffers[0], "<f4").reshape(-1, header["bins"])
    rows, found = iter(values), {}
    for each in header["series"]:
        found[each["run"], each["curve"]] = next(rows), next(rows) if each["smooth"] else None
    return found
