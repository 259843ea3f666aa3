"""Which of Keras's metrics are means, and the weight each has accumulated: what ``means.py`` needs to undo them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import keras

from .run import Run
from .steering.backends import peek

log = logging.getLogger(__name__)


class Counts:
    """Reads the weights of a fit's batches, twice in the first epoch and once in each later one.

    Args:
        model: The model that trains.
        run: Its record.
    """

    def __init__(self, model: Any, run: Run) -> None:
        self._model, self._run = model, run
        self._metrics: dict[str, Any] = {}
        self._settled = False

    def first(self) -> None:
        """The run's first batch (or execution of several) is done."""
        run = self._run
        self._metrics = mean_metrics(self._model)
        run.means.first_counts(self._read(), run.batch)
        run.pace.samples_per_batch = run.means.units.get("loss")

    def begin_epoch(self) -> None:
        """An epoch begins: Keras has set the weights to zero."""
        self._settled = False

    def settle(self) -> None:
        """The epoch's training is done, and validation has not reset the metrics yet."""
        run = self._run
        if self._settled or run.batch < 2:  # an only batch is its own mean, whatever its weight
            return
        self._settled = True
        for name in run.means.end_epoch(run.batch_table, self._read()):
            message = "its batches do not all weigh the same, so only its running mean is known"
            run.add_event("warning", name, message=message)

    def _read(self) -> dict[str, float]:
        counts = {}
        for name, metric in self._metrics.items():
            try:
                counts[name] = peek(self._model, metric.count, "metrics_variables")
            except Exception:  # a metric of the user's own making: its batches are just not recovered
                log.debug("A metric could not be asked for its count", exc_info=True)
                continue
        return counts


def mean_metrics(model: Any) -> dict[str, Any]:
    """Metrics that are plain means, by the name Keras logs them under."""
    found: dict[str, Any] = {}
    for metric in getattr(model, "metrics", []):
        named = _compiled(metric) if hasattr(metric, "_flat_metrics") else iter([(metric.name, metric)])
        for name, one in named:
            # A subclass with a result of its own (RootMeanSquaredError) is not a mean.
            if isinstance(one, keras.metrics.Mean) and type(one).result is keras.metrics.Mean.result:
                found[name] = one
            else:
                found.pop(name, None)
    return found


def _compiled(metrics: Any) -> Iterator[tuple[str, Any]]:
    """Names as Keras's ``CompileMetrics.result`` makes them."""
    counters: dict[str, int] = {}
    for lists, weighted in ((metrics._flat_metrics, False), (metrics._flat_weighted_metrics, True)):
        for group in lists or ():
            for metric in group.metrics if group else ():
                prefix = f"{group.output_name}_" if group.output_name else ""
                name = prefix + metric.name
                if name in counters and weighted:
                    name = f"{prefix}weighted_{metric.name}"
                if name in counters:
                    counters[name] += 1
                    name = f"{name}_{counters[name] - 1}"
                else:
                    counters[name] = 1
                yield name, metric
