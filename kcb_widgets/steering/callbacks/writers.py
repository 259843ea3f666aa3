"""Callbacks that write somewhere: CSVLogger, BackupAndRestore, TensorBoard, RemoteMonitor."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from ...keras_internals.callbacks import backup_path, save_methods_of_backup
from ...keras_internals.models import initial_epoch_of
from ...record.formats import format_bytes, format_metric
from ..controls.control import Value
from .card import Card
from .checkpoint import stamp


class Writer(Card):
    """One that is shown and not steered."""

    known = True
    switchable = False
    curious = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._last = ""

    def _now(self) -> str:
        run = self.context.run
        return f"epoch {(run.epoch or 0) + 1}, step {run.step}"

    def after(self, hook: str, index: int | None, logs: dict[str, Any]) -> None:
        super().after(hook, index, logs)
        if hook == "on_epoch_end":
            self._last = self._now()


class CSVLoggerCard(Writer):
    """``CSVLogger``."""

    def facts(self) -> list[tuple[str, Value]]:
        rows = self.calls("on_epoch_end")
        return [("path", str(self.callback.filename)), ("rows written", rows), ("last row", self._row)]

    _row = ""

    def after(self, hook: str, index: int | None, logs: dict[str, Any]) -> None:
        super().after(hook, index, logs)
        if hook == "on_epoch_end":
            self._row = self._readable(last_line(str(self.callback.filename)))

    def _readable(self, line: str) -> str:
        """The row with its columns' names; as it stands in the file where they do not fit."""
        names = ["epoch", *(self.callback.keys or ())]
        values = line.split(self.callback.sep)
        if len(names) != len(values):
            return line
        return " \u00b7 ".join(f"{name} {_short(value)}" for name, value in zip(names, values, strict=True))


class BackupAndRestoreCard(Writer):
    """``BackupAndRestore``."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._written, self._bytes, self._deleted = 0, 0, False

    def facts(self) -> list[tuple[str, Value]]:
        facts: list[tuple[str, Value]] = [("path", str(self.callback.backup_dir)), ("backups", self._written)]
        begun = initial_epoch_of(self.context.model)
        if begun:
            facts.append(("restored", f"the fit goes on with epoch {begun + 1}"))
        if self._last:
            facts.append(("last", f"{self._last}, {format_bytes(self._bytes)}"))
        if self._deleted:
            facts.append(("at the end", "deleted, as the fit ended well"))
        return facts

    def extra(self) -> list[str]:
        return save_methods_of_backup(self.callback)

    def wrap_extra(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def save(*args: Any, **kwargs: Any) -> Any:
            before = stamp(backup_path(self.callback))
            result = method(*args, **kwargs)
            self.looks(self._saved, before)
            return result

        return save

    def _saved(self, before: Any) -> None:
        now = stamp(backup_path(self.callback))
        if now != before:
            self._written, self._last = self._written + 1, self._now()
            self._bytes = now[1] if now else 0

    def after(self, hook: str, index: int | None, logs: dict[str, Any]) -> None:
        last = self._last
        super().after(hook, index, logs)
        self._last = last  # it is `_saved` that knows
        if hook == "on_train_end" and self._written:
            self._deleted = not os.path.exists(self.callback.backup_dir)


class TensorBoardCard(Writer):
    """``TensorBoard``."""

    def facts(self) -> list[tuple[str, Value]]:
        callback = self.callback
        every = "every epoch" if callback.update_freq == "epoch" else f"every {callback.update_freq} batches"
        facts: list[tuple[str, Value]] = [("path", str(callback.log_dir)), ("writes", every)]
        facts.append(("epochs written", self.calls("on_epoch_end")))
        if self._last:
            facts.append(("last", self._last))
        return [*facts, ("to see it", f"tensorboard --logdir {callback.log_dir}")]


class RemoteMonitorCard(Writer):
    """``RemoteMonitor``: it warns when nobody answers, and trains on."""

    def facts(self) -> list[tuple[str, Value]]:
        posts = self.calls("on_epoch_end")
        facts: list[tuple[str, Value]] = [("url", f"{self.callback.root}{self.callback.path}"), ("posts", posts)]
        if self._last:
            facts.append(("last", self._last))
        return [*facts, ("not delivered", self.warnings)] if self.warnings else facts


def _short(text: str) -> str:
    try:
        return format_metric(float(text)) if "." in text else text
    except ValueError:
        return text


def last_line(path: str) -> str:
    """The last line of a text file; empty where there is none."""
    try:
        with open(path, "rb") as file:
            file.seek(max(os.path.getsize(path) - 4096, 0))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
    except (OSError, ValueError):
        return ""
    return lines[-1][:500] if lines else ""
