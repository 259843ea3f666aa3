"""A real JupyterLab, a real kernel, a real mouse: does what the browser says reach Python while a cell runs?"""

from __future__ import annotations

import itertools
import json
from typing import Any

import lab
import pytest
from product import FACTS, MODEL, board, drag, facts, first_learning_rate, start_fit

pytestmark = [pytest.mark.browser, pytest.mark.lab]

CLICKER = """
import time, anywidget, traitlets
from IPython.display import display
from kcb_widgets import kernel

class Clicker(anywidget.AnyWidget):
    clicks = traitlets.Int(0).tag(sync=True)
    _esm = '''
    function render({ model, el }) {
        const button = document.createElement("button");
        const paint = () => { button.textContent = model.get("clicks") + " clicks"; };
        button.onclick = () => model.send({ kind: "click" });
        model.on("change:clicks", paint);
        paint();
        el.append(button);
    }
    export default { render };
    '''

def clicked(widget, content, buffers):
    arrivals.append(kernel.arrival())
    widget.clicks += 1

arrivals = []
clicker = Clicker()
clicker.on_msg(clicked)
kernel.own(clicker.comm.comm_id)
"""
BUSY = """
display(clicker)
end = time.monotonic() + 120
while len(arrivals) < 3 and time.monotonic() < end:
    kernel.pump().poll()
    time.sleep(0.01)
print("arrived by", *arrivals)
"""


@pytest.mark.parametrize("server", ["lab"], indirect=True)
def test_clicks_arrive_while_the_cell_runs(open_notebook: Any, version: str) -> None:
    notebook = open_notebook(CLICKER, BUSY)
    notebook.run(0)
    notebook.wait(0)
    notebook.run(1)
    for number in range(3):
        notebook.cell(1).get_by_role("button", name=f"{number} clicks").click()
    notebook.wait(1)
    # ipykernel 7.0 to 7.3 has JupyterLab's own answer, subshells; all others need the pump.
    path = "subshell" if version in ("7.0.1", "7.3.0") else "pump"
    assert f"arrived by {path} {path} {path}" in notebook.text(1)


@pytest.mark.parametrize("server", ["lab"], indirect=True)
def test_a_reloaded_page_gets_the_widget_back_while_the_cell_runs(open_notebook: Any) -> None:
    notebook = open_notebook(CLICKER, BUSY, "print(arrivals)")
    notebook.run(0)
    notebook.wait(0)
    notebook.run(1)
    notebook.cell(1).get_by_role("button", name="0 clicks").click()
    notebook.cell(1).get_by_role("button", name="1 clicks").wait_for()
    notebook.save()
    notebook.reload()
    notebook.cell(1).get_by_role("button", name="1 clicks").click()
    notebook.wait_busy()
    notebook.cell(1).get_by_role("button", name="2 clicks").click()
    notebook.cell(1).get_by_role("button", name="3 clicks").wait_for()
    notebook.wait_idle()
    notebook.run(2)
    notebook.wait(2)
    assert len(notebook.text(2).split(",")) == 3


# -- the product: Monitor in a real fit --------------------------------------------------------------------------------


def test_a_dragged_slider_governs_the_next_batch_and_stop_ends_fit_in_mid_epoch(open_notebook: Any) -> None:
    notebook = open_notebook(MODEL, "fit(batches=5000, epochs=100)", FACTS)
    view = start_fit(notebook)
    drag(notebook.page, view, by=0.2)
    outcome = view.locator('.kcb-outcome[data-phase="applied"]')
    outcome.wait_for()
    assert "applied at step" in outcome.inner_text()
    notebook.run(2)  # queued behind fit, as a person's next cell would be
    view.get_by_role("button", name="Stop").click()
    notebook.wait(1)
    board(notebook, status="stopped")
    notebook.wait(2)
    after = json.loads(notebook.text(2))
    moves = [old - new for old, new in itertools.pairwise(after["weights"])]
    applied = [event for event in after["events"] if event[:2] == ["applied", "learning_rate"]]
    assert len(applied) >= 1
    assert {event[5] for event in applied} == {"board"}
    for step, events in itertools.groupby(applied, key=lambda event: event[2]):
        between = list(events)  # two commands may come between the same two batches: the later governs
        assert moves[step - 1] == pytest.approx(between[0][3], rel=0.01), "the batch before"
        assert moves[step] == pytest.approx(between[-1][4], rel=0.01), "the batch after"
    assert applied[-1][4] > 0.01
    assert moves[-1] == pytest.approx(applied[-1][4], rel=0.01)
    assert after["status"] == "stopped"
    assert 0 < after["batch"] < 5000
    assert after["learning_rate"] == pytest.approx(applied[-1][4])
    assert after["predicted"] == [[pytest.approx(after["weights"][-1], rel=1e-5)]]


@pytest.mark.parametrize("how", ["reloaded", "closed and reopened"])
def test_a_reloaded_page_gets_the_live_board_back_with_its_history(
    open_notebook: Any, server: lab.Server, browser: Any, how: str
) -> None:
    notebook = open_notebook(MODEL, "fit(batches=5000, epochs=100)", FACTS)
    view = start_fit(notebook)
    drag(notebook.page, view, by=0.2)
    view.locator('.kcb-outcome[data-phase="applied"]').wait_for()
    notebook.save()
    if how == "reloaded":
        notebook.reload()
    else:
        notebook.page.context.close()
        notebook = server.reopen(browser, notebook.path, kernel=False)

    view = board(notebook)
    view.locator('.kcb-badge[data-reach="live"]').wait_for()
    notebook.wait_busy()
    assert first_learning_rate(view, "0.01") == "0.01"
    view.get_by_role("button", name="/10").click()
    view.locator('.kcb-outcome[data-phase="applied"]').wait_for()
    view.get_by_role("button", name="Stop").click()
    notebook.wait_idle()
    after = facts(notebook)
    assert after["status"] == "stopped"
    last = [event for event in after["events"] if event[:2] == ["applied", "learning_rate"]][-1]
    assert last[4] == pytest.approx(last[3] / 10)


def test_an_interrupt_ends_fit_and_the_board_says_so(open_notebook: Any) -> None:
    notebook = open_notebook(MODEL, "fit(batches=5000, epochs=100)", FACTS)
    start_fit(notebook)
    notebook.interrupt(1)
    notebook.wait(1)
    board(notebook, status="interrupted")
    assert "KeyboardInterrupt" in notebook.text(1)
    assert facts(notebook)["status"] == "interrupted"


def test_the_saved_notebook_is_small_and_shows_a_picture_without_its_kernel(
    open_notebook: Any, server: lab.Server, browser: Any
) -> None:
    notebook = open_notebook(MODEL, "fit(batches=50, epochs=20)")
    notebook.run(0)
    notebook.wait(0)
    notebook.save()
    before = notebook.path.stat().st_size
    notebook.run(1)
    notebook.wait(1)
    view = board(notebook, status="finished")
    picture = notebook.cell(1).locator('img[src^="data:image/png"]')
    picture.wait_for(state="hidden")
    assert view.is_visible(), "the page keeps the live board"
    notebook.save()
    assert notebook.path.stat().st_size - before < 200_000

    notebook.close()
    again = server.reopen(browser, notebook.path)
    again.cell(1).locator('img[src^="data:image/png"]').wait_for()
    text = again.text(1).lower()
    assert "finished" in text
    assert "not found" not in text
    assert "error" not in text
    again.close()
