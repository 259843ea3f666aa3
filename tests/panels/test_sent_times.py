"""When a browser's message was sent: by its header's date, whatever its clock says; and what comes late is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import keras
import pytest
from conftest import At

import kcb_widgets as kcb
from kcb_widgets.commands import Command, Inbox
from kcb_widgets.panels.sent_times import SentTimes


def header(seconds, session="a page"):
    return {"session": session, "date": datetime.fromtimestamp(seconds, UTC)}


@pytest.mark.parametrize("offset", [0.0, -7200.0, 86400.0])
def test_a_message_that_waited_is_known_to_have_been_sent_before(offset):
    times = SentTimes()
    for second in range(0, 20, 5):
        at = times.of(header(1000 + second), hello=True, now=1000 + second + offset + 0.01)
        assert at == pytest.approx(1000 + second + offset + 0.01)
    assert times.of(header(1020), hello=False, now=1031 + offset) == pytest.approx(1020.01 + offset)
    # A hello that waited too is no reason to think that the clocks are further apart.
    times.of(header(1021), hello=True, now=1031 + offset)
    assert times.of(header(1022), hello=False, now=1031 + offset) == pytest.approx(1022.01 + offset)


def test_a_clock_that_was_set_back_is_learned_again():
    times = SentTimes()
    times.of(header(1000), hello=True, now=1000.0)
    assert times.of(header(940), hello=True, now=1005.0) == 1005.0
    assert times.of(header(945), hello=False, now=1020.0) == pytest.approx(1010.0)


@pytest.mark.parametrize(
    "bad",
    [
        None,
        [],
        {},
        {"session": "a page"},
        {"session": 3, "date": datetime.now(UTC)},
        {"session": "a page", "date": "soon"},
        {"session": "a page", "date": 3.0},
        {"session": "a page", "date": float("nan")},
        {"session": "a page", "date": datetime.min},
    ],
)
def test_where_nothing_is_known_it_is_when_the_message_came(bad):
    times = SentTimes()
    times.of(header(1000), hello=True, now=1000.0)
    assert times.of(bad, hello=False, now=2000.0) in (2000.0, pytest.approx(2000.0))


def test_another_page_has_another_clock_and_not_all_are_remembered():
    times = SentTimes()
    times.of(header(1000), hello=True, now=1000.0)
    assert times.of(header(1000, "another"), hello=False, now=1500.0) == 1500.0
    for number in range(200):
        times.of(header(1000, f"{number}"), hello=True, now=1500.0)
    assert len(times._sessions) <= 50


def test_of_what_waits_the_last_that_was_asked_for_counts_and_not_the_last_that_came():
    inbox = Inbox()
    for value, requested in ((0.2, 12.0), (0.1, 11.0), (0.3, 11.5)):
        inbox.put(Command("learning_rate", value, requested=requested))
    ((last, earlier),) = inbox.drain()
    assert (last.value, [each.value for each in earlier]) == (0.2, [0.1, 0.3])


def message(run, name, value, date, kind="command"):
    """A comm message as JupyterLab sends it."""
    content = {"kind": kind, "run": run.id, "id": "1", "name": name, "value": value, "view": "v", "seq": 1}
    return {"header": header(date), "content": {"data": {"method": "custom", "content": content}}, "buffers": []}


@pytest.mark.parametrize(("late", "expected"), [(True, 0.25), (False, 0.0625)])
def test_a_click_that_waited_does_not_overwrite_what_was_set_since(unit_model, ones, weights, late, expected):
    monitor, replies = kcb.Monitor(), []
    board = monitor.board

    def hello():
        now = datetime.now(UTC).timestamp()
        board._handle_msg(message(monitor.run, "", None, now - 3600, "hello"))  # the page's clock is an hour behind

    def click():
        now = datetime.now(UTC).timestamp()
        board._handle_msg(message(monitor.run, "learning_rate", 0.0625, now - 3600 - (20 if late else 0)))

    # The page's hellos come on time; the click was on its way for 20 seconds.
    early = message(monitor.run, "", None, datetime.now(UTC).timestamp() - 3600 - 25, "hello")
    steps = [
        At(1, lambda: board._sent_times.of(early["header"], hello=True, now=datetime.now(UTC).timestamp() - 25)),
        At(2, lambda: replies.append(monitor.set(learning_rate=0.25))),
        At(4, click),
        At(5, hello),
    ]
    unit_model().fit(*ones, batch_size=1, verbose=0, callbacks=[*steps, weights, monitor])
    assert weights.moves[2:4] == [0.25] * 2
    assert weights.moves[4:] == [expected] * 8
    refused = [event.message for event in monitor.run.events_list if event.kind == "refused"]
    assert len(refused) == late
    assert all(text.startswith("this came late: set to 0.25 was asked for") for text in refused)
    assert board.state["commands"] == [] or board.state["commands"][-1]["status"] == ("refused" if late else "applied")


def test_a_late_undo_does_not_take_back_what_was_changed_since(unit_model, ones, weights):
    monitor = kcb.Monitor()
    steps = [
        At(2, lambda: monitor.set(learning_rate=0.25)),
        At(4, lambda: monitor._inbox.put(Command("undo", None, "board", requested=1.0))),
    ]
    unit_model(keras.optimizers.SGD(0.5)).fit(*ones, batch_size=1, verbose=0, callbacks=[*steps, weights, monitor])
    assert weights.moves[2:] == [0.25] * 10


def test_a_late_pause_does_not_hold_what_was_resumed_since(unit_model, ones, weights):
    monitor = kcb.Monitor()
    steps = [
        At(2, lambda: (monitor.pause(), monitor.resume())),
        At(4, lambda: monitor._inbox.put(Command("pause", None, "board", requested=1.0))),
    ]
    unit_model().fit(*ones, batch_size=1, verbose=0, callbacks=[*steps, weights, monitor])
    assert [event.kind for event in monitor.run.events_list if event.kind in ("paused", "refused")] == [
        "paused",
        "refused",
    ]
