"""Fits that belong together: what is kept of each, their mean, and how long they take."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kcb_widgets as kcb
from kcb_widgets.panels import payload
from kcb_widgets.record import fit_group, grouped_fit
from kcb_widgets.record.fit_curves import collect
from kcb_widgets.record.fit_group import FitGroup


def fit(values, status="finished", batches=2, metric="val_loss", number=1):
    """A run with a metric at the ends of its epochs."""
    run = kcb.Run(number)
    run.params = {"epochs": len(values), "steps": batches}
    for epoch, value in enumerate(values):
        run.begin_epoch(epoch)
        for batch in range(batches):
            run.append(batch, {"loss": float(epoch + batch)})
        run.end_epoch(epoch, {"loss": float(epoch), metric: value})
    if status:
        run.finish(status)
    return run


def group_of(*runs, keep=None, **how):
    group = FitGroup(**how)
    for run in runs:
        group.join(run, keep)
    return group


def test_the_mean_is_over_fits_that_ended_and_says_over_how_many():
    runs = [fit([3.0, 1.0]), fit([3.0, 2.0], "stopped"), fit([3.0, 9.0], "failed"), fit([3.0, 7.0], "")]
    said = group_of(*runs, name="folds").describe(None)
    assert (said["metric"], said["counted"], said["mean"]) == ("val_loss", 2, 1.5)
    assert said["deviation"] == pytest.approx(np.std([1.0, 2.0], ddof=1))
    assert [each["value"] for each in said["fits"]] == [1.0, 2.0, 9.0, 7.0]
    table = group_of(*[fit([3.0, value]) for value in (1.0, 2.0)]).table()
    assert list(table["val_loss"]) == [1.0, 2.0]
    assert table["val_loss"].agg(["mean", "std"]).tolist() == [1.5, pytest.approx(said["deviation"])]
    assert list(table["best_val_loss"]) == [1.0, 2.0]


def test_a_fit_that_trains_is_read_anew_each_time():
    run = fit([3.0], "")
    group = group_of(run)
    assert group.fits()[0].last["val_loss"] == 3.0
    run.begin_epoch(1)
    run.end_epoch(1, {"val_loss": 2.0})
    assert group.fits()[0].last["val_loss"] == 2.0
    run.finish("finished")
    assert group.fits()[0].status == "finished"


def test_curves_are_compared_where_fits_have_values_and_nothing_is_filled_in():
    found = collect(group_of(fit([1.0, 2.0, 3.0]), fit([3.0]), fit([5.0, 4.0])), "val_loss")
    assert found.by_epoch
    assert found.x.tolist() == [1.0, 2.0, 3.0]
    np.testing.assert_array_equal(found.values, [[1, 2, 3], [3, np.nan, np.nan], [5, 4, np.nan]])
    np.testing.assert_array_equal(found.mean, [3.0, 3.0, np.nan])
    np.testing.assert_allclose((found.high - found.mean)[:2], [2.0, np.sqrt(2.0)])
    assert found.there.tolist() == [3, 2, 1]


def test_fits_of_one_epoch_are_compared_by_their_batches():
    found = collect(group_of(*(fit([1.0], batches=40) for _ in range(3))), "loss")
    assert not found.by_epoch
    assert found.x.tolist() == list(range(1, 41))
    np.testing.assert_array_equal(found.mean, found.values[0])
    np.testing.assert_array_equal(found.high, found.low)


def test_runs_are_let_go_of_and_their_curves_stay():
    values = np.random.default_rng(0).random((30, 3))
    runs = [fit(list(row)) for row in values]
    group, few = group_of(*runs), group_of(*[fit(list(row)) for row in values], keep=1)
    for one, kept in ((group, fit_group.OPEN_RUNS), (few, 1)):
        assert len(one.runs) == kept
        assert one.run(30).over
        with pytest.raises(LookupError, match=f"there is no run of fit 1; 30 began, and the latest {kept} are kept"):
            one.run(1)
        found = collect(one, "val_loss")
        np.testing.assert_allclose(found.values, values)
        np.testing.assert_allclose(found.mean, values.mean(axis=0))
        assert one.describe(None)["mean"] == pytest.approx(values[:, -1].mean())
        assert list(one.table()["val_loss"]) == list(values[:, -1])


def test_a_long_run_that_is_let_go_of_keeps_few_points_of_the_right_height():
    runs = [fit([1.0], batches=3000) for _ in range(2)]
    group = group_of(*runs, keep=1)
    line = group.fits()[0].line("loss", by_epoch=False)
    assert len(line.x) <= grouped_fit.MAX_POINTS
    np.testing.assert_allclose(line.y, line.x - 1)  # the loss was the batch's number


def test_the_oldest_fits_are_forgotten(monkeypatch):
    monkeypatch.setattr(fit_group, "MAX_FITS", 5)
    group = group_of(*(fit([1.0]) for _ in range(9)), keep=1)
    assert [each.number for each in group.fits()] == [5, 6, 7, 8, 9]
    assert len(group) == 9
    assert repr(group) == "<FitGroup '': 9 fits>"


def test_the_time_left_is_that_of_the_fits_to_come():
    group = FitGroup("folds", fits=5)
    runs = [fit([1.0]) for _ in range(2)]
    for run, seconds in zip(runs, (10.0, 30.0), strict=True):
        group.join(run)
        group.fits()[-1].seconds = seconds
    assert group.describe(None)["remaining"] == pytest.approx(3 * 20.0)
    group.join(fit([1.0], ""))
    assert group.describe(4.0)["remaining"] == pytest.approx(4.0 + 2 * 20.0)
    assert group.describe(None)["remaining"] is None
    assert FitGroup("one").describe(3.0)["remaining"] is None


def test_a_pause_is_no_measure_of_how_long_a_fit_takes():
    group = FitGroup("folds", fits=3)
    paused = fit([1.0], "")
    paused.add_event("paused", "fit")
    paused.finish("finished")
    group.join(paused)
    group.join(fit([1.0], ""))
    (first, second) = group.fits()
    first.seconds = 3600.0
    second.seconds = 2.0
    found = group.describe(5.0)["remaining"]
    assert found is not None
    assert found < 60


def test_a_board_says_nothing_of_a_group_that_is_one_fit_which_nobody_named():
    run = fit([1.0])
    assert payload.state(run)["group"] is None
    group_of(run)
    assert payload.state(run)["group"] is None
    named = fit([1.0])
    group_of(named, name="folds", fits=5)
    assert payload.state(named)["group"]["planned"] == 5


def test_a_run_is_pickled_without_its_group():
    runs = [fit([1.0]), fit([2.0])]
    group_of(*runs)
    found = pickle.loads(pickle.dumps(runs[0]))
    assert found.group is None
    pd.testing.assert_frame_equal(found.epochs, runs[0].epochs)


def test_values_that_are_not_finite_are_told_as_they_are():
    said = group_of(fit([float("nan")]), fit([float("inf")])).describe(None)
    assert [each["value"] for each in said["fits"]] == ["nan", "inf"]
    assert said["mean"] == "nan"
    assert (
        fit_group.in_words(group_of(fit([1.0]), fit([2.0]))) == "fits of one cell: 2 fits, val_loss 1.5 ± 0.7071 over 2"
    )


def test_a_group_without_metrics_has_a_table_and_a_picture():
    group = group_of(kcb.Run(), kcb.Run(), name="<b>nothing</b> $x$")
    assert len(group.table()) == 2
    assert group.plot() is not None
    assert FitGroup().table().empty
    assert FitGroup().plot() is not None


@pytest.mark.parametrize(("arguments", "error"), [((3,), TypeError), (("a", 0), ValueError), (("a", 2.5), TypeError)])
def test_what_cannot_be_is_refused(arguments, error):
    with pytest.raises(error):
        FitGroup(*arguments)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.floats(-1e6, 1e6), max_size=7), min_size=1, max_size=8), st.integers(1, 4))
def test_the_mean_of_any_fits_is_numpys(fits, keep):
    """Whatever lengths they have, and however many runs are kept."""
    group = group_of(*(fit(values, batches=1) for values in fits), keep=keep)
    found = collect(group, "val_loss")
    there = [np.array(values) for values in fits if values]
    assert len(found.fits) == len(there)
    for at, place in enumerate(found.x):
        here = [values[int(place) - 1] for values in there if len(values) >= place]
        assert found.there[at] == len(here)
        if len(here) > 1:
            np.testing.assert_allclose(found.mean[at], np.mean(here), rtol=1e-5, atol=1e-3)
            np.testing.assert_allclose(found.high[at] - found.mean[at], np.std(here, ddof=1), rtol=1e-3, atol=0.1)
