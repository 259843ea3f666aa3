"""Runs that outlast the kernel, in a real JupyterLab: kept, killed, opened again, and compared."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from product import MODEL, board

pytestmark = pytest.mark.browser
PID = "import os; print(os.getpid())"
KEEP = 'import kcb_widgets as kcb\nkcb.keep("kept")'
OPEN = """
import kcb_widgets as kcb
table = kcb.runs("kept")
print(table.status.tolist(), table.batches.tolist())
kcb.Board(kcb.Run.open(table.path.iloc[0]))
"""
COMPARE = 'comparison = kcb.compare("kept")\ncomparison'
SWEEP = """
x = np.ones((20, 1), "float32")
for depth in range(4):
    monitor = kcb.Monitor(display=False, log_dir="swept", name=f"run {depth}", config={"depth": depth})
    model.fit(x, x, batch_size=1, verbose=0, callbacks=[monitor])
"""
COMPARE_SWEPT = 'comparison = kcb.compare("swept")\ncomparison'
SAY = """
print(json.dumps(dict(
    brush=comparison.chosen["brush"], view=comparison.chosen["view"], brushed=len(comparison.brushed),
    shown=comparison.runs().name[comparison.shown].tolist(), all=comparison.runs().name.tolist())))
"""
TOP, SPAN, LEFT = 42, 236, 14  # of the parallel coordinates; see parallel_layout.js


def test_a_killed_run_is_opened_and_compared_in_a_new_kernel(open_notebook: Any, server: Any) -> None:
    first = open_notebook(KEEP, MODEL, "fit(batches=50, epochs=2)", PID, "fit(batches=4000, epochs=100)")
    for index in (0, 1, 2, 3):
        first.run(index)
        first.wait(index)
    first.run(4)
    view = board(first, index=4)
    view.locator(".kcb-keep", has_text="kept in kept/").wait_for()
    folder = next(Path(server.folder).rglob("kept"))
    first.page.wait_for_function("document.querySelectorAll('.kcb-board .kcb-track')[1]?.textContent.includes('batch')")
    os.kill(int(first.text(3)), signal.SIGKILL)
    view.locator('.kcb-status[data-status="lost"]').wait_for()
    first.errors.clear()  # JupyterLab tells of the kernel's death, too
    assert len(list(folder.glob("*.sqlite"))) == 2

    second = open_notebook(OPEN, COMPARE)
    second.run(0)
    second.wait(0)
    said = second.text(0)
    batches = re.match(r"\['interrupted', 'finished'\] \[(\d+), 100\]\s", said)
    assert batches
    # The table, and the run that was opened: in words until its view is there.
    assert re.search(rf"\b{batches[1]}(/4000| batches)", said)
    opened = board(second, status="interrupted", index=0)
    opened.locator('[data-group="loss"] canvas').first.wait_for()
    second.run(1)
    second.wait(1)
    compared = second.cell(1).locator(".kcb-comparison")
    compared.locator("tbody tr").nth(1).wait_for()
    assert compared.locator("td[data-column=status]").all_inner_texts() == ["interrupted", "finished"]
    compared.locator(".kcb-compared canvas").wait_for()
    compared.get_by_label("horizontal axis").select_option("epoch")
    compared.get_by_role("slider", name="smoothing").fill("0.5")
    second.page.wait_for_function(
        """() => [...document.querySelectorAll(".kcb-comparison .kcb-canvas")].length === 1"""
    )
    compared.get_by_role("button", name="edit", exact=False).last.click()
    compared.get_by_role("textbox", name="name", exact=True).fill("the first")
    compared.get_by_role("button", name="Save").click()
    compared.get_by_role("button", name="the first", exact=True).wait_for()


def test_runs_are_brushed_drawn_hidden_deleted_and_laid_side_by_side(open_notebook: Any, server: Any) -> None:
    notebook = open_notebook(MODEL, SWEEP, COMPARE_SWEPT, SAY)
    for index in (0, 1, 2):
        notebook.run(index)
        notebook.wait(index)
    page, compared = notebook.page, notebook.cell(2).locator(".kcb-comparison")
    compared.locator(".kcb-compared canvas").wait_for()
    compared.get_by_role("button", name="Parallel coordinates").click()
    plot = compared.locator(".kcb-parallel canvas")
    plot.wait_for()
    # The upper half of the first axis, depth: two runs.
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + LEFT, box["y"] + TOP)
    page.mouse.down()
    page.mouse.move(box["x"] + LEFT, box["y"] + TOP + SPAN / 2, steps=5)
    page.mouse.up()
    compared.locator(".kcb-count-of-runs", has_text="2 of 4 runs").wait_for()
    compared.get_by_role("button", name="Draw these").click()
    compared.get_by_text("2 of 4 runs, 2 drawn").wait_for()
    compared.get_by_role("button", name="hide run 3").click()
    compared.get_by_role("button", name="Show hidden (1)").wait_for()
    compared.get_by_role("button", name="Clear brushes").click()
    compared.get_by_text("3 runs, 1 drawn").wait_for()
    # One goes into the bin, and its file is there.
    compared.get_by_role("button", name="delete run 0").click()
    compared.get_by_role("button", name="Delete", exact=True).click()
    compared.locator(".kcb-answer", has_text="swept/.bin/").wait_for()
    compared.get_by_text("2 runs, 1 drawn").wait_for()
    folder = next(Path(server.folder).rglob("swept"))
    assert len(list(folder.glob("*.sqlite"))) == 3
    assert ["run-0" in path.name for path in (folder / ".bin").glob("*.sqlite")] == [True]
    # By keyboard: another one is drawn, and both are columns.
    compared.get_by_role("checkbox", name="draw run 1").press("Space")
    compared.get_by_text("2 runs, 2 drawn").wait_for()
    compared.get_by_role("button", name="Side by side").press("Enter")
    besides = compared.get_by_role("table", name="runs side by side")
    besides.wait_for()
    assert besides.locator("thead th").all_inner_texts() == ["run 2", "run 1"]
    assert besides.locator("tr", has=page.get_by_role("rowheader", name="depth")).locator("td").all_inner_texts() == [
        "2",
        "1",
    ]
    notebook.run(3)
    notebook.wait(3)
    assert json.loads(notebook.text(3)) == {
        "brush": {},
        "view": ["curves", "parallel"],
        "brushed": 2,
        "shown": ["run 2", "run 1"],
        "all": ["run 3", "run 2", "run 1"],
    }
