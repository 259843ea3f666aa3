"""Alerts of a Monitor in real fits: what is strict, where they go, and that they disturb nothing."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import threading
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import kcb_widgets as kcb
from kcb_widgets.alerts.teller import MAX_WAITING, Teller
from kcb_widgets.panels.comparison.markers import changes
from kcb_widgets.record.formats import format_metric
from kcb_widgets.record.record import Record
from kcb_widgets.session import session


def network():
    keras.utils.set_random_seed(5)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(6, "relu"), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model


X = np.random.default_rng(0).random((32, 4)).astype("float32")
Y = X.sum(1)


def fit(monitor, epochs=2, model=None, **more):
    (model or network()).fit(X, Y, epochs=epochs, batch_size=8, callbacks=[monitor], verbose=0, **more)
    return monitor.run


def alerts(run):
    return [(event.step, event.name) for event in run.events_list if event.kind == "alert"]


def always(run):
    return True


@pytest.mark.parametrize(
    ("arguments", "options", "error", "said"),
    [
        ((1, "loss > 1"), {}, TypeError, "the name of an alert must be a string. Received: 1"),
        (("", "loss > 1"), {}, ValueError, "from 1 to 64 printable"),
        (("a" * 65, "loss > 1"), {}, ValueError, "from 1 to 64 printable"),
        (("a\nb", "loss > 1"), {}, ValueError, "from 1 to 64 printable"),
        (("a", "loss >"), {}, ValueError, "at character"),
        (("a", 3), {}, TypeError, "a rule in text, or a function of the run. Received: 3"),
        (("a", None), {}, TypeError, "a rule in text"),
        (("a", "loss > 1"), {"level": "fatal"}, ValueError, "info, warning, error. Received: 'fatal'"),
        (("a", "loss > 1"), {"level": []}, ValueError, "info, warning, error"),
        (("a", "loss > 1"), {"message": 1}, TypeError, "message must be a string"),
        (("a", "loss > 1"), {"message": "a" * 301}, ValueError, "at most 300 characters"),
    ],
)
def test_what_is_set_is_checked_at_once(arguments, options, error, said):
    monitor = kcb.Monitor(display=False, alerts=False)
    with pytest.raises(error) as refused:
        monitor.alert(*arguments, **options)
    assert said in str(refused.value)
    assert monitor.alerts == []


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"alerts": "nan"}, TypeError, "True, False or a list of overfitting"),
        ({"alerts": None}, TypeError, "True, False or a list of"),
        ({"alerts": ["nan", "typo"]}, ValueError, "Received: 'typo'"),
        ({"alerts": [1]}, ValueError, "Received: 1"),
        ({"on_alert": "print"}, TypeError, "on_alert must be a function, or None. Received: 'print'"),
    ],
)
def test_what_a_monitor_is_given_is_checked_at_once(options, error, said):
    with pytest.raises(error) as refused:
        kcb.Monitor(display=False, **options)
    assert said in str(refused.value)


def test_an_alert_that_is_not_set_cannot_be_removed():
    monitor = kcb.Monitor(display=False, alerts=["nan"])
    with pytest.raises(ValueError, match=r"there are nan\. Received: 'typo'"):
        monitor.remove_alert("typo")
    monitor.remove_alert("nan")
    with pytest.raises(ValueError, match="there are none"):
        monitor.remove_alert("nan")


def test_the_alerts_are_listed_with_their_rules():
    monitor = kcb.Monitor(display=False, alerts=["nan"])
    monitor.alert("high", "  loss > 2 ", level="error", message="look")
    monitor.alert("mine", always)
    assert [(each.name, each.level, each.rule, each.message) for each in monitor.alerts] == [
        ("nan", "error", "a metric is NaN or infinite", ""),
        ("high", "error", "loss > 2", "look"),
        ("mine", "warning", "always(run)", ""),
    ]
    monitor.alert("nan", "loss != loss")
    assert [each.built_in for each in monitor.alerts] == [False, False, False]


def test_an_alert_is_an_event_and_the_function_is_told_off_the_training_thread():
    told, everything = [], threading.Event()

    def on_alert(alert, run):
        told.append((threading.get_ident(), alert.name, alert.message, run))
        everything.set()

    monitor = kcb.Monitor(display=False, alerts=False, on_alert=on_alert)
    monitor.alert("begun", "loss >= 0 and val_loss >= 0")
    run = fit(monitor, validation_split=0.25)
    assert everything.wait(60)
    assert alerts(run) == [(3, "begun")]
    (row,) = run.events[run.events["kind"] == "alert"].to_dict("records")
    assert row["new"] == "warning"
    ((thread, name, message, told_run),) = told
    assert thread != threading.get_ident()
    assert (name, message) == ("begun", row["message"])
    assert told_run is run


def test_a_function_that_is_told_may_fail(caplog):
    monitor = kcb.Monitor(display=False, alerts=False, on_alert=lambda alert, run: 1 / 0)
    monitor.alert("one", "epoch >= 1")
    monitor.alert("two", "epoch >= 2")
    run = fit(monitor, epochs=3)
    assert monitor._alerts.wait(60)
    assert alerts(run) == [(4, "one"), (8, "two")]
    errors = [(event.name, event.message) for event in run.events_list if event.kind == "error"]
    assert errors == [("on_alert", "ZeroDivisionError: division by zero")]
    assert any(record.exc_info for record in caplog.records)


def test_a_slow_function_holds_nothing_up_and_is_told_one_after_the_other():
    gate, inside, most, told = threading.Event(), [], [], []

    def slow(alert):
        inside.append(alert)
        most.append(len(inside))
        gate.wait(60)
        told.append(alert.name)
        inside.remove(alert)

    teller, run = Teller(slow), Record()
    for i in range(MAX_WAITING + 10):
        teller.tell(SimpleNamespace(name=i), run)
    assert not teller.wait(0)
    gate.set()
    assert teller.wait(60)
    assert max(most) == 1
    assert told == list(range(len(told)))
    assert MAX_WAITING <= len(told) <= MAX_WAITING + 1  # one may be in the function's hands already
    assert [event.name for event in run.events_list] == ["on_alert"]
    assert "are left out" in run.events_list[0].message
    teller.tell(SimpleNamespace(name="again"), run)
    assert teller.wait(60)
    assert told[-1] == "again"


def test_a_script_that_ends_right_after_its_fit_has_told_all():
    code = (
        "import threading\n"
        "from kcb_widgets.alerts.teller import Teller\n"
        "from kcb_widgets.record.record import Record\n"
        "begun = threading.Event()\n"
        "def tell(alert):\n"
        "    begun.wait(30); print('told', alert, flush=True)\n"
        "teller = Teller(tell); teller.tell(1, Record()); teller.tell(2, Record())\n"
        "import atexit; atexit.register(begun.set)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split("\n")[:2] == ["told 1", "told 2"]


def test_an_alert_that_is_set_during_a_fit_is_looked_at():
    monitor = kcb.Monitor(display=False, alerts=False)

    class Sets(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                monitor.alert("late", "loss >= 0")
                monitor.alert("typo", "los >= 0")

    network().fit(X, Y, epochs=3, batch_size=8, callbacks=[Sets(), monitor], verbose=0)
    assert alerts(monitor.run) == [(8, "late")]
    warnings = [event for event in monitor.run.events_list if event.kind == "warning"]
    assert [(event.step, event.name) for event in warnings] == [(8, "typo")]
    assert "los is not among the metrics" in warnings[0].message


def test_rules_of_batches_are_looked_at_between_batches(monkeypatch):
    for name in ("SLOW_CHECK_INTERVAL_S", "POLL_INTERVAL_S", "POLL_INTERVAL_UNSEEN_S"):
        monkeypatch.setattr(session, name, 0.0)
    monitor = kcb.Monitor(display=False, alerts=False)
    monitor.alert("batch", "batch_loss >= 0 and step >= 2")
    monitor.alert("epoch", "loss >= 0")
    run = fit(monitor, epochs=1)
    assert alerts(run) == [(2, "batch"), (4, "epoch")]
    own = run.batches["batch_loss"].iloc[1]
    assert run.events_list[0].message.startswith(
        f"batch_loss >= 0 and step >= 2: batch_loss = {format_metric(float(own))}"
    )


def test_training_is_the_same_bit_for_bit():
    def trained(monitor):
        model = network()
        history = model.fit(
            X, Y, epochs=4, batch_size=8, validation_split=0.25, callbacks=[monitor] if monitor else [], verbose=0
        )
        return [weights.tobytes() for weights in model.get_weights()], history.history

    monitor = kcb.Monitor(display=False, on_alert=lambda alert, run: None)
    for i in range(10):
        monitor.alert(f"rule {i}", f"mean(loss, 2) > {i} or batch_loss > best(val_loss) or step > 3")
    monitor.alert("function", lambda run: len(run.epochs) > 1)
    weights, history = trained(monitor)
    assert alerts(monitor.run)
    assert (weights, history) == trained(None)


def test_alerts_are_in_the_file_and_no_change_by_hand(tmp_path):
    monitor = kcb.Monitor(display=False, alerts=False, log_dir=tmp_path)
    monitor.alert("begun", "loss >= 0", level="info", message="é <b>")
    run = fit(monitor)
    opened = kcb.Run.open(run.path)
    (event,) = [event for event in opened.events_list if event.kind == "alert"]
    (live,) = [event for event in run.events_list if event.kind == "alert"]
    assert event == live
    assert (event.name, event.new, event.step) == ("begun", "info", 4)
    assert opened.alerts == []
    assert kcb.runs(tmp_path)["steered"].tolist() == [0]
    assert changes(opened) == []
    said = json.loads(opened.to_json(tmp_path / "run.json").read_text())
    assert [each["name"] for each in said["events"] if each["kind"] == "alert"] == ["begun"]


def test_a_replay_and_code_know_nothing_of_alerts():
    monitor = kcb.Monitor(display=False, alerts=False)
    monitor.alert("begun", "loss >= 0")
    run = fit(monitor)
    model = network()
    replay = run.replay()
    model.fit(X, Y, epochs=2, batch_size=8, callbacks=[replay], verbose=0)
    np.testing.assert_array_equal(run.batch_table.column("loss"), replay.run.batch_table.column("loss"))
    assert "begun" not in run.to_code()


def test_alerts_travel_with_a_monitor():
    monitor = kcb.Monitor(display=False, alerts=["nan"], on_alert=print)
    monitor.alert("high", "loss > 2", level="error", message="look")
    monitor.alert("function", always)
    monitor.alert("left", type("Local", (), {"__call__": lambda self, run: True})())
    there = pickle.loads(pickle.dumps(monitor))
    assert [(each.name, each.level, each.rule, each.message) for each in there.alerts][:3] == [
        ("nan", "error", "a metric is NaN or infinite", ""),
        ("high", "error", "loss > 2", "look"),
        ("function", "warning", "always(run)", ""),
    ]
    assert there._alerts.on_alert is print
    run = fit(there)
    assert (4, "function") in alerts(run)


def test_each_fit_has_its_own_and_an_inner_fit_has_none():
    monitor = kcb.Monitor(display=False, alerts=False, keep_runs=1)
    monitor.alert("begun", "epoch >= 1")

    class Inner(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            network().fit(X, Y, epochs=1, callbacks=[monitor], verbose=0)

    for _ in range(2):
        network().fit(X, Y, epochs=1, batch_size=8, callbacks=[Inner(), monitor], verbose=0)
    assert [alerts(run) for run in monitor.runs] == [[(4, "begun")]]


def test_a_loop_by_hand_has_alerts_too():
    model, monitor = network(), kcb.Monitor(display=False, alerts=False)
    monitor.alert("begun", "loss > 0 and epoch == 1")
    callbacks = keras.callbacks.CallbackList([monitor], model=model, epochs=2, steps=4)
    callbacks.on_train_begin()
    for epoch in range(2):
        callbacks.on_epoch_begin(epoch)
        for batch in range(4):
            callbacks.on_train_batch_begin(batch)
            logs = model.train_on_batch(X[:8], Y[:8], return_dict=True)
            callbacks.on_train_batch_end(batch, logs)
        callbacks.on_epoch_end(epoch, logs)
    callbacks.on_train_end()
    assert alerts(monitor.run) == [(4, "begun")]


def test_a_guard_that_goes_back_at_the_epochs_end_has_not_hidden_it():
    monitor = kcb.Monitor(
        display=False, alerts=["nan"], guard=kcb.Guard(metric="val_loss"), snapshots=kcb.Snapshots(each_epoch=True)
    )
    monitor.alert("gone", "not val_loss < 1e30")
    bad = (np.full((4, 4), np.nan, "float32"), np.zeros(4, "float32"))
    run = fit(monitor, validation_data=bad)
    kinds = [event.kind for event in run.events_list if event.kind in ("alert", "guard")]
    assert kinds[:2] == ["alert", "alert"]
    assert "guard" in kinds
