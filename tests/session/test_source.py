"""The source of what trains: kept where that was asked for, of the right cell, bounded, and not for the public."""

from __future__ import annotations

import subprocess
import sys
import types

import pytest

import kcb_widgets as kcb
from kcb_widgets import Run, kernel
from kcb_widgets.export.public import strip
from kcb_widgets.kernel import _source
from kcb_widgets.session import keeping


@pytest.fixture(autouse=True)
def nobody_keeps(monkeypatch):
    monkeypatch.setattr(keeping, "_default", None)
    monkeypatch.setattr(keeping, "_default_source", False)
    monkeypatch.delenv(keeping.VARIABLE, raising=False)


@pytest.fixture
def fit(unit_model, ones):
    def train(monitor):
        unit_model().fit(*ones, epochs=1, batch_size=2, verbose=0, callbacks=[monitor])
        return monitor.run

    return train


def only(folder):
    (path,) = folder.glob("*.sqlite")
    return Run.open(path)


def test_by_default_none_is_kept(tmp_path, fit):
    run = fit(kcb.Monitor(log_dir=tmp_path))
    assert run.source is None
    assert only(tmp_path).source is None


def test_it_is_kept_with_the_run_and_can_be_asked_for_by_either(tmp_path, fit, monkeypatch):
    monkeypatch.setattr(kernel, "source", lambda: "model.fit(x)\n" * 3000)
    fit(kcb.Monitor(log_dir=tmp_path / "a", keep_source=True))
    assert only(tmp_path / "a").source == "model.fit(x)\n" * 3000, "longer than other texts may be"
    kcb.keep(tmp_path / "b", keep_source=True)
    fit(kcb.Monitor())
    assert only(tmp_path / "b").source
    fit(kcb.Monitor(log_dir=tmp_path / "c", keep_source=False))
    assert only(tmp_path / "c").source is None
    kcb.keep(tmp_path / "d")
    fit(kcb.Monitor())
    assert only(tmp_path / "d").source is None


def test_a_run_that_is_kept_later_has_the_source_of_the_cell_that_trained_it(tmp_path, fit, monkeypatch):
    monkeypatch.setattr(kernel, "source", lambda: "trains")
    monitor = kcb.Monitor(keep_source=True)
    fit(monitor)
    monkeypatch.setattr(kernel, "source", lambda: "monitor.keep()")
    monitor.keep(tmp_path)
    assert only(tmp_path).source == "trains"


def test_a_fit_in_the_background_has_the_source_of_the_cell_that_started_it(
    tmp_path, unit_model, ones, fit, monkeypatch
):
    monkeypatch.setattr(kernel, "source", lambda: "starts")
    monitor = kcb.Monitor(log_dir=tmp_path / "a", keep_source=True)
    noted = monitor._keeping.note_source
    # Before the thread gets to begin, the next cell runs.
    monkeypatch.setattr(
        monitor._keeping,
        "note_source",
        lambda: (noted(), monkeypatch.setattr(kernel, "source", lambda: "the next cell")),
    )
    monitor.fit(unit_model(), *ones, epochs=1).wait()
    assert only(tmp_path / "a").source == "starts"
    fit(monitor)
    assert {run.source for run in map(Run.open, (tmp_path / "a").glob("*.sqlite"))} == {"starts", "the next cell"}


def test_paths_and_names_are_taken_out_of_it(tmp_path, fit, monkeypatch):
    monkeypatch.setattr(kernel, "source", lambda: 'data = load("/home/somebody/secret/x.npz")\nüñ = "\ud800"')
    fit(kcb.Monitor(log_dir=tmp_path, keep_source=True))
    assert only(tmp_path).source == 'data = load("…/x.npz")\nüñ = "?"'


def test_a_public_export_has_none_and_says_so(tmp_path, fit, monkeypatch):
    monkeypatch.setattr(kernel, "source", lambda: "my_secret_idea()")
    fit(kcb.Monitor(log_dir=tmp_path, keep_source=True))
    run = only(tmp_path)
    assert "my_secret_idea" in run.to_json(tmp_path / "all.json").read_text()
    told = strip(run)
    assert told[0] == "the source code"
    assert run.source is None
    assert "my_secret_idea" not in run.to_json(tmp_path / "public.json").read_text()
    assert "the source code" not in strip(Run())


@pytest.mark.parametrize("wrong", [1, "yes", []])
def test_it_is_yes_or_no(tmp_path, wrong):
    with pytest.raises(TypeError, match=r"keep_source must be True or False\. Received: "):
        kcb.Monitor(keep_source=wrong)
    with pytest.raises(TypeError, match=r"keep_source must be True or False\. Received: "):
        kcb.keep(tmp_path, keep_source=wrong)
    with pytest.raises(TypeError, match="keep_source"):
        kcb.keep(tmp_path, keep_source=None)
    assert keeping._default is None


def shell(history=None, parent=None):
    made = types.SimpleNamespace(history_manager=types.SimpleNamespace(input_hist_raw=history))
    if parent is not None:
        made.kernel = types.SimpleNamespace(get_parent=parent)
    return made


def request(code, kind="execute_request"):
    return lambda channel: {"header": {"msg_type": kind}, "content": {"code": code}}


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (shell(["", "%time fit()"]), "%time fit()"),
        (shell(["", "before"], request("%%capture\nfit()")), "%%capture\nfit()"),
        (shell(["", "cell"], request("", "comm_msg")), "cell"),
        (shell(["", "cell"], lambda channel: 1 / 0), "cell"),
        (shell(["", "cell"], request(b"bytes")), "cell"),
        (shell([]), ""),
        (shell(None), ""),
        (shell([7]), ""),
        (shell(["x" * 300_000]), "x" * 200_000 + _source.CUT.format(200_000)),
    ],
)
def test_of_a_cell_it_is_the_text_that_was_typed(where, found):
    assert _source.source(where) == found


def test_in_ipython_it_is_the_running_cell(tmp_path):
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        f"import os; os.environ['IPYTHONDIR'] = {str(tmp_path)!r}\n"
        "import kcb_widgets\n"
        "shell = InteractiveShell.instance(user_ns={'kcb_widgets': kcb_widgets})\n"
        "shell.run_cell('1 + 1', store_history=True)\n"
        "import kcb_widgets.kernel\n"
        "shell.run_cell('%time x = 1\\nprint(repr(kcb_widgets.kernel.source()))', store_history=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert repr("%time x = 1\nprint(repr(kcb_widgets.kernel.source()))") in done.stdout


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (b"", ""),
        (b"# -*- coding: latin-1 -*-\nn = '\xfc'\n", "# -*- coding: latin-1 -*-\nn = 'ü'\n"),
        (b"x = 1\r\n", "x = 1\n"),
    ],
)
def test_of_a_script_it_is_its_file_in_its_encoding(tmp_path, written, found):
    script = tmp_path / "train.py"
    tail = b"from kcb_widgets import kernel; print(ascii(kernel.source()))\n"
    script.write_bytes(written + tail)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ascii(found + tail.decode())


def test_where_there_is_no_script_it_is_empty(tmp_path, monkeypatch):
    code = "from kcb_widgets import kernel; print(repr(kernel.source()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "''"
    main = types.SimpleNamespace(__file__=str(tmp_path / "gone.py"))
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert _source.source(None) == ""
    (tmp_path / "gone.py").write_bytes(b"\x00\xff\xfe")
    assert _source.source(None) == ""
