"""Runs the notebooks as they are, with nobody there, and stores what they print and draw: what GitHub shows.

    python tests/scripts/store_outputs.py [NAME ...]

Widgets are left out, which only a live page can show; their still pictures stay. Times in metadata are left out too, so
that a notebook that gives the same result is the same file.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}
WIDGET = "application/vnd.jupyter.widget-view+json"


def main() -> None:
    """Run those that are named, or all."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if not sys.argv[1:] or path.stem in sys.argv[1:]:
            print(path.name, flush=True)
            store(path)


def store(path: Path) -> None:
    """Run one notebook and write it back."""
    notebook = nbformat.read(path, 4)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": folder}})
        client.execute(env={**os.environ, **ENVIRONMENT})
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if keep(output)]
    nbformat.write(notebook, path)


def keep(output: nbformat.NotebookNode) -> bool:
    """Take the widget out of an output; whether anything is left of it."""
    if output.output_type == "stream":
        return bool(output.name == "stdout")
    data = output.get("data", {})
    if WIDGET in data:
        del data[WIDGET]
        return set(data) - {"text/plain"} != set()
    return True


if __name__ == "__main__":
    main()
