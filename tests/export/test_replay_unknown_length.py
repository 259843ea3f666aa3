"""Data of unknown length: a replay and the code do what was done to the run, before and after Keras's extra step."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from reproduce import LEFT_OUT, differences, fit, unlike

import kcb_widgets as kcb

pytestmark = pytest.mark.filterwarnings("ignore")
BACKEND = keras.backend.backend()
LENGTH = 5  # batches in an epoch


def batches():
    rng = np.random.default_rng(0)
    x = rng.random((LENGTH, 4, 6)).astype("float32")
    return [(one, (one.sum(axis=1) > 3).astype("float32")[:, None]) for one in x]


def filtered():
    """A dataset that Keras cannot count."""
    import tensorflow as tf

    x, y = (np.stack(part) for part in zip(*batches(), strict=True))
    return tf.data.Dataset.from_tensor_slices((x, y)).filter(lambda x, y: True)


def eager():
    return {"run_eagerly": True}


def xla():
    return {"jit_compile": True}


def model(optimizer=None, validated=False, **compile_args):
    """A function that makes a model whose every part moves in half a step: iterations, decay, dropout's numbers."""

    def make():
        layers = [
            keras.layers.Dense(6, "relu", name="hidden", kernel_regularizer=keras.regularizers.L2(0.01)),
            keras.layers.Dropout(0.3, name="dropout"),
            keras.layers.Dense(4, "tanh", name="narrow"),
        ]
        made = keras.Sequential([keras.Input((6,)), *layers, keras.layers.Dense(1, "sigmoid", name="out")])
        chosen = optimizer() if optimizer else keras.optimizers.Adam(0.01, weight_decay=0.1)
        made.compile(chosen, "binary_crossentropy", **compile_args)
        told = {"x": filtered(), "epochs": 3}
        if validated:
            x, y = batches()[0]
            told["validation_data"] = x, y
        return made, told

    return make


def put(**values):
    return lambda m: m.set({name.replace("__", "."): value for name, value in values.items()})


def snapshot(m):
    m.snapshot()


def rollback(m):
    m.rollback()


def test_what_keras_does_at_the_end_of_each_epoch():
    """TensorFlow without XLA does all of one more step that does not need the data; no other way does any of it.

    It is one graph, with the batch read in it: what does not depend on the batch is done before the end of the data is
    found. With XLA the step is one operation, which comes after. Eagerly, and on JAX, the batch is read first.
    """
    counts = {}
    for name, arguments in (("graph", {"jit_compile": False}), ("eager", eager()), ("xla", xla())):
        if BACKEND == "torch" and name == "xla":
            continue
        made, run = fit(model(**arguments), None, kcb.Monitor())
        counts[name] = int(keras.ops.convert_to_numpy(made.optimizer.iterations)) - 3 * LENGTH
        assert run.ran_out == ([0, 1, 2] if BACKEND != "torch" else [])
    assert counts.pop("graph") == (3 if BACKEND == "tensorflow" else 0)
    assert set(counts.values()) == {0}


# `Steering` stands before Monitor, so that what it asks for after a batch is done at once, if it may be then.
CASES = {
    "nothing": {},
    "a rate with the last batch": {LENGTH: put(learning_rate=0.1)},
    "a rate at the end of the epoch": {("epoch", 0): put(learning_rate=0.1)},
    "both": {LENGTH: put(learning_rate=0.3), ("epoch", 0): put(learning_rate=0.1)},
    "what has to wait, with the last batch": {
        LENGTH: put(dropout__rate=0.6),
        2 * LENGTH: put(hidden__kernel_regularizer__l2=0.1),
    },
    "decay with the last batch": {LENGTH: put(weight_decay=0.5), 2 * LENGTH: put(weight_decay=0.01)},
    "snapshots at the end of epochs": {("epoch", 0): snapshot, ("epoch", 1): rollback, 12: put(learning_rate=0.2)},
    "snapshots with the last batch": {LENGTH: snapshot, 8: rollback, 2 * LENGTH: rollback},
    "a snapshot with it, and back at the end": {LENGTH: snapshot, ("epoch", 1): rollback},
    "a stop in mid-epoch": {3: put(learning_rate=0.1), 7: lambda m: m.stop()},
    "a stop in mid-epoch, unvalidated": {7: lambda m: m.stop(validate=False)},
    "a stop with the last batch": {2 * LENGTH: lambda m: m.stop()},
    "a stop after the epoch": {7: lambda m: m.stop("epoch")},
    "a stop after the epoch, unvalidated": {7: lambda m: m.stop("epoch", validate=False)},
    "more epochs": {3: put(epochs=4), ("epoch", 2): put(learning_rate=0.1)},
    "fewer epochs": {3: put(epochs=2), ("epoch", 0): put(learning_rate=0.1)},
    "in the last epoch": {("epoch", 1): snapshot, ("epoch", 2): rollback, 3 * LENGTH: put(learning_rate=0.1)},
}  # fmt: skip


