"""Real kernels for the tests: this environment's, or the same one with only ipykernel exchanged.

`KCB_KERNELS=6.31.0,7.0.1,7.3.0,latest,colab` names the versions; without it the tests use what is installed. An
exchanged ipykernel is laid over this environment: seconds and a megabyte, where a whole environment would take minutes.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import queue
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import overlays
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

INSTALLED = "installed"
COLAB = "colab"
# What Google Colab's image of June 2026 has of what a kernel and its widgets are made of.
COLAB_PACKAGES = (
    *("ipykernel==6.17.1", "ipython==7.34.0", "ipywidgets==7.7.1", "traitlets==5.7.1", "anywidget==0.9.21"),
    *("pyzmq==26.2.1", "tornado==6.5.1", "jupyter_client==7.4.9"),
    # What these need besides.
    *("backcall", "pickleshare", "decorator", "ipython_genutils", "setuptools<80"),
)
NUDGE = 4.0
DEAF = ("7.0", "7.1", "7.2", "7.3")


def versions() -> list[str]:
    """The ipykernel versions to test with."""
    return [name.strip() for name in os.environ.get("KCB_KERNELS", INSTALLED).split(",") if name.strip()]


@functools.cache
def overlay(version: str) -> Path:
    """The folder that holds this ipykernel and nothing else; for Colab, all that is old there."""
    if version == COLAB:
        return overlays.make(COLAB, "--no-deps", *COLAB_PACKAGES)
    latest = version == "latest"
    wanted = "ipykernel" if latest else f"ipykernel=={version}"
    return overlays.make(f"ipykernel-{version}", "--no-deps", wanted, again=latest)


def write_spec(version: str, folder: Path, **environment: str) -> str:
    """Write a kernel spec for this ipykernel under `folder`/kernels and return its name."""
    name = f"ipykernel-{version}"
    path = [str(overlays.ROOT)] if version == INSTALLED else [str(overlay(version)), str(overlays.ROOT)]
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": name,
        "language": "python",
        "env": {
            "PYTHONPATH": os.pathsep.join(path),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **environment,
        },
    }
    home = folder / "kernels" / name
    home.mkdir(parents=True, exist_ok=True)
    (home / "kernel.json").write_text(json.dumps(spec))
    return name


def manager(version: str, folder: Path) -> KernelManager:
    """A manager for a kernel with this ipykernel, not started yet."""
    name = write_spec(version, folder)
    return KernelManager(kernel_name=name, kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(folder / "kernels")]))


@contextlib.contextmanager
def start(version: str, folder: Path) -> Iterator[LiveKernel]:
    """Start a kernel, and shut it down at the end."""
    kernels = manager(version, folder)
    kernels.start_kernel(cwd=str(folder))
    client = kernels.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield LiveKernel(kernels, client, nudge=version.startswith(DEAF))
    finally:
        client.stop_channels()
        kernels.shutdown_kernel(now=True)


def nudge_kernel(connection: dict[str, Any]) -> None:
    """Send a kernel something from a client of its own."""
    client = BlockingKernelClient()
    client.load_connection_info(connection)
    client.start_channels(iopub=False, stdin=False, hb=False, control=False)
    try:
        client.kernel_info()
        with contextlib.suppress(queue.Empty):
            client.get_shell_msg(timeout=2)
    finally:
        client.stop_channels()


class LiveKernel:
    """A running kernel, talked to as a front end does: cells, comm messages, requests, and what comes back."""

    def __init__(self, kernels: KernelManager, client: BlockingKernelClient, *, nudge: bool = False) -> None:
        self.manager = kernels
        self.nudge = nudge
        self.client = client
        self.published: list[dict[str, Any]] = []
        self.replies: dict[str, dict[str, Any]] = {}

    def send(
        self,
        kind: str,
        content: dict[str, Any],
        *,
        channel: str = "shell",
        subshell: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> str:
        """Send a request and return its id."""
        message = self.client.session.msg(kind, content, metadata=metadata)
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        getattr(self.client, f"{channel}_channel").send(message)
        return str(message["header"]["msg_id"])

    def begin(self, code: str, *, ready: bool = True) -> str:
        """Send a cell to run. With `ready`, wait until it has printed that word: only then is it surely running."""
        request = self.client.execute(code)
        if ready:
            self.until(lambda: "ready" in self.printed(request))
        return request

    def run(self, code: str) -> str:
        """Run a cell to its end and return what it printed."""
        while True:
            request = self.client.execute(code)
            content = self.reply(request)["content"]
            if content["status"] != "aborted":  # Sent so soon after an error that the kernel was still clearing up.
                break
        assert content["status"] == "ok", content
        return self.printed(request)

    def comm(self, comm_id: str, data: Any, *, subshell: str | None = None) -> str:
        """Send a comm message."""
        return self.send("comm_msg", {"comm_id": comm_id, "data": data}, subshell=subshell)

    def reply(self, request: str, *, timeout: float = 30) -> dict[str, Any]:
        """Wait for the reply to a request and for the `idle` that closes it, so that all its output is here."""
        self.until(lambda: request in self.replies and "idle" in self.statuses(request), timeout=timeout)
        return self.replies[request]

    def until(self, condition: Any, *, timeout: float = 30) -> None:
        """Read what the kernel sends until the condition holds.

        ipykernel 7.0 to 7.3 may overhear a request, and all later ones of the same client, until another client's comes
        (see `kcb_widgets/kernel/_ipykernel_patch.py`, which cures that where a Monitor works). Those are nudged.
        """
        deadline = time.monotonic() + timeout
        nudge = time.monotonic() + NUDGE
        while not condition():
            self.read()
            if self.nudge and time.monotonic() > nudge:
                nudge = time.monotonic() + NUDGE
                nudge_kernel(self.manager.get_connection_info())
            if time.monotonic() > deadline:
                state = [(m["msg_type"], m["content"]) for m in self.published[-10:]]
                raise TimeoutError(f"the kernel did not get there. It sent last: {state}")

    def read(self) -> None:
        """Take in what has arrived."""
        with contextlib.suppress(queue.Empty):
            self.published.append(self.client.get_iopub_msg(timeout=0.02))
            while True:
                self.published.append(self.client.get_iopub_msg(timeout=0))
        for get in (self.client.get_shell_msg, self.client.get_control_msg):
            with contextlib.suppress(queue.Empty):
                while True:
                    message = get(timeout=0)
                    self.replies[message["parent_header"]["msg_id"]] = message

    def of(self, request: str, kind: str) -> list[dict[str, Any]]:
        """What the kernel published on behalf of a request."""
        return [
            message
            for message in self.published
            if message["msg_type"] == kind and message["parent_header"].get("msg_id") == request
        ]

    def printed(self, request: str) -> str:
        """What a cell wrote to its standard output."""
        parts = (message["content"] for message in self.of(request, "stream"))
        return "".join(part["text"] for part in parts if part["name"] == "stdout")

    def statuses(self, request: str) -> list[str]:
        """The statuses published for a request: busy, idle."""
        return [message["content"]["execution_state"] for message in self.of(request, "status")]
