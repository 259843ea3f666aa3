"""A steered run, done again by `run.replay()` and by the source of `run.to_code()`, is the same run, bit for bit."""

from __future__ import annotations

import ast
import contextlib
import functools

import keras
import numpy as np
import pytest

import kcb_widgets as kcb

BACKEND = keras.backend.backend()
SAMPLES, BATCH = 64, 8  # eight batches in an epoch


@pytest.fixture
def train(make, at):
    """A function that trains a fresh model and steers it: `{batch: action}`, each called with the monitor."""

    def run(steer=None, monitor=None, *callbacks, model=None, last=(), in_background=False, **kwargs):
        monitor = monitor or kcb.Monitor()
        keras.utils.set_random_seed(11)
        model, x, y = (model or make)()
        actions = [at(batch, lambda action=action: action(monitor)) for batch, action in (steer or {}).items()]
        settings = {"epochs": 3, "batch_size": BATCH, "verbose": 0, "validation_data": (x[:16], y[:16])} | kwargs
        settings["callbacks"] = [*callbacks, *([] if in_background else [monitor]), *last, *actions]
        with contextlib.suppress(Boom):
            monitor.fit(model, x, y, **settings).wait(60) if in_background else model.fit(x, y, **settings)
        monitor.died(Boom("gone"))  # if it did
        return model, monitor.run

    return run


@pytest.fixture
def make():
    """A function that makes a small classifier with everything there is to steer, and its data."""

    def model(optimizer=None, **compile_args):
        rng = np.random.default_rng(0)
        x = rng.random((SAMPLES, 8), "float32")
        y = (x.sum(axis=1) > 4).astype("float32")[:, None]
        layers = [
            keras.layers.Dense(8, "relu", name="hidden", kernel_regularizer=keras.regularizers.L2(0.01)),
            keras.layers.Dropout(0.3, name="dropout"),
            keras.layers.Dense(4, "tanh", name="narrow"),
            keras.layers.Dense(1, "sigmoid", name="out"),
        ]
        model = keras.Sequential([keras.Input((8,)), *layers])
        optimizer = optimizer or keras.optimizers.SGD(0.1, momentum=0.5)
        model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"], **compile_args)
        return model, x, y

    return model


class Boom(Exception):
    pass


def boom(monitor):
    raise Boom("gone")


def same(one, other):
    """Whether two models and the records of their runs are equal to the last bit."""
    (model, run), (again, rerun) = one, other
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        assert np.array_equal(a, b)
    assert rerun.batches.index.tolist() == run.batches.index.tolist()
    assert np.array_equal(rerun.batches["loss"], run.batches["loss"], equal_nan=True)
    return True


def made_by_code(done, again):
    """Whether the source of a run made the same run, as far as its header says that it does on this backend."""
    source = " ".join(done[1].to_code().replace("\n#", "").split())
    if BACKEND == "jax" and "an optimizer cannot leave out weights that it was built for" in source:
        return True
    if BACKEND == "jax" and "On JAX what changes a schedule is a constant of the compiled step" in source:
        for a, b in zip(done[0].get_weights(), again[0].get_weights(), strict=True):
            assert np.allclose(a, b, rtol=1e-5, atol=1e-7)
        return True
    return same(done, again)


def kinds(run, *names):
    return [(e.kind, e.name, e.step) for e in run.events_list if e.kind in names]


EVERYTHING = {
    3: lambda m: m.set(learning_rate=0.03),
    5: lambda m: m.set({"momentum": 0.8, "hidden.kernel_regularizer.l2": 0.1}),
    9: lambda m: m.set({"dropout.rate": 0.6}),
    13: lambda m: m.set({"narrow.trainable": False, "weight_decay": 0.01}),
    16: lambda m: m.set(learning_rate=1 / 3, momentum=0.7),
    21: lambda m: m.set({"narrow.trainable": True, "weight_decay": None}),
}


