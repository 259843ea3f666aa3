"""What a fit's data is like: shapes and types, read without reading any of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import keras

from ..keras_internals.data import batch_sizes
from .tidy import ABSENT, MAX_DEPTH, MAX_LIST, Looks

ROLES = ("x", "y", "sample_weight")


def describe_data(known: Mapping[str, Any], looks: Looks) -> dict[str, Any]:
    """Describe the data of a fit, as it is once a part for validation was split off.

    Args:
        known: The local variables of ``fit``.
        looks: Contains what fails.
    """

    def role(name: str) -> Callable[[], Any]:
        return lambda: _described(known.get(name))

    return looks.each(
        "data",
        {
            **{name: role(name) for name in ROLES},
            "validation_data": lambda: _of_validation(known.get("validation_data")),
            "batch_size": lambda: _batch_size(known.get("epoch_iterator")),
        },
    )


def _of_validation(data: Any) -> Any:
    if isinstance(data, (tuple, list)) and 1 <= len(data) <= len(ROLES):
        return {name: _described(part) for name, part in zip(ROLES, data, strict=False) if part is not None}
    return _described(data)


def _batch_size(data: Any) -> Any:
    """How many samples a batch has, where that is certain; ``fit`` may have been told none."""
    sizes = None if data is None else batch_sizes(data)
    return ABSENT if sizes is None else sizes[0]


def _described(data: Any, depth: int = 2) -> Any:
    """What one piece of data is like, or each of several inputs; nothing of it is kept."""
    if data is None:
        return ABSENT
    kind = type(data)
    name = kind.__name__.lstrip("_")  # TensorFlow's classes of datasets
    if depth < MAX_DEPTH:
        if isinstance(data, Mapping):
            return {str(key): _described(data[key], depth + 1) for key in list(data)[:MAX_LIST]}
        if isinstance(data, (list, tuple)):
            if data and isinstance(data[0], (bool, int, float, str, bytes)):  # numbers, and no inputs
                return {"type": name, "length": len(data)}
            return [None if one is None else _described(one, depth + 1) for one in data[:MAX_LIST]]
    if kind.__module__.partition(".")[0] == "pandas":  # whose columns may have any name
        return {"type": name, "shape": _shape(data), "dtype": _dtype_of_pandas(data)}
    if hasattr(kind, "element_spec"):
        return {"type": name, "element_spec": _described(data.element_spec, depth + 1)}
    if isinstance(data, keras.utils.PyDataset):
        settings = ("workers", "use_multiprocessing", "max_queue_size")
        return {"type": name, "num_batches": data.num_batches, **{key: getattr(data, key, None) for key in settings}}
    if _is_loader(data):
        return {"type": name, "batch_size": data.batch_size, **_length(getattr(data, "dataset", None))}
    if hasattr(data, "shape") and hasattr(data, "dtype"):
        return {"shape": _shape(data), "dtype": _dtype(data.dtype)}
    return {"type": name}


def _shape(data: Any) -> Any:
    try:
        return [None if size is None else int(size) for size in data.shape]
    except (TypeError, ValueError):  # not even the number of dimensions is known
        return None


def _dtype(dtype: Any) -> str:
    return str(getattr(dtype, "name", None) or dtype).rpartition(".")[2]  # float32, torch.float32


def _dtype_of_pandas(data: Any) -> str:
    if len(data.shape) == 1:
        return str(data.dtype)
    kinds = {str(dtype) for dtype in data.dtypes}
    return kinds.pop() if len(kinds) == 1 else "mixed"


def _is_loader(data: Any) -> bool:
    """Whether it is torch's ``DataLoader``; torch is not imported for that."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(data, torch.utils.data.DataLoader)


def _length(dataset: Any) -> dict[str, int]:
    try:
        return {"length": len(dataset)}
    except TypeError:  # one that is only gone through
        return {}
