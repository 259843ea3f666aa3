"""A fit is recorded whatever there is around it, and no run and no reply stays open after it."""

from __future__ import annotations

import contextlib
import gc
import subprocess
import sys
import threading
import time

import keras
import pytest

import kcb_widgets as kcb

BACKEND = keras.backend.backend()


def fit(model, x, y, *callbacks, **kwargs):
    return model.fit(x, y, callbacks=list(callbacks), **({"batch_size": 2, "verbose": 0} | kwargs))


def until(condition):
    """Wait for another thread; a test that waits in vain fails."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def warnings_of(run):
    return [event.message for event in run.events_list if event.kind == "warning"]


class Boom(Exception):
    pass


def raising(error):
    def action():
        raise error

    return action


# -- what is not needed to record -------------------------------------------------------------------------------------


class NoTerminal:
    """What stands for stderr where a daemon writes to a log."""

    def write(self, text):
        return len(text)


class Closed(NoTerminal):
    def isatty(self):
        raise ValueError("I/O operation on closed file")


@pytest.mark.parametrize("stream", ["stderr", "stdout"])
@pytest.mark.parametrize("replacement", [None, NoTerminal(), Closed()], ids=["None", "no isatty", "closed"])
def test_an_output_that_is_no_file_does_not_prevent_recording(unit_model, ones, monkeypatch, stream, replacement):
    monitor = kcb.Monitor()
    monkeypatch.setattr(sys, stream, replacement)
    fit(unit_model(), *ones, monitor, epochs=2)
    monkeypatch.undo()
    assert (monitor.run.status, monitor.run.step, len(monitor.run.epochs)) == ("finished", 12, 2)
    assert "learning_rate" in monitor.run.values


class Terminal(NoTerminal):
    def isatty(self):
        return True


@pytest.mark.parametrize("breaks", ["__init__", "refresh"])
def test_a_progress_line_that_raises_is_an_event_and_nothing_else(unit_model, ones, monkeypatch, at, breaks):
    import tqdm

    class Broken(tqdm.tqdm):
        pass

    setattr(Broken, breaks, lambda *args, **kwargs: raising(OSError("no terminal"))())
    monkeypatch.setattr(tqdm, "tqdm", Broken)
    monkeypatch.setattr(sys, "stderr", Terminal())
    monitor, replies = kcb.Monitor(), []
    fit(unit_model(), *ones, monitor, at(2, lambda: replies.append(monitor.set(learning_rate=0.25))))
    assert (monitor.run.status, monitor.run.step) == ("finished", 6)
    assert replies[0].applied
    (error,) = [event for event in monitor.run.events_list if event.kind == "error"]
    assert (error.name, error.message) == ("progress line", "OSError: no terminal")


STEPS = {
    "session.session.ProgressLine": "progress line",
    "session.session.waiting": "waiting for data",
    "session.session.FitWatchdog": "watch",
    "kernel.on_cell_end": "kernel",
    "kernel.pump": "kernel",
    "kernel.blocking": "kernel",
    "kernel.cell": "kernel",
    "session.raised.Raised.listen": "callbacks",
    "steering.callback_registry.CallbackRegistry._card": "callbacks",
    "steering.callback_registry.CallbackRegistry.join": "callbacks",
    "steering.control_registry.ControlRegistry.check_rates": "steering",
    "panels.display.Showing.open": "board",
    "session.lifecycle.check_front_end": "on_train_begin",
    "session.lifecycle.remove_repeats": "callbacks",
}


@pytest.mark.parametrize(("step", "name"), STEPS.items(), ids=STEPS)
def test_each_step_of_a_beginning_may_fail_by_itself(unit_model, ones, weights, monkeypatch, step, name):
    monkeypatch.setattr(f"kcb_widgets.{step}", lambda *args, **kwargs: raising(Boom("ours"))())
    monitor = kcb.Monitor()
    history = fit(unit_model(), *ones, weights, monitor, epochs=2, validation_data=ones).history
    run = monitor.run
    assert len(history["val_loss"]) == 2
    assert weights.moves == [0.5] * 12
    assert run.epochs["val_loss"].tolist() == history["val_loss"]
    assert (run.status, run.step) == ("finished", 12)
    errors = [event for event in run.events_list if event.kind == "error"]
    assert name in {error.name for error in errors}
    assert {error.message for error in errors} == {"Boom: ours"}
    assert not monitor.training


def test_a_fit_that_cannot_be_steered_is_recorded_all_the_same(unit_model, ones, weights, monkeypatch, at):
    monkeypatch.setattr(
        "kcb_widgets.steering.fit_steering.CommandExecutor", lambda *args, **kwargs: raising(Boom("ours"))()
    )
    monitor, replies = kcb.Monitor(), []
    ask = at(2, lambda: replies.append(monitor.set(learning_rate=0.25)))
    fit(unit_model(), *ones, weights, monitor, ask, epochs=2, validation_data=ones)
    run = monitor.run
    assert (run.status, run.step, len(run.batches)) == ("finished", 12, 12)
    assert weights.moves == [0.5] * 12
    event = replies[0].wait(0)
    assert (event.kind, event.message) == ("refused", "this fit cannot be steered: Boom: ours")
    monkeypatch.undo()
    fit(unit_model(), *ones, monitor)
    assert "learning_rate" in monitor.run.values


# -- subclasses -------------------------------------------------------------------------------------------------------


def decorated(hook):
    def call(*args, **kwargs):
        return hook(*args, **kwargs)

    return call


class Base(kcb.Monitor):
    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)


class Sub(Base):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.heard = []

    @decorated
    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.heard.append("on_train_begin")

    @decorated
    @decorated
    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs=logs)
        self.heard.append("on_epoch_begin")

    def on_train_batch_begin(self, batch, logs=None):
        super().on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs=logs)

    def on_test_begin(self, logs=None):
        super().on_test_begin(logs)

    def on_test_end(self, logs=None):
        super().on_test_end(logs)

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.heard.append("on_epoch_end")

    def on_train_end(self, logs=None):
        super().on_train_end(logs)
        self.heard.append("on_train_end")

    def set_model(self, model):
        super().set_model(model)

    def set_params(self, params):
        super().set_params(params)


def test_a_subclass_that_overrides_hooks_has_all_that_a_monitor_has(unit_model, ones):
    monitor = Sub()
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)
    fit(unit_model(), *ones, schedule, monitor, epochs=2, validation_data=ones)
    run = monitor.run
    assert [card["type"] for card in run.cards] == ["LearningRateScheduler"]
    changes = run.events.query("kind == 'changed'")
    assert set(changes["source"]) == {"LearningRateScheduler"}
    assert (run.status, run.step, len(run.epochs)) == ("finished", 12, 2)
    assert monitor.heard == ["on_train_begin", *["on_epoch_begin", "on_epoch_end"] * 2, "on_train_end"]
    assert not [event for event in run.events_list if event.kind == "error"]


def test_a_subclass_may_override_the_batch_hooks_that_keras_calls_by_their_older_names(unit_model, ones):
    class Older(kcb.Monitor):
        def __init__(self):
            super().__init__()
            self.heard = []

        def on_batch_begin(self, batch, logs=None):
            self.heard.append(("begin", batch))

        def on_batch_end(self, batch, logs=None):
            self.heard.append(("end", batch, sorted(logs)))

    monitor = Older()
    fit(unit_model(), *ones, monitor, batch_size=6)
    assert monitor.heard == [("begin", 0), ("end", 0, ["loss"]), ("begin", 1), ("end", 1, ["loss"])]
    assert monitor.run.step == 2


# -- the same Monitor twice -------------------------------------------------------------------------------------------


class Composite(keras.callbacks.Callback):
    """A callback that holds callbacks."""

    def __init__(self, *callbacks):
        super().__init__()
        self.callbacks = list(callbacks)

    def set_model(self, model):
        for callback in self.callbacks:
            callback.set_model(model)

    def set_params(self, params):
        for callback in self.callbacks:
            callback.set_params(params)


def _forward(name):
    def hook(self, *args, **kwargs):
        for callback in self.callbacks:
            getattr(callback, name)(*args, **kwargs)

    return hook


for _phase in ("train", "test", "predict"):
    for _name in ("begin", "end", "batch_begin", "batch_end"):
        setattr(Composite, f"on_{_phase}_{_name}", _forward(f"on_{_phase}_{_name}"))
for _name in ("on_epoch_begin", "on_epoch_end"):
    setattr(Composite, _name, _forward(_name))

ARRANGED = {
    "twice": lambda monitor: [monitor, monitor],
    "three times": lambda monitor: [monitor, keras.callbacks.Callback(), monitor, monitor],
    "nested lists": lambda monitor: [[monitor], [[monitor], keras.callbacks.Callback()]],
    "its own list": lambda monitor: [Composite(monitor), monitor],
    "in two lists": lambda monitor: [monitor, Composite(monitor)],
}


@pytest.mark.parametrize("arranged", ARRANGED.values(), ids=ARRANGED)
def test_the_same_monitor_more_than_once_records_once_and_says_so_once(unit_model, ones, weights, arranged, at):
    if arranged is ARRANGED["nested lists"] and BACKEND != "tensorflow":
        pytest.skip("Keras takes no lists in its list there")
    monitor, replies = kcb.Monitor(), []
    callbacks = [*arranged(monitor), weights, at(2, lambda: replies.append(monitor.set(learning_rate=0.25)))]
    for _ in range(2):
        model = unit_model()
        weights.seen = [0.0]
        model.fit(*ones, batch_size=2, epochs=2, verbose=0, validation_data=ones, callbacks=callbacks)
        callbacks[-1].count = 0
        run = monitor.run
        assert run.batches.index.tolist() == list(range(1, 13))
        assert run.epochs.index.tolist() == [0, 1]
        assert run.status == "finished"
        assert warnings_of(run).count("this Monitor is in callbacks more than once; the fit is recorded once") == 1
        assert weights.moves == [0.5] * 2 + [0.25] * 10
        assert replies[-1].applied
    assert len(monitor.runs) == 2


def test_the_callbacks_between_the_same_monitor_twice_hear_every_hook(unit_model, ones):
    heard = {name: [] for name in "abc"}
    monitor = kcb.Monitor()
    between = [
        keras.callbacks.LambdaCallback(
            on_train_begin=lambda logs, name=name: heard[name].append("begin"),
            on_train_end=lambda logs, name=name: heard[name].append("end"),
        )
        for name in "abc"
    ]
    fit(unit_model(), *ones, between[0], monitor, between[1], monitor, between[2])
    assert set(map(tuple, heard.values())) == {("begin", "end")}
    inside = Composite(monitor, between[1])
    fit(unit_model(), *ones, between[0], monitor, inside, between[2])
    assert set(map(tuple, heard.values())) == {("begin", "end", "begin", "end")}
    assert inside.callbacks[0] is monitor


# -- two threads ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first_to_end", ["watched", "other"])
def test_of_two_fits_begun_at_once_in_two_threads_one_is_watched(unit_model, ones, monkeypatch, first_to_end):
    from kcb_widgets.session import lifecycle

    made, arrived, both = [], [], threading.Event()

    class Arrives(kcb.Monitor):
        def set_model(self, model):
            arrived.append(threading.get_ident())
            if len(arrived) == 2:
                both.set()
            super().set_model(model)

    class Slow(lifecycle.Session):
        def __init__(self, *args):
            made.append(threading.get_ident())
            assert both.wait(20)  # the other fit begins while this one is at it
            super().__init__(*args)

    monkeypatch.setattr(lifecycle, "Session", Slow)
    monitor, steps = Arrives(), {}
    ends = {"watched": threading.Event(), "other": threading.Event()}

    def me():
        return "watched" if threading.get_ident() == made[0] else "other"

    class Wait(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            steps[me()] = steps.get(me(), 0) + 1

        def on_epoch_end(self, epoch, logs=None):
            if me() != first_to_end:
                assert ends[first_to_end].wait(20)

    def train():
        fit(unit_model(), *ones, monitor, Wait(), epochs=3)
        ends[me()].set()

    threads = [threading.Thread(target=train) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    (run,) = monitor.runs
    assert len(made) == 1
    assert (run.status, run.step, run.epochs.index.tolist()) == ("finished", 18, [0, 1, 2])
    assert steps == {"watched": 18, "other": 18}
    assert warnings_of(run) == ["a second fit in another thread is not monitored"]
    assert not monitor.training
    monkeypatch.undo()
    fit(unit_model(), *ones, monitor)
    assert monitor.run.status == "finished"


def test_a_background_fit_and_another_at_once(unit_model, ones, batch_gate):
    monitor = kcb.Monitor()
    handle = monitor.fit(unit_model(), *ones, batch_size=2, epochs=1, callbacks=[monitor, batch_gate])
    batch_gate.wait()
    fit(unit_model(), *ones, monitor)  # in this thread: not monitored
    dies = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: raising(Boom("of its own"))())
    with pytest.raises(Boom):
        fit(unit_model(), *ones, monitor, dies)
    assert monitor.training
    assert monitor.run.step == 1
    batch_gate.free.set()
    handle.wait(20)
    assert (len(monitor.runs), monitor.run.status, monitor.run.step) == (1, "finished", 6)
    assert warnings_of(monitor.run) == ["a second fit in another thread is not monitored"]


class Gate(keras.callbacks.Callback):
    """Holds a fit after its first batch."""

    def __init__(self):
        super().__init__()
        self.reached, self.free = threading.Event(), threading.Event()

    def on_train_batch_end(self, batch, logs=None):
        if not batch:
            self.reached.set()
            assert self.free.wait(30)

    def wait(self):
        assert self.reached.wait(30)


@pytest.fixture
def batch_gate():
    return Gate()


def test_another_threads_fit_leaves_the_model_and_the_parameters_alone(unit_model, ones, batch_gate):
    monitor, mine, other = kcb.Monitor(), unit_model(), unit_model()
    handle = monitor.fit(mine, *ones, batch_size=2, epochs=1, callbacks=[batch_gate])
    batch_gate.wait()
    fit(other, *ones, monitor, epochs=5)
    seen = monitor.model, monitor.params["epochs"]
    batch_gate.free.set()
    handle.wait(20)
    assert seen == (mine, 1)


# -- nothing stays open -----------------------------------------------------------------------------------------------


class Deaf(keras.Sequential):
    """A model with a `fit` of its own that passes no callbacks on."""

    def fit(self, *args, callbacks=None, **kwargs):
        return super().fit(*args, **kwargs)


@pytest.fixture
def deaf():
    model = Deaf([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def test_a_fit_that_passes_no_callbacks_on_is_said_and_leaves_the_monitor_free(deaf, unit_model, ones):
    monitor, held = kcb.Monitor(), threading.Event()
    real = deaf.fit

    def late(*args, **kwargs):
        history = real(*args, **kwargs)
        assert held.wait(20)
        return history

    deaf.fit = late
    handle = monitor.fit(deaf, *ones)
    reply = monitor.set(learning_rate=0.1)
    assert not reply.done
    held.set()
    assert isinstance(handle.wait(20), keras.callbacks.History)
    assert reply.wait(20).kind == "refused"
    run = monitor.run
    assert run.status == "failed"
    assert run.message == "fit ended and never called this Monitor: the model's own fit passes no callbacks on"
    assert not monitor.training
    monitor.fit(unit_model(), *ones).wait(20)
    assert [run.status for run in monitor.runs] == ["failed", "finished"]
    assert [run.number for run in monitor.runs] == [1, 2]


def loop(model, monitor, epochs=2, batches=3, ends=True, dies=None):
    """A training loop that drives Keras's CallbackList by hand; no frame of it is called fit."""
    callbacks = keras.callbacks.CallbackList([monitor], model=model, epochs=epochs, steps=batches, verbose=0)
    callbacks.on_train_begin()
    for epoch in range(epochs):
        callbacks.on_epoch_begin(epoch)
        for batch in range(batches):
            callbacks.on_train_batch_begin(batch)
            if (epoch, batch) == dies:
                raise Boom("in the loop")
            callbacks.on_train_batch_end(batch, {"loss": 1.0 / (batch + 1)})
        callbacks.on_epoch_end(epoch, {"loss": 0.5})
    if ends:
        callbacks.on_train_end({"loss": 0.5})


