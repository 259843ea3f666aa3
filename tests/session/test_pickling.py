"""A Monitor travels to another process as a fresh one with the same options; a run that is over as it is."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import cloudpickle
import keras
import numpy as np
import pandas as pd
import pytest

import kcb_widgets as kcb


def fit(model, x, y, *callbacks, **kwargs):
    return model.fit(x, y, callbacks=list(callbacks), **({"batch_size": 4, "verbose": 0} | kwargs))


def press(monitor):
    """A button's function, which pickle finds by its name."""


def policy(run, monitor):
    """A policy, likewise."""


class Mine(kcb.Monitor):
    """A subclass with arguments and attributes of its own."""

    def __init__(self, tag, **kwargs):
        super().__init__(**kwargs)
        self.tag, self.lock = tag, threading.Lock()


OPTIONS = {
    "display": False,
    "paused": True,
    "snapshots": kcb.Snapshots(each_epoch=True, keep=3),
    "guard": kcb.Guard(action="pause", factor=0.25),
    "save_to": "models",
    "keep_runs": 5,
}


def described(monitor):
    options, data = monitor._options, monitor._options.evaluate_on
    return {
        "display": monitor._display,
        "paused": options.paused,
        "snapshots": options.snapshots,
        "guard": options.guard,
        "save_to": str(options.save_to),
        "keep_runs": monitor._keep_runs,
        "evaluate_on": None if data is None else [part.tolist() for part in data],
        "values": dict(monitor.values),
        "controls": [control.describe() for control in monitor._user_controls.controls.values()],
        "buttons": {name: function.__name__ for name, function in monitor._user_controls._buttons.items()},
        "policies": [(policy.every, policy.name) for policy in monitor._policies.all],
        "runs": len(monitor.runs),
        "training": monitor.training,
    }


def furnished(button, rule, ones):
    monitor = kcb.Monitor(evaluate_on=ones, **OPTIONS)
    monitor.add_control("noise", 0.5, min=0.001, max=2, log=True)
    monitor.add_control("mode", "a", choices=["a", "b"])
    monitor.add_button("go", button)
    monitor.add_policy(rule)
    monitor.add_policy(rule, every=7)
    return monitor


COPIES = {
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "cloudpickle": lambda x: pickle.loads(cloudpickle.dumps(x)),
}


@pytest.mark.parametrize("way", COPIES.values(), ids=COPIES)
def test_a_monitor_comes_back_fresh_with_the_same_options(unit_model, ones, way):
    monitor = furnished(press, policy, ones)
    fit(unit_model(), *ones, monitor)
    monitor._user_controls.controls["noise"].write(0.25)
    other = way(monitor)
    assert described(other) == described(monitor) | {"runs": 0}
    assert other is not monitor
    assert other._inbox is not monitor._inbox
    assert not other.run.events_list
    fit(unit_model(), *ones, other)
    assert (other.run.number, other.run.status, other.run.step) == (1, "finished", 3)
    assert len(monitor.runs) == 1


@pytest.mark.parametrize("way", COPIES.values(), ids=COPIES)
def test_functions_without_a_name_travel_by_cloudpickle(ones, way):
    pressed = []
    monitor = furnished(lambda monitor: "pressed", lambda run, monitor: "seen", ones)
    other = way(monitor)
    assert described(other) == described(monitor)
    assert other._user_controls._buttons["go"](other) == "pressed"
    assert [policy.function(None, None) for policy in other._policies.all] == ["seen"] * 2
    assert not pressed


@pytest.mark.parametrize("way", COPIES.values(), ids=COPIES)
def test_what_cannot_be_pickled_is_left_behind_and_said(unit_model, ones, way):
    lock = threading.Lock()
    monitor = kcb.Monitor(evaluate_on=(each for each in [ones]), keep_runs=2)

    def locked(monitor):
        return lock

    monitor.add_button("locked", locked)
    monitor.add_policy(locked)
    monitor.add_control("noise", 0.5)
    other = way(monitor)
    assert other._options.evaluate_on is None
    assert dict(other.values) == {"noise": 0.5}
    assert (other._user_controls._buttons, other._policies.all, other._keep_runs) == ({}, (), 2)
    said = [(event.kind, event.name, event.message.split(" could not be")[0]) for event in other.run.events_list]
    assert said == [("warning", "pickle", what) for what in ("evaluate_on", "button locked", "policy locked")]
    fit(unit_model(), *ones, other)
    assert len([event for event in other.run.events_list if event.name == "pickle"]) == 3


@pytest.mark.parametrize("way", COPIES.values(), ids=COPIES)
def test_a_subclass_takes_its_own_attributes_along(way):
    other = way(Mine({"a": [1, 2]}, keep_runs=3))
    assert (type(other), other.tag, other._keep_runs) == (Mine, {"a": [1, 2]}, 3)
    assert not hasattr(other, "lock")
    assert ["attribute lock" in event.message for event in other.run.events_list] == [True]


def test_a_copy_of_a_monitor_is_itself():
    monitor = kcb.Monitor()
    assert copy.copy(monitor) is monitor
    assert copy.deepcopy([monitor])[0] is monitor


