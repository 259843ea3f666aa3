"""More epochs than ``fit`` was told.

When the last epoch has ended and more are wanted, ``fit`` is sent back to its loop over epochs, once, with a later
``initial_epoch`` and ``epochs``. Nothing is traced before or after. See ``keras_internals/epoch_loop.py``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import FrameType
from typing import Any

from ..keras_internals.epoch_loop import epoch_loop, send_back
from ..keras_internals.frames import Call

log = logging.getLogger(__name__)

Trouble = Callable[[str], None]


class EpochExtension:
    """Sends one call of ``fit`` back to its loop over epochs.

    Args:
        frame: The frame of ``fit``; None where there is none that could be found. Only its identity is kept.
        told: How many epochs ``fit`` was told to train.
        callbacks: Keras's ``CallbackList``; the others are told of the new number.
        trouble: Called with a reason when it could not be done after all.
    """

    def __init__(self, frame: FrameType | None, told: int, callbacks: Any, trouble: Trouble) -> None:
        self.told = told
        self._call = None if frame is None else Call(frame)
        self._callbacks, self._trouble = callbacks, trouble
        self._line: int | None = None
        self._looked = False

    def why_not(self) -> str:
        """Why there can be no more epochs; empty when there can."""
        if not self._looked:
            self._looked = True
            self._line = None if self._call is None else epoch_loop(self._call.code)
        return "" if self._line is not None else "this version of Keras has no loop over epochs that could be extended"

    def announce(self, epochs: int) -> None:
        """Tell Keras's other callbacks, the progress bar above all."""
        for callback in getattr(self._callbacks, "callbacks", None) or []:
            if isinstance(getattr(callback, "params", None), dict) and "epochs" in callback.params:
                callback.params["epochs"] = epochs
            if type(callback).__name__ == "ProgbarLogger":
                callback.epochs = epochs

    def at_end_of(self, epoch: int, epochs: int) -> None:
        """Called in ``on_epoch_end``: go on if Keras would end here and ``epochs`` are wanted."""
        if epoch + 1 < self.told or epochs <= epoch + 1 or self.why_not():
            return
        frame = None if self._call is None else self._call.find()
        if frame is None:
            self._trouble("fit could not be found again")
            return
        self._send_back(frame, epoch + 1, epochs)

    def _send_back(self, frame: FrameType, epoch: int, epochs: int) -> None:
        assert self._line is not None

        def sent() -> None:
            self.told = epochs

        def failed(error: Exception) -> None:  # Python would not: fit ends as it was told
            log.exception("fit could not be sent on")
            self._trouble(str(error))

        send_back(frame, self._line, {"initial_epoch": epoch, "epochs": epochs}, sent, failed)
