"""Reads all there is of a run file, as users and boards do."""

from __future__ import annotations

import contextlib
import resource
import warnings
from dataclasses import replace

import numpy as np

import kcb_widgets as kcb
from kcb_widgets.panels import payload
from kcb_widgets.panels.series_encoder import SeriesEncoder
from kcb_widgets.store.reader import NotARunFile

ALLOWED = (NotARunFile, FileNotFoundError)
TABLES = ("batch_table", "epoch_table", "value_table", "evaluation_table")


def read_tables(run):
    """Every row of every table."""
    for table in (*(getattr(run, name) for name in TABLES), run.batch_values.weights):
        rows = table.rows
        table.values(0, rows), table.steps(0, rows)
        if table is not run.batch_values.weights:
            table.seconds(0, rows)
            table.row_of_step(table.last_step / 2)
        for name in table.names[:3]:
            assert not rows or table.is_missing(rows - 1, name) in (True, False)


def read_all(run, draw=False):
    """What a run has; ``draw`` for what takes long."""
    read_tables(run)
    run.batches, run.epochs, run.events, repr(run)
    encoder = SeriesEncoder(run)
    encoder.whole(), encoder.window(0, run.step, 100), encoder.window(run.step / 3, run.step / 2, 50)
    payload.clean(payload.state(run)), payload.events(run), payload.controls(run), payload.clean(run.cards)
    payload.clean(run.hooks.describe(run.batch_table.rows))
    if run.over:
        with contextlib.suppress(ValueError):  # it may refuse
            compile(run.to_code(), "code", "exec")
        run.replay()
    if draw:
        board = kcb.Board(run)
        board._send_changes()
        board.close()
        run.plot()._repr_png_()


def read_file(path, draw=False):
    """Opens a file and reads all of it; returns the run, or why it is none."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        warnings.filterwarnings("ignore", message=".*constrained_layout")
        try:
            run = kcb.Run.open(path)
            read_all(run, draw)
        except ALLOWED as error:
            run = str(error)
        kcb.runs(path.parent)
    if isinstance(run, str):
        assert path.name in run
    return run


def measured(argument):
    """What came of reading a file: why it is none, or what is said to be missing."""
    path, draw = argument
    found = read_file(path, draw)
    return found if isinstance(found, str) else [event.message for event in found.events_list if event.name == "file"]


def peak():
    """The most memory that this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def assert_nothing_wrong(run, truth):
    """No number of a run that was opened differs from the one that was kept; what is missing is said to be.

    Args:
        run: The run.
        truth: The run opened from a whole file.
    """
    said = [event for event in run.events_list if event.name == "file"]
    for name in (*TABLES, "weights"):
        found, wanted = (_table(each, name) for each in (run, truth))
        rows = found.rows
        assert rows <= wanted.rows, name
        assert found.names == wanted.names[: len(found.names)], name
        np.testing.assert_array_equal(found.steps(0, rows), wanted.steps(0, rows))
        same, different = wanted.values(0, rows)[: len(found.names)], found.values(0, rows)
        assert ((different == same) | np.isnan(different)).all(), name
        lacks = np.isnan(different).sum() > np.isnan(same).sum() or rows < wanted.rows
        if name != "weights":
            near = np.abs(found.seconds(0, rows) - wanted.seconds(0, rows))
            assert ((near <= 1e-5) | np.isnan(near)).all(), name
            lacks |= np.isnan(near).any()
        said = [event for event in run.events_list if event.name == "file"]
        assert said or not lacks, name
    events = [event for event in run.events_list if event.name != "file"]
    if said:  # what came to be known of an event later may be what is missing
        events = [replace(event, message="") for event in events]
    known = [event if not said else replace(event, message="") for event in truth.events_list]
    assert set(map(repr, events)) <= set(map(repr, known))
    for (epoch, row), (number, wanted) in zip(run.epoch_rows, truth.epoch_rows, strict=False):
        assert epoch == number
        assert all(repr(value) == repr(wanted[name]) for name, value in row.items())
    assert run.epoch_starts == truth.epoch_starts[: len(run.epoch_starts)]
    assert run.branches == truth.branches[: len(run.branches)]
    assert run.step <= truth.step
    if not said:
        for name in ("step", "bests", "values", "nonfinite", "params", "status", "message", "name", "tags", "notes"):
            assert getattr(run, name) == getattr(truth, name), name
        assert (len(run.events_list), len(run.epoch_rows)) == (len(truth.events_list), len(truth.epoch_rows))


def _table(run, name):
    return run.batch_values.weights if name == "weights" else getattr(run, name)


def refused(reader, path, *words):
    """A file is refused, in words that say which and why."""
    found = reader(path)
    assert isinstance(found, str), found
    assert all(word in found for word in (path.name, *words)), found
