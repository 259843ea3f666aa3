"""A run as one of MLflow, by MLflow's own client."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..record.extras import load
from ..record.portable import flat, private, strict_json, text
from ..record.privacy import without_private
from ..record.record import Record
from .columns import of_batches
from .to_json import events

log = logging.getLogger(__name__)

WHY = "logging to MLflow"
MAX_METRICS, MAX_PARAMS = 1000, 100  # in one request
MAX_KEY, MAX_VALUE = 250, 500  # characters, as old servers take them
STATUS = {"finished": "FINISHED", "stopped": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
NOT_IN_KEYS = re.compile(r"[^\w.\- /]")


def to_mlflow(run: Record, experiment: str = "Default", tracking_uri: str | None = None, batches: bool = False) -> str:
    """See ``Run.to_mlflow``."""
    mlflow, entities = load("mlflow", "mlflow", WHY), load("mlflow.entities", "mlflow", WHY)
    client = mlflow.MlflowClient(tracking_uri=tracking_uri)
    found = client.get_experiment_by_name(experiment)
    experiment_id = found.experiment_id if found is not None else client.create_experiment(experiment)
    made = client.create_run(
        experiment_id, start_time=_milliseconds(run.started), tags=_tags(run), run_name=text(run.name or run.title)
    )
    number = str(made.info.run_id)
    try:
        params = _by_key({**_prefixed("config", run.config), **flat(private(run.settings))})
        for some in _groups([entities.Param(key, _value(value)) for key, value in params.items()], MAX_PARAMS):
            client.log_batch(number, params=some)
        rows = [*_epochs(run), *(_batches(run) if batches else ())]
        keys = _by_key({name: name for _, _, values in rows for name in values})
        of_name = {name: key for key, name in keys.items()}
        metrics = [
            entities.Metric(of_name[name], value, _milliseconds(run.started + seconds), step)
            for seconds, step, values in rows
            for name, value in values.items()
        ]
        for some in _groups(metrics, MAX_METRICS):
            client.log_batch(number, metrics=some)
        for name, written in run.texts.items():
            client.log_text(number, without_private(written), f"{_key(name)}.txt")
        client.log_text(number, strict_json(events(run)), "events.json")
    except BaseException:
        try:
            client.set_terminated(number, status="FAILED")
        except Exception:
            log.debug("MLflow's run %s stays open", number, exc_info=True)
        raise
    client.set_terminated(
        number, status=STATUS.get(run.status, "FINISHED"), end_time=_milliseconds(run.started + run.seconds)
    )
    return number


def _epochs(run: Record) -> Iterator[tuple[float, int, dict[str, float]]]:
    """Seconds, number and metrics of each epoch."""
    ends = run.epoch_table.seconds(0, run.epoch_table.rows).tolist()
    for (epoch, row), end in zip(list(run.epoch_rows), ends, strict=False):
        yield end, epoch, {str(name): float(value) for name, value in row.items() if isinstance(value, (int, float))}


def _batches(run: Record) -> Iterator[tuple[float, int, dict[str, float]]]:
    """The same of each batch, its running means as ``running_<metric>``."""
    own = {f"batch_{name}" for name in run.batch_values.names}
    for columns in of_batches(run):
        by_name = {column.name: column.plain() for column in columns}
        steps, seconds = by_name.pop("step"), by_name.pop("seconds")
        for name in ("epoch", "batch", "abandoned"):
            by_name.pop(name, None)
        named = {name if name in own else f"running_{name}": values for name, values in by_name.items()}
        for row, (step, time) in enumerate(zip(steps, seconds, strict=True)):
            yield time, step, {name: v[row] for name, v in named.items() if v[row] is not None}


def _tags(run: Record) -> dict[str, str]:
    found = {
        "mlflow.note.content": without_private(run.notes),
        "kcb_widgets.id": run.id,
        "kcb_widgets.status": run.status,
        "kcb_widgets.message": text(run.message),
        "kcb_widgets.tags": text(", ".join(run.tags)),
    }
    return {name: value for name, value in found.items() if value}


def _prefixed(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{name}.{key}": value for key, value in flat(private(values)).items()}


def _by_key(values: Mapping[str, Any]) -> dict[str, Any]:
    """By keys that MLflow takes; of two that would be the same the later gets a number."""
    made: dict[str, Any] = {}
    for name, value in values.items():
        key = first = _key(name)
        number = 2
        while key in made:
            key, number = f"{first[: MAX_KEY - 8]}_{number}", number + 1
        made[key] = value
    return made


def _key(name: str) -> str:
    """A name with only the characters that MLflow takes; nor may it be a path that leads elsewhere."""
    parts = [part for part in NOT_IN_KEYS.sub("_", name).split("/") if part.strip(". ")]
    return "/".join(parts)[:MAX_KEY].rstrip("/") or "_"


def _value(value: Any) -> str:
    return str(text(value))[:MAX_VALUE]


def _milliseconds(seconds: float) -> int:
    return int(1000 * seconds) if math.isfinite(seconds) else 0


def _groups(values: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    for first in range(0, len(values), most):
        yield values[first : first + most]
