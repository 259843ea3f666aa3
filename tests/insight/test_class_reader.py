"""Classes are read while a real model trains, and the training does not notice."""

from __future__ import annotations

import pickle

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from sklearn import metrics

import kcb_widgets as kcb
from kcb_widgets.insight import class_reader, samples

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 6)).astype("float32")
Y = (X[:, :3].argmax(axis=1)).astype("int32")
VALIDATION = (X[60:], Y[60:])


def model_of(classes=3, dropout=0.3, activation="softmax", loss="sparse_categorical_crossentropy"):
    keras.utils.set_random_seed(7)
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dropout(dropout), keras.layers.BatchNormalization()]
    model = keras.Sequential([keras.Input((6,)), *layers, keras.layers.Dense(classes, activation)])
    model.compile(keras.optimizers.Adam(0.02), loss)
    return model


def train(monitor, model=None, epochs=3, y=Y, **more):
    model = model_of() if model is None else model
    callbacks = [] if monitor is None else [monitor]
    told = {"validation_data": VALIDATION} | more
    history = model.fit(X[:60], y[:60], epochs=epochs, batch_size=20, verbose=0, callbacks=callbacks, **told)
    return model, history.history


def events(run):
    return [event.message for event in run.events_list if event.name == "classes"]


def test_what_is_recorded_is_what_the_model_says_at_the_last_epoch_s_end():
    monitor = kcb.Monitor(record=["classes"], class_names=["a", "b", "c"])
    model, _ = train(monitor)
    run = monitor.run
    theirs = model.predict(VALIDATION[0], verbose=0)
    expected = metrics.confusion_matrix(VALIDATION[1], theirs.argmax(axis=1), labels=[0, 1, 2])
    np.testing.assert_array_equal(run.confusion(), expected)
    assert list(run.confusion().index) == ["a", "b", "c"]
    np.testing.assert_allclose(run.predictions()["probability_1"], theirs.max(axis=1), rtol=1e-5)
    assert run.scores().attrs["accuracy"] == pytest.approx(metrics.accuracy_score(VALIDATION[1], theirs.argmax(axis=1)))
    assert run.scores().attrs["epoch"] == 2
    assert run.insights.samples == "30 samples of the validation data"
    assert events(run) == []


def test_nothing_is_read_unless_somebody_looks_or_it_was_asked_for():
    monitor = kcb.Monitor()
    train(monitor)
    assert monitor.run.insights.classes == []
    with pytest.raises(LookupError, match=r"Monitor\(record=\['classes'\]\) records it"):
        monitor.run.confusion()


