"""What the model says of classes, in a real JupyterLab, while it trains and afterwards."""

from __future__ import annotations

import time
from typing import Any

import pytest

pytestmark = pytest.mark.browser

FIT = """
import keras, kcb_widgets as kcb
from sklearn.datasets import load_digits
x, y = load_digits(return_X_y=True)
x = (x / 16).astype("float32")
keras.utils.set_random_seed(1)
model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(10, "softmax")])
model.compile(keras.optimizers.Adam(0.001), "sparse_categorical_crossentropy", metrics=["accuracy"])
monitor = kcb.Monitor()
model.fit(x[:1200], y[:1200], validation_data=(x[1200:], y[1200:]), epochs=100000, verbose=0, callbacks=[monitor])
"""
CHECK = """
import numpy as np
said = model.predict(x[1200:], verbose=0).argmax(axis=1)
table = monitor.run.confusion()
print(table.shape, int(table.to_numpy().sum()), len(monitor.run.insights.classes) > 0)
"""


def test_classes_are_read_while_their_tab_is_looked_at(open_notebook: Any) -> None:
    notebook = open_notebook(FIT, CHECK)
    notebook.run(0)
    board = notebook.cell(0).locator(".kcb-board")
    board.locator('.kcb-status[data-status="running"]').wait_for()
    board.get_by_role("tab", name="Classes").click()
    matrix = board.locator(".kcb-matrix")
    matrix.locator("tbody tr").nth(9).wait_for()
    assert matrix.locator("tbody tr").count() == 10
    board.get_by_role("table", name="scores of classes").locator("tbody tr").nth(9).wait_for()
    board.locator(".kcb-calibration svg").wait_for()
    board.get_by_text("597 samples of the validation data").wait_for()
    # A cell opens its samples.
    matrix.get_by_role("button", name="true 0, said 0:").click()
    board.get_by_text("true 0, said 0: ", exact=False).first.wait_for()
    board.locator(".kcb-class-samples li").first.wait_for()
    # Earlier epochs are one movement away, also when the run is over. The second is read when it may cost that much.
    notebook.page.wait_for_function("document.querySelector('.kcb-class-epoch input').max > 1", timeout=120_000)
    board.get_by_role("button", name="Stop", exact=True).click()
    notebook.wait(0)
    slider, shown = board.get_by_role("slider", name="epoch", exact=True), board.locator(".kcb-class-epoch")
    deadline = time.monotonic() + 60
    while "latest" in shown.inner_text() and time.monotonic() < deadline:  # a finished board is mounted anew
        slider.press("Home")
        notebook.page.wait_for_timeout(200)
    assert "latest" not in shown.inner_text()
    notebook.run(1)
    notebook.wait(1)
    assert notebook.text(1).strip() == "(10, 10) 597 True"