def exact(make, steer, monitor=None, **more):
    run, source, found = unlike(make, steer, monitor, **more)
    assert found == []
    assert [(e.name, e.message) for e in run.events_list if e.kind in ("refused", "error")] == []
    assert LEFT_OUT not in source
    return run, source


@pytest.mark.parametrize("case", CASES)
def test_what_was_done_around_the_end_of_an_epoch(case):
    exact(model(validated="stop" in case), CASES[case])


@pytest.mark.parametrize("arguments", [eager, xla])
def test_where_the_extra_step_does_nothing(arguments):
    if BACKEND == "torch":
        pytest.skip("torch has no such step")
    steer = {LENGTH: put(learning_rate=0.3), 7: snapshot, ("epoch", 1): rollback, 12: put(dropout__rate=0.6)}
    exact(model(**arguments()), steer)


def test_with_validation():
    steer = {LENGTH: put(learning_rate=0.3), ("epoch", 0): put(learning_rate=0.1), ("epoch", 1): put(dropout__rate=0.6)}
    exact(model(validated=True), steer)


def test_freezing_with_the_last_batch():
    run, source, found = unlike(
        model(), {LENGTH: put(narrow__trainable=False), 2 * LENGTH: put(narrow__trainable=True)}
    )
    assert found == []
    assert len([event for event in run.events_list if event.kind == "applied"]) == 2
    assert (LEFT_OUT in source) == (BACKEND == "jax")


def policy(run, monitor):
    """Half the rate at each epoch's end, and back to the epoch before at the second."""
    monitor.set(learning_rate=run.values["learning_rate"] * 0.5)
    if run.epoch == 1:
        monitor.rollback("1")


def test_a_policy_at_the_end_of_epochs():
    monitor = kcb.Monitor(snapshots=kcb.Snapshots(each_epoch=True))
    monitor.add_policy(policy)
    run, _ = exact(model(), {}, monitor)
    assert any(event.kind == "rollback" for event in run.events_list)


def test_a_policy_every_few_batches():
    monitor = kcb.Monitor()
    monitor.add_policy(lambda run, monitor: monitor.set(learning_rate=run.values["learning_rate"] * 0.7), every=LENGTH)
    exact(model(), {}, monitor)


def plateau():
    return keras.callbacks.ReduceLROnPlateau(monitor="loss", mode="max", patience=1, factor=0.5, min_delta=0)


@pytest.mark.parametrize("place", ["before", "after"])
def test_what_another_callback_wrote_at_the_end_of_epochs(place):
    more = {place: [plateau], "kept": []}
    run, _ = exact(model(), {("epoch", 1): put(learning_rate=0.2), LENGTH: put(learning_rate=0.02)}, **more)
    assert any(event.kind == "changed" for event in run.events_list)
    if place == "before":
        exact(model(), {LENGTH: put(learning_rate=0.02)}, replayed=[], **more)


def test_a_change_with_the_last_batch_is_not_lost():
    """JAX puts back the state of the last batch when it finds no more data, and with it the rate of then."""
    made, run = fit(model(), {LENGTH: put(learning_rate=0.25)}, kcb.Monitor())
    assert [(event.name, event.step) for event in run.events_list if event.kind == "applied"] == [
        ("learning_rate", LENGTH)
    ]
    assert float(keras.ops.convert_to_numpy(made.optimizer.learning_rate)) == 0.25


@pytest.mark.parametrize("when", [LENGTH, LENGTH - 1])
def test_an_evaluation_with_the_last_batch_leaves_the_fit_alone(when):
    plain, _ = fit(model(validated=True), None, kcb.Monitor())
    made, run = fit(model(validated=True), {when: lambda m: m.evaluate()}, kcb.Monitor())
    assert [event.step for event in run.events_list if event.kind == "evaluated"] == [when]
    assert run.status == "finished"
    assert differences(plain, made) == []
