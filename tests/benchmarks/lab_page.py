"""A board of a million batches in a real JupyterLab: its first paint, its zoom, and its silence while nobody looks."""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import TimeoutError
from product import MODEL, board

BATCHES, QUICK_BATCHES = 1_000_000, 50_000
PER_EPOCH = 10_000
SETTLE = 2.0  # seconds for the board to notice that it is hidden

# The fit that follows goes on from here, as one that has trained so long already.
FILL = """
import math
class Fill(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        run = monitor.run
        run.params, run.batches_per_epoch = {{**run.params, "steps": {per_epoch}}}, {per_epoch}
        for epoch in range({batches} // {per_epoch}):
            run.begin_epoch(epoch)
            for batch in range({per_epoch}):
                falling = math.exp(-run.step / 300_000) + 0.1 * math.sin(run.step * 1.7)
                run.append(batch, {{"loss": falling, "accuracy": 1 - falling, "mae": falling / 2, "top5": 1.0}})
            run.end_epoch(epoch, {{"loss": falling, "val_loss": 1.1 * falling, "val_accuracy": 1 - 1.1 * falling}})
        run.params = {{**run.params, "steps": 5000}}
def fit(batches, epochs):
    x = np.ones((batches, 1), "float32")
    model.fit(x, x, batch_size=1, epochs=epochs, verbose=0, callbacks=[monitor, Fill(), watch])
"""
# Notes when the notebook, a board and a drawn plot are first there, each drawing of the loss, and windows that arrive.
WATCH = """
window.firsts = {};
window.drawings = [];
window.arrivals = [];
const note = (name) => (firsts[name] ??= performance.now());
const clear = CanvasRenderingContext2D.prototype.clearRect;
CanvasRenderingContext2D.prototype.clearRect = function (...args) {
  if (this.canvas.closest?.('figure[data-group="loss"]')) {
    drawings.push(performance.now());
    // Drawn is what the next frame shows.
    if (!firsts.painted) requestAnimationFrame(() => note("painted"));
  }
  return clear.apply(this, args);
};
const look = () => {
  if (document.querySelector(".jp-Notebook .jp-Cell")) note("notebook");
  if (document.querySelector(".kcb-board")) note("board");
  if (!firsts.painted) requestAnimationFrame(look);
};
requestAnimationFrame(look);
const Native = window.WebSocket;
window.WebSocket = class extends Native {
  constructor(...args) {
    super(...args);
    this.addEventListener("message", ({ data }) => {
      const head = typeof data === "string" ? data : new TextDecoder("latin1").decode(data.slice(0, 6000));
      if (/"kind": ?"window"/.test(head)) arrivals.push(performance.now());
    });
  }
};
"""
HIDE = """hidden => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
DRAWN = """since => {
    const arrived = arrivals.find((at) => at > since);
    return arrived !== undefined && drawings.find((at) => at >= arrived);
}"""
RELEASED = """() => {
    window.released = 0;
    document.addEventListener("mouseup", () => (released = performance.now()), { capture: true });
}"""


def measure(server: Any, browser: Any, batches: int, zooms: int, silence: float) -> dict[str, Any]:
    """First paints, zooms and the messages that come to a hidden page."""
    fill = FILL.format(batches=batches, per_epoch=PER_EPOCH)
    # A short first cell, so that the board stands on the screen when the page comes back.
    (server.folder / "setup.py").write_text(MODEL + fill)
    setup = "%%capture\nexec(open('setup.py').read())"
    cells = [setup, "fit(batches=5000, epochs=1000)", "kcb.Board(monitor.run)"]
    notebook = server.open(browser, cells)
    page = notebook.page
    received: list[tuple[float, str]] = []

    def count(socket: Any) -> None:
        if "/channels" in socket.url:  # the kernel's; JupyterLab has others of its own
            socket.on("framereceived", lambda data: received.append(_kind(data)))

    page.on("websocket", count)
    page.add_init_script(WATCH)
    found: dict[str, Any] = {"batches": batches}
    try:
        notebook.run(0)
        notebook.wait(0)
        notebook.run(1)
        live = '.kcb-badge[data-reach="live"]'
        board(notebook).locator(live).wait_for(timeout=180_000)
        notebook.save()
        notebook.reload()
        view = board(notebook)
        view.locator(live).wait_for()
        page.wait_for_function("firsts.painted")
        found["reload"] = page.evaluate("firsts")

        page.evaluate(RELEASED)
        found["zoom"] = [_zoom(page, view) for _ in range(zooms)]
        view.get_by_role("button", name="Pause").click()
        view.locator('.kcb-status[data-status="paused"]').wait_for()
        found["zoom_paused"] = [_zoom(page, view) for _ in range(zooms)]
        view.get_by_role("button", name="Resume").click()
        board(notebook)

        before = len(received)
        page.wait_for_timeout(2000)
        found["shown_messages"] = (len(received) - before) / 2
        page.evaluate(HIDE, True)
        hidden_at = time.monotonic()
        page.wait_for_timeout(1000 * SETTLE)
        before = len(received)
        page.wait_for_timeout(1000 * silence)
        found["hidden_messages"] = [kind for _, kind in received[before:]]
        late = [at - hidden_at for at, _ in received if at > hidden_at]
        found["last_after_hiding"] = max(late, default=0.0)
        page.evaluate(HIDE, False)
        view.locator(live).wait_for()

        view.get_by_role("button", name="Stop", exact=True).click()
        notebook.wait_idle()
        began = page.evaluate("(firsts.painted = undefined, performance.now())")
        notebook.run(2)
        page.wait_for_function("firsts.painted")
        found["new_cell"] = page.evaluate("firsts.painted") - began
        return found
    finally:
        notebook.close()


def _kind(data: Any) -> tuple[float, str]:
    text = data if isinstance(data, str) else bytes(data[:2000]).decode("latin1")
    kind = next((each for each in ("comm_msg", "status", "stream", "display_data", "_reply") if each in text), "other")
    return time.monotonic(), kind


def _zoom(page: Any, view: Any) -> dict[str, float] | None:
    """Drag over a tenth of the loss, and wait for the finer picture of it; milliseconds from the button's release."""
    over = view.locator('figure[data-group="loss"] .u-over')
    over.scroll_into_view_if_needed()
    area = over.bounding_box()
    y = area["y"] + area["height"] / 2
    page.mouse.move(area["x"] + 0.4 * area["width"], y)
    page.mouse.down()
    page.mouse.move(area["x"] + 0.45 * area["width"], y, steps=3)
    page.mouse.move(area["x"] + 0.5 * area["width"], y, steps=3)
    page.mouse.up()
    released = page.evaluate("released")
    try:
        drawn = page.wait_for_function(DRAWN, arg=released, timeout=5000).json_value()
    except TimeoutError:
        return None
    arrived = page.evaluate("since => arrivals.find((at) => at > since)", released)
    view.get_by_role("button", name="reset zoom").click()
    page.wait_for_timeout(200)
    return {"arrived": arrived - released, "drawn": drawn - released}
