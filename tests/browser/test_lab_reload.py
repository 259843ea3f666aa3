"""What a page that is loaded anew shows of a fit: one that trains on, unsaved, and one whose kernel is no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import lab
import pytest
from product import FACTS, MODEL, board, facts, start_fit

pytestmark = [pytest.mark.browser, pytest.mark.lab]

WIDGETS = "@jupyter-widgets/jupyterlab-manager/plugin"
FIT = "fit(batches=5000, epochs=100)"
RESTART = f"() => {lab.PANEL}.sessionContext.session.kernel.restart()"
GONE = "This board's kernel is gone, was restarted or is out of reach."


@pytest.fixture(scope="module", params=["", "widgets saved"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[lab.Server]:
    from kernels import versions

    settings = {**lab.SETTINGS, WIDGETS: {"saveState": bool(request.param)}}
    with lab.lab_server(tmp_path_factory.mktemp("reload"), "lab", versions(), settings) as running:
        yield running


@pytest.mark.parametrize("server", [""], indirect=True)
def test_a_notebook_reloaded_in_mid_fit_without_being_saved_says_what_to_do_and_shows_the_board(
    open_notebook: Any,
) -> None:
    notebook = open_notebook(MODEL, FIT, FACTS, "monitor.board")
    start_fit(notebook)
    notebook.reload()
    note = notebook.page.locator(".kcb-unseen")
    note.wait_for()
    assert "monitor.board in a new cell shows it" in note.inner_text()
    assert notebook.page.locator(".kcb-board").count() == 0, "the notebook has no place for it"
    note.get_by_role("button", name="Show it here").click()
    note.locator('.kcb-badge[data-reach="live"]').wait_for()
    note.get_by_role("button", name="Stop", exact=True).click()
    note.locator('.kcb-status[data-status="stopped"]').wait_for()
    notebook.wait_idle()
    notebook.run(3)
    board(notebook, status="stopped", index=3)
    assert note.count() == 0, "it has a place now"
    assert facts(notebook)["status"] == "stopped"


@pytest.mark.parametrize("server", [""], indirect=True)
def test_a_restart_in_mid_fit_is_told_on_the_board_and_in_the_saved_notebook(open_notebook: Any) -> None:
    notebook = open_notebook(MODEL, FIT)
    view = start_fit(notebook)
    words = notebook.cell(1).locator(".kcb-training")
    words.wait_for(state="attached")
    assert not words.is_visible(), "here is the board itself"
    notebook.save()
    notebook.page.evaluate(RESTART)
    view.locator('.kcb-status[data-status="lost"]').wait_for()
    assert GONE in view.locator(".kcb-message").first.inner_text()
    assert view.get_by_role("button", name="Stop", exact=True).is_disabled()
    notebook.reload()
    notebook.wait_idle()
    words.wait_for()  # below what JupyterLab says: "model not found"
    assert "A kernel that was restarted has lost them." in words.inner_text()


def restored(notebook: lab.Notebook) -> None:
    """Wait for the board. JupyterLab restores no saved widget where a starting kernel is slow to say what it has."""
    from playwright.sync_api import TimeoutError  # here, so that without Playwright the tests can be skipped

    for attempts_left in reversed(range(4)):
        try:
            return notebook.cell(1).locator(".kcb-board").wait_for(timeout=20_000)
        except TimeoutError:
            if not attempts_left:
                raise
            notebook.reload()


@pytest.mark.parametrize("server", ["widgets saved"], indirect=True)
def test_a_board_out_of_the_saved_notebook_says_that_its_kernel_is_another(
    open_notebook: Any, server: lab.Server, browser: Any
) -> None:
    notebook = open_notebook(MODEL, FIT)
    view = start_fit(notebook)
    view.locator(".kcb-plot canvas").first.wait_for()
    notebook.save()
    notebook.close()
    again = server.reopen(browser, notebook.path)
    restored(again)
    view = board(again, status="lost")
    assert GONE in view.locator(".kcb-message").first.inner_text()
    assert view.locator(".kcb-badge").inner_text() == "read-only"
    assert view.get_by_role("button", name="Stop", exact=True).is_disabled()
    assert view.get_by_role("slider", name="learning_rate").is_disabled()
    again.page.context.close()
