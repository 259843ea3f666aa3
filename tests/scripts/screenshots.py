"""The README's pictures of the board, taken in a real JupyterLab: `make screenshots`.

The quickstart notebook trains, the learning rate is raised in the browser, and the board is photographed in both themes
while `fit` runs.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import chromium
import lab
import nbformat
from playwright.sync_api import sync_playwright

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def main(out: Path) -> None:
    """Write board-light.png and board-dark.png into ``out``."""
    quickstart = nbformat.read(NOTEBOOKS / "quickstart.ipynb", 4)
    cells = [cell.source for cell in quickstart.cells if cell.cell_type == "code"][:3]
    with (
        tempfile.TemporaryDirectory() as folder,
        lab.lab_server(Path(folder)) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium.executable(), args=chromium.ARGS)
        notebook = server.open(browser, cells)
        page = notebook.page
        page.set_viewport_size({"width": 1280, "height": 900})
        for index in (0, 1):
            notebook.run(index)
            notebook.wait(index)
        notebook.run(2)
        board = notebook.cell(2).locator(".kcb-board")
        board.scroll_into_view_if_needed()
        board.locator(".kcb-plot canvas").nth(2).wait_for()
        epoch = "text => document.querySelector('.kcb-board')?.innerText.includes(text)"
        page.wait_for_function(epoch, arg="epoch 6/60", timeout=60_000)
        board.get_by_role("button", name="x10").click()
        page.wait_for_function(epoch, arg="epoch 14/60", timeout=60_000)
        board.screenshot(path=out / "board-light.png")
        notebook.dark()
        board.screenshot(path=out / "board-dark.png")
        board.get_by_role("button", name="Stop").click()
        notebook.wait(2)
        notebook.close()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else NOTEBOOKS / "images")
