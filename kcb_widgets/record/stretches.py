"""Stretches of rows over which Keras's running means go on from one another, and the sizes of their batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from .chunk import Floats

# How a metric weighs a batch: by its samples, each batch alike (1), or as its ``count`` was read after the batch.
Rule = Literal["samples", "batches", "measured"]
LOSS = "loss"  # its weight is the number of samples, whatever they weigh


@dataclass(frozen=True)
class Sizes:
    """How many samples each batch of an epoch has, where that is known before the first.

    Attributes:
        batch: Samples in a full batch.
        samples: Samples in an epoch, where its last batch is smaller.
    """

    batch: int
    samples: float | None = None

    def until(self, batches: Floats) -> Floats:
        """Samples in an epoch's first ``batches`` batches."""
        seen = np.asarray(batches * float(self.batch))
        return seen if self.samples is None else np.minimum(seen, self.samples)


@dataclass(frozen=True)
class Stretch:
    """Rows over which running means went on from one another, and what they began with.

    Attributes:
        row: The first of them.
        epoch_step: The step before the epoch's first batch.
        position: Batches of the epoch before the first row.
        known: Whether it is known what the means began with.
        weights: What each metric had accumulated before the first row, where that is not 0.
        sums: The weighted sums of its values.
    """

    row: int
    epoch_step: int
    position: int = 0
    known: bool = True
    weights: Mapping[str, float] = field(default_factory=dict)
    sums: Mapping[str, float] = field(default_factory=dict)


def bases(stretches: list[Stretch], names: list[str]) -> tuple[Floats, Floats]:
    """What each metric began each stretch with: weights and sums, ``(metrics, stretches)``."""
    weights, sums = np.zeros((len(names), len(stretches))), np.zeros((len(names), len(stretches)))
    for at, stretch in enumerate(stretches):
        if stretch.weights:
            weights[:, at] = [stretch.weights.get(name, 0.0) for name in names]
            sums[:, at] = [stretch.sums.get(name, 0.0) for name in names]
    return weights, sums
