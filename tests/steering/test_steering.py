"""Steering a fit: flow, snapshots, guard, triggers and policies, in a backend's usual mode. test_modes.py has all."""

from __future__ import annotations

import math
import signal
import threading

import keras
import numpy as np
import pytest

import kcb_widgets as kcb

BACKEND = keras.backend.backend()


def fit(model, x, y, *callbacks, **kwargs):
    return model.fit(x, y, callbacks=list(callbacks), **({"batch_size": 2, "verbose": 0} | kwargs))


def kinds(monitor, *wanted):
    events = monitor.run.events
    return [kind for kind in events["kind"] if not wanted or kind in wanted]


class Helmsman:
    """Steers a background fit as a person would: waits until it is paused, and acts then."""

    def __init__(self, monitor):
        self.monitor, self.changed = monitor, threading.Event()
        self.end = monitor.run.subscribe(lambda run: self.changed.set())

    def until(self, condition, seconds=30):
        deadline = threading.Event()
        timer = threading.Timer(seconds, deadline.set)
        timer.start()
        try:
            while not condition():
                assert not deadline.is_set(), self.monitor.run.events
                self.changed.wait(0.05)
                self.changed.clear()
        finally:
            timer.cancel()

    def paused_at(self, step):
        self.until(lambda: self.monitor.run.status == "paused" and self.monitor.run.step == step)


@pytest.fixture
def background(unit_model, ones, weights):
    """A fit of two epochs of six batches, begun paused in the background, and who steers it."""
    fits = []

    def begin(model=None, **kwargs):
        monitor = kcb.Monitor(paused=True, **kwargs.pop("monitor", {}))
        model = model or unit_model()
        handle = monitor.fit(model, *ones, batch_size=2, epochs=2, callbacks=[weights], **kwargs)
        fits.append((monitor, handle))
        helmsman = Helmsman(monitor)
        helmsman.until(lambda: monitor.run.status == "paused")
        return monitor, handle, helmsman

    yield begin
    for monitor, handle in fits:
        if handle.running:
            monitor.stop()
            handle.wait(30)


# -- flow --------------------------------------------------------------------------------------------------------------


def test_it_begins_paused_steps_and_pauses_again_and_what_is_changed_meanwhile_governs(background, weights):
    monitor, handle, helmsman = background()
    assert monitor.run.step == 0
    monitor.step(2).wait(20)
    helmsman.paused_at(2)
    assert monitor.set(learning_rate=0.125).wait(20).step == 2
    monitor.step().wait(20)
    helmsman.paused_at(3)
    assert weights.moves == [0.5, 0.5, 0.125]
    monitor.finish_epoch().wait(20)
    helmsman.paused_at(6)
    assert len(monitor.run.epochs) == 1, "its validation and its end are part of an epoch"
    monitor.resume().wait(20)
    handle.wait(30)
    assert weights.moves == [0.5, 0.5] + [0.125] * 10
    assert kinds(monitor, "paused", "resumed") == ["resumed", "paused"] * 3 + ["resumed"]


def test_time_spent_paused_does_not_count_as_training(background):
    monitor, handle, helmsman = background()
    monitor.step(3).wait(20)
    helmsman.paused_at(3)
    before = monitor.run.seconds
    helmsman.until(lambda: monitor.run.seconds > before + 0.5)
    monitor.resume()
    handle.wait(30)
    assert monitor.run.throughput.seconds_per_step < 0.1
    assert monitor.run.epochs["seconds"].iloc[0] < monitor.run.seconds - 0.5


def test_an_interrupt_ends_a_pause(unit_model, ones):
    import _thread

    monitor = kcb.Monitor(paused=True)
    monitor.run.subscribe(lambda run: None, lambda: True)
    helmsman = Helmsman(monitor)
    # What a shell runs in the background ignores interrupts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt():
        helmsman.until(lambda: monitor.run.status == "paused")
        _thread.interrupt_main()

    person = threading.Thread(target=interrupt)
    person.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            fit(unit_model(), *ones, monitor)
    finally:
        signal.signal(signal.SIGINT, before)
    person.join()
    assert monitor.run.step == 0
    helmsman.until(lambda: monitor.run.over)


