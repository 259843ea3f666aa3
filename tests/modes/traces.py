"""Counts how often Keras traces the training step: the losses of the models report here when they run as Python."""

from __future__ import annotations

from .mode import current

TRACES = {"count": 0}  # how often the loss ran as Python: at each trace, or at each batch where nothing is traced


def count() -> None:
    """Called by the losses. torch.compile would compile again for every new count; see `traces`."""
    if current().name != "torch-jit":
        TRACES["count"] += 1


def traces() -> int:
    """How often a loss was traced so far."""
    if current().name != "torch-jit":
        return TRACES["count"]
    from torch._dynamo.utils import counters

    return counters["stats"]["unique_graphs"]
