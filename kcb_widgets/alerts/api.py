"""AlertsAPI: what a Monitor lets people do about alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .alert import Alert, Level, make_alert
from .alerts import Alerts


class AlertsAPI:
    """The methods of ``Monitor`` that set alerts. Any thread may call them, also during a fit."""

    def __init__(self, built_in: bool | Iterable[str], on_alert: Callable[..., Any] | None) -> None:
        self._alerts = Alerts(built_in, on_alert)

    @property
    def alerts(self) -> list[Alert]:
        """The alerts that are set, the built-in ones too: name, level, and the rule in words."""
        return list(self._alerts.all.values())

    def alert(self, name: str, when: str | Callable[..., Any], *, level: Level = "warning", message: str = "") -> None:
        """Be told when a condition holds: on the board, in an event and by ``on_alert``.

        It is told once when it begins to hold, and again after it did not; at most once a minute. What is not known
        makes no rule hold.

        Args:
            name: What it is called; an alert of the same name is replaced, a built-in one too.
            when: A rule, or a function. A rule compares numbers: metrics at the ends of epochs, batches' own values
                (``batch_loss``), ``epoch`` (from 1), ``step``, controls such as ``learning_rate``; with
                ``+ - * / **``, ``and``, ``or``, ``not``; ``best(metric)`` so far, ``mean(metric, n)`` of the last n,
                ``last(metric, n)`` of n epochs ago, ``m("any name")``. A function is called with the run at the end of
                each epoch, on the training thread; one that raises is off from then on.
            level: ``info``, ``warning`` or ``error``.
            message: What to say besides the rule and its numbers.

        Raises:
            TypeError: An argument is of the wrong kind.
            ValueError: The rule cannot be read, and the message shows where; or the level is none of the three.

        Example:
            >>> monitor.alert("val_loss rises", "val_loss > 1.2 * best(val_loss)", level="error")
            >>> monitor.alert("slow", lambda run: run.epochs["seconds"].iloc[-1] > 60)
        """
        self._alerts.add(make_alert(name, when, level, message))

    def remove_alert(self, name: str) -> None:
        """Set an alert no more, a built-in one too.

        Raises:
            ValueError: There is none of this name.
        """
        self._alerts.remove(name)