def test_a_loop_that_drives_the_list_by_hand_is_recorded(unit_model):
    monitor = kcb.Monitor()
    loop(unit_model(), monitor)
    assert (monitor.run.status, monitor.run.step, len(monitor.run.epochs)) == ("finished", 6, 2)


@pytest.mark.parametrize("dies", [(1, 1), None], ids=["by an exception", "without on_train_end"])
def test_a_loop_whose_list_is_gone_is_over(unit_model, dies):
    monitor, replies = kcb.Monitor(), []
    with contextlib.suppress(Boom):
        loop(unit_model(), monitor, ends=False, dies=dies)
    replies.append(monitor.set(learning_rate=0.25))
    gc.collect()
    until(lambda: monitor.run.over)
    assert (monitor.run.status, monitor.run.message) == ("failed", "fit ended early; its exception was not seen")
    until(lambda: replies[0].done)
    assert replies[0].event.kind == "refused"
    assert not monitor.training


def test_a_loop_whose_thread_ended_is_over(unit_model):
    monitor, kept = kcb.Monitor(), []

    def work():
        callbacks = keras.callbacks.CallbackList([monitor], model=unit_model(), epochs=2, steps=3, verbose=0)
        kept.append(callbacks)  # somebody still has the list
        callbacks.on_train_begin()
        callbacks.on_epoch_begin(0)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    reply = monitor.set(learning_rate=0.25)
    until(lambda: monitor.run.over)
    assert monitor.run.status == "failed"
    until(lambda: reply.done)


