"""Replay: do to a fresh model what was done to another run, at the same steps, so that the run is reproduced."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .commands import VERBS, Command, Value
from .events import Event
from .monitor import Monitor, _guarded
from .run import Run
from .session import Session
from .steering.helm import HEAVY
from .steering.snapshots import Snapshots

SETTINGS = ("snapshots.each_epoch", "snapshots.keep")
"""Controls that only say which snapshots are taken; a replay takes those that it needs."""


@dataclass(frozen=True)
class Act:
    """Something to do again.

    Attributes:
        step: After how many batches of the fit.
        epoch: In which of its epochs, counted from 0: one that has ended, or the next that has begun already.
        name: A control, ``snapshot``, ``rollback`` or ``forget``.
        value: The control's new value, or the snapshot's id.
        old: The value before.
        writer: The class name of the callback that wrote it; empty for what was asked for.
        early: Whether it came before something else that may have written to the same control at this step, and so
            must not wait for the next batch: at the end of a ``batch``, or at the beginning of an ``epoch``.
    """

    step: int
    epoch: int
    name: str
    value: Value = None
    old: Value = None
    writer: str = ""
    early: str = ""


@dataclass(frozen=True)
class Ending:
    """Where a run ended before its last epoch was done.

    Attributes:
        step: After how many batches of the fit.
        validated: Whether the closing validation was run.
    """

    step: int
    validated: bool


def script(run: Run) -> list[Act]:
    """All that has to be done again, in order.

    Raises:
        ValueError: The run is not over.
    """
    if not isinstance(run, Run) or not run.over:
        msg = f"only a run that is over can be replayed or written as code. Received: {run!r}"
        raise ValueError(msg)
    events = list(run.events_list)
    last_use = {str(event.new): i for i, event in enumerate(events) if event.kind == "rollback"}
    taken = {str(event.new) for event in events if event.kind == "snapshot"}
    # What a guard takes before the first batch, to have something to go back to, is no event.
    acts = [Act(0, 0, "snapshot", snapshot) for snapshot in last_use if snapshot not in taken]
    times = _Times(run, events)
    for i, event in enumerate(events):
        at = event.step - run.first_step, event.epoch - run.initial_epoch
        if event.kind == "rollback":
            acts.append(Act(*at, "rollback", str(event.new)))
            if last_use[str(event.new)] == i:
                acts.append(Act(*at, "forget", str(event.new)))
        elif event.kind == "snapshot" and str(event.new) in last_use:
            acts.append(Act(*at, "snapshot", str(event.new)))
        elif event.kind == "changed":
            acts.append(Act(*at, event.name, event.new, event.old, event.source, times.early(i, event)))
        elif event.kind == "applied" and event.name not in VERBS and event.name not in SETTINGS:
            acts.append(Act(*at, event.name, event.new, event.old, "", times.early(i, event)))
    return acts


class _Times:
    """When, between two batches, something happened: an event tells the step and the epoch, and no more."""

    def __init__(self, run: Run, events: list[Event]) -> None:
        self._starts = {epoch: step for _, step, epoch in run.epoch_starts}
        ends = run.epoch_table.seconds(0, run.epoch_table.rows)
        self._ends = {epoch: float(end) for (epoch, _), end in zip(run.epoch_rows, ends, strict=False)}
        self._changes: dict[tuple[int, int], list[int]] = {}
        for i, event in enumerate(events):
            if event.kind == "changed":
                self._changes.setdefault((event.step, event.epoch), []).append(i)

    def early(self, index: int, event: Event) -> str:
        """See ``Act.early``. Before anything is applied what others wrote is looked for, so the order tells."""
        changes = self._changes.get((event.step, event.epoch), [])
        if self._starts.get(event.epoch) == event.step:
            return "epoch" if any(other > index for other in changes) else ""
        ended = event.time > self._ends.get(event.epoch, math.inf)
        return "" if ended or any(other < index for other in changes) else "batch"


def ending(run: Run) -> Ending | None:
    """Where the run ended early, for whatever reason; None when all its epochs were trained, or no batch was."""
    trained, steps = run.step - run.first_step, run.params.get("steps")
    if not trained or (run.status == "finished" and not (steps and run.batch < steps)):
        return None
    epoch = next(epoch for _, before, epoch in reversed(run.epoch_starts) if before < run.step)
    row = dict(run.epoch_rows).get(epoch)
    if row is None:  # it failed or was interrupted, and its last epoch was never closed
        return Ending(trained, False)
    asked = [str(event.new) for event in run.events_list if event.kind == "stop"]
    skipped = bool(asked) and asked[-1].endswith("_unvalidated")
    return Ending(trained, not skipped or any(name.startswith("val_") for name in row))


class Replay(Monitor):
    """A callback that does to a fresh model what was done to another run, so that the run is reproduced.

    Made by ``run.replay()``. It is a Monitor: its fit is a run of its own, which can be watched and steered further.
    With the same model, data, seed and arguments of ``fit`` it gives the same weights, bit for bit.

    Done again are: changes of controls, rollbacks with the snapshots they need, more or fewer epochs, and the end,
    wherever the run stopped, failed or was interrupted. Not done again is what leaves the training as it is: pauses,
    evaluations, saved files, buttons. What a button, a policy or a guard *asked for* is on the record, and done again.

    What another callback wrote to a learning rate is done again unless a callback of that class is among the fit's
    own: ``ReduceLROnPlateau`` may stay in the list, where it does its work again, or be left out. It is known from the
    moment it was noticed: at once for Keras's callbacks, within a tenth of a second for others.

    Each fit it is passed to replays the run from the beginning. Your own controls are set if you gave it some of the
    same names. What cannot be done again is an event.

    Args:
        run: The run to do again. It must be over.
        display: Show a board; None: wherever there is a Jupyter kernel.

    Attributes:
        original: The run that is done again.

    Raises:
        ValueError: The run is not over.

    Example:
        >>> keras.utils.set_random_seed(7)
        >>> model = make_model()
        >>> model.fit(x, y, epochs=20, callbacks=[monitor.run.replay()])
    """

    def __init__(self, run: Run, *, display: bool | None = False) -> None:
        self._script = script(run)
        needed = sum(act.name == "snapshot" for act in self._script)
        # The originals fitted into memory, and none is kept for longer than they were.
        super().__init__(display=display, snapshots=Snapshots(keep=needed + Snapshots.keep, megabytes=math.inf))
        self.original = run
        self._ending = ending(run)
        self._playing: Run | None = None
        self._left: deque[Act] = deque()
        self._ids: dict[Value, Value] = {}
        self._warned: set[str] = set()
        self._stopped = False
        self.add_policy(self._epoch_ends)  # policies are asked while the model is at rest, before the fit may end

    # -- when -----------------------------------------------------------------------------------------------------

    @_guarded
    def on_epoch_begin(self, session: Session, epoch: int, logs: Any = None) -> None:
        """An epoch begins."""
        super().on_epoch_begin(epoch, logs)
        if self._playing is not session.run:
            self._playing, self._left, self._stopped = session.run, deque(self._script), False
            self._ids, self._warned = {}, set()
        self._compare(session.run)
        self._play(session, "epoch")

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch: what was done before this one."""
        if self._left:
            self._before()
        super().on_train_batch_begin(batch, logs)

    @_guarded
    def _before(self, session: Session) -> None:
        self._play(session)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch: record it; what need not wait, and the end."""
        super().on_train_batch_end(batch, logs)
        self._after()

    @_guarded
    def _after(self, session: Session) -> None:
        if self._left:
            self._play(session, "batch")
        end = self._ending
        if end is not None and not self._stopped and session.run.step - session.run.first_step >= end.step:
            self._stopped = True
            self._ask(session, "stop", "batch" if end.validated else "batch_unvalidated", heavy=False)

    def _epoch_ends(self) -> None:
        session = self._session
        if session is not None:
            self._compare(session.run)
            self._play(session)

    @_guarded
    def on_train_end(self, session: Session, logs: Any = None) -> None:
        """The fit ended as it should."""
        left = sum(not self._by_itself(session, act) for act in self._left)
        if left:
            self._warn("replay", f"the fit ended before {left} of the changes made to {self.original.title}")
        super().on_train_end(logs)

    # -- what -----------------------------------------------------------------------------------------------------

    def _play(self, session: Session, early: str = "") -> None:
        """Do what is due.

        Args:
            session: The fit under way.
            early: Only what may not wait; empty when the model is at rest, and all may be done.
        """
        for act in self._due(session.run):
            control = session.bridge.helm.controls.get(act.name)
            heavy = act.name in HEAVY or (control is not None and control.heavy)
            if early and (heavy or act.early != early):
                return
            self._left.popleft()
            if self._by_itself(session, act):
                continue
            value = act.value
            if act.name in ("rollback", "forget"):
                if value not in self._ids:
                    self._warn(act.name, "the snapshot to go back to could not be taken")
                    continue
                value = self._ids[value]
            elif act.name == "epochs" and isinstance(value, int):
                value += session.run.initial_epoch - self.original.initial_epoch
            elif act.name != "snapshot" and control is None:
                self._warn(act.name, f"{self.original.title} changed this control, and there is none of its name here")
                continue
            done = self._ask(session, act.name, None if act.name == "snapshot" else value, heavy=not early)
            if act.name == "snapshot" and done is not None and done.kind == "snapshot":
                self._ids[act.value] = done.new

    def _due(self, run: Run) -> Iterator[Act]:
        """The acts whose time has come, as long as each is taken off the list."""
        step, epoch = run.step - run.first_step, (run.epoch or 0) - run.initial_epoch
        while self._left:
            act = self._left[0]
            if not (self._stopped or step > act.step or (step == act.step and epoch >= act.epoch)):
                return
            yield act

    def _ask(self, session: Session, name: str, value: Value, *, heavy: bool) -> Event | None:
        """Have one thing done, in the way in which all commands are carried out."""
        reply = self._inbox.put(Command(name, value, "replay"))
        session.bridge.apply(heavy)
        return reply.event

    @staticmethod
    def _by_itself(session: Session, act: Act) -> bool:
        """Whether a callback of this fit writes it."""
        return act.writer in session.bridge.helm.siblings

    def _compare(self, run: Run) -> None:
        """The same step is the same state only where epochs are as long."""
        one, other = self.original.batches_per_epoch, run.batches_per_epoch
        if one and other and one != other:
            self._warn("replay", f"{self.original.title} had {one} batches in an epoch, and this fit has {other}")

    def _warn(self, name: str, message: str) -> None:
        if message not in self._warned and self._playing is not None:
            self._warned.add(message)
            self._playing.add_event("warning", name, source="replay", message=message)
