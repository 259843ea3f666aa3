"""Runs the notebooks of the project as they are, and reads what their cells printed and drew."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def read(name):
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", 4)


def execute(name, home, facts):
    """Run a notebook, and one more cell that tells the facts; returns these and what each cell printed or drew.

    It runs without a network, wherever the tests do, so the data are always the same.
    """
    notebook = read(name)
    told = f"import json; print(json.dumps({{{facts}}}, default=float))"
    notebook.cells.append(nbformat.v4.new_code_cell(told))
    nowhere = "http://127.0.0.1:9"
    env = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "KERAS_HOME": str(home)}
    env |= {"https_proxy": nowhere, "HTTPS_PROXY": nowhere, "no_proxy": "", "NO_PROXY": ""}
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute(env=env)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not [text for cell in code if "Warning" in (text := stream(cell, "stderr"))]
    return json.loads(stream(code[-1])), code[:-1]


def stream(cell, name="stdout"):
    return "".join(output.text for output in cell.outputs if output.get("name") == name)


def cell_with(cells, text):
    (found,) = [cell for cell in cells if text in cell.source]
    return found


def pictures(cell):
    return [output for output in cell.outputs if "image/png" in output.get("data", {})]
