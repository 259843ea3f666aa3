"""Keras's own callbacks on the board of a real JupyterLab: watched, and steered with effect."""

from __future__ import annotations

import json
from typing import Any

from product import MODEL, board, open_tab, start_fit

# Nothing ever gets better, so EarlyStopping would end it after 150 epochs.
STOPPER = """
model.optimizer.learning_rate = 0.0
stopper = keras.callbacks.EarlyStopping("loss", patience=150)
def fit(batches, epochs):
    x = np.ones((batches, 1), "float32")
    model.fit(x, x, batch_size=1, epochs=epochs, verbose=0, callbacks=[stopper, monitor, watch])
"""
SEEN = "print(json.dumps([stopper.patience, stopper.wait, len(monitor.run.epochs), monitor.run.status]))"


def test_patience_raised_on_the_board_lets_the_fit_go_past_the_old_limit(open_notebook: Any) -> None:
    notebook = open_notebook(MODEL + STOPPER, "fit(batches=20, epochs=100_000)", SEEN)
    view = start_fit(notebook)
    open_tab(view, "callbacks")
    card = view.get_by_role("group", name="EarlyStopping", exact=True)
    gauge = card.get_by_role("meter", name="EarlyStopping")
    gauge.wait_for()
    assert "of 150" in gauge.get_attribute("aria-valuetext")
    field = card.get_by_role("textbox", name="EarlyStopping.patience")
    field.fill("100000")
    field.press("Enter")
    card.locator('.kcb-outcome[data-phase="applied"]').first.wait_for()
    reached = "document.querySelector('.kcb-board .kcb-bar-text')?.innerText.match(/epoch (\\d+)/)?.[1]"
    passed = f"() => Number({reached}) > 170"
    notebook.page.wait_for_function(passed, timeout=120_000)
    board(notebook, status="running")
    open_tab(view, "hooks")
    view.get_by_role("region", name="hooks", exact=True).get_by_role("table").wait_for()
    view.get_by_role("button", name="Stop", exact=True).click()
    notebook.wait_idle()
    notebook.run(2)
    notebook.wait(2)
    patience, wait, epochs, status = json.loads(notebook.text(2))
    assert patience == 100_000
    assert wait > 150
    assert epochs > 170
    assert status == "stopped"
