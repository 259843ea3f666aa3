"""The dashboard as Voila shows it: no cells, a button, the board, and a slider that reaches training."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lab
import pytest
from product import drag

pytestmark = [pytest.mark.browser, pytest.mark.lab]
NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "dashboard.ipynb"


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Iterator[Any]:
    port, log = lab.free_port(), tmp_path / "voila.log"
    command = [sys.executable, "-m", "voila", str(NOTEBOOK), "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1"]
    url = f"http://127.0.0.1:{port}/"
    # Not the page itself: asking for that runs the notebook.
    with lab.serving(command, f"{url}voila/static/voila.js", log, env=lab.isolated(tmp_path), cwd=tmp_path):
        page = browser.new_context(viewport={"width": 1300, "height": 1000}).new_page()
        page.set_default_timeout(120_000)  # Voila runs the whole notebook before it shows the page
        page.goto(url)
        yield page
        page.context.close()


def test_a_dashboard_trains_at_the_press_of_a_button_and_is_steered(page: Any) -> None:
    view = page.locator(".kcb-board")
    train = page.get_by_role("button", name="Train")
    for number in (1, 2):
        train.click()
        view.locator('.kcb-status[data-status="running"]').wait_for()
        view.locator('.kcb-badge[data-reach="live"]').wait_for()
        assert f"Run {number}" in view.inner_text()
        drag(page, view, by=0.2)
        view.locator('.kcb-outcome[data-phase="applied"]').wait_for()
        assert "applied at step" in view.locator(".kcb-outcome").first.inner_text()
        view.get_by_role("button", name="Stop").click()
        view.locator('.kcb-status[data-status="stopped"]').wait_for()
