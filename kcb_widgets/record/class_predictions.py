"""What a model that tells classes apart said of some samples at one time, and how right it was.

All is NumPy on what is kept of each sample: the probability of the truth and the five most probable classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from .chunk import Floats

Kind = Literal["binary", "classes", "labels"]
TOP = 5  # classes that are kept of each sample
BINS = 15  # of the calibration: equal, each with its upper edge


class Calibration(NamedTuple):
    """How often the most probable class was right, by how probable it was said to be.

    Attributes:
        edges: Of the bins, from 0 to 1; a bin has its upper edge, and the first one 0 too.
        samples: In each.
        confidence: The mean probability of what was said; NaN without samples.
        accuracy: How many of these were right; NaN without samples.
        error: The expected calibration error: the mean of their difference over all samples (Naeini et al. 2015).
    """

    edges: Floats
    samples: npt.NDArray[np.intp]
    confidence: Floats
    accuracy: Floats
    error: float


@dataclass(frozen=True)
class ClassPredictions:
    """What a model said of samples at the end of an epoch.

    Attributes:
        epoch: 0-based.
        step: Batches trained by then.
        kind: ``binary`` (one output, two classes), ``classes`` (one of several), or ``labels`` (any of several).
        names: Of the classes.
        sample: The numbers of the samples that it is of; those whose outputs are not finite are left out.
        left_out: How many these are.
        truth: Each sample's class; of ``labels`` empty.
        top: The most probable classes of each sample, ``(samples, at most 5)``, the most probable first.
        probability: Their probabilities.
        of_truth: The probability of each sample's class; of ``labels`` the mean over what is right of each label.
        counts: By class, what was right and wrong: ``(classes, 4)`` of true positive, false positive, false negative
            and true negative, weighted as the samples are.
        weight: Of each sample; None: all weigh 1.
        probabilities: Whether the outputs are probabilities, or could be made so; else only which is greatest is known.
        seconds: What reading the model took.
    """

    epoch: int
    step: int
    kind: Kind
    names: tuple[str, ...]
    sample: npt.NDArray[np.int32]
    left_out: int
    truth: npt.NDArray[np.int32]
    top: npt.NDArray[np.int32]
    probability: npt.NDArray[np.float32]
    of_truth: npt.NDArray[np.float32]
    counts: Floats
    weight: Floats | None
    probabilities: bool
    seconds: float

    @property
    def samples(self) -> int:
        """How many there are."""
        return len(self.of_truth)

    @property
    def bytes(self) -> int:
        """What it keeps in memory."""
        parts = (self.sample, self.truth, self.top, self.probability, self.of_truth, self.counts)
        return sum(part.nbytes for part in parts)

    def weights(self) -> Floats:
        """Of each sample."""
        return np.ones(self.samples) if self.weight is None else self.weight

    def confusion(self) -> Floats:
        """How often each class (a row) was taken for each (a column), weighted as the samples are. Not of labels.

        Raises:
            ValueError: It is of labels, of which a sample has several.
        """
        if self.kind == "labels":
            msg = "labels are not taken for each other: a sample has any number of them. See the scores"
            raise ValueError(msg)
        size = len(self.names)
        found = np.bincount(self.truth * size + self.top[:, 0], self.weights(), size * size)
        return np.asarray(found, np.float64).reshape(size, size)

    def scores(self) -> dict[str, Floats]:
        """By class: precision, recall, f1 and support. NaN where a class was never said, or never true."""
        right, false, missed = (self.counts[:, i] for i in range(3))
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                "precision": right / (right + false),
                "recall": right / (right + missed),
                "f1": np.where(right + missed > 0, 2 * right / (2 * right + false + missed), np.nan),
                "support": right + missed,
            }

    @property
    def accuracy(self) -> float:
        """How many samples got the right class; of labels, how many labels were right."""
        if self.kind == "labels":
            total = float(self.counts.sum())
            return float(self.counts[:, [0, 3]].sum()) / total if total else float("nan")
        total = float(self.weights().sum())
        return float(self.weights()[self.top[:, 0] == self.truth].sum()) / total if total else float("nan")

    def calibration(self) -> Calibration | None:
        """How well the probability of the most probable class tells how often it is right; None where none is known."""
        if not self.probabilities or self.kind == "labels" or not self.samples:
            return None
        confidence, weight = self.probability[:, 0].astype(np.float64), self.weights()
        right = self.top[:, 0] == self.truth
        edges = np.linspace(0.0, 1.0, BINS + 1)
        bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
        count = np.bincount(bins, weight, BINS)
        with np.errstate(invalid="ignore", divide="ignore"):
            said = np.bincount(bins, weight * confidence, BINS) / count
            true = np.bincount(bins, weight * right, BINS) / count
        some = count > 0
        error = float((count[some] * np.abs(said - true)[some]).sum() / count.sum()) if some.any() else float("nan")
        return Calibration(edges, np.bincount(bins, minlength=BINS), said, true, error)


def predictions_of(
    epoch: int,
    step: int,
    kind: Kind,
    names: tuple[str, ...],
    truth: npt.NDArray[np.generic],
    outputs: Floats,
    weight: Floats | None,
    probabilities: bool,
    seconds: float,
) -> ClassPredictions:
    """Keep of a model's outputs what is told of them.

    Args:
        epoch: 0-based.
        step: Batches trained.
        kind: What the outputs are.
        names: Of the classes.
        truth: The class of each sample; of labels, ``(samples, labels)`` of flags.
        outputs: ``(samples, classes)`` of probabilities, or of what is greatest for the class that is said; of
            ``binary`` ``(samples, 2)`` too.
        weight: Of each sample.
        probabilities: Whether the outputs are probabilities.
        seconds: What getting them took.
    """
    finite = np.isfinite(outputs).all(axis=1)
    left_out, sample = int((~finite).sum()), np.flatnonzero(finite)
    outputs, truth = outputs[finite], np.asarray(truth)[finite]
    weight = None if weight is None else weight[finite]
    samples, size = outputs.shape
    # A stable order, as of argmax: the first of those that are equal.
    top = np.argsort(-outputs, axis=1, kind="stable")[:, : min(TOP, size)]
    rows = np.arange(samples)
    weights = np.ones(samples) if weight is None else weight
    if kind == "labels":
        flags = truth.astype(bool)
        said = outputs > 0.5
        both = ((said & flags), (said & ~flags), (~said & flags), (~said & ~flags))
        counts = np.stack([(weights[:, None] * each).sum(axis=0) for each in both], axis=1)
        of_truth = np.where(flags, outputs, 1 - outputs).mean(axis=1) if size else np.zeros(samples)
        classes = np.empty(0, np.int32)
    else:
        classes = truth.astype(np.int32)
        right = top[:, 0] == classes
        hits = np.bincount(classes[right], weights[right], size)
        of_class, of_said = np.bincount(classes, weights, size), np.bincount(top[:, 0], weights, size)
        counts = np.stack([hits, of_said - hits, of_class - hits, weights.sum() - of_class - of_said + hits], axis=1)
        of_truth = outputs[rows, classes]
    return ClassPredictions(
        epoch, step, kind, names, sample.astype(np.int32), left_out, classes, top.astype(np.int32),
        outputs[rows[:, None], top].astype(np.float32), of_truth.astype(np.float32), counts.astype(np.float64), weight,
        probabilities, seconds,
    )  # fmt: skip
