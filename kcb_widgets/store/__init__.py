"""Run files: runs that outlast the kernel. Each run is one SQLite file; ``schema.py`` describes its format."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

from ..run import Run
from .about import About

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["About", "open_run", "runs"]


def open_run(path: str | PathLike[str]) -> Run:
    """Open a run file; see ``Run.open``."""
    from . import rebuild  # here: most fits open none

    return rebuild.open_run(path)


def runs(log_dir: str | PathLike[str] = "runs") -> pd.DataFrame:
    """A folder's runs, the newest first.

    Args:
        log_dir: The folder.

    Returns:
        A row a run, by its id. Columns: ``name``; ``started`` (UTC); ``duration`` in seconds; ``status``:
        ``finished``, ``stopped``, ``interrupted``, ``failed``, or of a run that is not over ``running``, ``silent``
        (its process lives and was not heard of lately) or ``unknown`` (it was written on another machine);
        ``epochs``, ``batches`` and ``step``; ``steered``, how many changes were made by hand; ``tags``, ``notes``;
        each metric at the end of the last epoch; ``best_<metric>`` where it is known which way is better;
        ``config.<name>`` and the settings, by dotted names; ``path``. What a run does not have is missing. A copied
        file is listed once.

    Raises:
        FileNotFoundError: There is no such folder.

    Files that are no run files are left out, and logged.

    Example:
        >>> kcb.runs("runs").sort_values("best_val_loss").head()
    """
    from . import listing

    return listing.runs(log_dir)
