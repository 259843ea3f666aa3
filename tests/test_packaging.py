"""What is shipped: a pure-Python wheel with the browser half in it, built without any Node on the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    source, out = tmp_path_factory.mktemp("source") / "kcb", tmp_path_factory.mktemp("dist")
    ignored = shutil.ignore_patterns(".git", ".venv*", "node_modules", "static", "__pycache__", "tests", "notebooks")
    shutil.copytree(ROOT, source, ignore=ignored)
    path = tmp_path_factory.mktemp("bin")  # a shell and nothing else: above all no Node
    (path / "sh").symlink_to(shutil.which("sh") or "/bin/sh")
    run = subprocess.run(
        [sys.executable, "-m", "build", "--installer", "uv", "--outdir", out, source],
        env={**os.environ, "PATH": str(path)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    return out


def test_the_wheel_is_pure_python_and_has_all_it_needs(built):
    (wheel,) = built.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        script = archive.read("kcb_widgets/static/board.js").decode()
        licence = archive.read("kcb_widgets/static/uPlot-LICENSE.txt").decode()
    assert {"kcb_widgets/static/board.css", "kcb_widgets/py.typed", "kcb_widgets/panels/board.py"} <= set(names)
    pages = {f"kcb_widgets/static/{view}_page.{kind}" for view in ("board", "comparison") for kind in ("js", "css")}
    assert pages <= set(names)
    assert not [name for name in names if name.startswith(("kcb_widgets/js", "tests", "notebooks"))]
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "uPlot" in script.splitlines()[0]
    assert "Leon Sorokin" in licence
    assert "permission notice shall be included in all" in " ".join(licence.split())
    assert len(script) <= 140 * 1024
    lazy = {f"kcb_widgets/static/{panel}.{kind}" for panel in ("fits", "classes") for kind in ("js", "css")}
    assert lazy <= set(names)


def test_the_sdist_has_the_sources_of_the_browser_half(built):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {
        "kcb_widgets/js/src/board.js",
        "kcb_widgets/js/build.mjs",
        "kcb_widgets/js/package-lock.json",
        "README.md",
        "LICENSE",
    } <= names
    assert not [name for name in names if "node_modules" in name]


CODE = """
import keras
import numpy as np
import kcb_widgets as kcb
from importlib.metadata import metadata, version
board = kcb.Board(kcb.Run())
print(kcb.__file__)
print(len(board._esm))
print(version("kcb-widgets") == kcb.__version__)
print(metadata("kcb-widgets")["Description-Content-Type"])
x = np.ones((64, 2), "float32")
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
monitor = kcb.Monitor()
model.fit(x, x[:, :1], epochs=2, verbose=0, callbacks=[monitor])
print(monitor.run.status, len(monitor.run.batches))
print(kcb.doctor().problems)
"""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_it_installs_and_works_where_there_is_nothing_else(built, tmp_path, kind):
    (package,) = built.glob(kind)
    python = str(tmp_path / "venv/bin/python")
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "KERAS_BACKEND")}
    # TensorFlow is the user's choice, and not among what the package asks for.
    environment = {**kept, "PATH": "/usr/bin:/bin"}

    def run(*command):
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def install(*what):
        run(sys.executable, "-m", "uv", "pip", "install", "-q", "--python", python, *what)

    run(sys.executable, "-m", "uv", "venv", "-q", "--python", sys.executable, str(tmp_path / "venv"))
    install(str(package))
    run(sys.executable, "-m", "uv", "pip", "check", "-q", "--python", python)
    assert run(str(tmp_path / "venv/bin/kcb-widgets"), "--version").startswith("kcb-widgets ")
    code = "import kcb_widgets; kcb_widgets.runs; kcb_widgets.Run; kcb_widgets.Monitor"  # files are read without Keras
    bare = subprocess.run([python, "-c", code], env=environment, cwd=tmp_path, capture_output=True)
    assert b"tensorflow here, which is not installed: pip install 'kcb-widgets[tensorflow]'" in bare.stderr
    install("jax")
    environment["KERAS_BACKEND"] = "jax"
    where, size, same, text, trained, problems = run(python, "-c", CODE).splitlines()
    assert where.startswith(str(tmp_path))
    assert int(size) > 10_000
    assert same == "True"
    assert text == "text/markdown"
    assert trained == "finished 4"
    assert problems == "()"
