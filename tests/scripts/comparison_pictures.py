"""The README's pictures of the comparison and of fits that belong together, taken in a real JupyterLab.

Twelve small runs are kept in files, three of them with a learning rate that is lowered on the way, and compared; then
five folds share a board. Part of `make screenshots`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import chromium
import lab
from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parents[2] / "notebooks" / "images"
RUNS = """
import keras, numpy as np, kcb_widgets as kcb
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
digits = load_digits()
x, x_test, y, y_test = train_test_split(digits.data.astype("float32") / 16, digits.target, random_state=0)

def make_model(width):
    keras.utils.set_random_seed(0)
    layers = [keras.Input((64,)), keras.layers.Dense(width, "relu"), keras.layers.Dense(10, "softmax")]
    return keras.Sequential(layers, name=f"mlp_{width}")

def compiled(model, rate):
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model

class Lower(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if monitor.run.step == 170:
            monitor.set(learning_rate=0.003)

for width in (4, 16, 64):
    for rate in (3e-4, 1e-3, 1e-2, 1e-1):
        monitor = kcb.Monitor(
            display=False, log_dir="runs", name=f"width {width}, rate {rate:g}", config={"width": width, "rate": rate}
        )
        callbacks = [monitor, Lower()] if rate == 1e-1 else [monitor]
        data = dict(batch_size=64, epochs=16, validation_data=(x_test, y_test), verbose=0)
        compiled(make_model(width), rate).fit(x, y, **data, callbacks=callbacks)
"""
COMPARE = 'kcb.compare("runs", which="train", smoothing=0.25, colour="config.rate")'
FOLDS = """
from sklearn.model_selection import KFold
monitor = kcb.Monitor()
with monitor.group("5 folds", fits=5) as folds:
    for train, test in KFold(5, shuffle=True, random_state=0).split(x):
        data = dict(batch_size=64, epochs=12, validation_data=(x[test], y[test]), verbose=0)
        compiled(make_model(16), 3e-3).fit(x[train], y[train], **data, callbacks=[monitor])
"""


def main(out: Path) -> None:
    """Write comparison-light.png, comparison-dark.png, fits-light.png and fits-dark.png into ``out``."""
    with (
        tempfile.TemporaryDirectory() as folder,
        lab.lab_server(Path(folder)) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium.executable(), args=chromium.ARGS)
        notebook = server.open(browser, [RUNS, COMPARE, FOLDS])
        notebook.page.set_viewport_size({"width": 1280, "height": 1100})
        for index in (0, 1, 2):
            notebook.run(index)
            notebook.wait(index)
        comparison = notebook.cell(1).locator(".kcb-comparison")
        comparison.locator(".kcb-compared canvas").wait_for()
        fits = notebook.cell(2).locator(".kcb-board")
        fits.locator("[data-tab=fits]").click()
        fits.locator(".kcb-fits canvas").first.wait_for()
        photograph(notebook, {"comparison": comparison, "fits": fits}, "light", out)
        notebook.dark()
        photograph(notebook, {"comparison": comparison, "fits": fits}, "dark", out)
        notebook.close()
        browser.close()


def photograph(notebook: lab.Notebook, parts: dict[str, Any], theme: str, out: Path) -> None:
    """Write a picture of each part, with the mouse elsewhere, once what follows the theme is drawn again."""
    notebook.page.mouse.move(0, 0)
    notebook.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    for name, part in parts.items():
        part.scroll_into_view_if_needed()
        part.screenshot(path=out / f"{name}-{theme}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES)
