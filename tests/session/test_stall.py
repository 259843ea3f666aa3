"""A fit that stands still: noticed from another thread, told with what it waits for, and over when it goes on."""

from __future__ import annotations

import re
import threading
import time
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import kcb_widgets as kcb
from kcb_widgets.commands import Inbox
from kcb_widgets.commands.batch_hook_state import BatchHookState
from kcb_widgets.panels import board as board_module
from kcb_widgets.panels import payload
from kcb_widgets.record.current_work import OURS, Work
from kcb_widgets.run import Run
from kcb_widgets.session import stall
from kcb_widgets.session.stall import MIN_STALL_S, StallDetector

C = keras.callbacks


def until(condition, timeout=20.0):
    """Wait for another thread; what is waited for is told by the assertion that follows."""
    end = time.monotonic() + timeout
    while not condition() and time.monotonic() < end:
        threading.Event().wait(0.002)


def stalls(run):
    return [event for event in run.events_list if event.kind == "warning" and event.name == "stalled"]


# -- what counts as one, by a clock of our own -------------------------------------------------------------------------


class Fit:
    """A fit that goes as it is told, and a detector that looks at it twenty times a second of its clock."""

    def __init__(self, batches=4):
        self.run, self.now, self.shown, self.waits = Run(), 0.0, 0, ""
        self.state = BatchHookState(threading.get_ident(), Inbox(), self.run)
        self.detector = StallDetector(self.run, self.state, lambda: self.waits, self.show)
        self.run.params, self.run.batches_per_epoch = {"steps": batches}, batches
        self.run.status = "compiling"

    def show(self):
        self.shown += 1

    def wait(self, seconds):
        """Let time go by; returns what is told at its end."""
        end = self.now + seconds
        while self.now < end:
            self.now += 0.05
            self.detector.check(self.now)
        return self.run.stalled

    def epoch(self, first=0.5, batches=4, seconds=0.1):
        """Train an epoch's batches; returns what was told at any time."""
        run = self.run
        epoch = 0 if run.epoch is None else run.epoch + 1
        run.begin_epoch(epoch)
        self.state.step = 0.0
        told = [self.wait(first)]
        for batch in range(batches):
            self.state.step += 0.1
            run.append(batch, {"loss": 1.0})
            if not batch:
                run.status = "running"
                run.throughput.begin(0.0, run.step)
            run.throughput.note(seconds * batch + 0.001, run.step)
            told.append(self.wait(seconds) if batch + 1 < batches else None)
        return [each for each in told if each]

    def validate(self, first=0.2, batches=2, seconds=0.1):
        self.run.close_epoch()
        self.run.phase, self.run.test_batch = "validate", 0
        told = [self.wait(first)]
        for batch in range(batches):
            self.run.test_batch = batch + 1
            told.append(self.wait(seconds))
        self.run.phase = "train"
        return [each for each in told if each]


def test_ten_times_the_usual_time_and_some_seconds_count():
    fit = Fit()
    fit.epoch(batches=2)
    assert fit.wait(MIN_STALL_S - 0.1) is None
    told = fit.wait(0.3)
    assert told["seconds"] == pytest.approx(MIN_STALL_S + 0.2, abs=0.2)
    slow = Fit()
    slow.epoch(batches=2, seconds=2.0)
    assert slow.wait(17.0) is None
    assert slow.wait(6.0) is not None


def test_there_is_an_event_when_it_is_noticed_and_one_when_it_is_over():
    fit = Fit()
    fit.epoch(batches=2)
    fit.waits = "the data"
    fit.wait(9.0)
    (noticed,) = stalls(fit.run)
    assert re.fullmatch(r"no batch ended for 5\.[01] s; it waits for the data", noticed.message)
    fit.state.step += 0.1
    assert fit.wait(0.1) is None
    assert re.fullmatch(r"over after 9\.[01] s", stalls(fit.run)[1].message)
    assert payload.state(fit.run)["stalled"] is None


def test_boards_are_shown_it_ever_less_often():
    fit = Fit()
    fit.epoch(batches=2)
    fit.wait(3600.0)
    assert 60 <= fit.shown <= 70
    before = fit.shown
    fit.state.step += 0.1
    fit.wait(0.1)
    assert fit.shown == before + 1


