"""The board in a real marimo, which has a kernel and threads of its own."""

from __future__ import annotations

import contextlib
import json
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lab
import pytest
from product import MODEL, drag

pytestmark = [pytest.mark.browser, pytest.mark.lab]

BUTTON = "{0} = mo.ui.button(label='{0}')\n{0}"
BACKGROUND = """
again
ones = np.ones((200, 1), "float32")
monitor.fit(model, ones, ones, batch_size=1, epochs=1000, callbacks=[watch])
"""
FACTS = """
tell
facts = json.dumps(dict(
    runs=[run.status for run in monitor.runs], weights=getattr(watch, "weights", []),
    events=[(e.kind, e.name, e.step, e.old, e.new, e.source) for e in monitor.run.events_list]))
mo.Html(f"<pre id=facts>{facts}</pre>")
"""


@pytest.fixture
def open_notebook(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """A function that serves a notebook of these cells, as an app or to edit, and opens it."""
    with contextlib.ExitStack() as opened:

        def open_it(mode: str, *cells: str) -> Any:
            body = "".join(f"@app.cell\ndef _():\n{textwrap.indent(cell.strip(), '    ')}\n\n\n" for cell in cells)
            path, port = tmp_path / "notebook.py", lab.free_port()
            path.write_text(f"import marimo\n\napp = marimo.App()\n\n\n{body}")
            command = [sys.executable, "-m", "marimo", mode, str(path), "--headless", "--no-token", f"--port={port}"]
            command += ["--skip-update-check"] if mode == "edit" else []
            environment = {**lab.isolated(tmp_path), "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
            url = f"http://127.0.0.1:{port}/"
            opened.enter_context(lab.serving(command, f"{url}health", tmp_path / "server.log", env=environment))
            context = browser.new_context(viewport={"width": 1300, "height": 1100})
            opened.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(90_000)
            frames: list[str] = []
            page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
            page.goto(url)
            deadline = time.monotonic() + 60
            while not any("kernel-ready" in frame for frame in frames) and time.monotonic() < deadline:
                page.wait_for_timeout(50)  # lets Playwright hand over what has come
            return page

        yield open_it


def facts(page: Any) -> dict[str, Any]:
    """What the notebook knows now."""
    before = page.locator("#facts").text_content()
    page.get_by_role("button", name="tell").click()
    page.wait_for_function("before => document.querySelector('#facts')?.textContent !== before", arg=before)
    return dict(json.loads(page.locator("#facts").text_content()))


def test_a_fit_in_the_background_is_live_and_gives_way_to_the_next(open_notebook: Any) -> None:
    page = open_notebook(
        "run", "import marimo as mo", BUTTON.format("tell"), BUTTON.format("again"), MODEL, BACKGROUND, FACTS
    )
    view = page.locator(".kcb-board")
    view.locator('.kcb-status[data-status="running"]').wait_for()
    view.locator('.kcb-badge[data-reach="live"]').wait_for()
    drag(page, view, by=0.2)
    view.locator('.kcb-outcome[data-phase="applied"]').first.wait_for()
    known = facts(page)
    _, name, step, old, new, source = [event for event in known["events"] if event[0] == "applied"][-1]
    assert (name, source) == ("learning_rate", "board")
    moves = [before - after for before, after in zip(known["weights"], known["weights"][1:], strict=False)]
    assert moves[step - 1] == pytest.approx(old, rel=1e-3)
    assert moves[step] == pytest.approx(new, rel=1e-3)
    # marimo forgets the thread when its cell is run anew; two fits must not train one model.
    page.get_by_role("button", name="again").click()
    page.locator(".kcb-board", has_text="Run 2").locator('.kcb-status[data-status="running"]').wait_for()
    known = facts(page)
    assert known["runs"] == ["stopped", "running"]
    view.get_by_role("button", name="Stop").click()
    view.locator('.kcb-status[data-status="stopped"]').wait_for()


def test_a_fit_in_a_cell_is_drawn_and_says_that_its_controls_wait(open_notebook: Any) -> None:
    page = open_notebook("edit", MODEL, "fit(400, 8)")
    page.get_by_test_id("run-button").last.click()
    view = page.locator(".kcb-board")
    view.locator('.kcb-status[data-status="running"]').wait_for()
    view.locator('.kcb-badge[data-reach="queued"]').wait_for()
    before = view.locator(".kcb-progress").inner_text()
    changed = "([board, before]) => board.querySelector('.kcb-progress').innerText !== before"
    page.wait_for_function(changed, arg=[view.element_handle(), before])
    assert "marimo" in view.locator(".kcb-badge").get_attribute("title")
    view.locator('.kcb-status[data-status="finished"]').wait_for()
    page.get_by_text("monitor.fit(model, ...)").first.wait_for()