def test_training_is_the_same_bit_for_bit():
    plain, history = train(None)
    monitor = kcb.Monitor(record=["classes"])
    watched, same = train(monitor)
    assert monitor.run.insights.classes
    assert history == same
    for one, other in zip(plain.variables, watched.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    for one, other in zip(plain.optimizer.variables, watched.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_samples_may_be_given_and_weighed():
    weight = np.linspace(0.1, 1, 30)
    monitor = kcb.Monitor(record=["classes"], samples=(*VALIDATION, weight))
    model, _ = train(monitor, validation_data=None)
    said = model.predict(VALIDATION[0], verbose=0).argmax(axis=1)
    expected = metrics.confusion_matrix(VALIDATION[1], said, labels=[0, 1, 2], sample_weight=weight)
    np.testing.assert_allclose(monitor.run.confusion(), expected)


def test_samples_are_the_first_of_many(monkeypatch):
    monkeypatch.setattr(samples, "MOST", 7)
    for data in (VALIDATION, tf.data.Dataset.from_tensor_slices(VALIDATION).batch(4)):
        monitor = kcb.Monitor(record=["classes"])
        train(monitor, validation_data=data)
        table = monitor.run.predictions()
        assert len(table) == 7
        assert table["truth"].tolist() == [str(each) for each in VALIDATION[1][:7]]
        assert monitor.run.insights.samples.startswith("the first 7 ")


def test_pictures_are_few(monkeypatch):
    pictures = np.zeros((100, 4, 4, 1), "float32")
    assert samples.from_validation((pictures, np.zeros(100))).count == 64


def test_a_split_of_fit_s_own_is_used():
    monitor = kcb.Monitor(record=["classes"])
    train(monitor, validation_data=None, validation_split=0.25)
    assert monitor.run.predictions()["truth"].tolist() == [str(each) for each in Y[45:60]]


def generator():
    for at in range(60, 90, 10):
        yield X[at : at + 10], Y[at : at + 10]


@pytest.mark.parametrize("data", [None, "generator"])
def test_what_cannot_be_read_twice_is_not_touched_and_says_what_to_do(data):
    monitor = kcb.Monitor(record=["classes"])
    more = {"validation_data": generator(), "validation_steps": 1} if data else {"validation_data": None}
    _, history = train(monitor, **more)
    assert monitor.run.status == "finished"
    (message,) = events(monitor.run)
    assert message.endswith("give Monitor samples=(x, y)")
    with pytest.raises(LookupError, match="samples="):
        monitor.run.scores()
    assert len(history["loss"]) == 3


@pytest.mark.parametrize(
    "given", [(np.zeros((5, 4), "float32"), np.zeros(5)), (np.array([["a"] * 6] * 5), np.zeros(5))]
)
def test_samples_that_the_model_refuses_are_an_event_and_training_goes_on(given):
    monitor = kcb.Monitor(record=["classes"], samples=given)
    train(monitor)
    assert monitor.run.status == "finished"
    (message,) = events(monitor.run)
    assert message.startswith("the model could not be read with the samples: ")


def test_numbers_are_no_classes():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    monitor = kcb.Monitor(record=["classes"])
    train(monitor, model, y=X[:, 0], validation_data=(X[60:], X[60:, 0]))
    assert events(monitor.run) == ["one output whose truth is not 0 or 1, or whose loss is not of classes, is a number"]


def test_logits_that_the_loss_takes_for_probabilities_are_told_once():
    monitor = kcb.Monitor(record=["classes"])
    train(monitor, model_of(activation="linear"))
    (message,) = events(monitor.run)
    assert message.startswith("the loss expects probabilities, and the outputs ")
    assert monitor.run.scores().attrs["expected_calibration_error"] is None


def test_outputs_that_are_not_finite_are_told_once():
    monitor = kcb.Monitor(record=["classes"])
    broken = (np.where(np.arange(30)[:, None] < 4, np.nan, X[60:]), Y[60:])
    train(monitor, validation_data=broken)
    assert events(monitor.run) == ["the outputs of 4 of 30 samples are not finite: they are left out"]
    assert monitor.run.scores().attrs["left_out"] == 4
    assert monitor.run.predictions().index.tolist() == list(range(4, 30))


def test_names_that_do_not_fit_are_told_and_numbers_stand_for_them():
    monitor = kcb.Monitor(record=["classes"], class_names=["a", "b"])
    train(monitor)
    assert events(monitor.run) == ["there are 2 class_names, and the model has 3 classes: they are numbered"]
    assert list(monitor.run.scores().index) == ["0", "1", "2"]


def test_it_costs_no_more_than_a_part_of_the_fit(monkeypatch):
    monkeypatch.setattr(class_reader, "BUDGET", 0.0)
    monitor = kcb.Monitor(record=["classes"])
    train(monitor, epochs=6)
    assert [each.epoch for each in monitor.run.insights.classes] == [0, 5]  # the first, and the last in any case
    assert monitor.run.insights.skipped == 4
    monkeypatch.setattr(class_reader, "BUDGET", 1.0)
    monitor = kcb.Monitor(record=["classes"])
    train(monitor, epochs=4)
    assert [each.epoch for each in monitor.run.insights.classes] == [0, 1, 2, 3]
    assert monitor.run.confusion(epoch=1).to_numpy().sum() == 30
    with pytest.raises(LookupError, match="there are 0, 1, 2, 3"):
        monitor.run.confusion(epoch=9)


def test_much_is_thinned_and_the_first_the_best_and_the_last_stay(monkeypatch):
    from kcb_widgets.record import insights

    monkeypatch.setattr(class_reader, "BUDGET", 1.0)
    monitor = kcb.Monitor(record=["classes"])
    train(monitor, epochs=1)
    size = monitor.run.insights.classes[0].bytes
    monkeypatch.setattr(insights, "MAX_BYTES", 5 * size)
    train(monitor, epochs=12)
    found = monitor.run.insights.classes
    epochs = [each.epoch for each in found]
    assert len(epochs) <= 6
    assert (epochs[0], epochs[-1]) == (0, 11)


def test_a_run_keeps_what_was_seen_when_it_is_pickled():
    monitor = kcb.Monitor(record=["classes"])
    train(monitor)
    again = pickle.loads(pickle.dumps(monitor.run))
    pd.testing.assert_frame_equal(again.confusion(), monitor.run.confusion())


def test_what_a_monitor_was_told_travels():
    given = {"samples": (*VALIDATION, np.ones(30)), "class_names": ["a", "b", "c"], "record": ["classes"]}
    monitor = pickle.loads(pickle.dumps(kcb.Monitor(**given)))
    train(monitor, validation_data=None)
    assert list(monitor.run.confusion().index) == ["a", "b", "c"]
    assert monitor.run.confusion().to_numpy().sum() == 30


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"samples": X}, TypeError),
        ({"samples": (X, Y[:3])}, ValueError),
        ({"samples": (X[:0], Y[:0])}, ValueError),
        ({"class_names": "abc"}, TypeError),
        ({"class_names": ["a", "a"]}, ValueError),
        ({"record": "classes"}, TypeError),
        ({"record": ["feelings"]}, ValueError),
    ],
)
def test_options_are_checked(options, error):
    with pytest.raises(error):
        kcb.Monitor(**options)
