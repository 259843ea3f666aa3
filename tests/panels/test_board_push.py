"""News from several threads: a board sends all of it, and what is on the board is written by one at a time."""

from __future__ import annotations

import sys
import threading
import time

import pytest

import kcb_widgets as kcb
from kcb_widgets.commands import Inbox
from kcb_widgets.panels import board as board_module
from kcb_widgets.panels.sender import ROUNDS
from kcb_widgets.run import Run

SECONDS = 30


@pytest.fixture
def run():
    made = Run()
    made.start_clock()
    return made


@pytest.fixture
def slow(monkeypatch):
    """Has the next pushes wait: a function that arms it, with events to see one enter and to let it go on."""

    class Slow:
        def __init__(self):
            self.entered, self.go, self.pushes, self.armed = threading.Event(), threading.Event(), 0, False

        def state(self, run):
            self.pushes += 1
            found = real(run)
            if self.armed:
                self.armed = False
                self.entered.set()
                assert self.go.wait(SECONDS)
            return found

    real, made = board_module.payload.state, Slow()
    monkeypatch.setattr(board_module.payload, "state", made.state)
    return made


def begun(work):
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def over(*threads):
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()


def last_message(board):
    return board.events[-1]["message"] if board.events else ""


def test_news_that_come_while_a_board_is_sending_are_sent_too(run, slow):
    board = kcb.Board(run)
    slow.armed = True
    first = begun(board._sender.push)
    assert slow.entered.wait(SECONDS)  # it has read the state, which is without what follows
    run.message = "news"
    run.add_event("warning", "x", message="news")
    board._sender.push()
    assert board.state["message"] == ""  # left to the one that is at it: this thread did not wait
    slow.go.set()
    over(first)
    assert board.state["message"] == "news"
    assert last_message(board) == "news"


def test_much_news_share_one_more_message(run, slow):
    board = kcb.Board(run)
    slow.armed, slow.pushes = True, 0
    first = begun(board._sender.push)
    assert slow.entered.wait(SECONDS)
    for number in range(20):
        run.message = str(number)
        board._sender.push()
    slow.go.set()
    over(first)
    assert board.state["message"] == "19"
    assert slow.pushes == 2


def test_a_new_run_that_comes_while_the_old_one_is_sent_is_shown(run, slow):
    board, other = kcb.Board(run), Run(2)
    slow.armed = True
    first = begun(board._sender.push)
    assert slow.entered.wait(SECONDS)
    board.run = other
    slow.go.set()
    over(first)
    assert board.state["run"] == other.id


def test_a_failure_loses_no_news(run, monkeypatch):
    board = kcb.Board(run)
    entered, go, fails = threading.Event(), threading.Event(), [True]
    real = board._send_changes

    def send():
        if fails.pop() if fails else False:
            entered.set()
            assert go.wait(SECONDS)
            raise OSError("the wire is cut")
        real()

    monkeypatch.setattr(board, "_send_changes", send)
    first = begun(lambda: board._show_run(run))
    board._views["view"] = (time.monotonic(), 1)  # somebody looks
    over(first)
    first = begun(lambda: board._show_run(run))
    assert entered.wait(SECONDS)
    run.message = "meanwhile"
    board._show_run(run)
    go.set()
    over(first)
    assert board.state["message"] == "meanwhile"
    assert not [e for e in run.events_list if e.kind == "error"]  # newer news went out after all


def test_what_could_not_be_sent_goes_with_the_next(run, monkeypatch):
    board = kcb.Board(run)
    board._views["view"] = (time.monotonic(), 1)
    run.message = "lost?"
    with monkeypatch.context() as patch:
        patch.setattr(board, "_send_changes", lambda: 1 / 0)
        board._show_run(run)
    assert [e.message for e in run.events_list if e.kind == "error"] == ["ZeroDivisionError: division by zero"]
    assert board._sender.news
    board._show_run(run)
    assert board.state["message"] == "lost?"
    assert not board._sender.news


def test_an_interrupt_loses_no_news_and_no_lock(run, monkeypatch):
    board = kcb.Board(run)

    def interrupted():
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(board, "_send_changes", interrupted)
        with pytest.raises(KeyboardInterrupt):
            board._sender.push()
    assert board._sender.news
    run.message = "after"
    board._sender.push()
    assert board.state["message"] == "after"


def test_an_observer_that_always_has_news_ends(run, slow):
    board, seen = kcb.Board(run), []

    def observer(change):
        seen.append(change)
        run.message = f"seen {len(seen)}"
        run.changed()

    board._views["view"] = (time.monotonic(), 1)
    board.observe(observer, "state")
    slow.pushes = 0
    run.message = "first"
    board._sender.push()
    assert slow.pushes == 2
    assert board.state["message"] == "seen 1"


