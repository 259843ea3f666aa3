"""Which fits belong together, and what their board shows: cells are made up, the fits are real."""

from __future__ import annotations

import threading

import keras
import numpy as np
import pytest

import kcb_widgets as kcb
from kcb_widgets import kernel
from kcb_widgets.panels import display
from kcb_widgets.panels.board import Board

X = np.ones((12, 2), "float32")


class Cells:
    """A notebook whose cells are numbers."""

    def __init__(self):
        self.now = 1
        self.shown = []


@pytest.fixture
def cells(monkeypatch):
    made = Cells()
    monkeypatch.setattr(kernel, "notebook", lambda: True)
    monkeypatch.setattr(kernel, "cell", lambda: made.now)
    monkeypatch.setattr(Board, "display", lambda self: made.shown.append((made.now, self)))
    monkeypatch.setattr(display, "_latest", None)
    return made


def train(*callbacks, epochs=2):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], validation_data=(X, X[:, :1]), batch_size=4, epochs=epochs, verbose=0, callbacks=callbacks)


def test_fits_of_one_run_of_a_cell_belong_together_also_with_a_monitor_for_each(cells):
    monitor = kcb.Monitor()
    train(monitor)
    assert monitor.run.group is None
    train(monitor)
    train(kcb.Monitor())
    other = kcb.Monitor()
    train(other)
    group = other.run.group
    assert [run.id for run in group.runs][:2] == [run.id for run in monitor.runs]
    assert len(group) == 4
    (only,) = cells.shown
    assert only[1].run is other.run
    assert only[1].state["group"]["number"] == 4
    cells.now = 2
    train(monitor)
    assert monitor.run.group is None
    assert [cell for cell, _ in cells.shown] == [1, 2]


def test_a_fit_that_is_under_way_gives_its_board_to_nobody(cells):
    outer, inner = kcb.Monitor(), kcb.Monitor()
    train(outer, keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: train(inner) if epoch == 0 else None))
    assert len(cells.shown) == 2
    assert outer.run.group is None
    assert inner.run.group is None
    assert outer.run.status == inner.run.status == "finished"


def test_a_group_has_a_name_and_knows_how_many_there_will_be(cells):
    monitor = kcb.Monitor()
    train(monitor)
    with monitor.group("2 folds", fits=2) as folds:
        train(monitor)
        with pytest.raises(RuntimeError, match="the group '2 folds' is open already"), monitor.group("more"):
            pass
        train(monitor)
    assert [run.number for run in folds.runs] == [2, 3]
    assert monitor.runs[0].group is None
    assert len({id(board) for _, board in cells.shown}) == 1
    assert list(folds.table().status) == ["finished", "finished"]
    train(monitor)  # after the group, in the same cell
    assert monitor.run.group is folds


def test_a_group_outside_of_a_notebook():
    monitor = kcb.Monitor()
    with monitor.group("2 folds", fits=2) as folds:
        train(monitor)
        train(monitor)
    train(monitor)
    assert len(folds) == 2
    assert monitor.run.group is None
    assert folds.plot(["loss", "val_loss"]) is not None


def test_a_group_is_over_whatever_happens_in_it():
    monitor = kcb.Monitor()
    with pytest.raises(ZeroDivisionError), monitor.group("a"):
        1 / 0  # noqa: B018
    with monitor.group("b") as group:
        train(monitor)
    assert len(group) == 1


def test_few_runs_are_kept_where_the_monitor_keeps_few(cells):
    monitor = kcb.Monitor(keep_runs=1)
    for _ in range(3):
        train(monitor)
    assert len(monitor.runs) == 1
    group = monitor.run.group
    assert group.runs == monitor.runs
    assert len(group) == 3
    assert [each["kept"] for each in monitor.board.state["group"]["fits"]] == [False, False, True]