def test_a_loop_that_lives_on_is_not_declared_dead(unit_model, monkeypatch):
    """Its hooks are called by helpers that return, it takes exceptions easily, and others collect garbage."""
    monkeypatch.setattr("kcb_widgets.session.fit_watchdog.CHECK_INTERVAL_S", 0.001)
    monitor, looks = kcb.Monitor(), []

    def begin():
        callbacks = keras.callbacks.CallbackList([monitor], model=unit_model(), epochs=3, steps=2, verbose=0)
        callbacks.on_train_begin()
        return callbacks

    def train(callbacks, epoch):
        callbacks.on_epoch_begin(epoch)
        for batch in range(2):
            callbacks.on_train_batch_begin(batch)
            callbacks.on_train_batch_end(batch, {"loss": 1.0})
        if epoch == 1:
            raise Boom("caught outside")
        callbacks.on_epoch_end(epoch, {"loss": 1.0})

    callbacks = begin()
    real = type(monitor._session._watch).alive.fget
    monkeypatch.setattr(
        type(monitor._session._watch), "alive", property(lambda watch: looks.append(real(watch)) or looks[-1])
    )
    for epoch in range(3):
        with contextlib.suppress(Boom):
            train(callbacks, epoch)
        gc.collect()
        count = len(looks)
        until(lambda seen=count: len(looks) > seen + 3)  # the watch has looked meanwhile
    assert all(looks)
    assert not monitor.run.over
    callbacks.on_train_end({"loss": 1.0})
    assert (len(monitor.runs), monitor.run.status, monitor.run.step) == (1, "finished", 6)


