"""Keras's own callbacks beside Monitor: shown, steered, and unchanged where nobody touches them."""

from __future__ import annotations

import csv
import json
import math

import keras
import numpy as np
import pytest

import kcb_widgets as kcb
from kcb_widgets.run import Run
from kcb_widgets.steering.callbacks.card import CardContext
from kcb_widgets.steering.callbacks.hook_wrappers import HOOKS, Meter, heard, light
from kcb_widgets.steering.callbacks.output_capture import Tee
from kcb_widgets.steering.callbacks.pure_functions import pure

C = keras.callbacks


class Score(C.Callback):
    """Puts a metric of our choice into the logs, so that what the others do with it is known."""

    def __init__(self, *values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs["score"] = self.values[min(epoch, len(self.values) - 1)]


class Then(C.Callback):
    """Does something as an epoch begins."""

    def __init__(self, epoch, action):
        super().__init__()
        self.epoch, self.action = epoch, action

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            self.action()


def fit(model, x, y, *callbacks, **kwargs):
    return model.fit(x, y, callbacks=list(callbacks), **({"batch_size": 2, "verbose": 0} | kwargs))


def card(monitor, id):
    return next(card for card in monitor.run.cards if card["id"] == id)


def facts(monitor, id):
    return {fact["label"]: fact["value"] for fact in card(monitor, id)["facts"]}


def events(monitor, kind, source=None):
    return [e for e in monitor.run.events_list if e.kind == kind and source in (None, e.source)]


# -- untouched ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [None, 0, 3, 7])
def test_untouched_everything_is_as_without_monitor_wherever_it_stands(classifier, tmp_path, place):
    def train(folder, monitor):
        folder.mkdir()
        model, x, y = classifier()
        callbacks = [
            Score(5, 4, 3.99, 3.99, 3.99, 3.99, 3.99),
            C.EarlyStopping("score", patience=4, min_delta=0.1, mode="min", restore_best_weights=True),
            C.ReduceLROnPlateau("score", factor=0.5, patience=2, mode="min"),
            C.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
            C.ModelCheckpoint(
                folder / "m-{epoch}.weights.h5", "score", save_weights_only=True, save_best_only=True, mode="min"
            ),
            C.CSVLogger(folder / "log.csv"),
            C.LambdaCallback(on_epoch_end=lambda epoch, logs: None),
        ]  # fmt: skip
        before = [set(vars(callback)) for callback in callbacks]
        listed = [*callbacks]
        if monitor is not None:
            listed.insert(place, monitor)
        history = fit(model, x, y, *listed, epochs=9, validation_split=0.25)
        assert [set(vars(callback)) - {"_history"} for callback in callbacks] >= before
        assert not [name for callback in callbacks[:6] for name in HOOKS if name in vars(callback)]
        return history, sorted(path.name for path in folder.iterdir()), (folder / "log.csv").read_text(), model

    plain, files, log, model = train(tmp_path / "plain", None)
    monitor = kcb.Monitor()
    watched, files2, log2, model2 = train(tmp_path / "watched", monitor if place is not None else None)
    assert (watched.history, watched.epoch, files2, log2) == (plain.history, plain.epoch, files, log)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), model2.get_weights(), strict=True))
    if place is None:
        return
    assert monitor.run.status == "stopped"
    stop = events(monitor, "stop")
    assert [(e.source, e.epoch) for e in stop] == [("EarlyStopping", 5)]
    assert [e.new for e in events(monitor, "saved")] == ["m-1.weights.h5", "m-2.weights.h5", "m-3.weights.h5"]
    cuts = events(monitor, "changed", "ReduceLROnPlateau")
    assert [cut.new for cut in cuts] == [pytest.approx(cut.old / 2) for cut in cuts]
    assert len(cuts) == 1
    assert [e.epoch for e in events(monitor, "changed", "LearningRateScheduler")] == [*range(6)]
    hooks = {hook["name"]: hook["count"] for hook in card(monitor, "CSVLogger")["hooks"]}
    assert hooks == {"on_train_begin": 1, "on_epoch_end": 6, "on_train_end": 1}
    json.dumps(monitor.run.cards, allow_nan=False)


