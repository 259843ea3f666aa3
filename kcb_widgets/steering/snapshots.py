"""Snapshots: the whole state of training, held in memory, to go back to; which are taken and kept.

What controls set, the learning rate above all, is left as it is: people lower it first and go back then, or the other
way round.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..record.directions import direction_of
from ..record.formats import format_bytes
from ..record.known_metric import known_metric
from ..record.record import Record
from ..record.values import positive_integer
from .controls.control import Control, Refused, Value, Written
from .guard import number
from .model_state import ModelState, ModelStateCopier, Restored
from .optimizer_rebuild import SlotCache

if TYPE_CHECKING:
    from ..record import wire

MEGABYTE = 2**20
NOT_READY = (
    "the model has no weights yet: TensorFlow builds it on its first batch, and a snapshot can be taken after it"
)


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
        TypeError, ValueError: A number is not positive, or ``mode`` is none of the three.

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
        object.__setattr__(self, "keep", positive_integer("keep", self.keep))
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
    state: ModelState = field(default_factory=ModelState, repr=False)

    @property
    def bytes(self) -> int:
        """The memory it takes."""
        return self.state.bytes

    def describe(self) -> wire.Snapshot:
        """It, as a board shows it."""
        return {
            "id": self.id,
            "step": self.step,
            "epoch": self.epoch,
            "seconds": self.seconds,
            "kind": self.kind,
            "metric": self.metric,
            "value": self.value,
            "bytes": self.bytes,
        }


class SnapshotStore:
    """The snapshots of one fit.

    Args:
        model: What trains.
        run: Its record; ``run.snapshots`` lists what there is.
        policy: Which are taken and kept.
        ours: Tells whether a variable is one of ours and no part of the state.

    Attributes:
        slot_cache: What the optimizers keep for layers that are frozen now; it is part of the state.
        each_epoch: Whether one is taken at the end of each epoch.
        best: The metric to take one at each best value of; empty for none.
        keep: How many are kept.
    """

    def __init__(self, model: Any, run: Record, policy: Snapshots, ours: Callable[[Any], bool]) -> None:
        self._run = run
        self.slot_cache: SlotCache = {}
        self._state_copier = ModelStateCopier(model, ours, self.slot_cache)
        self.each_epoch, self.best, self.keep = policy.each_epoch, policy.best or "", policy.keep
        self._budget, self._mode = policy.megabytes * MEGABYTE, policy.mode
        self._kept: list[Snapshot] = []
        self._numbers = itertools.count(1)

    @property
    def ready(self) -> bool:
        """Whether the model has weights that a snapshot could hold."""
        return self._state_copier.ready

    @property
    def partial(self) -> bool:
        """Whether some of the model is yet to be built, if it is used at all."""
        return self._state_copier.partial

    @property
    def fits(self) -> bool:
        """Whether a snapshot of the model as it is now fits into the memory they may take."""
        return not self._too_large(self._state_copier.size())

    def take(self, kind: str = "manual", metric: str = "", value: float | None = None) -> Snapshot:
        """Take one now.

        Args:
            kind: Why: ``manual``, ``epoch``, ``best`` or ``guard``.
            metric: The metric it is called by; what is known of the model now where none is given.
            value: Its value.

        Raises:
            Refused: It would not fit into the memory they may take, or the model has no weights yet.
        """
        run, copier = self._run, self._state_copier
        if not copier.ready:
            raise Refused(NOT_READY)
        if why := self._too_large(copier.size()):
            raise Refused(why)
        if not metric:
            metric, value = known_metric(run)
        name = str(next(self._numbers))
        taken = Snapshot(name, run.step, run.epoch or 0, run.seconds, kind, metric, value, copier.copy())
        self._kept.append(taken)
        self._make_room()
        return taken

    def forecast(self) -> str:
        """Why snapshots will not fit into the memory they may take; empty when they will, as far as that is known."""
        return self._too_large(self._state_copier.size_to_come(), "about ") if self._state_copier.ready else ""

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
        """The newest from before a step that holds all of the model, and in which every number is finite."""
        return next((s for s in reversed(self._kept) if s.step < step and self.whole(s) and s.state.finite), None)

    def whole(self, snapshot: Snapshot) -> bool:
        """Whether it holds all weights that the model has now: a layer may have built itself since."""
        return not self._state_copier.lacking(snapshot.state)

    def restore(self, snapshot: Snapshot) -> Restored:
        """Put the model back to where it was; says what more there is to know of that."""
        return self._state_copier.put_back(snapshot.state)

    def forget(self, which: str) -> None:
        """Let one go."""
        found = self.find(which)
        self._kept = [snapshot for snapshot in self._kept if snapshot is not found]
        self._tell()

    def due(self, logs: dict[str, Any]) -> tuple[str, str, float | None] | None:
        """What ``take`` is to be given at the end of an epoch, ``logs`` being its metrics; None when nothing is due."""
        value = number(logs.get(self.best)) if self.best else None
        if value is not None and np.isfinite(value) and self._beats(value):
            return "best", self.best, value
        return ("epoch", "", None) if self.each_epoch else None

    @property
    def kept(self) -> list[Snapshot]:
        """Those there are, oldest first."""
        return list(self._kept)

    def retire(self) -> None:
        """The fit is over: hold nothing of it but the snapshots; none can be taken any more, nor put back from here."""
        self.slot_cache.clear()
        del self._state_copier

    def _too_large(self, size: float, about: str = "") -> str:
        if size <= self._budget:
            return ""
        return f"it takes {about}{format_bytes(size)}, more than the {format_bytes(self._budget)} for all snapshots"

    def _beats(self, value: float) -> bool:
        best = self._best()
        if best is None or best.value is None:
            return True
        return value > best.value if self._larger_is_better() else value < best.value

    def _larger_is_better(self) -> bool:
        if self._mode != "auto":
            return self._mode == "max"
        return direction_of(self.best) == "max"

    def _best(self) -> Snapshot | None:
        """The best so far of the chosen metric: of those taken for it the newest, as each beat the one before."""
        return next((s for s in reversed(self._kept) if s.kind == "best" and s.metric == self.best), None)

    def _make_room(self) -> None:
        best = self._best()
        while len(self._kept) > self.keep or sum(s.bytes for s in self._kept) > self._budget:
            oldest = next((s for s in self._kept[:-1] if s is not best), self._kept[0])
            self._kept = [snapshot for snapshot in self._kept if snapshot is not oldest]
        self._tell()

    def _tell(self) -> None:
        run = self._run
        run.snapshots = [snapshot.describe() for snapshot in self._kept]
        run.availability = {**run.availability, "rollback": "" if self._kept else "no snapshot is left"}


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