@pytest.mark.parametrize(
    "settings", [{}, {"steps_per_execution": 2}, {"run_eagerly": True}, {"jit_compile": True}], ids=str
)
def test_all_kinds_of_changes_in_one_run(train, make, settings):
    steps = settings.get("steps_per_execution", 1)
    steer = {-(-batch // steps): action for batch, action in EVERYTHING.items()}
    model = functools.partial(make, **settings)
    done = train(steer, model=model)
    assert not kinds(done[1], "refused", "error")
    assert len(kinds(done[1], "applied")) == 10
    again = train({}, done[1].replay(), model=model)
    assert same(done, again)
    assert kinds(again[1], "applied") == kinds(done[1], "applied")
    assert {e.source for e in again[1].events_list if e.kind == "applied"} == {"replay"}
    assert again[1].status == "finished"
    plain = train({}, model=model)
    assert not np.array_equal(plain[0].get_weights()[0], done[0].get_weights()[0])


# -- going back --------------------------------------------------------------------------------------------------------


def fade(run, monitor):
    """A policy: half the rate at the end of the second epoch, and back to the best."""
    if run.epoch == 1:
        monitor.set(learning_rate=0.05)
        monitor.rollback("best")


BEST = kcb.Snapshots(each_epoch=True, best="val_loss")
BACK = {
    "by hand": ({5: lambda m: m.snapshot(), 12: lambda m: m.rollback(), 18: lambda m: m.rollback("1")}, {}),
    "to another of several": (
        {
            2: lambda m: m.snapshot(),
            5: lambda m: m.snapshot(),
            7: lambda m: m.rollback("1"),
            20: lambda m: m.snapshot(),
        },
        {},
    ),
    "to the best": ({8: lambda m: m.set(learning_rate=30.0), 19: lambda m: m.rollback("best")}, {"snapshots": BEST}),
    "at the very end": ({4: lambda m: m.snapshot(), 24: lambda m: m.rollback()}, {}),
    "by a policy": ({}, {"snapshots": BEST}),
    "by a guard": (
        {10: lambda m: m.model.layers[0].set_weights([np.full((8, 8), np.nan), np.zeros(8)])},
        {"guard": kcb.Guard(factor=0.5)},
    ),
}


@pytest.mark.parametrize("case", BACK)
def test_rollbacks_with_the_snapshots_they_need(train, case):
    steer, options = BACK[case]
    monitor = kcb.Monitor(**options)
    if case == "by a policy":
        monitor.add_policy(fade)
    done = train(steer, monitor)
    assert kinds(done[1], "rollback")
    poison = steer if case == "by a guard" else {}  # it came from outside, so it has to come again
    again = train(poison, done[1].replay())
    assert same(done, again)
    assert kinds(again[1], "rollback") == kinds(done[1], "rollback")
    assert again[1].branches == done[1].branches
    assert len(kinds(again[1], "snapshot")) == len({e.new for e in done[1].events_list if e.kind == "rollback"})
    assert again[1].snapshots == []  # none is kept for longer than it is needed


def test_a_replay_can_be_replayed(train):
    done = train(*BACK["by hand"][:1])
    again = train({}, done[1].replay())
    assert same(done, train({}, again[1].replay()))


# -- where it ends -----------------------------------------------------------------------------------------------------


class StopAt(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch == 1


ENDS = {
    "in mid-epoch": ({13: lambda m: m.stop()}, 14, True),
    "in mid-epoch, unvalidated": ({13: lambda m: m.stop(validate=False)}, 14, False),
    "after the epoch": ({11: lambda m: m.stop("epoch")}, 16, True),
    "after the epoch, unvalidated": ({11: lambda m: m.stop("epoch", validate=False)}, 16, False),
    "with the epoch's last batch": ({15: lambda m: m.stop()}, 16, True),
    "in mid-epoch of the last": ({21: lambda m: m.stop()}, 22, True),
    "by an error": ({13: boom}, 13, False),
    "by an error after a rollback": ({4: lambda m: m.snapshot(), 9: lambda m: m.rollback(), 10: boom}, 10, False),
}  # fmt: skip


@pytest.mark.parametrize("case", ENDS)
def test_it_ends_where_the_run_ended(train, case):
    steer, step, validated = ENDS[case]
    done = train({2: lambda m: m.set(learning_rate=0.5), **steer})
    again = train({}, done[1].replay())
    assert same(done, again)
    assert again[1].step == done[1].step == step
    assert again[1].status == "stopped"
    assert ("val_loss" in again[1].epoch_rows[-1][1]) == validated
    if done[1].status == "stopped":
        assert [set(row) for _, row in again[1].epoch_rows] == [set(row) for _, row in done[1].epoch_rows]


def test_it_ends_where_another_callback_ended_it(train):
    done = train({}, None, StopAt())
    again = train({}, done[1].replay())
    assert same(done, again)
    assert again[1].step == 16


def test_a_rollback_just_before_the_first_batch_of_an_epoch_that_failed(train):
    class Fails(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if monitor.run.branches:
                raise Boom

    class Asks(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch:
                monitor.rollback()

    monitor = kcb.Monitor()
    done = train({4: lambda m: m.snapshot()}, monitor, Asks(), last=[Fails()])
    assert kinds(done[1], "rollback") == [("rollback", "rollback", 8)]
    assert done[1].events_list[-2].epoch == 1
    assert same(done, train({}, done[1].replay()))


@pytest.mark.parametrize(("epochs", "batches"), [(5, 40), (2, 16)])
def test_more_and_fewer_epochs(train, epochs, batches):
    done = train({4: lambda m: m.set(epochs=epochs), 13: lambda m: m.set(learning_rate=0.02)})
    assert done[1].step == batches
    assert same(done, train({}, done[1].replay()))
    again = train({}, done[1].replay(), epochs=epochs)  # told at once how many there were in the end
    assert same(done, again)
    assert again[1].status == "finished"


# -- other callbacks ---------------------------------------------------------------------------------------------------


class Plateau(keras.callbacks.Callback):
    """Not Keras's, so that nobody knows who wrote."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch:
            self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate) * 0.5


def others():
    return {
        "plateau": keras.callbacks.ReduceLROnPlateau(monitor="loss", mode="max", patience=1, factor=0.3, min_delta=0),
        "scheduler": keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5),
        "own": Plateau(),
    }


@pytest.mark.parametrize("first", [True, False], ids=["monitor first", "monitor last"])
@pytest.mark.parametrize("name", others())
@pytest.mark.parametrize("batch", [8, 9])
def test_other_callbacks_that_write_to_the_learning_rate(train, name, first, batch):
    steer = {batch: lambda m: m.set(learning_rate=0.4), 16: lambda m: m.set(learning_rate=0.2)}

    def run(monitor, *others):
        before, after = ((), others) if first else (others, ())
        return train(steer if monitor is None else {}, monitor, *before, last=after)

    done = run(None, others()[name])
    changes = kinds(done[1], "changed")
    assert changes
    present = run(done[1].replay(), others()[name])
    assert same(done, present)
    absent = run(done[1].replay())
    assert same(done, absent)
    assert not kinds(absent[1], "changed")


@pytest.mark.parametrize("place", ["before the first batch", "as an epoch begins"])
def test_a_hold_that_came_before_a_scheduler_wrote(train, place):
    """A write that a hold undid tells the order as one that stayed does."""
    monitor = kcb.Monitor()
    hook = {
        "before the first batch": {"on_train_begin": lambda logs: monitor.hold()},
        "as an epoch begins": {"on_epoch_end": lambda epoch, logs: monitor.hold() if epoch == 0 else None},
    }[place]
    ask = keras.callbacks.LambdaCallback(**hook)
    done = train({}, monitor, last=[ask, others()["scheduler"]])
    assert [event.name for event in done[1].events_list if event.kind == "held"]
    assert same(done, train({}, done[1].replay(), last=[others()["scheduler"]]))


# -- fits that are not alike, and what cannot be done ------------------------------------------------------------------


def test_a_background_fit(train):
    done = train(EVERYTHING)
    assert same(done, train({}, done[1].replay(), in_background=True))
    done = train({9: lambda m: m.set(learning_rate=0.01), 13: lambda m: m.stop()}, None, in_background=True)
    assert same(done, train({}, done[1].replay()))


def test_a_continued_fit_is_replayed_by_itself(train, make):
    monitor = kcb.Monitor()
    model, _ = train({3: lambda m: m.set(learning_rate=0.02)}, monitor, epochs=2)
    _, x, y = make()
    keras.utils.set_random_seed(5)
    step = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: monitor.set(epochs=4, learning_rate=0.3))
    model.fit(x, y, BATCH, 3, 0, callbacks=[step, monitor], initial_epoch=2)
    first, second = monitor.runs
    assert (second.first_step, second.step) == (16, 32)
    copy, _ = train({}, first.replay(), epochs=2)
    keras.utils.set_random_seed(5)
    replay = second.replay()
    copy.fit(x, y, BATCH, 1, 0, callbacks=[replay])
    assert (replay.run.first_step, replay.run.step) == (0, 16)
    for a, b in zip(model.get_weights(), copy.get_weights(), strict=True):
        assert np.array_equal(a, b)


def test_each_fit_is_replayed_from_the_beginning(train):
    done = train({3: lambda m: m.set(learning_rate=0.01), 6: lambda m: m.stop()})
    replay = done[1].replay()
    assert same(done, train({}, replay))
    assert same(done, train({}, replay))
    assert len(replay.runs) == 2


def test_a_run_to_which_nothing_was_done_is_plain_training(train):
    done = train()
    again = train({}, done[1].replay())
    assert same(done, again)
    assert [e.kind for e in again[1].events_list] == ["status"]


def test_a_run_that_is_not_over_is_refused(train):
    errors = []

    def early(monitor):
        for method in (monitor.run.replay, monitor.run.to_code):
            with pytest.raises(ValueError, match=r"over .* Received: <Run 1: \w+, 0 epochs, step 2>") as error:
                method()
            errors.append(error)

    train({2: early}, epochs=1)
    assert len(errors) == 2


def test_a_fit_that_is_not_alike_is_told_once(train):
    done = train({3: lambda m: m.set(learning_rate=0.01), 23: lambda m: m.set(learning_rate=0.02)})
    again = train({}, done[1].replay(), batch_size=16)
    warnings = [e.message for e in again[1].events_list if e.kind == "warning"]
    assert warnings == [
        "Run 1 had 8 batches in an epoch, and this fit has 4",
        "the fit ended before 1 of the changes made to Run 1",
    ]
    assert kinds(again[1], "applied") == [("applied", "learning_rate", 3)]


def test_your_own_controls_are_set_where_there_are_any(train):
    monitor = kcb.Monitor()
    monitor.add_control("temperature", 1.0)
    done = train({3: lambda m: m.set(temperature=0.5), 4: lambda m: m.set(temperature=0.25)}, monitor)
    without = train({}, done[1].replay())
    assert [(e.name, e.source) for e in without[1].events_list if e.kind == "warning"] == [("temperature", "replay")]
    replay = done[1].replay()
    replay.add_control("temperature", 1.0)
    train({}, replay)
    assert replay.values["temperature"] == 0.25


def test_it_can_be_steered_further(train):
    done = train({3: lambda m: m.set(learning_rate=0.01)})
    again = train(
        {10: lambda m: (m.snapshot(), m.set(learning_rate=0.2)), 20: lambda m: m.rollback()}, done[1].replay()
    )
    assert kinds(again[1], "rollback") == [("rollback", "rollback", 20)]
    assert kinds(again[1], "applied") == [("applied", "learning_rate", 3), ("applied", "learning_rate", 10)]


# -- as code -----------------------------------------------------------------------------------------------------------


def written(run):
    """The callback that the source of a run makes, in a namespace that knows Keras and nothing of ours."""
    source = run.to_code()
    assert source == run.to_code()
    tree = ast.parse(source)
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert [ast.unparse(node) for node in imports] == ["import keras"]
    assert max(len(line) for line in source.splitlines()) <= 120
    space = {}
    exec(compile(source, "steered.py", "exec"), space)
    return space["SteeredRun"]()


@pytest.fixture
def rerun(train, make):
    """A function that trains a fresh model with the source of a run, and nothing else of ours but a record."""

    def run(source_of, **kwargs):
        return train({}, None, written(source_of), **kwargs)

    return run


CODE = {
    **{name: steer for name, (steer, options) in BACK.items() if not options},
    **{name: steer for name, (steer, _, _) in ENDS.items()},
    "freezing": {9: lambda m: m.set({"narrow.trainable": False}), 17: lambda m: m.set({"narrow.trainable": True})},
    "rates": {3: lambda m: m.set({"dropout.rate": 0.6, "hidden.kernel_regularizer.l2": 0.1}), 9: EVERYTHING[9]},
    "fewer epochs": {5: lambda m: m.set(epochs=2)},
    "more epochs": {5: lambda m: m.set(epochs=4)},
    "nothing": {},
}


@pytest.mark.filterwarnings("ignore:A layer's `trainable` state has changed")
@pytest.mark.parametrize("case", CODE)
def test_the_code_makes_the_same_run(train, rerun, case):
    done = train({2: lambda m: m.set(learning_rate=1 / 3), **CODE[case]} if CODE[case] else {})
    epochs = done[1].params["epochs"]
    assert f"epochs={epochs}," in done[1].to_code()
    assert made_by_code(done, rerun(done[1], epochs=epochs))


@pytest.mark.filterwarnings("ignore:A layer's `trainable` state has changed")
@pytest.mark.parametrize("settings", [{"steps_per_execution": 2}, {"run_eagerly": True}], ids=str)
def test_the_code_makes_the_same_run_of_everything(train, rerun, make, settings):
    steps = settings.get("steps_per_execution", 1)
    steer = {-(-batch // steps): action for batch, action in EVERYTHING.items()}
    model = functools.partial(make, **settings)
    done = train(steer, model=model)
    assert made_by_code(
        done, rerun(done[1], model=model)
    )  # SGD only multiplies by momentum and weight_decay: no rounding


def test_the_code_of_adam_is_as_close_as_it_says(train, rerun, make):
    steer = {5: lambda m: m.set({"beta_1": 0.7, "epsilon": 1e-4}), 9: lambda m: m.set(beta_2=0.9)}
    done = train(steer, model=lambda: make(keras.optimizers.Adam(0.01)))
    assert "the last digits may differ" in done[1].to_code()
    model, _ = rerun(done[1], model=lambda: make(keras.optimizers.Adam(0.01)))
    for a, b in zip(done[0].get_weights(), model.get_weights(), strict=True):
        assert np.allclose(a, b, rtol=1e-4, atol=1e-6)


def scheduled(wrap=lambda optimizer: optimizer):
    rate = keras.optimizers.schedules.ExponentialDecay(0.2, 10, 0.7)
    return wrap(keras.optimizers.SGD(rate, momentum=0.5))


def turn(m):
    m.set(learning_rate_factor=1 / 3)


SCHEDULE = {
    "a factor": {5: turn},
    "taken over": {5: turn, 9: lambda m: m.take_over(), 17: lambda m: m.take_over(on=False)},
    "a rate": {9: lambda m: m.set(learning_rate=0.3), 14: turn, 17: lambda m: m.take_over(on=False)},
}


@pytest.mark.parametrize("case", SCHEDULE)
def test_schedules(train, rerun, make, case):
    def model():
        return make(scheduled())

    done = train(SCHEDULE[case], model=model)
    assert same(done, train({}, done[1].replay(), model=model))
    again = rerun(done[1], model=model)
    assert made_by_code(done, again)
    assert type(again[0].optimizer._learning_rate) is keras.optimizers.schedules.ExponentialDecay


def test_optimizers_in_optimizers(train, rerun, make):
    from keras.src.optimizers.multi_optimizer import MultiOptimizer, OptimizerMap

    def model():
        rates = OptimizerMap(keras.optimizers.SGD(0.1, momentum=0.5), {".*out.*": scheduled()})
        return make(MultiOptimizer(rates))

    steer = {
        4: lambda m: m.snapshot(),
        5: lambda m: m.set({"optimizers[1].learning_rate": 0.3, "optimizers[0].learning_rate_factor": 0.5}),
        9: lambda m: (m.rollback(), m.set({"optimizers[1].momentum": 0.7})),
    }
    done = train(steer, model=model)
    assert same(done, train({}, done[1].replay(), model=model))
    assert same(done, rerun(done[1], model=model))

    def scaled():
        return make(scheduled(keras.optimizers.LossScaleOptimizer))

    done = train(SCHEDULE["a factor"], model=scaled)
    assert same(done, rerun(done[1], model=scaled))


@pytest.mark.parametrize("name", others())
def test_what_other_callbacks_wrote_is_in_the_code(train, rerun, name):
    done = train({8: lambda m: m.set(learning_rate=0.4)}, None, others()[name])
    assert same(done, rerun(done[1]))
    assert "Leave out of the callbacks" in done[1].to_code()


def test_the_code_says_at_its_top_what_it_does_not_do(train, make):
    monitor = kcb.Monitor()
    monitor.add_control("te\nmp\u2028import os", 1.0)
    monitor.add_button('"""\nraise SystemExit', lambda: None)
    steer = {
        2: lambda m: (m.set({"te\nmp\u2028import os": 0.5}), m.press('"""\nraise SystemExit')),
        3: lambda m: m.set({"momentum": 0.9, "off.rate": 0.5, "cold.trainable": True}),
        4: lambda m: m.hold(),
        6: lambda m: m.stop(validate=False),
    }

    def model():
        model, x, y = make()
        cold = keras.layers.Dense(4, name="cold", trainable=False)
        layers = [*model.layers[:-1], keras.layers.Dropout(0.0, name="off"), cold, model.layers[-1]]
        model = keras.Sequential([keras.Input((8,)), *layers[:3], *layers[3:5], keras.layers.Dense(1, "sigmoid")])
        model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy")
        return model, x, y

    done = train(steer, monitor, model=model)
    assert not kinds(done[1], "refused")
    source = done[1].to_code()
    written(done[1])
    top = " ".join(line.lstrip("# ") for line in source.partition("import keras")[0].splitlines())
    for clause in (
        r"'te\nmp\u2028import os': a control of your own acts only where",
        r"""'\"""\nraise SystemExit': what a button did""".replace('\\"', '"'),
        '"momentum": it was 0 when the optimizer was built',
        '"off.rate": it was 0 when the layer was made',
        '"cold.trainable": the layer was frozen when',
        '"learning_rate_hold": plain Keras cannot hold',
        "without a closing validation",
    ):
        assert clause.replace("'te", '"te').replace("os':", 'os":') in top
    tree = ast.parse(source)
    assert [type(node).__name__ for node in tree.body] == ["Import", "ClassDef"]
    assert "changes = {}" in source.replace("{\n    }", "{}")


def test_names_are_data_in_the_code(train, rerun, make):
    name = "a.b->c"  # the worst that TensorFlow takes

    def model():
        model, x, y = make()
        layers = [*model.layers[:-1], keras.layers.Dropout(0.2, name=name), model.layers[-1]]
        model = keras.Sequential([keras.Input((8,)), *layers])
        model.compile("sgd", "binary_crossentropy")
        return model, x, y

    done = train({3: lambda m: m.set({f"{name}.rate": 0.5})}, model=model)
    assert kinds(done[1], "applied") == [("applied", f"{name}.rate", 3)]
    assert same(done, rerun(done[1], model=model))


@pytest.mark.parametrize(
    "name", ["'", '"', "\\", "'\"\\", "\n", "\r\x0c\x85\u2028", '"""\nraise SystemExit', "\ud800", "#{}()"]
)
def test_the_worst_names_are_data_in_the_code(name):
    run = kcb.Run()
    rate = {"name": f"{name}.rate", "label": "rate", "section": name, "group": "layers"}
    run.controls = [rate, {"name": name, "label": name, "section": "", "group": "user"}]
    run.append(0, {"loss": 1.0})
    run.add_event("applied", f"{name}.rate", 0.2, 0.5)
    run.add_event("applied", name, "a", name)
    run.add_event("changed", "learning_rate", 0.1, float("nan"), source=name)
    run.add_event("trigger", "press", new=name)
    run.finish("finished", name)
    callback = written(run)
    assert callback.changes == {1: [(f"{name}.rate", 0.5)]}
    assert callback.of_layer == {f"{name}.rate": (name, "rate")}
