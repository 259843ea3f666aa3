"""Fits that belong together, in a real JupyterLab: one board, each fit one press away, and a picture of all."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser

SETUP = """
import keras, numpy as np, kcb_widgets as kcb
x = np.random.default_rng(0).normal(size=(320, 4)).astype("float32")
y = x.sum(axis=1, keepdims=True)
def make():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    return model
def fold(monitor, epochs=4, pause=None):
    callbacks = [monitor] + ([keras.callbacks.LambdaCallback(on_epoch_end=pause)] if pause else [])
    make().fit(x[:240], y[:240], validation_data=(x[240:], y[240:]), epochs=epochs, verbose=0, callbacks=callbacks)
"""
FOLDS = """
monitor = kcb.Monitor()
with monitor.group("3 folds", fits=3) as folds:
    fold(monitor)
    fold(monitor)
    fold(monitor, epochs=100000)
"""
LOOP = """
for _ in range(3):
    fold(kcb.Monitor(), epochs=2)
"""


def test_folds_are_one_board_and_each_can_be_looked_at(open_notebook: Any) -> None:
    notebook = open_notebook(SETUP, FOLDS, "print(len(folds), folds.table().status.tolist())", LOOP)
    page = notebook.page
    notebook.run(0)
    notebook.wait(0)
    notebook.run(1)
    board = notebook.cell(1).locator(".kcb-board")
    board.locator(".kcb-fits-line .kcb-bar-text", has_text="fit 3/3").wait_for()
    assert board.count() == 1
    # All fits are under a tab whose code comes when it is opened, while the cell trains.
    board.get_by_role("tab", name="Fits").click()
    board.locator(".kcb-fits-table tbody tr").nth(3).wait_for()
    board.locator(".kcb-fits canvas").wait_for()
    rows = board.locator(".kcb-fits-table tbody tr").all_inner_texts()
    assert [row.split("\t")[0] for row in rows] == ["1", "2", "3", "mean"]
    assert "±" in rows[3]
    # An earlier fit is one press away, and the one that trains can be stopped afterwards.
    board.get_by_role("button", name="fit 1,").click()
    board.locator('.kcb-status[data-status="finished"]').wait_for()
    board.get_by_role("button", name="Back to the latest").click()
    board.locator('.kcb-status[data-status="running"]').wait_for()
    board.get_by_role("button", name="Stop", exact=True).click()
    notebook.wait(1)
    notebook.run(2)
    notebook.wait(2)
    assert notebook.text(2).strip() == "3 ['finished', 'finished', 'stopped']"
    # Without a group, and with a Monitor for each: the same.
    notebook.run(3)
    notebook.wait(3)
    loop = notebook.cell(3).locator(".kcb-board")
    loop.locator(".kcb-fits-line .kcb-bar-text", has_text="fit 3").wait_for()
    assert loop.count() == 1
    loop.get_by_role("button", name="fit 2,").click()
    page.wait_for_function("document.querySelectorAll('.kcb-fit[aria-pressed=true]')[1].textContent === '2'")
