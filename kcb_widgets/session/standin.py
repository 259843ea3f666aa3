"""StandIn: takes a Monitor's place in the callbacks of a fit that it does not record."""

from __future__ import annotations

from typing import Any

import keras


class StandIn(keras.callbacks.Callback):  # type: ignore[misc]
    """Hears the hooks of a fit inside of another one, so that the Monitor hears those of its own fit alone.

    Args:
        owner: The ``CallbackList``; Keras may be walking through its list, whose length stays the same.
        callback: Whose place to take.
        until: The hook at which the place is given back: the list may be the user's own, and used again.
    """

    def __init__(self, owner: Any, callback: Any, until: str) -> None:
        super().__init__()
        self._members, self._callback, self._until = owner.callbacks, callback, until
        self._replace(callback, self)

    def _replace(self, old: Any, new: Any) -> None:
        for place, one in enumerate(self._members):
            if one is old:
                self._members[place] = new

    def _end(self, hook: str) -> None:
        if hook == self._until:
            self.leave()

    def on_train_end(self, logs: Any = None) -> None:
        """A fit is over."""
        self._end("on_train_end")

    def on_test_end(self, logs: Any = None) -> None:
        """``evaluate``, or a validation, is over."""
        self._end("on_test_end")

    def on_predict_end(self, logs: Any = None) -> None:
        """``predict`` is over."""
        self._end("on_predict_end")

    def leave(self) -> None:
        """Give the place back."""
        self._replace(self, self._callback)
