"""What a model's outputs are: classes of which kind, and logits or probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..record.chunk import Floats
from ..record.class_predictions import Kind

NEAR = 1e-3  # by which a probability may lie outside of 0 to 1, and a sum of them miss 1 ten times


class NoClasses(Exception):
    """The outputs are no classes; says why."""


@dataclass(frozen=True)
class Reading:
    """Outputs as probabilities, where that is what they are.

    Attributes:
        kind: Which kind of classes.
        truth: The class of each sample; of labels, flags.
        outputs: ``(samples, classes)``; of ``binary`` two.
        probabilities: Whether they are.
        disagreement: What does not fit together, in a sentence; empty where all does.
    """

    kind: Kind
    truth: Any
    outputs: Floats
    probabilities: bool
    disagreement: str = ""


def read(outputs: Any, y: Any, loss: Any, activation: str) -> Reading:
    """Tell what outputs are.

    *Logits or probabilities* is decided by the loss's ``from_logits``, then by the last activation, then by the values.

    Args:
        outputs: Of the model.
        y: What is true.
        loss: As ``compile`` was given it.
        activation: The name of the last layer's; empty where it has none or that is not known.

    Raises:
        NoClasses: They are no classes.
    """
    if isinstance(outputs, (list, tuple, dict)):
        if len(outputs) != 1:
            raise NoClasses("the model has several outputs, of which none is looked at yet")
        outputs = next(iter(outputs.values() if isinstance(outputs, dict) else outputs))
    values = np.asarray(outputs, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    true = np.asarray(y)
    if values.ndim != 2 or values.shape[1] == 0:
        raise NoClasses(f"outputs of shape {tuple(values.shape)} are no classes of samples")
    if len(true) != len(values):
        raise NoClasses(f"the model made {len(values)} outputs of {len(true)} samples")
    name = name_of(loss)
    kind, truth = _kind(values, true, name)
    return _as_probabilities(kind, truth, values, loss, name, activation)


def name_of(loss: Any) -> str:
    """A loss's name in small letters; empty where it has none."""
    name = loss if isinstance(loss, str) else getattr(loss, "name", None) or getattr(loss, "__name__", None)
    return str(name or "").lower()


def _kind(values: Floats, y: Any, loss: str) -> tuple[Kind, Any]:
    size = values.shape[1]
    flat = y.reshape(len(y)) if y.ndim == 2 and y.shape[1] == 1 else y
    if not np.issubdtype(flat.dtype, np.number) and flat.dtype != bool:
        raise NoClasses(f"what is true is of type {flat.dtype}, no numbers")
    if not np.isfinite(flat.astype(np.float64)).all():
        raise NoClasses("what is true is not finite in some samples")
    whole = bool((flat == np.round(flat)).all())
    flags = whole and bool(np.isin(flat, (0, 1)).all())
    binary = "binary" in loss
    if size == 1:
        if flat.ndim == 1 and flags and (binary or "hinge" not in loss) and _tells_classes(loss, values):
            return "binary", flat.astype(np.int32)
        raise NoClasses("one output whose truth is not 0 or 1, or whose loss is not of classes, is a number")
    if flat.ndim == 1 and whole and flat.min() >= 0 and flat.max() < size:
        return "classes", flat.astype(np.int32)
    if flat.ndim == 2 and flat.shape == values.shape and flags:
        if not binary and bool((flat.sum(axis=1) == 1).all()):
            return "classes", flat.argmax(axis=1).astype(np.int32)
        if binary:
            return "labels", flat.astype(bool)
    shapes = f"outputs of shape {tuple(values.shape)} with a truth of shape {tuple(y.shape)}"
    raise NoClasses(f"{shapes} are taken for numbers")


def _tells_classes(loss: str, values: Floats) -> bool:
    return "crossentropy" in loss or "hinge" in loss or bool(((values >= 0) & (values <= 1)).all())


def _as_probabilities(kind: Kind, truth: Any, values: Floats, loss: Any, name: str, activation: str) -> Reading:
    told = getattr(loss, "from_logits", None)
    if told is None and "crossentropy" in name:
        told = False  # Keras's default, which a name or a function has
    finite = values[np.isfinite(values).all(axis=1)]
    inside = bool(((finite >= -NEAR) & (finite <= 1 + NEAR)).all())
    sums = finite.sum(axis=1)
    looks = inside and (kind != "classes" or bool((np.abs(sums - 1) <= NEAR * 10).all()))
    if told is None and activation in ("softmax", "sigmoid"):
        told = False
    logits = bool(told) if told is not None else not looks
    wrong = ""
    if logits and activation in ("softmax", "sigmoid"):
        wrong = f"the loss has from_logits=True, and the last activation is {activation}: it is applied twice"
        logits = False
    elif not logits and not looks and len(finite):
        what = f"sum to {sums[0]:.3g}" if inside else f"reach from {finite.min():.3g} to {finite.max():.3g}"
        wrong = f"the loss expects probabilities, and the outputs {what}"
    probabilities = logits or looks
    if logits:
        values = _softmax(values) if kind == "classes" else _sigmoid(values)
    if kind == "binary":
        values = np.hstack([1 - values, values])
    return Reading(kind, truth, values, probabilities, wrong)


def _softmax(values: Floats) -> Floats:
    with np.errstate(all="ignore"):
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _sigmoid(values: Floats) -> Floats:
    with np.errstate(all="ignore"):
        return np.asarray(np.where(values >= 0, 1 / (1 + np.exp(-values)), np.exp(values) / (1 + np.exp(values))))
