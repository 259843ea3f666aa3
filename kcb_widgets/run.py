"""Run: one ``fit`` as people read it: its record as tables, as a figure, and as what does it again."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

from .export import code
from .record import frames
from .record.record import Record

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class Run(Record):
    """One ``fit``: what happened in it, as a ``Record`` keeps it, in the forms that people use.

    Attributes:
        number: 1 for the first run of a Monitor, and so on.
        status: What it is doing: waiting, compiling, running, stopping, paused, finished, stopped, interrupted, failed.
        message: A clause that explains the status, for example the first line of the error.
        step: Batches trained since the run began (a continued ``fit`` goes on counting).
        epoch: The current epoch, 0-based as in Keras; None before the first.
        params: What Keras says of the fit: ``epochs``, ``steps`` (None when unknown), ``verbose``.
        values: The current value of each numeric control that was ever looked at or touched.

    Example:
        >>> run = monitor.run
        >>> run.status, run.step, run.epochs  # a DataFrame
        >>> run.plot().savefig("run.png")
        >>> model.fit(x, y, callbacks=[run.replay()])
    """

    _replay: ClassVar[Callable[..., Any]]  # `replay.py` sets it: a Replay is a Monitor, which stands above this
    _open: ClassVar[Callable[..., Run]]  # the package `store` sets it: it stands above this

    @classmethod
    def open(cls, path: str | PathLike[str]) -> Run:
        """Open a run file: the run as it was kept, with all that a live one has.

        Its controls are shown as they stood. Of a run that still trains it is what was kept until now.

        Args:
            path: The file.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is no run file, was written by a newer version, or is damaged.
        """
        return Run._open(path)

    @property
    def epochs(self) -> pd.DataFrame:
        """One row per epoch (0-based index): the columns of Keras's History, ``learning_rate`` and ``seconds``.

        After a rollback, or where the run was gone on with from an earlier step, also ``abandoned``: whether the epoch
        was left behind. An epoch that was trained once more has a row each time.

        A metric called ``epoch`` or ``seconds`` is ``metric_epoch`` or ``metric_seconds`` here, and an event says so.
        """
        return frames.epochs(self)

    @property
    def batches(self) -> pd.DataFrame:
        """One row per ``on_train_batch_end`` (index ``step``, 1 after the first batch).

        Columns: ``epoch`` and ``batch`` (0-based, as Keras counts), ``seconds`` since the run began, each metric as
        Keras logs it (**the running mean since the epoch began**), and ``batch_<metric>``: the batch's own value,
        recovered from the running means for metrics that are means (``record/batch_values.py`` gives the formula and
        its error). Where that cannot be known the column is left out and an event says why; it is NaN for a batch that
        weighs nothing in the metric. With ``steps_per_execution`` it is the execution's. After a rollback, or where the
        run was gone on with from an earlier step, also ``abandoned``: whether the step was left behind.

        These columns keep their names: a metric that has one of them, or is called ``step``, or ``batch_loss`` beside
        ``loss``, has ``metric_`` before its name here, and an event says so.
        """
        return frames.batches(self)

    @property
    def events(self) -> pd.DataFrame:
        """One row per event: step, epoch, time, kind, name, old, new, source, message."""
        return frames.events(self)

    def plot(self) -> Figure:
        """A Matplotlib figure of the same curves as the board's."""
        from .export import figures  # here, as Matplotlib is slow to import

        return figures.plot(self)

    def replay(self, *, display: bool | None = False) -> Any:
        """A callback that does to a fresh model what was done to this one, at the same steps; see ``Replay``."""
        return self._replay(self, display=display)

    def to_code(self) -> str:
        """The same as plain Keras: the source of a callback that needs nothing of this package."""
        return code.to_code(self)
