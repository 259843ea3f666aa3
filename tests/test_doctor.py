"""What doctor() finds, and where it thinks it is."""

from __future__ import annotations

import os
import sys
import types

import keras
import nbformat
import pytest
from nbclient import NotebookClient

import kcb_widgets as kcb
from kcb_widgets import _doctor, kernel
from kcb_widgets.kernel import front_ends


def test_a_healthy_script_has_nothing_wrong():
    report = kcb.doctor()
    assert report.problems == ()
    assert list(report.facts) == ["python", "packages", "front end", "clicks", "backend", "board"]
    assert f"keras {keras.__version__}" in report.facts["packages"]
    assert report.facts["backend"].startswith(f"{keras.backend.backend()}, float32, on ")
    assert report.facts["clicks"].startswith("there is no kernel")
    assert str(report).endswith("what is wrong:\nnothing that can be seen from here")
    assert str(report) == repr(report)


def test_in_a_kernel_the_way_of_the_clicks_is_proved():
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("import kcb_widgets as kcb"), nbformat.v4.new_code_cell("kcb.doctor()")]
    )
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    (output,) = notebook.cells[1].outputs
    text = output.data["text/plain"]
    assert "between batches; proved by a message" in text
    assert "no browser has shown one yet" in text
    assert "what is wrong:\nnothing that can be seen from here" in text


def test_where_no_click_arrives_it_says_what_to_do(monkeypatch):
    monkeypatch.setattr(kernel, "where", lambda: "kernel")
    monkeypatch.setattr(kernel, "self_test", lambda: False)
    monkeypatch.setattr(kernel.pump(), "reason", "it is deaf")
    report = kcb.doctor()
    assert report.facts["clicks"] == "wait until the cell ends: it is deaf"
    (problem,) = report.problems
    assert "no click arrives (it is deaf)" in problem
    assert "monitor.fit(model, ...)" in problem


def test_a_package_that_was_not_built_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(_doctor, "STATIC", tmp_path)
    (problem,) = kcb.doctor().problems
    assert "board.js and board.css are missing" in problem
    assert str(tmp_path) in problem


def test_no_backend_is_told(monkeypatch):
    monkeypatch.setattr(_doctor, "version", lambda package: "3.15.1" if package == "keras" else "")
    assert "no backend" in kcb.doctor().problems[0]


def test_what_cannot_be_found_out_hides_nothing_else(monkeypatch):
    def broken(backend):
        raise RuntimeError("the driver is gone")

    monkeypatch.setattr(_doctor, "_devices", broken)
    report = kcb.doctor()
    assert report.facts["backend"] == "could not be found out (RuntimeError: the driver is gone)"
    assert "no browser" in report.facts["board"]


def test_a_graphics_card_that_is_not_used_is_told(monkeypatch):
    monkeypatch.setattr(_doctor, "_devices", lambda backend: ("the processor", "there is an NVIDIA driver, but ..."))
    assert kcb.doctor().problems == ("there is an NVIDIA driver, but ...",)


SIGNS = {
    "Kaggle": {"KAGGLE_KERNEL_RUN_TYPE": "Interactive"},
    "Kaggle, saved version": {"KAGGLE_KERNEL_RUN_TYPE": "Batch"},
    "Databricks": {"DATABRICKS_RUNTIME_VERSION": "15.4"},
    "Deepnote": {"DEEPNOTE_PROJECT_ID": "1"},
    "Voila": {"SERVER_SOFTWARE": "voila/0.5.8"},
    "PyCharm or DataSpell": {"PYCHARM_HOSTED": "1"},
}


@pytest.fixture(autouse=True)
def nowhere(monkeypatch):
    """As if in none of them and with no board shown, wherever and after whatever the tests run."""
    monkeypatch.setattr("kcb_widgets.panels.board._latest", None)
    for signs in SIGNS.values():
        for name in signs:
            monkeypatch.delenv(name, raising=False)
    for name in ("marimo", "google.colab"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.parametrize("name", SIGNS)
def test_front_ends_are_known_by_their_environment(monkeypatch, name):
    for variable, value in SIGNS[name].items():
        monkeypatch.setenv(variable, value)
    assert front_ends.here().name == name
    problem = front_ends.here().problem
    assert kcb.doctor().problems == ((problem,) if problem else ())


def test_front_ends_are_known_by_what_is_imported(monkeypatch):
    assert front_ends.here().name == "Jupyter or plain Python"
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    assert front_ends.here().name == "Colab"
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")  # Kaggle's image is made from Colab's
    assert front_ends.here().name == "Kaggle"
    marimo = types.ModuleType("marimo")
    marimo.running_in_notebook = lambda: False
    monkeypatch.setitem(sys.modules, "marimo", marimo)
    assert front_ends.here().name == "Kaggle"
    marimo.running_in_notebook = lambda: True
    assert front_ends.here().name == "marimo"


def test_another_front_end_is_one_entry(monkeypatch):
    problem = "Bananabook shows no Jupyter widgets"
    another = front_ends.FrontEnd("Bananabook", lambda: bool(os.environ.get("BANANA")), problem)
    monkeypatch.setattr(front_ends, "FRONT_ENDS", [another, *front_ends.FRONT_ENDS])
    assert front_ends.here().name != "Bananabook"
    monkeypatch.setenv("BANANA", "1")
    assert front_ends.here() is another
    assert kcb.doctor().problems == (problem,)


def test_a_board_that_is_shown_is_told(monkeypatch):
    board = kcb.Board(kcb.Run())
    board._receive(board, {"kind": "hello", "view": "v", "seq": 1, "host": "lab"}, [])
    assert kcb.doctor().facts["board"] == "last heard of 0 s ago, in lab"