@pytest.mark.parametrize("status", ["paused", "stopping"])
def test_other_states_are_none_and_their_time_is_not_counted_after_them(status):
    fit = Fit()
    fit.epoch(batches=2)
    fit.run.status = status
    assert fit.wait(600.0) is None
    fit.run.status = "running"
    assert fit.wait(MIN_STALL_S - 0.5) is None
    assert fit.wait(1.0) is not None


def test_a_pause_ends_one():
    fit = Fit()
    fit.epoch(batches=2)
    assert fit.wait(9.0) is not None
    fit.run.status = "paused"
    assert fit.wait(0.1) is None


def test_the_first_batch_of_an_epoch_may_take_ten_times_as_long_as_that_of_others():
    fit = Fit()
    assert fit.epoch(first=30.0) == []  # it compiles
    assert fit.epoch(first=200.0) == []
    assert Fit().epoch(first=600.0) == []
    short = Fit()
    short.epoch(first=0.2)
    assert short.epoch(first=20.0)


def test_the_last_batch_of_the_first_epoch_is_smaller_and_may_be_compiled_anew():
    fit = Fit()
    fit.epoch(first=8.0, batches=3)
    assert fit.wait(60.0) is None
    second = Fit()
    second.epoch(first=8.0)
    second.epoch(batches=3)
    assert second.wait(60.0) is not None


def test_an_epochs_end_is_none():
    fit = Fit()
    fit.epoch()
    assert fit.wait(600.0) is None


def test_validation_has_a_pace_of_its_own():
    fit = Fit()
    fit.epoch()
    assert fit.validate(first=300.0) == []  # it compiles
    fit.epoch()
    assert fit.validate(seconds=20.0) == []
    fit = Fit()
    fit.epoch()
    fit.validate()
    fit.epoch()
    assert fit.validate(seconds=20.0)
    assert fit.validate(first=20.0)


def work(known, *, count=0, seconds=0.0):
    return Work("It.on_epoch_end", known, SimpleNamespace(count=count, seconds=seconds))


@pytest.mark.parametrize(
    ("doing", "least", "most"),
    [
        (OURS, None, None),  # an evaluation that was asked for, say
        (work(True), None, None),  # a checkpoint is written, for the first time
        (work(True, count=2, seconds=4.0), 20.0, 22.0),
        (work(False), MIN_STALL_S, MIN_STALL_S + 1),  # a callback of the user's own
        (work(False, count=1, seconds=6.0), 60.0, 62.0),
    ],
)
def test_what_a_hook_takes_is_compared_with_what_it_took(doing, least, most):
    fit = Fit()
    fit.epoch()
    fit.run.close_epoch()
    fit.run.current_work.now = doing
    if least is None:
        assert fit.wait(3600.0) is None
        return
    assert fit.wait(least) is None
    assert fit.wait(most - least)["waits_for"] == "It.on_epoch_end"


def test_a_hook_that_works_now_and_then_is_told_once():
    fit = Fit()
    fit.epoch(batches=2)
    told = []
    for _ in range(3):
        fit.run.current_work.now = work(False, count=100, seconds=20.0)
        told.append(fit.wait(20.0))
        fit.run.current_work.now = None
        fit.state.step += 0.1
        fit.wait(0.1)
    assert [each is not None for each in told] == [True, False, False]


def test_it_ends_with_the_fit():
    fit = Fit()
    fit.epoch(batches=2)
    fit.wait(9.0)
    fit.detector.leave(fit.now)
    assert fit.run.stalled is None
    assert re.fullmatch(r"over after 9\.[01] s", stalls(fit.run)[1].message)
    fit.wait(60.0)
    assert fit.run.stalled is None
    assert len(stalls(fit.run)) == 2


# -- real fits ---------------------------------------------------------------------------------------------------------


class MyCallback(C.Callback):
    """Hangs in one of its hooks until it was noticed, in the fit's last epoch."""

    def __init__(self, monitor, hook, condition=None):
        super().__init__()
        self.seen, self.monitor, self.count, self.epoch = [], monitor, 0, -1
        self.condition = condition or (lambda: monitor.run.stalled)
        setattr(self, hook, self.hang)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def hang(self, *args, **kwargs):
        self.count += 1
        if self.epoch == 2 and not self.seen:
            until(self.condition)
            self.seen.append(payload.state(self.monitor.run)["stalled"])


@pytest.fixture
def soon(monkeypatch):
    """Some tenths of a second are long."""
    monkeypatch.setattr(stall, "MIN_STALL_S", 0.3)


