"""What Keras's own callbacks hold under private names: the files they write, and the weights they swap."""

from __future__ import annotations

from typing import Any


def save_methods_of_checkpoint(callback: Any) -> list[str]:
    """Return the names of the methods by which a ``ModelCheckpoint`` writes a file.

    Relies on: ``_save_model`` and ``_get_file_path``. Without them its card lists no files.
    """
    return ["_save_model"] if hasattr(callback, "_get_file_path") else []


def checkpoint_path(callback: Any, epoch: int, batch: int | None, logs: dict[str, Any]) -> str:
    """Return the file that a ``ModelCheckpoint`` would write now.

    Relies on: ``_get_file_path``. Without it "Save now" is refused.
    """
    path: str = callback._get_file_path(epoch, batch, logs)
    return path


def save_methods_of_backup(callback: Any) -> list[str]:
    """Return the names of the methods by which a ``BackupAndRestore`` writes a backup.

    Relies on: ``_save_model`` and ``_weights_path``. Without them its card counts no backups.
    """
    return ["_save_model"] if hasattr(callback, "_weights_path") else []


def backup_path(callback: Any) -> str:
    """Return the file that a ``BackupAndRestore`` writes.

    Relies on: ``_weights_path``.
    """
    path: str = callback._weights_path
    return path


def averages_are_in_model(callback: Any) -> bool:
    """Tell whether a ``SwapEMAWeights`` has the averaged weights in the model now.

    Relies on: ``_ema_weights_in_model``. Without it its card counts no swaps.
    """
    return bool(getattr(callback, "_ema_weights_in_model", False))
