"""The end of an epoch: no step of it takes another with it; and policies that are added while a fit is under way."""

from __future__ import annotations

import functools
import importlib
import threading

import keras
import pytest

import kcb_widgets as kcb

TINY = kcb.Snapshots(each_epoch=True, best="loss", megabytes=1e-6)


def fit(model, x, y, *callbacks, **kwargs):
    return model.fit(x, y, callbacks=list(callbacks), **({"batch_size": 2, "verbose": 0, "epochs": 3} | kwargs))


def of(monitor, *kinds):
    return [event for event in monitor.run.events_list if event.kind in kinds]


def test_a_snapshot_that_is_too_large_is_an_event_once_and_nothing_else(unit_model, ones):
    monitor, seen = kcb.Monitor(snapshots=TINY), []
    monitor.add_policy(lambda run: seen.append(run.step))
    fit(unit_model(), *ones, monitor, epochs=4)
    assert seen == [6, 12, 18, 24]
    refused = of(monitor, "refused")
    assert [(event.name, event.new, event.step) for event in refused] == [("snapshot", "best", 6)]
    assert "more than the" in refused[0].message
    assert refused[0].message.count(" B") == 2
    assert not of(monitor, "error")
    assert monitor.run.status == "finished"


@pytest.mark.parametrize("snapshots", [TINY, kcb.Snapshots(each_epoch=True)], ids=["too large", "fits"])
def test_all_that_is_to_happen_at_an_epochs_end_happens(unit_model, ones, at, snapshots):
    monitor = kcb.Monitor(snapshots=snapshots)
    fit(unit_model(), *ones, at(8, lambda: monitor.stop("epoch")), monitor, epochs=5)
    assert (monitor.run.step, monitor.run.status) == (12, "stopped")
    monitor = kcb.Monitor(snapshots=snapshots)
    fit(unit_model(), *ones, at(2, lambda: monitor.set(epochs=4)), monitor, epochs=2)
    assert (monitor.run.step, monitor.run.status) == (24, "finished")
    monitor = kcb.Monitor(snapshots=snapshots)
    monitor.run.subscribe(lambda run: monitor.resume() if run.status == "paused" else None)
    fit(unit_model(), *ones, at(2, monitor.finish_epoch), monitor, epochs=2)
    assert [(event.step, event.message) for event in of(monitor, "paused")] == [(6, "the epoch is done")]


BROKEN = {
    "snapshots": ("kcb_widgets.steering.snapshots.SnapshotStore", "due"),
    "guard": ("kcb_widgets.steering.guard_runner.GuardRunner", "epoch_ends"),
    "commands": ("kcb_widgets.steering.command_executor.CommandExecutor", "apply"),
    "weights of batches": ("kcb_widgets.session.metric_weights.MetricWeights", "end_epoch"),
    "learning rates": ("kcb_widgets.steering.control_registry.ControlRegistry", "check_rates"),
    "messages": ("kcb_widgets.session.session.Session", "poll"),
    "record": ("kcb_widgets.run.Run", "end_epoch"),
    "pause": ("kcb_widgets.session.session.Session", "wait_while_paused"),
    "policies": ("kcb_widgets.steering.policies.Turns", "by_epoch"),
}


