"""Alerts: all that one Monitor has set, and whom it tells."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from ..record.record import Record
from ..record.values import shown
from .alert import Alert
from .built_in import BUILT_IN
from .teller import Teller


class Alerts:
    """They outlive a fit. Any thread may add one, also while a fit is under way.

    Args:
        built_in: Whether those that come with Monitor are set, or which of them.
        on_alert: The user's function that is told; None: none.

    Attributes:
        all: By name. Replaced and never changed, so that any thread may go through it.
        on_alert: What was given.

    Raises:
        TypeError, ValueError: An argument is of the wrong kind, or there is no built-in alert of a name.
    """

    def __init__(self, built_in: bool | Iterable[str] = True, on_alert: Callable[..., Any] | None = None) -> None:
        if on_alert is not None and not callable(on_alert):
            msg = f"on_alert must be a function, or None. Received: {shown(on_alert)}"
            raise TypeError(msg)
        self.all: dict[str, Alert] = {name: BUILT_IN[name] for name in _check_names(built_in)}
        self.on_alert = on_alert
        self._teller = None if on_alert is None else Teller(on_alert)
        self._changing = threading.Lock()

    @property
    def built_in(self) -> list[str]:
        """The names of the built-in ones that are set."""
        return [name for name, alert in self.all.items() if alert.built_in]

    def add(self, alert: Alert) -> None:
        """Set an alert, in place of the one of this name."""
        with self._changing:
            self.all = {**self.all, alert.name: alert}

    def remove(self, name: object) -> None:
        """Set an alert no more.

        Raises:
            ValueError: There is none of this name.
        """
        with self._changing:
            if not isinstance(name, str) or name not in self.all:
                there = ", ".join(self.all) or "none"
                msg = f"there is no alert of this name; there are {there}. Received: {shown(name)}"
                raise ValueError(msg)
            self.all = {each: alert for each, alert in self.all.items() if each != name}

    def turn_off(self, alert: Alert, why: str) -> None:
        """Look at an alert no more, unless another has taken its name since."""
        with self._changing:
            if self.all.get(alert.name) is alert:
                self.all = {**self.all, alert.name: replace(alert, off=why)}

    def tell(self, alert: Alert, run: Record) -> None:
        """Tell the user's function, on a thread of its own."""
        if self._teller is not None:
            self._teller.tell(alert, run)

    def wait(self, timeout: float) -> bool:
        """Wait until the user's function was told all; whether it was."""
        return self._teller is None or self._teller.wait(timeout)


def _check_names(given: object) -> list[str]:
    if isinstance(given, bool):
        return list(BUILT_IN) if given else []
    if isinstance(given, str) or not isinstance(given, Iterable):
        msg = f"alerts must be True, False or a list of {', '.join(BUILT_IN)}. Received: {shown(given)}"
        raise TypeError(msg)
    names = list(given)
    unknown = [name for name in names if not isinstance(name, str) or name not in BUILT_IN]
    if unknown:
        msg = f"there is no such built-in alert; there are {', '.join(BUILT_IN)}. Received: {shown(unknown[0])}"
        raise ValueError(msg)
    return list(dict.fromkeys(names))
