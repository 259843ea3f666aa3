"""The interactive notebooks in a real JupyterLab, their controls used as their text says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kernels
import lab
import nbformat
import pytest
from product import board, drag, open_tab, paused_step, step

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lab.Server]:
    with lab.lab_server(tmp_path_factory.mktemp("demos")) as running:
        yield running


class Demo:
    """A demo notebook, open in JupyterLab, with a last cell that tells facts."""

    def __init__(self, server: lab.Server, browser: Any, name: str, facts: str) -> None:
        content = nbformat.read(NOTEBOOKS / f"{name}.ipynb", 4)
        content.cells.append(nbformat.v4.new_code_cell(f"import json; print(json.dumps(dict({facts}), default=float))"))
        for cell in content.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        content.metadata.kernelspec = {
            "name": f"ipykernel-{kernels.INSTALLED}",
            "display_name": "",
            "language": "python",
        }
        path = server.folder / f"{name}.ipynb"
        nbformat.write(content, path)
        self.cells = content.cells
        self.done = 0
        self.notebook = server.reopen(browser, path)

    def index(self, text: str) -> int:
        """The one code cell with this text."""
        (found,) = [i for i, cell in enumerate(self.cells) if cell.cell_type == "code" and text in cell.source]
        return found

    def run_before(self, text: str) -> int:
        """Run the cells up to the one with this text, and tell which that is."""
        last = self.index(text)
        for index in range(self.done, last):
            if self.cells[index].cell_type == "code":
                self.notebook.run(index)
                self.notebook.wait(index)
        self.done = last
        return last

    def start(self, text: str) -> Any:
        """Run the cell that trains; returns its board."""
        index = self.run_before(text)
        self.notebook.run(index)
        view = board(self.notebook, index=index)
        view.locator('.kcb-badge[data-reach="live"]').wait_for()
        self.done = index + 1
        return view

    def facts(self) -> dict[str, Any]:
        """What the last cell tells."""
        last = len(self.cells) - 1
        self.notebook.run(last)
        self.notebook.wait(last)
        return dict(json.loads(self.notebook.text(last)))


@pytest.fixture
def open_demo(server: lab.Server, browser: Any) -> Iterator[Callable[..., Demo]]:
    opened: list[Demo] = []

    def open_it(name: str, facts: str) -> Demo:
        opened.append(Demo(server, browser, name, facts))
        return opened[-1]

    yield open_it
    for demo in opened:
        demo.notebook.close()
    assert [demo.notebook.errors for demo in opened] == [[] for _ in opened]


def enter(view: Any, name: str, value: str) -> None:
    """Type a value into a control's field and wait until it is applied."""
    control = view.get_by_role("group", name=name, exact=True)
    field = control.get_by_role("textbox", name=name)
    field.fill(value)
    field.press("Enter")
    # That of the learning rate stands in the bar.
    view.locator('.kcb-outcome[data-phase="applied"]').first.wait_for()


def test_steer_a_run_by_hand(open_demo: Any) -> None:
    demo = open_demo(
        "steer-a-run",
        "kinds=monitor.run.events.query('source == \"board\"')['kind'].tolist(),"
        " loss=monitor.run.batches['batch_loss'].tolist(), status=monitor.run.status,"
        " rate=model.optimizer.learning_rate",
    )
    view = demo.start("monitor = kcb.Monitor(snapshots=")
    view.get_by_role("button", name="Pause").click()
    first = paused_step(view)
    view.locator('.kcb-badge[data-reach="live"]').wait_for()
    open_tab(view, "snapshots")
    view.get_by_role("button", name="Snapshot now", exact=True).click()
    # At the end of an epoch there may be a snapshot of the best, too.
    mine = view.get_by_role("listitem").filter(has_text="by hand")
    back = mine.get_by_role("button", name=f"roll back to step {first}")
    back.wait_for()
    enter(view, "learning_rate", "50")
    assert step(view, 10, first) == first + 10
    open_tab(view, "snapshots")
    back.click()
    open_tab(view, "events")
    view.locator(".kcb-events", has_text="rolled back").wait_for()
    enter(view, "learning_rate", "0.03")
    view.get_by_role("button", name="Resume").click()
    board(demo.notebook, index=demo.done - 1)
    view.get_by_role("button", name="Stop", exact=True).click()
    demo.notebook.wait_idle()
    known = demo.facts()
    assert max(known["loss"][first : first + 10]) > 3 * max(known["loss"][first - 10 : first])
    assert known["rate"] == pytest.approx(0.03)
    assert known["status"] == "stopped"
    wanted = ["snapshot", "applied", "rollback", "applied", "stop"]
    assert [kind for kind in known["kinds"] if kind in wanted] == wanted


def test_background_fit_leaves_the_notebook_free(open_demo: Any) -> None:
    demo = open_demo("background-fit", "rate=model.optimizer.learning_rate, kinds=monitor.run.events['kind'].tolist()")
    view = demo.start("fit = monitor.fit(")
    demo.notebook.wait_idle()  # although it trains
    drag(demo.notebook.page, view, by=0.1)
    view.locator('.kcb-outcome[data-phase="applied"]').first.wait_for()
    demo.run_before("fit.stop()")
    assert "learning_rate: " in demo.notebook.text(demo.index("monitor.set("))
    assert "is 0.01 from step" in demo.notebook.text(demo.index("monitor.set("))
    board(demo.notebook, index=demo.index("fit = monitor.fit("))
    demo.run_before("monitor.run.plot()")
    assert "stopped after" in demo.notebook.text(demo.index("fit.stop()"))
    known = demo.facts()
    assert known["rate"] == pytest.approx(0.01)
    assert known["kinds"].count("applied") >= 2


def test_your_own_controls_are_used(open_demo: Any) -> None:
    demo = open_demo(
        "your-own-controls",
        "values=dict(monitor.values), mistakes=len(mistakes), spread=Noisy()[0][0].std(), flat=x_train[:32].std(),"
        " sources=monitor.run.events.query('name == \"noise\"')['source'].tolist(),"
        " errors=monitor.run.events.query('kind == \"error\"')['message'].tolist()",
    )
    view = demo.start("model.fit(Noisy()")
    enter(view, "noise", "0.9")
    flip = view.get_by_role("group", name="flip", exact=True)
    flip.get_by_role("switch").click()
    flip.locator('.kcb-outcome[data-phase="applied"]').wait_for()
    view.get_by_role("button", name="find mistakes").click()
    view.get_by_text("find mistakes: applied at step").wait_for()
    view.get_by_role("button", name="Stop", exact=True).click()
    demo.notebook.wait_idle()
    known = demo.facts()
    assert known["errors"] == []
    assert known["values"] == {"noise": 0.9, "flip": True}
    assert known["spread"] > known["flat"] + 0.3
    assert "board" in known["sources"]
    assert known["mistakes"] >= 1
