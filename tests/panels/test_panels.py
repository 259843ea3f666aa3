"""Board without a browser: what it sends, to whom, and what it makes of what comes in."""

from __future__ import annotations

import base64
import io
import json
import re
import struct
import threading
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import kcb_widgets as kcb
from kcb_widgets.panels import board as board_module
from kcb_widgets.session import refresh_thread


class Wire:
    """Stands in for the comm: keeps what was sent."""

    def __init__(self, board):
        self.comm_id, self.sent, self.closed = "wire", [], False
        board.comm = self

    def on_msg(self, callback):
        pass

    def send(self, data=None, metadata=None, buffers=None):
        if self.closed:
            raise RuntimeError("closed")
        self.sent.append((data, buffers))

    def close(self, *args, **kwargs):
        self.closed = True

    @property
    def states(self):
        return [data["state"] for data, _ in self.sent if data["method"] == "update"]


@pytest.fixture
def wired():
    """A board of a monitor's next run, its wire, and a function that sends as a view does."""

    def make(**kwargs):
        monitor = kcb.Monitor(**kwargs)
        board = monitor.board
        wire = Wire(board)

        def say(**content):
            board._handle_custom_msg(content, [])

        return monitor, board, wire, say

    return make


def hello(say, view="v1", seq=1, host="lab"):
    say(kind="hello", view=view, seq=seq, visible=True, width=600, host=host)


