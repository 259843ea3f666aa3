"""A run whose metrics are given by hand, and a watch over it: what the tests of alerts share."""

from __future__ import annotations

from kcb_widgets.alerts.alert import make_alert
from kcb_widgets.alerts.alerts import Alerts
from kcb_widgets.alerts.readings import Readings
from kcb_widgets.alerts.watch import AlertWatch
from kcb_widgets.record.record import Record


class Watched:
    """A run of one batch an epoch.

    Args:
        built_in: As for a Monitor.
        **rules: Alerts by name.
    """

    def __init__(self, built_in=False, **rules):
        self.run, self.now = Record(), 0.0
        self.told = []
        self.alerts = Alerts(built_in, lambda alert, run: self.told.append(alert))
        for name, when in rules.items():
            self.set(name, when)
        self.watch = AlertWatch(self.run, self.alerts, lambda: self.now)

    def set(self, name, when, level="warning", message=""):
        self.alerts.add(make_alert(name, when, level, message))

    def epoch(self, batch_logs=None, /, **logs):
        """An epoch that ends with these metrics."""
        epoch = 0 if self.run.epoch is None else self.run.epoch + 1
        self.run.begin_epoch(epoch)
        self.run.append(0, {"loss": logs.get("loss", 1.0)} if batch_logs is None else batch_logs)
        self.run.end_epoch(epoch, logs)
        self.now += 100.0
        self.watch.epoch_ends()

    def epochs(self, **columns):
        """Many of them."""
        for values in zip(*columns.values(), strict=True):
            self.epoch(**dict(zip(columns, values, strict=True)))

    def events(self, kind="alert"):
        """The epoch, from 0, and name of each event."""
        return [(event.epoch, event.name) for event in self.run.events_list if event.kind == kind]

    def messages(self, kind="alert"):
        return [event.message for event in self.run.events_list if event.kind == kind]

    def numbers(self, terms):
        """The numbers that rules have now."""
        self.watch._readings.renew()
        return {term: self.watch._readings.read(terms)[term] for term in terms}

    def read_anew(self, terms):
        """The same numbers, by one who reads the run for the first time."""
        return Readings(self.run).read(terms)
