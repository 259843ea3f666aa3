"""What Keras's metrics hold under private names: those that ``compile`` was given, and the functions they wrap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

Given = Literal["metrics", "weighted"]


def are_compiled(metric: Any) -> bool:
    """Tell whether this is Keras's ``CompileMetrics``, which holds the metrics that ``compile`` was given.

    Relies on: ``CompileMetrics._flat_metrics``. Without it only the means of these metrics are known, and no value of
    single batches.
    """
    return hasattr(metric, "_flat_metrics")


def compiled(metrics: Any) -> Iterator[tuple[str, Any, Given]]:
    """Go through the metrics that ``compile`` was given.

    Relies on: ``_flat_metrics`` and ``_flat_weighted_metrics`` of ``CompileMetrics``, their ``metrics`` and
    ``output_name``, and how its ``result`` makes names. A wrong name is noticed, as its mean is not what is logged.

    Yields:
        The name that Keras logs it under, the metric, and whether samples' weights reach it.
    """
    counters: dict[str, int] = {}
    origins: tuple[tuple[Any, Given], ...] = (
        (metrics._flat_metrics, "metrics"),
        (metrics._flat_weighted_metrics, "weighted"),
    )
    for lists, origin in origins:
        for group in lists or ():
            for metric in group.metrics if group else ():
                prefix = f"{group.output_name}_" if group.output_name else ""
                name = prefix + metric.name
                if name in counters and origin == "weighted":
                    name = f"{prefix}weighted_{metric.name}"
                if name in counters:
                    counters[name] += 1
                    name = f"{name}_{counters[name] - 1}"
                else:
                    counters[name] = 1
                yield name, metric, origin


def wrapped_function(metric: Any) -> tuple[Any, Mapping[str, Any]]:
    """Return the function whose mean a ``MeanMetricWrapper`` is, and its other arguments.

    Relies on: ``_fn`` and ``_fn_kwargs``. Without them the metric's weights are measured.
    """
    return getattr(metric, "_fn", None), getattr(metric, "_fn_kwargs", None) or {}