def test_a_thread_that_sends_is_not_kept_by_others_news(run, monkeypatch):
    """News at every round: it leaves after a few, and the rest is sent by another thread."""
    board, here = kcb.Board(run), threading.get_ident()
    real, senders, rest = board._send_changes, [], threading.Event()

    def send():
        senders.append(threading.get_ident())
        real()
        if len(senders) < 5:
            run.message = f"news {len(senders)}"
            over(begun(board._sender.push))
        else:
            rest.set()

    monkeypatch.setattr(board, "_send_changes", send)
    board._sender.push()
    assert senders[:ROUNDS] == [here] * ROUNDS
    assert rest.wait(SECONDS)
    assert here not in senders[ROUNDS:]
    assert board.state["message"] == "news 4"


def test_many_threads_push_and_the_last_news_is_shown(run):
    board, interval = kcb.Board(run), sys.getswitchinterval()
    board._views["view"] = (time.monotonic(), 1)
    wrong = []

    def work(number):
        try:
            for each in range(40):
                run.add_event("warning", f"{number}", message=f"{each}")
                board._show_run(run)
        except BaseException as error:
            wrong.append(error)

    sys.setswitchinterval(1e-6)
    try:
        over(*[begun(lambda number=number: work(number)) for number in range(6)])
    finally:
        sys.setswitchinterval(interval)
    end, tick = time.monotonic() + SECONDS, threading.Event()
    while (board._sender.busy or board._sender.news) and time.monotonic() < end:
        tick.wait(0.01)  # a thread of its own may be sending the rest
    assert wrong == []
    assert len(run.events_list) == 240
    assert [(e["name"], e["message"]) for e in board.events] == [(e.name, e.message) for e in run.events_list[-200:]]


# -- the user's controls and buttons -----------------------------------------------------------------------------------


def test_a_control_that_comes_while_the_helm_describes_its_own_stays(unit_model, ones, at):
    """It was added between the look at what there is and the writing of the list, and was gone from the board."""
    monitor, names = kcb.Monitor(), []

    def act():
        registry = monitor._session.steering.registry
        control = registry.controls["learning_rate"]
        real = control.describe

        def describe():
            over(begun(lambda: (monitor.add_control("late", 1.0), monitor.add_button("too", print))))
            return real()

        control.describe = describe
        registry.publish()
        del control.describe
        names.extend(each["name"] for each in monitor.run.controls)
        names.extend(each["name"] for each in monitor.run.buttons)

    unit_model().fit(*ones, batch_size=2, verbose=0, callbacks=[monitor, at(2, act)])
    assert "late" in names
    assert "too" in names
    assert "learning_rate" in names
    assert len(names) == len(set(names))


def test_controls_and_buttons_added_from_many_threads_are_all_there(unit_model, ones):
    monitor, threads, each = kcb.Monitor(), 6, 25
    begin, wrong, interval = threading.Event(), [], sys.getswitchinterval()

    def add(number):
        try:
            assert begin.wait(SECONDS)
            for i in range(each):
                monitor.add_control(f"c{number}.{i}", float(i))
                monitor.add_button(f"b{number}.{i}", print)
                assert dict(monitor.values)[f"c{number}.{i}"] == float(i)
                assert monitor.run.controls is not None
        except BaseException as error:
            wrong.append(error)

    def tell(run, monitor):
        begin.set()
        monitor._session.steering.registry.publish()
        monitor._session.steering.registry.inspect()

    monitor.add_policy(tell, every=1)
    adding = [begun(lambda number=number: add(number)) for number in range(threads)]
    sys.setswitchinterval(1e-6)
    try:
        unit_model().fit(*ones, batch_size=1, epochs=6, verbose=0, callbacks=[monitor])
        over(*adding)
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []
    assert [e.message for e in monitor.run.events_list if e.kind == "error"] == []
    assert monitor.run.status == "finished"
    controls = [control["name"] for control in monitor.run.controls]
    wanted = {f"c{number}.{i}" for number in range(threads) for i in range(each)}
    assert wanted < set(controls)
    assert len(controls) == len(set(controls))
    assert "learning_rate" in controls
    assert {button["name"] for button in monitor.run.buttons} == {name.replace("c", "b") for name in wanted}


def test_a_click_that_comes_as_the_fit_ends_does_not_reach_the_next_one(run):
    """The fit ends on its thread between the board's look at the run and the command's arrival in the inbox."""

    class EndsMeanwhile(Inbox):
        def put(self, command):
            run.inbox = None
            run.finish("finished")
            return super().put(command)

    inbox = run.inbox = EndsMeanwhile()
    board = kcb.Board(run)
    board._receive(board, {"kind": "command", "run": run.id, "id": "click", "name": "stop", "value": None}, [])
    assert not inbox.waiting
    assert [(one["id"], one["status"], one["message"]) for one in run.command_results] == [
        ("click", "refused", "training ended first")
    ]
