"""Real fits that go on with a run that was kept: after kills, from saved models, or as new runs that say why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import cloudpickle
import keras
import numpy as np
import pytest
from kept import begin, file_of, train

import kcb_widgets as kcb
from kcb_widgets import Run
from kcb_widgets.panels.series_encoder import SeriesEncoder
from kcb_widgets.record import curves
from kcb_widgets.session import keeping

pytestmark = pytest.mark.timeout(1500)  # many files, on a machine that may do other things

CRASHING = Path(__file__).parents[1] / "support" / "crashing.py"
KILLS = int(os.environ.get("KCB_KILLS", "6"))
SEED = os.environ.get("KCB_SEED", "3")
RATE = 0.5  # how far a batch moves the one weight of `unit_model`: its loss tells how many it has been trained on


@pytest.fixture(autouse=True)
def nobody_keeps(monkeypatch):
    monkeypatch.setattr(keeping, "_default", None)
    monkeypatch.delenv(keeping.VARIABLE, raising=False)


class Crash(Exception):
    """What ends a fit."""


class Crashes(keras.callbacks.Callback):
    """Saves the model after some batches of the fit, and raises after more."""

    def __init__(self, path, save, crash, **options):
        super().__init__()
        self.path, self.save, self.crash, self.done, self.options = path, save, crash, 0, options

    def on_train_batch_end(self, batch, logs=None):
        self.done += 1
        if self.done == self.save:
            self.model.save(self.path, **self.options)
        if self.done == self.crash:
            raise Crash


@pytest.fixture
def fit(unit_model, ones):
    """Fits a small model, 12 batches an epoch; gives the model."""

    def train(monitor, epochs=3, model=None, callbacks=(), batch_size=1, **more):
        model = unit_model() if model is None else model
        model.fit(*ones, epochs=epochs, batch_size=batch_size, verbose=0, callbacks=[monitor, *callbacks], **more)
        return model

    return train


@pytest.fixture
def crashed(tmp_path, fit):
    """A run in ``runs`` that failed after 31 batches, and the model as it was saved after some; gives both paths."""

    def train(save=24, crash=31, **options):
        path = tmp_path / "saved.keras"
        monitor = kcb.Monitor(log_dir=tmp_path / "runs", **options)
        with pytest.raises(Crash):
            fit(monitor, callbacks=[Crashes(path, save, crash)])
        assert monitor.run.status == "failed"
        (file,) = (tmp_path / "runs").glob("*.sqlite")
        return path, file

    return train


def load(path):
    return keras.models.load_model(path, custom_objects={"mean_prediction": mean_prediction})


def mean_prediction(y_true, y_pred):
    return keras.ops.mean(y_pred, axis=-1)


def how(run):
    """How a run went on, or why it did not."""
    (event,) = [each for each in run.events_list if each.kind == "resumed" or each.name == "resume"]
    return event


def calls(run):
    """How many batches the model had been trained on before each batch of a run, by what that batch's loss was."""
    return np.rint(-run.batches.batch_loss.to_numpy() / RATE).astype(int).tolist()


# -- after kills -------------------------------------------------------------------------------------------------------


