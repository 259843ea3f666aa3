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
        [sys.executable, "-m", "build", "--outdir", out, source],
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
    assert not [name for name in names if name.startswith(("kcb_widgets/js", "tests", "notebooks"))]
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "uPlot" in script.splitlines()[0]
    assert "Leon Sorokin" in licence
    assert "permission notice shall be included in all" in " ".join(licence.split())
    assert len(script) < 120_000


def test_the_sdist_has_the_sources_of_the_browser_half(built):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"kcb_widgets/js/src/board.js", "kcb_widgets/js/package-lock.json", "README.md", "LICENSE"} <= names
    assert not [name for name in names if "node_modules" in name]


def test_the_wheel_works_where_there_is_nothing_else_of_ours(built, tmp_path):
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "import kcb_widgets; print(kcb_widgets.__file__); b = kcb_widgets.Board(kcb_widgets.Run()); print(len(b._esm))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    where, size = run.stdout.split()
    assert where.startswith(str(tmp_path))
    assert int(size) > 10_000
