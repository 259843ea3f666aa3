"""A fit that a callback stopped says which, why and what it did, and has one mark of it at the right step."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import kcb_widgets as kcb

C = keras.callbacks


class Score(C.Callback):
    """Puts a metric of our choice into the logs."""

    def __init__(self, *values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs["score"] = self.values[min(epoch, len(self.values) - 1)]


class MyCallback(C.Callback):
    """Stops the fit in one of its hooks, the ``at``-th time that it is called."""

    def __init__(self, hook, at=2):
        super().__init__()
        self.count, self.at = 0, at
        setattr(self, hook, self.stop)

    def stop(self, *args, **kwargs):
        self.count += 1
        if self.count == self.at:
            self.model.stop_training = True


def fit(model, x, y, *callbacks, **kwargs):
    return model.fit(x, y, callbacks=list(callbacks), **({"batch_size": 2, "verbose": 0, "epochs": 9} | kwargs))


def told(monitor):
    """How it ended, and its marks: source, message and step."""
    run = monitor.run
    stops = [(e.source, e.message, e.step) for e in run.events_list if e.kind == "stop"]
    return run.status, run.message, stops


def in_order(first, monitor, *callbacks):
    return [monitor, *callbacks] if first else [*callbacks, monitor]


@pytest.mark.parametrize("first", [True, False], ids=["monitor first", "monitor last"])
@pytest.mark.parametrize("restore", [True, False], ids=["restores", "stays"])
def test_early_stopping_says_why_and_which_weights_are_back(unit_model, ones, first, restore):
    monitor, model = kcb.Monitor(), unit_model()
    stopping = C.EarlyStopping("score", patience=3, mode="min", restore_best_weights=restore)
    seen = []

    class Looks(C.Callback):
        def on_train_end(self, logs=None):
            seen.append([e.message for e in monitor.run.events_list if e.kind == "stop"])

    fit(model, *ones, Score(9, 8, 9), *in_order(first, monitor, Looks(), stopping))
    why = "EarlyStopping: no better score for 3 epochs"
    whole = f"{why}; the weights of epoch 2 are back" if restore else why
    assert told(monitor) == ("stopped", whole, [("EarlyStopping", whole, 30)])
    assert seen == [[why]]  # not before they are
    assert model.get_weights()[0].item() == pytest.approx(-6.0 if restore else -15.0)


def test_of_two_it_is_the_one_that_stopped_it(unit_model, ones):
    monitor = kcb.Monitor()
    patient, hasty = (C.EarlyStopping("score", patience=patience, mode="min") for patience in (5, 1))
    fit(unit_model(), *ones, Score(9), patient, hasty, monitor)
    message = "EarlyStopping 2: no better score for 1 epoch"
    assert told(monitor) == ("stopped", message, [("EarlyStopping 2", message, 12)])


def test_a_baseline_that_was_not_reached_is_told(unit_model, ones):
    monitor = kcb.Monitor()
    fit(unit_model(), *ones, Score(9, 8, 8), C.EarlyStopping("score", patience=3, mode="min", baseline=1.0), monitor)
    assert told(monitor)[1] == "EarlyStopping: no score better than the baseline 1 for 3 epochs"


@pytest.mark.parametrize("ending", ["by itself", "asked for"])
def test_weights_that_come_back_are_told_whoever_ended_the_fit(unit_model, ones, at, ending):
    monitor = kcb.Monitor()
    stopping = C.EarlyStopping("score", patience=9, mode="min", restore_best_weights=True)
    stop = at(13, monitor.stop) if ending == "asked for" else at(99, monitor.stop)
    fit(unit_model(), *ones, Score(9, 8, 9), stopping, stop, monitor, epochs=3)
    status = "stopped" if ending == "asked for" else "finished"
    assert told(monitor)[:2] == (status, "EarlyStopping: the weights of epoch 2 are back")
    assert len(told(monitor)[2]) == (ending == "asked for")


def test_a_subclass_that_restores_in_its_own_way_is_believed_nothing(unit_model, ones):
    class Mine(C.EarlyStopping):
        def on_train_end(self, logs=None):
            pass

    monitor, model = kcb.Monitor(), unit_model()
    fit(model, *ones, Score(9, 8, 9), Mine("score", patience=3, mode="min", restore_best_weights=True), monitor)
    assert told(monitor)[1] == "Mine: no better score for 3 epochs"
    assert model.get_weights()[0].item() == pytest.approx(-15.0)


@pytest.mark.parametrize("first", [True, False], ids=["monitor first", "monitor last"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_terminate_on_nan_names_the_batch(unit_model, ones, first, value):
    monitor = kcb.Monitor()
    x = ones[0].copy()
    x[6] = value
    model = unit_model(optimizer=keras.optimizers.SGD(0.0))
    model.set_weights([np.ones((1, 1), "float32")])
    fit(model, x, ones[1], *in_order(first, monitor, C.TerminateOnNaN()), shuffle=False)
    message = f"TerminateOnNaN: loss was {'NaN' if np.isnan(value) else 'infinite'} at batch 4 of epoch 1"
    assert told(monitor) == ("stopped", message, [("TerminateOnNaN", message, 4)])


@pytest.mark.parametrize("first", [True, False], ids=["monitor first", "monitor last"])
@pytest.mark.parametrize(
    ("hook", "step"),
    [
        ("on_train_batch_begin", 2),  # Keras trains that batch still
        ("on_batch_end", 2),
        ("on_train_batch_end", 2),
        ("on_epoch_begin", 7),
        ("on_epoch_end", 12),
        ("on_test_batch_end", 6),
    ],
)
def test_a_callback_of_the_users_is_named(unit_model, ones, first, hook, step):
    monitor = kcb.Monitor()
    fit(unit_model(), *ones, *in_order(first, monitor, MyCallback(hook)), validation_data=ones)
    status, message, stops = told(monitor)
    assert (status, message) == ("stopped", "MyCallback stopped it")
    assert [stop[:2] for stop in stops] == [("MyCallback", "MyCallback stopped it")]
    begins = {"on_train_batch_begin": 1, "on_epoch_begin": 6}  # where it is asked for, before the batch
    assert stops[0][2] == begins.get(hook, step)
    assert monitor.run.step == (step if "test" in hook or hook == "on_epoch_end" else max(step, 2))


def test_where_nobody_was_seen_nobody_is_accused(unit_model, ones):
    model, monitor = unit_model(), kcb.Monitor()
    real = model.get_metrics_result

    def get_metrics_result():
        if monitor.run.step >= 6:
            model.stop_training = True
        return real()

    model.get_metrics_result = get_metrics_result
    fit(model, *ones, monitor)
    message = "model.stop_training was set, not by a callback that is watched"
    assert told(monitor) == ("stopped", message, [("", message, 6)])


def test_a_stop_of_ours_is_told_once_and_no_callback_is_named(unit_model, ones, at):
    monitor = kcb.Monitor()
    fit(unit_model(), *ones, monitor, at(3, monitor.stop))
    assert [stop[0] for stop in told(monitor)[2]] == ["python"]
    assert told(monitor)[:2] == ("stopped", "")