def test_where_nobody_could_resume_a_fit_that_begins_paused_goes_on(unit_model, ones):
    monitor = kcb.Monitor(paused=True)
    fit(unit_model(), *ones, monitor)
    assert monitor.run.status == "finished"
    assert "goes on" in monitor.run.events.query("kind == 'warning'")["message"].iloc[0]


@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize("after", ["batch", "epoch"])
def test_stop_after_the_batch_or_the_epoch_with_or_without_validation(unit_model, ones, at, after, validate):
    model, monitor = unit_model(), kcb.Monitor()
    stop = at(8, lambda: monitor.stop(after, validate=validate))
    history = fit(model, *ones, stop, monitor, epochs=5, validation_data=ones).history
    assert monitor.run.step == (8 if after == "batch" else 12)
    assert monitor.run.status == "stopped"
    assert len(history["loss"]) == 2
    assert len(history["val_loss"]) == (2 if validate else 1)
    assert "_should_eval" not in vars(model)
    assert len(fit(model, *ones, validation_data=ones).history["val_loss"]) == 1


@pytest.mark.parametrize(("epochs", "asked_at"), [(4, 3), (4, 12), (1, 3), (2, 3)])
def test_more_or_fewer_epochs_than_fit_was_told(unit_model, ones, at, weights, epochs, asked_at):
    model, monitor = unit_model(), kcb.Monitor()
    ask = at(asked_at, lambda: monitor.set(epochs=epochs))
    ends = []
    last = keras.callbacks.LambdaCallback(on_train_end=lambda logs: ends.append(logs))
    history = fit(model, *ones, ask, monitor, weights, last, epochs=2, validation_data=ones)
    assert history.epoch == list(range(epochs))
    assert len(weights.moves) == 6 * epochs
    assert set(weights.moves) == {0.5}
    assert len(ends) == 1
    assert ends[0]["loss"] == history.history["loss"][-1]
    assert monitor.run.status == "finished"
    assert monitor.run.params["epochs"] == epochs
    assert monitor.run.epochs.index.tolist() == list(range(epochs))


def test_epochs_that_have_begun_cannot_be_undone(unit_model, ones, at):
    monitor, errors = kcb.Monitor(), []

    def ask():
        with pytest.raises(ValueError, match="from 2"):
            monitor.set(epochs=1)
        errors.append("refused")

    fit(unit_model(), *ones, at(8, ask), monitor, epochs=2)
    assert errors == ["refused"]


# -- evaluate ----------------------------------------------------------------------------------------------------------


def test_evaluate_now_finds_what_evaluate_finds_and_disturbs_nothing(classifier, at):
    model, x, y = classifier()
    plain = fit(model, x, y, epochs=2, validation_split=0.25).history
    model, x, y = classifier()
    monitor, kept, replies = kcb.Monitor(), [], []

    def ask():
        replies.append(monitor.evaluate())
        kept.append(monitor.model.get_weights())

    history = fit(model, x, y, monitor, at(5, ask), epochs=2, validation_split=0.25).history
    assert history == plain
    model.set_weights(kept[0])
    found = model.evaluate(x[48:], y[48:], batch_size=2, verbose=0, return_dict=True)
    event = replies[0].wait(0)
    assert (event.kind, event.step) == ("evaluated", 5)
    assert event.new == pytest.approx(found["loss"], rel=1e-6)
    assert f"val_accuracy {found['accuracy']:.4g}" in event.message
    assert monitor.run.evaluation_table.rows == 1


