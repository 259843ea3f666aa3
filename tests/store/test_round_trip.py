"""A run that is opened from its file is the run that was kept: number for number, NaN for NaN."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kept import Play, begin, file_of, train, value
from same_run import assert_same_picture, assert_same_run

import kcb_widgets as kcb
from kcb_widgets import Run
from kcb_widgets.panels import payload
from kcb_widgets.panels.series_encoder import SeriesEncoder
from kcb_widgets.record import portable
from kcb_widgets.record.table import CHUNK
from kcb_widgets.store import documents, kept_state, rebuild, stored_table


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_a_run_is_kept_as_it_was_whatever_happened_and_whenever_it_was_written(tmp_path_factory, seed):
    folder = tmp_path_factory.mktemp("runs")
    play = Play(seed)
    play.train()
    file = file_of(play.run, folder)
    for _ in range(30):
        play.act()
        if play.random.random() < 0.4:
            file.commit(1.0)
        if play.random.random() < 0.1:
            file.close()
    play.run.finish("finished")
    file.commit(1.0, whole=True)
    file.close()
    kept = Run.open(file.path)
    assert_same_run(play.run, kept)
    assert kept.status == "finished"
    assert kept.id == play.run.id
    assert kept.seconds == play.run.seconds
    assert [epoch for epoch, _ in kept.epoch_rows] == [epoch for epoch, _ in play.run.epoch_rows]
    assert not [each for each in kept.events_list if each.name == "file"]


def test_the_forms_that_people_read_are_the_same(tmp_path):
    run = begin(("loss", "accuracy"), steps=50, epochs=3)
    file = file_of(run, tmp_path, tags=("a", "b"), notes="ü", config={"depth": {"of": [1, 2]}, "rate": 1e-3})
    for epoch in range(3):
        train(run, 50, ("loss", "accuracy"), epoch)
        run.set_value("learning_rate", 0.1 / (epoch + 1))
        run.end_epoch(epoch, {"loss": value(epoch), "val_loss": float("nan"), "accuracy": float("inf")})
        file.commit(1.0)
    run.finish("stopped", "by hand")
    file.commit(1.0, whole=True)
    file.close()
    kept = Run.open(file.path)
    pd.testing.assert_frame_equal(kept.epochs, run.epochs)
    pd.testing.assert_frame_equal(kept.events, run.events)
    assert kept.to_code() == run.to_code()
    assert kept.plot() is not None
    assert kept.replay() is not None
    assert (kept.status, kept.message, kept.tags, kept.notes) == ("stopped", run.message, ("a", "b"), "ü")
    assert kept.config == {"depth": {"of": [1, 2]}, "rate": 1e-3}
    live, shown = payload.state(run), payload.state(kept)
    for name in ("run", "title", "status", "epoch", "epochs", "batch", "batches", "step", "elapsed", "bests", "values"):
        assert shown[name] == live[name], name


@pytest.fixture(scope="module")
def long_run(tmp_path_factory):
    """A run of some chunks, kept in pieces."""
    run = begin(("loss", "accuracy"), steps=10_000, epochs=100)
    file = file_of(run, tmp_path_factory.mktemp("runs"))
    for epoch in range(16):
        train(run, 10_000, ("loss", "accuracy"), epoch)
        run.end_epoch(epoch, {"loss": value(epoch)})
        file.commit(1.0)
    run.finish("finished")
    file.commit(1.0, whole=True)
    file.close()
    return run, file.path


def test_a_long_run_is_drawn_without_a_look_at_its_rows(long_run, monkeypatch):
    run, path = long_run
    read = []
    decode = stored_table.decode
    monkeypatch.setattr(stored_table, "decode", lambda *args: read.append(args[1]) or decode(*args))
    kept = Run.open(path)
    assert not read
    whole = SeriesEncoder(kept).whole()
    # The newest chunk, the one before it for the batch before its first, and the short tables: not the rest.
    assert sum(read) <= run.batch_table.rows % CHUNK + CHUNK + 1000 < run.batch_table.rows
    assert len(whole) == len(SeriesEncoder(run).whole())
    read.clear()
    assert SeriesEncoder(kept).window(1000, 2000, 500)
    assert 0 < sum(read) <= CHUNK


def test_the_picture_of_a_long_run_is_the_live_one(long_run):
    run, path = long_run
    kept = Run.open(path)
    for first, last in ((0, 160_000), (5, 70_000), (100_000, 100_300)):
        assert_same_picture(kept, run, first, last)
    rows = run.batch_table.rows
    np.testing.assert_array_equal(kept.batch_table.values(0, rows), run.batch_table.values(0, rows))


def test_a_metric_that_can_be_recovered_later_has_its_summaries_made_again(tmp_path):
    run = begin((), steps=CHUNK + 100)
    file = file_of(run, tmp_path)
    train(run, CHUNK + 100)
    file.commit(1.0)
    run.batch_values.claim("loss", "batches")
    run.finish("finished")
    file.commit(1.0, whole=True)
    file.close()
    kept = Run.open(file.path)
    assert_same_picture(kept, run, 0, CHUNK)


def test_nothing_is_written_where_nothing_is_new(tmp_path):
    run = begin()
    file = file_of(run, tmp_path)
    train(run, 5)
    assert file.commit(1.0)
    size = file.path.stat().st_size
    assert not file.commit(1.0, beat=100.0)
    assert file.path.stat().st_size == size


def test_an_open_run_is_no_live_one(tmp_path):
    run = begin()
    train(run, 5)
    file = file_of(run, tmp_path)
    file.commit(1.0)
    file.close()
    kept = rebuild.open_run(file.path)
    assert kept.reopened
    assert kept.inbox is None
    assert not kept.over
    assert kept.message == "it trains in another process"
    assert set(payload.state(kept)["can"].values()) == {rebuild.ELSEWHERE}


def test_what_a_commit_says_of_a_run_that_trains_on_fits_together(tmp_path, monkeypatch):
    """The thread that trains does not wait for a commit to be put together."""
    run = begin()
    train(run, 5)
    file = file_of(run, tmp_path)
    metrics = portable.metrics
    monkeypatch.setattr(portable, "metrics", lambda run: train(run, 3, first=run.batch) or metrics(run))
    for _ in range(3):
        file.commit(1.0)
        (row,) = kcb.runs(tmp_path).to_dict("records")
        kept = Run.open(file.path)
        assert row["batches"] == row["step"] == kept.step == kept.batch_table.rows == kept.batch < run.step
    file.close()


def test_all_that_is_kept_of_a_runs_state_is_read_again():
    assert sorted(documents.STATE) == sorted(kept_state.STATE)
