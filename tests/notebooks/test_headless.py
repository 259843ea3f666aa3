"""Without a browser nothing blocks, spams or slows: plain scripts, a terminal, nbconvert."""

from __future__ import annotations

import base64
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

FIT = """
import keras, numpy as np, kcb_widgets as kcb
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile("sgd", "mse", metrics=["mae"])
x, y = np.ones((64, 4)), np.ones((64, 1))
monitor = kcb.Monitor()
model.fit(x, y, validation_split=0.5, epochs=3, batch_size=4, callbacks=[monitor], verbose=0)
"""
ENV = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}


def test_a_script_prints_nothing_of_ours_into_a_pipe():
    code = FIT + "print(monitor.run)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENV)
    assert run.stdout == "<Run 1: finished, 3 epochs, step 24>\n"
    assert "epoch" not in run.stderr


def test_a_script_that_dies_in_mid_fit_dies_of_its_own_error():
    dies = "class Dies(keras.callbacks.Callback):\n  def on_train_batch_end(self, *a, **k): raise ValueError('mine')\n"
    code = FIT.replace("monitor = ", dies + "monitor = ").replace("[monitor]", "[monitor, Dies()]")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENV)
    assert run.returncode == 1
    assert run.stderr.strip().endswith("ValueError: mine")


def test_a_terminal_gets_one_compact_line():
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
    subprocess.run([sys.executable, "-c", FIT], stderr=theirs, stdout=subprocess.PIPE, check=True, env=ENV)
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
    os.close(ours)
    text = seen.decode()
    assert "epoch 1/3" in text
    last = text.strip().split("\r")[-1]
    assert text.count("\n") == 1
    assert "finished" in last
    assert "24/24" in last
    assert "val_loss=" in last


@pytest.fixture(scope="module")
def executed():
    """A notebook run as nbconvert runs it."""
    cells = [FIT, "print('next cell', monitor.run.status)"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute(env=ENV)
    return notebook


def test_under_nbclient_the_next_cell_runs_and_a_still_picture_stays(executed):
    assert "next cell finished" in executed.cells[1].outputs[0].text
    bundles = [output.data for output in executed.cells[0].outputs if "data" in output]
    picture = next(data for data in bundles if "image/png" in data)
    assert base64.b64decode(picture["image/png"])[:8] == b"\x89PNG\r\n\x1a\n"
    assert "finished" in picture["text/plain"]
    assert not any("application/vnd.jupyter.widget-view+json" in data for data in bundles)
    assert not [output for output in executed.cells[0].outputs if output.get("name") == "stderr"]


def test_nbconvert_shows_the_picture_with_a_text_alternative(executed):
    page, _ = HTMLExporter().from_notebook_node(executed)
    assert 'src="data:image/png;base64' in page
    assert '<p class="kcb-still-text">Run 1: finished' in page


def test_the_quickstart_notebook_runs_as_it_is_written():
    notebook = nbformat.read(Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb", 4)
    (fit,) = [cell for cell in notebook.cells if "epochs=60" in cell.source and cell.cell_type == "code"]
    fit.source = fit.source.replace("epochs=60", "epochs=2")  # a minute for people, not for tests
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute(env=ENV)
    text = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert "accuracy on digits it never saw" in text


def test_the_saved_notebook_stays_small(executed):
    without = nbformat.from_dict({**executed, "metadata": {}})
    assert len(nbformat.writes(without)) < 200_000