def test_evaluate_before_the_first_batch_leaves_no_trace_in_the_metrics_it_makes(classifier):
    model, x, y = classifier()
    plain = fit(model, x, y, epochs=2, validation_split=0.25).history
    model, x, y = classifier()
    start = model.get_weights()
    monitor, replies = kcb.Monitor(), []
    ask = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: replies.append(monitor.evaluate()))
    history = fit(model, x, y, monitor, ask, epochs=2, validation_split=0.25).history
    assert history == plain
    event = replies[0].wait(0)
    assert (event.kind, event.step) == ("evaluated", 0)
    model.set_weights(start)
    found = model.evaluate(x[48:], y[48:], batch_size=2, verbose=0, return_dict=True)
    assert event.new == pytest.approx(found["loss"], rel=1e-6)


@pytest.mark.skipif(BACKEND != "torch", reason="only torch's modules have a training mode")
def test_after_evaluate_now_torchs_modules_are_in_training_mode_again(ones, at):
    class Mode(keras.layers.Layer):
        def call(self, x):
            seen.append(self.training)
            return x

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.mode, self.dense = Mode(), keras.layers.Dense(1)

        def call(self, x):
            return self.dense(self.mode(x))

    model, seen, monitor = Model(), [], kcb.Monitor()
    model.compile("sgd", "mse")
    begin = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.clear())
    fit(model, *ones, begin, monitor, at(3, monitor.evaluate), validation_data=(ones[0][:2], ones[1][:2]))
    assert kinds(monitor, "evaluated") == ["evaluated"]
    assert seen == [True] * 3 + [False] + [True] * 3 + [False], "six batches, evaluate after the third, validation"


def test_evaluate_uses_data_handed_to_monitor_and_says_when_there_is_none(unit_model, ones, at):
    model, monitor = unit_model(), kcb.Monitor(evaluate_on=(ones[0][:4] * 3, ones[1][:4]))
    replies = []
    fit(model, *ones, monitor, at(4, lambda: replies.append(monitor.evaluate())))
    assert replies[0].wait(0).new == pytest.approx(-6.0)  # four steps of 0.5 down, times 3
    monitor = kcb.Monitor()
    fit(model, *ones, monitor, at(1, lambda: replies.append(monitor.evaluate())))
    assert replies[1].wait(0).kind == "refused"
    assert "evaluate_on" in replies[1].wait(0).message


@pytest.mark.parametrize("when", [1, 4, 5])
def test_evaluating_on_data_that_the_model_refuses_leaves_the_training_as_it_was(unit_model, ones, at, when):
    plain, model, replies = unit_model(), unit_model(), []
    fit(plain, *ones)
    monitor = kcb.Monitor(evaluate_on=(np.ones((4, 7), "float32"), ones[1][:4]))
    fit(model, *ones, monitor, at(when, lambda: replies.append(monitor.evaluate())))
    assert monitor.run.status == "finished"
    assert replies[0].wait(0).kind == "refused"
    np.testing.assert_array_equal(model.get_weights()[0], plain.get_weights()[0])


# -- snapshots ---------------------------------------------------------------------------------------------------------


def test_after_a_rollback_the_next_steps_repeat_bit_for_bit(classifier, at):
    model, x, y = classifier()
    x, y = np.tile(x[:2], (12, 1)), np.tile(y[:2], (12, 1))  # every batch has the same data
    monitor, weights = kcb.Monitor(), []
    log = keras.callbacks.LambdaCallback(on_train_batch_end=lambda b, logs: weights.append(log.model.get_weights()))
    fit(model, x, y, at(3, monitor.snapshot), at(7, monitor.rollback), monitor, log, shuffle=False)
    assert len(weights) == 12
    for before, after in zip(weights[3:7], weights[7:11], strict=True):
        for a, b in zip(before, after, strict=True):
            assert np.array_equal(a, b)
    assert monitor.run.branches == [{"from": 3, "to": 7}]
    own = monitor.run.batches["batch_loss"]
    assert np.allclose(own.loc[4:7], own.loc[8:11], rtol=1e-4), "batch values are recovered across the rollback"