def test_the_next_fit_closes_a_loop_that_never_ended(unit_model, ones):
    monitor, kept = kcb.Monitor(), []
    callbacks = keras.callbacks.CallbackList([monitor], model=unit_model(), epochs=2, steps=3, verbose=0)
    kept.append(callbacks)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    callbacks.on_train_batch_begin(0)
    reply = monitor.set(learning_rate=0.25)
    fit(unit_model(), *ones, monitor)
    assert [run.status for run in monitor.runs] == ["failed", "finished"]
    assert monitor.runs[0].message == "another fit began before on_train_end was called"
    assert reply.wait(0).kind == "refused"
    assert monitor.run.step == 6


def test_a_background_fit_closes_a_loop_of_this_thread_that_never_ended(unit_model, ones):
    monitor = kcb.Monitor()
    callbacks = keras.callbacks.CallbackList([monitor], model=unit_model(), epochs=2, steps=3, verbose=0)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    monitor.fit(unit_model(), *ones, epochs=1).wait(30)
    assert [run.status for run in monitor.runs] == ["failed", "finished"]


def test_a_loop_that_goes_on_after_another_fit_is_a_new_run(unit_model, ones):
    monitor = kcb.Monitor()
    callbacks = keras.callbacks.CallbackList([monitor], model=unit_model(), epochs=2, steps=1, verbose=0)
    callbacks.on_train_begin()
    for epoch in range(2):
        callbacks.on_epoch_begin(epoch)
        callbacks.on_train_batch_begin(0)
        callbacks.on_train_batch_end(0, {"loss": 1.0})
        callbacks.on_epoch_end(epoch, {"loss": 1.0})
        if not epoch:
            fit(unit_model(), *ones, monitor)
    callbacks.on_train_end({"loss": 1.0})
    assert [(run.status, len(run.batches), len(run.epochs)) for run in monitor.runs] == [
        ("failed", 1, 1),
        ("finished", 6, 1),
        ("finished", 1, 1),
    ]
    assert monitor.run.epochs.index.tolist() == [1]


