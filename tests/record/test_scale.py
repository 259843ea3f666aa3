"""Long runs, by counting: bytes, rows and buckets do not lie as clocks do."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from kcb_widgets.panels.series_encoder import SeriesEncoder
from kcb_widgets.record import curves
from kcb_widgets.record.block_summaries import BLOCK, READ, BlockSummaries
from kcb_widgets.record.downsampling import Bins, Source, window
from kcb_widgets.record.stretches import Sizes
from kcb_widgets.record.table import CHUNK, Table
from kcb_widgets.run import Run

NAMES = [f"metric_{i}" for i in range(8)]
EPOCH = 1000
POINTS = 1600
ROWS = 1_000_000


def trained(rows, epoch=EPOCH, names=NAMES):
    """A run of so many batches, its metrics means but the last one, the last batch of each epoch half as heavy."""
    rng = np.random.default_rng(3)
    pattern = rng.normal(size=(7 * epoch, len(names))).astype(np.float32).tolist()
    logs = [dict(zip(names, row, strict=True)) for row in pattern]
    run = Run()
    run.params = {"steps": epoch}
    run.batches_per_epoch = epoch
    run.batch_values.sizes = Sizes(32, 32 * (epoch - 0.5))
    for name in names[:-1]:
        run.batch_values.claim(name, "samples")
    for first in range(0, rows, epoch):
        run.begin_epoch(first // epoch)
        for batch in range(min(epoch, rows - first)):
            log = logs[(first + batch) % len(logs)]
            if (first + batch) % 9973 == 17:
                log = {**log, names[0]: [1e4, np.nan, -np.inf][first // 3000 % 3]}
            run.append(batch, log, run._clock + 0.01 * (first + batch))
        run.end_epoch(first // epoch, log)
    return run


@pytest.fixture(scope="module")
def long_run():
    return trained(ROWS)


@pytest.fixture(scope="module")
def own(long_run):
    """Each batch's own values, ``(8, rows)``, by the formula and from the rows alone."""
    running = long_run.batch_table.values(0, ROWS)
    mean = running.astype(np.float64)
    weights = np.tile(np.append(np.arange(1, EPOCH), EPOCH - 0.5), ROWS // EPOCH)
    before, weighed = np.roll(mean, 1, axis=1), np.roll(weights, 1)
    before[:, ::EPOCH] = weighed[::EPOCH] = 0.0
    with np.errstate(invalid="ignore"):
        values = ((mean * weights - before * weighed) / (weights - weighed)).astype(np.float32)
    values[-1] = running[-1]
    return values


class Counted:
    """A source that counts the rows read of it."""

    def __init__(self, source):
        self.rows = 0
        self.source = Source(
            source.rows,
            source.names,
            self._counting(source.values),
            self._counting(source.x),
            source.x_at,
            BlockSummaries(),
        )

    def _counting(self, read):
        def counted(first, last):
            self.rows += last - first
            return read(first, last)

        return counted


def brute(values, first, last, per_bucket):
    """Minimum and maximum of the finite values of each bucket, NaN where there are none."""
    rows = values[:, first:last].astype(np.float64)
    rows[~np.isfinite(rows)] = np.nan
    starts = np.arange(0, last - first, per_bucket)
    return np.fmin.reduceat(rows, starts, axis=1), np.fmax.reduceat(rows, starts, axis=1)


def check(picture, values, first, last):
    low, high = brute(values, first, last, picture.per_bucket)
    assert np.array_equal(picture.minimum, low, equal_nan=True)
    assert np.array_equal(picture.maximum, high, equal_nan=True)
    starts = np.arange(first, last, picture.per_bucket)
    assert np.array_equal(picture.x[0], starts + 1)
    assert np.array_equal(picture.x[1], np.minimum(starts + picture.per_bucket, last))


def test_memory_of_a_row(long_run):
    run = long_run
    SeriesEncoder(run).whole()
    rows = -(-ROWS // CHUNK) * CHUNK  # the newest chunk is there as a whole, its times in 8 bytes each
    assert run.batch_table.nbytes <= (8 * 4 + 2.25) * rows + 8 * CHUNK
    assert run.blocks.nbytes <= 8 * 14 / BLOCK * rows


@pytest.mark.parametrize("share", [1.0, 0.9, 0.3, 0.11, 0.1, 0.05, 0.01, 0.001])
def test_a_zoom_of_any_width_reads_few_rows_and_is_exact(long_run, own, share):
    counted = Counted(curves.batches(long_run))
    Bins(counted.source).update()  # as a board does all along
    counted.rows = 0
    width = int(share * ROWS)
    for start in (0, (ROWS - width) // 3, ROWS - width):
        counted.rows = 0
        picture = window(counted.source, start, start + width, POINTS)
        assert counted.rows <= BLOCK * POINTS + 2 * BLOCK
        assert POINTS / 2 <= picture.length <= POINTS + 2
        check(picture, own, start - start % picture.per_bucket, start + width)


def test_a_growing_picture_reads_each_row_about_once(long_run, own):
    source, rows = curves.batches(long_run), 0
    counted = Counted(source)
    counted.source.rows = lambda: rows
    bins, step = Bins(counted.source), 3_700
    for rows in range(step, ROWS, step):  # noqa: B007
        bins.update()
    assert counted.rows < 1.25 * ROWS  # in short runs, with less than 64 rows in a bucket, some are read twice
    counted.rows = 0
    check(bins.update(), own, 0, rows)
    assert counted.rows <= BLOCK


def test_a_late_look_takes_a_long_run_in_pieces(long_run):
    source, longest = curves.batches(long_run), []
    read = source.values
    late = Source(source.rows, source.names, lambda a, b: longest.append(b - a) or read(a, b), source.x, source.x_at)
    assert Bins(late).update().length <= 513
    assert max(longest) <= READ
    assert sum(longest) <= ROWS + BLOCK


def message(rows):
    return len(SeriesEncoder(trained(rows, epoch=max(1, rows // 20))).whole())


def test_the_message_does_not_grow_with_the_run(long_run):
    full = 2 * 513 * (8 * 13 + 4 * 8) + 20_000  # batches and epochs with all buckets there may be, and the header
    sizes = [message(rows) for rows in (10_000, 100_000)] + [len(SeriesEncoder(long_run).whole())]
    assert max(sizes) <= full
    assert len(SeriesEncoder(long_run).window(0, ROWS, POINTS)) <= full * (POINTS + 2) / 512


def unpacked(raw):
    size = struct.unpack("<I", raw[:4])[0]
    header, data = json.loads(raw[4 : 4 + size]), raw[-(-(4 + size) // 8) * 8 :]
    table = header["tables"][0]
    parts = [[np.frombuffer(data, "<f4", table["length"], s[key]) for s in table["series"]] for key in ("min", "max")]
    return table, np.array(parts[0]), np.array(parts[1])


def test_what_is_sent_holds_every_extreme(long_run, own):
    picture = SeriesEncoder(long_run)
    for raw, first, last in ((picture.whole(), 0, ROWS), (picture.window(123_456, 654_321, 700), 123_455, 654_321)):
        table, low, high = unpacked(raw)
        size = table["per_bucket"]
        first -= first % size
        found = brute(own, first, first + table["length"] * size, size)
        inside = slice(0, last // size - first // size)
        assert np.array_equal(low[:, inside], found[0][:, inside], equal_nan=True)
        assert np.array_equal(high[:, inside], found[1][:, inside], equal_nan=True)


def plain(table):
    return Source(
        lambda: table.rows, lambda: table.names, table.values, lambda a, b: np.vstack([table.steps(a, b)] * 4)
    )


@pytest.mark.parametrize("rows", [BLOCK, BLOCK + 1, 5_000, CHUNK + 777])
def test_late_columns_gaps_and_odd_numbers_are_drawn_as_they_are(rows):
    rng = np.random.default_rng(rows)
    table, values = Table(), np.full((3, rows), np.nan, np.float32)
    source = plain(table)
    bins = Bins(source, 64)
    for i in range(rows):
        logs = {"loss": float(rng.normal())}
        if i >= rows // 3:
            logs["late"] = [float(i % 311), np.nan, np.inf][int(rng.integers(3))]
        if i % 101 == 7:
            logs["seldom"] = float(i)
        table.append(i + 1, 0.1 * i, logs)
        for name, value in logs.items():
            values[["loss", "late", "seldom"].index(name), i] = value
        if i % 997 == 0:
            bins.update()
    values = values[[["loss", "late", "seldom"].index(name) for name in table.names]]
    check(bins.update(), values, 0, rows)
    for first, last, points in ((0, rows, 20), (rows // 5, rows - 3, 9), (rows // 2, rows, 200)):
        picture = window(source, first, last, points)
        first -= first % picture.per_bucket
        check(picture, values, first, last)
        block = np.where(np.isfinite(values), values, np.nan)[:, first : first + picture.per_bucket].astype(np.float64)
        for mean, one in zip(picture.mean[:, 0], block, strict=True):
            assert np.isnan(mean) if np.isnan(one).all() else mean == pytest.approx(np.nanmean(one), abs=1e-4)


def test_order_of_extremes_survives_merging():
    table, rng = Table(), np.random.default_rng(0)
    values = rng.integers(0, 50, size=5_000).astype(np.float32)  # with many ties
    for i, value in enumerate(values.tolist()):
        table.append(i + 1, 0.0, {"loss": value})
    picture = window(plain(table), 0, 4_096, 8)
    assert picture.per_bucket == 512
    buckets = values[:4_096].reshape(8, 512)
    assert np.array_equal(picture.order[0], buckets.argmin(axis=1) <= buckets.argmax(axis=1))


def test_an_epochs_last_batch_is_drawn_right_from_the_first():
    """It is a smaller one: its value must not be made of a full batch's weight, at no time."""
    run, epoch = Run(), 2 * BLOCK
    run.params = {"steps": epoch}
    run.batch_values.sizes = Sizes(32, 32 * (epoch - 0.75))
    run.batch_values.claim("loss", "samples")
    picture = SeriesEncoder(run)
    for number in range(5):
        run.begin_epoch(number)
        for batch in range(epoch):
            run.append(batch, {"loss": float(batch % 10) / (batch + 1)})
            picture.whole()
            picture.window(0, run.step, 2)
    rows = run.batch_table.rows
    own = run.batch_values.recover(run.batch_table, 0, rows)
    assert own[0, epoch - 1] != pytest.approx(own[0, epoch - 2], abs=1e-3)
    check(window(curves.batches(run), 0, rows, 5), own, 0, rows)


def test_pictures_follow_when_a_metric_turns_out_not_to_be_a_mean():
    run = trained(10_000, names=["loss", "odd", "plain"])
    picture = SeriesEncoder(run)
    picture.whole()
    run.batch_values.names.discard("odd")  # as when the batches of an epoch do not weigh the same
    values = run.batch_values.recover(run.batch_table, 0, 10_000)
    assert np.array_equal(values[1], run.batch_table.column("odd"), equal_nan=True)
    table, low, _ = unpacked(picture.whole())
    assert np.array_equal(low, brute(values, 0, 10_000, table["per_bucket"])[0], equal_nan=True)
    check(window(curves.batches(run), 0, 10_000, 100), values, 0, 10_000)


def test_times_of_rows_long_past_are_known_to_a_thousandth_of_a_row():
    table, rng = Table(), np.random.default_rng(1)
    seconds = np.cumsum(rng.gamma(4.0, 0.0025, size=CHUNK + 10))
    seconds[30_000:] += 600.0  # somebody paused it
    for i, when in enumerate(seconds.tolist()):
        table.append(i + 1, when, {"loss": 0.0})
    known = table.seconds(0, table.rows)
    error = np.abs(known - seconds)
    paused = 30_000 // 64 * 64  # there the 64 rows around took ten minutes
    error[paused : paused + 64] /= 600.0 / 64 / 0.01
    assert error.max() < 2e-5
    assert (np.diff(known) >= 0).all()


def test_rows_and_times_of_single_rows_are_those_of_stretches(long_run):
    table, rows = long_run.batch_table, np.unique(np.random.default_rng(2).integers(0, ROWS, 500))
    x = long_run.x(table, 0, ROWS)
    assert np.array_equal(long_run.x_at(table, rows), x[:, rows])
    assert x[2, EPOCH * 7 + EPOCH // 2 - 1] == 7.5