def test_a_rollback_leaves_the_learning_rate_as_it_is(unit_model, ones, at, weights):
    monitor = kcb.Monitor()
    change = at(3, lambda: monitor.set(learning_rate=0.25))
    fit(unit_model(), *ones, at(2, monitor.snapshot), change, at(4, monitor.rollback), monitor, weights)
    assert weights.seen == [0.0, -0.5, -1.0, -1.5, -1.75, -1.25, -1.5]


def test_snapshots_are_taken_at_each_epoch_and_at_each_best_value_and_the_best_is_kept(unit_model, ones):
    monitor = kcb.Monitor(snapshots=kcb.Snapshots(each_epoch=True, best="val_loss", keep=2))
    rates = keras.callbacks.LearningRateScheduler(lambda epoch: [0.5, 0.5, -0.5, -0.5][epoch])
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append([(s["kind"], s["step"]) for s in monitor.run.snapshots])
    )
    fit(unit_model(), *ones, monitor, rates, watch, epochs=4, validation_data=ones)
    assert seen == [[], [("best", 6)], [("best", 6), ("best", 12)], [("best", 12), ("epoch", 18)]]
    assert kinds(monitor, "snapshot") == ["snapshot"] * 4


def test_the_oldest_snapshot_goes_when_memory_is_short(unit_model, ones, at):
    size = 4 + np.dtype(keras.optimizers.SGD().iterations.dtype).itemsize  # the weight and the count of iterations
    monitor = kcb.Monitor(snapshots=kcb.Snapshots(megabytes=2.5 * size / 2**20))
    takes = [at(n, monitor.snapshot) for n in (1, 2, 3)]
    kept = []
    fit(unit_model(), *ones, *takes, monitor, at(5, lambda: kept.extend(s["step"] for s in monitor.run.snapshots)))
    assert kept == [2, 3]
    monitor = kcb.Monitor(snapshots=kcb.Snapshots(megabytes=(size - 1) / 2**20))
    replies = []
    fit(unit_model(), *ones, at(1, lambda: replies.append(monitor.snapshot())), monitor)
    assert "more than" in replies[0].wait(0).message


def test_snapshots_are_forgotten_and_unknown_ones_refused(unit_model, ones, at):
    monitor, replies = kcb.Monitor(), []
    steps = [
        at(1, monitor.snapshot),
        at(2, lambda: replies.append(monitor.rollback("nope"))),
        at(3, lambda: replies.append(monitor.forget("1"))),
        at(4, lambda: replies.append(monitor.rollback())),
    ]
    fit(unit_model(), *ones, *steps, monitor)
    assert [reply.wait(0).kind for reply in replies] == ["refused", "applied", "refused"]
    assert monitor.run.status == "finished"


def test_save_writes_a_file_that_loads(unit_model, ones, at, tmp_path):
    model, monitor = unit_model(), kcb.Monitor(save_to=tmp_path / "new folder")
    replies = []
    fit(model, *ones, at(2, lambda: replies.append(monitor.save())), monitor)
    path = tmp_path / "new folder" / "run-1-step-2.keras"
    assert replies[0].wait(0).new == str(path)
    assert keras.models.load_model(path, compile=False).get_weights()[0].item() == -1.0
    with pytest.raises(ValueError, match=r"\.keras"):
        monitor.save("model.h5")


# -- the guard ---------------------------------------------------------------------------------------------------------


def poisoned(ones, at, value=math.nan):
    x = ones[0].copy()
    x[2 * at : 2 * at + 2] = value
    return x, ones[1]


def test_the_guard_rolls_back_on_nan_and_lowers_the_rate(unit_model, ones, weights):
    monitor = kcb.Monitor(guard=kcb.Guard(factor=0.5))
    history = fit(unit_model(), *poisoned(ones, 3), monitor, weights, epochs=1, shuffle=False).history
    assert weights.seen[:4] == [0.0, -0.5, -1.0, -1.5]
    assert math.isnan(weights.seen[4])
    assert weights.seen[5:] == [-0.25, -0.5], "back at the beginning, with half the rate"
    assert math.isfinite(history["loss"][0])
    events = monitor.run.events
    assert events.loc[events["source"] == "guard", "kind"].tolist() == ["guard", "rollback", "applied"]


