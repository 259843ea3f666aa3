"""The learning rates: what they are, who else writes to them, and which of them are held."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..commands import Command
from ..record.events import Event
from ..record.formats import format_setting
from ..record.record import Record
from .backends import hand_back
from .callbacks.scheduler import Plan
from .controls.control import Control, Value
from .controls.hold import Hold
from .controls.hyperparameters import LearningRate
from .controls.schedule import Scheduled, ScheduleOverride

log = logging.getLogger(__name__)

WRITERS = {"LearningRateScheduler", "ReduceLROnPlateau"}  # Keras's callbacks that write to the learning rate
PLANNED = 20_000  # batches ahead at most, where Keras does not know how many there will be


class LearningRateTracker:
    """Keeps an eye on the learning rates of one fit.

    Args:
        run: Where values and events go.
        siblings: Class names of the fit's other callbacks.
        scheduled: What callbacks will write in coming epochs, from the epochs, the step before and the batches in each.
    """

    def __init__(
        self, run: Record, siblings: list[str], scheduled: Callable[[range, int, int], Plan] = lambda *_: {}
    ) -> None:
        self._run, self._scheduled = run, scheduled
        self._planned: Plan = {}
        self._writers = [name for name in siblings if name in WRITERS]
        self._rates: list[Control] = []
        self._holds: dict[str, Hold] = {}
        self._schedule_overrides: dict[str, ScheduleOverride] = {}

    def follow(self, controls: dict[str, Control]) -> None:
        """These are the controls now."""
        self._rates = [c for c in controls.values() if c.label == "learning_rate"]
        self._holds = {c.of: c for c in controls.values() if isinstance(c, Hold)}
        self._schedule_overrides = {c.name: c.schedule_override for c in controls.values() if isinstance(c, Scheduled)}
        self.plan()

    @property
    def held(self) -> bool:
        """Whether any rate is held against other writers."""
        return any(hold.kept is not None for hold in self._holds.values())

    def check(self, suspect: str = "", writer: str = "") -> bool:
        """Notice new values; returns whether there were any that nobody planned.

        Args:
            suspect: The callback of Keras's that may have written in the hook just run.
            writer: Who wrote, where that is known.
        """
        run, news = self._run, False
        for rate in self._rates:
            value, known = rate.read(), run.values.get(rate.name)
            if not isinstance(value, float) or value == known or (value != value and known != known):  # NaN
                continue
            if known is None or not isinstance(rate, LearningRate):
                run.set_value(rate.name, value)
                continue
            news = True
            writers = [suspect] if suspect in self._writers else self._writers
            source = writer or (writers[0] if len(writers) == 1 else "callback")
            self._foreign(rate, known, value, source)
        return news

    def _foreign(self, rate: Control, known: float, value: float, source: str) -> None:
        run, hold = self._run, self._holds.get(rate.name)
        if hold is not None and hold.kept is not None:
            rate.write(hold.kept)
            hand_back(rate.model)
            message = f"{source} wrote {format_setting(value)}; held at {format_setting(known)}"
            run.add_event("held", rate.name, value, known, source, message)
            return
        run.add_event("changed", rate.name, known, value, source)
        run.set_value(rate.name, value)

    def wrote(self, control: Control) -> None:
        """A command changed this control: what is held and what is planned follow."""
        hold = self._holds.get(control.name)
        if hold is not None and hold.kept is not None:
            hold.kept = control.read()
        if control.name in self._schedule_overrides or control.of in self._schedule_overrides:
            self.plan()
            self.check()
        elif control.label == "learning_rate" or control.of in self._holds or control.group == "callbacks":
            self.ahead()

    def plan(self) -> None:
        """What the schedules give from here to the end, for the chart."""
        run = self._run
        epochs, batches = run.params.get("epochs"), run.params.get("steps") or run.batches_per_epoch
        total = PLANNED if not epochs or not batches else (epochs - (run.epoch or 0)) * batches - run.batch
        plan: Plan = {}
        for name, schedule_override in self._schedule_overrides.items():
            if schedule_override.taken_over or total < 1:
                continue
            try:
                ahead, rates = schedule_override.plan(int(total))
            except Exception:  # a schedule is the user's own code: there is just nothing to draw
                log.debug("The schedule of %s could not be asked ahead", name, exc_info=True)
                continue
            plan[name] = ([run.step + batch for batch in ahead], rates)
        self._planned = plan
        self.ahead()

    def ahead(self) -> None:
        """What callbacks will write in the coming epochs, besides: not where the rate is held against them."""
        run = self._run
        epochs, batches = run.params.get("epochs"), run.params.get("steps") or run.batches_per_epoch
        plan: Plan = {}
        if epochs and batches and run.epoch is not None and run.epoch_starts:
            first = run.epoch_starts[-1][1] + batches
            plan = self._scheduled(range(run.epoch + 1, int(epochs)), first, int(batches))
        held = {name for name, hold in self._holds.items() if hold.kept is not None}
        plan = {name: points for name, points in plan.items() if name not in held}
        if run.plan or self._planned or plan:
            run.plan = {**self._planned, **plan}

    def scale(self, factor: float) -> list[tuple[str, Value]]:
        """What to set so that every rate is ``factor`` times what it is, by control."""
        wanted: list[tuple[str, Value]] = []
        for rate in self._rates:
            schedule_override = self._schedule_overrides.get(rate.name)
            if schedule_override is not None and not schedule_override.taken_over:
                wanted.append((f"{rate.name}_factor", schedule_override.factor * factor))
            elif isinstance(value := rate.read(), float) and not (rate.idle or rate.why_not()):
                wanted.append((rate.name, value * factor))
        return wanted

    def cut(self, rate: Control, value: float, source: str, command: Command) -> Event:
        """Write a learning rate in a callback's name, as a command asked."""
        written = rate.write(rate.check(value))
        old, new = written.old, written.new
        self._run.set_value(rate.name, float(new or 0.0), None if old is None else float(old))
        self.wrote(rate)
        message = f"cut now, asked for by {command.source}"
        return self._run.add_event("changed", rate.name, old, new, source, message, command.requested)
