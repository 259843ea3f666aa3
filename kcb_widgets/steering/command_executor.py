"""Carries commands out, on the training thread, at a batch boundary, each with an event on the record."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..commands import Command, Inbox, Refused
from ..record.events import Event, first_line
from ..record.record import Record
from .backends import hand_back, read_scalar, retrace, sync_model
from .callback_registry import CallbackRegistry
from .controls import layers, optimizers
from .controls.control import Control, Written
from .controls.hold import Hold
from .controls.hyperparameters import LearningRate
from .controls.live_values import OptimizerSaveFilter, model_optimizers
from .controls.optimizers import innermost_optimizer
from .evaluate import Evaluation
from .learning_rates import LearningRateTracker
from .loop_control import Epochs, LoopControl
from .snapshots import Setting, SnapshotStore, megabytes
from .user_controls import UserControls

log = logging.getLogger(__name__)

HEAVY = ("evaluate", "snapshot", "rollback", "save", "press", "act")
"""Verbs that need the model to be at rest: just before a batch, or at the end of an epoch."""
URGENT = ("stop", "pause")


class CommandExecutor:
    """The controls of one fit.

    Args:
        run: Where events go.
        model: What is steered.
        inbox: Where commands wait.
        siblings: Class names of the fit's other callbacks.
        flow: Where the fit goes on, waits and ends.
        snapshots: What there is to go back to.
        evaluation: How to evaluate now.
        user_controls: The user's own controls and buttons.
        save_filter: Hides what is installed in the optimizer.
        callback_registry: The fit's other callbacks.
        folder: Where models are saved.
        monitor: What the functions of buttons are given.

    Attributes:
        controls: By name.
        siblings: Class names of the fit's other callbacks.
        retracing: The controls whose change has the training step traced again at the next batch.
    """

    def __init__(
        self,
        run: Record,
        model: Any,
        inbox: Inbox,
        siblings: list[str],
        *,
        flow: LoopControl,
        snapshots: SnapshotStore,
        evaluation: Evaluation,
        user_controls: UserControls,
        save_filter: OptimizerSaveFilter,
        callback_registry: CallbackRegistry,
        folder: Path,
        monitor: Any = None,
    ) -> None:
        self._run, self._model, self._inbox = run, model, inbox
        self._flow, self._snapshots, self._evaluation = flow, snapshots, evaluation
        self._user_controls, self._save_filter, self._folder, self._monitor = (
            user_controls,
            save_filter,
            folder,
            monitor,
        )
        self.siblings, self._callback_registry = siblings, callback_registry
        self._idle: set[int] = set()
        self._steady: list[Control] = []
        self._built = bool(getattr(model, "built", True))
        self.retracing: list[str] = []
        self.controls: dict[str, Control] = {}
        self._verbs: dict[str, Callable[[Command], Event]] = {
            "pause": self._pause,
            "resume": self._resume,
            "step": self._step,
            "finish_epoch": self._finish_epoch,
            "stop": self._stop,
            "evaluate": self._evaluate,
            "snapshot": self._snapshot,
            "rollback": self._rollback,
            "forget": self._forget,
            "save": self._save,
            "press": self._press,
            "act": callback_registry.act,
        }
        self.learning_rates = LearningRateTracker(run, siblings, callback_registry.plan)
        self.inspect()

    # -- what there is ------------------------------------------------------------------------------------------------

    def inspect(self) -> None:
        """Find the controls of the model as it is now. Those of optimizers are found once: they may hold variables."""
        if not self._steady:
            found = self._find("optimizer", lambda: optimizers.find(self._model, self._save_filter))
            holds = [Hold(control) for control in found if isinstance(control, LearningRate)]
            settings = [Setting(self._model, self._snapshots, name) for name in ("each_epoch", "keep")]
            self._steady = [*found, *holds, Epochs(self._model, self._flow, self._run), *settings]
        inside = self._find("layers", lambda: layers.find(self._model, None, self._snapshots.slot_cache))
        inside += self._find("callbacks", self._callback_registry.controls)
        everything = [*self._steady, *inside, *self._user_controls.controls.values()]
        self.controls = {control.name: control for control in everything}
        self._mark_idle()
        self.learning_rates.follow(self.controls)
        self.publish()

    def _find(self, where: str, find: Callable[[], list[Control]]) -> list[Control]:
        """A model that we cannot read has fewer controls, and trains on."""
        try:
            return find()
        except Exception as error:
            log.exception("The controls of %s could not be found", where)
            message = f"its controls could not be found ({first_line(error)})"
            self._run.add_event("warning", where, message=message)
            return []

    def trained(self) -> None:
        """The first batch is done: look again at what is known only now.

        TensorFlow builds a subclassed model on it, and an optimizer that has not counted it takes no part in training.
        One with a loss scale is passed over while that is too large, so it cannot be told.
        """
        scaled = {
            id(innermost_optimizer(root))
            for root in model_optimizers(self._model).values()
            if innermost_optimizer(root) is not root
        }
        for control in self.controls.values():
            optimizer = control.optimizer
            if optimizer is None or id(optimizer) in self._idle | scaled:
                continue
            try:
                # Not `iterations`, which stays 0 while the first gradients are being accumulated.
                if read_scalar(self._model, optimizer._iterations, "optimizer_variables") == 0:
                    self._idle.add(id(optimizer))
            except Exception:  # one that cannot be asked gets the benefit of the doubt
                log.debug("%s could not be asked for its iterations", control.name, exc_info=True)
                continue
        if self._idle or not self._built:
            self._built = True
            self.inspect()

    def _mark_idle(self) -> None:
        for control in self.controls.values():
            if control.optimizer is not None and id(control.optimizer) in self._idle:
                control.idle = "this optimizer takes no part in training: the model has a training step of its own"

    def publish(self) -> None:
        """Put every control on the record, as boards show it."""
        run, own = self._run, self._user_controls.controls
        if any(self.controls.get(name) is not control for name, control in own.items()):  # added while the fit runs
            self.controls = {**self.controls, **own}  # other threads go through it
        self._user_controls.publish(
            run, [control.describe() for control in self.controls.values() if control.name not in own]
        )
        run.availability = {"evaluate": self._evaluation.why_not(), "save": ""}
        self._flow.publish()

    def check_rates(self, suspect: str = "", writer: str = "") -> None:
        """Notice what others wrote to the learning rates, and put their values on the record."""
        if self.learning_rates.check(suspect, writer):
            self.publish()

    # -- what is asked ------------------------------------------------------------------------------------------------

    def apply(self, heavy: bool) -> None:
        """Carry out all that waits; the last command of a name speaks for those before it.

        Args:
            heavy: Whether the model is at rest. What needs that is left waiting otherwise.
        """
        run, stale = self._run, False
        later: list[Command] = []
        for command, earlier in self._inbox.drain():
            # What comes after something that has to wait waits too, so that all happens in the order it was asked for.
            if not heavy and (self._is_heavy(command) or (later and command.name not in URGENT)):
                later += [*earlier, command]
                continue
            try:
                event = self._carry_out(command)
            except Refused as why:
                event = refusal(run, command, str(why))
            except (TypeError, ValueError) as why:  # of our own checks, or of the model's own code
                log.debug("%s was refused", command.name, exc_info=True)
                event = refusal(run, command, str(why))
            except Exception as error:  # the model's own code failed: training goes on without the change
                log.exception("%s could not be carried out", command.name)
                event = refusal(run, command, first_line(error))
            answer(run, [*earlier, command], event)
            stale = True
        if later:
            self._inbox.put_back(later)
        if stale:
            hand_back(self._model)
            self.publish()

    def _is_heavy(self, command: Command) -> bool:
        control = self.controls.get(command.name)
        return command.name in HEAVY or (control is not None and control.heavy)

    def _carry_out(self, command: Command) -> Event:
        verb = self._verbs.get(command.name)
        if verb is not None:
            return verb(command)
        control = self.controls.get(command.name)
        if control is None:
            msg = f"there is no control of this name: {command.name}"
            raise Refused(msg)
        if why := control.idle or control.why_not():
            raise Refused(why)
        value = control.check(command.value)
        self.check_rates()
        return self._written(control, control.write(value), command)

    def _written(self, control: Control, written: Written, command: Command) -> Event:
        run, message = self._run, written.message
        if written.rebuild:
            retrace(self._model)
            self.retracing = [*self.retracing, control.name]
            message = "; ".join(part for part in (message, "the training step is traced again") if part)
        old, new = written.old, written.new
        if control.kind == "number" and isinstance(new, (int, float)) and control.group not in ("flow", "callbacks"):
            before = float(old) if isinstance(old, (int, float)) else None
            run.set_value(control.name, float(new), before)
        self.learning_rates.wrote(control)
        return run.add_event("applied", control.name, old, new, command.source, message, command.requested)

    def cut(self, rate: Control, value: float, source: str, command: Command) -> Event:
        """Write a learning rate in a callback's name, as somebody asked it to."""
        written = rate.write(rate.check(value))
        old, new = written.old, written.new
        self._run.set_value(rate.name, float(new or 0.0), None if old is None else float(old))
        self.learning_rates.wrote(rate)
        message = f"cut now, asked for by {command.source}"
        return self._run.add_event("changed", rate.name, old, new, source, message, command.requested)

    def _event(self, command: Command, kind: str, new: Any = None, message: str = "", old: Any = None) -> Event:
        return self._run.add_event(kind, command.name, old, new, command.source, message, command.requested)

    def _pause(self, command: Command) -> Event:
        self._flow.pause(command.source)
        return self._event(command, "paused")

    def _resume(self, command: Command) -> Event:
        self._flow.resume()
        return self._event(command, "resumed")

    def _step(self, command: Command) -> Event:
        assert isinstance(command.value, int)
        self._flow.step(command.value, command.source)
        return self._event(command, "resumed", command.value, f"for {command.value} batches")

    def _finish_epoch(self, command: Command) -> Event:
        self._flow.finish_epoch(command.source)
        return self._event(command, "resumed", message="to the end of the epoch")

    def _stop(self, command: Command) -> Event:
        message = self._flow.stop(str(command.value))
        if self._flow.stopping == "batch":
            self._run.status = "stopping"
        self._run.message = message
        return self._event(command, "stop", command.value, message)

    def _evaluate(self, command: Command) -> Event:
        found = self._evaluation.run()
        self._run.evaluated(found.logs)
        words = " · ".join(f"{name} {value:.4g}" for name, value in found.logs.items())
        return self._event(command, "evaluated", found.logs.get("val_loss"), words + found.remark)

    def _snapshot(self, command: Command) -> Event:
        taken = self._snapshots.take()
        return self._event(command, "snapshot", taken.id, megabytes(taken.bytes))

    def _rollback(self, command: Command) -> Event:
        snapshot = self._snapshots.find(str(command.value))
        left, rest = self._run.step, self._snapshots.restore(snapshot).describe()
        event = self._event(command, "rollback", snapshot.id, f"to step {snapshot.step}" + (rest and f"; {rest}"), left)
        self._run.rolled_back(snapshot.step)
        return event

    def _forget(self, command: Command) -> Event:
        self._snapshots.forget(str(command.value))
        return self._event(command, "applied", message="forgotten")

    def _save(self, command: Command) -> Event:
        run = self._run
        name = f"run-{run.number}-step-{run.step}.keras"
        path = self._folder / name if command.value is None else Path(str(command.value))
        path.parent.mkdir(parents=True, exist_ok=True)
        sync_model(self._model).save(path)
        return self._event(command, "saved", str(path), megabytes(path.stat().st_size))

    def _press(self, command: Command) -> Event:
        name = str(command.value)
        try:
            self._user_controls.press(name, self._monitor)
        except Refused:
            raise
        except Exception as error:
            log.exception("The button %s failed", name)
            return self._event(command, "error", name, f"{name}: {first_line(error)}")
        return self._event(command, "trigger", name)

    # -- the end ------------------------------------------------------------------------------------------------------

    def release(self) -> None:
        """Take everything of ours out of the model."""
        for control in self.controls.values():
            control.release()

    def leave(self) -> None:
        """The fit is over: the model is as if we had never been there, but for what was changed."""
        installed = self._save_filter.busy
        self._callback_registry.leave()
        self.release()
        self._flow.undo()
        self._snapshots.clear()
        if installed:
            retrace(self._model)  # or the next fit would go on with a training step that knows our variables


def refusal(run: Record, command: Command, reason: str) -> Event:
    """Put on the record that a command was not carried out, and why."""
    return run.add_event(
        "refused", command.name, new=command.value, source=command.source, message=reason, requested=command.requested
    )


def refuse_all(run: Record, inbox: Inbox, reason: str) -> None:
    """Nothing that still waits will be done."""
    for command, earlier in inbox.drain():
        answer(run, [*earlier, command], refusal(run, command, reason))


def answer(run: Record, commands: list[Command], event: Event) -> None:
    """Tell those who sent ``commands`` what became of them."""
    status = "refused" if event.kind in ("refused", "error") else "applied"
    for command in commands:
        told = {"id": command.id, "name": command.name, "value": event.new, "status": status}
        run.command_results.append({**told, "step": event.step, "message": event.message})
        command.reply.settle(event)
