"""TrainEndSentinel: closes a fit's record after every other callback's ``on_train_end``, wherever Monitor stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras


class TrainEndSentinel(keras.callbacks.Callback):  # type: ignore[misc]
    """Goes to the end of Keras's list while Keras walks through it, and leaves it when it was called.

    Args:
        callbacks: Keras's ``CallbackList``.
        close: What to call.
    """

    def __init__(self, callbacks: Any, close: Callable[[], None]) -> None:
        super().__init__()
        self._list, self._close = callbacks.callbacks, close
        self._list.append(self)

    def on_train_end(self, logs: Any = None) -> None:
        """Everybody else was called."""
        self.leave()
        self._close()

    def leave(self) -> None:
        """Leave the list, also where a callback before this one raised."""
        if self in self._list:
            self._list.remove(self)
