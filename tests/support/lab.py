"""Drives a real JupyterLab or Notebook 7 in Chromium, for the tests that only a real one can answer.

    with lab_server(folder) as server:
        notebook = server.open(browser, ["1 + 1", "print('done')"])
        notebook.run(0)
        notebook.wait(0)

Everything waits for a condition, nothing for a time. Cells are run and menus chosen through JupyterLab's own command
registry, which `--expose-app-in-browser` puts within reach; what is under test, the widget, gets a real mouse.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import kernels
import nbformat
import overlays

SETTINGS: dict[str, dict[str, Any]] = {
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}
PANEL = "window.jupyterapp?.shell?.currentWidget"
IDLE = f"""() => {{
    const context = {PANEL}?.sessionContext, kernel = context?.session?.kernel;
    return context?.isReady && kernel?.connectionStatus === "connected" && kernel.status === "idle";
}}"""


@contextlib.contextmanager
def lab_server(
    folder: Path,
    kind: str = "lab",
    versions: Sequence[str] = (kernels.INSTALLED,),
    settings: Mapping[str, Mapping[str, Any]] = SETTINGS,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Start a server that knows nothing of the user's settings, and stop it with all its kernels.

    Args:
        folder: An empty folder for notebooks, settings and logs.
        kind: "lab", "notebook", or a JupyterLab of another version, as "lab-4.3".
        versions: The ipykernel versions to offer kernels for.
        settings: JupyterLab's settings, by plugin.
        environment: The kernels' environment variables besides the usual ones.
    """
    for name, values in settings.items():
        file = folder / "settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    for version in versions:
        kernels.write_spec(version, folder, IPYTHONDIR=str(folder / "ipython"), **(environment or {}))
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    port = free_port()
    options = {
        "ip": "127.0.0.1",
        "port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": notebooks,
        # It listens on this machine only, and for this test only.
        "IdentityProvider.token": "",
        "ServerApp.disable_check_xsrf": True,
        "KernelSpecManager.ensure_native_kernel": False,
    }
    kind, _, exchanged = kind.partition("-")
    command = [sys.executable, "-m", {"lab": "jupyterlab", "notebook": "notebook"}[kind]]
    command += ["--no-browser", "--allow-root", "--expose-app-in-browser"]
    command += [f"--{name}={value}" for name, value in options.items()]
    server = Server(kind, f"http://127.0.0.1:{port}", notebooks)
    environment_of_server = isolated(folder) | (exchange(exchanged) if exchanged else {})
    with serving(command, f"{server.url}/api/status", folder / "server.log", env=environment_of_server):
        yield server


def exchange(version: str) -> dict[str, str]:
    """The environment of a server whose JupyterLab is of another version; all else is this environment's."""
    folder = overlays.make(f"lab-{version}", "--no-deps", f"jupyterlab=={version}.*")
    return {"PYTHONPATH": str(folder), "JUPYTERLAB_DIR": str(folder / "share" / "jupyter" / "lab")}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def isolated(folder: Path) -> dict[str, str]:
    """An environment in which Jupyter knows nothing of the user's settings."""
    own = {
        "JUPYTER_PATH": folder,
        "JUPYTER_DATA_DIR": folder / "data",
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": folder / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
    }
    return {**os.environ, **{name: str(path) for name, path in own.items()}}


@contextlib.contextmanager
def serving(command: Sequence[str], url: str, log: Path, **how: Any) -> Iterator[None]:
    """Run a server until the block ends; when the block begins, it answers.

    Args:
        command: What to start.
        url: Where to ask; any answer will do, one that there is no such page too.
        log: The file for what it says.
        **how: More for ``subprocess.Popen``.

    Raises:
        RuntimeError: It ended, or does not answer within a minute.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def answers() -> bool:
        try:
            opener.open(url, timeout=10).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, **how)
    try:
        deadline = time.monotonic() + 60
        while not answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{process.args} did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


class Server:
    """A running JupyterLab or Notebook 7."""

    def __init__(self, kind: str, url: str, folder: Path) -> None:
        self.kind = kind
        self.url = url
        self.folder = folder
        self._numbers = itertools.count(1)

    def request(self, method: str, path: str) -> Any:
        """Call the server's REST interface."""
        request = urllib.request.Request(f"{self.url}/{path}", method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def open(self, browser: Any, cells: Sequence[str], version: str = kernels.INSTALLED) -> Notebook:
        """Write a notebook with these cells, open it in a browser of its own and wait for its kernel."""
        name = f"ipykernel-{version}"
        content = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": name, "display_name": name, "language": "python"}},
        )
        path = self.folder / f"notebook-{next(self._numbers)}.ipynb"
        nbformat.write(content, path)
        return self.reopen(browser, path)

    def reopen(self, browser: Any, path: Path, *, kernel: bool = True) -> Notebook:
        """Open a notebook that exists.

        Args:
            browser: Chromium.
            path: Where it lies.
            kernel: Whether it gets its kernel, and the kernel is waited for.
        """
        page = browser.new_context(viewport={"width": 1300, "height": 1000}).new_page()
        page.set_default_timeout(60_000)
        notebook = Notebook(self, page, path)
        where = f"lab/workspaces/{path.stem}/tree" if self.kind == "lab" else "notebooks"
        page.goto(f"{self.url}/{where}/{path.name}", wait_until="domcontentloaded")
        notebook.wait_until_open()
        if kernel:
            notebook.wait_idle()
        return notebook

    def stop_kernels(self) -> None:
        """Shut all kernels down."""
        for kernel in self.request("GET", "api/kernels"):
            self.request("DELETE", f"api/kernels/{kernel['id']}")


