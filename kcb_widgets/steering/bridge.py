"""Bridge: puts the rooms of steering together for one fit, and does what is due between its batches."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from ..commands import Command, Inbox
from ..events import first_line
from ..run import Run
from ..tap import Tap
from .evaluate import Evaluation
from .extend import Extension
from .flow import Flow
from .guard import Guard, Lookout
from .helm import Helm
from .live import Veil, roots
from .neighbours import Neighbours
from .snapshots import Snapshots, SnapshotStore, megabytes
from .triggers import Triggers, call

log = logging.getLogger(__name__)

ARGUMENTS = ("validation_data", "validation_batch_size", "batch_size", "validation_steps")


@dataclass
class Options:
    """What a Monitor was told about steering."""

    paused: bool = False
    snapshots: Snapshots = field(default_factory=Snapshots)
    guard: Guard | None = None
    evaluate_on: Any = None
    save_to: Path = field(default_factory=Path)
    triggers: Triggers = field(default_factory=Triggers)
    policies: list[tuple[Any, Callable[..., Any]]] = field(default_factory=list)
    monitor: Any = None


class Bridge:
    """Steering of one fit, on its training thread.

    Args:
        run: Its record.
        model: What trains.
        inbox: Where commands wait.
        callbacks: Keras's ``CallbackList``, where it was found.
        fit: The frame of ``fit``, where it was found.
        options: What the Monitor was told.
        tap: Told whether there is anything to do before each batch.

    Attributes:
        neighbours: The fit's other callbacks.
        lookout: What watches for NaN and leaps, if a guard was asked for.
        speaking: Who asks when a command comes from the training thread itself.
    """

    def __init__(
        self,
        run: Run,
        model: Any,
        inbox: Inbox,
        callbacks: Any,
        fit: FrameType | None,
        options: Options,
        tap: Tap,
    ) -> None:
        self._run, self._inbox, self._options, self._tap = run, inbox, options, tap
        siblings = [type(callback).__name__ for callback in getattr(callbacks, "callbacks", None) or []]
        veil, told = Veil(list(roots(model).values())), int(run.params.get("epochs") or 0)
        self.flow = Flow(run, model, Extension(fit, told, callbacks, self._not_extended), options.paused)
        self.neighbours = Neighbours(run, model, callbacks, options.monitor)
        self.lookout = None if options.guard is None else Lookout(options.guard)
        policy = options.snapshots
        self._snapshots = SnapshotStore(model, run, policy, veil.covers)
        self._fallback = options.guard is not None and options.guard.action == "rollback"
        if self._fallback and not policy.best:
            self._snapshots.each_epoch = True  # or there would be nothing to go back to
        self.helm = Helm(
            run,
            model,
            inbox,
            siblings,
            flow=self.flow,
            snapshots=self._snapshots,
            evaluation=Evaluation(model, _arguments(fit), options.evaluate_on),
            triggers=options.triggers,
            veil=veil,
            neighbours=self.neighbours,
            folder=options.save_to,
            monitor=options.monitor,
        )
        self.speaking = "python"
        self._next = {i: run.step + every for i, (every, _) in enumerate(options.policies) if every != "epoch"}
        tap.alert = True

    # -- between batches ----------------------------------------------------------------------------------------------

    def before_batch(self) -> None:
        """The model is at rest: carry out what waits, and let policies see the run."""
        if self._fallback:
            self._fallback = False
            taken = self._snapshots.take("guard")
            self._run.add_event("snapshot", "guard", new=taken.id, message="to go back to, if need be")
        self.apply(heavy=True)
        if any(self._run.step >= step for step in self._next.values()):
            self._policies(lambda i: i in self._next and self._run.step >= self._next[i])
            for i, step in self._next.items():
                if self._run.step >= step:
                    self._next[i] = self._run.step + int(self._options.policies[i][0])
        if self.helm.rates.held or not self._run.batch:  # a callback after us may have written as the epoch began
            self.helm.look("LearningRateScheduler")

    def apply(self, heavy: bool) -> None:
        """Carry out what waits in the inbox."""
        if self._inbox.waiting:
            self.helm.apply(heavy)
        self._tap.alert = bool(self.flow.planned or self.helm.rates.held or self.helm.retracing or self._next)

    def due(self) -> bool:
        """Whether the next batch must wait; says so, once, when so many batches were asked for."""
        flow = self.flow
        if not flow.paused and flow.due:
            flow.pause(flow.source)
            self._run.add_event("paused", "pause", message="as many batches were trained as asked for")
        return flow.paused

    def epoch_ends(self, epoch: int, logs: dict[str, Any]) -> None:
        """An epoch is done, validation included; the model is at rest."""
        self.apply(heavy=True)
        for taken in self._snapshots.epoch_ends(logs):
            best = f"best {taken.metric} {taken.value:.4g}, " if taken.value is not None else ""
            self._run.add_event("snapshot", taken.kind, new=taken.id, message=f"{best}{megabytes(taken.bytes)}")
        self._policies(lambda i: self._options.policies[i][0] == "epoch")
        if self.flow.until == "epoch":
            self.flow.pause(self.flow.source)
            self._run.add_event("paused", "pause", message="the epoch is done")
        self._tap.alert = True

    def _policies(self, wanted: Callable[[int], bool]) -> None:
        for i, (_, function) in enumerate(list(self._options.policies)):
            if not wanted(i):
                continue
            self.speaking = "policy"
            try:
                call(function, self._run, self._options.monitor)
            except Exception as error:
                name = getattr(function, "__name__", "policy")
                log.exception("The policy %s failed", name)
                self._run.add_event("error", name, source="policy", message=first_line(error))
            finally:
                self.speaking = "python"
            self.apply(heavy=True)

    # -- the guard ----------------------------------------------------------------------------------------------------

    def guard(self, logs: dict[str, float]) -> None:
        """Look at the newest batch; what is to be done is done before the next."""
        lookout, run = self.lookout, self._run
        assert lookout is not None
        metric = lookout.guard.metric
        value = logs.get(metric)
        if not isinstance(value, (int, float)):
            return
        wrong = lookout.look(float(value), run.step - run.means.began, metric in run.means.names)
        if wrong:
            self._act(lookout, wrong)

    def _act(self, lookout: Lookout, wrong: str) -> None:
        guard, run = lookout.guard, self._run
        lookout.acted += 1
        good = self._snapshots.good_before(run.step) if guard.action == "rollback" else None
        if lookout.acted <= guard.limit and good is not None:
            count = f"{lookout.acted} of {guard.limit}"
            run.add_event("guard", guard.metric, source="guard", message=f"{wrong}; back to step {good.step} ({count})")
            self._ask("rollback", good.id)
            for name, value in self.helm.rates.scale(guard.factor):
                self._ask(name, value)
            lookout.begin_epoch()
        else:
            spent = lookout.acted > guard.limit
            why = "it has acted as often as it may" if spent else "there is no good snapshot to go back to"
            how = "pausing" if self.flow.could_resume(run) else "stopping, as nobody is here to resume it"
            reason = wrong if guard.action == "pause" and not spent else f"{wrong}; {why}"
            run.add_event("guard", guard.metric, source="guard", message=f"{reason}; {how}")
            if how == "pausing":
                self._ask("pause", None)
            else:
                self._ask("stop", "batch")
            lookout.mute()

    def _ask(self, name: str, value: Any) -> None:
        self._inbox.put(Command(name, value, source="guard"))

    def _not_extended(self, reason: str) -> None:
        self._run.add_event("refused", "epochs", message=f"fit could not be sent on: {reason}")

    # -- tracing ------------------------------------------------------------------------------------------------------

    def retraced(self) -> list[str]:
        """The controls for which the next batch traces the training step again; asked once."""
        names, self.helm.retracing = self.helm.retracing, []
        return names


def _arguments(fit: FrameType | None) -> dict[str, Any]:
    """What ``fit`` was called with, as far as evaluating needs it; ``validation_split`` has been done by then."""
    known = {} if fit is None else fit.f_locals
    return {name: known.get(name) for name in ARGUMENTS}
