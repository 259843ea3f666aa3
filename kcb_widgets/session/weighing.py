"""How a fit's metrics weigh its batches, as far as Keras's own code and the data tell before the first batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any, Literal

import keras

from ..keras_internals.data import batch_sizes, may_weigh
from ..keras_internals.frames import variables
from ..keras_internals.layers import layers_of
from ..keras_internals.metrics import are_compiled, compiled, wrapped_function
from ..keras_internals.models import TRAINING_STEP, loss_metrics_of, loss_tracker_of
from ..record.stretches import Sizes

# The loss of all outputs, of one output, what `compile` was given as metrics, as weighted metrics, or none of these.
Origin = Literal["loss", "output", "metrics", "weighted", "other"]
ACCURACIES = (
    keras.metrics.Accuracy,
    keras.metrics.BinaryAccuracy,
    keras.metrics.CategoricalAccuracy,
    keras.metrics.SparseCategoricalAccuracy,
    keras.metrics.TopKCategoricalAccuracy,
    keras.metrics.SparseTopKCategoricalAccuracy,
)


@dataclass(frozen=True)
class MeanMetric:
    """A metric that is a weighted mean.

    Attributes:
        metric: Keras's object.
        origin: Where it comes from.
    """

    metric: Any
    origin: Origin

    @property
    def bounded(self) -> bool:
        """Whether its values lie from 0 to 1."""
        return type(self.metric) in ACCURACIES

    @property
    def precise(self) -> bool:
        """Whether it is kept in a type in which sums of many batches mean something."""
        return str(self.metric.dtype) in ("float32", "float64")

    @property
    def plain(self) -> bool:
        """Whether Keras's own code makes its values: each batch of the same size then weighs the same."""
        if self.origin in ("loss", "output"):
            return True
        metric = self.metric
        if not isinstance(metric, keras.metrics.MeanMetricWrapper) or not _of_keras(type(metric)):
            return False
        function, arguments = wrapped_function(metric)
        return _of_keras(function) and arguments.get("axis", -1) == -1 and "update_state" not in vars(metric)


class Weighing:
    """What is known of a fit's weights before its first batch.

    Args:
        model: What trains.
        fit: The frame of Keras's ``fit``, where it was found.

    Attributes:
        sizes: How many samples each batch has; None where that is not certain.
        own_step: Whether the training step and its metrics are Keras's own.
        masked: Whether a mask may reach the metrics.
        weighted: Whether samples may have weights.
        devices: Among how many devices each batch is divided.
    """

    def __init__(self, model: Any, fit: FrameType | None) -> None:
        known = variables(fit)
        sizes = batch_sizes(known.get("epoch_iterator"))
        self.sizes = None if sizes is None else Sizes(*sizes)
        self.own_step = all(_inherited(model, name) for name in TRAINING_STEP)
        self.masked = any(_may_mask(layer) for layer in layers_of(model))
        self.weighted = may_weigh(known)
        strategy = getattr(model, "distribute_strategy", None)
        self.devices = int(getattr(strategy, "num_replicas_in_sync", 1) or 1)

    @property
    def divides(self) -> bool:
        """Whether every device gets as many samples as the others, so that their means can be averaged."""
        sizes, devices = self.sizes, self.devices
        if devices == 1:
            return True
        return sizes is not None and sizes.batch % devices == 0 and (sizes.samples or 0) % devices == 0

    def even(self, mean: MeanMetric) -> bool:
        """Whether batches of the same size weigh the same in a metric, for certain."""
        if not self.own_step or not mean.plain:
            return False
        if mean.origin in ("loss", "output"):
            return True
        return not self.masked and not (mean.origin == "weighted" and self.weighted)


def mean_metrics(model: Any) -> dict[str, MeanMetric]:
    """Metrics that are weighted means, by the name Keras logs them under."""
    found: dict[str, MeanMetric] = {}
    loss = loss_tracker_of(model)
    outputs = [id(metric) for metric in loss_metrics_of(model)]
    for metric in getattr(model, "metrics", []):
        named: Iterator[tuple[str, Any, Origin]]
        if are_compiled(metric):
            named = compiled(metric)
        else:
            origin: Origin = "loss" if metric is loss else "output" if id(metric) in outputs else "other"
            named = iter([(metric.name, metric, origin)])
        for name, one, origin in named:
            # A subclass with a result of its own (RootMeanSquaredError) is not a mean.
            if isinstance(one, keras.metrics.Mean) and type(one).result is keras.metrics.Mean.result:
                found[name] = MeanMetric(one, origin)
            else:
                found.pop(name, None)
    return found


def _may_mask(layer: Any) -> bool:
    """Whether a layer makes a mask out of nothing, which Keras then applies to the metrics too."""
    if isinstance(layer, keras.layers.Masking) or getattr(layer, "mask_zero", False):
        return True
    if isinstance(layer, keras.layers.Lambda) and getattr(layer, "mask", None) is not None:
        return True
    return not _inherited(layer, "compute_mask")


def _inherited(owner: Any, name: str) -> bool:
    """Whether a method, if there is one, is Keras's own."""
    method = getattr(type(owner), name, None)
    return name not in vars(owner) and (method is None or _of_keras(method))


def _of_keras(what: Any) -> bool:
    return str(getattr(what, "__module__", "")).partition(".")[0] == "keras"
