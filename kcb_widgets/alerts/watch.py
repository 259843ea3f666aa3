"""AlertWatch: looks at the alerts in one fit, and tells of those that begin to hold."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..record.current_work import Work
from ..record.events import first_line
from ..record.record import Record
from ..steering.user_controls import call
from .alert import Alert, Check
from .alerts import Alerts
from .built_in import NotFinite, Plateau
from .readings import Readings
from .rule import Rule

if TYPE_CHECKING:
    from ..record import wire

log = logging.getLogger(__name__)

QUIET_S = 60.0  # seconds between two events of one name
MAX_SHOWN = 5  # on a board


class AlertWatch:
    """The training thread alone calls it.

    An alert is told once when it begins to hold, and again only after it did not hold. Where it cannot be known
    whether it holds, it is as it was.

    Args:
        run: The fit's record.
        alerts: What the Monitor has set.
        clock: Tells seconds.
    """

    def __init__(self, run: Record, alerts: Alerts, clock: Callable[[], float] = time.monotonic) -> None:
        self._run, self._alerts, self._clock = run, alerts, clock
        self._readings = Readings(run)
        self._checks: dict[Alert, Check] = {}
        self._holding: dict[Alert, str] = {}  # what is told of each; empty until it was told
        self._told: dict[str, float] = {}  # when, by name
        self._known: set[Alert] = set()  # those whose names were looked for among the metrics
        self._all: Any = None

    def epoch_ends(self) -> None:
        """An epoch is over: look at all."""
        for alert in self._alerts.all.values():
            if alert not in self._known:
                self._known.add(alert)
                self._miss(alert)
        self._look(whole=True)

    def between(self) -> None:
        """Between two batches, now and then: look at what may have changed since the epoch before ended."""
        self._look(whole=False)

    def _look(self, whole: bool) -> None:
        every = self._alerts.all
        before = dict(self._holding)
        self._readings.renew()
        if every is not self._all:
            self._all, now = every, set(every.values())
            self._holding = {alert: text for alert, text in self._holding.items() if alert in now}
            self._known &= now
        for alert in every.values():
            if alert.off:
                continue
            when = alert.when
            if isinstance(when, Rule):
                if whole or not all(self._readings.of_epochs(term.name) for term in when.terms):
                    numbers = self._readings.read(when.terms)
                    self._note(alert, when.holds(numbers), partial(when.describe, numbers))
            elif alert.built_in:
                if whole or not isinstance(when, Plateau):
                    said = self._check(alert)
                    self._note(alert, None if said is None else bool(said), partial(str, said))
            elif whole:
                self._note(alert, self._ask(alert), str)
        if self._holding != before:
            self._publish()

    def _check(self, alert: Alert) -> str | None:
        check = self._checks.get(alert)
        if check is None:
            check = self._checks[alert] = alert.when.begin()  # type: ignore[union-attr]
        return check(self._run, self._readings)

    def _ask(self, alert: Alert) -> bool | None:
        """What the user's function says; one that raises is not asked again."""
        try:
            with self._run.current_work.doing(Work(f"the alert {alert.name}", False)):
                return bool(call(alert.when, self._run))  # type: ignore[arg-type]
        except Exception as error:
            log.exception("The alert %s failed, and is off", alert.name)
            why = first_line(error)
            self._run.add_event("error", alert.name, message=f"the alert is off, as its function failed: {why}")
            self._alerts.turn_off(alert, why)
            return False

    def _note(self, alert: Alert, holds: bool | None, describe: Callable[[], str]) -> None:
        if holds is None:
            return
        if not holds:
            self._holding.pop(alert, None)
            return
        if self._holding.get(alert):
            return
        now = self._clock()
        if now - self._told.get(alert.name, -QUIET_S) < QUIET_S:
            self._holding[alert] = ""
            return
        self._told[alert.name] = now
        numbers = describe()
        text = " ".join(filter(None, (alert.message, f"({alert.rule})" if alert.message else alert.rule)))
        self._holding[alert] = text = f"{text}: {numbers}" if numbers else text
        event = self._run.add_event("alert", alert.name, new=alert.level, message=text)
        self._alerts.tell(replace(alert, message=text, step=event.step, epoch=event.epoch), self._run)

    def _miss(self, alert: Alert) -> None:
        """Say, once, what an alert of the user's asks for and the first epoch did not have."""
        if alert.built_in or not isinstance(alert.when, Rule):
            return
        for why in dict.fromkeys(self._readings.why_unknown(term) for term in alert.when.terms):
            if why:
                self._run.add_event("warning", alert.name, message=f"the alert cannot hold yet: {why}")

    def _publish(self) -> None:
        """Put what holds on the record, for boards. What is not finite they tell by themselves."""
        told: list[wire.AlertNow] = [
            {
                "name": alert.name,
                "text": f"{alert.level.capitalize()}: {alert.name}. {text}",
                "bad": alert.level == "error",
            }
            for alert, text in self._holding.items()
            if text and not isinstance(alert.when, NotFinite)
        ]
        if len(told) > MAX_SHOWN:
            more = f"{len(told) - MAX_SHOWN} more alerts hold; they are among the events."
            told = [*told[:MAX_SHOWN], {"name": "", "text": more, "bad": False}]
        self._run.alerts = told
        self._run.refresh_requested = True
