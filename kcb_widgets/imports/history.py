"""Keras's History as a run: epochs and params. It keeps no batches."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from ..record.names import text
from ..record.values import plain, python, shown
from .imported_run import MAX_CELLS, MAX_EPOCHS, MAX_STEP, MAX_TEXT, ImportedRun, without_many

PARAMS = ("epochs", "steps", "verbose")


def from_history(history: Any, validation_freq: int | Sequence[int] | None = None) -> ImportedRun:
    """See ``Run.from_history``."""
    logs, given = getattr(history, "history", None), getattr(history, "epoch", None)
    if not isinstance(logs, Mapping) or not isinstance(given, Sequence):
        msg = f"history must be what fit returns. Received: {shown(history)}"
        raise TypeError(msg)
    columns = {text(name): list(values) for name, values in logs.items() if isinstance(values, Sequence)}
    length = max(map(len, columns.values()), default=0)
    epochs = [epoch for epoch in given if isinstance(epoch, int) and 0 <= epoch < MAX_STEP]
    if len(epochs) != length or any(one >= other for one, other in pairwise(epochs)):
        epochs = list(range(length))  # it was put together by hand
    _check_size(length, len(columns))
    run = ImportedRun("Keras's History", str(getattr(getattr(history, "model", None), "name", None) or ""), time.time())
    params = getattr(history, "params", None)
    params = params if isinstance(params, Mapping) else {}
    run.params = {name: plain(params[name]) for name in PARAMS if name in params}
    steps = run.params.get("steps")
    known = isinstance(steps, int) and not isinstance(steps, bool) and 0 < steps < MAX_STEP // (length + 1)
    per_epoch = steps if known and isinstance(steps, int) else 1
    run.batches_per_epoch = per_epoch
    rows: list[dict[str, Any]] = [{} for _ in epochs]
    for name in without_many(columns, run, set()):
        for at, value in zip(
            _places(name, len(columns[name]), epochs, validation_freq, run), columns[name], strict=False
        ):
            rows[at][name] = _value(value)
    for at, (epoch, row) in enumerate(zip(epochs, rows, strict=True)):
        run.begin(epoch)
        run.end(row, (at + 1) * per_epoch)
    wanted = run.params.get("epochs")
    short = isinstance(wanted, int) and epochs and epochs[-1] + 1 < wanted
    return run.done(f"from Keras's History{f', {epochs[-1] + 1} of {wanted} epochs' if short else ''}")


def _places(
    name: str, count: int, epochs: Sequence[int], freq: int | Sequence[int] | None, run: ImportedRun
) -> Sequence[int]:
    """In which of the epochs a metric was logged; empty where that cannot be known."""
    if count == len(epochs):
        return range(count)
    if freq is not None:
        found = _validated(epochs, freq)
        if len(found) == count:
            return found
        run.tell(name, f"left out: {count} values do not fit validation_freq={shown(freq)} in {len(epochs)} epochs")
        return ()
    more = ": tell from_history the validation_freq" if name.startswith("val_") else ""
    run.tell(name, f"left out: {count} of {len(epochs)} epochs have a value, and History does not say which{more}")
    return ()


def _validated(epochs: Sequence[int], freq: int | Sequence[int]) -> list[int]:
    """The places of epochs after which Keras validates: they count from 1 there."""
    if isinstance(freq, int):
        return [at for at, epoch in enumerate(epochs) if freq > 0 and (epoch + 1) % freq == 0]
    wanted = set(freq)
    return [at for at, epoch in enumerate(epochs) if epoch + 1 in wanted]


def _value(value: Any) -> Any:
    """A metric's value: a float, or a text where it is none."""
    try:
        known = python(value)
    except TypeError:
        return plain(value, MAX_TEXT)
    if isinstance(known, (int, float)):
        try:
            return float(known)
        except OverflowError:
            return shown(known)
    return plain(known, MAX_TEXT)


def _check_size(epochs: int, metrics: int) -> None:
    if epochs > MAX_EPOCHS or epochs * metrics > MAX_CELLS:
        msg = f"there may be {MAX_EPOCHS} epochs and {MAX_CELLS} values. Received: {epochs} epochs of {metrics} metrics"
        raise ValueError(msg)