# -- what a fit died of -----------------------------------------------------------------------------------------------

PLACES = ["on_train_batch_begin", "on_train_batch_end", "on_epoch_begin", "on_epoch_end", "on_test_begin",
          "on_test_batch_end", "on_test_end", "on_train_end", "train_step", "test_step"]  # fmt: skip


def dying(error, place, unit_model, ones, monitor):
    """A fit that dies there in its second epoch, caught at once."""
    model = unit_model(run_eagerly=True) if BACKEND != "jax" or "step" not in place else None
    count = [0]

    def perhaps(*args, **kwargs):
        count[0] += 1
        if count[0] == (1 if place == "on_train_end" else 2):
            raise error

    callback = keras.callbacks.Callback()
    if place.endswith("step"):
        real = getattr(model, place)

        def step(*args, **kwargs):
            perhaps()
            return real(*args, **kwargs)

        setattr(model, place, step)
    else:
        setattr(callback, place, perhaps)
    try:
        fit(model, *ones, monitor, callback, epochs=3, batch_size=12, validation_data=ones)
    except type(error):
        pass
    else:
        pytest.fail("it was to die")
    return model


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("error", "status", "message"),
    [(KeyboardInterrupt(), "interrupted", ""), (Boom("no\nmore"), "failed", "Boom: no")],
    ids=["interrupt", "error"],
)
def test_what_a_fit_died_of_is_known_at_once_though_it_was_caught(unit_model, ones, place, error, status, message):
    if BACKEND == "jax" and place.endswith("step"):
        pytest.skip("JAX traces its steps")
    monitor = kcb.Monitor()
    model = dying(error, place, unit_model, ones, monitor)
    where = "" if place.endswith("step") or not message else f" (in Callback.{place})"
    assert (monitor.run.status, monitor.run.message) == (status, message + where)
    assert not monitor.training
    assert monitor.set(learning_rate=0.1).wait(0).kind == "refused"
    left = {name for name, value in vars(model).items() if getattr(value, "noting", None)}
    assert not left
    for name in ("train_step", "test_step"):
        vars(model).pop(name, None)
    fit(model, *ones, monitor)
    assert monitor.run.status == "finished"