def test_a_neighbour_that_raises_raises_as_ever_and_the_board_says_which_hook(unit_model, ones):
    class Broken(C.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise ValueError("no disk left\nand more")

    monitor, broken, error = kcb.Monitor(), Broken(), None
    with pytest.raises(ValueError, match="no disk left") as caught:
        fit(unit_model(), *ones, monitor, broken)
    monitor.died(caught.value)
    assert caught.type is ValueError
    error = card(monitor, "Broken")["error"]
    assert error == {"hook": "on_epoch_end", "message": "ValueError: no disk left"}
    event = events(monitor, "error")[0]
    assert (event.name, event.source) == ("Broken", "Broken")
    assert "on_epoch_end" in event.message
    assert not [name for name in vars(broken) if name.startswith("on_")]


def test_one_that_raises_in_the_end_leaves_nothing_behind_either(unit_model, ones):
    class Broken(C.Callback):
        def on_train_end(self, logs=None):
            raise ValueError("late")

    monitor, broken = kcb.Monitor(), Broken()
    with pytest.raises(ValueError, match="late") as caught:
        fit(unit_model(), *ones, monitor, broken)
    monitor.died(caught.value)
    assert not [name for name in vars(broken) if name.startswith("on_")]
    assert monitor.run.status == "failed"
    fit(unit_model(), *ones, monitor)
    assert monitor.run.status == "finished"


def test_two_monitors_watch_the_same_neighbour_and_both_let_go(unit_model, ones):
    calls = []
    mine = C.LambdaCallback(on_epoch_end=lambda epoch, logs: calls.append(epoch))
    own = vars(mine)["on_epoch_end"]
    first, second = kcb.Monitor(), kcb.Monitor()
    fit(unit_model(), *ones, first, mine, second, epochs=2)
    assert calls == [0, 1]
    assert vars(mine)["on_epoch_end"] is own
    for monitor in (first, second):
        assert card(monitor, "LambdaCallback")["hooks"][0]["count"] == 2


# -- EarlyStopping -----------------------------------------------------------------------------------------------------


def test_patience_raised_live_lets_the_run_go_past_the_old_limit(unit_model, ones):
    def train(*more, monitor):
        stopping = C.EarlyStopping("score", patience=2, mode="min")
        return len(fit(unit_model(), *ones, Score(1, 2), stopping, monitor, *more, epochs=9).epoch)

    monitor = kcb.Monitor()
    assert train(monitor=monitor) == 3
    raised = Then(2, lambda: monitor.set({"EarlyStopping.patience": 5}))
    assert train(raised, monitor=monitor) == 6
    applied = events(monitor, "applied")[0]
    assert (applied.name, applied.old, applied.new) == ("EarlyStopping.patience", 2, 5)
    assert card(monitor, "EarlyStopping")["gauge"] == {"label": "patience", "used": 5, "of": 5}


@pytest.mark.parametrize(("mode", "values"), [("min", (4, 3.9, 3.8, 3.7)), ("max", (4, 4.1, 4.2, 4.3))])
def test_min_delta_changed_live_decides_what_is_better(unit_model, ones, mode, values):
    monitor = kcb.Monitor()
    stopping = C.EarlyStopping("score", patience=1, mode=mode)
    strict = Then(2, lambda: monitor.set({"EarlyStopping.min_delta": 0.5}))
    history = fit(unit_model(), *ones, Score(*values), stopping, monitor, strict, epochs=9)
    assert history.epoch == [0, 1, 2]
    best = card(monitor, "EarlyStopping")["best"]
    assert best == {"metric": "score", "value": values[1], "epoch": 1, "step": 12, "band": 0.5}
    control = next(c for c in monitor.run.controls if c["name"] == "EarlyStopping.min_delta")
    assert (control["value"], control["group"], control["section"]) == (0.5, "callbacks", "EarlyStopping")


def test_a_baseline_set_live_is_the_bar(unit_model, ones):
    monitor = kcb.Monitor()
    stopping = C.EarlyStopping("score", patience=3, mode="min", baseline=1.0)
    lower = Then(2, lambda: monitor.set({"EarlyStopping.baseline": None}))
    values = Score(9, 8, 7, 7, 7, 7, 7)
    assert len(fit(unit_model(), *ones, values, stopping, monitor, epochs=9).epoch) == 4
    assert len(fit(unit_model(), *ones, values, C.EarlyStopping("score", patience=3, mode="min", baseline=1.0), monitor,
                   lower, epochs=9).epoch) == 6  # fmt: skip


def test_best_weights_are_restored_if_that_is_asked_for_live(unit_model, ones):
    monitor, model = kcb.Monitor(), unit_model()
    stopping = C.EarlyStopping("score", patience=2, mode="min")
    restore = Then(1, lambda: monitor.set({"EarlyStopping.restore_best_weights": True}))
    fit(model, *ones, monitor, restore, Score(9, 8, 9, 9), stopping, epochs=9)
    assert model.get_weights()[0].item() == pytest.approx(-6.0)  # after two epochs of six steps of 0.5
    assert card(monitor, "EarlyStopping")["says"] == "stopped the fit; the weights of epoch 2 are back"


def test_what_early_stopping_says(unit_model, ones):
    monitor, said = kcb.Monitor(), []
    stopping = C.EarlyStopping("score", patience=2, mode="min", min_delta=0.1)

    def look():
        monitor._session.publish()
        said.append(card(monitor, "EarlyStopping")["says"])

    looks = [Then(epoch, look) for epoch in (1, 2)]
    fit(unit_model(), *ones, Score(2, 2), stopping, *looks, monitor, epochs=9)
    assert said == [
        "stops after 2 more epochs unless score falls below 1.9",
        "stops after this epoch unless score falls below 1.9",
    ]


def test_switched_off_it_does_not_stop_and_switched_on_it_does(unit_model, ones):
    monitor = kcb.Monitor()
    off = Then(1, lambda: monitor.set({"EarlyStopping.on": False}))
    on = Then(5, lambda: monitor.set({"EarlyStopping.on": True}))
    history = fit(
        unit_model(), *ones, off, on, Score(1, 2), C.EarlyStopping("score", patience=2, mode="min"), monitor, epochs=9
    )
    assert history.epoch == list(range(7))
    assert monitor.controls == []


# -- ReduceLROnPlateau -------------------------------------------------------------------------------------------------


def test_a_cut_at_once_changes_the_next_update(unit_model, ones, weights, at):
    monitor, replies = kcb.Monitor(), []
    plateau = C.ReduceLROnPlateau("loss", factor=0.5, patience=9, cooldown=2, min_lr=0.1)
    cut = [at(batch, lambda: replies.append(monitor.act("ReduceLROnPlateau.cut"))) for batch in (2, 4, 5, 6)]
    fit(unit_model(), *ones, *cut, monitor, weights, plateau, epochs=2)
    assert weights.moves == [0.5, 0.5, 0.25, 0.25, 0.125, 0.1] + [0.1] * 6
    changed = events(monitor, "changed", "ReduceLROnPlateau")
    assert [(e.step, e.old, e.new) for e in changed[:2]] == [(2, 0.5, 0.25), (4, 0.25, 0.125)]
    assert replies[0].wait(0) == changed[0]
    assert replies[3].wait(0).kind == "refused"
    assert "min_lr" in replies[3].wait(0).message
    assert facts(monitor, "ReduceLROnPlateau")["cooldown"] == 0
    assert plateau.cooldown == 2


def test_its_parameters_are_live(unit_model, ones, weights):
    monitor = kcb.Monitor()
    plateau = C.ReduceLROnPlateau("score", mode="min", factor=0.1, patience=9)
    values = {"patience": 1, "factor": 0.5, "min_lr": 0.125, "cooldown": 2, "min_delta": 0.2}
    steer = Then(1, lambda: monitor.set({f"ReduceLROnPlateau.{name}": value for name, value in values.items()}))
    fit(unit_model(), *ones, Score(5, 4.9, 4.85, 4.8), plateau, monitor, steer, weights, epochs=6)
    # A patience of 1 is spent in the second epoch; Keras counts the next one as the first of the cooldown.
    assert weights.moves[::6] == [0.5, 0.5, 0.25, 0.25, 0.125, 0.125]
    assert not [name for name in monitor.run.values if name.startswith("ReduceLROnPlateau")]
    with pytest.raises(ValueError, match="below 1"):
        kcb.steering.callback_registry.CallbackRegistry(
            kcb.Run(), None, type("List", (), {"callbacks": [plateau]})(), None
        ).controls()[2].check(1.0)


def test_a_schedule_cannot_be_cut_and_it_says_why(unit_model, ones, at):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 100, 0.9)
    monitor, replies = kcb.Monitor(), []
    plateau = C.ReduceLROnPlateau("loss", patience=99)
    cut = at(2, lambda: replies.append(monitor.act("ReduceLROnPlateau.cut")))
    fit(unit_model(keras.optimizers.SGD(schedule)), *ones, cut, plateau, monitor)
    assert replies[0].wait(0).kind == "refused"
    assert "schedule" in replies[0].wait(0).message
    assert "schedule" in card(monitor, "ReduceLROnPlateau")["says"]
    assert card(monitor, "ReduceLROnPlateau")["actions"] == []


