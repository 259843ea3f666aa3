"""A Monitor keeps as many runs as it was told, and nothing else holds one that was let go of."""

from __future__ import annotations

import contextlib
import gc
import weakref

import keras
import numpy as np
import pytest

import kcb_widgets as kcb


def fit(model, x, y, *callbacks, **kwargs):
    return model.fit(x, y, callbacks=list(callbacks), **({"batch_size": 4, "verbose": 0} | kwargs))


@pytest.mark.parametrize("keep", [1, 2])
def test_the_newest_runs_are_kept_and_numbers_go_on_counting(unit_model, ones, keep):
    monitor, during = kcb.Monitor(keep_runs=keep), []
    look = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: during.append(monitor.runs[-1] is monitor.run))
    for _ in range(4):
        fit(unit_model(), *ones, monitor, look)
    assert [run.number for run in monitor.runs] == [1, 2, 3, 4][-keep:]
    assert [run.title for run in monitor.runs] == ["Run 1", "Run 2", "Run 3", "Run 4"][-keep:]
    assert monitor.run is monitor.runs[-1]
    assert during == [True] * 4


def test_all_runs_are_kept_by_default(unit_model, ones):
    monitor = kcb.Monitor()
    for _ in range(3):
        fit(unit_model(), *ones, monitor)
    assert [run.number for run in monitor.runs] == [1, 2, 3]


def test_a_continued_fit_goes_on_counting_though_the_run_before_is_gone(unit_model, ones):
    model, monitor = unit_model(), kcb.Monitor(keep_runs=1)
    fit(model, *ones, monitor, epochs=2)
    fit(model, *ones, monitor, epochs=4, initial_epoch=2)
    (run,) = monitor.runs
    assert run.batches.index.tolist() == list(range(7, 13))


@pytest.mark.parametrize(
    ("value", "error"), [(0, ValueError), (-1, ValueError), (True, TypeError), (1.0, TypeError), ("1", TypeError)]
)
def test_what_is_no_number_of_runs_is_refused(value, error):
    with pytest.raises(error, match=f"keep_runs .*Received: {value!r}"):
        kcb.Monitor(keep_runs=value)


class Boom(Exception):
    pass


class Dies(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch:
            raise Boom


@pytest.mark.parametrize("how", ["ends", "dies", "background", "steered", "by hand"])
def test_nothing_holds_a_run_that_was_let_go_of_nor_its_model_and_data(unit_model, ones, how):
    options = {"guard": kcb.Guard(), "snapshots": kcb.Snapshots(each_epoch=True)} if how == "steered" else {}
    monitor, gone = kcb.Monitor(keep_runs=1, **options), []
    monitor.add_policy(lambda run, monitor: monitor.set(learning_rate=0.25) if how == "steered" else None)

    def one():
        model, data = unit_model(keras.optimizers.Adam(0.1)), np.ones((12, 1), "float32")
        early, schedule = keras.callbacks.EarlyStopping("loss"), keras.callbacks.LearningRateScheduler(lambda e, r: r)
        others = [early, schedule, *([Dies()] if how == "dies" else [])]
        seen = [monitor.run.subscribe(lambda run: None)]
        if how == "background":
            monitor.fit(model, data, data, epochs=2, callbacks=[monitor, *others], validation_data=ones).wait(60)
        elif how == "by hand":
            callbacks = keras.callbacks.CallbackList([monitor, *others], model=model, epochs=1, steps=1, verbose=0)
            callbacks.on_train_begin()
            callbacks.on_epoch_begin(0)
        else:
            with contextlib.suppress(Boom):
                model.fit(
                    data, data, epochs=2, verbose=0, callbacks=[*others[:1], monitor, *others[1:]], validation_data=ones
                )
        del seen
        gone.extend(weakref.ref(each) for each in (monitor.run, model, data, early))

    one()
    fit(unit_model(), *ones, monitor)
    assert monitor.run.number == 2
    keras.backend.clear_session()
    gc.collect()
    assert [type(ref()).__name__ for ref in gone if ref() is not None] == []


def test_nothing_but_its_owner_holds_a_monitor(unit_model, ones):
    monitor = kcb.Monitor(display=False)
    fit(unit_model(), *ones, monitor)
    gone = [weakref.ref(monitor), weakref.ref(monitor.run)]
    del monitor
    gc.collect()
    assert [ref() for ref in gone] == [None, None]
