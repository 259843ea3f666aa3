"""Run: one ``fit`` as people read it: its record as tables, as a figure, and as what does it again."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from .record import frames, insights, late
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
        picture: Its curves as an SVG, of a run that was over when its file was written; else None.
        params: What Keras says of the fit: ``epochs``, ``steps`` (None when unknown), ``verbose``.
        values: The current value of each numeric control that was ever looked at or touched.

    Example:
        >>> run = monitor.run
        >>> run.status, run.step, run.epochs  # a DataFrame
        >>> run.plot().savefig("run.png")
        >>> model.fit(x, y, callbacks=[run.replay()])
    """

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
        return cast(Run, late.call("open", path))

    @classmethod
    def from_history(cls, history: Any, validation_freq: int | Sequence[int] | None = None) -> Run:
        """Make a finished run of Keras's History, which ``fit`` returns. It has epochs, and no batches.

        Args:
            history: The History.
            validation_freq: What ``fit`` was given, where it was: History does not say which epochs were validated.
                Without it their metrics are left out, and an event says so.

        Raises:
            TypeError: It is no History.
        """
        return cast(Run, late.call("from_history", history, validation_freq))

    @classmethod
    def from_csv(cls, path: str | PathLike[str], separator: str | None = None) -> Run:
        """Make a finished run of a file that Keras's CSVLogger wrote, or ``to_csv``. It has epochs, and no batches.

        Where fits were appended their epochs are counted on; where one goes on from an epoch that is there already,
        the epochs that came after that are left behind, as by a rollback. Events say what could not be read.

        Args:
            path: The file; it has a column ``epoch``.
            separator: What stands between columns; None: as the first line suggests.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: CSVLogger did not write it.
        """
        return cast(Run, late.call("from_csv", path, separator))

    @classmethod
    def from_tensorboard(cls, folder: str | PathLike[str]) -> Run:
        """Make a finished run of a folder that Keras's TensorBoard callback wrote to, or ``to_tensorboard``.

        What is in its folders ``train`` and ``validation`` belongs together. It has epochs, and batches where the
        callback wrote those (``update_freq``). Scalars of others are batches where nothing is Keras's. A damaged
        record hides what follows: an event says how far a file was read.

        Args:
            folder: The run's folder.

        Raises:
            FileNotFoundError: There is no such folder.
            ValueError: It has no event files, or several runs.
            ModuleNotFoundError: TensorBoard is not installed.
        """
        return cast(Run, late.call("from_tensorboard", folder))

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

    @property
    def source(self) -> str | None:
        """The source of the cell or script that trained it; None where it was not kept (``keep_source=True``)."""
        return self.texts.get("source")

    def predictions(self, epoch: int = -1) -> pd.DataFrame:
        """What the model said of the samples at the end of an epoch: a row for each.

        Columns: ``truth`` and ``predicted`` (not of labels), ``probability_of_truth``, and the five most probable
        classes as ``top_1`` and ``probability_1`` to ``top_5`` and ``probability_5``.

        Args:
            epoch: As Keras counts, or from the end of those that were recorded where it is negative.

        Raises:
            LookupError: Nothing was recorded then; it says how to.
        """
        return insights.predictions(self.insights.known(epoch))

    def confusion(self, epoch: int = -1) -> pd.DataFrame:
        """How often each class (a row) was taken for each (a column), weighted as the samples are.

        Args:
            epoch: As of ``predictions``.

        Raises:
            LookupError: Nothing was recorded then; it says how to.
            ValueError: A sample has any number of labels.
        """
        return insights.confusion(self.insights.known(epoch))

    def scores(self, epoch: int = -1) -> pd.DataFrame:
        """Precision, recall, F1 and support of each class; NaN where a class was never said, or never true.

        Its ``attrs`` have ``accuracy``, ``expected_calibration_error`` (of 15 equal bins, each with its upper edge, by
        the probability of the most probable class; None where the outputs are no probabilities), ``samples``,
        ``left_out`` (whose outputs were not finite) and ``epoch``.

        Args:
            epoch: As of ``predictions``.

        Raises:
            LookupError: Nothing was recorded then; it says how to.
        """
        return insights.scores(self.insights.known(epoch))

    def plot(self) -> Figure:
        """A Matplotlib figure of the same curves as the board's."""
        from .export import figures  # here, as Matplotlib is slow to import

        return figures.plot(self)

    def replay(self, *, display: bool | None = False) -> Any:
        """A callback that does to a fresh model what was done to this one, at the same steps; see ``Replay``."""
        return late.call("replay", self, display=display)

    def to_code(self) -> str:
        """The same as plain Keras: the source of a callback that needs nothing of this package."""
        from .export import code  # here, as it asks Keras for its backend

        return code.to_code(self)

    def to_csv(self, path: str | PathLike[str], *, batches: bool = False, separator: str = ",") -> Path:
        """Write the epochs as Keras's CSVLogger does, and ``seconds``; ``Run.from_csv`` reads them.

        Args:
            path: The file; one that is there is replaced.
            batches: Write the batches in their place, as ``batches`` has them.
            separator: What stands between columns.

        Returns:
            The path. What a row does not have is ``NA``; NaN is ``nan``.

        Raises:
            ValueError: The separator is not one character.
        """
        from .export.to_csv import to_csv  # here, as below: most runs are not exported

        return to_csv(self, path, batches, separator)

    def to_html(self, path: str | PathLike[str]) -> Path:
        """Write the run as one HTML file: the board that draws it, and all that it draws.

        It opens in any browser, without a kernel and without a network. Curves are zoomed, hidden and saved as on the
        board, from values that are thinned so that the file has at most 1 MB, however long the run: of each stretch of
        batches there are the smallest, the largest and the mean. Controls are shown as they stood, and do nothing.
        It says nothing of who made the run, and where.

        Args:
            path: The file; one that is there is replaced.

        Returns:
            The path.
        """
        return cast(Path, late.call("to_html", self, path))

    def to_json(self, path: str | PathLike[str]) -> Path:
        """Write all that people read of the run as one object of strict JSON.

        NaN and infinities are ``{"float": "NaN"}``, ``{"float": "Infinity"}`` and ``{"float": "-Infinity"}``. What is
        missing is null in columns, and left out of an epoch. It says nothing of who made the run, and where.

        Args:
            path: The file; one that is there is replaced.

        Returns:
            The path.
        """
        from .export.to_json import to_json

        return to_json(self, path)

    def to_parquet(self, path: str | PathLike[str]) -> list[Path]:
        """Write epochs and batches as Parquet; missing is null, and NaN stays NaN.

        Args:
            path: ``run.parquet`` makes ``run.epochs.parquet`` and ``run.batches.parquet``.

        Returns:
            The two paths.

        Raises:
            ModuleNotFoundError: pyarrow is not installed.
        """
        from .export.to_parquet import to_parquet

        return to_parquet(self, path)

    def to_tensorboard(self, log_dir: str | PathLike[str]) -> Path:
        """Write a folder for TensorBoard, under the names that Keras's callback gives.

        Batches and epochs are scalars, and so is the learning rate; events are texts, ``config`` is hyperparameters.
        ``Run.from_tensorboard`` reads it.

        Args:
            log_dir: The run's own folder. Written again, the same run replaces its files.

        Returns:
            The folder.

        Raises:
            ModuleNotFoundError: TensorBoard is not installed.
        """
        from .export.to_tensorboard import to_tensorboard

        return to_tensorboard(self, log_dir)

    def to_mlflow(self, experiment: str = "Default", *, tracking_uri: str | None = None, batches: bool = False) -> str:
        """Log the run to MLflow: config and settings as params, metrics of epochs, texts and events as files.

        Args:
            experiment: The experiment's name; it is made where it is not there.
            tracking_uri: Where to; None: where MLflow is set to.
            batches: Log the batches too; a long run takes a request for each 1000 values.

        Returns:
            The id of MLflow's run.

        Raises:
            ModuleNotFoundError: MLflow is not installed.
        """
        from .export.to_mlflow import to_mlflow

        return to_mlflow(self, experiment, tracking_uri, batches)

    def __reduce__(self) -> tuple[Any, ...]:
        return cast("tuple[Any, ...]", late.call("reduce", self))