# -- LearningRateScheduler ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", [True, False])
def test_the_schedule_ahead_is_planned_and_each_write_is_an_event(unit_model, ones, last):
    monitor, plans = kcb.Monitor(), []
    scheduler = C.LearningRateScheduler(lambda epoch, rate: rate * 0.5 if epoch else rate)
    see = Then(1, lambda: plans.append(monitor.run.plan))
    order = [monitor, scheduler] if last else [scheduler, monitor]
    fit(unit_model(), *ones, *order, see, epochs=4)
    assert plans == [{"learning_rate": ([13, 18, 19, 24], [0.125, 0.125, 0.0625, 0.0625])}]
    writes = events(monitor, "changed", "LearningRateScheduler")
    assert [(e.step, e.new) for e in writes] == [(6, 0.25), (12, 0.125), (18, 0.0625)]


def test_a_function_that_may_do_more_than_compute_is_never_called_by_us(unit_model, ones):
    calls = []

    def schedule(epoch, rate):
        calls.append(epoch)
        return rate

    monitor = kcb.Monitor()
    fit(unit_model(), *ones, monitor, C.LearningRateScheduler(schedule), epochs=3)
    assert calls == [0, 1, 2]
    assert "not known" in facts(monitor, "LearningRateScheduler")["ahead"]
    assert monitor.run.plan == {}


