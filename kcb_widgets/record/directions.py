"""Which way a metric gets better, by its name: the one rule for all that keeps a best."""

from __future__ import annotations

import re
from typing import Literal

Direction = Literal["min", "max"]

SMALLER = (
    *("loss", "error", "mse", "mae", "mape", "msle", "rmse", "crossentropy", "divergence", "hinge", "cosh", "logcosh"),
    *("poisson", "perplexity", "false_positives", "false_negatives"),
)
"""How the names of metrics end that are better when they are smaller."""
LARGER = ("acc", "auc", "f1", "precision", "recall", "iou", "io_u", "r2", "similarity")
"""What stands anywhere in the names of those that are better when they are larger; Keras calls ``MeanIoU`` so."""


def direction_of(metric: str) -> Direction | None:
    """Which way is better; None where the name does not tell.

    The end of the name counts first: in ``decoder2_mse`` and ``accents_loss`` the name of an output stands before it.
    """
    words = re.sub(r"_\d+$", "", metric.removeprefix("val_").lower())
    if any(words == word or words.endswith(f"_{word}") for word in SMALLER):
        return "min"
    return "max" if any(word in words for word in LARGER) else None
