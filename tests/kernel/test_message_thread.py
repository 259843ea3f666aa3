"""A board's messages come in on a thread of their own while another cell runs, in a real kernel."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import kernels
import pytest
from kernels import LiveKernel

SETUP = """
import threading, time
from ipykernel.comm import Comm
from kcb_widgets import kernel

log = []
def note(name):
    def handler(message):
        here = threading.current_thread() is threading.main_thread()
        log.append((name, message["content"]["data"], kernel.arrival(), here))
    return handler

def computes(until, seconds=20):
    # A cell that never polls.
    print("ready", flush=True)
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        pass
    assert until(), log

mine, foreign = Comm(target_name="mine"), Comm(target_name="foreign")
mine.on_msg(note("mine"))
foreign.on_msg(note("foreign"))
kernel.own(mine.comm_id)
stop, reason = kernel.listen()
"""


@pytest.fixture(scope="module", params=kernels.versions())
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def running(version: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKernel]:
    with kernels.start(version, tmp_path_factory.mktemp("kernel")) as live:
        live.run("from kcb_widgets import kernel")
        live.run("before = getattr(kernel._shell().kernel.shell_stream, '_recv_callback')")
        if live.run("stop, reason = kernel.listen()\nstop()\nprint(reason)").strip():
            pytest.skip("this kernel reads messages on the thread that runs cells")
        yield live


@pytest.fixture
def live(running: LiveKernel) -> Iterator[LiveKernel]:
    running.published.clear()
    running.replies.clear()
    running.run(SETUP)
    yield running
    running.run("stop()")


def comm(live: LiveKernel, name: str) -> str:
    return live.run(f"print({name}.comm_id)").strip()


def log(live: LiveKernel) -> list[Any]:
    return list(ast.literal_eval(live.run("print(log)")))


def test_messages_come_in_during_a_cell_that_never_polls_in_order(live: LiveKernel) -> None:
    mine = comm(live, "mine")
    cell = live.begin("computes(lambda: len(log) == 50)\nlog.append('end of the cell')")
    for number in range(50):
        live.comm(mine, number)
    assert live.reply(cell)["content"]["status"] == "ok"
    assert log(live) == [*(("mine", number, "subshell", False) for number in range(50)), "end of the cell"]


def test_all_else_waits_for_the_end_of_the_cell_in_its_order(live: LiveKernel) -> None:
    mine, foreign = comm(live, "mine"), comm(live, "foreign")
    cell = live.begin("computes(lambda: len(log) == 3)\nlog.append('end of the cell')")
    queued = []
    for number in range(3):
        live.comm(foreign, number)
        queued.append(live.client.execute(f"log.append('cell {number}')"))
        live.comm(mine, number)
    for request in (cell, *queued):
        assert live.reply(request)["content"]["status"] == "ok"
    found = [entry if isinstance(entry, str) else entry[:3] for entry in log(live)]
    assert found[:4] == [*(("mine", number, "subshell") for number in range(3)), "end of the cell"]
    rest = [(("foreign", number, "main"), f"cell {number}") for number in range(3)]
    assert found[4:] == [each for pair in rest for each in pair]


def test_the_page_hears_that_a_message_was_handled_and_that_the_cell_goes_on(live: LiveKernel) -> None:
    mine = comm(live, "mine")
    cell = live.begin("computes(lambda: len(log) == 2)")
    message = live.comm(mine, 1)
    live.until(lambda: live.statuses(message) == ["busy", "idle"])

    def said() -> list[str]:
        return [m["content"]["execution_state"] for m in live.published if m["msg_type"] == "status"]

    live.until(lambda: said()[-1] == "busy")
    live.comm(mine, 2)
    live.reply(cell)
    assert live.statuses(cell)[-1] == "idle"


def test_a_handler_that_fails_harms_nobody(live: LiveKernel) -> None:
    live.run("mine.on_msg(lambda message: (log.append(message['content']['data']), 1 / 0))")
    mine = comm(live, "mine")
    cell = live.begin("computes(lambda: len(log) == 3)")
    for number in range(3):
        live.comm(mine, number)
    assert live.reply(cell)["content"]["status"] == "ok"


def test_a_message_with_a_wrong_signature_is_not_handled(live: LiveKernel) -> None:
    mine = comm(live, "mine")
    cell = live.begin("computes(lambda: log)")
    session = live.client.session
    key, session.key = session.key, b"another"
    live.comm(mine, "forged")
    session.key = key
    live.comm(mine, "true")
    live.reply(cell)
    assert [entry[1] for entry in log(live)] == ["true"]


def test_the_last_that_leaves_puts_the_kernel_back(live: LiveKernel) -> None:
    mine = comm(live, "mine")
    live.run("another, _ = kernel.listen()\nstop(); stop()")
    cell = live.begin("computes(lambda: log)")
    live.comm(mine, 1)
    live.reply(cell)
    live.run("another()\nassert kernel._shell().kernel.shell_stream._recv_callback == before")
    live.run("end = time.monotonic() + 20")
    live.run("while 'kcb-messages' in [t.name for t in threading.enumerate()] and time.monotonic() < end: pass")
    assert live.run("print([t.name for t in threading.enumerate() if t.name == 'kcb-messages'])").strip() == "[]"
    live.comm(mine, 2)
    live.until(lambda: len(log(live)) == 2)
    assert [entry[1:3] for entry in log(live)] == [(1, "subshell"), (2, "main")]
