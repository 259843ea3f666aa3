"""Resets: notice that something besides the training step changed a fit's running metrics."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any

OTHER_STEPS = ("test_on_batch", "train_on_batch")  # these add to the metrics; `evaluate` resets them as well


class Resets:
    """Watches metrics for a reset, and a model for steps outside of ``fit``: at no cost for a batch.

    Methods of these objects are wrapped for as long as the fit lasts.

    Args:
        metrics: The metrics whose ``reset_state`` is watched.
        model: The model that ``fit`` trains; None where a loop of the user's own calls ``train_on_batch``.
        told: Called before each such call, on the thread that makes it.
    """

    def __init__(self, metrics: Iterable[Any], model: Any | None, told: Callable[[], None]) -> None:
        self._told = weakref.WeakMethod(told)
        self._wrapped: list[tuple[Any, str]] = []
        for metric in metrics:
            self._wrap(metric, "reset_state")
        for name in OTHER_STEPS if model is not None else ():
            self._wrap(model, name)

    def _wrap(self, owner: Any, name: str) -> None:
        original, told = getattr(owner, name, None), self._told
        if original is None or name in vars(owner):
            return

        def call(*args: Any, **kwargs: Any) -> Any:
            tell = told()
            if tell is not None:
                tell()
            return original(*args, **kwargs)

        call.__name__ = name
        vars(owner)[name] = call
        self._wrapped.append((owner, name))

    def leave(self) -> None:
        """The fit is over: give the objects their methods back."""
        for owner, name in self._wrapped:
            vars(owner).pop(name, None)
        self._wrapped = []
