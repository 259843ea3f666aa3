"""Record: what happened in one ``fit``. The only truth: boards, figures, tables and files read it."""

from __future__ import annotations

import logging
import math
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from . import names, positions
from .batch_values import BatchValues
from .bests import best_of, better
from .block_summaries import BlockSummaries
from .chunk import Floats, Indices
from .current_work import CurrentWork
from .events import Event, first_line
from .hooks import Hooks
from .insights import Insights
from .names import text
from .nonfinite import NotFiniteNow, describe, first_of_each, in_words, value_in_words
from .observers import Observers
from .table import Table
from .throughput import Throughput
from .trail import Count, Resumption
from .values import Value

if TYPE_CHECKING:
    from . import wire

# A batch: Keras's index of it, its logs, when, and what it weighed in each metric, where that was read.
Trained = tuple[int, Mapping[str, float], float, Mapping[str, float] | None]
OVER = ("finished", "stopped", "interrupted", "failed")
MAX_NONFINITE = 100
MAX_FAILURES = 100
KEPT = (
    *("id", "number", "title", "started", "first_step", "epoch", "initial_epoch", "batches_per_epoch", "test_batches"),
    *("values", "nonfinite", "bests", "name", "notes", "tags", "config", "settings", "texts", "blocks", "branches"),
    *("batch_values", "epoch_table", "value_table", "evaluation_table", "epoch_rows", "epoch_starts", "ran_out"),
    *("counts", "sittings", "_step", "_batch", "_batch_table"),
)
"""What a run that goes on has of the one that was kept."""
OWN = ("inbox", "restorer", "refresh_requested", "command_results", "group", "baseline", "_recording", "_observers")
"""What belongs to those who look at a record."""

log = logging.getLogger(__name__)


class TakesCommands(Protocol):
    """The inbox of a fit under way, as the record's readers know it."""

    def put(self, command: Any) -> Any:
        """Leave a command for the training thread; returns the reply."""