class Notebook:
    """A notebook open in the browser. Cells are counted from 0."""

    def __init__(self, server: Server, page: Any, path: Path) -> None:
        self.server = server
        self.page = page
        self.path = path
        self.errors: list[str] = []
        page.on("pageerror", self._note)

    def _note(self, error: Any) -> None:
        if "blob:" in (error.stack or ""):  # anywidget loads a widget's module from a blob; the rest is Jupyter's own.
            self.errors.append(error.stack)

    def wait_until_open(self) -> None:
        """Wait until the notebook is there."""
        self.page.wait_for_function(f"() => {PANEL}?.content?.widgets?.length && {PANEL}.context?.isReady")
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for()

    def wait_idle(self, timeout: float = 60) -> None:
        """Wait until the kernel has nothing to do."""
        self._wait_for(IDLE, timeout)

    def wait_busy(self) -> None:
        """Wait until the kernel indicator shows busy. A page that has just been loaded may be wrong for a moment."""
        self.page.wait_for_function(f"() => {PANEL}.sessionContext.session.kernel.status === 'busy'")

    def cell(self, index: int) -> Any:
        """A cell, for Playwright."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def prompt(self, index: int) -> str:
        """The text left of a cell: `[ ]:`, `[*]:` or `[3]:`."""
        return str(self.cell(index).locator(".jp-InputPrompt").first.inner_text()).strip()

    def run(self, index: int) -> None:
        """Run a cell and return when it is under way."""
        before = self.prompt(index)
        self.page.evaluate(
            f"""index => {{
                const notebook = {PANEL}.content;
                notebook.activeCellIndex = index;
                notebook.deselectAll();
                window.jupyterapp.commands.execute("notebook:run-cell");
            }}""",
            index,
        )
        self._until_prompt(index, f"text !== {json.dumps(before)}")

    def wait(self, index: int, timeout: float = 120) -> None:
        """Wait until a cell has ended and the kernel is idle."""
        self._until_prompt(index, r"/\d/.test(text)", timeout)
        self.wait_idle(timeout)

    def _until_prompt(self, index: int, condition: str, timeout: float = 60) -> None:
        self._wait_for(
            f"""() => {{
                const cell = document.querySelectorAll(".jp-Notebook .jp-Cell")[{index}];
                const text = cell?.querySelector(".jp-InputPrompt")?.innerText.trim() ?? "";
                return {condition};
            }}""",
            timeout,
        )

    def _wait_for(self, condition: str, timeout: float) -> None:
        """Wait for something that the kernel must answer for."""
        from playwright.sync_api import TimeoutError  # here, so that without Playwright the tests can be skipped

        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            try:
                self.page.wait_for_function(condition, timeout=1000 * max(0.001, min(left, kernels.NUDGE)))
                return
            except TimeoutError:
                if left <= kernels.NUDGE:
                    raise
                self._nudge()

    def _nudge(self) -> None:
        """Wake an ipykernel of those that overhear requests; where there is a board, Monitor sees to that."""
        if self.page.locator(".kcb-board").count():
            return
        for file in (self.server.folder.parent / "runtime").glob("kernel-*.json"):
            connection = json.loads(file.read_text())
            if connection["kernel_name"].removeprefix("ipykernel-").startswith(kernels.DEAF):
                kernels.nudge_kernel(connection)

    def text(self, index: int) -> str:
        """The text that a cell has put out."""
        return "\n".join(self.cell(index).locator(".jp-OutputArea-output").all_inner_texts())

    def interrupt(self, index: int) -> None:
        """Interrupt the kernel, as the stop button of the toolbar does, and again while a cell does not end.

        One interrupt in twenty is lost in TensorFlow and Keras, with or without us: they have handlers that swallow
        everything (``pythonify_logs`` of Keras has one).
        """
        from playwright.sync_api import TimeoutError  # here, so that without Playwright the tests can be skipped

        for attempts_left in reversed(range(8)):
            self.page.evaluate(f"() => {PANEL}.sessionContext.session.kernel.interrupt()")
            try:
                return self._until_prompt(index, r"/\d/.test(text)", timeout=15)
            except TimeoutError:
                if not attempts_left:
                    raise

    def save(self) -> dict[str, Any]:
        """Save the notebook and return what is in the file."""
        self.page.evaluate(f"() => {PANEL}.context.save()")
        content: dict[str, Any] = json.loads(self.path.read_text())
        return content

    def reload(self) -> None:
        """Reload the page and wait until the notebook is back; its kernel may be busy."""
        self.page.reload(wait_until="domcontentloaded")
        self.wait_until_open()

    def dark(self) -> None:
        """Switch to the dark theme."""
        self.page.evaluate(
            """window.jupyterapp.commands.execute("apputils:change-theme", {theme: "JupyterLab Dark"})"""
        )
        self.page.locator("body[data-jp-theme-light=false]").wait_for(state="attached")

    def screenshot(self, path: Path) -> Path:
        """Take a picture, for a person to look at; tests do not compare pictures."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path)
        return path

    def close(self) -> None:
        """Close the browser and shut the kernel down."""
        self.page.context.close()
        self.server.stop_kernels()
