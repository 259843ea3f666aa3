"""EarlyStopping and ReduceLROnPlateau: they wait for a metric to get better, and act when it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from ...commands import Command, Refused
from ...record.events import Event
from ...record.formats import format_metric, format_setting
from ..controls.control import Control, Value
from ..controls.hyperparameters import LearningRate
from .card import BestSoFar, Card, scalar
from .card_controls import MinDelta, Parameter, smaller

if TYPE_CHECKING:
    from ...record import wire


class PatienceCard(Card):
    """What the two have in common."""

    known = True
    curious = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._best: BestSoFar | None = None

    @property
    def _wait(self) -> int:
        return int(scalar(getattr(self.callback, "wait", 0)) or 0)

    @property
    def _patience(self) -> int:
        return int(scalar(self.callback.patience) or 0)

    def after(self, hook: str, index: int | None, logs: dict[str, Any]) -> None:
        super().after(hook, index, logs)
        if hook == "on_train_begin":
            self._best = None
        value = scalar(getattr(self.callback, "best", None))
        if hook != "on_epoch_end" or value is None or abs(value) == float("inf"):  # as older Keras begins
            return
        if self._best is None or self._best["value"] != value:
            self._best = {"value": value, "epoch": index, "step": self.context.run.step}

    def facts(self) -> list[tuple[str, Value]]:
        way = smaller(self.callback)
        mode = self.callback.mode if way is None else "min" if way else "max"
        return [("monitor", self.callback.monitor), ("mode", mode)]

    def gauge(self) -> tuple[str, int, int]:
        return "patience", self._wait, self._patience

    def best(self) -> wire.Best | None:
        if self._best is None:
            return None
        band = abs(scalar(getattr(self.callback, "min_delta", 0)) or 0.0)
        return {"metric": self.callback.monitor, **self._best, "band": band}

    def _better(self) -> str:
        """What would be better than the best, in words."""
        name = self.callback.monitor
        if self._best is None:
            return f"{name} improves"
        way, delta = smaller(self.callback), abs(scalar(getattr(self.callback, "min_delta", 0)) or 0.0)
        if way is None:
            return f"{name} improves"
        verb, edge = ("falls below", -delta) if way else ("rises above", delta)
        return f"{name} {verb} {format_metric(self._best['value'] + edge)}"

    def _left(self) -> int:
        """How many more epochs without an improvement it takes, the one under way included."""
        return max(self._patience - self._wait, 1)


class EarlyStoppingCard(PatienceCard):
    """``EarlyStopping``."""

    _restored: int | None = None  # the epoch whose weights came back

    def parameters(self) -> list[Control]:
        return [
            Parameter(self, "patience", integer=True),
            MinDelta(self, "min_delta"),
            Parameter(self, "baseline", minimum=-1e9, nullable=True),
            Parameter(self, "restore_best_weights", "flag", said=self._restoring),
        ]

    def _restoring(self, on: Value) -> str:
        if not on:
            return "the weights stay as they are when the fit ends"
        if self._best is not None and getattr(self.callback, "best_weights", None) is None:
            return "the best weights so far were not kept: the best from the next epoch's end on will be"
        return "the best weights come back when the fit ends"

    def facts(self) -> list[tuple[str, Value]]:
        start = int(scalar(getattr(self.callback, "start_from_epoch", 0)) or 0)
        stopped = int(scalar(getattr(self.callback, "stopped_epoch", 0)) or 0)
        facts = super().facts()
        if start:
            facts.append(("from epoch", start + 1))
        if stopped:
            facts.append(("stopped in epoch", stopped + 1))
        return facts

    def says(self) -> str:
        if getattr(self.callback, "stopped_epoch", 0):
            return "; ".join(part for part in ("stopped the fit", self.did_at_end()) if part)
        start = int(scalar(getattr(self.callback, "start_from_epoch", 0)) or 0)
        if (self.context.run.epoch or 0) < start:
            return f"looks from epoch {start + 1} on"
        left = self._left()
        when = "this epoch" if left == 1 else _epochs(left, "more ")
        return f"stops after {when} unless {self._better()}"

    def after(self, hook: str, index: int | None, logs: dict[str, Any]) -> None:
        super().after(hook, index, logs)
        callback = self.callback
        if hook == "on_train_begin":
            self._restored = None
        # What a subclass does in its own `on_train_end` is not known.
        elif hook == "on_train_end" and type(callback).on_train_end is keras.callbacks.EarlyStopping.on_train_end:
            back = callback.restore_best_weights and getattr(callback, "best_weights", None) is not None
            self._restored = int(callback.best_epoch) if back else None

    def did_at_end(self) -> str:
        return "" if self._restored is None else f"the weights of epoch {self._restored + 1} are back"

    def why_ended(self, index: int | None, logs: dict[str, Any]) -> str:
        callback, best = self.callback, scalar(getattr(self.callback, "best", None))
        baseline, way = scalar(getattr(callback, "baseline", None)), smaller(callback)
        what = f"no better {callback.monitor}"
        if baseline is not None and best is not None and not (best < baseline if way else best > baseline):
            what = f"no {callback.monitor} better than the baseline {format_setting(baseline)}"
        return f"{self.id}: {what} for {_epochs(self._wait)}"


class ReduceLROnPlateauCard(PatienceCard):
    """``ReduceLROnPlateau``."""

    def parameters(self) -> list[Control]:
        return [
            Parameter(self, "patience", integer=True),
            Parameter(self, "factor", maximum=1.0, below=True),
            MinDelta(self, "min_delta"),
            Parameter(self, "cooldown", integer=True),
            Parameter(self, "min_lr", scale="log"),
        ]

    @property
    def _cooling(self) -> int:
        return int(scalar(getattr(self.callback, "cooldown_counter", 0)) or 0)

    def facts(self) -> list[tuple[str, Value]]:
        return [*super().facts(), ("factor", self.callback.factor), ("cooldown", self._cooling)]

    def says(self) -> str:
        if why := self._why_not():
            return why
        if self._cooling > 1:
            return f"waits: its cooldown lasts {_epochs(self._cooling - 1, 'more ')}"
        left = self._left()
        when = "this epoch" if left == 1 else _epochs(left, "more ")
        factor = format_setting(self.callback.factor)
        return f"multiplies the learning rate by {factor} after {when} unless {self._better()}"

    def actions(self) -> list[tuple[str, str]]:
        return [] if self._why_not() else [("cut", "Cut now")]

    def act(self, action: str, argument: str, command: Command) -> Event:
        if action != "cut":
            return super().act(action, argument, command)
        if why := self._why_not():
            raise Refused(why)
        registry, callback = self.context.registry, self.callback
        event: Event | None = None
        registry.check_rates()
        lowest = float(callback.min_lr)
        for rate in self._rates():
            old = rate.read()
            if not isinstance(old, float) or old <= lowest:
                continue
            event = registry.learning_rates.cut(rate, max(old * float(callback.factor), lowest), self.type, command)
        if event is None:
            msg = f"the learning rate is at min_lr already: {format_setting(lowest)}"
            raise Refused(msg)
        callback.cooldown_counter, callback.wait = callback.cooldown, 0  # as after a cut of its own
        return event

    def _rates(self) -> list[Control]:
        controls = self.context.registry.controls.values() if self.context.registry is not None else []
        return [c for c in controls if isinstance(c, LearningRate) and not (c.idle or c.why_not())]

    def _why_not(self) -> str:
        """Why it can cut nothing."""
        if self.context.registry is None or self._rates():
            return ""
        return "the learning rate follows a schedule (or cannot be written), and a callback cannot cut that"


def _epochs(count: int, more: str = "") -> str:
    return f"{count} {more}epoch{'' if count == 1 else 's'}"
