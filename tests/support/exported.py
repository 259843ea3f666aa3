"""A run with all that an export has to carry: odd numbers, odd names, a rollback, private names."""

from __future__ import annotations

import math
from pathlib import Path

from kept import begin, train, value


def odd_run():
    """Three epochs of three batches; the second epoch was left behind."""
    run = begin(("loss", "größe"), steps=3, epochs=3)
    run.name, run.notes, run.tags = "digits", f"see {Path.home()}/secret/notes.txt", ("a", "b")
    run.config = {"depth": 3, "rates": [0.1, 0.2], "file": f"{Path.home()}/secret/data.npz", "on": True, "x": math.nan}
    run.settings, run.texts = {"model.name": "digits"}, {"model_summary": "Model: digits\n" + "x" * 20_000}
    run.set_value("learning_rate", 0.5)
    for epoch in range(3):
        train(run, 2 if epoch == 1 else 3, ("loss", "größe") if epoch else ("loss",), epoch)
        if epoch == 1:
            run.append(2, {"loss": math.nan, "größe": math.inf})
        logs = {"loss": value(epoch), "größe": math.nan, "many": [1, 2]} | ({"val_loss": 0.5} if epoch != 1 else {})
        run.end_epoch(epoch, logs)
        if epoch == 1:
            run.evaluated({"val_loss": 0.75})
            run.rolled_back(3)
            run.set_value("learning_rate", 0.25)
            run.add_event("applied", "learning_rate", 0.5, 0.25, "board", f"by {Path.home()}/secret/me.py")
    run.finish("stopped", f"StopIteration: {Path.home()}/secret/data")
    return run


def hidden(text):
    """Whether nothing of what is private is left in a text."""
    return "secret" not in text
