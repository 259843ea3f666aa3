"""A board's ``rollback`` after the end, in a real kernel: on the main thread, when that is idle, however it comes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import kernels
import pytest
from kernels import LiveKernel

SETUP = """
import json, threading, time
import keras, numpy as np
import kcb_widgets as kcb
from kcb_widgets import kernel
from kcb_widgets.steering.kept_snapshots import KeptSnapshots

model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
model.compile(keras.optimizers.SGD(0.5), loss=lambda y, prediction: keras.ops.mean(prediction, axis=-1))
monitor = kcb.Monitor(snapshots=kcb.Snapshots(each_epoch=True))
x = np.ones((4, 1), "float32")
model.fit(x, x, epochs=3, verbose=0, callbacks=[monitor])

threads = []
KeptSnapshots.real = real = getattr(KeptSnapshots, "real", KeptSnapshots.restore)
def restore(self, which):
    threads.append(threading.current_thread() is threading.main_thread())
    return real(self, which)
KeptSnapshots.restore = restore
board = monitor.board
print(board.comm.comm_id, monitor.run.id)
"""
FACTS = "print(json.dumps([round(model.get_weights()[0].item(), 3), threads, list(monitor.run.command_results)]))"


@pytest.fixture(scope="module", params=kernels.versions())
def started(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKernel]:
    with kernels.start(str(request.param), tmp_path_factory.mktemp("kernel")) as live:
        yield live


@pytest.fixture
def live(started: LiveKernel) -> tuple[LiveKernel, str, str]:
    board, run = started.run(SETUP).split()
    return started, board, run


def command(run: str, value: str) -> dict[str, Any]:
    content = {"kind": "command", "run": run, "id": "a click", "name": "rollback", "value": value}
    return {"method": "custom", "content": content}


def facts(live: LiveKernel) -> tuple[float, list[bool], list[dict[str, Any]]]:
    weight, threads, results = json.loads(live.run(FACTS))
    return weight, threads, results


def subshell(live: LiveKernel) -> str:
    """A subshell, as JupyterLab makes one for a widget's messages."""
    if "kernel subshells" not in live.reply(live.send("kernel_info_request", {}))["content"].get(
        "supported_features", []
    ):
        pytest.skip("ipykernel 6 has no subshells")
    live.run("board.comm._reply_subshell_for = None")  # else 7.4 sends them to the main thread all the same
    made = live.reply(live.send("create_subshell_request", {}, channel="control"))
    return str(made["content"]["subshell_id"])


def test_an_idle_kernel_puts_it_back(live: tuple[LiveKernel, str, str]) -> None:
    kernel, board, run = live
    assert facts(kernel)[0] == -1.5
    kernel.comm(board, command(run, "1"))
    weight, threads, results = facts(kernel)
    assert (weight, threads) == (-0.5, [True])
    assert [(each["id"], each["status"]) for each in results] == [("a click", "applied")]


def test_what_comes_on_a_subshell_is_done_on_the_main_thread(live: tuple[LiveKernel, str, str]) -> None:
    kernel, board, run = live
    own = subshell(kernel)
    request = kernel.comm(board, command(run, "2"), subshell=own)
    kernel.until(lambda: "idle" in kernel.statuses(request))
    while not facts(kernel)[2]:
        pass
    weight, threads, results = facts(kernel)
    assert (weight, threads, results[-1]["status"]) == (-1.0, [True], "applied")
    kernel.reply(kernel.send("delete_subshell_request", {"subshell_id": own}, channel="control"))


def test_while_a_cell_runs_it_is_refused(live: tuple[LiveKernel, str, str]) -> None:
    kernel, board, run = live
    own = subshell(kernel)
    came = "len(monitor.run.command_results) or time.monotonic() - began > 2"
    cell = kernel.begin(f"began = time.monotonic()\nprint('ready', flush=True)\nwhile not ({came}): time.sleep(0.01)")
    kernel.comm(board, command(run, "1"), subshell=own)
    kernel.reply(cell)
    while not facts(kernel)[2]:
        pass
    weight, threads, results = facts(kernel)
    assert (weight, threads, results[-1]["status"]) == (-1.5, [], "refused")
    assert "a cell is running" in results[-1]["message"]
    kernel.reply(kernel.send("delete_subshell_request", {"subshell_id": own}, channel="control"))


def test_between_the_batches_of_another_fit_it_is_refused(live: tuple[LiveKernel, str, str]) -> None:
    kernel, board, run = live
    code = """
other = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
other.compile("sgd", "mse")
class Wait(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        print("ready", flush=True)
        time.sleep(0.02)
        self.model.stop_training = bool(monitor.run.command_results)
other.fit(np.ones((1000, 1)), np.ones((1000, 1)), batch_size=1, verbose=0, callbacks=[kcb.Monitor(), Wait()])
"""
    cell = kernel.begin(code)
    kernel.comm(board, command(run, "1"))
    kernel.reply(cell, timeout=60)
    weight, threads, results = facts(kernel)
    assert (weight, threads, results[-1]["status"]) == (-1.5, [], "refused")
    assert "a cell is running" in results[-1]["message"]
