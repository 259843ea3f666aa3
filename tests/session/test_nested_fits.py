"""A Monitor in a fit, or an evaluation, inside of its own fit: the outer is recorded and steered as if alone."""

from __future__ import annotations

import contextlib

import keras
import numpy as np
import pytest

import kcb_widgets as kcb

NOT_MONITORED = "a fit that began inside this one is not monitored; give it a Monitor of its own"


class Boom(Exception):
    pass


class Dies(keras.callbacks.Callback):
    """Raises in the named hook."""

    def __init__(self, place):
        super().__init__()
        setattr(self, place, self._raise)

    def _raise(self, *args, **kwargs):
        raise Boom


class Inside(keras.callbacks.Callback):
    """Calls a function in one hook of the outer fit, every time."""

    def __init__(self, place, function):
        super().__init__()
        setattr(self, place, lambda *args, **kwargs: function())


def trained(unit_model, ones, make_callbacks, monitor):
    """The outer fit, with a learning rate set in its second epoch."""
    model = unit_model()
    asked = []

    class Ask(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                asked.append(monitor.set(learning_rate=0.25))

    callbacks = [*make_callbacks(model), Ask()]
    history = model.fit(*ones, batch_size=4, epochs=3, verbose=0, validation_data=ones, callbacks=callbacks).history
    return model, history, asked


HOOKS = ["on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_train_batch_end", "on_test_begin",
         "on_test_batch_end", "on_test_end", "on_epoch_end", "on_train_end"]  # fmt: skip


SOME = [
    *((place, None, i % 2 == 0) for i, place in enumerate(HOOKS)),
    ("on_train_batch_begin", "on_train_batch_end", True),
    ("on_train_batch_end", "on_epoch_end", False),
    ("on_epoch_begin", "on_train_batch_end", False),
    ("on_train_begin", "on_train_batch_end", False),
    ("on_train_end", "on_epoch_end", True),
]


@pytest.mark.parametrize(("place", "dies", "first"), SOME)
def test_the_outer_fit_is_recorded_and_steered_as_if_alone(unit_model, ones, weights, place, dies, first):
    monitor, other = kcb.Monitor(), unit_model(keras.optimizers.SGD(8.0))
    inner_epochs = []

    def inside():
        callbacks = [
            monitor,
            keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: inner_epochs.append(epoch)),
        ]
        callbacks += [Dies(dies)] if dies else []
        with contextlib.suppress(Boom):
            other.fit(*ones, batch_size=6, epochs=2, verbose=0, validation_data=ones, callbacks=callbacks)

    def make(model):
        rest = [Inside(place, inside), weights]
        return [monitor, *rest] if first else [*rest, monitor]

    model, history, (reply,) = trained(unit_model, ones, make, monitor)
    assert inner_epochs or dies
    *others, run = monitor.runs
    before = place == "on_train_begin" and not first  # the inner came first, and was over when the outer began
    assert [other.status for other in others] == (["failed" if dies else "finished"] if before else [])
    assert run.status == "finished"
    assert run.batches.index.tolist() == list(range(1, 10))
    assert run.epochs.index.tolist() == [0, 1, 2]
    assert run.epochs["val_loss"].tolist() == history["val_loss"]
    assert weights.moves == [0.5] * 3 + [0.25] * 6
    assert (reply.event.kind, reply.event.step) == ("applied", 3)
    said = [event.message for event in run.events_list if event.kind == "warning"]
    assert said == ([] if before else [NOT_MONITORED])
    assert not [event for event in run.events_list if event.kind == "error"]
    assert monitor.model is model
    assert monitor.params["epochs"] == 3
    assert not monitor.training
    assert float(np.asarray(other.optimizer.learning_rate)) == 8.0


def test_fits_inside_of_fits_inside_of_a_fit(unit_model, ones, weights):
    monitor, second, third = kcb.Monitor(), unit_model(), unit_model()

    def deepest():
        with contextlib.suppress(Boom):
            third.fit(*ones, batch_size=6, verbose=0, callbacks=[monitor, Dies("on_train_batch_begin")])

    def deeper():
        inner = Inside("on_train_batch_end", deepest)
        second.fit(*ones, batch_size=6, epochs=2, verbose=0, callbacks=[inner, monitor])

    make = lambda model: [weights, Inside("on_train_batch_begin", deeper), monitor]  # noqa: E731
    trained(unit_model, ones, make, monitor)
    (run,) = monitor.runs
    assert (run.status, run.step, weights.moves) == ("finished", 9, [0.5] * 3 + [0.25] * 6)
    assert [event.message for event in run.events_list if event.kind == "warning"] == [NOT_MONITORED]