def test_after_kills_the_curve_is_that_of_a_fit_that_nothing_happened_to(tmp_path):
    command = [sys.executable, str(CRASHING), str(tmp_path), str(KILLS), SEED]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    assert said["killed"] >= min(KILLS, 6)
    (path,) = (tmp_path / "runs").glob("*.sqlite")
    run = Run.open(path)
    frame = run.batches
    assert run.status == "finished"
    assert (np.diff(frame.index) > 0).all()
    assert (np.diff(frame.seconds) >= -1e-6).all()
    assert run.seconds >= frame.seconds.iloc[-1]
    sittings = [seconds for _, seconds in run.sittings]
    assert sittings == sorted(sittings)
    went_on = [each for each in run.events_list if each.kind == "resumed"]
    assert len(went_on) == len(sittings)
    # A kill as an epoch ended, twice over, leaves two steps at which the same count of calls was saved.
    unknown = [each.message for each in went_on if each.new is None]
    assert all(each.endswith("more than once") for each in unknown), unknown
    live = frame[~frame.abandoned] if "abandoned" in frame else frame
    steps = np.arange(1, run.step + 1)
    steps = steps[~run.abandoned(steps)]  # those that were not kept, too
    whole, end = (json.loads(each.read_text()) for each in (tmp_path / "whole" / "end.json", tmp_path / "end.json"))
    # Else a kill between the two files of a checkpoint made Keras train an epoch once more.
    exact = not unknown and len(steps) == len(whole["loss"])
    if exact:
        wanted = np.array(whole["loss"], np.float32)[np.isin(steps, live.index)]
        np.testing.assert_array_equal(live.loss, wanted)
        np.testing.assert_array_equal(end["weights"], whole["weights"])
        epochs = run.epochs
        kept = epochs[~epochs.abandoned] if "abandoned" in epochs else epochs
        assert kept.index.is_unique
        assert set(kept.index) <= set(range(6))
    assert run.epoch_rows[-1][0] == 5
    print(f"{said}, {len(went_on)} went on, {len(unknown)} of them from an unknown step, exact: {exact}")


def test_the_weights_of_each_batch_are_those_it_was_trained_from(tmp_path, fit, crashed):
    saved, file = crashed(save=29)
    monitor = kcb.Monitor(log_dir=tmp_path / "runs", resume="last")
    fit(monitor, epochs=4, model=load(saved), initial_epoch=2)
    run = monitor.run
    assert run.path == file
    assert list(run.batches.index) == list(range(1, 56))
    assert calls(run) == [*range(31), *range(29, 53)]
    assert run.branches == [{"from": 29, "to": 31}]
    assert how(run).message.startswith("from step 29 of 31, after 0:00:")
    assert how(run).message.endswith("it had failed")
    assert calls(Run.open(file)) == calls(run)
    assert list(run.batches.abandoned[29:32]) == [True, True, False]


# -- the same run ------------------------------------------------------------------------------------------------------


def test_it_is_the_same_run_in_the_same_file(tmp_path, fit, crashed):
    saved, file = crashed(name="digits", tags=["a"], notes="why", config={"depth": 3})
    before = Run.open(file)
    monitor = kcb.Monitor(log_dir=tmp_path / "runs", resume="last", notes="longer")
    model = load(saved)
    fit(monitor, epochs=4, model=model, initial_epoch=2)
    assert list((tmp_path / "runs").iterdir()) == [file]
    kept, run = Run.open(file), monitor.run
    for each in (kept, run):
        assert (each.id, each.number, each.started) == (before.id, before.number, before.started)
        assert (each.name, each.tags, each.notes, each.config) == ("digits", ("a",), "longer", {"depth": 3})
        assert each.status == "finished"
        assert each.seconds > before.seconds
        assert list(each.epochs.index) == [0, 1, 2, 3]
        assert not each.epochs.abandoned.any()  # the third epoch was not over when the fit failed
        assert each.settings["fit.epochs"] == 4
        assert [event.kind for event in each.events_list if event.kind in ("status", "resumed")][-3:] == [
            "status", "resumed", "status",
        ]  # fmt: skip
    table = kcb.runs(tmp_path / "runs")
    assert list(table.status) == ["finished"]
    assert list(table.batches) == [55]
    fit(monitor, epochs=5, model=model, initial_epoch=4)  # only the first fit goes on
    assert len(list((tmp_path / "runs").iterdir())) == 2
    assert [each.number for each in monitor.runs] == [1, 2]
    assert monitor.run.id != before.id


def test_epochs_that_are_trained_once_more_are_told_apart(tmp_path, fit, crashed):
    saved, _ = crashed(save=12)
    monitor = kcb.Monitor(log_dir=tmp_path / "runs", resume="last")
    fit(monitor, epochs=3, model=load(saved), initial_epoch=1)
    frame = monitor.run.epochs
    assert list(frame.index) == [0, 1, 1, 2]
    assert list(frame.abandoned) == [False, True, False, False]
    assert monitor.run.bests == [
        {"metric": "loss", "value": frame.loss.iloc[-1], "epoch": 2, "step": 55, "direction": "min"}
    ]


