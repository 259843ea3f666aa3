"""Monitor: the one callback. Keras calls it; each hook is a few lines."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from threading import get_ident
from time import perf_counter
from typing import TYPE_CHECKING, Any

from . import kernel
from .alerts.api import AlertsAPI
from .api import SteeringAPI
from .commands import Command, Refused, Reply, Value, check_value
from .insight.options import InsightOptions, check_record
from .insight.samples import check_class_names, check_samples
from .keras_internals.frames import current
from .panels.display import Showing
from .record.fit_group import FitGroup
from .record.record import Record
from .record.values import positive_integer
from .session.after_fit import LET_GO
from .session.background import Fit
from .session.baseline import check_baseline
from .session.keeping import Keeping, KeepOptions, check_folder, check_keep_source
from .session.lifecycle import Lifecycle
from .session.pickling import fresh_monitor
from .session.resuming import check_resume
from .session.session import Session
from .steering.attempt import attempt
from .steering.command_executor import refuse_all
from .steering.controls.control import Control
from .steering.fit_steering import SteeringContext
from .steering.guard import Guard
from .steering.snapshots import Snapshots
from .store.about import check_config, check_name, check_notes, check_tags

if TYPE_CHECKING:
    from .panels.board import Board


def _guarded(hook: Callable[..., None]) -> Callable[..., None]:
    """Run a hook with its session, on the training thread only; whatever goes wrong becomes an event.

    Training is sacred: nothing of ours may end it. StopIteration would, silently: Keras takes it for the end of the
    data. KeyboardInterrupt passes.
    """
    name = hook.__name__
    noted = name.startswith("on_") and "batch" not in name
    inside = name in ("on_test_begin", "on_predict_begin")

    def call(self: Monitor, *args: Any, **kwargs: Any) -> None:
        session = self._session
        if (session is None and not noted) or (session is not None and get_ident() != session.thread):
            return
        try:
            if self._inner is not None and not self._is_ours():
                return
            if session is None and name == "on_epoch_begin" and self._goes_on():
                session = self._session
            logs = kwargs.get("logs", args[-1] if args else None)
            if session is None:  # evaluate or predict outside of any fit, or a fit that cannot be recorded
                self._outside(name, logs)
                return
            if inside and self._is_foreign(session, name):
                return
            if noted:
                session.epoch_times.note(name, logs)
            hook(self, session, *args, **kwargs)
        except Exception as error:
            (self.run if session is None else session.run).failed(name, error)
        except BaseException as error:  # Ctrl+C while paused, say: it passes, and ends the fit
            if session is not None:
                session.raised.note(error)
            raise

    call.__name__, call.__doc__ = hook.__name__, hook.__doc__
    return call


def _with_older_name(cls: type[Monitor], new: str, old: str) -> Callable[..., None]:
    def hook(self: Monitor, batch: int, logs: Any = None) -> None:
        getattr(super(cls, self), new)(batch, logs)
        getattr(self, old)(batch, logs=logs)

    hook.__name__, hook.calls_older_name = new, True  # type: ignore[attr-defined]
    return hook


class Monitor(SteeringAPI, AlertsAPI, Lifecycle):
    """Watch and steer ``fit`` from the notebook cell it runs in.

    Pass it to ``fit`` and a live board appears under the cell. Its controls reach the model while ``fit`` runs. Outside
    a notebook it records the run all the same, and shows a line of progress in a terminal.

    Args:
        display: Show the board when a fit begins. None: in notebooks.
        paused: Begin paused, before the first batch. Where nobody is there to resume it, training goes on.
        snapshots: Which snapshots are taken by themselves, and how many are kept; none by themselves by default.
        guard: What to do when a metric is NaN or leaps; nothing by default.
        evaluate_on: Data for ``evaluate``, in place of ``fit``'s validation data.
        save_to: The folder that ``save`` and the board's Save write to.
        log_dir: The folder in which each run is kept in a file of its own, while it trains; None: nowhere, unless
            ``kcb.keep`` or the variable ``KCB_LOG_DIR`` say where. No source code, user name, host name or absolute
            path is written.
        keep_source: Keep the source of the running cell, or of the script, with each run, as ``run.source``: at most
            200,000 characters, without absolute paths and without the names of the user and the machine. A password in
            it would be kept as well. A run that goes on keeps that of its first fit. None: as ``kcb.keep`` says; by
            default none is kept.
        name: What its runs are called; the model's name by default.
        tags: Words to find its runs by.
        notes: A text that is kept with them.
        config: Settings of your own that are kept with them, nested as you like; runs can be compared by them.
        resume: Go on with a run that was kept: ``"last"``, the run of ``log_dir`` that was last heard of (of those
            called ``name``, if that is given), or the path of its file. The first fit is that run then: from the step
            at which the model that you restored stands, or from after its last step, where an event says that it
            cannot be known. Where there is none, or it cannot be gone on with, the fit is a new run, and an event says
            why: the same script works the first time and after a crash. Naming a file that another machine wrote says
            that no process writes it any more.
        baseline: A run whose curves are drawn faintly behind those of each fit, with the difference in the legend:
            ``"best"``, the run with the best ``val_loss``, or ``loss``, of the folder that runs are kept in and of this
            Monitor's earlier runs; a Run; or the path of its file.
        samples: What the model is looked at with: ``(x, y)`` or ``(x, y, sample_weight)``, as many as you like. None:
            the first 1,000 of the validation data, of pictures 64, where they are arrays or ``tf.data``.
        class_names: Names of the classes; their numbers by default.
        record: What is recorded of the model though nobody looks: ``classes``. What is looked at is recorded too.
        alerts: Which of the built-in alerts are set, of ``overfitting``, ``plateau``, ``nan`` and ``input-bound``;
            True: all, False: none. The property ``alerts`` tells their rules; ``alert`` sets your own.
        on_alert: A function that is called with the alert and the run whenever one is told, on a thread of its own: to
            send a message, say.
        keep_runs: How many runs ``runs`` keeps, the current one among them; None: all. A run keeps its numbers (each
            batch, epoch and evaluation), its events and what its callbacks said of themselves. It keeps no model, no
            data, no weights and no snapshot; this Monitor keeps the snapshots of the latest run, for ``restore``.

    Attributes:
        runs: The runs so far, oldest first; each ``fit`` is a new one. Numbers go on counting where old runs are let
            go of.

    Copying a Monitor gives itself. In another process, unpickled, it is a fresh one with the same options.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: ``keep_runs`` is less than 1, or ``resume`` is ``"last"`` and there is no folder.

    Example:
        >>> monitor = kcb.Monitor()
        >>> model.fit(x, y, epochs=20, callbacks=[monitor], verbose=0)
        >>> monitor.run.epochs  # a DataFrame
    """

    def __init__(
        self,
        *,
        display: bool | None = None,
        paused: bool = False,
        snapshots: Snapshots | None = None,
        guard: Guard | None = None,
        evaluate_on: Any = None,
        save_to: str | PathLike[str] = ".",
        log_dir: str | PathLike[str] | None = None,
        name: str | None = None,
        tags: Sequence[str] = (),
        notes: str = "",
        config: Mapping[str, Any] | None = None,
        resume: str | PathLike[str] | None = None,
        baseline: str | PathLike[str] | Record | None = None,
        samples: Any = None,
        class_names: Sequence[str] = (),
        record: Sequence[str] = (),
        alerts: bool | Sequence[str] = True,
        on_alert: Callable[..., None] | None = None,
        keep_runs: int | None = None,
        keep_source: bool | None = None,
    ) -> None:
        SteeringAPI.__init__(self)
        AlertsAPI.__init__(self, alerts, on_alert)
        Lifecycle.__init__(self)
        for option, value, kind in (
            ("paused", paused, bool),
            ("snapshots", snapshots, Snapshots),
            ("guard", guard, Guard),
            ("save_to", save_to, (str, PathLike)),
        ):
            if value is not None and not isinstance(value, kind):  # type: ignore[arg-type]
                what = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
                msg = f"{option} must be a {what}. Received: {value!r}"
                raise TypeError(msg)
        if display is not None and not isinstance(display, bool):
            msg = f"display must be True, False or None. Received: {display!r}"
            raise TypeError(msg)
        self._keep_runs = None if keep_runs is None else positive_integer("keep_runs", keep_runs)
        folder = None if log_dir is None else check_folder(log_dir)
        called = None if name is None else check_name(name)
        told = (check_tags(tags), check_notes(notes), check_config(config), check_resume(resume))
        source = check_keep_source(keep_source)
        self._keeping = Keeping(KeepOptions(folder, called, *told, source))
        compared = check_baseline(baseline)
        inside = InsightOptions(check_samples(samples), check_class_names(class_names), check_record(record))
        self._options = SteeringContext(
            paused=bool(paused),
            snapshots=snapshots or Snapshots(),
            guard=guard,
            evaluate_on=evaluate_on,
            save_to=Path(save_to),
            user_controls=self._user_controls,
            policies=self._policies,
            monitor=self,
            keep=self._keep_run,
            baseline=compared,
            inside=inside,
            alerts=self._alerts,
        )
        self._display, self._showing = display, Showing(display)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """A subclass may override ``on_batch_begin`` and ``on_batch_end``, as of any callback of Keras's."""
        super().__init_subclass__(**kwargs)
        for when in ("begin", "end"):
            old, new = f"on_batch_{when}", f"on_train_batch_{when}"
            if old in vars(cls) and new not in vars(cls) and not hasattr(getattr(cls, new), "calls_older_name"):
                setattr(cls, new, _with_older_name(cls, new, old))

    # -- what users call, from any thread -----------------------------------------------------------------------------

    def __deepcopy__(self, memo: Any) -> Monitor:
        """Itself: it is what people look at, and tuners copy their callbacks for every trial."""
        return self

    def __copy__(self) -> Monitor:
        """Itself."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """A fresh one with the same options: what pickle makes in another process."""
        return fresh_monitor(self, Monitor)

    @property
    def board(self) -> Board:
        """The board of the current run. Show it again anywhere, any number of times."""
        return self._showing.board(self.run)

    def fit(self, model: Any, *args: Any, **kwargs: Any) -> Fit:
        """Train in a background thread, so that the notebook stays usable.

        Args:
            model: The model to train.
            *args: As for ``model.fit``.
            **kwargs: As for ``model.fit``; ``verbose`` is 0 unless given.

        Returns:
            A handle with ``wait()``, ``stop()``, ``history`` and ``exception``.

        Raises:
            RuntimeError: This model, or this Monitor, is training already.
        """
        self._keeping.note_source()
        return Fit(self, model, args, kwargs)

    @contextlib.contextmanager
    def group(self, name: str = "", fits: int | None = None) -> Iterator[FitGroup]:
        """Have the fits that begin inside belong together: one board for all, with their curves and the mean.

        Fits that follow each other in one run of a cell belong together by themselves; this gives them a name, says how
        many there will be, and has the name kept with each run that is kept (as the setting ``group``).

        Args:
            name: What they are, such as ``5 folds``.
            fits: How many there will be, so that the board can tell how far it is.

        Yields:
            The group: ``table()``, ``plot()``, ``run(number)``.

        Raises:
            TypeError, ValueError: An argument is of the wrong kind.
            RuntimeError: A group is open already.

        Example:
            >>> with monitor.group("5 folds", fits=5) as folds:
            ...     for train, test in KFold(5).split(x):
            ...         make_model().fit(x[train], y[train], validation_data=(x[test], y[test]), callbacks=[monitor])
            >>> folds.table()[["val_loss"]].agg(["mean", "std"])
        """
        made = FitGroup(name, fits)
        with self._turn:
            if self._group is not None:
                msg = f"the group {self._group.name!r} is open already. Received: {name!r}"
                raise RuntimeError(msg)
            self._group = made
        try:
            yield made
        finally:
            with self._turn:
                self._group = None

    def restore(self, to: str = "best") -> Reply:
        """Put weights, optimizer and random state back to a snapshot, during a fit or after its end.

        The snapshots of the latest fit are kept until the next one begins, the model is gone, or
        ``forget_snapshots()``. Nothing but the model changes: the record goes on to the fit's end, with an event.

        Args:
            to: The snapshot's id, ``best`` or ``latest``.

        Returns:
            A reply, as of ``rollback``; settled where no fit is under way.

        Raises:
            RuntimeError: No fit is under way, and the snapshot is not there: the model is as it was.

        Example:
            >>> monitor = kcb.Monitor(snapshots=kcb.Snapshots(best="val_loss"))
            >>> model.fit(x, y, validation_data=val, epochs=20, callbacks=[monitor])
            >>> monitor.restore("best")
        """
        name, value = check_value("rollback", to)
        if self.training:
            return self._send([(name, value)])
        command = Command(name, value, "python")
        try:
            event = self._after_fit.restore(str(value), command)
        except Refused as why:
            msg = f"{why}. Received: {to!r}"
            raise RuntimeError(msg) from None
        command.reply.settle(event)
        self._keeping.update(self.run)
        self.run.changed()
        return command.reply

    def keep(self, log_dir: str | PathLike[str] | None = None) -> Reply:
        """Keep the current run, or the latest, in a file: from its first batch on, whenever this is called.

        Args:
            log_dir: The folder; None: where this Monitor's runs are kept, else ``runs``.

        Returns:
            A reply; settled where no fit is under way.

        Raises:
            TypeError, ValueError: ``log_dir`` is no path.
            RuntimeError: The run that is over is kept already, or trained no batch.

        Example:
            >>> model.fit(x, y, callbacks=[monitor])
            >>> monitor.keep("runs")
        """
        folder = None if log_dir is None else check_folder(log_dir)
        name, value = check_value("keep", None if folder is None else str(folder))
        if self.training:
            return self._send([(name, value)])
        run, command = self.run, Command(name, value, "python")
        if not run.batch_table.rows:
            msg = "there is nothing to keep: no batch was trained"
            raise RuntimeError(msg)
        try:
            message = self._keep_run(run, folder)
        except Refused as why:
            raise RuntimeError(str(why)) from None
        command.reply.settle(run.add_event("status", "keep", source="python", message=message))
        self._keeping.update(run)
        run.changed()
        return command.reply

    def forget_snapshots(self) -> None:
        """Free the memory of the snapshots that the latest fit left; those of a fit under way are kept."""
        self._after_fit.forget(LET_GO)
        self.run.changed()

    @property
    def controls(self) -> list[str]:
        """The names that ``set`` takes in the fit under way; empty when nothing trains."""
        session = self._session
        return [] if session is None else list(session.steering.registry.controls)

    def _control(self, name: str) -> Control | None:
        session = self._session
        if session is None:
            return None
        controls: dict[str, Control] = session.steering.registry.controls
        if not controls:  # this fit cannot be steered; the reply says why
            return None
        if name not in controls:
            msg = f"there is no control of this name; there are {', '.join(controls)}. Received: {name!r}"
            raise ValueError(msg)
        return controls[name]

    def _send(self, commands: Sequence[tuple[str, Value]]) -> Reply:
        session, reply = self._session, Reply(len(commands))
        reply.pump = kernel.pump()
        source = "python"
        if session is not None:
            reply.training_thread = session.thread
            if get_ident() == session.thread:
                source = session.steering.speaking
        for name, value in commands:
            self._inbox.put(Command(name, value, source, reply=reply))
        if not self.training:
            refuse_all(self.run, self._inbox, "nothing is training")
        return reply

    def _send_news(self) -> None:
        run = self.run
        self._user_controls.publish(run)
        run.changed()

    # -- hooks --------------------------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Any = None) -> None:
        """A fit begins: a new run."""
        try:
            self._begin(current())
        except Exception as error:
            self.run.failed("on_train_begin", error)

    @_guarded
    def on_epoch_begin(self, session: Session, epoch: int, logs: Any = None) -> None:
        """An epoch begins."""
        run, registry, spike_detector = session.run, session.steering.registry, session.steering.spike_detector
        session.raised.renew()
        if run.epoch is None and epoch:
            self._continue(run, epoch)
        resumes = run.resuming is not None
        attempt(run, "resume", session.training_count.epoch_begins)
        attempt(run, "on_epoch_begin", run.begin_epoch, epoch)
        attempt(run, "resume", session.training_count.epoch_began)
        if resumes:  # from where the run goes on must be kept before a model is saved that was trained since
            attempt(run, "keep", self._keeping.sync, run)
        attempt(run, "learning_rate", registry.learning_rates.ahead)
        attempt(run, "batch values", session.metric_weights.begin_epoch)
        if spike_detector is not None:
            attempt(run, "guard", spike_detector.begin_epoch)
        attempt(run, "learning_rate", registry.check_rates, "LearningRateScheduler")
        attempt(run, "on_epoch_begin", session.poll, perf_counter())
        attempt(run, "on_epoch_begin", session.begin_epoch)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch: what was asked for governs it."""
        hook_state = self._hook_state
        if hook_state is None:
            if self._inner is None or not self._is_ours() or self._hook_state is None:
                return
            hook_state = self._hook_state
        if hook_state.has_work or hook_state.waiting:
            self._before_batch()
        now = perf_counter()
        if now >= hook_state.next_data_check:
            self._look_at_data(batch)
            now = perf_counter()
        hook_state.batch_started = now

    @_guarded
    def _before_batch(self, session: Session) -> None:
        session.before_batch()

    @_guarded
    def _look_at_data(self, session: Session, batch: int) -> None:
        session.look_at_data(batch)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch: note it, and now and then record all of them, let messages in and show what is new."""
        hook_state = self._hook_state
        if hook_state is None and self._inner is not None and self._is_ours():
            hook_state = self._hook_state
        if hook_state is None or get_ident() != hook_state.thread:
            return
        try:
            now = perf_counter()
            hook_state.step += now - hook_state.batch_started
            weights = None if hook_state.weigh is None else hook_state.weigh(logs or {})
            # A copy of the logs: other callbacks may add to them.
            hook_state.enqueue((batch, logs.copy() if logs else {}, now, weights))
            if (now >= hook_state.next_poll or hook_state.waiting or not batch & 127) and self._session is not None:
                self._session.after_batch(logs or {}, now)
        except Exception as error:
            self.run.failed("on_train_batch_end", error)

    @_guarded
    def on_test_begin(self, session: Session, logs: Any = None) -> None:
        """Validation begins."""
        run = session.run
        session.raised.renew()
        attempt(run, "batch values", session.metric_weights.end_epoch)
        run.throughput.begin_validation(run.seconds, run.step)
        run.phase, run.test_batch = "validate", 0
        session.poll(perf_counter())

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """A batch of validation, or of ``evaluate``, is done."""
        self._count("test", logs)
        if self._session is not None:
            self._test_batch(batch)

    @_guarded
    def _test_batch(self, session: Session, batch: int) -> None:
        session.test_batch(batch)

    @_guarded
    def on_test_end(self, session: Session, logs: Any = None) -> None:
        """Validation is over."""
        run = session.run
        run.phase, run.test_batches = "train", run.test_batch or None
        run.throughput.begin(run.seconds, run.step)

    @_guarded
    def on_epoch_end(self, session: Session, epoch: int, logs: Any = None) -> None:
        """An epoch ends, validation included. No step takes another with it."""
        run = session.run
        attempt(run, "batch values", session.metric_weights.end_epoch)
        attempt(run, "learning_rate", session.steering.registry.check_rates, "ReduceLROnPlateau")
        attempt(run, "on_epoch_end", run.end_epoch, epoch, logs or {})
        attempt(run, "on_epoch_end", session.poll, perf_counter())
        attempt(run, "on_epoch_end", session.epoch_ends, epoch, logs or {})

    @_guarded
    def on_train_end(self, session: Session, logs: Any = None) -> None:
        """The fit ended as it should."""
        session.train_ends()

    @_guarded
    def on_predict_begin(self, session: Session, logs: Any = None) -> None:
        """``predict`` begins."""

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """A batch of ``predict`` is done."""
        self._count("predict", logs)

    @_guarded
    def on_predict_end(self, session: Session, logs: Any = None) -> None:
        """``predict`` is over."""

    def _count(self, phase: str, logs: Any) -> None:
        session = self._session
        if session is not None and get_ident() != session.thread:
            return
        hooks = (self.run if session is None else session.run).hooks
        hooks.batches[phase] += 1
        if phase in hooks.fresh and isinstance(logs, dict):
            hooks.keyed(phase, logs)

    def _outside(self, name: str, logs: Any = None) -> None:
        self.run.note_hook(name, logs)
        if name.endswith("_end"):
            self.run.changed()
