"""Pictures of the board in every state, both themes, three widths, for people to look at: `make screenshots`.

The built bundle in a page of its own, with made-up runs, and folds that are really trained. Nothing compares the
pictures.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chromium
import numpy as np
from cards import CUTTING, OWN, STEERED, STOPPING
from folds import FOLDS, third_of_five
from host import Host, control, encode, run_picture, series, state
from playwright.sync_api import sync_playwright

WIDTHS = (600, 900, 1300)
THEMES = {"light": "#ffffff", "dark": "#111111"}
BESTS = [
    {"metric": "loss", "value": 0.39, "epoch": 3, "step": 400, "direction": "min"},
    {"metric": "val_loss", "value": 0.453, "epoch": 3, "step": 400, "direction": "min"},
    {"metric": "val_accuracy", "value": 0.879, "epoch": 3, "step": 400, "direction": "max"},
]
BEST = {"id": "b", "step": 300, "epoch": 2, "seconds": 3.0, "kind": "best", "metric": "val_loss", "value": 0.65}
STOPPED = "EarlyStopping: no better val_loss for 3 epochs; the weights of epoch 3 are back"
SNAPSHOTS = [{**BEST, "bytes": 10**6}]
NAN = {"name": "loss", "value": "nan", "step": 301, "epoch": 3, "batch": 1}
NOTHING_YET = {"epoch": 0, "batch": 0, "step": 0, "remaining": None, "ms_per_step": None, "samples_per_second": None}


def layers(count: int) -> list[Any]:
    """A switch for each of so many layers, with names as long as those of real models."""
    return [
        control(True, name=f"{name}.trainable", label="trainable", kind="flag", group="layers", section=name, max=None)
        for name in (f"block{i // 4 + 1}_sepconv{i % 4 + 1}_depthwise_{i}" for i in range(count))
    ]


def many_metrics() -> bytes:
    """Twelve metrics with validation, over forty epochs."""
    end, steps, names = np.arange(1, 401), np.arange(10, 401, 10), [f"metric_{i}" for i in range(12)]
    curves = [series(name, "train", np.exp(-end / (60 + 20 * i)) + 0.1) for i, name in enumerate(names)]
    epochs = [series(f"val_{name}", "val", np.exp(-steps / (80 + 20 * i)) + 0.2) for i, name in enumerate(names)]
    batches = {"name": "batches", "end": end, "series": curves}
    return encode([batches, {"name": "epochs", "end": steps, "series": epochs}], last=400)


def long_run() -> bytes:
    """60,000 batches in 300 epochs, as Python thins them out; with a spike."""
    per, count = 120, 500
    rows = np.random.default_rng(0).gamma(2, 0.3, (count, per)) * np.exp(-np.arange(count) / 150)[:, None] + 0.1
    rows[300, 7] = 1e4
    end, steps = np.arange(1, count + 1) * per, np.arange(1, 301) * 200
    bounds = {"min": rows.min(axis=1), "max": rows.max(axis=1), "order": np.ones(count)}
    loss = series("loss", "train", rows.mean(axis=1), "loss, each batch", **bounds)
    batches = {"name": "batches", "step": end - per + 1, "end": end, "per_bucket": per, "series": [loss]}
    falling = np.exp(-steps / 18_000) * 0.6 + 0.1
    epochs = [series("loss", "epoch", falling, "loss, epoch"), series("val_loss", "val", falling + 0.1)]
    return encode([batches, {"name": "epochs", "end": steps, "epoch": steps / 200, "series": epochs}], last=60_000)


def lose(host: Host) -> None:
    """The kernel dies."""
    host.page.evaluate("stub.trigger('comm:close')")


def tab(name: str) -> Callable[[Host], None]:
    """Opens a panel."""
    return lambda host: host.page.locator(f"[data-tab={name}]").click()


RUN = run_picture()
# By name: the picture of the run, what differs from a run in its fourth epoch, what is done, more controls.
STATES: dict[str, tuple[bytes, dict[str, Any], Callable[[Host], None] | None, list[Any]]] = {
    "compiling": (b"", {"status": "compiling", **NOTHING_YET}, None, []),
    "running": (RUN, {}, None, []),
    "paused": (RUN, {"status": "paused", "message": "paused after step 315"}, None, []),
    "nan": (run_picture(hole=range(300, 400)), {"not_finite": NAN}, None, []),
    "stalled": (RUN, {"stalled": {"seconds": 34.0, "waits_for": "the data"}}, None, []),
    "stopped by a callback": (
        RUN,
        {
            "status": "stopped",
            "message": STOPPED,
        },
        None,
        [],
    ),
    "failed": (RUN, {"status": "failed", "message": "ValueError: boom (in MyCallback.on_batch_end)"}, None, []),
    "kernel gone": (RUN, {}, lose, []),
    "finished": (RUN, {"status": "finished"}, None, []),
    "epochs": (RUN, {}, tab("epochs"), []),
    "controls, 40 layers": (RUN, {}, tab("controls"), layers(40)),
    "controls, 150 layers": (RUN, {}, tab("controls"), layers(150)),
    "snapshots": (RUN, {}, tab("snapshots"), []),
    "callbacks": (RUN, {}, tab("callbacks"), []),
    "12 metrics": (many_metrics(), {"bests": []}, None, []),
    "300 epochs, 60,000 batches": (long_run(), {"bests": []}, None, []),
}


def main(out: Path) -> None:
    """Write a picture of each state in each theme and width into ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.executable(), args=chromium.ARGS)
        page = browser.new_context().new_page()
        for name, (picture, change, act, more) in STATES.items():
            host = Host(page)
            over = change.get("status") in ("stopped", "failed", "finished")
            host.now = state(bests=BESTS, snapshots=SNAPSHOTS, can={"rollback": ""}, ticking=not over)
            host.now |= change
            momentum = control(0.9, name="momentum", scale="linear", max=1)
            host.controls, host.callbacks = [control(), momentum, *more, *STEERED[1:]], [STOPPING, CUTTING, OWN]
            host.start(series=picture)
            host.answer_hello()
            if act is not None:
                act(host)
            photograph(page, name, out)
        host, traits = Host(page), third_of_five()
        host.now, host.controls = traits["state"], traits["controls"]
        host.callbacks, host.hooks = traits["callbacks"], traits["hooks"]
        host.start(series=traits["series"], events=traits["events"])
        host.answer_hello()
        photograph(page, FOLDS, out)
        browser.close()


def photograph(page: Any, name: str, out: Path) -> None:
    """Write a picture of what the page shows in each theme and width."""
    for theme, color in THEMES.items():
        page.evaluate(
            "([light, color]) => { document.body.dataset.jpThemeLight = light;"
            " document.body.style.background = color; }",
            [str(theme == "light").lower(), color],
        )
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 200)))")
            page.screenshot(path=out / f"{name}, {width}, {theme}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "output" / "board-states")