def test_a_board_has_the_old_curves_and_an_axis_that_never_goes_back(tmp_path, fit, crashed):
    saved, _ = crashed(save=12)
    monitor = kcb.Monitor(log_dir=tmp_path / "runs", resume="last")
    waiting = monitor.run
    picture, pictures = SeriesEncoder(waiting), []
    picture.whole()
    seen = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: pictures.append(picture.whole()), on_train_end=lambda logs: picture.whole()
    )
    fit(monitor, epochs=3, model=load(saved), initial_epoch=1, callbacks=[seen])
    assert monitor.run is waiting
    assert b'"rows": 31' in pictures[0]
    x = picture._bins["batches"].update().x
    assert x.shape[1] == 55
    assert (np.diff(x[2]) >= 0).all()
    assert x[2][11] == x[2][30] == 1.0
    assert waiting.plot() is not None
    assert curves.batches(waiting).rows() == 55


def test_as_code_and_as_a_replay_it_is_what_came_since(tmp_path, fit, crashed, unit_model):
    saved, _ = crashed(save=24)
    monitor = kcb.Monitor(log_dir=tmp_path / "runs", resume="last")
    monitor.add_policy(lambda run, monitor: monitor.set(learning_rate=0.125) if run.step == 40 else None, every=1)
    model = fit(monitor, epochs=4, model=load(saved), initial_epoch=2)
    code = monitor.run.to_code()
    assert "was gone on with after batch 31, from the model as it was after batch 24" in code.replace("\n# ", " ")
    names = {}
    exec(compile(code, "code", "exec"), names)
    for callback in (names["SteeredRun"](), monitor.run.replay()):
        again = load(saved)
        again.fit(
            np.ones((12, 1)), np.ones((12, 1)), epochs=4, initial_epoch=2, batch_size=1, verbose=0, callbacks=[callback]
        )
        np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])
    told = [event.message for event in callback.run.events_list if event.name == "replay"]
    assert any("was gone on with after batch 31" in each for each in told)


def test_a_run_can_be_gone_on_with_again_and_again(tmp_path, fit, crashed):
    saved, file = crashed(save=12, crash=20)
    reached = 20
    for number in range(4):
        crash = Crashes(saved, 10, 13)
        monitor = kcb.Monitor(log_dir=tmp_path / "runs", resume="last")
        with pytest.raises(Crash):
            fit(monitor, epochs=9, model=load(saved), initial_epoch=1, callbacks=[crash])
        restored = 12 if not number else reached - 3
        assert monitor.run.branches[-1] == {"from": restored, "to": reached}
        reached += 13
    run = Run.open(file)
    live = run.batches[~run.batches.abandoned]
    assert list(np.rint(-live.batch_loss / RATE)) == list(range(12 + 4 * 10 + 3))
    assert "Crash" in run.message


def test_calls_that_an_optimizer_had_on_two_ways_tell_no_step(tmp_path, fit, crashed):
    saved, _ = crashed(save=12, crash=20)
    first = kcb.Monitor(log_dir=tmp_path / "runs", resume="last")
    with pytest.raises(Crash):
        fit(first, model=load(saved), initial_epoch=1, callbacks=[Crashes(saved, 6, 9)])  # 18 calls, as before step 20
    monitor = kcb.Monitor(log_dir=tmp_path / "runs", resume="last")
    fit(monitor, model=load(saved), initial_epoch=2)
    assert monitor.run.id == first.run.id
    assert monitor.run.events_list[-2].message.endswith(
        "its optimizer has 18 calls, and the run's had them more than once"
    )
    assert len(monitor.run.branches) == 1


# -- from where --------------------------------------------------------------------------------------------------------


