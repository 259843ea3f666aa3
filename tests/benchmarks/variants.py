"""What is compared: each variant as a user would pass it to ``fit``."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

import kcb_widgets as kcb


class NoOp(keras.callbacks.Callback):
    """Overrides the batch hooks and does nothing: what any callback written in Python costs."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        pass

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        pass


class Variant:
    """One of the callbacks compared.

    Attributes:
        callbacks: To pass to ``fit``.
        pushes: Pictures that Monitor has told its board to draw; None without a board.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self._monitor: kcb.Monitor | None = None
        self._live = name == "live"
        self._changes = 0
        self.callbacks: list[Any] = _make(name, folder)
        if self.callbacks and isinstance(self.callbacks[0], kcb.Monitor):
            self._monitor = self.callbacks[0]
            if self._live:  # a subscriber is what Monitor draws for
                self._monitor.run.subscribe(self._count)

    def _count(self, _run: Any) -> None:
        self._changes += 1

    @property
    def pushes(self) -> int | None:
        return self._changes if self._live else None

    def ready(self) -> bool:
        """Whether the board, where there is one, is on a screen and looked at."""
        return self._monitor is None or not self._live or self._monitor.board.attended

    def marks(self) -> dict[str, Callable[[], Any]]:
        """What tells whether a hook looked at what is new, or only for messages."""
        if self._monitor is None:
            return {}
        monitor = self._monitor
        return {
            "look": lambda: getattr(monitor._session, "_next_slow_check", None),
            "poll": lambda: getattr(monitor._session, "_next_poll", None),
        }

    def complaints(self) -> list[str]:
        """What went wrong inside Monitor: it never lets training fail, so it must be asked."""
        events = [] if self._monitor is None else self._monitor.run.events_list
        return [f"{event.name}: {event.message}" for event in events if event.kind == "error"]


def _make(name: str, folder: Path) -> list[Any]:
    fresh = Path(tempfile.mkdtemp(dir=folder))
    match name:
        case "none":
            return []
        case "noop":
            return [NoOp()]
        case "headless":
            return [kcb.Monitor(display=False)]
        case "live":
            return [kcb.Monitor()]
        case "tensorboard-batch" | "tensorboard-epoch":
            import tensorboard  # noqa: F401  # Keras names it only when it is too late to tell

            return [keras.callbacks.TensorBoard(log_dir=str(fresh), update_freq=name.removeprefix("tensorboard-"))]
        case "csv":
            return [keras.callbacks.CSVLogger(str(fresh / "log.csv"))]
        case "tqdm":
            from tqdm.keras import TqdmCallback

            return [TqdmCallback()]
        case "livelossplot":
            from livelossplot import PlotLossesKeras

            return [PlotLossesKeras()]
    raise ValueError(name)
