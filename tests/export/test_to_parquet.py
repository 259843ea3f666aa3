"""Runs as Parquet; real files where pyarrow is there."""

from __future__ import annotations

import json
import sys

import numpy as np
import pandas as pd
import pytest
from exported import hidden, odd_run
from kept import begin, train

from kcb_widgets.record.table import CHUNK


def test_without_pyarrow_it_says_what_to_install(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ModuleNotFoundError, match=r"Parquet needs pyarrow, .*: pip install 'kcb-widgets\[parquet\]'"):
        begin().to_parquet(tmp_path / "run.parquet")


def test_epochs_and_batches_are_two_files(tmp_path):
    pytest.importorskip("pyarrow")
    from pyarrow import parquet

    run = odd_run()
    paths = run.to_parquet(tmp_path / "run.parquet")
    assert [path.name for path in paths] == ["run.epochs.parquet", "run.batches.parquet"]
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    epochs, batches = map(parquet.read_table, paths)
    assert batches.column_names == list(run.batches.reset_index().columns)
    assert batches["größe"].null_count == 3
    assert batches["loss"].null_count == 0
    assert sum(value is not None and np.isnan(value) for value in batches["loss"].to_pylist()) == 1
    assert epochs["val_loss"].to_pylist() == [0.5, None, 0.5]
    assert epochs["many"].to_pylist() == ["[1, 2]"] * 3
    np.testing.assert_array_equal(pd.read_parquet(paths[1])["loss"], run.batches["loss"])
    about = json.loads(epochs.schema.metadata[b"kcb-widgets"])
    assert about["id"] == run.id
    assert hidden(json.dumps(about))


def test_a_long_run_and_an_empty_one(tmp_path):
    pytest.importorskip("pyarrow")
    run = begin()
    train(run, CHUNK + 10)
    assert len(pd.read_parquet(run.to_parquet(tmp_path / "long")[1])) == CHUNK + 10
    epochs, batches = begin().to_parquet(tmp_path / "empty.parquet")
    assert len(pd.read_parquet(epochs)) == len(pd.read_parquet(batches)) == 0
