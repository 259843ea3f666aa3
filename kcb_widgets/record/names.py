"""Names of columns: of log keys that are no strings, and of metrics that are called as one of a table's own columns."""

from __future__ import annotations

import logging
from collections.abc import Iterable

log = logging.getLogger(__name__)

BATCHES = ("step", "epoch", "batch", "seconds", "abandoned")
EPOCHS = ("epoch", "seconds", "abandoned")
# `learning_rate` is not among them: Keras's own callbacks log it under that name, and mean the same by it.


def text(key: object) -> str:
    """A log's key as a column's name: Keras takes any key, a table strings that can be written as UTF-8."""
    try:
        name = str(key)
    except Exception:  # the key's own code fails
        log.debug("A log's key cannot be written as text", exc_info=True)
        name = type(key).__name__
    return name if name.isascii() else name.encode("utf-8", "backslashreplace").decode()


def of_batches(metrics: Iterable[str]) -> dict[str, str]:
    """The column of each metric in a table of batches, where ``batch_<metric>`` is each batch's own value."""
    metrics = list(metrics)
    return _free(metrics, {*BATCHES, *(f"batch_{metric}" for metric in metrics)})


def of_epochs(metrics: Iterable[str]) -> dict[str, str]:
    """The column of each metric in a table of epochs."""
    return _free(list(metrics), set(EPOCHS))


def _free(metrics: list[str], own: set[str]) -> dict[str, str]:
    """A table's own columns keep their names; a metric called as one of them gets ``metric_`` before its name."""
    columns, taken = {}, own | set(metrics)
    for metric in metrics:
        name = metric
        if metric in own:
            while name in taken:
                name = f"metric_{name}"
            taken.add(name)
        columns[metric] = name
    return columns
