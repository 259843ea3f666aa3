"""Columns and their bounded pictures, against brute force."""

from __future__ import annotations

import numpy as np
import pytest

import kcb_widgets.record.table as series
from kcb_widgets.record.downsampling import Bins, Source, window
from kcb_widgets.record.table import Table


@pytest.fixture
def short_chunks(monkeypatch):
    monkeypatch.setattr(series, "CHUNK", 64)


def filled(rows, stride=1, names=("loss", "accuracy")):
    rng = np.random.default_rng(1)
    values = rng.normal(size=(len(names), rows)).astype(np.float32)
    table = Table()
    for i in range(rows):
        table.append((i + 1) * stride, i * 0.25, dict(zip(names, map(float, values[:, i]), strict=True)))
    return table, values


def source(table):
    return Source(
        lambda: table.rows,
        lambda: table.names,
        table.values,
        lambda a, b: np.vstack([table.steps(a, b)] * 2 + [table.seconds(a, b)] * 2),
    )


def test_rows_come_back_as_they_went_in_across_chunks(short_chunks):
    table, values = filled(1000, stride=3)
    assert np.array_equal(table.values(0, 1000), values)
    assert np.array_equal(table.values(60, 70), values[:, 60:70])
    assert np.array_equal(table.steps(0, 1000), 3 * np.arange(1, 1001))
    assert np.allclose(table.seconds(0, 1000), 0.25 * np.arange(1000))


ODD = {
    "ordinary": lambda row: row,
    "numbers of NumPy": lambda row: {name: np.float64(value) for name, value in row.items()},
    "not finite": lambda row: {**row, "loss": float("nan"), "accuracy": float("inf")},
    "too large": lambda row: {**row, "loss": 1e300},
    "one missing": lambda row: {"loss": row["loss"]},
    "one more": lambda row: {**row, "auc": 0.5},
    "another": lambda row: {"loss": row["loss"], "auc": 0.5},
    "none": lambda row: {},
    "text": lambda row: {**row, "loss": "much"},
    "other order": lambda row: dict(reversed(row.items())),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("at", [0, 1, 40, 64, 65, 130])
def test_many_rows_in_one_go_are_those_one_by_one(short_chunks, odd, at):
    rng = np.random.default_rng(at)
    rows = [{"loss": float(loss), "accuracy": float(accuracy)} for loss, accuracy in rng.normal(size=(200, 2))]
    rows[at] = ODD[odd](rows[at])
    one, many, i = Table(), Table(), 0
    for step, row in enumerate(rows, 1):
        one.append(step, 0.5 * step, row)
    together = 0
    while i < len(rows):
        n = int(rng.integers(1, 50))
        some = rows[i : i + n]
        if many.extend(i + 1, [0.5 * (i + j + 1) for j in range(len(some))], some):
            together += len(some)
        else:
            for j, row in enumerate(some):
                many.append(i + j + 1, 0.5 * (i + j + 1), row)
        i += len(some)
    assert together > 20 or "auc" in many.names  # from there on each row lacks one
    assert (many.rows, many.names, many.last_step) == (one.rows, one.names, one.last_step)
    assert many.values(0, 200).tobytes() == one.values(0, 200).tobytes()
    assert np.array_equal(many.steps(0, 200), one.steps(0, 200))
    assert np.array_equal(many.seconds(0, 200), one.seconds(0, 200))


def test_rows_that_leave_a_gap_are_not_taken_in_one_go():
    table, _ = filled(10)
    assert not table.extend(12, [3.0, 3.25, 3.5], [{"loss": 1.0, "accuracy": 0.0}] * 3)
    assert table.rows == 10


def test_irregular_steps_are_kept_exactly():
    table = Table()
    steps = [5, 10, 15, 17, 22, 27, 30, 31, 32]
    for step in steps:
        table.append(step, 0.0, {"loss": step})
    assert table.steps(0, 9).tolist() == steps
    assert table.steps(3, 6).tolist() == steps[3:6]
    assert [table.row_of_step(step) for step in (0, 5, 6, 17, 32, 33)] == [0, 0, 1, 3, 8, 9]


def test_a_metric_first_seen_late_is_missing_before_not_nan(short_chunks):
    table = Table()
    for i in range(100):
        table.append(i, 0.0, {"loss": 1.0} if i < 70 else {"loss": 1.0, "late": 2.0})
    late = table.column("late")
    assert np.isnan(late[:70]).all()
    assert (late[70:] == 2).all()
    assert table.is_missing(69, "late")
    assert not table.is_missing(70, "late")


def test_a_metric_that_vanishes_is_missing_and_comes_back():
    table = Table()
    table.append(1, 0.0, {"a": 1.0, "b": 1.0})
    table.append(2, 0.0, {"a": 2.0})
    table.append(3, 0.0, {"a": 3.0, "b": 3.0})
    assert table.is_missing(1, "b")
    assert table.column("a").tolist() == [1, 2, 3]
    assert table.column("b")[2] == 3


@pytest.mark.parametrize("value", ["text", None, [1, 2], object()])
def test_what_is_not_a_number_is_refused_and_the_row_kept(value):
    table = Table()
    assert table.append(1, 0.0, {"loss": 1.0, "odd": value}) == ["odd"]
    assert table.append(2, 0.0, {"loss": 2.0, "odd": value}) == ["odd"]
    assert table.column("loss").tolist() == [1, 2]


def test_a_number_that_turns_into_text_is_missing_there():
    table = Table()
    table.append(1, 0.0, {"loss": 1.0})
    assert table.append(2, 0.0, {"loss": "oh"}) == ["loss"]
    assert np.isnan(table.column("loss")[1])


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 500, 1000, 4097])
def test_the_whole_picture_keeps_every_extreme_however_it_grew(rows):
    table, values = filled(rows)
    bins = Bins(source(table), limit=32)
    growing = Table()
    live = Bins(source(growing), limit=32)
    for i in range(rows):
        growing.append(i + 1, i * 0.25, {"loss": float(values[0, i]), "accuracy": float(values[1, i])})
        if i % 13 == 0:
            live.update()
    for picture in (bins.update(), live.update()):
        assert picture.length <= 33
        size = picture.per_bucket
        for bucket in range(picture.length):
            block = values[:, bucket * size : (bucket + 1) * size]
            assert np.array_equal(picture.minimum[:, bucket], block.min(axis=1))
            assert np.array_equal(picture.maximum[:, bucket], block.max(axis=1))
            assert np.allclose(picture.mean[:, bucket], block.mean(axis=1, dtype=np.float64), atol=1e-5)
            if block.shape[1] > 1:
                assert np.array_equal(picture.order[:, bucket], block.argmin(axis=1) < block.argmax(axis=1))
            assert picture.x[0, bucket] == bucket * size + 1
            assert picture.x[1, bucket] == bucket * size + block.shape[1]


