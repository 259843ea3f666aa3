"""How a fit's metrics weigh its batches, as far as Keras's own code and the data tell before the first batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral
from types import FrameType
from typing import Any, Literal

import keras

from ..record.stretches import Sizes

# The loss of all outputs, of one output, what `compile` was given as metrics, as weighted metrics, or none of these.
Origin = Literal["loss", "output", "metrics", "weighted", "other"]
STEP = (  # what decides how metrics are updated and logged
    "train_step",
    "compute_metrics",
    "get_metrics_result",
    "make_train_function",
    "_make_function",
    "_update_metrics_variables",
    "compute_loss_and_updates",
)
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
        function, arguments = getattr(metric, "_fn", None), getattr(metric, "_fn_kwargs", None) or {}
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
        known: dict[str, Any] = {} if fit is None else fit.f_locals
        self.sizes = _sizes(known.get("epoch_iterator"))
        self.own_step = all(_inherited(model, name) for name in STEP)
        self.masked = any(_may_mask(layer) for layer in _layers(model))
        self.weighted = _may_weigh(known)
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
    loss = getattr(model, "_loss_tracker", None)
    outputs = [id(metric) for metric in getattr(getattr(model, "_compile_loss", None), "metrics", None) or ()]
    for metric in getattr(model, "metrics", []):
        named: Iterator[tuple[str, Any, Origin]]
        if hasattr(metric, "_flat_metrics"):
            named = _compiled(metric)
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


def _compiled(metrics: Any) -> Iterator[tuple[str, Any, Origin]]:
    """Names as Keras's ``CompileMetrics.result`` makes them."""
    counters: dict[str, int] = {}
    origins: tuple[tuple[Any, Origin], ...] = (
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


def _sizes(data: Any) -> Sizes | None:
    """The sizes of batches, from the adapter that Keras reads the data through.

    Only where they are certain: arrays are cut by Keras itself, and a static batch dimension of ``tf.data`` is checked
    by TensorFlow.
    """
    adapter: Any = getattr(data, "data_adapter", None)
    kind, batch = type(adapter).__name__, getattr(adapter, "batch_size", None)
    if not isinstance(batch, Integral) or batch < 1 or data.num_batches is None:
        return None
    batch = int(batch)
    if kind == "TFDatasetAdapter":
        return Sizes(batch)
    if kind == "ArrayDataAdapter":
        rest = int(adapter.partial_batch_size or 0)
        if not rest:
            return Sizes(batch)
        if data.steps_per_epoch is None:  # else an epoch may begin where the one before ended
            return Sizes(batch, (adapter.num_batches - 1) * batch + rest)
    return None


def _may_weigh(known: dict[str, Any]) -> bool:
    """Whether the data may bring weights of its samples."""
    if "epoch_iterator" not in known or known.get("class_weight") is not None:
        return True
    kind = type(getattr(known["epoch_iterator"], "data_adapter", None)).__name__
    if kind == "ArrayDataAdapter":
        return known.get("sample_weight") is not None
    if kind == "TFDatasetAdapter":
        spec = getattr(known.get("x"), "element_spec", None)
        return not (isinstance(spec, tuple) and len(spec) <= 2)
    return True


def _layers(model: Any) -> list[Any]:
    flatten = getattr(model, "_flatten_layers", None)
    return list(flatten()) if flatten is not None else []


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
