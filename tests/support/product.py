"""What the tests in a real JupyterLab share: a model whose moves tell the learning rate, and the board."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import lab

# One weight whose gradient is exactly 1: plain SGD moves it by the learning rate, so each move tells what governed it.
MODEL = """
import json, time, keras, numpy as np, kcb_widgets as kcb

class Watch(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.weights = [0.0]
    def on_train_batch_end(self, batch, logs=None):
        self.weights.append(float(self.model.get_weights()[0][0, 0]))
        time.sleep(0.003)

watch = Watch()
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
model.compile(keras.optimizers.SGD(0.01), loss=lambda y, prediction: keras.ops.mean(prediction, axis=-1))
monitor = kcb.Monitor()
def fit(batches, epochs):
    x = np.ones((batches, 1), "float32")
    model.fit(x, x, batch_size=1, epochs=epochs, verbose=0, callbacks=[monitor, watch])
"""
FACTS = """
run = monitor.run
print(json.dumps(dict(
    status=run.status, step=run.step, batch=run.batch, weights=watch.weights,
    events=[(e.kind, e.name, e.step, e.old, e.new, e.source) for e in run.events_list],
    learning_rate=float(model.optimizer.learning_rate),
    predicted=model.predict(np.ones((1, 1), "float32"), verbose=0).tolist())))
"""


def board(notebook: lab.Notebook, *, status: str = "running", index: int = 1) -> Any:
    """The board under a cell, once it shows this status."""
    found = notebook.cell(index).locator(".kcb-board")
    found.locator(f'.kcb-status[data-status="{status}"]').wait_for()
    return found


def start_fit(notebook: lab.Notebook) -> Any:
    notebook.run(0)
    notebook.wait(0)
    notebook.run(1)
    view = board(notebook)
    view.locator('.kcb-badge[data-reach="live"]').wait_for()
    return view


def open_tab(view: Any, name: str) -> None:
    """Look at another panel of the board."""
    view.locator(f'[data-tab="{name}"]').click()


def drag(page: Any, view: Any, by: float) -> None:
    """Drag the thumb of the learning rate's slider, which stands in the middle, by a share of the slider's width."""
    slider = view.get_by_role("slider", name="learning_rate")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    x, y, mouse = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + by * box["width"], y, steps=8)
    mouse.up()


def first_learning_rate(view: Any, expected: str) -> str:
    """What the plot reads out at its left end. JupyterLab may take the focus away while it settles, hence the loop."""
    plot = view.locator('figure[data-group="learning_rate"]')
    deadline = time.monotonic() + 30
    while plot.locator(".kcb-value").inner_text() != expected and time.monotonic() < deadline:
        plot.locator(".kcb-canvas").press("Home")
    return str(plot.locator(".kcb-value").inner_text())


def facts(notebook: lab.Notebook, index: int = 2) -> dict[str, Any]:
    notebook.run(index)
    notebook.wait(index)
    return dict(json.loads(notebook.text(index)))


def paused_step(view: Any) -> int:
    """Wait until it is paused, and return the step that the board says."""
    view.locator('.kcb-status[data-status="paused"]').wait_for()
    return int(
        re.search(r"step (\d+)", view.locator(".kcb-note", has_text=re.compile(r"after step \d+")).inner_text())[1]
    )


def step(view: Any, batches: int, at: int) -> int:
    """Run so many batches and wait for the pause after them; the Controls are open then."""
    open_tab(view, "controls")
    view.get_by_role("textbox", name="batches", exact=True).fill(str(batches))
    view.get_by_role("button", name="Step", exact=True).click()
    view.locator(".kcb-note", has_text=f"after step {at + batches}").wait_for()
    return paused_step(view)