class Record:
    """What happened in one ``fit``, and what is so now. ``Run`` adds what people read.

    One class, and long: the training thread writes all of it, and a batch is recorded whole.

    A finished run keeps about 25 kB, and for each batch 4 bytes a metric and 2 to 8 for its time. For each metric whose
    weights had to be read there are 4 bytes more, and 14 for each 64 batches of a metric that a board drew. Tables grow
    by doubling, so up to twice that is held. It keeps nothing of the model.

    Attributes:
        id: A short random name; commands carry it, so that none reaches a later run.
        number: 1 for the first run of a Monitor, and so on.
        status: What it is doing; see ``wire.Status``.
        message: A clause that explains the status, for example the first line of the error.
        step: Batches trained since the run began (a continued ``fit`` goes on counting).
        epoch: The current epoch, 0-based as in Keras; None before the first.
        params: What Keras says of the fit: ``epochs``, ``steps`` (None when unknown), ``verbose``.
        values: The current value of each numeric control that was ever looked at or touched.
        controls: Every control, as boards show it.
        flow: Whether it is paused, when it will be, and how it was asked to stop.
        snapshots: What there is to go back to, oldest first.
        cards: The fit's other callbacks, as boards show them.
        hooks: Which of Keras's hooks ran, and where the time went.
        branches: Stretches of steps that a rollback abandoned, or a model that was restored from an earlier step when
            the run went on, as ``{"from": step, "to": step}``.
        counts: How often the optimizer had been called, and what the weights were, at some steps.
        sittings: When the run was gone on with after it had ended: ``time.time()``, and its ``seconds`` then.
        resuming: That it is gone on with, until the first epoch begins.
        plan: What a schedule gives ahead: by control, steps and values.
        availability: By action, why it cannot be done now; empty where it can.
        undoable: The change that the next undo takes back.
        ran_out: Epochs, in order, in which Keras began one more batch and found that there were no more data.
        bests: The best of each metric at the ends of epochs that no rollback abandoned.
        not_finite: The metric that is not finite now, and since which batch; None where all are finite.
        alerts: Those that hold now, as boards tell them. Replaced, never changed.
        current_work: What the training thread does besides training.
        stalled: For how long no batch has ended, where that is much longer than usual; the watchdog's thread writes it.
        kept: Where it is kept, and how; None where it is not. The thread that keeps it writes it.
        group: The fits that it belongs with; None where it stands alone.
        insights: What was seen of the model while it learned.
        baseline: The run that it is compared with on boards; None: none.
        path: The file that it is kept in, or was opened from; None where there is none.
        reopened: Whether it was opened from a file.
        name: What it is called.
        tags: Words to find it by.
        notes: What people wrote about it.
        config: The settings that were given with it.
        settings: How it was set up, by dotted names; of a run that is kept.
        texts: Longer texts by name, such as the model's summary; of a run that is kept.
        picture: Its curves as an SVG, of a run that was opened from a file; None where that has none.
    """

    def __init__(self, number: int = 1, first_step: int = 0) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.number = number
        self.title = f"Run {number}"
        self.started = time.time()
        self.status: wire.Status = "waiting"
        self.message = ""
        self.phase: wire.Phase = ""
        self.params: dict[str, Any] = {}
        self.first_step = first_step
        self.epoch: int | None = None
        self.initial_epoch = 0
        self.announced_epoch = 0  # the epoch that callbacks before Monitor have been told of already
        self.batches_per_epoch: int | None = None
        self.test_batch = 0
        self.test_batches: int | None = None
        self.values: dict[str, float] = {}
        self.controls: list[wire.Control] = []
        self.continues = False  # same model as the run before
        self.inbox: TakesCommands | None = None
        self.restorer: TakesCommands | None = None  # when the run is over, as long as it is a Monitor's latest
        self.refresh_requested = False  # a user waits for what they asked for
        self.events_list: list[Event] = []
        self.command_results: deque[wire.CommandResult] = deque(maxlen=50)  # what became of the latest commands
        self.nonfinite: list[wire.NonFinite] = []
        self.bests: list[wire.MetricBest] = []
        self.not_finite: wire.NotFinite | None = None
        self._not_finite_now = NotFiniteNow()
        self.alerts: list[wire.AlertNow] = []
        self.current_work = CurrentWork()
        self.stalled: wire.Stall | None = None
        self.kept: wire.Kept | None = None
        self.group: Any = None  # a FitGroup, which imports this module
        self.baseline: Record | None = None
        self.insights = Insights()
        self.path: Path | None = None
        self.reopened = False
        self.name, self.notes = "", ""
        self.tags: tuple[str, ...] = ()
        self.config: dict[str, Any] = {}
        self.settings: dict[str, Any] = {}
        self.texts: dict[str, str] = {}
        self.picture: bytes | None = None
        self.epoch_table, self.value_table, self.evaluation_table = Table(), Table(), Table()
        self.blocks = BlockSummaries()  # of the batches; one for all boards
        self.flow: wire.Flow = {"paused": False, "until": None, "stop": ""}
        self.snapshots: list[wire.Snapshot] = []
        self.cards: list[wire.Card] = []
        self.hooks = Hooks()
        self.branches: list[wire.Branch] = []
        self.plan: dict[str, tuple[list[int], list[float]]] = {}
        self.buttons: list[wire.Button] = []
        self.availability: dict[str, str] = {
            "evaluate": "",
            "save": "",
            "keep": "",
            "rollback": "no snapshot was taken",
            "undo": "no control was changed by hand",
        }
        self.undoable: wire.Undoable | None = None
        self.batch_values = BatchValues()
        self.throughput = Throughput()
        self.epoch_rows: list[tuple[int, dict[str, Any]]] = []
        self.epoch_starts: list[tuple[int, int, int]] = []  # (first row, step before it, epoch)
        self.ran_out: list[int] = []
        self.counts: list[Count] = []
        self.sittings: list[tuple[float, float]] = []
        self.resuming: Resumption | None = None
        self._returns: list[tuple[int, int]] = []  # steps after which an epoch began that is no later one, and it
        self._starts_seen = 0  # of the starts of epochs, in the search for these
        self._closed: tuple[int | None, int] | None = None  # the epoch and step at which an epoch's batches were over
        self.pending: deque[Trained] = deque()  # what the training thread left behind; see `record_pending`
        self.steps_per_execution = 1  # batches in one execution
        self._lag: int | None = None  # what is missing from the batch that Keras names to the last one trained
        self._step, self._batch, self._batch_table = first_step, 0, Table()
        self._recording, self._busy = threading.RLock(), False
        self._clock = time.perf_counter()
        self._ended: float | None = None
        self._scanned = 0
        self._refused_metrics: set[str] = set()
        self._failures: set[tuple[str, str]] = set()
        self._renamed_metrics: set[str] = set()
        self._named = 0  # columns of the batches whose names have been looked at
        self._observers = Observers()

    # -- writing: the training thread ----------------------------------------------------------------------------

    def start_clock(self) -> None:
        """Seconds count from now."""
        self._clock = time.perf_counter()
        self.started = time.time()

    def go_on_from(self, kept: Record, away: str) -> None:
        """Take over what was kept of a run, before this one begins: from now on it is that run, and goes on.

        Args:
            kept: The run as it was kept; its tables are this run's from now on.
            away: For how long nothing trained it, and how it had ended, in a clause.
        """
        for name in KEPT:
            setattr(self, name, getattr(kept, name))
        self.events_list = list(kept.events_list)
        self._scanned = self._batch_table.rows
        self._not_finite_now.forget(self._batch_table, self.epoch_table)
        self.sittings = [*kept.sittings, (time.time(), kept.seconds)]
        self._clock = time.perf_counter() - kept.seconds
        self.resuming = Resumption(away)

    def become(self, other: Record) -> None:
        """Be another record, with one's own readers and one's own events after its."""
        events = [replace(each, step=other.step) for each in self.events_list]
        vars(self).update({name: value for name, value in vars(other).items() if name not in OWN})
        self.events_list = [*self.events_list, *events]

    @property
    def seconds(self) -> float:
        """Seconds that the run took until now; fixed once it is over. Where it was gone on with, they add up."""
        return (self._ended if self._ended is not None else time.perf_counter()) - self._clock

    @property
    def over(self) -> bool:
        """Whether the fit has ended, in whatever way."""
        return self.status in OVER

    @property
    def step(self) -> int:
        """Batches trained since the run began (a continued ``fit`` goes on counting)."""
        self.record_pending()
        return self._step

    @property
    def batch(self) -> int:
        """Batches trained in the current epoch."""
        self.record_pending()
        return self._batch

    @property
    def batch_table(self) -> Table:
        """A row for each ``on_train_batch_end``."""
        self.record_pending()
        return self._batch_table

    def start_at(self, step: int) -> None:
        """Count on from ``step``, before the first batch."""
        self.first_step = self._step = step

    def record_pending(self) -> None:
        """Record the batches that were trained since the last time; any thread may.

        The hook of a batch only leaves behind what it was given: after a real step all that it touches has to come
        from slow memory, and the less that is, the less the fit waits. Readers call this first, so none sees a
        record that lags behind.
        """
        if not self.pending:
            return
        with self._recording:
            if self._busy:  # a row that is being recorded reads the record itself
                return
            self._busy = True
            try:
                some = [self.pending.popleft() for _ in range(len(self.pending))]
                if not self._contained(self._record_together, some):
                    for each in some:
                        self._contained(self._record, *each)
            finally:
                self._busy = False

    def _contained(self, record: Callable[..., Any], *args: Any) -> Any:
        """Catch recording errors: this may run on any thread that reads the run."""
        try:
            return record(*args)
        except Exception as error:
            self.failed("on_train_batch_end", error)

    def begin_epoch(self, epoch: int) -> None:
        """An epoch begins."""
        if self.epoch is None:
            self.initial_epoch = epoch
        resumption, last = self.resuming, self.step
        if resumption is not None:
            self._go_on(resumption)
        self.epoch = epoch
        self._batch = 0
        self.phase = "train"
        self.epoch_starts.append((self.batch_table.rows, self.step, epoch))
        self.batch_values.begin_epoch(self.batch_table.rows, self.step)
        self.throughput.begin_epoch(self.seconds, self._step)
        if resumption is not None:
            self._tell(resumption, last)

    def _go_on(self, resumption: Resumption) -> None:
        """The first epoch begins since the run is gone on with: count on, from a step that no batch had."""
        self.resuming = None
        if resumption.step is not None and resumption.step < self._step:
            self.rolled_back(resumption.step)
        elif resumption.step is not None:
            self._step = resumption.step

    def _tell(self, resumption: Resumption, last: int) -> None:
        self.add_event("resumed", "run", old=last, new=resumption.step, message=resumption.describe(last))

    def close_epoch(self, began: float = 0.0) -> None:
        """The epoch's batches are over: validation follows, or the epoch's end. Called by each hook of that time.

        Args:
            began: When the last batch to begin did, by ``time.perf_counter()``. If that is later than the last batch
                ended, Keras looked for one batch more: it does so where it does not know how many there are.
        """
        self._closed = self.epoch, self.step
        rows = self.batch_table.rows
        if not began or not rows or self.epoch is None or self.epoch in self.ran_out[-1:]:
            return
        if began > self._clock + float(self.batch_table.seconds(rows - 1, rows)[0]):
            self.ran_out.append(self.epoch)

    @property
    def closing(self) -> bool:
        """Whether the epoch's batches are over, and no other has begun."""
        return self._closed == (self.epoch, self.step)

    def append(self, batch: int, logs: Mapping[str, float], now: float | None = None) -> None:
        """One batch was trained.

        Args:
            batch: Keras's 0-based index of it in the epoch (of the last one, with ``steps_per_execution``).
            logs: Keras's logs: running means since the epoch began.
            now: ``time.perf_counter()``, where the caller has it.
        """
        self.pending.append((batch, logs, time.perf_counter() if now is None else now, None))
        self.record_pending()

    def _record_together(self, some: list[Trained]) -> bool:
        """Record batches in one go, in a fifth of the time; False where that cannot be, and nothing was done."""
        if len(some) < 3 or self.steps_per_execution != 1 or not self.epoch_starts or self.resuming is not None:
            return False
        batches, logs, times, weights = zip(*some, strict=True)
        before, last, declared = self.epoch_starts[-1][1], batches[-1] + 1, self.params.get("steps")
        if batches != tuple(range(batches[0], last)) or (declared is not None and last > declared):
            return False
        if any(weights):  # before the rows: from then on readers see them
            read = [each for each in weights if each]
            if len(read) < len(some) or not self.batch_values.weigh_together(self._batch_table.rows, read):
                return False
        if not self._batch_table.extend(before + batches[0] + 1, [now - self._clock for now in times], logs):
            return False
        self._batch, self._step = last, before + last
        return True

    def _record(
        self, batch: int, logs: Mapping[str, float], now: float, weights: Mapping[str, float] | None = None
    ) -> None:
        if not self.epoch_starts or self.resuming is not None:
            self.begin_epoch(0)
        if self._lag is None:  # older Keras (3.10) names an execution by its first batch, newer by its last
            self._lag = self.steps_per_execution - 1 if batch == 0 else 0
        done, declared = batch + 1 + self._lag, self.params.get("steps")
        # With steps_per_execution Keras counts past the end of the data.
        self._batch = done if declared is None else min(done, declared)
        self._step = self.epoch_starts[-1][1] + self._batch
        if weights:  # before the row: from then on readers see it
            self.batch_values.weigh(self._batch_table.rows, weights)
        refused = self._batch_table.append(self._step, now - self._clock, logs)
        if refused:
            self._refuse(refused, logs)
        if len(self._batch_table.names) != self._named:
            self._named = len(self._batch_table.names)
            self._renamed(names.of_batches(self._batch_table.names))

    def end_epoch(self, epoch: int, logs: Mapping[str, Any]) -> None:
        """An epoch ended, validation included; ``logs`` are its metrics as History gets them."""
        if not self.epoch_starts:
            self.begin_epoch(epoch)
        metrics = {text(key): value for key, value in logs.items()}
        columns = names.of_epochs(metrics)
        self._renamed(columns)
        row = {columns[name]: value for name, value in metrics.items()}
        if "learning_rate" in self.values:
            row.setdefault("learning_rate", self.values["learning_rate"])
        row["seconds"] = self.throughput.end_epoch(self.seconds, self.batch)
        self.epoch_rows.append((epoch, row))
        numbers = {name: value for name, value in metrics.items() if name != "learning_rate"}
        last = self.epoch_table.last_step if self.epoch_table.rows else self.first_step
        refused = self.epoch_table.append(max(self.step, last + 1), self.seconds, numbers)
        if refused:
            self._refuse(refused, numbers)
        table = self.epoch_table
        self.bests = better(self.bests, self._best_of(np.array([table.rows - 1])), table.names)
        if self.params.get("steps") is None and self.status != "stopping" and self.batch:
            self.batches_per_epoch = self.batch  # data of unknown length: as long as last time, from here on
        self.scan()

    def _best_of(self, rows: Indices) -> list[wire.MetricBest]:
        return best_of(self.epoch_table, rows, self.epoch_rows)

    def _renamed(self, columns: Mapping[str, str]) -> None:
        """Say, once for each metric, that its column is not called as the metric is."""
        for name, column in columns.items():
            if column != name and column not in self._renamed_metrics:
                self._renamed_metrics.add(column)
                self.add_event("warning", name, message=f"a table's own column has this name; it is {column} there")

    def _refuse(self, refused: list[str], logs: Mapping[Any, Any]) -> None:
        values = {text(key): value for key, value in logs.items()}
        for name in refused:
            if name not in self._refused_metrics:
                self._refused_metrics.add(name)
                kind = type(values[name]).__name__
                self.add_event("warning", name, message=f"not a number, so not drawn. Received: {kind}")

    def set_value(self, name: str, value: float, old: float | None = None) -> None:
        """A control has this value from the next batch on; drawn as a step.

        Args:
            name: The control's.
            value: The new value.
            old: The value before, for a control that was never looked at.
        """
        if self.values.get(name) == value and self.value_table.rows:
            return
        if name not in self.values and old is not None and old != value:
            self.values[name] = old
            self.value_table.append(self.step, self.seconds, self.values)
        self.values[name] = value
        self.value_table.append(self.step, self.seconds, self.values)

    def note_hook(self, name: str, logs: Any) -> None:
        """One of Keras's hooks ran, not a batch's."""
        self.hooks.note(name, logs if isinstance(logs, dict) else (), self.batch_table.rows)

    def evaluated(self, logs: Mapping[str, float]) -> None:
        """The model was evaluated between two batches."""
        table = self.evaluation_table
        if table.rows and table.last_step == self.step:
            return  # one point for a step
        table.append(self.step, self.seconds, logs)

    def rolled_back(self, to: int) -> None:
        """The steps after ``to`` were abandoned; Keras's running means start again."""
        self.scan()
        self.branches = [*self.branches, {"from": to, "to": self.step}]
        self.batch_values.restart(self.batch_table.rows, self.step)
        self._not_finite_now.forget(self.batch_table, self.epoch_table)
        self.not_finite = None
        self.find_bests()

    def find_bests(self) -> None:
        """Look for the best of each metric anew, among the epochs that count."""
        lost = (
            self.abandoned(self.epoch_table.steps(0, self.epoch_table.rows)) if self.epoch_rows else np.empty(0, bool)
        )
        self.bests = self._best_of(np.flatnonzero(~lost))

    def add_event(
        self,
        kind: str,
        name: str,
        old: Value = None,
        new: Value = None,
        source: str = "monitor",
        message: str = "",
        requested: float | None = None,
        step: int | None = None,
    ) -> Event:
        """Put something on the record; it happened now, or after batch ``step`` where that is still to be noted."""
        epoch = max(self.epoch or 0, self.announced_epoch)
        step = self.step if step is None else step
        at_end = self._closed == (epoch, step)
        event = Event(step, epoch, self.seconds, kind, name, old, new, source, message, requested, at_end)
        self.events_list.append(event)
        return event

    def tell_more(self, event: Event, message: str) -> None:
        """What came of an event is known now: put it into its message. Boards show it with the next event."""
        for at in range(len(self.events_list) - 1, -1, -1):
            if self.events_list[at] is event:
                self.events_list[at] = replace(event, message=message)  # one assignment: others may be reading
                return

    def failed(self, where: str, error: Exception) -> None:
        """Something of ours went wrong: say so, once for each kind, and train on. The log has the traceback.

        Args:
            where: The hook, or what was being done.
            error: What was raised.
        """
        kind = (where, first_line(error))
        new = kind not in self._failures and len(self._failures) < MAX_FAILURES
        log.log(logging.ERROR if new else logging.DEBUG, "%s failed, and training goes on", where, exc_info=error)
        if new:
            self._failures.add(kind)
            self.add_event("error", where, message=kind[1])

    def scan(self) -> None:
        """Look through the rows that came since the last scan for values that are not finite."""
        table, first, last = self.batch_table, self._scanned, self.batch_table.rows
        self._scanned = last
        self.mark_not_finite(first, last)
        self.not_finite = self._not_finite_now.follow(table, self.epoch_table, self.epoch_starts, self.epoch_rows)

    def mark_not_finite(self, first: int, last: int) -> None:
        """Mark what is not finite in rows ``first`` to ``last`` (excluded), the first of each metric."""
        table = self.batch_table
        for name, row, value in first_of_each(table, first, last):
            step, _, epoch, seconds = (float(each) for each in self.x(table, row, row + 1)[:, 0])
            known = [mark for mark in self.nonfinite if mark["name"] == name]
            # A running mean stays NaN to the epoch's end: one marker an epoch tells it all.
            if len(self.nonfinite) >= MAX_NONFINITE or any(math.floor(m["epoch"]) == math.floor(epoch) for m in known):
                continue
            mark: wire.NonFinite = {
                "name": name,
                "group": group_of(name),
                "step": int(step),
                "epoch": epoch,
                "time": seconds,
                "value": value,
            }
            self.nonfinite.append(mark)
            if not known:
                since = describe(table, name, row, self.epoch_starts)
                since["value"] = value
                self.add_event("nan", name, new=value, source="keras", message=in_words(since))

    def finish(self, status: wire.Status, message: str = "") -> None:
        """The fit is over; later calls change nothing."""
        if self.over:
            return
        self.scan()
        resumption, self.resuming = self.resuming, None
        if resumption is not None:
            self._tell(resumption, self.step)
        wrong = self.not_finite
        if wrong is not None and status != "failed" and value_in_words(wrong["value"]) not in message:
            message = "; ".join(part for part in (message, f"{wrong['name']} is {in_words(wrong)}") if part)
        self._ended = time.perf_counter()
        self.phase = ""
        self.status, self.message = status, message
        self.add_event("status", status, message=message)

    # -- reading: any thread -----------------------------------------------------------------------------------------

    def epoch_at(self, steps: Floats) -> Floats:
        """Fractional epochs done after each of ``steps``, which rise: 2.5 is half of the third epoch.

        They never fall. Where an epoch begins once more, as the run is gone on with, what was beyond it lies there.
        """
        found = positions.epoch_at(self.epoch_starts, float(self.batches_per_epoch or max(self.batch, 1)), steps)
        for before, epoch in self.returns:
            found = np.where(steps <= before, np.minimum(found, epoch), found)
        return found

    @property
    def returns(self) -> list[tuple[int, int]]:
        """Where an epoch began that is no later one than that before: the step before it, and its number."""
        starts = self.epoch_starts
        while self._starts_seen < len(starts):
            at, self._starts_seen = self._starts_seen, self._starts_seen + 1
            if at and starts[at][2] <= starts[at - 1][2]:
                self._returns = [*self._returns, (starts[at][1], starts[at][2])]
        return self._returns

    def abandoned(self, steps: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which of ``steps`` were left behind: by a rollback, or by a model that was restored from before them."""
        return positions.abandoned(self.branches, steps)

    def x(self, table: Table, first: int, last: int) -> Floats:
        """Where rows stand: ``(4, rows)`` of step, step, fractional epochs, seconds."""
        steps = table.steps(first, last)
        return np.vstack([steps, steps, self.epoch_at(steps), table.seconds(first, last)])

    def x_at(self, table: Table, rows: Indices) -> Floats:
        """The same of single rows, in rising order."""
        steps = table.steps_at(rows)
        return np.vstack([steps, steps, self.epoch_at(steps), table.seconds_at(rows)])

    def subscribe(self, callback: Callable[[Any], None], looks: Callable[[], bool] = bool) -> Callable[[], None]:
        """Have ``callback(run)`` called when there is something new to show.

        Args:
            callback: What to call.
            looks: Tells whether the subscriber is looking; by default it is not.

        Returns:
            A function that ends it.
        """
        return self._observers.add(callback, looks)

    @property
    def watched(self) -> bool:
        """Whether there are subscribers."""
        return bool(self._observers)

    @property
    def attended(self) -> bool:
        """Whether a board of it is looked at now."""
        return self._observers.looking

    def changed(self) -> None:
        """Tell the subscribers."""
        self._observers.tell(self)

    def __repr__(self) -> str:
        return f"<{self.title}: {self.status}, {len(self.epoch_rows)} epochs, step {self.step}>"


def group_of(metric: str) -> str:
    """The plot a metric belongs to: ``val_loss`` stands with ``loss``."""
    return metric.removeprefix("val_")
