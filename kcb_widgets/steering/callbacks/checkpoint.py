"""ModelCheckpoint: the files it writes, one more now, and one of them back into the model."""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import keras
import numpy as np

from ...commands import Command, Refused
from ...keras_internals.callbacks import checkpoint_path, save_methods_of_checkpoint
from ...keras_internals.optimizers import learning_rate_of
from ...record.events import Event, first_line
from ...record.formats import format_metric
from ..backends import sync_model
from ..controls.control import Control, Value
from ..controls.live_values import model_optimizers, wrapped_optimizers
from .card import BestSoFar, Card, scalar
from .card_controls import Parameter

if TYPE_CHECKING:
    from ...record import wire

log = logging.getLogger(__name__)

MAX_FILES = 20


@dataclass(frozen=True)
class File:
    """A file that was seen being written.

    Attributes:
        stamp: What tells that it is still the same file.
    """

    id: str
    path: str
    epoch: int
    step: int
    bytes: int
    what: Literal["model", "weights"]
    metrics: str
    stamp: tuple[int, int, int] | None

    def describe(self) -> wire.File:
        """It, as a board shows it."""
        return {
            "id": self.id,
            "epoch": self.epoch,
            "step": self.step,
            "bytes": self.bytes,
            "what": self.what,
            "metrics": self.metrics,
            "name": os.path.basename(self.path),
        }


