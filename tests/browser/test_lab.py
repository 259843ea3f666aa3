"""A real JupyterLab, a real kernel, a real mouse: does what the browser says reach Python while a cell runs?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import lab
import pytest
from kernels import versions

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


@pytest.fixture(scope="module", params=["lab", "notebook"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[lab.Server]:
    with lab.lab_server(tmp_path_factory.mktemp(request.param), request.param, versions()) as running:
        yield running


@pytest.fixture(params=versions())
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_notebook(server: lab.Server, browser: Any, version: str) -> Iterator[Any]:
    """A function that opens a notebook with the given cells."""
    opened: list[lab.Notebook] = []

    def open_it(*cells: str) -> lab.Notebook:
        opened.append(server.open(browser, cells, version))
        return opened[-1]

    yield open_it
    for notebook in opened:
        assert notebook.errors == []
        notebook.close()


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
    assert notebook.kernel_status() == "busy"
    notebook.cell(1).get_by_role("button", name="2 clicks").click()
    notebook.cell(1).get_by_role("button", name="3 clicks").wait_for()
    notebook.wait_idle()
    notebook.run(2)
    notebook.wait(2)
    assert len(notebook.text(2).split(",")) == 3
