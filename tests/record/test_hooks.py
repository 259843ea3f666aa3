"""The hooks record: what ran, in which order, with what, and where the wall time of an epoch goes."""

from __future__ import annotations

import gc
import json
import time

import keras
import numpy as np
import pytest

import kcb_widgets as kcb


def fit(model, x, *callbacks, **kwargs):
    return model.fit(x, callbacks=list(callbacks), **({"verbose": 0} | kwargs))


def described(monitor):
    run = monitor.run
    return json.loads(json.dumps(run.hooks.describe(run.batch_table.rows), allow_nan=False))


def rows(monitor):
    return {row["name"]: row for row in described(monitor)["rows"]}


def parts(monitor):
    return {part["name"]: part["seconds"] for part in described(monitor)["epoch"]["parts"]}


def nap(seconds):
    """Sleep; returns how long, which is up to the machine."""
    began = time.perf_counter()
    time.sleep(seconds)
    return time.perf_counter() - began


class Naps(keras.callbacks.Callback):
    """Sleeps in each hook, a different time; ``slept`` is how long in this epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.slept = 0.0

    def on_train_batch_begin(self, batch, logs=None):
        self.slept += nap(0.004)

    def on_train_batch_end(self, batch, logs=None):
        self.slept += nap(0.006)

    def on_test_batch_end(self, batch, logs=None):
        self.slept += nap(0.003)

    def on_epoch_end(self, epoch, logs=None):
        self.slept += nap(0.02)


class Data(keras.utils.PyDataset):
    """Batches of ``unit_model``, each after a while."""

    def __init__(self, seconds, **kwargs):
        super().__init__(**kwargs)
        self.seconds = seconds

    def __len__(self):
        return 25

    def __getitem__(self, index):
        time.sleep(self.seconds)
        return np.ones((2, 1), "float32"), np.ones((2, 1), "float32")


def generator(seconds):
    while True:
        time.sleep(seconds)
        yield np.ones((2, 1), "float32"), np.ones((2, 1), "float32")


def test_order_counts_and_log_keys_are_those_of_keras(unit_model, ones):
    counted = {}

    def counting(name):
        def hook(self, *args, **kwargs):
            counted[name] = counted.get(name, 0) + 1

        return hook

    names = [name for name in dir(keras.callbacks.Callback) if name.startswith("on_")]
    Count = type("Count", (keras.callbacks.Callback,), {name: counting(name) for name in names})
    monitor = kcb.Monitor()
    model = unit_model()
    model.fit(*ones, batch_size=2, epochs=2, validation_data=ones, verbose=0, callbacks=[monitor])
    found = described(monitor)
    one = ["on_train_batch_begin/end ×6", "on_test_begin", "on_test_batch_begin/end ×6", "on_test_end", "on_epoch_end"]  # noqa: RUF001
    assert found["trace"] == ["on_train_begin", "on_epoch_begin", *one, "on_epoch_begin", *one, "on_train_end"]
    model.fit(*ones, batch_size=2, epochs=2, validation_data=ones, verbose=0, callbacks=[Count()])
    counts = {name: row["count"] for name, row in rows(monitor).items()}
    assert counts == {name: counted[name] for name in counts}
    assert [row["name"] for row in found["rows"]] == [
        *("on_train_begin", "on_epoch_begin", "on_train_batch_begin"),
        *("on_train_batch_end", "on_epoch_end", "on_train_end"),
        *("on_test_begin", "on_test_batch_begin", "on_test_batch_end", "on_test_end"),
    ]  # fmt: skip
    keys = {name: row["keys"] for name, row in rows(monitor).items() if row["keys"]}
    assert keys == {
        "on_train_batch_end": ["loss"], "on_epoch_end": ["loss", "val_loss"], "on_train_end": ["loss", "val_loss"],
        "on_test_batch_end": ["loss"], "on_test_end": ["loss"],
    }  # fmt: skip
    assert {row["phase"] for row in found["rows"]} == {"train", "test"}


def test_evaluate_and_predict_outside_of_a_fit_are_recorded_too(unit_model, ones):
    monitor, model = kcb.Monitor(), unit_model()
    model.evaluate(*ones, batch_size=2, verbose=0, callbacks=[monitor])
    model.predict(ones[0], batch_size=3, verbose=0, callbacks=[monitor])
    found = rows(monitor)
    assert {name: row["count"] for name, row in found.items()} == {
        "on_test_begin": 1, "on_test_batch_begin": 6, "on_test_batch_end": 6, "on_test_end": 1,
        "on_predict_begin": 1, "on_predict_batch_begin": 4, "on_predict_batch_end": 4, "on_predict_end": 1,
    }  # fmt: skip
    assert found["on_predict_batch_end"]["keys"] == ["outputs"]
    assert monitor.run.status == "waiting"


@pytest.mark.parametrize("first", [True, False])
def test_the_time_of_an_epoch_is_where_it_was_spent_wherever_monitor_stands(unit_model, ones, first):
    monitor, naps, took = kcb.Monitor(), Naps(), []

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            took.append(time.perf_counter())

        on_train_end = lambda self, logs=None: took.append(time.perf_counter())  # noqa: E731

    order = [monitor, naps, Clock()] if first else [Clock(), naps, monitor]
    unit_model().fit(*ones, batch_size=1, epochs=3, validation_data=ones, verbose=0, callbacks=order)
    found, epoch = parts(monitor), described(monitor)["epoch"]
    least = 12 * (0.004 + 0.006 + 0.003) + 0.02  # twelve batches, and twelve of validation
    assert least <= naps.slept <= found["Naps"] < 1.2 * naps.slept
    assert epoch["total"] == pytest.approx(took[-1] - took[-2], rel=0.1)
    assert sum(found.values()) == pytest.approx(epoch["total"], rel=0.01)
    assert found["step"] < 1.01 * epoch["total"] - naps.slept, "what the neighbour slept is not the step's"
    assert rows(monitor)["on_epoch_end"]["seconds"] >= 0.06
    assert described(monitor)["bound"] == ""


def test_a_pause_is_no_part_of_an_epoch(unit_model, ones):
    monitor = kcb.Monitor(paused=True)
    handle = monitor.fit(unit_model(), *ones, batch_size=2)
    deadline = time.monotonic() + 30
    while monitor.run.status != "paused" and time.monotonic() < deadline:
        time.sleep(0.01)
    until = monitor.run.seconds + 0.7
    while monitor.run.seconds < until:
        time.sleep(0.01)
    monitor.resume()
    handle.wait(30)
    assert described(monitor)["epoch"]["total"] < monitor.run.seconds - 0.5


@pytest.mark.parametrize("workers", [1, 2])
def test_slow_data_is_called_input_bound_and_fast_data_is_not(unit_model, workers):
    model, monitor = unit_model(), kcb.Monitor()
    fit(model, Data(0.02 * workers, workers=workers), monitor, epochs=3)
    assert monitor.run.hooks.bound.startswith("input-bound: ")
    assert parts(monitor)["data"] > 0.2
    fit(model, Data(0.0, workers=workers), monitor, epochs=3)
    assert monitor.run.hooks.bound == ""
    assert parts(monitor).get("data", 0.0) < 0.1


def test_a_slow_generator_is_called_input_bound_and_a_fast_one_is_not(unit_model):
    model, monitor = unit_model(), kcb.Monitor()
    for seconds, bound in ((0.02, True), (0.0, False)):
        ds = generator(seconds)
        with pytest.warns(UserWarning, match="shuffle"):
            fit(model, ds, monitor, epochs=2, steps_per_epoch=25)
        assert bool(monitor.run.hooks.bound) is bound
        gc.collect()


def test_waiting_for_data_ends_where_the_data_ends(unit_model, ones):
    """Of unknown length, so Keras asks for a batch that there is not."""
    tf = pytest.importorskip("tensorflow")
    model, monitor = unit_model(), kcb.Monitor()
    for batches in (1, 2, 6):
        data = tf.data.Dataset.from_tensor_slices(ones).batch(2).take(batches).filter(lambda x, y: True)
        with pytest.warns(UserWarning, match="ran out of data|shuffle"):
            history = fit(model, data, monitor, epochs=3)
        assert history.epoch == [0, 1, 2]
        assert monitor.run.step == 3 * batches
        assert described(monitor)["epoch"]["total"] < 0.5


def test_an_iterator_that_python_reads_is_timed_and_left_as_it_was():
    """As on JAX and torch, where Keras takes each batch before the step."""
    from kcb_widgets.session.data_wait import IteratorTimer

    read, trained = [], []

    class Owner:
        def _get_iterator(self):
            for i in range(5):
                read.append(nap(0.01))
                yield i

    owner = Owner()
    timed = IteratorTimer(owner, "_get_iterator")
    timed.begin_epoch()
    seen = []
    for i in owner._get_iterator():
        trained.append(nap(0.02))
        seen.append(i)
    waits = timed.end_epoch()
    assert seen == [0, 1, 2, 3, 4]
    assert sum(read) <= waits.measured == waits.estimated < sum(read) + min(trained)
    timed.leave()
    assert vars(owner) == {}


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="elsewhere it can be known, and torch has no such thing"
)
def test_where_waiting_cannot_be_known_nothing_is_said_of_it(unit_model, ones):
    model, monitor = unit_model(steps_per_execution=2), kcb.Monitor()
    model.fit(*ones, batch_size=2, epochs=2, verbose=0, callbacks=[monitor])
    assert "data" not in parts(monitor)


def test_between_two_looks_a_batch_costs_few_calls(unit_model, ones, calls):
    monitor, counted = kcb.Monitor(), {}

    class Count(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            hook_state = monitor._session.hook_state
            if monitor.run.epoch != 1 or batch != 1:
                return
            hook_state.next_poll = hook_state.next_data_check = float("inf")
            hook_state.has_work = False
            counted["begin"] = calls(lambda: monitor.on_train_batch_begin(1))
            counted["end"] = calls(lambda: monitor.on_train_batch_end(1, logs))
            hook_state.next_poll = 0.0

    unit_model().fit(*ones, batch_size=2, epochs=2, verbose=0, callbacks=[monitor, Count()])
    # The hook and the clock; at the end also the thread's number, the copy of the logs and where they are put.
    assert counted["begin"] <= 2
    assert counted["end"] <= 5


def test_messages_are_looked_for_often_only_while_somebody_looks(unit_model, ones):
    monitor, looks = kcb.Monitor(display=False), {}

    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            session, now = monitor._session, time.perf_counter()
            for there in (False, True):
                leave = monitor.run.subscribe(lambda run: None, lambda there=there: there)
                session._next_slow_check = 0.0
                for _ in range(2):  # one that finds it out, and one that goes by it
                    session.poll(now)
                looks[there] = session.hook_state.next_poll - now
                leave()

    unit_model().fit(*ones, verbose=0, callbacks=[monitor, Look()])
    assert looks[True] == pytest.approx(0.015)
    assert looks[False] == pytest.approx(0.2)