TABLE = [(2, 0.1), (4, 0.05)]


def test_what_counts_as_pure():
    state = {"n": 0}

    def table(epoch, rate):
        for start, value in TABLE:
            if epoch == start:
                return value
        return rate

    def counting(epoch):
        state["n"] += 1
        return 0.1

    def random(epoch):
        return float(np.random.rand())

    def opened(epoch):
        return float(open("/dev/null").read() or 0.1)

    numbers = iter([1.0])
    assert pure(table)
    assert pure(lambda epoch: 0.1 * math.exp(-0.1 * epoch))
    assert pure(lambda epoch: float(0.1 * keras.ops.exp(-0.1 * epoch)))
    assert pure(lambda epoch, rate: rate * 0.2 if epoch and epoch % 5 == 0 else rate)
    assert not any(pure(function) for function in (counting, random, opened, lambda epoch: next(numbers), print, 5))


def test_switched_off_and_held_it_writes_nothing(unit_model, ones, weights):
    monitor = kcb.Monitor()
    scheduler = C.LearningRateScheduler(lambda epoch: 0.5 / (epoch + 1))
    off = Then(2, lambda: monitor.set({"LearningRateScheduler.on": False}))
    on = Then(3, lambda: (monitor.set({"LearningRateScheduler.on": True}), monitor.hold()))
    fit(unit_model(), *ones, off, on, monitor, scheduler, weights, epochs=5)
    assert weights.moves[::6] == [0.5, 0.25, 0.25, 0.25, 0.25]
    assert [e.source for e in events(monitor, "held")] == ["LearningRateScheduler"] * 2