def test_an_earlier_fit_is_looked_at_while_the_next_ones_train(cells):
    monitor = kcb.Monitor()
    train(monitor)
    train(monitor)
    ((_, board),) = cells.shown
    first, second = monitor.runs
    board._receive(board, {"kind": "hello", "view": "v", "seq": 1, "host": "lab"}, [])
    board._receive(board, {"kind": "look", "run": first.id}, [])
    assert board.run is first
    assert board.state["run"] == first.id
    seen = []
    train(monitor, keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(board.run)))
    assert seen == [first, first]
    third = monitor.run
    assert board.state["group"]["number"] == 3
    assert board.state["group"]["fits"][-1]["status"] == "finished"  # it is told of, though it is not on the board
    board._receive(board, {"kind": "look", "run": third.id}, [])
    assert board.run is third
    train(monitor)
    assert board.run is monitor.run
    for wrong in (None, 3, "nobody", second.id + "x", {"a": 1}):
        board._receive(board, {"kind": "look", "run": wrong}, [])
    assert board.run is monitor.run
    board._receive(board, {"kind": "look", "run": second.id}, [])
    assert monitor.board is board  # asked for in a cell: the current one
    assert board.run is monitor.run
    board.close()


def test_a_page_gets_the_panel_s_code_and_the_curves_of_all_fits(cells):
    monitor = kcb.Monitor()
    for epochs in (2, 3):
        train(monitor, epochs=epochs)
    ((_, board),) = cells.shown
    sent = []
    board.send = lambda content, buffers=(): sent.append((content, buffers))
    ask = {"view": "v", "request": 7, "metric": "val_loss"}
    board._receive(board, {"kind": "fits", **ask}, [])
    board._receive(board, {"kind": "module", "view": "v", "name": "fits"}, [])
    (curves, (raw,)), (module, _) = sent
    assert module["code"].endswith("\n") or "export" in module["code"]
    assert "kcb-fits-table" in module["style"]
    assert (curves["request"], curves["metric"], curves["axis"], curves["fits"]) == (7, "val_loss", "epoch", [1, 2])
    x, one, other, mean, low, high, there = np.frombuffer(raw, np.float32).reshape(7, curves["points"])
    assert x.tolist() == [1, 2, 3]
    np.testing.assert_allclose(one[:2], monitor.runs[0].epochs["val_loss"], rtol=1e-6)
    np.testing.assert_allclose(other, monitor.runs[1].epochs["val_loss"], rtol=1e-6)
    np.testing.assert_allclose(mean[:2], (one + other)[:2] / 2, rtol=1e-6)
    assert np.isnan(mean[2])
    assert np.isnan(low[2])
    assert (high[:2] > mean[:2]).all()
    assert there.tolist() == [2, 2, 1]
    sent.clear()
    for wrong in ({"request": "7"}, {"request": True}, {"view": ""}, {"view": 3}):
        board._receive(board, {"kind": "fits", **ask, **wrong}, [])
    for name in ("../board", "board", "", None, 3):
        board._receive(board, {"kind": "module", "view": "v", "name": name}, [])
    assert sent == []
    board._receive(board, {"kind": "fits", **ask, "metric": "no such metric"}, [])
    assert sent[0][0]["metric"] == "val_loss"
    board.close()


def test_fits_of_a_group_in_threads_of_their_own_are_all_in_it():
    monitors = [kcb.Monitor(display=False) for _ in range(3)]
    with monitors[0].group("several") as group:

        def several(monitor):
            for _ in range(2):
                train(monitor, epochs=1)

        threads = [threading.Thread(target=several, args=[monitor]) for monitor in monitors[:1]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(group) == 2


def test_the_name_is_kept_with_the_run(tmp_path):
    monitor = kcb.Monitor(log_dir=tmp_path)
    with monitor.group("2 folds", fits=2):
        train(monitor)
        train(monitor)
    table = kcb.runs(tmp_path)
    assert sorted(table["group.number"]) == [1, 2]
    assert set(table["group.name"]) == {"2 folds"}
