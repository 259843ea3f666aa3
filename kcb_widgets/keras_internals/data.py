"""Keras's ``EpochIterator`` and its data adapters: how large batches are, and the iterator they come from."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any


def adapter_kind(data: Any) -> str:
    """Return the name of the class through which Keras reads data.

    Relies on: ``EpochIterator.data_adapter``, and the names of the classes in ``keras.src.trainers.data_adapters``.
    """
    return type(getattr(data, "data_adapter", None)).__name__


def batch_sizes(data: Any) -> tuple[int, int | None] | None:
    """Return how many samples a batch has, from the adapter that Keras reads the data through.

    Only where they are certain: arrays are cut by Keras itself, and a static batch dimension of ``tf.data`` is checked
    by TensorFlow.

    Relies on: ``num_batches`` and ``steps_per_epoch`` of ``EpochIterator``; ``batch_size``, ``partial_batch_size`` and
    ``num_batches`` of ``ArrayDataAdapter``; ``batch_size`` of ``TFDatasetAdapter``. Without them the weights of
    batches are measured.

    Returns:
        The size of each batch, and how many samples an epoch has where its last batch is smaller; None where that is
        not certain.
    """
    adapter: Any = getattr(data, "data_adapter", None)
    kind, batch = adapter_kind(data), getattr(adapter, "batch_size", None)
    if not isinstance(batch, Integral) or batch < 1 or data.num_batches is None:
        return None
    batch = int(batch)
    if kind == "TFDatasetAdapter":
        return batch, None
    if kind == "ArrayDataAdapter":
        rest = int(adapter.partial_batch_size or 0)
        if not rest:
            return batch, None
        if data.steps_per_epoch is None:  # else an epoch may begin where the one before ended
            return batch, (adapter.num_batches - 1) * batch + rest
    return None


def may_weigh(known: Mapping[str, Any]) -> bool:
    """Tell whether the data may bring weights of its samples.

    Relies on: the local variables ``epoch_iterator``, ``class_weight``, ``sample_weight`` and ``x`` of ``fit``, and
    the names of two adapters. Without them the answer is yes.

    Args:
        known: The local variables of ``fit``.
    """
    if "epoch_iterator" not in known or known.get("class_weight") is not None:
        return True
    kind = adapter_kind(known["epoch_iterator"])
    if kind == "ArrayDataAdapter":
        return known.get("sample_weight") is not None
    if kind == "TFDatasetAdapter":
        spec = getattr(known.get("x"), "element_spec", None)
        return not (isinstance(spec, tuple) and len(spec) <= 2)
    return True


def queue_of(data: Any) -> Any:
    """Return the queue that the workers of a ``PyDataset`` fill; None where there is none.

    Relies on: ``enqueuer`` of ``PyDatasetAdapter``, and its ``get``. Without it what is waited for such data is not
    known.
    """
    queue = getattr(getattr(data, "data_adapter", None), "enqueuer", None)
    return queue if hasattr(queue, "get") else None


def iterator_method(data: Any) -> str:
    """Return the name of the method by which ``EpochIterator`` makes an iterator; empty where it has none.

    Relies on: ``EpochIterator._get_iterator``. Without it what JAX and torch wait for data is not known.
    """
    return "_get_iterator" if hasattr(data, "_get_iterator") else ""


def current_iterator(data: Any) -> Any:
    """Return what TensorFlow's step reads from.

    It is not taken from the frame of ``fit``: Python would keep it alive there, an epoch too long.

    Relies on: ``_current_iterator`` and ``_epoch_iterator`` of ``EpochIterator``, and ``iterator`` in the latter.
    Without them what TensorFlow waits for data is not known.

    Raises:
        AttributeError: There is none.
    """
    if data._current_iterator is not None:
        return data._current_iterator
    return data._epoch_iterator.gi_frame.f_locals["iterator"]  # data of unknown length