# -- ModelCheckpoint ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".weights.h5", ".keras"])
def test_a_file_loaded_back_gives_equal_predictions(classifier, tmp_path, ending):
    model, x, y = classifier()
    monitor, seen, replies = kcb.Monitor(), {}, []

    class Look(C.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen[epoch] = (model.predict(x, verbose=0), [v.numpy() for v in model.optimizer.variables])
            if epoch == 1:
                monitor.set(learning_rate=0.5)
            if epoch == 3:
                found = next(
                    file for file in monitor._session.steering.callback_registry.cards[0].files() if file["epoch"] == 1
                )
                replies.append(monitor.act(f"ModelCheckpoint.load:{found['id']}"))

        def on_train_batch_begin(self, batch, logs=None):
            if batch == 0 and len(seen) == 4:
                seen["back"] = (model.predict(x, verbose=0), [v.numpy() for v in model.optimizer.variables])

    saver = C.ModelCheckpoint(tmp_path / f"m-{{epoch}}{ending}", save_weights_only=ending != ".keras")
    fit(model, x, y, saver, monitor, Look(), epochs=5)
    assert replies[0].wait(0).kind == "applied", replies[0].wait(0)
    assert np.array_equal(seen["back"][0], seen[1][0])
    assert not np.array_equal(seen["back"][0], seen[3][0])
    names = [variable.path for variable in model.optimizer.variables]
    for name, back, then, before in zip(names, seen["back"][1], seen[1][1], seen[3][1], strict=True):
        if "learning_rate" in name:
            assert back == pytest.approx(0.5)
        else:
            assert np.array_equal(back, then if ending == ".keras" else before), name
    files = card(monitor, "ModelCheckpoint")["files"]
    assert [(f["name"], f["epoch"], f["step"]) for f in files] == [
        (f"m-{i + 1}{ending}", i, 32 * (i + 1)) for i in range(5)
    ]
    assert files[0]["bytes"] == (tmp_path / f"m-1{ending}").stat().st_size
    assert "accuracy" in files[0]["metrics"]
    assert [e.new for e in events(monitor, "saved")] == [f["name"] for f in files]


@pytest.mark.parametrize("name", ["best.weights.h5", "best-{epoch}.weights.h5"])
def test_a_file_that_is_written_over_is_one_file_with_its_latest_epoch(unit_model, ones, tmp_path, name):
    monitor = kcb.Monitor()
    saver = C.ModelCheckpoint(tmp_path / name, "score", save_best_only=True, save_weights_only=True, mode="min")
    fit(unit_model(), *ones, Score(5, 4, 4, 3), saver, monitor, epochs=4)
    found, files = facts(monitor, "ModelCheckpoint"), card(monitor, "ModelCheckpoint")["files"]
    assert found["saves"] == "weights, when score is better than before, looked at every epoch"
    assert [file["epoch"] for file in files] == ([3] if name == "best.weights.h5" else [0, 1, 3])
    assert found["files written"] == len(files)
    assert found.get("last written") == ("best.weights.h5, epoch 4" if len(files) == 1 else None)
    assert len(events(monitor, "saved")) == 3  # each is an event


def test_an_event_does_not_say_the_same_twice(unit_model, ones, at, tmp_path, monkeypatch):
    """The board writes a kind and a name, and what is new and a message, beside each other."""
    monkeypatch.chdir(tmp_path)
    monitor = kcb.Monitor()
    saver = C.ModelCheckpoint("best-{epoch}.weights.h5", save_weights_only=True)
    now = at(3, lambda: monitor.act("ModelCheckpoint.save"))
    wait = at(4, lambda: (monitor.pause(), monitor.resume(), monitor.step(100)))
    schedule = C.LearningRateScheduler(lambda epoch, rate: rate * 0.5)
    fit(unit_model(), *ones, saver, now, wait, schedule, monitor, epochs=2)
    saved = [(e.new, e.message) for e in events(monitor, "saved")]
    assert ("best-1.weights.h5", "") in saved
    assert all(e.new not in e.message for e in events(monitor, "saved"))
    assert {e.name for kind in ("paused", "resumed") for e in events(monitor, kind)} == {"paused", "resumed"}
    assert {e.message for e in events(monitor, "resumed")} == {"", "for 100 batches"}
    assert {e.message for e in events(monitor, "changed")} == {""}


def test_only_files_it_wrote_and_that_are_still_the_same_are_loaded(unit_model, ones, at, tmp_path):
    monitor, replies = kcb.Monitor(), []
    path = tmp_path / "m.weights.h5"

    def ask():
        replies.extend(monitor.act(f"ModelCheckpoint.load:{what}") for what in ("9", str(path), "../m"))
        replies.append(monitor.act("EarlyStopping.load:1"))
        path.write_bytes(path.read_bytes())
        replies.append(monitor.act("ModelCheckpoint.load:1"))

    saver = C.ModelCheckpoint(path, save_weights_only=True)
    fit(unit_model(), *ones, saver, at(8, ask), monitor, epochs=2)
    assert [reply.wait(0).kind for reply in replies] == ["refused"] * 5
    assert "changed or removed" in replies[4].wait(0).message


def test_save_now_writes_over_nothing(unit_model, ones, at, tmp_path):
    monitor, replies = kcb.Monitor(), []
    saver = C.ModelCheckpoint(tmp_path / "best.weights.h5", "loss", save_weights_only=True, save_best_only=True)
    fit(
        unit_model(),
        *ones,
        saver,
        at(8, lambda: replies.append(monitor.act("ModelCheckpoint.save"))),
        monitor,
        epochs=2,
    )
    event = replies[0].wait(0)
    assert (event.kind, event.new, event.step) == ("saved", "best-step-8.weights.h5", 8)
    model = unit_model()
    model.load_weights(tmp_path / "best-step-8.weights.h5")
    assert model.get_weights()[0].item() == pytest.approx(-4.0)
    assert [file["name"] for file in card(monitor, "ModelCheckpoint")["files"]] == [event.new, "best.weights.h5"]
    assert card(monitor, "ModelCheckpoint")["best"]["epoch"] == 1


def test_save_best_only_is_live(unit_model, ones, tmp_path):
    monitor = kcb.Monitor()
    saver = C.ModelCheckpoint(tmp_path / "m-{epoch}.weights.h5", "score", save_weights_only=True, mode="min")
    only = Then(2, lambda: monitor.set({"ModelCheckpoint.save_best_only": True}))
    fit(unit_model(), *ones, only, monitor, Score(1, 2, 1, 3, 0.5), saver, epochs=5)
    assert [e.new for e in events(monitor, "saved")] == [f"m-{i}.weights.h5" for i in (1, 2, 3, 5)]
    assert len(list(tmp_path.iterdir())) == 4


def test_a_file_that_cannot_be_written_raises_as_ever_and_is_said(unit_model, ones, tmp_path):
    (tmp_path / "m.weights.h5").mkdir()
    monitor = kcb.Monitor()
    with pytest.raises(OSError) as caught:  # noqa: PT011
        fit(unit_model(), *ones, C.ModelCheckpoint(tmp_path / "m.weights.h5", save_weights_only=True), monitor)
    monitor.died(caught.value)
    assert card(monitor, "ModelCheckpoint")["error"]["hook"] == "on_epoch_end"
    assert card(monitor, "ModelCheckpoint")["files"] == []


# -- the others --------------------------------------------------------------------------------------------------------


def test_writers_say_where_they_write_what_and_when(classifier, tmp_path):
    model, x, y = classifier(optimizer=keras.optimizers.Adam(use_ema=True))
    monitor = kcb.Monitor()
    log, backup, board = tmp_path / "log.csv", tmp_path / "backup", tmp_path / "board"
    swap = C.SwapEMAWeights()
    pytest.importorskip("tensorboard")
    callbacks = [C.CSVLogger(log), monitor, C.BackupAndRestore(backup), C.TensorBoard(board), swap]
    fit(model, x, y, *callbacks, epochs=2, validation_split=0.25)
    found = facts(monitor, "CSVLogger")
    assert (found["path"], found["rows written"]) == (str(log), 2)
    last = list(csv.DictReader(log.open()))[-1]
    row = [f"{name} {float(value):.4g}" for name, value in last.items()]
    assert found["last row"] == " \u00b7 ".join(row)
    found = facts(monitor, "BackupAndRestore")
    assert (found["path"], found["backups"]) == (str(backup), 2)
    assert found["last"].startswith("epoch 2, step 48")
    assert "deleted" in found["at the end"]
    found = facts(monitor, "TensorBoard")
    assert (found["path"], found["epochs written"], found["last"]) == (str(board), 2, "epoch 2, step 48")
    found = facts(monitor, "SwapEMAWeights")
    assert (found["swapped"], found["in the model"]) == (4, "trained weights")


def test_a_remote_monitor_that_reaches_nobody_says_so(unit_model, ones):
    monitor = kcb.Monitor()
    with pytest.warns(UserWarning, match="Could not reach"):
        fit(unit_model(), *ones, C.RemoteMonitor("http://127.0.0.1:9"), monitor, epochs=2)
    found = facts(monitor, "RemoteMonitor")
    assert (found["url"], found["posts"], found["not delivered"]) == ("http://127.0.0.1:9/publish/epoch/end/", 2, 2)
    assert "Could not reach" in found["warned"]


@pytest.mark.parametrize("first", [True, False])
def test_terminate_on_nan_says_when(unit_model, ones, first):
    monitor, terminate = kcb.Monitor(), C.TerminateOnNaN()
    x = ones[0].copy()
    x[6] = np.nan
    fit(unit_model(), x, ones[1], *([monitor, terminate] if first else [terminate, monitor]), epochs=3, shuffle=False)
    stop = events(monitor, "stop")
    message = "TerminateOnNaN: loss was NaN at batch 4 of epoch 1"
    assert [(e.source, e.message, e.step) for e in stop] == [("TerminateOnNaN", message, 4)]
    assert (monitor.run.status, monitor.run.message) == ("stopped", message)  # and does not say NaN twice
    assert facts(monitor, "TerminateOnNaN")["stopped"] == "at batch 4 of epoch 1"
    assert monitor.run.step == 4


def test_a_lambda_callback_is_counted_heard_and_switched_off(unit_model, ones, capsys):
    monitor, ended = kcb.Monitor(), []
    mine = C.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: print(f"epoch {epoch}"),
        on_train_batch_end=lambda batch, logs: print(f"batch {batch}"),
        on_train_end=lambda logs: ended.append(True),
    )
    off = Then(1, lambda: monitor.set({"LambdaCallback.on": False}))
    fit(unit_model(), *ones, monitor, mine, off, epochs=3)
    said = "epoch 0\n" + "".join(f"batch {i}\n" for i in range(6)) + "epoch 1\n"
    assert card(monitor, "LambdaCallback")["printed"] == capsys.readouterr().out == said
    hooks = {hook["name"]: hook["count"] for hook in card(monitor, "LambdaCallback")["hooks"]}
    assert hooks == {"on_epoch_begin": 2, "on_train_batch_end": 6, "on_train_end": 1}
    assert ended == [True]  # where it may have something to close
    assert not card(monitor, "LambdaCallback")["on"]