@pytest.mark.parametrize("step", BROKEN)
def test_whatever_step_of_an_epochs_end_fails_the_others_are_done(unit_model, ones, at, monkeypatch, step):
    """Each is made to fail from the first epoch's end on; stop("epoch") was asked for before."""
    place, name = BROKEN[step]
    module, _, kind = place.rpartition(".")
    monitor, seen = kcb.Monitor(snapshots=kcb.Snapshots(each_epoch=True), guard=kcb.Guard("val_loss")), []
    monitor.add_policy(lambda run: seen.append(run.step))

    def fail(*args, **kwargs):
        raise RuntimeError("broken on purpose")

    def act():
        if step == "pause":
            monitor.finish_epoch()
        else:
            monitor.stop("epoch")

    class Break(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 5:
                monkeypatch.setattr(getattr(importlib.import_module(module), kind), name, fail)
                if step == "commands":
                    monitor.snapshot()  # it waits for the epoch's end

    fit(unit_model(), *ones, at(3, act), monitor, Break(), epochs=1 if step == "pause" else 3)
    monkeypatch.undo()
    broken = [event for event in of(monitor, "error") if "broken on purpose" in event.message]
    assert broken
    assert monitor.run.step == 6, "it stopped with the epoch"
    if step != "policies":
        assert seen == [6]
    if step != "snapshots":
        assert [event.name for event in of(monitor, "snapshot")] == ["guard", "epoch"]


def test_before_a_batch_too_a_step_that_fails_takes_no_other_with_it(unit_model, ones, at, monkeypatch, weights):
    from kcb_widgets.steering.automatic_snapshots import AutomaticSnapshots

    def fail(self):
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(AutomaticSnapshots, "before_batch", fail)
    monitor = kcb.Monitor(guard=kcb.Guard())
    begin = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: monitor.set(learning_rate=0.125))
    fit(unit_model(), *ones, monitor, begin, weights, epochs=1)
    assert weights.moves == [0.125] * 6


# -- policies ----------------------------------------------------------------------------------------------------------


def test_a_policy_added_during_a_fit_counts_its_batches_from_there(unit_model, ones, at):
    monitor, seen = kcb.Monitor(), []
    fit(unit_model(), *ones, at(4, lambda: monitor.add_policy(lambda run: seen.append(run.step), every=3)), monitor)
    assert seen == [7, 10, 13, 16]
    seen.clear()
    fit(unit_model(), *ones, monitor, epochs=1)
    assert seen == [3], "in the next fit from its beginning"


def test_policies_added_by_a_policy_and_at_an_epochs_end(unit_model, ones):
    monitor, seen = kcb.Monitor(), []

    def second(run):
        seen.append(("second", run.step))

    def first(run):
        seen.append(("first", run.step))
        if len(seen) == 1:
            monitor.add_policy(second, every=4)
            monitor.add_policy(lambda run: seen.append(("epoch", run.step)))

    monitor.add_policy(first)
    fit(unit_model(), *ones, monitor)
    assert seen == [
        ("first", 6),
        ("second", 10),
        ("first", 12),
        ("epoch", 12),
        ("second", 14),
        ("first", 18),
        ("epoch", 18),
    ]


def test_policies_added_by_other_threads_all_take_part(unit_model, ones):
    """Each thread adds while batches go by; none is lost, and each is called at the very next batch."""
    monitor, calls, count = kcb.Monitor(), [], 40
    go, added = threading.Event(), threading.Barrier(5)

    def note(who, run):
        calls.append(who)

    def add(thread):
        go.wait(30)
        for i in range(count):
            monitor.add_policy(functools.partial(note, (thread, i)), every=1)
        added.wait(30)

    threads = [threading.Thread(target=add, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()

    class Meet(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if monitor.run.step == 2:
                go.set()
            if monitor.run.step == 5:
                added.wait(30)

    fit(unit_model(), *ones, Meet(), monitor, epochs=2)
    for thread in threads:
        thread.join(30)
    wanted = {(thread, i) for thread in range(4) for i in range(count)}
    assert set(calls) == wanted
    assert calls[-len(wanted) :] == calls[-2 * len(wanted) : -len(wanted)], "each once before each batch, in one order"
    assert not of(monitor, "error")


def test_a_continued_fit_counts_a_policys_batches_from_where_it_goes_on(unit_model, ones):
    monitor, seen, model = kcb.Monitor(), [], unit_model()
    monitor.add_policy(lambda run: seen.append(run.step), every=4)
    fit(model, *ones, monitor, epochs=1)
    fit(model, *ones, monitor, epochs=2, initial_epoch=1)
    assert seen == [4, 10]
