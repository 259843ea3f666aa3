"""Several views, several fits, no kernel, no subshells: the board wherever a person may put it in JupyterLab."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import lab
import pytest
from product import FACTS, MODEL, board, facts, open_tab

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


PID = "import os; print(os.getpid())"


def test_a_killed_kernel_is_told_on_the_board(open_notebook: Any) -> None:
    notebook = open_notebook(MODEL, "fit(batches=5000, epochs=100)", PID)
    for index in (0, 2):
        notebook.run(index)
        notebook.wait(index)
    notebook.run(1)
    view = board(notebook)
    view.locator('.kcb-badge[data-reach="live"]').wait_for()
    os.kill(int(notebook.text(2)), signal.SIGKILL)
    view.locator('.kcb-status[data-status="lost"]').wait_for()
    assert "These are the last numbers" in view.locator(".kcb-message").first.inner_text()
    stopped = view.locator(".kcb-elapsed").inner_text()
    view.get_by_role("button", name="Stop", exact=True).and_(notebook.page.locator(":disabled")).wait_for()
    assert view.locator(".kcb-elapsed").inner_text() == stopped
    notebook.errors.clear()  # JupyterLab tells of the kernel's death, too


STYLE = """() => {
    const board = document.querySelector(".kcb-board"), { width } = board.getBoundingClientRect();
    const parts = [...board.querySelectorAll(".kcb-status, .kcb-plot figcaption, .kcb-epoch-table td, .kcb-list li")];
    return [Math.round(width), !!board.closest(".jp-RenderedHTMLCommon"), parts.map((one) => {
        const { fontSize, padding, margin, listStyleType, backgroundColor } = getComputedStyle(one);
        return [one.className, fontSize, padding, margin, listStyleType, backgroundColor];
    })];
}"""


def test_a_finished_board_looks_as_it_did_and_a_view_beside_the_notebook_is_live(open_notebook: Any) -> None:
    notebook = open_notebook(MODEL, "fit(batches=20, epochs=300)")
    notebook.page.set_viewport_size({"width": 1300, "height": 900})
    notebook.run(0)
    notebook.wait(0)
    notebook.run(1)
    view = board(notebook)
    view.locator('.kcb-badge[data-reach="live"]').wait_for()
    canvas = view.locator('[data-group="loss"] canvas').first
    canvas.wait_for()
    box = canvas.bounding_box()
    assert box["y"] + box["height"] < 900, "the curve is in the first screen"
    open_tab(view, "epochs")
    view.locator(".kcb-epoch-table td").first.wait_for()
    width, _, running = notebook.page.evaluate(STYLE)
    view.get_by_role("button", name="open in a new view").click()
    notebook.page.wait_for_function("document.querySelectorAll('.kcb-board').length === 2")
    beside = notebook.page.locator(".jp-LinkedOutputView .kcb-board, .jp-OutputArea .kcb-board").last
    beside.locator('.kcb-badge[data-reach="live"]').wait_for()
    notebook.page.evaluate("window.jupyterapp.commands.execute('application:close')")
    notebook.page.wait_for_function("document.querySelectorAll('.kcb-board').length === 1")
    notebook.wait(1)
    board(notebook, status="finished")
    notebook.cell(1).locator('img[src^="data:image/png"]').wait_for(state="hidden")
    wide, rendered, finished = notebook.page.evaluate(STYLE)
    assert not rendered
    assert wide == width
    assert finished[1:4] == running[1:4]


def check_picture(again: lab.Notebook) -> None:
    assert again.page.evaluate("window.jupyterapp.shell.currentWidget.content.widgets[1].model.trusted")
    again.cell(1).locator('img[src^="data:image/png"]').wait_for()
    text = again.text(1).lower()
    assert "run 1: finished" in text
    assert "not found" not in text
    assert "loading widget" not in text
    again.page.context.close()
