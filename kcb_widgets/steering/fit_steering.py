"""FitSteering: puts the rooms of steering together for one fit, and does what is due between its batches."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from ..commands import Command, Inbox
from ..commands.batch_hook_state import BatchHookState
from ..keras_internals.exceptions import root_cause
from ..keras_internals.frames import variables
from ..record.current_work import OURS, Work
from ..record.record import Record
from .actions import Actions
from .attempt import attempt
from .automatic_snapshots import AutomaticSnapshots
from .backends import retrace
from .callback_registry import CallbackRegistry
from .change_history import ChangeHistory
from .command_executor import CommandExecutor
from .control_registry import ControlRegistry
from .control_writer import ControlWriter
from .controls.live_values import OptimizerSaveFilter, model_optimizers
from .epoch_extension import EpochExtension
from .evaluate import Evaluation
from .guard import Guard, SpikeDetector
from .guard_runner import GuardRunner
from .kept_snapshots import KeptSnapshots
from .loop_control import LoopControl
from .policies import Policies, Policy, Turns
from .snapshots import Snapshots, SnapshotStore
from .user_controls import UserControls, call

log = logging.getLogger(__name__)

ARGUMENTS = ("validation_data", "validation_batch_size", "batch_size", "validation_steps")


@dataclass
class SteeringContext:
    """What a Monitor was told of a fit: about steering, and for rooms above, what to compare it with and look at."""

    paused: bool = False
    snapshots: Snapshots = field(default_factory=Snapshots)
    guard: Guard | None = None
    evaluate_on: Any = None
    save_to: Path = field(default_factory=Path)
    user_controls: UserControls = field(default_factory=UserControls)
    policies: Policies = field(default_factory=Policies)
    monitor: Any = None
    keep: Callable[[Record, Path | None], str] | None = None
    baseline: Any = None
    inside: Any = None
    alerts: Any = None


class FitSteering:
    """Steering of one fit, on its training thread.

    Args:
        run: Its record.
        model: What trains.
        inbox: Where commands wait.
        callbacks: Keras's ``CallbackList``, where it was found.
        fit: The frame of ``fit``, where it was found.
        options: What the Monitor was told.
        hook_state: Told whether there is anything to do before each batch.

    Attributes:
        callback_registry: The fit's other callbacks.
        spike_detector: What watches for NaN and leaps, if a guard was asked for.
        speaking: Who asks when a command comes from the training thread itself.
        kept_snapshots: What is left to go back to when the fit is over; None before.
    """

    def __init__(
        self,
        run: Record,
        model: Any,
        inbox: Inbox,
        callbacks: Any,
        fit: FrameType | None,
        options: SteeringContext,
        hook_state: BatchHookState,
    ) -> None:
        self._run, self._model, self._inbox = run, model, inbox
        self._options, self._hook_state = options, hook_state
        siblings = [type(callback).__name__ for callback in getattr(callbacks, "callbacks", None) or []]
        save_filter = OptimizerSaveFilter(list(model_optimizers(model).values()))
        self._save_filter = save_filter
        epochs = int(run.params.get("epochs") or 0)
        self.flow = LoopControl(run, model, EpochExtension(fit, epochs, callbacks, self._not_extended), options.paused)
        self.callback_registry = CallbackRegistry(run, model, callbacks, options.monitor)
        self.spike_detector = None if options.guard is None else SpikeDetector(options.guard)
        self._snapshots = SnapshotStore(model, run, options.snapshots, save_filter.covers)
        goes_back = options.guard is not None and options.guard.action == "rollback"
        self._automatic_snapshots = AutomaticSnapshots(run, self._snapshots, goes_back)
        evaluation = Evaluation(model, _arguments(fit), options.evaluate_on)
        shared: dict[str, Any] = {
            "flow": self.flow,
            "snapshots": self._snapshots,
            "evaluation": evaluation,
            "user_controls": options.user_controls,
            "callback_registry": self.callback_registry,
            "history": ChangeHistory(run),
        }
        self.registry = ControlRegistry(run, model, siblings, save_filter=save_filter, **shared)
        self._writer = writer = ControlWriter(run, model, self.registry)
        told: dict[str, Any] = {"folder": options.save_to, "monitor": options.monitor, "keep": options.keep}
        actions = Actions(run, model, writer=writer, **told, **shared)
        doers: dict[str, Any] = {"actions": actions, "writer": writer, "history": shared["history"]}
        self.executor = CommandExecutor(run, model, inbox, self.registry, **doers)
        self.speaking = "python"
        self.kept_snapshots: KeptSnapshots | None = None
        self._turns = Turns(options.policies, run, hook_state)
        self._guard_runner = None
        if self.spike_detector is not None:
            self._guard_runner = GuardRunner(
                run, self.spike_detector, self._snapshots, self.flow, self.registry.learning_rates, self._ask
            )
        hook_state.has_work = True

    # -- between batches ----------------------------------------------------------------------------------------------

    def before_batch(self) -> None:
        """The model is at rest: carry out what waits, and let policies see the run. No step takes another with it."""
        with self._run.current_work.doing(OURS):
            self._before_batch(self._run)

    def _before_batch(self, run: Record) -> None:
        if self._automatic_snapshots.pending:
            attempt(run, "snapshots", self._automatic_snapshots.before_batch)
        attempt(run, "steering", self.apply, True)
        attempt(run, "policies", self._policies_by_batch)
        # A callback after us may have written as the epoch began.
        if self.registry.learning_rates.held or not run.batch:
            attempt(run, "learning_rate", self.registry.check_rates, "LearningRateScheduler")

    def apply(self, heavy: bool) -> None:
        """Carry out what waits in the inbox."""
        try:
            if self._inbox.waiting:
                with self._run.current_work.doing(OURS):
                    self.executor.apply(heavy)
        finally:
            busy = (
                self.flow.planned
                or self.registry.learning_rates.held
                or self._writer.retracing
                or self._automatic_snapshots.pending
            )
            self._hook_state.has_work = bool(busy or self._turns.counting)
            if self._turns.news:  # it may have come since the line before, whose False would have undone its alert
                self._hook_state.has_work = True

    def due(self) -> bool:
        """Whether the next batch must wait; says so, once, when so many batches were asked for."""
        flow = self.flow
        if not flow.paused and flow.due:
            flow.pause(flow.source)
            self._run.add_event("paused", "paused", message="as many batches were trained as asked for")
        return flow.paused

    def epoch_ends(self, epoch: int, logs: dict[str, Any]) -> None:
        """An epoch is done, validation included; the model is at rest. No step takes another with it."""
        with self._run.current_work.doing(OURS):
            self._epoch_ends(epoch, logs)

    def _epoch_ends(self, epoch: int, logs: dict[str, Any]) -> None:
        run, branches = self._run, self._run.branches
        attempt(run, "steering", self.apply, True)
        if self._guard_runner is not None:
            attempt(run, "guard", self._guard_runner.epoch_ends, logs)
            attempt(run, "steering", self.apply, True)
        attempt(run, "snapshots", self._automatic_snapshots.epoch_ends, logs, run.branches is not branches)
        attempt(run, "policies", self._call, self._turns.by_epoch())
        if self.flow.until == "epoch":
            self.flow.pause(self.flow.source)
            run.add_event("paused", "paused", message="the epoch is done")
        self._hook_state.has_work = True

    def _policies_by_batch(self) -> None:
        due = self._turns.by_batch()
        if due:
            self._call(due)
            self._turns.took(due)

    def _call(self, policies: list[Policy]) -> None:
        for policy in policies:
            self.speaking = "policy"
            try:
                with self._run.current_work.doing(Work(f"the policy {policy.name}", False)):
                    call(policy.function, self._run, self._options.monitor)
            except Exception as error:
                log.exception("The policy %s failed", policy.name)
                self._run.add_event("error", policy.name, source="policy", message=root_cause(error))
            finally:
                self.speaking = "python"
            attempt(self._run, "steering", self.apply, True)

    def guard(self, logs: dict[str, float]) -> None:
        """Look at the newest batch; what is to be done is done before the next."""
        if self._guard_runner is not None:
            self._guard_runner.batch_ends(logs)

    def _ask(self, name: str, value: Any) -> None:
        self._inbox.put(Command(name, value, source="guard"))

    def _not_extended(self, reason: str) -> None:
        self._run.add_event("refused", "epochs", message=f"fit could not be sent on: {reason}")

    # -- tracing ------------------------------------------------------------------------------------------------------

    def retraced(self) -> list[str]:
        """The controls for which the next batch traces the training step again; asked once."""
        names, self._writer.retracing = self._writer.retracing, []
        return names

    # -- the end ------------------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """The fit is over: the model is as if we had never been there, but for what was changed."""
        installed = self._save_filter.busy
        self.callback_registry.leave()
        self.registry.release()
        self.flow.undo()
        self.kept_snapshots = KeptSnapshots(self._run, self._model, self._snapshots)
        if installed:
            retrace(self._model)  # or the next fit would go on with a training step that knows our variables


def _arguments(fit: FrameType | None) -> dict[str, Any]:
    """What ``fit`` was called with, as far as evaluating needs it; ``validation_split`` has been done by then."""
    known = variables(fit)
    return {name: known.get(name) for name in ARGUMENTS}