def test_an_exception_that_did_not_end_the_fit_is_not_taken_for_its_end(unit_model, ones, at):
    class Takes(kcb.Monitor):
        def on_epoch_end(self, epoch, logs=None):
            with contextlib.suppress(KeyboardInterrupt):
                super().on_epoch_end(epoch, logs)
                if not epoch:
                    self._session.raised.note(KeyboardInterrupt())
                    raise KeyboardInterrupt

    monitor = Takes()
    with contextlib.suppress(Boom):
        fit(unit_model(), *ones, monitor, at(11, raising(Boom("later"))), epochs=2)
    assert (monitor.run.status, monitor.run.message) == ("failed", "Boom: later (in At.on_train_batch_end)")


def test_data_that_raises_is_known_though_it_was_caught(unit_model):
    class Data(keras.utils.PyDataset):
        def __len__(self):
            return 5

        def __getitem__(self, i):
            if i == 3:
                raise Boom("no more data")
            return keras.ops.ones((2, 1)), keras.ops.ones((2, 1))

    monitor = kcb.Monitor()
    with contextlib.suppress(Exception):  # TensorFlow's own, which holds it as a text
        unit_model().fit(Data(), verbose=0, callbacks=[monitor])
    assert (monitor.run.status, monitor.run.message) == ("failed", "Boom: no more data (in the data)")