def test_a_monitor_can_be_pickled_while_its_fit_runs(unit_model, ones):
    monitor, others = kcb.Monitor(keep_runs=3), []
    take = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: others.append(COPIES["pickle"](monitor))
    )
    fit(unit_model(), *ones, monitor, take)
    assert [(other.training, other.runs, other._keep_runs) for other in others] == [(False, [], 3)] * 3
    assert monitor.run.status == "finished"


def work(monitor, run, queue):
    """In another process."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 1)), np.ones((8, 1)), batch_size=2, epochs=2, verbose=0, callbacks=[monitor])
    queue.put((described(monitor), monitor.run, run, len(run.plot().axes)))


def same(one, other):
    for frame in ("epochs", "batches", "events"):
        pd.testing.assert_frame_equal(getattr(one, frame), getattr(other, frame), check_exact=True)
    assert (one.over, one.status, one.message) == (other.over, other.status, other.message)
    assert (one.step, one.seconds, repr(one)) == (other.step, other.seconds, repr(other))
    assert (one.values, one.nonfinite, one.branches, one.params) == (
        other.values,
        other.nonfinite,
        other.branches,
        other.params,
    )


def test_both_travel_to_a_process_that_is_spawned_and_a_run_comes_back(unit_model, ones):
    monitor = kcb.Monitor(keep_runs=2, display=False, evaluate_on=ones)
    fit(unit_model(), *ones, monitor, validation_data=ones)
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=work, args=(monitor, monitor.run, queue))
    process.start()
    there, run, returned, axes = queue.get(timeout=120)
    process.join(60)
    assert there == described(monitor) | {"runs": 1}
    assert (run.status, run.step, len(run.batches), len(run.epochs)) == ("finished", 8, 8, 2)
    same(returned, monitor.run)
    assert axes == len(monitor.run.plot().axes)


def test_cloudpickle_carries_a_main_modules_fit_to_another_process(tmp_path):
    """As Ray does: the function and its Monitor, a lambda among its buttons, by value."""
    script = """
import sys, cloudpickle, numpy as np, keras, kcb_widgets as kcb
monitor = kcb.Monitor(keep_runs=4)
monitor.add_button("go", lambda: 42)
def policy(run, monitor):
    monitor.stop()
monitor.add_policy(policy)
def train():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 1)), np.ones((8, 1)), batch_size=2, epochs=5, verbose=0, callbacks=[monitor])
    return monitor
open(sys.argv[1], "wb").write(cloudpickle.dumps(train))
"""
    path = tmp_path / "train.pkl"
    subprocess.run([sys.executable, "-c", script, path], check=True)
    monitor = pickle.loads(Path(path).read_bytes())()
    assert (monitor.run.status, len(monitor.run.epochs), monitor._keep_runs) == ("stopped", 1, 4)
    assert monitor._user_controls._buttons["go"]() == 42


# -- runs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [*COPIES.values(), copy.copy, copy.deepcopy], ids=[*COPIES, "copy", "deepcopy"])
def test_a_run_that_is_over_is_equal_wherever_it_is(classifier, way, at):
    model, x, y = classifier()
    monitor = kcb.Monitor(snapshots=kcb.Snapshots(each_epoch=True))
    monitor.run.subscribe(lambda run: None)
    steer = [at(20, lambda: monitor.set(learning_rate=0.25)), at(40, monitor.rollback), at(50, monitor.evaluate)]
    fit(model, x, y, monitor, *steer, epochs=5, validation_split=0.25)
    run = monitor.run
    other = way(run)
    same(other, run)
    assert "abandoned" in other.batches
    one, two = (
        [(axis.get_title(), [line.get_xydata().tolist() for line in axis.get_lines()]) for axis in each.plot().axes]
        for each in (run, other)
    )
    assert repr(one) == repr(two)
    assert other.hooks.describe(run.step) == run.hooks.describe(run.step)
    assert other.cards == run.cards
    assert not other.watched
    assert other.to_code() == run.to_code()
    assert kcb.Board(other).run is other


def test_a_run_of_more_rows_than_a_tables_chunk_is_equal_too():
    run = kcb.Run()
    run.begin_epoch(0)
    for batch in range(70_000):
        run.append(batch, {"loss": 1.0 / (batch + 1)} | ({"late": float("nan")} if batch > 69_000 else {}))
    run.end_epoch(0, {"loss": 1.0})
    run.finish("finished")
    other = COPIES["pickle"](run)
    same(other, run)
    assert other.batch_table.is_missing(100, "late")
    assert not other.batch_table.is_missing(69_500, "late")


def test_a_run_under_way_is_not_pickled(unit_model, ones):
    monitor, errors = kcb.Monitor(), []

    class Take(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            for way in (pickle.dumps, cloudpickle.dumps, copy.copy):
                with pytest.raises(TypeError, match=r"only a run that is over can be pickled or copied.* <Run 1"):
                    way(monitor.run)
                errors.append(way)

    fit(unit_model(), *ones, monitor, Take())
    assert len(errors) == 3
    assert monitor.run.status == "finished"
