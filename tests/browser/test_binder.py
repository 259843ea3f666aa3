"""Binder, as far as one can be one: the environment that ``binder/`` describes, no Node, 2 GB, the badge's address."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lab
import pytest
from product import board, drag

pytestmark = [
    pytest.mark.browser,
    pytest.mark.lab,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(os.environ.get("KCB_BINDER") != "1", reason="installs a whole environment: `make test-binder`"),
]
ROOT = Path(__file__).parents[2]
LIMIT = 2 * 1024**3  # bytes: what mybinder.org gives a visitor
MEMORY = Path("/sys/fs/cgroup/memory")
UNIFIED = Path("/sys/fs/cgroup")


def badge() -> str:
    """Where the README's badge leads to, on the visitor's own server."""
    readme = (ROOT / "README.md").read_text()
    (link,) = re.findall(r"https://mybinder\.org/v2/gh/[\w./-]+\?urlpath=([\w./%-]+)", readme)
    return str(link).replace("%2F", "/")


@contextlib.contextmanager
def limited() -> Iterator[Any]:
    """A function that puts its process, and all that it starts, under the limit.

    And two that tell what it used: how much was counted at most, and what its processes hold between them now, the
    libraries' pages included, which the counter leaves out where somebody else had read them before.
    """
    version1, name = (MEMORY / "memory.limit_in_bytes").exists(), f"kcb-binder-{os.getpid()}"
    group = (MEMORY if version1 else UNIFIED) / name
    limit, peak = ("memory.limit_in_bytes", "memory.max_usage_in_bytes") if version1 else ("memory.max", "memory.peak")
    try:
        group.mkdir()
        (group / limit).write_text(str(LIMIT))
    except OSError as error:
        pytest.skip(f"no control group can be made here to limit memory: {error}")

    def enter() -> None:
        (group / "cgroup.procs").write_text(str(os.getpid()))

    try:
        yield enter, lambda: int((group / peak).read_text()), lambda: sum(map(held, (group / "cgroup.procs").open()))
    finally:
        with contextlib.suppress(OSError):
            group.rmdir()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout, installed in a clean environment by the very steps that Binder takes."""
    home = tmp_path_factory.mktemp("binder")
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    for file in files:
        if (ROOT / file).is_file():
            (home / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, home / file)
    venv.create(home / "venv", with_pip=True)
    shims = home / "shims"
    shims.mkdir()
    for tool in ("node", "npm", "npx"):  # whatever this machine has: Binder has none
        (shims / tool).write_text("#!/bin/sh\necho 'there is no Node here' >&2\nexit 127\n")
        (shims / tool).chmod(0o755)
    environment = inside(home)
    pip = str(home / "venv/bin/pip")
    for command in ([pip, "install", "-q", "-r", "binder/requirements.txt"], [str(home / "binder/postBuild")]):
        subprocess.run(command, cwd=home, env=environment, check=True)
    return home


def held(process: str) -> int:
    """Bytes of memory that a process holds; pages that several share are split between them."""
    text = Path(f"/proc/{process.strip()}/smaps_rollup").read_text()
    (size,) = re.findall(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return 1024 * int(size)


def inside(home: Path) -> dict[str, str]:
    """The environment of a command in that environment."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return {**kept, "PATH": f"{home / 'venv/bin'}:{home / 'shims'}:/usr/local/bin:/usr/bin:/bin", "HOME": str(home)}


def test_the_badge_leads_to_a_notebook_that_trains_within_binders_memory(
    browser: Any, home: Path, tmp_path: Path, record_property: Any
) -> None:
    port, log = lab.free_port(), tmp_path / "server.log"
    command = [str(home / "binder/start"), "jupyter", "lab", "--no-browser", "--allow-root", "--expose-app-in-browser"]
    command += [f"--port={port}", "--ip=127.0.0.1", "--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True"]
    server = lab.Server("lab", f"http://127.0.0.1:{port}", home)
    with (
        limited() as (enter, peak, hold),
        lab.serving(command, f"{server.url}/api/status", log, cwd=home, env=inside(home), preexec_fn=enter),
    ):
        page = browser.new_context(viewport={"width": 1300, "height": 1000}).new_page()
        page.set_default_timeout(120_000)
        notebook = lab.Notebook(server, page, home / "notebooks/quickstart.ipynb")
        page.goto(f"{server.url}/{badge()}", wait_until="domcontentloaded")
        notebook.wait_until_open()
        notebook.wait_idle(120)
        steer(notebook)
        used = max(peak(), hold())
        page.context.close()
    print(f"at most {used / 1e6:.0f} MB were used, of {LIMIT / 1e6:.0f}", file=sys.stderr)
    record_property("peak_mb", round(used / 1e6))
    assert "Out of memory" not in log.read_text()


def steer(notebook: lab.Notebook) -> None:
    """Do what the quickstart asks its reader to do."""
    sources = notebook.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.widgets.map((cell) => cell.model.sharedModel.getSource())"
    )
    (fit,) = [i for i, source in enumerate(sources) if source.startswith("monitor = kcb.Monitor()")]
    code = [i for i, source in enumerate(sources) if i < fit and source.startswith(("import ", "keras."))]
    for index in code:
        notebook.run(index)
        notebook.wait(index)
    notebook.run(fit)
    view = board(notebook, index=fit)
    view.locator('.kcb-badge[data-reach="live"]').wait_for()
    drag(notebook.page, view, by=0.2)
    outcome = view.locator('.kcb-outcome[data-phase="applied"]')
    outcome.wait_for()
    assert "applied at step" in outcome.inner_text()
    view.get_by_role("button", name="Stop").click()
    notebook.wait(fit)
    board(notebook, status="stopped", index=fit)
    (events,) = [i for i, source in enumerate(sources) if source.strip() == "monitor.run.events"]
    notebook.run(events)
    notebook.wait(events)
    text = notebook.cell(events).inner_text()
    assert "learning_rate" in text
    assert "applied" in text