def test_a_finished_run_is_trained_more(tmp_path, fit):
    monitor = kcb.Monitor(log_dir=tmp_path)
    fit(monitor).save(tmp_path / "end.keras")
    more = kcb.Monitor(log_dir=tmp_path, resume="last")
    fit(more, epochs=5, model=load(tmp_path / "end.keras"), initial_epoch=3)
    assert calls(more.run) == list(range(60))
    assert not more.run.branches
    assert how(more.run).message.endswith("it had been finished")
    assert list(more.run.epochs.index) == [0, 1, 2, 3, 4]


def test_a_finished_run_is_left_alone_by_a_model_that_was_not_trained(tmp_path, fit):
    monitor = kcb.Monitor(log_dir=tmp_path)
    fit(monitor)
    for _ in range(2):  # the same script, run once more
        again = kcb.Monitor(log_dir=tmp_path, resume="last")
        fit(again)
        assert again.run.id != monitor.run.id
        assert how(again.run).kind == "status"
        assert how(again.run).message.endswith("is finished, and this model has not been trained")
    named = kcb.Monitor(resume=monitor.run.path)  # unless it is named
    fit(named)
    assert named.run.id == monitor.run.id
    assert named.run.branches == [{"from": 0, "to": 36}]


def test_weights_without_their_optimizer_do_not_tell_the_step(tmp_path, fit, crashed, unit_model):
    saved, _ = crashed()
    model = unit_model()
    model.set_weights(load(saved).get_weights())
    monitor = kcb.Monitor(log_dir=tmp_path / "runs", resume="last")
    fit(monitor, model=model, initial_epoch=2)
    assert "cannot be known from which step, so it goes on after step 31" in how(monitor.run).message
    assert "its weights are none that the run had then" in how(monitor.run).message
    assert how(monitor.run).new is None
    assert not monitor.run.branches
    assert calls(monitor.run) == [*range(31), *range(24, 36)]


def test_a_model_that_begins_anew_leaves_all_behind(tmp_path, fit, crashed):
    crashed()
    monitor = kcb.Monitor(log_dir=tmp_path / "runs", resume="last")
    fit(monitor)
    assert monitor.run.branches == [{"from": 0, "to": 31}]
    assert calls(monitor.run) == [*range(31), *range(36)]


