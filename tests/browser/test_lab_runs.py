"""Runs that outlast the kernel, in a real JupyterLab: kept, killed, opened again, and compared."""

from __future__ import annotations

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
