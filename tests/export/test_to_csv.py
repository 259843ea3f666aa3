"""Runs as CSV: what CSVLogger would have written, and back again."""

from __future__ import annotations

import csv
import math

import keras
import numpy as np
import pandas as pd
import pytest
from exported import odd_run
from foreign import EPOCHS, fit
from kept import begin, train

import kcb_widgets as kcb
from kcb_widgets.record.table import CHUNK


def test_the_epochs_are_what_csvlogger_writes_and_their_seconds(tmp_path):
    monitor = kcb.Monitor(display=False)
    fit([monitor, keras.callbacks.CSVLogger(tmp_path / "theirs.csv")], validation_freq=1)
    path = monitor.run.to_csv(tmp_path / "ours.csv")
    theirs, ours = (list(csv.DictReader(file.open(newline=""))) for file in (tmp_path / "theirs.csv", path))
    assert len(ours) == EPOCHS
    for one, other in zip(theirs, ours, strict=True):
        assert {name: other[name] for name in one} == one
        assert set(other) - set(one) == {"learning_rate", "seconds"}


def test_a_run_comes_back(tmp_path):
    run = odd_run()
    back = kcb.Run.from_csv(run.to_csv(tmp_path / "run.csv", separator=";"))
    assert [epoch for epoch, _ in back.epoch_rows] == [0, 1, 2]
    for (_, row), (_, other) in zip(run.epoch_rows, back.epoch_rows, strict=True):
        assert set(row) == set(other)
        assert (row["loss"], row["seconds"], row["learning_rate"]) == (
            other["loss"],
            other["seconds"],
            other["learning_rate"],
        )
        assert math.isnan(other["größe"])
        assert other["many"] == "[1, 2]"


def test_batches_have_what_is_missing_and_what_is_nan(tmp_path):
    run = odd_run()
    rows = list(csv.DictReader(run.to_csv(tmp_path / "run.csv", batches=True).open(newline="")))
    assert list(rows[0]) == list(run.batches.reset_index().columns)
    assert [row["größe"] for row in rows[:3]] == ["NA"] * 3
    (nan,) = [row for row in rows if row["loss"] == "nan"]
    assert nan["größe"] == "inf"
    assert nan["abandoned"] == "True"
    frame = pd.read_csv(tmp_path / "run.csv", index_col="step")
    np.testing.assert_array_equal(frame["loss"].to_numpy("float32"), run.batches["loss"])
    with pytest.raises(ValueError, match="a row for each batch"):
        kcb.Run.from_csv(tmp_path / "run.csv")


def test_more_rows_than_a_piece_and_columns_that_came_later(tmp_path):
    run = begin()
    train(run, CHUNK + 10)
    for batch in range(CHUNK + 10, CHUNK + 20):
        run.append(batch, {"loss": 0.5, "late": 1.0})
    frame = pd.read_csv(run.to_csv(tmp_path / "run.csv", batches=True), keep_default_na=False)
    assert len(frame) == CHUNK + 20
    assert list(frame["late"].unique()) == ["NA", "1.0"]
    assert list(frame["step"]) == list(range(1, CHUNK + 21))


def test_a_run_without_rows_is_a_header(tmp_path):
    assert begin().to_csv(tmp_path / "a.csv").read_bytes() == b"epoch\r\n"
    assert begin().to_csv(tmp_path / "b.csv", batches=True).read_text().startswith("step,epoch,batch,seconds")
    assert len(kcb.Run.from_csv(tmp_path / "a.csv").epochs) == 0


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    path = tmp_path / "run.csv"
    path.write_text("before")
    with pytest.raises(ValueError, match="separator must be one character"):
        begin().to_csv(path, separator="ab")
    with pytest.raises(FileNotFoundError):
        begin().to_csv(tmp_path / "none" / "run.csv")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
