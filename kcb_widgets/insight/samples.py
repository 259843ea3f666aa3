"""The samples that a model is looked at with: as they were given, or the first of the validation data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..record.names import text
from ..record.values import shown

MOST = 1000
MOST_PICTURES = 64
MAX_CLASSES = 1000


@dataclass(frozen=True)
class Samples:
    """Inputs and what is true of them.

    Attributes:
        x: What the model takes: an array, or a list, tuple or dict of arrays.
        y: What is true, one array.
        weight: Of each; None: all weigh 1.
        said: Where they are from, in a clause.
    """

    x: Any
    y: Any
    weight: Any = None
    said: str = ""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.y)


class NoSamples(Exception):
    """There are none; says why."""


def check_samples(samples: object) -> Samples | None:
    """Samples as they were given: ``(x, y)`` or ``(x, y, sample_weight)``.

    Raises:
        TypeError: They are neither.
        ValueError: They are not of one length, or none.
    """
    if samples is None:
        return None
    if not isinstance(samples, (tuple, list)) or not 2 <= len(samples) <= 3:
        msg = f"samples must be (x, y) or (x, y, sample_weight). Received: {shown(samples)}"
        raise TypeError(msg)
    x, y, weight = (*samples, None)[:3]
    lengths = {len(part) for part in [*_parts(x), y, *([] if weight is None else [weight])]}
    if len(lengths) != 1 or lengths == {0}:
        msg = f"samples must be of one length, and at least one. Received: lengths {sorted(lengths)}"
        raise ValueError(msg)
    return Samples(x, np.asarray(y), None if weight is None else np.asarray(weight), f"{len(y)} samples")


def check_class_names(names: object) -> tuple[str, ...]:
    """Names of classes as they were given.

    Raises:
        TypeError: They are no list of names.
        ValueError: There are too many, or two alike.
    """
    if isinstance(names, str) or not isinstance(names, Sequence):
        msg = f"class_names must be a list of names. Received: {shown(names)}"
        raise TypeError(msg)
    made = tuple(text(name) for name in names)
    if len(made) > MAX_CLASSES or len(set(made)) != len(made):
        msg = f"class_names must be different, and at most {MAX_CLASSES}. Received: {shown(names)}"
        raise ValueError(msg)
    return made


def from_validation(data: Any) -> Samples:
    """The first of what ``fit`` validates on. Arrays and ``tf.data`` are read; what can be read once is not touched.

    Args:
        data: As ``fit`` was given it, or had split it off; None: none.

    Raises:
        NoSamples: There are none that can be had without changing the training.
    """
    if data is None:
        raise NoSamples("fit has no validation data; give Monitor samples=(x, y)")
    if isinstance(data, (tuple, list)) and len(data) in (2, 3):
        return _first(*(*data, None)[:3])
    if hasattr(data, "element_spec") and callable(getattr(data, "take", None)):
        return _of_dataset(data)
    raise NoSamples(f"samples are not taken from a {type(data).__name__}; give Monitor samples=(x, y)")


def _first(x: Any, y: Any, weight: Any) -> Samples:
    if not hasattr(y, "shape") or not all(hasattr(part, "shape") for part in _parts(x)):
        raise NoSamples("the validation data are no arrays; give Monitor samples=(x, y)")
    most = MOST_PICTURES if any(len(part.shape) >= 4 for part in _parts(x)) else MOST
    total = len(y)
    count = min(most, total)
    cut = [np.asarray(part[:count]) for part in (y, *([] if weight is None else [weight]))]
    of = "" if count == total else f"the first {count:,} of "
    return Samples(_each(x, lambda part: part[:count]), cut[0], cut[1] if weight is not None else None,
                   f"{of}{total:,} samples of the validation data")  # fmt: skip


def _of_dataset(data: Any) -> Samples:
    """From an iterator of its own; as many batches as make up the samples."""
    xs: list[Any] = []
    ys: list[Any] = []
    weights: list[Any] = []
    count, most = 0, MOST
    for batch in data.take(MOST):
        if not isinstance(batch, tuple) or len(batch) not in (2, 3):
            raise NoSamples("the validation data are not pairs of x and y; give Monitor samples=(x, y)")
        x, y, weight = (*batch, None)[:3]
        if isinstance(y, (tuple, list, dict)):
            raise NoSamples("the model has several outputs; give Monitor samples=(x, y) of one")
        most = MOST_PICTURES if any(len(part.shape) >= 4 for part in _parts(x)) else MOST
        xs.append(_each(x, np.asarray))
        ys.append(np.asarray(y))
        weights.append(None if weight is None else np.asarray(weight))
        count += len(ys[-1])
        if count >= most:
            break
    if not ys:
        raise NoSamples("the validation data are empty; give Monitor samples=(x, y)")
    whole = np.concatenate([np.asarray(each)[:most] for each in ys])[:most]
    weight = None if weights[0] is None else np.concatenate(weights)[:most]
    joined = _join(xs, len(whole))
    return Samples(joined, whole, weight, f"the first {len(whole):,} samples of the validation data")


def _join(xs: list[Any], count: int) -> Any:
    first = xs[0]
    if isinstance(first, Mapping):
        return {name: np.concatenate([each[name] for each in xs])[:count] for name in first}
    if isinstance(first, (tuple, list)):
        return [np.concatenate([each[i] for each in xs])[:count] for i in range(len(first))]
    return np.concatenate(xs)[:count]


def _parts(x: Any) -> list[Any]:
    if isinstance(x, Mapping):
        return list(x.values())
    return list(x) if isinstance(x, (tuple, list)) else [x]


def _each(x: Any, function: Any) -> Any:
    if isinstance(x, Mapping):
        return {name: function(part) for name, part in x.items()}
    return [function(part) for part in x] if isinstance(x, (tuple, list)) else function(x)