def decode(raw):
    size = struct.unpack("<I", raw[:4])[0]
    header = json.loads(raw[4 : 4 + size])
    start = -(-(4 + size) // 8) * 8
    return header, raw[start:]


def column(raw, table, name, kind, key="mean"):
    header, data = decode(raw)
    found = next(t for t in header["tables"] if t["name"] == table)
    series = next(s for s in found["series"] if s["name"] == name and s["kind"] == kind)
    return np.frombuffer(data, "<f4", found["length"], series[key])


class During(keras.callbacks.Callback):
    """Calls something after every batch."""

    def __init__(self, action):
        super().__init__()
        self.action = action

    def on_train_batch_end(self, batch, logs=None):
        self.action(batch)


def test_nothing_is_sent_while_no_view_is_there(wired, classifier):
    monitor, _, wire, _ = wired()
    model, x, y = classifier()
    model.fit(x, y, epochs=3, batch_size=2, verbose=0, callbacks=[monitor])
    assert len(wire.sent) <= 1  # the end of the run


def test_with_a_view_the_run_is_sent_at_most_ten_times_a_second(wired, classifier):
    monitor, _, wire, say = wired()
    model, x, y = classifier()
    hello(say)
    wire.sent.clear()
    began = time.perf_counter()
    model.fit(x, y, epochs=20, batch_size=2, verbose=0, callbacks=[monitor])
    assert 2 <= len(wire.sent) <= 10 * (time.perf_counter() - began) + 3


def test_a_view_that_falls_silent_is_no_longer_sent_to(wired, classifier, monkeypatch):
    monkeypatch.setattr(board_module, "PRESENT", 0.0)
    monitor, _, wire, say = wired()
    model, x, y = classifier()
    hello(say)
    wire.sent.clear()
    model.fit(x, y, epochs=3, batch_size=2, verbose=0, callbacks=[monitor])
    assert len(wire.sent) <= 1


def test_a_page_in_the_background_is_told_of_an_alert_and_of_its_end(wired, monkeypatch):
    _, board, wire, say = wired()
    hello(say)
    monkeypatch.setattr(board_module, "PRESENT", 0.0)
    wire.sent.clear()
    run, told = board.run, {"name": "risen", "text": "Warning: risen.", "bad": False}
    for alerts in ([], [told], [told], []):
        run.alerts = alerts
        run.changed()
    assert [state["state"]["alerts"] for state in wire.states] == [[told], []]


def test_a_view_that_says_goodbye_is_gone(wired):
    _, board, _, say = wired()
    hello(say)
    assert board.attended
    say(kind="bye", view="v1")
    assert not board.attended


def test_the_picture_is_the_run(wired, classifier):
    monitor, board, _, say = wired()
    hello(say)
    model, x, y = classifier()
    model.fit(x, y, epochs=2, batch_size=8, validation_split=0.25, verbose=0, callbacks=[monitor])
    raw = bytes(board.series)
    batches = monitor.run.batches
    assert np.array_equal(column(raw, "batches", "loss", "train"), batches["batch_loss"].astype("float32"))
    epochs = monitor.run.epochs
    assert np.array_equal(column(raw, "epochs", "val_loss", "val"), epochs["val_loss"].astype("float32"))
    assert np.array_equal(column(raw, "epochs", "loss", "epoch"), epochs["loss"].astype("float32"))
    assert column(raw, "controls", "learning_rate", "control").tolist() == [np.float32(0.001)] * 2
    state = board.state
    assert state["status"] == "finished"
    assert (state["epoch"], state["epochs"], state["batch"], state["batches"]) == (1, 2, 6, 6)
    assert state["samples_per_second"] == pytest.approx(state["batches_per_second"] * 8)
    assert state["remaining"] is None
    json.dumps(state, allow_nan=False)
    json.dumps(board.events, allow_nan=False)


def test_the_size_of_what_is_sent_does_not_grow_with_the_run(wired):
    monitor, board, _, say = wired()
    run = monitor.run
    run.begin_epoch(0)
    sizes = []
    for step in range(200_000):
        run.append(step, {"loss": 1.0 / (step + 1), "accuracy": 0.5})
        if step in (10_000, 100_000, 199_999):
            hello(say)
            sizes.append(len(board.series))
    assert max(sizes) < 40_000
    assert len(run.batches) == 200_000


def test_a_click_changes_the_next_update_and_is_answered(wired, unit_model, ones, weights):
    monitor, board, _, say = wired()
    model = unit_model()
    hello(say)

    def click(batch):
        if batch == 1:
            say(kind="command", run=monitor.run.id, id="c1", name="learning_rate", value=0.25)

    model.fit(*ones, batch_size=2, verbose=0, callbacks=[weights, During(click), monitor])
    assert weights.moves == [0.5, 0.5, 0.25, 0.25, 0.25, 0.25]
    answer = board.state["commands"][-1]
    assert answer["id"] == "c1"
    assert (answer["status"], answer["step"], answer["value"]) == ("applied", 2, 0.25)
    assert board.state["heard"] == {"v1": 1}
    assert monitor.run.events.query("kind == 'applied'")["source"].tolist() == ["board"]


def test_stop_from_the_board(wired, unit_model, ones):
    monitor, board, _, say = wired()

    def click(batch):
        if batch == 2:
            say(kind="command", run=monitor.run.id, id="s", name="stop", value=None)

    unit_model().fit(*ones, batch_size=2, epochs=5, verbose=0, callbacks=[During(click), monitor])
    assert monitor.run.step <= 4
    assert board.state["status"] == "stopped"


HOSTILE = [
    {"name": "save", "value": "/etc/passwd.keras"},
    {"name": "rollback", "value": "../../1"},
    {"name": "rollback", "value": 7},
    {"name": "press", "value": "__import__"},
    {"name": "step", "value": 10**30},
    {"name": "step", "value": 0.5},
    {"name": "stop", "value": "now"},
    {"name": "epochs", "value": 1e18},
    {"name": "snapshots.each_epoch", "value": "5"},
    {"name": "momentum", "value": 2},
    {"name": "dense.trainable", "value": "no"},
    {"name": "__class__", "value": "x"},
    {"name": "snapshots.keep", "value": -1},
    {"name": "learning_rate", "value": "0.1; rm -rf /"},
    {"name": "learning_rate", "value": float("nan")},
    {"name": "learning_rate", "value": float("inf")},
    {"name": "learning_rate", "value": -1},
    {"name": "learning_rate", "value": 10**400},
    {"name": "learning_rate", "value": True},
    {"name": "learning_rate", "value": None},
    {"name": "learning_rate", "value": [1]},
    {"name": "learning_rate", "value": {"__class__": "x"}},
    {"name": "__class__", "value": 1},
    {"name": None, "value": 1},
    {"name": ["stop"], "value": None},
    {"name": "x" * 100_000, "value": 1},
    {"name": "stop", "value": "please"},
    {},
]


def test_hostile_commands_are_refused_on_the_record_and_training_is_untouched(wired, unit_model, ones, weights):
    monitor, board, wire, say = wired()
    hello(say)

    def attack(batch):
        if batch == 1:
            for number, content in enumerate(HOSTILE):
                say(kind="command", run=monitor.run.id, id=f"h{number}", **content)
            for junk in ("text", None, 7, ["hello"], {"kind": "hello", "view": 7}, {"kind": ["x"]}):
                board._handle_custom_msg(junk, [])
            say(kind="hello", view="v", seq=10**400, host=7)
            say(kind="window", view="v", request=1, run=monitor.run.id, first="a", last=None, points=5)
            say(kind="window", view="v", request=1, run=monitor.run.id, first=float("nan"), last=9, points=5)

    model = unit_model()
    model.fit(*ones, batch_size=2, epochs=2, verbose=0, callbacks=[weights, During(attack), monitor])
    assert set(weights.moves) == {0.5}
    assert monitor.run.status == "finished"
    refused = monitor.run.events.query("kind == 'refused'")
    assert len(refused) == 2 * len(HOSTILE)
    assert refused["message"].str.len().max() < 300
    assert not (monitor.run.events["kind"] == "error").any()
    assert all(len(json.dumps(state, default=str)) < 100_000 for state in wire.states)


def test_a_flood_of_refusals_is_bounded(wired):
    monitor, _, _, say = wired()
    for number in range(3000):
        say(kind="command", run=monitor.run.id, id=str(number), name="nope", value=1)
    for number in range(300):
        hello(say, view=f"v{number}")
    assert len(monitor.run.events_list) == board_module.MAX_REFUSALS
    assert len(monitor.board._views) <= board_module.MAX_VIEWS


def test_a_command_for_an_earlier_run_is_refused(wired, unit_model, ones, weights):
    monitor, board, _, say = wired()

    def click(batch):
        say(kind="command", run="another", id="c", name="learning_rate", value=0.25)

    unit_model().fit(*ones, batch_size=2, verbose=0, callbacks=[weights, During(click), monitor])
    assert set(weights.moves) == {0.5}
    say(kind="command", run=monitor.run.id, id="late", name="learning_rate", value=0.25)
    assert board.state["commands"][-1]["message"] == "nothing is training"


def test_a_closed_comm_is_an_event_and_training_goes_on(wired, classifier):
    monitor, _, wire, say = wired()
    hello(say)
    wire.closed = True
    model, x, y = classifier()
    history = model.fit(x, y, epochs=2, batch_size=4, verbose=0, callbacks=[monitor])
    assert len(history.history["loss"]) == 2
    errors = monitor.run.events.query("kind == 'error'")
    assert errors["message"].tolist() == ["RuntimeError: closed"]


def test_a_window_is_answered_with_finer_buckets(wired):
    monitor, _, wire, say = wired()
    run = monitor.run
    run.begin_epoch(0)
    for step in range(10_000):
        run.append(step, {"loss": float(step)})
    hello(say)
    say(kind="window", view="v1", request=3, run=run.id, first=5000, last=5100, points=200)
    data, buffers = next((d, b) for d, b in wire.sent if d["method"] == "custom")
    assert data["content"] == {"kind": "window", "view": "v1", "request": 3}
    header, _ = decode(bytes(buffers[0]))
    assert header["tables"][0]["per_bucket"] == 1
    assert column(bytes(buffers[0]), "batches", "loss", "running")[1:-1].tolist() == list(range(4999, 5100))


def test_show_and_run_are_checked():
    run = kcb.Run()
    assert kcb.Board(run, show=["chart"]).show == ["chart"]
    for show in (["nope"], "chart"):
        with pytest.raises(ValueError, match="Received"):
            kcb.Board(run, show=show)
    with pytest.raises(TypeError, match="Received"):
        kcb.Board("run")


def test_hostile_metric_names_travel_as_data(wired, classifier):
    name = "<img src=x onerror=alert(1)>$\\frac{"
    monitor, board, _, say = wired()
    hello(say)

    class Adds(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs[name] = 1.0

    model, x, y = classifier()
    model.fit(x, y, verbose=0, callbacks=[Adds(), monitor])
    assert column(bytes(board.series), "epochs", name, "epoch").tolist() == [1.0]
    monitor.run.plot().savefig(io.BytesIO())


def test_the_still_picture_is_small_and_marked(classifier):
    from kcb_widgets.export.figures import still

    monitor = kcb.Monitor()
    model, x, y = classifier(400)
    model.fit(x, y, epochs=30, batch_size=4, validation_split=0.5, verbose=0, callbacks=[monitor])
    raw = base64.b64decode(still(monitor.run, "abc"))
    assert len(raw) < 100_000
    image = Image.open(io.BytesIO(raw))
    assert image.text["kcb-board"] == "abc"
    assert b"abc" in raw[:200]


@pytest.mark.parametrize("page", ["#ffffff", "#111111"])
def test_the_still_picture_reads_on_light_and_on_dark(classifier, page):
    from kcb_widgets.export.figures import still

    monitor = kcb.Monitor()
    model, x, y = classifier()
    model.fit(x, y, epochs=3, batch_size=4, validation_split=0.5, verbose=0, callbacks=[monitor])
    image = Image.open(io.BytesIO(base64.b64decode(still(monitor.run, "abc")))).convert("RGBA")
    assert np.asarray(image)[0, 0, 3] == 0  # the page is seen through it
    whole = Image.new("RGBA", image.size, page)
    whole.alpha_composite(image)
    title = np.asarray(whole.convert("L"), dtype=float)[:24]  # the title stands here, and nothing else
    darkest, lightest = title.min(), title.max()
    assert lightest - darkest > 150


def test_an_answer_that_somebody_waits_for_does_not_wait_for_the_next_picture(monkeypatch):
    monkeypatch.setattr(refresh_thread, "MIN_INTERVAL_S", 60.0)
    monkeypatch.setattr(refresh_thread, "UNWATCHED_INTERVAL_S", 60.0)
    shown = threading.Semaphore(0)
    pushing = refresh_thread.RefreshThread(shown.release)
    pushing.request()
    assert shown.acquire(timeout=5)
    pushing.request()
    assert not shown.acquire(timeout=0.2)  # its turn is in a minute
    pushing.request(urgent=True)
    assert shown.acquire(timeout=5)
    pushing.end()


# -- the table of panels -----------------------------------------------------------------------------------------------


def test_python_and_the_browser_have_the_same_panels_in_the_same_order():
    view = (Path(kcb.__file__).parent / "js" / "src" / "view.js").read_text()
    bar = re.search(r"const BAR = \{(.*?)^\};", view, re.DOTALL | re.MULTILINE)[1]
    tabs = re.search(r"const TABS = \[(.*?)^\];", view, re.DOTALL | re.MULTILINE)[1]
    in_bar = re.findall(r"^  (\w+): \[", bar, re.MULTILINE)
    under_tabs = re.findall(r'^  \{ name: "(\w+)"', tabs, re.MULTILINE)
    assert tuple(dict.fromkeys(in_bar + under_tabs)) == board_module.PANELS
    assert "controls" in under_tabs  # those that are not needed all the time


def test_a_new_panel_is_one_entry_in_python(monkeypatch):
    monkeypatch.setattr(board_module, "PANELS", (*board_module.PANELS, "weights"))
    assert kcb.Board(kcb.Run()).show == list(board_module.PANELS)
    assert kcb.Board(kcb.Run(), show=["weights"]).show == ["weights"]
