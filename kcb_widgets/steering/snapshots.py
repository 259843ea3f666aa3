"""Snapshots: the whole state of training, held in memory, to go back to.

Weights alone do not roll back: the state is every variable of the model but its metrics' (seed generators included),
every variable of the optimizer (moments, iteration count) and torch's own random state. What controls set, the learning
rate above all, is left as it is: people lower it first and go back then, or the other way round.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from ..run import Run
from .backends import parts, set_torch_state, synced, torch_state
from .control import Control, Refused, Value, Written
from .live import chain, roots

MEGABYTE = 2**20
NAMED = ("best", "latest")
Key = tuple[str, str, int]


@dataclass(frozen=True)
class Snapshots:
    """Which snapshots are taken by themselves, and how many are kept.

    Args:
        each_epoch: Take one at the end of each epoch.
        best: The metric to take one at each best value of (``val_loss``), or None.
        mode: ``min``, ``max`` or ``auto``, which goes by the metric's name.
        keep: How many are kept; the oldest goes first, but for the best.
        megabytes: How much memory they may take together, in MiB.

    Raises:
        ValueError: A number is not positive, or ``mode`` is none of the three.

    Example:
        >>> kcb.Monitor(snapshots=kcb.Snapshots(each_epoch=True, best="val_loss", keep=5))
    """

    each_epoch: bool = False
    best: str | None = None
    mode: str = "auto"
    keep: int = 10
    megabytes: float = 1024.0

    def __post_init__(self) -> None:
        if self.mode not in ("min", "max", "auto"):
            msg = f"mode must be min, max or auto. Received: {self.mode!r}"
            raise ValueError(msg)
        if not isinstance(self.keep, int) or isinstance(self.keep, bool) or self.keep < 1:
            msg = f"keep must be a whole number from 1. Received: {self.keep!r}"
            raise ValueError(msg)
        if not self.megabytes > 0:
            msg = f"megabytes must be positive. Received: {self.megabytes!r}"
            raise ValueError(msg)


@dataclass
class Snapshot:
    """The state after ``step`` batches."""

    id: str
    step: int
    epoch: int
    seconds: float
    kind: str
    metric: str = ""
    value: float | None = None
    arrays: dict[Key, npt.NDArray[Any]] = field(default_factory=dict, repr=False)
    torch: Any = field(default=None, repr=False)

    @property
    def bytes(self) -> int:
        """The memory it takes."""
        return sum(array.nbytes for array in self.arrays.values())

    @property
    def finite(self) -> bool:
        """Whether no number in it is NaN or infinite."""
        return all(np.isfinite(a).all() for a in self.arrays.values() if np.issubdtype(a.dtype, np.floating))

    def describe(self) -> dict[str, Any]:
        """It, as a board shows it."""
        shown = ("id", "step", "epoch", "seconds", "kind", "metric", "value", "bytes")
        return {name: getattr(self, name) for name in shown}


class SnapshotStore:
    """The snapshots of one fit.

    Args:
        model: What trains.
        run: Its record; ``run.snapshots`` lists what there is.
        policy: Which are taken and kept.
        ours: Tells whether a variable is one of ours and no part of the state.
    """

    def __init__(self, model: Any, run: Run, policy: Snapshots, ours: Callable[[Any], bool]) -> None:
        self._model, self._run, self._ours = model, run, ours
        self.each_epoch, self.best, self.keep = policy.each_epoch, policy.best or "", policy.keep
        self._budget, self._mode = policy.megabytes * MEGABYTE, policy.mode
        self._kept: list[Snapshot] = []
        self._numbers = itertools.count(1)

    def take(self, kind: str = "manual", metric: str = "", value: float | None = None) -> Snapshot:
        """Take one now.

        Raises:
            Refused: It would not fit into the memory they may take.
        """
        run = self._run
        arrays = {
            key: np.array(keras.ops.convert_to_numpy(variable))
            for key, variable in self._variables(synced(self._model)).items()
        }
        number = str(next(self._numbers))
        taken = Snapshot(number, run.step, run.epoch or 0, run.seconds, kind, metric, value, arrays, torch_state())
        if taken.bytes > self._budget:
            msg = f"it takes {megabytes(taken.bytes)}, more than the {megabytes(self._budget)} for all snapshots"
            raise Refused(msg)
        self._kept.append(taken)
        self._make_room()
        return taken

    def find(self, which: str) -> Snapshot:
        """The snapshot of this id; ``best`` and ``latest`` are understood.

        Raises:
            Refused: There is none.
        """
        if which == "latest" and self._kept:
            return self._kept[-1]
        found = self._best() if which == "best" else next((s for s in self._kept if s.id == which), None)
        if found is None:
            msg = f"there is no snapshot {which!r}" + ("" if self._kept else "; none was taken, or none is left")
            raise Refused(msg)
        return found

    def good_before(self, step: int) -> Snapshot | None:
        """The newest from before a step in which every number is finite."""
        return next((s for s in reversed(self._kept) if s.step < step and s.finite), None)

    def restore(self, snapshot: Snapshot) -> str:
        """Put the model back to where it was.

        Returns:
            A clause on what could not be put back; empty when all was.
        """
        model = synced(self._model)
        missing = 0
        for key, variable in self._variables(model).items():
            array = snapshot.arrays.get(key)
            if array is None or array.shape != tuple(variable.shape):
                missing += 1
            else:
                variable.assign(array)
        model.reset_metrics()
        set_torch_state(snapshot.torch)
        return f"{missing} optimizer variables are newer than the snapshot and stay as they are" if missing else ""

    def forget(self, which: str) -> None:
        """Let one go."""
        found = self.find(which)
        self._kept = [snapshot for snapshot in self._kept if snapshot is not found]
        self._tell()

    def epoch_ends(self, logs: dict[str, Any]) -> list[Snapshot]:
        """Take what the policy asks for at the end of an epoch, ``logs`` being its metrics."""
        value = logs.get(self.best) if self.best else None
        if isinstance(value, (int, float)) and np.isfinite(value) and self._beats(float(value)):
            return [self.take("best", self.best, float(value))]
        return [self.take("epoch")] if self.each_epoch else []

    def clear(self) -> None:
        """The fit is over: free the memory."""
        self._kept = []

    def _variables(self, model: Any) -> dict[Key, Any]:
        metrics = {id(variable) for variable in model.metrics_variables}
        owners = roots(model)
        every = [each for optimizer in owners.values() for each in chain(optimizer)]
        rates = {id(getattr(optimizer, "_learning_rate", None)) for optimizer in every}
        found: dict[Key, Any] = {}
        for kind, owner in (("model", model), *owners.items()):
            for variable in owner.variables:
                if id(variable) in metrics or id(variable) in rates or self._ours(variable):
                    continue
                for part in parts(variable):
                    number = 0
                    while (key := (kind, str(variable.path), number)) in found:
                        number += 1
                    found[key] = part
        return found

    def _beats(self, value: float) -> bool:
        best = self._best()
        if best is None or best.value is None:
            return True
        return value > best.value if self._larger_is_better() else value < best.value

    def _larger_is_better(self) -> bool:
        if self._mode != "auto":
            return self._mode == "max"
        words = self.best.removeprefix("val_").lower()
        return any(word in words for word in ("acc", "auc", "f1", "precision", "recall", "iou", "r2", "similarity"))

    def _best(self) -> Snapshot | None:
        """The best so far of the chosen metric: of those taken for it the newest, as each beat the one before."""
        return next((s for s in reversed(self._kept) if s.kind == "best" and s.metric == self.best), None)

    def _make_room(self) -> None:
        best = self._best()
        while len(self._kept) > self.keep or sum(s.bytes for s in self._kept) > self._budget:
            oldest = next((s for s in self._kept[:-1] if s is not best), self._kept[0])
            self._kept.remove(oldest)
        self._tell()

    def _tell(self) -> None:
        self._run.snapshots = [snapshot.describe() for snapshot in self._kept]


class Setting(Control):
    """One of the choices in ``Snapshots``, changed while the fit runs.

    Args:
        model: What trains.
        snapshots: Whose setting it is.
        name: ``each_epoch`` or ``keep``.
    """

    group = "snapshots"

    def __init__(self, model: Any, snapshots: SnapshotStore, name: str) -> None:
        super().__init__(model, f"snapshots.{name}", name, "snapshots")
        self._snapshots, self._name = snapshots, name
        if name == "each_epoch":
            self.kind = "flag"
        else:
            self.integer, self.minimum, self.maximum = True, 1.0, 1000.0

    def read(self) -> Value:
        value: Value = getattr(self._snapshots, self._name)
        return value

    def write(self, value: Value) -> Written:
        old = self.read()
        setattr(self._snapshots, self._name, value)
        return Written(old, value)


def megabytes(size: float) -> str:
    """A size in words."""
    return f"{size / MEGABYTE:.3g} MiB"
