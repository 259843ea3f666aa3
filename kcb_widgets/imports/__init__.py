"""Runs that others recorded, as runs of ours: Keras's History, files of CSVLogger, folders of TensorBoard."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

from ..run import Run

__all__ = ["from_csv", "from_history", "from_tensorboard"]


def from_history(history: Any, validation_freq: int | Sequence[int] | None = None) -> Run:
    """See ``Run.from_history``."""
    from . import history as made_of  # here, as below: most programs import at most one kind

    return made_of.from_history(history, validation_freq)


def from_csv(path: str | PathLike[str], separator: str | None = None) -> Run:
    """See ``Run.from_csv``."""
    from . import csv_log

    return csv_log.from_csv(path, separator)


def from_tensorboard(folder: str | PathLike[str]) -> Run:
    """See ``Run.from_tensorboard``."""
    from . import tensorboard

    return tensorboard.from_tensorboard(folder)
