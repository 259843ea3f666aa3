"""A fit in the background, in a real kernel: a click governs the next batch while another cell computes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kernels
import pytest
from kernels import LiveKernel

SETUP = """
import time, threading
import keras, numpy as np
import kcb_widgets as kcb
from kcb_widgets import kernel

model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
model.compile(keras.optimizers.SGD(0.5), loss=lambda y, prediction: keras.ops.mean(prediction, axis=-1))
monitor, seen, enough = kcb.Monitor(), [], threading.Event()

class Keep(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        seen.append(float(self.model.get_weights()[0][0, 0]))
        time.sleep(0.005)
        self.model.stop_training = enough.is_set()

x = np.ones((100_000, 1), "float32")
fit = monitor.fit(model, x, x, batch_size=1, epochs=1, callbacks=[Keep()])
while len(seen) < 5: time.sleep(0.01)
print(monitor.board.comm.comm_id, monitor.run.id)
"""
COMPUTES = """
print("ready", flush=True)
end, moves = time.monotonic() + 20, []
while 0.25 not in moves and time.monotonic() < end:
    moves = [round(a - b, 6) for a, b in zip(seen[-4:], seen[-3:])]
print(0.25 in moves)
"""


@pytest.fixture(scope="module", params=kernels.versions())
def live(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKernel]:
    folder: Path = tmp_path_factory.mktemp("kernel")
    with kernels.start(str(request.param), folder) as live:
        yield live


def command(run: str, name: str, value: Any) -> dict[str, Any]:
    content = {"kind": "command", "run": run, "id": "a click", "name": name, "value": value}
    return {"method": "custom", "content": content}


def test_a_click_governs_a_batch_while_another_cell_computes(live: LiveKernel) -> None:
    board, run = live.run(SETUP).split()
    reads_beside = not live.run("stop, why = kernel.listen()\nstop()\nprint(why)").strip()
    cell = live.begin(COMPUTES)
    live.comm(board, command(run, "learning_rate", 0.25))
    live.reply(cell, timeout=60)
    told = live.run("print([e.message for e in monitor.run.events_list if e.name == 'kernel'])")
    live.run("enough.set(); fit.wait(30)")
    if reads_beside:
        assert live.printed(cell).split() == ["ready", "True"]
        assert ast.literal_eval(told) == []
    else:  # and it is said, as it cannot be helped
        assert live.printed(cell).split() == ["ready", "False"]
        assert "keeps the board's clicks waiting until it ends" in ast.literal_eval(told)[0]
    applied = live.run("print([e.source for e in monitor.run.events_list if e.kind == 'applied'])")
    assert ast.literal_eval(applied) == ["board"]
    stream = "kernel._shell().kernel.shell_stream._recv_callback"
    assert "_sort" not in live.run(f"stop = kernel.listen()[0]; stop(); print({stream})") or not reads_beside
