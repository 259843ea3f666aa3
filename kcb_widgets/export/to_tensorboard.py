"""A run as a folder of TensorBoard, under the names that Keras's callback gives: ``train`` and ``validation``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from ..record.events import Event
from ..record.extras import load
from ..record.portable import flat, private, text
from ..record.record import Record
from .columns import of_batches, of_table
from .whole_file import whole

WHY = "writing TensorBoard's files"
FLOAT, STRING = 1, 7  # numbers of dtypes
SCALAR_DATA, TENSOR_DATA = 1, 2  # numbers of TensorBoard's kinds of data
TRAIN, VALIDATION = "train", "validation"
EVENTS = "events"


@dataclass
class _Written:
    """Values that were known at one time.

    Attributes:
        seconds: Since the run began.
        step: What TensorBoard calls so.
        values: By tag.
    """

    seconds: float
    step: int
    values: Mapping[str, float | str] = field(default_factory=dict)


def to_tensorboard(run: Record, log_dir: str | PathLike[str]) -> Path:
    """See ``Run.to_tensorboard``."""
    writing = _Writing(run)
    folder = Path(log_dir)
    name = f"events.out.tfevents.{max(0, int(run.started)):010d}.kcb-{run.id}"  # and not the machine's name
    train, validation = [*_batches(run), *_epochs(run, TRAIN)], [*_epochs(run, VALIDATION), *_evaluations(run)]
    for part, written in ((TRAIN, train), (VALIDATION, validation), ("", list(_texts(run)))):
        first = list(writing.hyperparameters()) if not part else []
        if not written and not first:
            continue
        (folder / part).mkdir(parents=True, exist_ok=True)
        with whole(folder / part / name) as path:
            writing.write(path, first, sorted(written, key=lambda each: each.seconds))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _batches(run: Record) -> Iterator[_Written]:
    """Running means, as Keras's callback writes them; what is missing is left out."""
    own = {f"batch_{name}" for name in run.batch_values.names} | {"step", "epoch", "batch", "seconds", "abandoned"}
    for columns in of_batches(run):
        by_name = {column.name: column.plain() for column in columns}
        metrics = {f"batch_{name}": values for name, values in by_name.items() if name not in own}
        for row, (step, seconds) in enumerate(zip(by_name["step"], by_name["seconds"], strict=True)):
            yield _Written(seconds, step, {tag: v[row] for tag, v in metrics.items() if v[row] is not None})


def _epochs(run: Record, part: str) -> Iterator[_Written]:
    table = run.epoch_table
    steps, seconds = table.steps(0, table.rows).tolist(), table.seconds(0, table.rows).tolist()
    for (epoch, row), step, time in zip(list(run.epoch_rows), steps, seconds, strict=False):
        values = {str(name): float(v) for name, v in row.items() if isinstance(v, (int, float)) and name != "seconds"}
        validated = {name.removeprefix("val_"): v for name, v in values.items() if name.startswith("val_")}
        if part == TRAIN:
            yield _Written(time, epoch, {f"epoch_{n}": v for n, v in values.items() if not n.startswith("val_")})
        elif validated:
            yield _Written(time, int(step), {f"evaluation_{name}_vs_iterations": v for name, v in validated.items()})
            yield _Written(time, epoch, {f"epoch_{name}": v for name, v in validated.items()})


def _evaluations(run: Record) -> Iterator[_Written]:
    for columns in of_table(run.evaluation_table):
        by_name = {column.name: column.plain() for column in columns}
        steps, seconds = by_name.pop("step"), by_name.pop("seconds")
        for row, (step, time) in enumerate(zip(steps, seconds, strict=True)):
            values = {name.removeprefix("val_"): v[row] for name, v in by_name.items() if v[row] is not None}
            yield _Written(time, step, {f"evaluation_{name}_vs_iterations": v for name, v in values.items()})


def _texts(run: Record) -> Iterator[_Written]:
    for event in list(run.events_list):
        yield _Written(event.time, event.step, {EVENTS: _said(event)})


def _said(event: Event) -> str:
    """An event as a line."""
    change = "" if event.old is None and event.new is None else f": {private(event.old)} → {private(event.new)}"
    more = "; ".join(part for part in (event.source, event.message) if part)
    return text(f"{event.kind} {event.name}{change}" + (f" ({more})" if more else ""))


