"""Replay: do to a fresh model what was done to another run, at the same steps, so that the run is reproduced."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import Any

from .commands import Command, Value
from .export.last_fit import last_fit
from .export.script import Act, closed, ending, loaded, pressed, restored, restorers, script, unknown
from .monitor import Monitor, _guarded
from .record.events import Event
from .record.record import Record
from .run import Run
from .session.session import Session
from .steering.command_executor import needs_rest
from .steering.snapshots import Snapshots


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

    What another callback wrote to the weights is not on the record, so that callback must stay in the list:
    ``EarlyStopping(restore_best_weights=True)``, which writes to them as the fit ends, ``SwapEMAWeights``, and your
    own. An event says which are missing.

    Where Keras does not know how many batches there are (generators, ``filter``), it begins one more at each epoch's
    end. On TensorFlow without XLA what that step does before it asks for data stays done: the optimizer's iterations,
    its weight decay, the random numbers of dropout. What was done to the run at an epoch's end is done after it again,
    and what was done just before it comes before it.

    Of a run that was gone on with after it had ended (``Monitor(resume=...)``), what was done since is done again:
    begin with the model that was restored then.

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
        self._playing: Record | None = None
        self._left: deque[Act] = deque()
        self._ids: dict[Value, Value] = {}
        self._warned: set[str] = set()
        self._stopped = False
        self.add_policy(self._epoch_ends)  # policies are asked while the model is at rest, before the fit may end

    # -- when -----------------------------------------------------------------------------------------------------

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """An epoch begins."""
        super().on_epoch_begin(epoch, logs)
        self._epoch_begins()

    @_guarded
    def _epoch_begins(self, session: Session) -> None:
        if self._playing is not session.run:
            self._playing, self._left, self._stopped = session.run, deque(self._script), False
            self._ids, self._warned = {}, set()
            self._compare_callbacks(session)
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
            # Not with the batch, where the run's last epoch ended as its data did: Keras looks for one batch more then.
            when = "epoch" if end.ran_out else "batch"
            self._ask(session, "stop", when if end.validated else f"{when}_unvalidated", heavy=False)

    def on_test_begin(self, logs: Any = None) -> None:
        """Validation begins."""
        super().on_test_begin(logs)
        if self._left:
            self._validation_begins()

    @_guarded
    def _validation_begins(self, session: Session) -> None:
        self._play(session, "test")

    def _epoch_ends(self) -> None:
        session = self._session
        if session is not None:
            self._compare(session.run)
            self._play(session)

    def on_train_end(self, logs: Any = None) -> None:
        """The fit ended as it should."""
        self._train_ends()
        super().on_train_end(logs)

    @_guarded
    def _train_ends(self, session: Session) -> None:
        left = sum(not self._by_itself(session, act) for act in self._left)
        if left:
            self._warn("replay", f"the fit ended before {left} of the changes made to {self.original.title}")

    # -- what -----------------------------------------------------------------------------------------------------

    def _play(self, session: Session, early: str = "") -> None:
        """Do what is due.

        Args:
            session: The fit under way.
            early: Only what may not wait; empty when the model is at rest, and all may be done.
        """
        for act in self._due(session.run):
            control = session.steering.registry.controls.get(act.name)
            heavy = needs_rest(act.name, control)
            if early and (heavy or act.early != early):
                return
            self._left.popleft()
            if self._by_itself(session, act):
                self._ask_writer(session, act)
                continue
            value = act.value
            if act.name in ("rollback", "forget"):
                if value not in self._ids:
                    self._warn(act.name, "the snapshot to go back to could not be taken")
                    continue
                value = self._ids[value]
            elif act.name == "epochs" and isinstance(value, int):
                value += session.run.initial_epoch - last_fit(self.original).epoch
            elif act.name != "snapshot" and control is None:
                self._warn(act.name, f"{self.original.title} changed this control, and there is none of its name here")
                continue
            done = self._ask(session, act.name, None if act.name == "snapshot" else value, heavy=not early)
            if act.name == "snapshot" and done is not None and done.kind == "snapshot":
                self._ids[act.value] = done.new

    def _due(self, run: Record) -> Iterator[Act]:
        """The acts whose time has come, as long as each is taken off the list."""
        step, epoch = run.step - run.first_step, (run.epoch or 0) - run.initial_epoch
        while self._left:
            act = self._left[0]
            begun = epoch > act.epoch or (epoch == act.epoch and (run.closing or not act.at_end))
            if not ((self._stopped and run.closing) or step > act.step or (step == act.step and begun)):
                return
            yield act

    def _ask(self, session: Session, name: str, value: Value, *, heavy: bool) -> Event | None:
        """Have one thing done, in the way in which all commands are carried out."""
        reply = self._inbox.put(Command(name, value, "replay"))
        session.steering.apply(heavy)
        return reply.event

    @staticmethod
    def _by_itself(session: Session, act: Act) -> bool:
        """Whether a callback of this fit writes it."""
        return act.writer in session.steering.registry.siblings

    def _ask_writer(self, session: Session, act: Act) -> None:
        """Have a callback do at once what it was asked to do at once: ``ReduceLROnPlateau`` to cut the rate."""
        control = session.steering.registry.controls.get(act.name)
        if act.asked and control is not None and control.read() != act.value:  # one cut goes for all rates
            self._ask(session, "act", f"{act.writer}.cut", heavy=True)

    def _compare_callbacks(self, session: Session) -> None:
        """What other callbacks did to the weights is not on the record, so they have to be there again."""
        original, siblings = self.original, session.steering.registry.siblings
        ended, title, fit = closed(original), original.title, last_fit(original)
        if fit.resumed is not None:
            self._warn("replay", f"{title} {fit.from_where}: what was done since is done here, to such a model")
        for name in restorers(original):
            if ended and name not in siblings:
                self._warn("replay", f"{title} had {name}, which writes to the weights; it must stay in the callbacks")
        for step, name in loaded(original):
            self._warn(name, f"{title} read weights from a file after batch {step}, which is not done again")
        for _, name in pressed(original):
            self._warn(name, f"{title} had this button pressed; what that did to the model itself is not done again")
        for words in restored(original)[-1:]:
            self._warn("replay", f"{title} was put back {words}, which is not done again")
        restoring = [name for name in session.steering.registry.controls if name.endswith(".restore_best_weights")]
        if not ended and original.step > fit.step:
            for name in restoring:
                if session.steering.registry.controls[name].read():
                    self._warn(name, f"{title} {original.status} and never put its best weights back, as this fit will")
            if any(control["label"] == "ema_momentum" for control in original.controls):
                self._warn("use_ema", f"{title} {original.status}, so the weights never became their averages as here")
        missing = [name for name in unknown(original) if name not in siblings]
        if missing:
            message = f"{title} had {', '.join(missing)} as well; what writes to the model must stay in the callbacks"
            session.run.add_event("status", "replay", source="replay", message=message)

    def _compare(self, run: Record) -> None:
        """The same step is the same state only where epochs are as long."""
        one, other = self.original.batches_per_epoch, run.batches_per_epoch
        if one and other and one != other:
            self._warn("replay", f"{self.original.title} had {one} batches in an epoch, and this fit has {other}")

    def _warn(self, name: str, message: str) -> None:
        if message not in self._warned and self._playing is not None:
            self._warned.add(message)
            self._playing.add_event("warning", name, source="replay", message=message)
