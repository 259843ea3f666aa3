"""Several views, several fits, no kernel, no subshells: the board wherever a person may put it in JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import lab
import pytest
from product import FACTS, MODEL, board, facts

pytestmark = [pytest.mark.browser, pytest.mark.lab]

# As JupyterLab comes: with cells out of sight taken off the page. And without what ipykernel 7.0 to 7.3 has for comms.
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/apputils-extension/kernels-settings": {"commsOverSubshells": "disabled"},
}
BACKGROUND = """
x = np.ones((5000, 1), "float32")
handle = monitor.fit(model, x, x, batch_size=1, epochs=100, callbacks=[watch])
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lab.Server]:
    from kernels import versions

    with lab.lab_server(tmp_path_factory.mktemp("views"), "lab", versions(), SETTINGS) as running:
        yield running


def test_a_background_fit_leaves_the_notebook_usable_and_every_view_of_it_is_live(open_notebook: Any) -> None:
    part = "kcb.Board(monitor.run, show=['chart'])"
    notebook = open_notebook(MODEL, BACKGROUND, "monitor.board", part, "print(6 * 7)", "handle.wait()", FACTS)
    notebook.page.set_viewport_size({"width": 1300, "height": 2400})
    for index in range(5):
        notebook.run(index)
        notebook.wait(index)
    assert "42" in notebook.text(4)
    for index in (1, 2):
        board(notebook, index=index)
    chart = notebook.cell(3)
    chart.locator(".kcb-canvas canvas").first.wait_for()
    assert not chart.locator(".kcb-status").count()
    assert not chart.get_by_role("button", name="Stop").count()

    notebook.run(5)  # waits for the end on the main thread: the boards stay live
    board(notebook, index=2).get_by_role("button", name="x2").click()
    for index in (1, 2):
        reading = notebook.cell(index).get_by_role("textbox", name="learning_rate")
        notebook.page.wait_for_function("field => field.value === '0.02'", arg=reading.element_handle())
    board(notebook, index=1).get_by_role("button", name="Stop").click()
    notebook.wait(5)
    for index in (1, 2):
        board(notebook, status="stopped", index=index)
    after = facts(notebook, 6)
    (change,) = [event for event in after["events"] if event[0] == "applied"]
    step = change[2]
    assert after["weights"][step] - after["weights"][step + 1] == pytest.approx(0.02, rel=0.01)


def test_controls_reach_a_busy_cell_without_subshells(open_notebook: Any) -> None:
    notebook = open_notebook(MODEL, "fit(batches=5000, epochs=100)", FACTS)
    notebook.run(0)
    notebook.wait(0)
    notebook.run(1)
    view = board(notebook)
    view.get_by_role("button", name="x10").click()
    view.locator('.kcb-outcome[data-phase="applied"]').wait_for()
    view.get_by_role("button", name="Stop").click()
    notebook.wait(1)
    after = facts(notebook)
    assert after["status"] == "stopped"
    assert after["learning_rate"] == pytest.approx(0.1)


def test_fits_in_one_cell_share_a_board_and_it_shows_the_last(open_notebook: Any) -> None:
    notebook = open_notebook(MODEL, "for _ in range(3): fit(batches=20, epochs=2)")
    for index in (0, 1):
        notebook.run(index)
        notebook.wait(index)
    view = board(notebook, status="finished")
    assert notebook.cell(1).locator(".kcb-board").count() == 1
    view.get_by_text("Run 3").wait_for()


def test_a_trusted_notebook_without_any_kernel_shows_the_picture(
    open_notebook: Any, server: lab.Server, browser: Any, version: str
) -> None:
    notebook = open_notebook(MODEL, "fit(batches=50, epochs=2)")
    for index in (0, 1):
        notebook.run(index)
        notebook.wait(index)
    board(notebook, status="finished")
    notebook.save()
    notebook.close()
    spec = server.folder.parent / "kernels" / f"ipykernel-{version}"
    spec.rename(spec.with_name("another"))  # so that JupyterLab cannot start the notebook's own
    try:
        again = server.reopen(browser, notebook.path, kernel=False)
        again.page.get_by_role("dialog").get_by_role("button", name="No Kernel").click()
        check_picture(again)
    finally:
        spec.with_name("another").rename(spec)


def check_picture(again: lab.Notebook) -> None:
    assert again.page.evaluate("window.jupyterapp.shell.currentWidget.content.widgets[1].model.trusted")
    again.cell(1).locator('img[src^="data:image/png"]').wait_for()
    text = again.text(1).lower()
    assert "run 1: finished" in text
    assert "not found" not in text
    assert "loading widget" not in text
    again.page.context.close()