@pytest.mark.parametrize("hook", ["on_epoch_end", "on_train_batch_end", "on_test_begin"])
def test_a_callback_that_hangs_is_named(unit_model, ones, soon, hook):
    monitor = kcb.Monitor()
    mine = MyCallback(monitor, hook)
    unit_model().fit(*ones, batch_size=4, epochs=3, verbose=0, validation_data=ones, callbacks=[mine, monitor])
    assert [told["waits_for"] for told in mine.seen] == [f"MyCallback.{hook}"]
    messages = [event.message for event in stalls(monitor.run)]
    assert messages[0].endswith(f"it waits for MyCallback.{hook}")
    assert messages[1].startswith("over after ")
    assert monitor.run.stalled is None
    assert monitor.run.current_work.now is None


def test_when_the_training_is_over_no_batch_is_due(unit_model, ones, soon):
    monitor, looks = kcb.Monitor(), []

    class Closes(C.Callback):
        def on_train_end(self, logs=None):
            detector = monitor._session.stall
            real = detector.check
            detector.check = lambda now: (looks.append(now), real(now))
            until(lambda: len(looks) > 12)

    unit_model().fit(*ones, batch_size=4, epochs=2, verbose=0, callbacks=[monitor, Closes()])
    assert len(looks) > 12
    assert stalls(monitor.run) == []


def test_data_that_hang_are_named(unit_model, soon, monkeypatch):
    monitor, seen = kcb.Monitor(), []
    x, y = np.ones((2, 1), "float32"), np.ones((2, 1), "float32")

    class Slow(keras.utils.PyDataset):
        """So slow that the buffer before the step is empty, and then it hangs."""

        def __len__(self):
            return 60

        def __getitem__(self, index):
            threading.Event().wait(0.02)
            if index == 50:
                until(lambda: monitor.run.stalled)
                seen.append(monitor.run.stalled)
            return x, y

    unit_model().fit(Slow(), verbose=0, shuffle=False, callbacks=[monitor])
    assert seen[0]["waits_for"] == "the data"
    assert len(stalls(monitor.run)) == 2


def test_a_fit_that_is_paused_for_long_is_none(unit_model, ones, soon, at):
    monitor = kcb.Monitor()
    handle = monitor.fit(unit_model(), *ones, batch_size=4, epochs=3, callbacks=[at(4, monitor.pause)])
    until(lambda: monitor.run.status == "paused")
    detector, looks = monitor._session.stall, []
    real = detector.check
    detector.check = lambda now: (looks.append(now), real(now))
    until(lambda: len(looks) > 12)  # longer than counts here
    monitor.resume()
    handle.wait(30)
    assert stalls(monitor.run) == []


def test_a_fit_that_dies_of_it_leaves_nothing(unit_model, ones, soon):
    monitor = kcb.Monitor()

    class Dies(MyCallback):
        def hang(self, *args, **kwargs):
            super().hang()
            if self.seen:
                raise ValueError("too long")

    with pytest.raises(ValueError, match="too long"):
        unit_model().fit(*ones, batch_size=4, epochs=3, verbose=0, callbacks=[Dies(monitor, "on_epoch_end"), monitor])
    assert monitor.run.message == "ValueError: too long (in Dies.on_epoch_end)"
    assert len(stalls(monitor.run)) == 2
    assert payload.state(monitor.run)["stalled"] is None


def test_a_board_shows_it_though_its_view_cannot_be_heard_meanwhile(unit_model, ones, soon, monkeypatch):
    """A view says in messages that it is there; while the training hangs none of them comes in."""
    monitor, sent = kcb.Monitor(), []
    board = monitor.board
    board.observe(lambda change: sent.append(change["new"]["stalled"]), "state")
    monkeypatch.setattr(board_module, "PRESENT", 0.2)

    class Looks(C.Callback):
        def on_train_batch_end(self, batch, logs=None):
            hello = {"kind": "hello", "view": "v", "seq": 1, "visible": True, "width": 600, "host": "lab"}
            board._handle_custom_msg(hello, [])

    mine = MyCallback(monitor, "on_epoch_end", lambda: any(sent))
    unit_model().fit(*ones, batch_size=4, epochs=3, verbose=0, callbacks=[Looks(), mine, monitor])
    assert any(told and told["waits_for"] == "MyCallback.on_epoch_end" for told in sent)
    assert sent[-1] is None
