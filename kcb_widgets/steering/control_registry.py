"""Finds the controls of a fit, and puts them on the record as boards show them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ..keras_internals.optimizers import iterations_of
from ..record.events import first_line
from ..record.record import Record
from .backends import read_scalar
from .callback_registry import CallbackRegistry
from .change_history import ChangeHistory
from .controls import layers, optimizers
from .controls.control import Control
from .controls.hold import Hold
from .controls.hyperparameters import LearningRate
from .controls.live_values import OptimizerSaveFilter, model_optimizers
from .controls.optimizers import innermost_optimizer
from .evaluate import Evaluation
from .learning_rates import LearningRateTracker
from .loop_control import Epochs, LoopControl
from .snapshots import Setting, SnapshotStore
from .user_controls import UserControls

log = logging.getLogger(__name__)


class ControlRegistry:
    """The controls of one fit.

    Args:
        run: Where they are published.
        model: What is steered.
        siblings: Class names of the fit's other callbacks.
        flow: Where the fit goes on, waits and ends.
        snapshots: What there is to go back to.
        evaluation: How to evaluate now.
        user_controls: The user's own controls and buttons.
        save_filter: Hides what is installed in the optimizer.
        callback_registry: The fit's other callbacks.
        history: What was changed by hand.

    Attributes:
        controls: By name.
        siblings: Class names of the fit's other callbacks.
        learning_rates: Notices what others write to the learning rates.
    """

    def __init__(
        self,
        run: Record,
        model: Any,
        siblings: list[str],
        *,
        flow: LoopControl,
        snapshots: SnapshotStore,
        evaluation: Evaluation,
        user_controls: UserControls,
        save_filter: OptimizerSaveFilter,
        callback_registry: CallbackRegistry,
        history: ChangeHistory,
    ) -> None:
        self._run, self._model, self.siblings = run, model, siblings
        self._history = history
        self._flow, self._snapshots, self._evaluation = flow, snapshots, evaluation
        self._user_controls, self._save_filter = user_controls, save_filter
        self._callback_registry = callback_registry
        self._idle: set[int] = set()
        self._steady: list[Control] = []
        self._built = bool(getattr(model, "built", True))
        self.controls: dict[str, Control] = {}
        self.learning_rates = LearningRateTracker(run, siblings, callback_registry.plan)
        self.inspect()

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
                if read_scalar(self._model, iterations_of(optimizer), "optimizer_variables") == 0:
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
        run.availability = {**run.availability, "evaluate": self._evaluation.why_not(), "save": ""}
        self._history.publish(self.controls)
        self._flow.publish()

    def check_rates(self, suspect: str = "", writer: str = "") -> None:
        """Notice what others wrote to the learning rates, and put their values on the record."""
        if self.learning_rates.check(suspect, writer):
            self.publish()

    def release(self) -> None:
        """Take everything of ours out of the model."""
        for control in self.controls.values():
            control.release()