def test_buckets_stand_still_as_the_curve_grows():
    table = Table()
    bins = Bins(source(table), limit=16)
    seen = {}
    for i in range(400):
        table.append(i + 1, 0.0, {"loss": float(i % 7)})
        picture = bins.update()
        for bucket in range(picture.length - 1):
            key = (picture.per_bucket, bucket)
            value = (picture.minimum[0, bucket], picture.maximum[0, bucket])
            assert seen.setdefault(key, value) == value


def test_nan_and_infinity_are_gaps_and_do_not_hide_their_neighbours():
    table = Table()
    for i in range(64):
        table.append(i + 1, 0.0, {"loss": [float(i), np.nan, np.inf, -np.inf][i % 4]})
    picture = Bins(source(table), limit=8).update()
    assert np.isfinite(picture.maximum).all()
    assert picture.maximum[0, 0] == 4
    table = Table()
    for i in range(64):
        table.append(i + 1, 0.0, {"loss": np.nan})
    assert np.isnan(Bins(source(table), limit=8).update().mean).all()


def test_a_window_is_exact_and_bounded():
    table, values = filled(5000)
    fine = window(source(table), 1000, 1100, 200)
    assert fine.per_bucket == 1
    assert np.array_equal(fine.mean, values[:, 1000:1100])
    coarse = window(source(table), 0, 5000, 100)
    assert coarse.length <= 101
    assert np.array_equal(coarse.maximum.max(axis=1), values.max(axis=1))
    assert window(source(table), 6000, 7000, 10) is None


def test_a_column_first_seen_late_appears_in_a_growing_picture():
    table = Table()
    bins = Bins(source(table), limit=8)
    for i in range(100):
        table.append(i + 1, 0.0, {"loss": 1.0} if i < 50 else {"loss": 1.0, "late": float(i)})
        picture = bins.update()
    assert picture.mean.shape[0] == 2
    assert np.nanmax(picture.maximum[1]) == 99
    assert np.nanmin(picture.minimum[1]) == 50