def test_the_same_model_trained_by_a_callback_of_its_own_fit(unit_model, ones):
    monitor, model, rates = kcb.Monitor(), unit_model(), []

    class Warm(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            model.fit(*ones, batch_size=12, verbose=0, callbacks=[monitor])
            monitor.set(learning_rate=0.25)

        def on_train_batch_end(self, batch, logs=None):
            rates.append(float(np.asarray(model.optimizer.learning_rate)))

    if keras.backend.backend() == "jax":
        pytest.skip("Keras's own fit on JAX holds the model's state, and does not survive this")
    model.fit(*ones, batch_size=6, epochs=2, verbose=0, callbacks=[Warm(), monitor])
    (run,) = monitor.runs
    assert (run.status, run.step) == ("finished", 4)
    assert rates == [0.25] * 4


@pytest.mark.parametrize(
    ("place", "dies"),
    [("on_epoch_begin", None), ("on_train_batch_begin", "on_test_batch_end"), ("on_train_batch_end", None),
     ("on_test_batch_end", "on_test_batch_end"), ("on_epoch_end", None)],
)  # fmt: skip
def test_an_evaluation_inside_of_the_fit_leaves_its_record_alone(unit_model, ones, weights, place, dies):
    if dies and keras.backend.backend() == "jax":
        pytest.skip("on JAX an evaluation that dies takes its model's variables along")
    monitor, other = kcb.Monitor(), unit_model()

    def inside():
        callbacks = [monitor, *([Dies(dies)] if dies else [])]
        with contextlib.suppress(Boom):
            other.evaluate(*ones, batch_size=1, verbose=0, callbacks=callbacks)
        other.predict(ones[0], batch_size=1, verbose=0, callbacks=[monitor])

    model, history, _ = trained(unit_model, ones, lambda model: [weights, monitor, Inside(place, inside)], monitor)
    (run,) = monitor.runs
    assert (run.status, run.step, weights.moves) == ("finished", 9, [0.5] * 3 + [0.25] * 6)
    assert run.epochs["val_loss"].tolist() == history["val_loss"]
    assert run.test_batches == 3
    assert run.hooks.batches["predict"] == 0
    assert run.hooks.batches["test"] == 9
    said = {event.message for event in run.events_list if event.kind == "warning"}
    assert said == {"evaluate inside of the fit is not recorded", "predict inside of the fit is not recorded"}
    assert monitor.model is model


def test_a_list_of_the_users_own_has_its_monitor_back_afterwards(unit_model, ones):
    monitor, other = kcb.Monitor(), unit_model()
    own = keras.callbacks.CallbackList([monitor], add_history=True, model=other, epochs=1, steps=6, verbose=0)

    class Once(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch < 2:
                killer = Dies("on_epoch_end") if epoch else keras.callbacks.Callback()
                own.callbacks.append(killer)
                with contextlib.suppress(Boom):
                    other.fit(*ones, batch_size=2, verbose=0, callbacks=own)
                own.callbacks.remove(killer)

    unit_model().fit(*ones, epochs=3, verbose=0, callbacks=[monitor, Once()])
    assert own.callbacks[0] is monitor
    other.fit(*ones, batch_size=2, verbose=0, callbacks=own)
    assert [(run.status, run.step) for run in monitor.runs] == [("finished", 3), ("finished", 6)]


def test_where_no_list_is_found_the_inner_fit_is_not_listened_to(unit_model, ones, weights):
    """The hooks come by way of a callback that holds the Monitor in an attribute of its own."""

    class Holds(keras.callbacks.Callback):
        def __init__(self, monitor):
            super().__init__()
            self.monitor = monitor
            for phase in ("train", "test", "predict"):
                for when in ("begin", "end", "batch_begin", "batch_end"):
                    setattr(self, f"on_{phase}_{when}", getattr(monitor, f"on_{phase}_{when}"))
            self.on_epoch_begin, self.on_epoch_end = monitor.on_epoch_begin, monitor.on_epoch_end

        def set_model(self, model):
            self.monitor.set_model(model)

        def set_params(self, params):
            self.monitor.set_params(params)

    monitor, other = kcb.Monitor(), unit_model()

    def inside():
        with contextlib.suppress(Boom):
            other.fit(*ones, batch_size=6, verbose=0, callbacks=[Holds(monitor), Dies("on_epoch_end")])

    make = lambda model: [Holds(monitor), Inside("on_train_batch_begin", inside), weights]  # noqa: E731
    model, *_ = trained(unit_model, ones, make, monitor)
    (run,) = monitor.runs
    assert (run.status, run.step, weights.moves) == ("finished", 9, [0.5] * 3 + [0.25] * 6)
    assert monitor.model is model


def test_a_loop_driven_by_hand_has_fits_inside_of_its_hooks(unit_model, ones):
    monitor, other = kcb.Monitor(), unit_model()
    inside = Inside("on_epoch_end", lambda: other.fit(*ones, batch_size=2, verbose=0, callbacks=[monitor]))
    callbacks = keras.callbacks.CallbackList([inside, monitor], model=unit_model(), epochs=2, steps=1, verbose=0)
    callbacks.on_train_begin()
    for epoch in range(2):
        callbacks.on_epoch_begin(epoch)
        callbacks.on_train_batch_begin(0)
        callbacks.on_train_batch_end(0, {"loss": 1.0})
        callbacks.on_epoch_end(epoch, {"loss": 1.0})
    callbacks.on_train_end({"loss": 1.0})
    (run,) = monitor.runs
    assert (run.status, run.step, len(run.epochs)) == ("finished", 2, 2)