class _Writing:
    """Writes with TensorBoard's own protocol buffers and record writer; it needs no TensorFlow.

    Raises:
        ModuleNotFoundError: TensorBoard is not installed.
    """

    def __init__(self, run: Record) -> None:
        self._run = run
        self._event = load("tensorboard.compat.proto.event_pb2", "tensorboard", WHY)
        self._summary = load("tensorboard.compat.proto.summary_pb2", "tensorboard", WHY)
        self._tensor = load("tensorboard.compat.proto.tensor_pb2", "tensorboard", WHY).TensorProto
        self._writer = load("tensorboard.summary.writer.record_writer", "tensorboard", WHY).RecordWriter
        plugins = {
            name: load(f"tensorboard.plugins.{name}.metadata", "tensorboard", WHY) for name in ("scalar", "text")
        }
        self._metadata = {name: each.create_summary_metadata("", "") for name, each in plugins.items()}
        for name, kind in (("scalar", SCALAR_DATA), ("text", TENSOR_DATA)):
            self._metadata[name].data_class = kind

    def write(self, path: Path, first: Iterable[Any], written: Iterable[_Written]) -> None:
        """Write an event file: values that are there from the beginning, and those that came later."""
        run, seen = self._run, set[str]()
        with path.open("wb") as file:
            writer = self._writer(file)
            begun = self._event.Event(wall_time=run.started, file_version="brain.Event:2")
            writer.write(begun.SerializeToString())
            for value in first:
                self._add(writer, run.started, 0, [value])
            for each in written:
                values = [self._value(tag, value, tag not in seen) for tag, value in each.values.items()]
                seen.update(each.values)
                if values:
                    self._add(writer, run.started + each.seconds, each.step, values)

    def _add(self, writer: Any, wall: float, step: int, values: list[Any]) -> None:
        event = self._event.Event(wall_time=wall, step=step, summary=self._summary.Summary(value=values))
        writer.write(event.SerializeToString())

    def _value(self, tag: str, value: float | str, new: bool) -> Any:
        """A value; the first of its tag says what it is."""
        if isinstance(value, str):
            tensor, kind = self._tensor(dtype=STRING, string_val=[value.encode()]), "text"
        else:
            tensor, kind = self._tensor(dtype=FLOAT, float_val=[value]), "scalar"
        metadata = self._metadata[kind] if new else None
        return self._summary.Summary.Value(tag=tag, tensor=tensor, metadata=metadata)

    def hyperparameters(self) -> Iterator[Any]:
        """What the hparams page needs: the config, and which metrics it shows at their last values."""
        run = self._run
        config = flat(private(run.config))
        if not config:
            return
        hparams = "tensorboard.plugins.hparams"
        data = load(f"{hparams}.plugin_data_pb2", "tensorboard", WHY)
        api, metadata = load(f"{hparams}.api_pb2", "tensorboard", WHY), load(f"{hparams}.metadata", "tensorboard", WHY)
        shown = [
            api.MetricInfo(name=api.MetricName(group=part, tag=f"epoch_{name.removeprefix('val_')}"), display_name=name)
            for name in run.epoch_table.names
            for part in (VALIDATION if name.startswith("val_") else TRAIN,)
        ]
        kinds = {bool: api.DATA_TYPE_BOOL, float: api.DATA_TYPE_FLOAT64, str: api.DATA_TYPE_STRING}
        values = {name: _hyperparameter(value) for name, value in config.items()}
        infos = [api.HParamInfo(name=name, type=kinds[type(value)]) for name, value in values.items()]
        started = data.SessionStartInfo(start_time_secs=run.started, group_name=run.id)
        for name, value in values.items():
            place = started.hparams[name]
            if isinstance(value, bool):
                place.bool_value = value
            elif isinstance(value, float):
                place.number_value = value
            else:
                place.string_value = value
        good = api.STATUS_SUCCESS if run.status in ("finished", "stopped") else api.STATUS_FAILURE
        ended = data.SessionEndInfo(status=good, end_time_secs=run.started + run.seconds)
        experiment = api.Experiment(hparam_infos=infos, metric_infos=shown, time_created_secs=run.started)
        for tag, content in (
            (metadata.EXPERIMENT_TAG, data.HParamsPluginData(experiment=experiment)),
            (metadata.SESSION_START_INFO_TAG, data.HParamsPluginData(session_start_info=started)),
            (metadata.SESSION_END_INFO_TAG, data.HParamsPluginData(session_end_info=ended)),
        ):
            described = metadata.create_summary_metadata(content)
            yield self._summary.Summary.Value(tag=tag, metadata=described, tensor=metadata.NULL_TENSOR)


def _hyperparameter(value: Any) -> bool | float | str:
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and math.isfinite(value):
        return float(value)
    return text(value)