def test_an_interrupt_while_the_end_is_carried_out_leaves_nothing_open(unit_model, ones, monkeypatch):
    from kcb_widgets.steering.fit_steering import FitSteering

    real, calls = FitSteering.leave, []

    def leave(steering):
        calls.append(threading.current_thread())
        if len(calls) == 1:
            raise KeyboardInterrupt
        real(steering)

    monkeypatch.setattr(FitSteering, "leave", leave)
    monitor = kcb.Monitor()
    with contextlib.suppress(KeyboardInterrupt):
        fit(unit_model(), *ones, monitor)
    until(lambda: monitor.run.over and not monitor.training)
    assert len(calls) == 2
    fit(unit_model(), *ones, monitor)
    assert monitor.run.status == "finished"


SCRIPT = """
import os, signal, threading, keras, numpy as np, kcb_widgets as kcb
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
x, y = np.ones((64, 4), "float32"), np.ones((64, 1), "float32")
handler = signal.getsignal(signal.SIGINT)
monitor, seen = kcb.Monitor(), []
class Interrupt(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 3:
            threading.Thread(target=lambda: os.kill(os.getpid(), signal.SIGINT)).start()
for _ in range(TIMES):
    try:
        model.fit(x, y, epochs=1000, batch_size=4, callbacks=[monitor, Interrupt()], verbose=0, validation_data=(x, y))
    except KeyboardInterrupt:
        pass
    seen.append(monitor.run.status)
print(seen.count("interrupted"), signal.getsignal(signal.SIGINT) is handler)
"""


def test_an_interrupt_that_a_script_catches_is_known(tmp_path):
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n" + SCRIPT.replace("TIMES", "20")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout.split() == ["20", "True"], done.stderr[-2000:]


# -- loops in cells ---------------------------------------------------------------------------------------------------


@pytest.fixture
def cells(monkeypatch):
    """Stands in for IPython: ends the cell, with or without an error, and begins the next."""
    ends, number = [], [1]

    def on_cell_end(callback):
        ends.append(callback)
        return lambda: ends.remove(callback) if callback in ends else None

    def end(error=None):
        for callback in list(ends):
            callback(error)
        number[0] += 1

    monkeypatch.setattr("kcb_widgets.kernel.on_cell_end", on_cell_end)
    monkeypatch.setattr("kcb_widgets.kernel.cell", lambda: number[0])
    return end


def by_hand(callbacks, epoch):
    callbacks.on_epoch_begin(epoch)
    callbacks.on_train_batch_begin(0)
    callbacks.on_train_batch_end(0, {"loss": 1.0})
    callbacks.on_epoch_end(epoch, {"loss": 1.0})


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt(), "interrupted"), (Boom("no"), "failed")])
def test_a_loop_is_over_with_the_cell_that_it_began_and_died_in(unit_model, cells, error, status):
    monitor = kcb.Monitor()
    callbacks = keras.callbacks.CallbackList([monitor], model=unit_model(), epochs=3, steps=1, verbose=0)
    callbacks.on_train_begin()
    by_hand(callbacks, 0)
    reply = monitor.set(learning_rate=0.25)
    cells(error)
    assert (monitor.run.status, monitor.run.message) == (status, "" if status == "interrupted" else "Boom: no")
    assert reply.wait(0).kind == "refused"
    for epoch in (1, 2):  # its list was kept, and a later cell goes on
        by_hand(callbacks, epoch)
    callbacks.on_train_end({"loss": 1.0})
    assert [run.status for run in monitor.runs] == [status, "finished"]
    assert monitor.run.batches.index.tolist() == [2, 3]
    assert monitor.run.epochs.index.tolist() == [1, 2]


def test_a_loop_outlives_cells_that_end_well_and_those_it_did_not_begin_in(unit_model, cells):
    monitor = kcb.Monitor()
    callbacks = keras.callbacks.CallbackList([monitor], model=unit_model(), epochs=3, steps=1, verbose=0)
    callbacks.on_train_begin()
    cells()
    by_hand(callbacks, 0)
    cells(NameError("a slip of the pen"))
    by_hand(callbacks, 1)
    cells()
    by_hand(callbacks, 2)
    callbacks.on_train_end({"loss": 1.0})
    (run,) = monitor.runs
    assert (run.status, run.step) == ("finished", 3)