def test_the_guard_notices_a_leap(unit_model, ones, weights):
    x, y = np.tile(ones[0], (6, 1)), np.tile(ones[1], (6, 1))
    x[60:62] = -1e4  # the loss is the prediction: it goes down by 0.5 a batch, and leaps up here
    monitor = kcb.Monitor(guard=kcb.Guard(spike=10))
    fit(unit_model(), x, y, monitor, weights, shuffle=False)
    message = monitor.run.events.query("kind == 'guard'")["message"].tolist()
    assert len(message) == 1
    assert "loss leapt to" in message[0]
    assert monitor.run.branches == [{"from": 0, "to": 31}]


def test_the_guard_acts_no_more_often_than_it_may_and_stops_where_nobody_could_resume(unit_model, ones):
    monitor = kcb.Monitor(guard=kcb.Guard(limit=2))
    fit(unit_model(), ones[0] * math.nan, ones[1], monitor, epochs=3)
    assert kinds(monitor, "guard", "rollback", "stop") == ["guard", "rollback", "guard", "rollback", "guard", "stop"]
    assert monitor.run.status == "stopped"
    assert monitor.run.step == 3


def test_the_guard_pauses_where_somebody_is_there(background, unit_model, ones):
    monitor = kcb.Monitor(guard=kcb.Guard(action="pause", spike=None))
    handle = monitor.fit(unit_model(), ones[0] * math.nan, ones[1], batch_size=2)
    helmsman = Helmsman(monitor)
    helmsman.paused_at(1)
    monitor.resume()
    handle.wait(30)
    assert kinds(monitor, "guard", "paused", "resumed") == ["guard", "paused", "resumed"]
    assert monitor.run.status == "finished"


# -- hold --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("monitor_first", [True, False])
def test_a_held_rate_is_kept_against_a_scheduler_and_the_record_says_so(unit_model, ones, at, weights, monitor_first):
    monitor = kcb.Monitor()
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch: 0.5)
    pair = [monitor, scheduler] if monitor_first else [scheduler, monitor]
    change, hold = at(2, lambda: monitor.set(learning_rate=0.125)), at(2, monitor.hold)
    release = at(14, lambda: monitor.hold(on=False))
    fit(unit_model(), *ones, change, hold, release, *pair, weights, epochs=4)
    assert weights.moves == [0.5] * 2 + [0.125] * 16 + [0.5] * 6
    held = monitor.run.events.query("kind == 'held'")
    assert held["source"].tolist() == ["LearningRateScheduler"] * 2
    assert kinds(monitor, "changed") == ["changed"]


# -- the user's own ----------------------------------------------------------------------------------------------------


def test_own_controls_are_read_in_the_users_code(unit_model, ones, at):
    monitor, seen = kcb.Monitor(), []
    monitor.add_control("temperature", 1.0, min=0.1, max=10, log=True)
    monitor.add_control("noisy", True)
    monitor.add_control("palette", "warm", choices=["warm", "cold"])
    read = keras.callbacks.LambdaCallback(on_train_batch_end=lambda b, logs: seen.append(dict(monitor.values)))
    change = at(2, lambda: monitor.set({"temperature": 2, "noisy": False}, palette="cold"))
    fit(unit_model(), *ones, read, change, monitor)
    assert seen[1] == {"temperature": 1.0, "noisy": True, "palette": "warm"}
    assert seen[3] == {"temperature": 2.0, "noisy": False, "palette": "cold"}
    applied = monitor.run.events.query("kind == 'applied'")
    assert applied["name"].tolist() == ["temperature", "noisy", "palette"]
    with pytest.raises(KeyError):
        monitor.values["unknown"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("learning_rate", 1.0), ValueError),
        (("pause", 1.0), ValueError),
        (("", 1.0), TypeError),
        (("a", "text"), TypeError),
        (("a", math.nan), ValueError),
    ],
)
def test_impossible_controls_are_refused_when_they_are_made(arguments, error):
    with pytest.raises(error, match="Received"):
        kcb.Monitor().add_control(*arguments)