def test_several_of_a_kind_are_told_apart(unit_model, ones):
    monitor = kcb.Monitor()
    fit(unit_model(), *ones, C.EarlyStopping("loss"), monitor, C.EarlyStopping("loss", patience=7))
    assert [c["id"] for c in monitor.run.cards] == ["EarlyStopping", "EarlyStopping 2"]
    names = [control["name"] for control in monitor.run.controls if control["label"] == "patience"]
    assert names == ["EarlyStopping.patience", "EarlyStopping 2.patience"]


def test_what_acts_there_are_not_is_refused(unit_model, ones, at):
    monitor, replies = kcb.Monitor(), []
    ask = at(2, lambda: replies.extend(monitor.act(what) for what in ("Nobody.cut", "At.cut", "cut")))
    fit(unit_model(), *ones, ask, monitor)
    assert [reply.wait(0).kind for reply in replies] == ["refused"] * 3
    with pytest.raises(ValueError, match="act takes"):
        monitor.act("x" * 201)


# -- custom ones, as the guide has them --------------------------------------------------------------------------------


class StopAtMinimumLoss(C.Callback):
    def __init__(self, patience=0):
        super().__init__()
        self.patience, self.best_weights = patience, None

    def on_train_begin(self, logs=None):
        self.wait, self.stopped_epoch, self.best = 0, 0, np.inf

    def on_epoch_end(self, epoch, logs=None):
        current = logs.get("score")
        if np.less(current, self.best):
            self.best, self.wait, self.best_weights = current, 0, self.model.get_weights()
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch, self.model.stop_training = epoch, True
            self.model.set_weights(self.best_weights)

    def on_train_end(self, logs=None):
        if self.stopped_epoch > 0:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")


