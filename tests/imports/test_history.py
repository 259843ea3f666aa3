"""Keras's History as a run: what fit returned, and what people make of it."""

from __future__ import annotations

import math
import pickle
import types

import pytest
from foreign import BATCHES, EPOCHS, fit
from kept import file_of

import kcb_widgets as kcb
from kcb_widgets.panels import payload
from kcb_widgets.panels.series_encoder import SeriesEncoder


@pytest.fixture(scope="module")
def history():
    return fit([])


def made(logs, epoch=None, **more):
    """A History put together by hand."""
    length = max(map(len, logs.values()), default=0)
    return types.SimpleNamespace(history=logs, epoch=list(range(length)) if epoch is None else epoch, **more)


def test_a_fits_history_is_a_finished_run_with_all_that_one_has(history):
    run = kcb.Run.from_history(history)
    assert isinstance(run, kcb.Run)
    assert (run.status, run.message, run.name) == ("finished", "from Keras's History", "digits")
    assert {name: list(run.epochs[name]) for name in history.history} == history.history
    assert list(run.epochs.index) == history.epoch
    assert (run.step, len(run.batches), run.params["steps"]) == (EPOCHS * BATCHES, 0, BATCHES)
    best = {each["metric"]: each for each in run.bests}["val_loss"]
    assert best["value"] == pytest.approx(min(history.history["val_loss"]), rel=1e-6)
    assert best["step"] == BATCHES * (best["epoch"] + 1)
    assert list(run.epoch_at(run.epoch_table.steps(0, EPOCHS))) == [1, 2, 3, 4]
    assert len(run.plot().axes) == 2
    assert payload.state(run)["status"] == "finished"
    assert SeriesEncoder(run).whole()


def test_the_same_history_is_the_same_run_and_another_is_another(history):
    run = kcb.Run.from_history(history)
    assert kcb.Run.from_history(history).id == run.id
    assert len(run.id) == 12
    other = made({**history.history, "loss": [*history.history["loss"][:-1], 0.5]}, params=history.params)
    assert kcb.Run.from_history(other).id != run.id


def test_there_is_nothing_to_replay_from_a_file_too(history, tmp_path):
    run = kcb.Run.from_history(history)
    file = file_of(run, tmp_path, settings=run.settings)
    file.commit(1.0, whole=True)
    file.close()
    for each in (run, kcb.Run.open(file.path), pickle.loads(pickle.dumps(run))):
        assert each.id == run.id
        assert each.epochs.equals(run.epochs)
        for ask in (each.replay, each.to_code):
            with pytest.raises(ValueError, match="Run 1 is from Keras's History, which does not say what was done"):
                ask()


@pytest.mark.parametrize("freq", [1, 2, [1, 4]])
def test_validated_epochs_are_where_they_were(freq):
    found = fit([], validation_freq=freq)
    run = kcb.Run.from_history(found, validation_freq=freq)
    wanted = [1, 2, 3, 4] if freq == 1 else [2, 4] if freq == 2 else freq
    values = run.epochs["val_loss"].dropna()
    assert [epoch + 1 for epoch in values.index] == wanted
    assert list(values) == found.history["val_loss"]


def test_where_they_were_is_never_guessed():
    run = kcb.Run.from_history(made({"loss": [3.0, 2.0, 1.0], "val_loss": [1.0]}))
    assert "val_loss" not in run.epochs
    told = "left out: 1 of 3 epochs have a value, and History does not say which: tell from_history the validation_freq"
    assert told in list(run.events["message"])
    run = kcb.Run.from_history(made({"loss": [3.0, 2.0, 1.0], "val_loss": [1.0]}), validation_freq=1)
    assert "left out: 1 values do not fit validation_freq=1 in 3 epochs" in list(run.events["message"])


def test_odd_values_and_odd_names_come_along():
    logs = {
        "größe": [1.0, math.nan],
        "seconds": [5.0, 6.0],
        3: [math.inf, -math.inf],
        "text": ["a", [1, 2]],
        "huge": [1, 10**400],
    }
    run = kcb.Run.from_history(made(logs, epoch=[5, 6], params={"epochs": 9, "steps": None, "x": object()}))
    assert list(run.epochs.index) == [5, 6]
    assert math.isnan(run.epochs["größe"][6])
    assert list(run.epochs["metric_seconds"]) == [5, 6]
    assert list(run.epochs["3"]) == [math.inf, -math.inf]
    assert list(run.epochs["text"]) == ["a", "[1, 2]"]
    assert run.epochs["huge"][5] == 1.0
    assert run.message.startswith("from Keras's History, 7 of 9 epochs; ")
    assert "3 is infinite since epoch 6" in run.message
    assert run.not_finite is not None
    assert run.plot() is not None


def test_a_rate_that_was_logged_is_drawn_as_a_control():
    run = kcb.Run.from_history(made({"loss": [1.0] * 4, "learning_rate": [0.1, 0.1, 0.01, 0.01]}))
    assert list(run.epochs["learning_rate"]) == [0.1, 0.1, 0.01, 0.01]
    table = run.value_table
    assert list(table.steps(0, table.rows)) == [0, 2]
    assert list(table.column("learning_rate")) == pytest.approx([0.1, 0.01])


def test_no_epochs_are_a_run_too():
    run = kcb.Run.from_history(made({}))
    assert run.status == "finished"
    assert len(run.epochs) == 0
    assert run.plot() is not None


@pytest.mark.parametrize("thing", [None, 3, {"loss": [1.0]}, types.SimpleNamespace(history=3, epoch=[])])
def test_something_else_is_refused(thing):
    with pytest.raises(TypeError, match="history must be what fit returns"):
        kcb.Run.from_history(thing)
