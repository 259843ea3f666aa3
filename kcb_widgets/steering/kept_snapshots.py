"""KeptSnapshots: the snapshots of a fit that is over, for as long as its model is there."""

from __future__ import annotations

import logging
import weakref
from typing import Any

from ..record.record import Record
from .controls.control import Control, Refused
from .controls.live_values import OptimizerSaveFilter
from .controls.optimizers import find
from .model_state import ModelStateCopier
from .rates_kept import rates_kept
from .snapshots import Snapshot, SnapshotStore

log = logging.getLogger(__name__)

NONE_TAKEN = "no snapshot was taken"
MODEL_GONE = "the model is no longer there"


class KeptSnapshots:
    """What can still be put back when nothing trains. It keeps no model alive; with the model it lets go of all.

    Args:
        run: The record of the fit.
        model: What was trained.
        store: The snapshots of the fit.
    """

    def __init__(self, run: Record, model: Any, store: SnapshotStore) -> None:
        self._run = run
        self._store: SnapshotStore | None = store if store.kept else None
        self._why = NONE_TAKEN
        store.retire()
        try:
            self._model = weakref.ref(model, lambda _: self.forget(MODEL_GONE))
        except TypeError:  # a model that cannot be referred to weakly would be kept for ever
            self.forget(MODEL_GONE)
        self._tell()

    def forget(self, why: str) -> None:
        """Free the memory.

        Args:
            why: What is said from now on where one is asked for. The first reason stays.
        """
        if self._store is not None:
            self._store, self._why = None, why
            self._tell()

    def restore(self, which: str) -> tuple[Snapshot, str]:
        """Put the model back to the snapshot of this id; ``best`` and ``latest`` are understood.

        Returns:
            The snapshot, and what there is to say of it.

        Raises:
            Refused: It is not there.
        """
        store = self._store
        model = None if store is None else self._model()
        if store is None or model is None:
            raise Refused(self._why if store is None else MODEL_GONE)
        snapshot = store.find(which)
        # Nothing of ours is in the optimizers any more, and nothing is set aside for frozen layers.
        restored = ModelStateCopier(model, lambda _: False, {}).put_back(snapshot.state)
        kept = rates_kept(self._run, snapshot.step, _controls(model))
        return snapshot, "; ".join(filter(None, [restored.describe(), kept]))

    def _tell(self) -> None:
        run, there = self._run, self._store is not None
        run.availability = {**run.availability, "rollback": "" if there else self._why}
        if not there:
            run.snapshots = []


def _controls(model: Any) -> list[Control]:
    """The optimizer's, as it is now; none where it cannot be read, which must not undo what was done."""
    try:
        return find(model, OptimizerSaveFilter([]))
    except Exception:
        log.debug("The optimizer could not be read after a restore", exc_info=True)
        return []