def test_buttons_run_on_the_training_thread_and_a_failing_one_is_an_event(unit_model, ones, at):
    monitor, calls = kcb.Monitor(), []
    monitor.add_button("note", lambda given: calls.append((given, threading.current_thread(), monitor.run.step)))
    monitor.add_button("plain", lambda: calls.append("plain"))
    monitor.add_button("broken", lambda: 1 / 0)
    replies = []
    names = ("note", "plain", "broken", "unknown")
    press = at(2, lambda: replies.extend(monitor.press(name) for name in names))
    fit(unit_model(), *ones, press, monitor)
    assert calls == [(monitor, threading.current_thread(), 2), "plain"]
    assert [reply.wait(0).kind for reply in replies] == ["trigger", "trigger", "error", "refused"]
    assert "ZeroDivisionError" in replies[2].wait(0).message
    assert monitor.run.status == "finished"


def test_a_policy_steers_and_its_events_say_so(unit_model, ones, weights):
    monitor, seen = kcb.Monitor(), []

    def halve(run, monitor):
        seen.append(run.step)
        monitor.set(learning_rate=run.values["learning_rate"] / 2)

    monitor.add_policy(halve, every=4)
    monitor.add_policy(lambda: 1 / 0)
    fit(unit_model(), *ones, monitor, weights, epochs=2)
    assert seen == [4, 8]
    assert weights.moves == [0.5] * 4 + [0.25] * 4 + [0.125] * 4
    events = monitor.run.events
    assert events.loc[events["kind"] == "applied", "source"].tolist() == ["policy", "policy"]
    assert "ZeroDivisionError" in events.query("kind == 'error'")["message"].iloc[0]
    for wrong, error in ((0, ValueError), ("batch", ValueError), (True, TypeError)):
        with pytest.raises(error, match="every"):
            monitor.add_policy(halve, every=wrong)


# -- what cannot be ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        ({"learning_rate": math.nan}, ValueError, "finite"),
        ({"learning_rate": "fast"}, TypeError, "number"),
        ({"momentum": 1.5}, ValueError, "below 1"),
        ({"momentum": True}, TypeError, "number"),
        ({"learning_rat": 0.1}, ValueError, "there are learning_rate"),
        ({"epochs": 2.5}, ValueError, "whole"),
        ({"learning_rate_hold": 1}, TypeError, "True or False"),
        ({"pause": 1}, ValueError, "monitor.pause"),
        ({}, TypeError, "at least one"),
    ],
)
def test_wrong_values_raise_at_once_in_python_and_training_goes_on(unit_model, ones, at, values, error, words):
    monitor, raised = kcb.Monitor(), []

    def ask():
        with pytest.raises(error, match=words):
            monitor.set(values)
        raised.append(True)

    fit(unit_model(), *ones, at(2, ask), monitor)
    assert raised == [True]
    assert monitor.run.status == "finished"
    assert "applied" not in kinds(monitor)


def test_momentum_of_an_optimizer_that_could_not_hold_it_is_disabled_with_the_reason(unit_model, ones, at):
    class Own(keras.optimizers.SGD):
        pass

    Own.__module__ = "somewhere.else"
    monitor, replies = kcb.Monitor(), []
    ask = at(2, lambda: replies.append(monitor.set(momentum=0.5)))
    fit(unit_model(Own(0.5)), *ones, ask, monitor)
    assert replies[0].wait(0).kind == "refused"
    shown = {control["name"]: control for control in monitor.run.controls}["momentum"]
    assert shown["enabled"] is False
    assert "0 when the optimizer was built" in shown["reason"]


