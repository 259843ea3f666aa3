"""Files of Keras's CSVLogger as runs: whole, appended to, cut short, edited, and hostile."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
from foreign import EPOCHS, fit
from hypothesis import given, settings
from hypothesis import strategies as st
from kept import file_of

import kcb_widgets as kcb
from kcb_widgets.imports import csv_log


def read(folder, text, name="log.csv", **options):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return kcb.Run.from_csv(path, **options)


def told(run):
    return [event.message for event in run.events_list if event.kind == "warning"]


SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "space": " ", "dollar": "$"}


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """A folder with a file for each separator, and the history of their fit."""
    folder = tmp_path_factory.mktemp("logs")
    loggers = [keras.callbacks.CSVLogger(folder / f"{name}.csv", each) for name, each in SEPARATORS.items()]
    return folder, fit(loggers, validation_freq=2).history


@pytest.mark.parametrize("name", SEPARATORS)
def test_what_csvlogger_wrote_is_read_whatever_stands_between(logged, name):
    folder, history = logged
    path, options = folder / f"{name}.csv", {"separator": "$"} if name == "dollar" else {}
    run = kcb.Run.from_csv(path, **options)
    assert list(run.epochs.index) == list(range(EPOCHS))
    assert not told(run)
    np.testing.assert_array_equal(run.epochs["loss"], history["loss"])
    np.testing.assert_array_equal(run.epochs["val_loss"].dropna(), history["val_loss"])
    assert [epoch for epoch, row in run.epoch_rows if "val_loss" in row] == [1, 3]
    assert (run.status, run.message, run.name) == ("finished", f"from {name}.csv", name)
    assert kcb.Run.from_csv(path, **options).id == run.id
    assert run.plot() is not None


def test_fits_that_were_appended_are_counted_on(tmp_path):
    model = None
    for epochs in (2, 3):
        history = fit([keras.callbacks.CSVLogger(tmp_path / "log.csv", append=True)], epochs=epochs, model=model)
        model = history.model
    run = kcb.Run.from_csv(tmp_path / "log.csv")
    assert list(run.epochs.index) == [0, 1, 2, 3, 4]
    assert list(run.epochs["loss"][2:]) == history.history["loss"]
    assert told(run) == ["the epochs begin anew where another fit was appended: they are counted on"]


def test_a_fit_that_goes_on_from_an_earlier_epoch_leaves_the_others_behind(tmp_path):
    run = read(tmp_path, "epoch,loss\n0,5\n1,4\n2,0.1\n3,3\n2,2.5\n3,2\n4,1\n")
    assert list(run.epochs.index) == [0, 1, 2, 3, 2, 3, 4]
    assert run.branches == [{"from": 2, "to": 4}]
    (best,) = run.bests
    assert (best["value"], best["epoch"]) == (1.0, 4)
    assert "what lay between is left behind" in told(run)[0]


def test_a_header_in_the_middle_is_a_fit_with_other_metrics(tmp_path):
    run = read(tmp_path, "epoch,loss\n0,5\n1,4\nepoch,acc,loss\n0,0.5,3\n1,0.6,2\n")
    assert list(run.epochs["loss"]) == [5, 4, 3, 2]
    assert list(run.epochs["acc"][2:]) == [0.5, 0.6]


def test_missing_nan_and_infinity_are_three_things(tmp_path):
    run = read(tmp_path, "epoch,loss,acc\n0,nan,\n1,inf,NA\n2,-inf,0.5\n")
    rows = dict(run.epoch_rows)
    assert math.isnan(rows[0]["loss"])
    assert "acc" not in rows[0]
    assert "acc" not in rows[1]
    assert (rows[1]["loss"], rows[2]["loss"], rows[2]["acc"]) == (math.inf, -math.inf, 0.5)
    assert run.epoch_table.is_missing(0, "acc")
    assert not run.epoch_table.is_missing(0, "loss")


def test_odd_cells_are_texts_or_nothing_and_never_code(tmp_path):
    run = read(
        tmp_path, 'epoch,loss,x\n0,1_000,"[1, 2]"\n1,0x10,__import__("os").abort()\n2,١٢,\n3.0,4,1e999999\nz,1,1\n'
    )
    assert [row.get("loss") for _, row in run.epoch_rows] == ["1_000", "0x10", "١٢", 4.0]
    assert run.epochs["x"][0] == "[1, 2]"
    assert "rows without a number of their epoch are left out" in told(run)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no column epoch"),
        ("loss,acc\n1,2\n", "has no column epoch"),
        ("\x00\x01\x02" * 1000, "has no column epoch"),
        (b"SQLite format 3\x00\xff\xfe", "has no column epoch"),
        ("step,epoch,batch,loss\n1,0,0,2\n", "a row for each batch"),
        ("epoch\n", None),
        ("\ufeffepoch,loss\r\n0,1\r\n", None),
        ("epoch,loss\r0,1\r", None),
        ("epoch,loss,epoch,loss\n0,1,7,2\n", None),
        ("epoch,loss\n0", None),
        ('epoch,loss\n0,"1', None),
        ("epoch,loss\n0,1,2,3\n\n  \n1\n", None),
        ("loss,größe,epoch\n1,2,0\n", None),
        ("epoch,loss\n99999999999999999999,1\n-1,2\n", None),
        ("epoch,loss,seconds\n0,1,1e300\n1,1,-5\n2,1,nan\n3,1,x\n4,1,9e7\n", None),
    ],
)
def test_any_file_is_read_or_refused_in_words(tmp_path, text, why):
    if why is not None:
        with pytest.raises(ValueError, match=why):
            read(tmp_path, text)
        return
    run = read(tmp_path, text)
    assert run.status == "finished"
    assert run.plot() is not None
    file = file_of(run, tmp_path, settings=run.settings)
    file.commit(1.0, whole=True)
    file.close()
    assert len(kcb.Run.open(file.path).epochs) == len(run.epochs)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.lists(st.sampled_from(["epoch", ",", "\n", "0", "1", "nan", '"', ";", "é", "\r", "\x00"])).map("".join),
    )
)
def test_any_bytes_are_read_or_refused_in_words(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("csv")
    data = b"epoch,loss\n" + (text if isinstance(text, bytes) else text.encode())
    assert read(folder, data).status == "finished"


def test_a_file_that_was_cut_anywhere_is_read_to_there(tmp_path):
    whole = "epoch,loss,acc\n" + "".join(f"{i},{1 / (i + 1)},0.5\n" for i in range(20))
    for cut in range(len("epoch,loss,acc\n"), len(whole), 7):
        run = read(tmp_path, whole[:cut])
        complete = whole[:cut].count("\n") - 1
        assert complete <= len(run.epochs) <= complete + 1


def test_what_is_huge_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_log, "MAX_EPOCHS", 50)
    run = read(tmp_path, "epoch,loss\n" + "".join(f"{i},1\n" for i in range(1000)))
    assert len(run.epochs) == 50
    assert told(run) == ["it was read to its epoch row 50: there is room for no more"]
    many = ",".join(f"m{i}" for i in range(3000))
    run = read(tmp_path, f"epoch,{many}\n0{',1' * 3000}\n")
    assert len(run.epoch_table.names) == 1000
    assert "more than 1000 metrics" in told(run)[0]
    run = read(tmp_path, f"epoch,loss\n0,1\n1,{'9' * (1 << 21)}\n2,3\n")
    assert len(run.epochs) == 1
    assert "a line has more than" in told(run)[0]
    monkeypatch.setattr(csv_log, "MAX_BYTES", 10)
    with pytest.raises(ValueError, match="10 are read at most"):
        read(tmp_path, "epoch,loss\n0,1\n")


def test_there_must_be_a_file_and_a_separator_of_one_character(tmp_path):
    with pytest.raises(FileNotFoundError):
        kcb.Run.from_csv(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="is no file"):
        kcb.Run.from_csv(tmp_path)
    for separator in ("", ",,", 3):
        with pytest.raises(ValueError, match="separator must be one character"):
            read(tmp_path, "epoch,loss\n", separator=separator)