class NoOptimizer(keras.Model):
    """Trains by itself."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def call(self, x):
        return self.dense(x)

    def train_step(self, *_):
        return {"loss": keras.ops.convert_to_tensor(1.0)}


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="its training step must give back a state")
def test_a_model_without_an_optimizer_tells_no_step(tmp_path, ones):
    for resume in (None, "last"):
        model = NoOptimizer()
        model.compile(optimizer=None)
        monitor = kcb.Monitor(log_dir=tmp_path, resume=resume)
        crash = Crashes(tmp_path / "x.weights.h5", 0, 3)
        with pytest.raises(Crash):
            model.fit(*ones, batch_size=1, verbose=0, callbacks=[monitor, crash])
    assert how(monitor.run).message.endswith(
        "so it goes on after step 3: nothing was noted of the run's optimizer"
    ) or (how(monitor.run).message.endswith("the model has no optimizer"))
    assert list(monitor.run.batches.index) == [1, 2, 3, 4, 5, 6]


def test_a_step_before_or_after_a_rollback_is_known_where_it_is_certain(tmp_path, fit):
    """The model goes back from step 20 to 8: its optimizer has the counts 9 to 20 twice."""
    for number, (save, expected) in enumerate([(6, 6), (24, 12), (34, 34)]):
        folder, saved = tmp_path / str(number), tmp_path / f"{number}.keras"
        monitor = kcb.Monitor(log_dir=folder)

        def act(run, monitor):
            if run.step == 8 and not run.snapshots:
                monitor.snapshot()
            if run.step == 20 and not run.branches:
                monitor.rollback("latest")

        monitor.add_policy(act, every=1)
        with pytest.raises(Crash):
            fit(monitor, callbacks=[Crashes(saved, save, 35)])
        assert monitor.run.branches == [{"from": 8, "to": 20}]
        again = kcb.Monitor(log_dir=folder, resume="last")
        fit(again, model=load(saved), initial_epoch=2)
        found = how(again.run)
        if expected == 12:  # where the second epoch began there were 12 calls, too, with the weights of now
            assert found.new in (12, 24)
            trained = -np.float64(load(saved).get_weights()[0]).item() / RATE
            assert calls(again.run)[int(found.new) - 1] + 1 == trained
        else:
            assert found.new == expected or found.new is None
        if found.new is not None:
            trained = round(-float(load(saved).get_weights()[0][0, 0]) / RATE)
            assert calls(again.run)[int(found.new) - 1] + 1 == trained


def test_gradients_that_add_up_over_batches_are_counted_by_the_batch(tmp_path, unit_model, fit):
    saved = tmp_path / "saved.keras"
    model = unit_model(keras.optimizers.SGD(0.5, gradient_accumulation_steps=4))
    with pytest.raises(Crash):
        fit(kcb.Monitor(log_dir=tmp_path), model=model, callbacks=[Crashes(saved, 18, 23)])
    monitor = kcb.Monitor(log_dir=tmp_path, resume="last")
    fit(monitor, model=load(saved), initial_epoch=2)
    assert how(monitor.run).new == 18


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="it executes one batch at a time")
@pytest.mark.parametrize("together", [3, 5])
def test_executions_of_several_batches_are_counted_too(tmp_path, unit_model, fit, together):
    saved = tmp_path / "saved.keras"
    model = unit_model(steps_per_execution=together)
    with pytest.raises(Crash):
        fit(kcb.Monitor(log_dir=tmp_path), model=model, callbacks=[Crashes(saved, 6, 8)])
    monitor = kcb.Monitor(log_dir=tmp_path, resume="last")
    model = load(saved)
    trained = round(-float(model.get_weights()[0][0, 0]) / RATE)
    fit(monitor, model=model, initial_epoch=2)
    assert how(monitor.run).new == trained
    assert (np.diff(monitor.run.batches.index) > 0).all()


def test_batches_that_weigh_otherwise_leave_those_before_as_they_were(tmp_path, fit, crashed):
    saved, file = crashed()
    monitor = kcb.Monitor(log_dir=tmp_path / "runs", resume="last")
    fit(monitor, epochs=4, model=load(saved), initial_epoch=2, batch_size=4)
    for run in (monitor.run, Run.open(file)):
        own = run.batches.batch_loss
        assert np.rint(-own[:31] / RATE).tolist() == list(range(31))
        assert own[31:].isna().all()
        assert run.batches.loss.notna().all()
        assert [each.message for each in run.events_list if each.name == "batch values"] == [
            "they are weighed otherwise than before, so from step 31 on only running means are known"
        ]


# -- a new run, and why ------------------------------------------------------------------------------------------------


def test_where_there_is_nothing_to_go_on_with_the_first_run_begins(tmp_path, fit):
    monitor = kcb.Monitor(log_dir=tmp_path / "runs", resume="last", name="digits")
    fit(monitor)
    assert how(monitor.run).message == "this is a new run: there is none called 'digits' to go on with"
    assert how(monitor.run).kind == "status"
    assert monitor.run.number == 1
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_a_run_that_trains_elsewhere_is_left_alone(tmp_path, fit):
    live = begin()
    train(live, 10)
    file = file_of(live, tmp_path)
    file.commit(1.0)
    monitor = kcb.Monitor(log_dir=tmp_path, resume="last")
    fit(monitor)
    assert how(monitor.run).kind == "warning"
    assert how(monitor.run).message == "this is a new run: it trains in this process"
    assert monitor.run.id != live.id
    assert len(monitor.run.batches) == 36
    train(live, 10, first=10)
    file.commit(1.0)
    file.close()
    assert Run.open(file.path).batch_table.rows == 20


def test_of_two_monitors_that_go_on_at_once_one_does(tmp_path, fit, crashed, unit_model):
    saved, file = crashed()
    monitors = [kcb.Monitor(log_dir=tmp_path / "runs", resume="last") for _ in range(4)]
    models, both = [load(saved) for _ in monitors], threading.Barrier(len(monitors))

    class Together(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            both.wait()

    def go(monitor, model):
        data = np.ones((12, 1), "float32")
        model.fit(data, data, epochs=4, initial_epoch=2, batch_size=1, verbose=0, callbacks=[Together(), monitor])

    threads = [threading.Thread(target=go, args=pair) for pair in zip(monitors, models, strict=True)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    went_on = [each for each in monitors if each.run.path == file]
    assert len(went_on) == 1
    assert len(kcb.runs(tmp_path / "runs")) == len(monitors)
    assert calls(Run.open(file)) == calls(went_on[0].run) == [*range(31), *range(24, 48)]
    for each in monitors:
        assert each.run.status == "finished"
        if each not in went_on:
            assert "trains in this process" in how(each.run).message
            assert len(each.run.batches) == 24


@pytest.mark.parametrize("damage", ["cut", "another", "gone"])
def test_a_file_that_cannot_be_read_is_left_and_training_goes_on(tmp_path, fit, crashed, damage):
    saved, file = crashed()
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:9000] if damage == "cut" else b"something else")
    for resume in ("last", file):
        monitor = kcb.Monitor(log_dir=tmp_path / "runs", resume=resume)
        fit(monitor, model=load(saved), initial_epoch=2)
        said = how(monitor.run)
        assert said.message.startswith("this is a new run: ")
        assert said.kind == ("status" if damage == "gone" and resume == "last" else "warning")
        assert monitor.run.status == "finished"
        assert len(Run.open(monitor.run.path).batches) == 12
        if damage == "gone":
            monitor.run.path.unlink()


def test_a_fit_that_cannot_begin_leaves_the_run_to_be_gone_on_with(tmp_path, fit, crashed, unit_model):
    saved, file = crashed()

    class Refuses(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            raise Crash

    with pytest.raises(Crash):
        fit(kcb.Monitor(log_dir=tmp_path / "runs", resume="last"), model=load(saved), callbacks=[Refuses()])
    monitor = kcb.Monitor(log_dir=tmp_path / "runs", resume="last")
    fit(monitor, model=load(saved), initial_epoch=2)
    assert monitor.run.path == file
    assert calls(monitor.run) == [*range(31), *range(24, 36)]
    assert len(monitor.run.sittings) == 2


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"resume": 3}, TypeError),
        ({"resume": b"last"}, TypeError),
        ({"resume": True}, TypeError),
        ({"resume": ""}, ValueError),
        ({"resume": "last"}, ValueError),
    ],
)
def test_what_is_no_option_is_refused(options, error):
    with pytest.raises(error, match="Received"):
        kcb.Monitor(**options)


def test_a_monitor_takes_the_option_to_another_process(tmp_path):
    there = cloudpickle.loads(cloudpickle.dumps(kcb.Monitor(log_dir=tmp_path, resume="last")))
    assert there._keeping.options.resume == "last"
    kcb.keep(tmp_path)
    data = cloudpickle.dumps(kcb.Monitor(resume="last"))
    kcb.keep(None)
    assert cloudpickle.loads(data)._keeping.options.log_dir == tmp_path


def test_training_is_bit_identical_with_and_without(tmp_path, classifier):
    weights = []
    for log_dir in (None, tmp_path / "runs"):
        model, x, y = classifier()
        path = tmp_path / "saved.keras"
        with pytest.raises(Crash):
            model.fit(
                x, y, epochs=3, batch_size=8, verbose=0, callbacks=[kcb.Monitor(log_dir=log_dir), Crashes(path, 8, 11)]
            )
        again = keras.models.load_model(path)
        keras.utils.set_random_seed(9)
        monitor = kcb.Monitor(log_dir=log_dir, resume=None if log_dir is None else "last")
        again.fit(x, y, epochs=3, initial_epoch=1, batch_size=8, verbose=0, callbacks=[monitor])
        weights.append(again.get_weights())
    assert how(monitor.run).new == 8
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)