def test_two_ways_of_clipping_exclude_each_other(unit_model, ones, at, weights):
    monitor, replies = kcb.Monitor(), []
    steps = [
        at(1, lambda: monitor.set(clipnorm=0.5)),
        at(2, lambda: replies.append(monitor.set(clipvalue=0.25))),
        at(3, lambda: monitor.set(clipnorm=None)),
        at(4, lambda: monitor.set(clipvalue=0.25)),
    ]
    fit(unit_model(), *ones, *steps, monitor, weights)
    assert weights.moves == [0.5, 0.25, 0.25, 0.5, 0.125, 0.125]
    assert "switch clipnorm off first" in replies[0].wait(0).message


# -- traces ------------------------------------------------------------------------------------------------------------


def left_behind(model):
    """What of ours is in a model: it should be nothing."""
    optimizers = [model.optimizer]
    found = [name for name in vars(model) if name == "_should_eval"]
    for optimizer in optimizers:
        found += [
            name for name in vars(optimizer) if name in ("get_config", "save_own_variables", "load_own_variables")
        ]
        found += [v.path for v in optimizer.variables if "live" in v.path]
        found += [
            k for k, v in optimizer.get_config().items() if not isinstance(v, (int, float, str, bool, type(None)))
        ]
    return found


@pytest.mark.parametrize("end", ["regular", "exception"])
def test_when_the_fit_is_over_nothing_of_ours_is_left_in_the_model(unit_model, ones, at, end):
    def crash():
        raise RuntimeError("a callback's")

    optimizer = keras.optimizers.Adam(0.1)
    before = optimizer.get_config()
    model, monitor = unit_model(optimizer), kcb.Monitor()
    touch = at(2, lambda: monitor.set(beta_1=0.8, epsilon=1e-3, weight_decay=0.1))
    back = at(4, lambda: monitor.set(beta_1=0.9, epsilon=1e-7, weight_decay=None))
    ending = at(6, crash if end == "exception" else (lambda: None))
    try:
        fit(model, *ones, touch, back, monitor, ending)
    except RuntimeError:
        Helmsman(monitor).until(lambda: monitor.run.over)
    assert len(monitor.run.events.query("kind == 'applied'")) == 6
    assert left_behind(model) == []
    assert optimizer.get_config() == before
    assert [v.path.split("/")[-1] for v in optimizer.variables][:2] == ["iteration", "learning_rate"]
    assert len(optimizer.variables) == 4
    fit(model, *ones)


def test_a_checkpoint_saved_while_values_are_live_loads_without_us(unit_model, ones, at, tmp_path):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 100, 0.5)
    model, monitor = unit_model(keras.optimizers.Adam(schedule)), kcb.Monitor()
    touch = at(1, lambda: monitor.set(beta_1=0.8, learning_rate_factor=2))
    fit(model, *ones, touch, at(4, lambda: monitor.save(tmp_path / "live.keras")), monitor)
    loaded = keras.models.load_model(tmp_path / "live.keras", compile=True, custom_objects={"mean_prediction": abs})
    assert type(loaded.optimizer._learning_rate) is keras.optimizers.schedules.ExponentialDecay
    assert loaded.optimizer.beta_1 == pytest.approx(0.8)
    assert int(loaded.optimizer.iterations) == 4
    assert len(loaded.optimizer.variables) == len(model.optimizer.variables) == 3


def test_tables_and_figures_tell_the_abandoned_from_what_was_kept(unit_model, ones, at):
    monitor = kcb.Monitor()
    steps = [at(2, monitor.snapshot), at(4, monitor.rollback), at(5, lambda: monitor.set(momentum=0.5))]
    fit(unit_model(), *ones, *steps, monitor, validation_data=ones)
    assert monitor.run.batches["abandoned"].tolist() == [False, False, True, True, False, False]
    figure = monitor.run.plot()
    assert [axis.get_title() for axis in figure.axes] == ["loss", "learning_rate", "momentum"]
    faint = [line for line in figure.axes[0].get_lines() if line.get_alpha() == 0.2]
    assert np.isfinite(faint[0].get_ydata()).tolist() == [False, False, True, True, False, False]


