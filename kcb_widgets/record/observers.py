"""Observers: what is called when a run has news, and whether any of it is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Observers:
    """Callbacks for news. Any thread may add or remove: lists are replaced, never changed."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[Any], None]] = []
        self._looks: list[Callable[[], bool]] = []

    def add(self, callback: Callable[[Any], None], looks: Callable[[], bool]) -> Callable[[], None]:
        """Have ``callback`` called with each news; returns a function that ends it.

        Args:
            callback: What to call.
            looks: Tells whether the observer is looking.
        """
        self._callbacks = [*self._callbacks, callback]
        self._looks = [*self._looks, looks]

        def remove() -> None:
            self._callbacks = [each for each in self._callbacks if each is not callback]
            self._looks = [each for each in self._looks if each is not looks]

        return remove

    def __bool__(self) -> bool:
        """Whether there are observers."""
        return bool(self._callbacks)

    @property
    def looking(self) -> bool:
        """Whether an observer is looking."""
        return any(looks() for looks in self._looks)

    def tell(self, news: Any) -> None:
        """Call each with the news."""
        for callback in self._callbacks:
            callback(news)