class ModelCheckpointCard(Card):
    """``ModelCheckpoint``."""

    known = True
    switchable = False
    curious = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._files: list[File] = []
        self._numbers = itertools.count(1)
        self._written, self._paths = 0, set[str]()
        self._logs: dict[str, Any] = {}
        self._best: BestSoFar | None = None

    def parameters(self) -> list[Control]:
        return [Parameter(self, "save_best_only", "flag")]

    def facts(self) -> list[tuple[str, Value]]:
        callback = self.callback
        what = "weights" if callback.save_weights_only else "the whole model"
        when = "every epoch" if callback.save_freq == "epoch" else f"every {callback.save_freq} batches"
        if callback.save_best_only:
            when = f"when {callback.monitor} is better than before, looked at {when}"
        facts: list[tuple[str, Value]] = [("path", str(callback.filepath)), ("saves", f"{what}, {when}")]
        if callback.save_best_only:
            facts.append(("monitor", callback.monitor))
        facts.append(("files written", len(self._paths)))
        if self._written > len(self._paths) and self._files:
            facts.append(
                ("last written", f"{os.path.basename(self._files[-1].path)}, epoch {self._files[-1].epoch + 1}")
            )
        return facts

    def best(self) -> wire.Best | None:
        return None if self._best is None else {"metric": self.callback.monitor, **self._best, "band": 0.0}

    def says(self) -> str:
        callback = self.callback
        if not callback.save_best_only:
            return ""
        best = scalar(callback.best)
        return f"writes when {callback.monitor} is better than {format_metric(best)}" if best is not None else ""

    def files(self) -> list[wire.File]:
        return [file.describe() for file in self._files]

    def actions(self) -> list[tuple[str, str]]:
        return [("save", "Save now")]

    # -- files written ------------------------------------------------------------------------------------------------

    def extra(self) -> list[str]:
        return save_methods_of_checkpoint(self.callback)

    def wrap_extra(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def save(epoch: Any, batch: Any, logs: Any) -> Any:
            before: Any = None
            try:
                path = checkpoint_path(self.callback, epoch, batch, logs or {})
                before = stamp(path)
            except Exception:  # Keras meets the same, and says it better
                log.debug("The name of a checkpoint could not be made", exc_info=True)
                path = ""
            result = method(epoch, batch, logs)
            self.looks(self._saved, path, before, epoch, logs or {})
            return result

        return save

    def after(self, hook: str, index: int | None, logs: dict[str, Any]) -> None:
        super().after(hook, index, logs)
        if hook == "on_epoch_end":
            self._logs = dict(logs)

    def _saved(self, path: str, before: Any, epoch: int, logs: dict[str, Any]) -> None:
        now = stamp(path)
        if path and now is not None and now != before:
            self._note(path, now, epoch, logs)
            name = os.path.basename(path)
            message = "" if path == name else path  # a message that says the name again says nothing
            self.context.run.add_event("saved", self.id, new=name, source=self.type, message=message)
        value = scalar(self.callback.best) if self.callback.save_best_only else None
        if value is not None and abs(value) != float("inf") and (self._best is None or self._best["value"] != value):
            self._best = {"value": value, "epoch": epoch, "step": self.context.run.step}

    def _note(self, path: str, now: tuple[int, int, int], epoch: int, logs: dict[str, Any]) -> File:
        what: Literal["model", "weights"] = "weights" if path.endswith(".weights.h5") else "model"
        numbers = [(name, scalar(value)) for name, value in logs.items()]
        metrics = " · ".join(f"{name} {format_metric(value)}" for name, value in numbers if value is not None)
        file = File(str(next(self._numbers)), path, epoch, self.context.run.step, now[1], what, metrics, now)
        others = [other for other in self._files if other.path != path]  # it took the place of one
        self._files = [*others, file][-MAX_FILES:]
        self._written += 1
        self._paths.add(path)
        return file

    # -- what it can be asked to do -----------------------------------------------------------------------------------

    def act(self, action: str, argument: str, command: Command) -> Event:
        if action == "save":
            return self._save(command)
        if action in ("load", "load_weights"):
            return self._load(argument, action == "load_weights", command)
        return super().act(action, argument, command)

    def _save(self, command: Command) -> Event:
        run, callback = self.context.run, self.callback
        table = run.batch_table
        now = {name: float(table.values(table.rows - 1, table.rows)[i, 0]) for i, name in enumerate(table.names)}
        logs = {**self._logs, **(now if table.rows else {})}
        batch = None if callback.save_freq == "epoch" else max(run.batch - 1, 0)
        try:
            wanted = checkpoint_path(callback, run.epoch or 0, batch, logs)
        except Exception as error:
            msg = f"its file name cannot be filled in now ({first_line(error)})"
            raise Refused(msg) from error
        path = free(wanted, run.step)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        model = sync_model(self.context.model)
        if callback.save_weights_only:
            model.save_weights(path)
        else:
            model.save(path)
        found = stamp(path)
        if found is not None:
            self._note(path, found, run.epoch or 0, logs)
        name, asked = os.path.basename(path), f"asked for by {command.source}"
        message = asked if path == name else f"{path}, {asked}"
        return run.add_event("saved", self.id, None, name, self.type, message, requested=command.requested)

    def _load(self, id: str, weights_only: bool, command: Command) -> Event:
        file = next((file for file in self._files if file.id == id), None)
        if file is None:
            msg = f"{self.id} has written no file {id!r} that is still its own"
            raise Refused(msg)
        if stamp(file.path) != file.stamp:
            msg = f"{os.path.basename(file.path)} was changed or removed since it was written"
            raise Refused(msg)
        whole = file.what == "model" and not weights_only
        load(self.context.model, file.path, whole)
        words = "weights and optimizer state" if whole else "weights"
        message = f"{words} of step {file.step} are back; the learning rate stays as it is"
        name = os.path.basename(file.path)
        run = self.context.run
        return run.add_event("applied", self.id, None, name, command.source, message, command.requested)


def load(model: Any, path: str, whole: bool) -> None:
    """Read a file into the model that trains.

    Args:
        model: The model.
        path: A ``.weights.h5`` or ``.keras`` file. Either may hold the optimizer's state as well.
        whole: Whether that is taken over too. Learning rates never are: what controls set stays, as in a rollback.
    """
    sync_model(model)
    kept = [*model.metrics_variables]
    for optimizer in model_optimizers(model).values():
        rates = {id(learning_rate_of(each)) for each in wrapped_optimizers(optimizer)}
        kept += [variable for variable in optimizer.variables if not whole or id(variable) in rates]
    values = [np.array(keras.ops.convert_to_numpy(variable)) for variable in kept]
    try:
        model.load_weights(path)
    finally:
        for variable, value in zip(kept, values, strict=True):
            variable.assign(value)


def stamp(path: str) -> tuple[int, int, int] | None:
    """What changes when a file is written: the time, the size and the place on the disk; None where there is none."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def free(path: str, step: int) -> str:
    """A name that is not taken: what a callback keeps as its best must not be written over by hand."""
    if not os.path.exists(path):
        return path
    ending = next(one for one in (".weights.h5", ".keras", ".h5", "") if path.endswith(one))
    stem = path[: len(path) - len(ending)]
    names = (f"{stem}-step-{step}{f'-{i}' if i > 1 else ''}{ending}" for i in itertools.count(1))
    return next(name for name in names if not os.path.exists(name))