class TwoOptimizers(keras.Model):
    """A training step of its own, as in a GAN: two optimizers, and the compiled one is not used."""

    def __init__(self, **compile_args):
        super().__init__()
        self.one, self.two = (keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros") for _ in range(2))
        self.build((None, 1))

    def build(self, shape):
        self.one.build(shape)
        self.two.build(shape)

    def compile(self, first, second):
        super().compile()
        self.first, self.second = first, second

    def call(self, x):
        return self.one(x) + self.two(x)

    def train_step(self, data):
        loss, gradients = (by_torch if BACKEND == "torch" else by_tensorflow)(self, data[0])
        self.first.apply(gradients[:1], self.one.trainable_variables)
        self.second.apply(gradients[1:], self.two.trainable_variables)
        return {"loss": loss}


def by_tensorflow(model, x):
    """A model's mean prediction, and its gradients."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model(x))
    return loss, tape.gradient(loss, model.trainable_variables)


def by_torch(model, x):
    """A model's mean prediction, and its gradients."""
    import torch

    loss = torch.mean(model(x))
    return loss.detach(), torch.autograd.grad(loss, [variable.value for variable in model.trainable_variables])


@pytest.mark.skipif(BACKEND == "jax", reason="on JAX Keras hands the state of the compiled optimizer alone to a step")
def test_a_training_step_with_optimizers_of_its_own(ones, at):
    model, monitor = TwoOptimizers(), kcb.Monitor()
    model.compile(keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.25))
    replies, seen = [], []
    weights = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda b, logs: seen.append([float(w.ravel()[0]) for w in model.get_weights()])
    )
    steps = [
        at(2, lambda: replies.append(monitor.set({"second.learning_rate": 1.0, "learning_rate": 0.1}))),
        at(3, monitor.snapshot),
        at(4, monitor.rollback),
    ]
    fit(model, *ones, weights, *steps, monitor)
    assert seen[:5] == [[-0.5, -0.25], [-1.0, -0.5], [-1.5, -1.5], [-2.0, -2.5], [-2.0, -2.5]]
    assert [event.kind for event in replies[0].events] == ["applied", "refused"]
    assert "takes no part" in replies[0].events[1].message
    assert monitor.run.status == "finished"


def test_a_model_that_cannot_be_read_has_fewer_controls_and_trains_on(unit_model, ones, monkeypatch, weights):
    from kcb_widgets.steering.controls import layers

    def broken(*args):
        raise RuntimeError("an exotic layer")

    monkeypatch.setattr(layers, "find", broken)
    monitor = kcb.Monitor()
    fit(unit_model(), *ones, monitor, weights)
    assert set(weights.moves) == {0.5}
    assert "exotic" in monitor.run.events.query("kind == 'warning'")["message"].iloc[0]


def test_going_back_to_an_abandoned_stretch_makes_it_live_again():
    run = kcb.Run()
    run.branches = [{"from": 2, "to": 6}, {"from": 4, "to": 8}, {"from": 10, "to": 12}]
    # 8 -> back to 4, which lies on the stretch 3..6 that the first rollback left.
    assert np.flatnonzero(run.abandoned(np.arange(1, 15))).tolist() == [4, 5, 6, 7, 10, 11]


def test_a_stop_by_another_callback_in_the_last_epoch_is_a_stop(unit_model, ones):
    class Stops(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 2

    monitor = kcb.Monitor()
    fit(unit_model(), *ones, monitor, Stops(), epochs=1)
    assert monitor.run.status == "stopped"


def test_a_rate_that_is_not_a_number_is_reported_once(unit_model, ones):
    monitor = kcb.Monitor()
    spoil = keras.callbacks.LearningRateScheduler(lambda epoch: math.nan)
    fit(unit_model(), *ones, monitor, spoil, epochs=3)
    assert kinds(monitor, "changed") == ["changed"]