class TableSchedule(C.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        rates = dict(TABLE)
        if epoch in rates:
            self.model.optimizer.learning_rate = rates[epoch]
            print(f"Epoch {epoch}: {rates[epoch]}")


@pytest.mark.parametrize("first", [True, False])
def test_stopping_at_minimum_loss_and_a_table_of_rates_work_as_they_are(unit_model, ones, weights, capsys, first):
    monitor, model = kcb.Monitor(), unit_model()
    own = [Score(9, 8, 7, 6, 7, 8, 9), StopAtMinimumLoss(2), TableSchedule(), weights]
    fit(model, *ones, *([monitor, *own] if first else [*own, monitor]), epochs=9)
    assert weights.moves[::6] == [0.5, 0.5, 0.1, 0.1, 0.05, 0.05]
    assert model.get_weights()[0].item() == pytest.approx(-12 * 0.5 - 12 * 0.1)
    assert [(e.source, e.epoch) for e in events(monitor, "stop")] == [("StopAtMinimumLoss", 5)]
    writes = [(e.new, e.source) for e in events(monitor, "changed")]
    assert writes == [(pytest.approx(0.1), "TableSchedule"), (pytest.approx(0.05), "TableSchedule")]
    assert card(monitor, "StopAtMinimumLoss")["printed"] == "Epoch 6: early stopping\n"
    assert capsys.readouterr().out.count("Epoch") == 3


class LossesPerBatch(C.Callback):
    def on_train_batch_end(self, batch, logs=None):
        print(f"Up to batch {batch}, the average loss is {logs['loss']:7.2f}.")

    def on_test_batch_end(self, batch, logs=None):
        print(f"Up to batch {batch}, the average loss is {logs['loss']:7.2f}.")


def test_printing_losses_and_keys_at_each_hook_is_shown(unit_model, ones, capsys):
    monitor = kcb.Monitor()
    fit(unit_model(), *ones, LossesPerBatch(), monitor, epochs=1, validation_data=ones)
    printed = card(monitor, "LossesPerBatch")["printed"]
    assert printed == capsys.readouterr().out
    assert printed.count("average loss") == 12
    keys = C.LambdaCallback()
    for name in (
        "on_train_begin",
        "on_epoch_begin",
        "on_epoch_end",
        "on_test_begin",
        "on_test_end",
        "on_train_batch_end",
    ):
        setattr(keys, name, lambda *args, logs=None, name=name: print(name, list(logs or args[-1] or {})))
    fit(unit_model(), *ones, monitor, keys, epochs=1, validation_data=ones)
    printed = card(monitor, "LambdaCallback")["printed"]
    assert printed == capsys.readouterr().out
    assert "on_train_batch_end ['loss']\n" in printed
    assert "on_epoch_end ['loss', 'val_loss']\n" in printed


# -- cost --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("how", "most"), [(light, 3), (heard, 5)])
def test_a_wrapped_batch_hook_costs_few_calls(how, most, calls):
    class Card:
        on, known, id = True, False, "Mine"
        tee = Tee()
        context = CardContext(Run(), type("Model", (), {"stop_training": False})())

    def hook(batch, logs=None):
        return None

    wrapped = how(Card(), "on_train_batch_end", hook, Meter())
    assert calls(lambda: wrapped(3, logs={"loss": 1.0})) - calls(lambda: hook(3, logs={"loss": 1.0})) <= most
