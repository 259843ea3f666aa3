"""The snapshots that are taken by themselves: for a guard before the first batch, at epochs' ends, at best values."""

from __future__ import annotations

from typing import Any

from ..record.formats import format_bytes, format_metric
from ..record.record import Record
from .controls.control import Refused
from .guard import missing
from .snapshots import Snapshot, SnapshotStore


class AutomaticSnapshots:
    """Takes the snapshots of one fit that nobody asks for one by one.

    Args:
        run: The fit's record.
        store: Its snapshots.
        guarded: Whether a guard goes back to them.

    Attributes:
        pending: Whether there is something to do before the next batch.
    """

    def __init__(self, run: Record, store: SnapshotStore, guarded: bool) -> None:
        self._run, self._store, self._guarded = run, store, guarded
        if guarded and not store.best:
            store.each_epoch = True  # or there would be nothing to go back to
        self.pending = guarded or store.each_epoch or bool(store.best)
        self._first: Snapshot | None = None
        self._begun = self._looked = False
        self._refused: set[str] = set()

    def before_batch(self) -> None:
        """Before the first batch: say if there is too little memory, and take what a guard can go back to.

        TensorFlow builds a model that was not told its input on its first batch. Then it is done after that.
        """
        store, self.pending = self._store, False
        if not store.ready:
            if self._guarded and not self._begun:
                message = "TensorFlow builds this model on its first batch, so the guard can go back to after it only"
                self._run.add_event("warning", "guard", message=message)
            self.pending = not self._begun
            self._begun = True
            return
        if self._first is None:
            self._foresee()
        if not self._guarded or (self._first is not None and store.whole(self._first)):
            return
        again = self._first is not None
        self._first = self._take("guard", "to go back to, if need be")
        self.pending = not again and self._first is not None and store.partial

    def epoch_ends(self, logs: dict[str, Any], stale: bool) -> None:
        """Take what is due at the end of an epoch.

        Args:
            logs: The epoch's metrics.
            stale: Whether the model is no longer the one that they are of, because it was rolled back since.
        """
        store = self._store
        if store.best and not self._looked:
            self._looked = True
            self._check_best(logs)
        due = None if stale else store.due(logs)
        if due is not None:
            kind, metric, value = due
            self._take(kind, "" if value is None else f"best {metric} {format_metric(value)}, ", metric, value)

    def _take(self, kind: str, words: str, metric: str = "", value: float | None = None) -> Snapshot | None:
        try:
            taken = self._store.take(kind, metric, value)
        except Refused as why:
            if kind not in self._refused:  # it would be refused at every epoch: said once
                self._refused.add(kind)
                self._run.add_event("refused", "snapshot", new=kind, message=str(why))
            return None
        self._refused.discard(kind)
        message = words if kind == "guard" else words + format_bytes(taken.bytes)
        self._run.add_event("snapshot", kind, new=taken.id, message=message)
        return taken

    def _foresee(self) -> None:
        why = self._store.forecast()
        if not why:
            return
        message = f"snapshots will be refused: {why}, as Snapshots(megabytes=...) sets it"
        if self._guarded:
            message += "; the guard can pause, or stop the fit where nobody could resume it, "
            message += "and go back to the beginning only" if self._store.fits else "but cannot go back"
        self._run.add_event("warning", "snapshots", message=message)

    def _check_best(self, logs: dict[str, Any]) -> None:
        store, what = self._store, "no best snapshot is taken until it is"
        if self._guarded and not store.each_epoch:
            what += ", and one is taken at each epoch for the guard"
        if why := missing(what, store.best, logs):
            store.each_epoch = store.each_epoch or self._guarded
            self._run.add_event("warning", "snapshots", message=why)
