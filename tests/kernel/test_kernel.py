"""The pump against real kernels: what gets in while a cell runs, what waits, and that nothing is lost or harmed."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kernels
import nbformat
import overlays
import pytest
from kernels import LiveKernel
from nbclient import NotebookClient

from kcb_widgets import kernel as kernel_module

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

def busy(until, seconds=20):
    # A cell that works until the condition holds and polls the pump, as the callback does between batches.
    print("ready", flush=True)
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        kernel.pump().poll()
        time.sleep(0.002)
    assert until(), log

mine, foreign = Comm(target_name="mine"), Comm(target_name="foreign")
mine.on_msg(note("mine"))
foreign.on_msg(note("foreign"))
kernel.own(mine.comm_id)
"""


@pytest.fixture(scope="module", params=kernels.versions())
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def running(version: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKernel]:
    with kernels.start(version, tmp_path_factory.mktemp("kernel")) as live:
        live.run("%matplotlib inline\nimport matplotlib.pyplot as plt, ipywidgets")
        yield live


@pytest.fixture
def live(running: LiveKernel) -> LiveKernel:
    """The kernel with two fresh comms: `mine` is owned, `foreign` belongs to somebody else."""
    running.published.clear()
    running.replies.clear()
    running.run(SETUP)
    return running


def comm(live: LiveKernel, name: str) -> str:
    return live.run(f"print({name}.comm_id)").strip()


def log(live: LiveKernel) -> list[tuple[str, Any, str, bool]]:
    return list(ast.literal_eval(live.run("print(log)")))


def test_messages_of_an_owned_comm_arrive_during_the_cell_in_order_on_the_main_thread(live: LiveKernel) -> None:
    mine = comm(live, "mine")
    cell = live.begin("busy(lambda: len(log) == 50)\nprint(log)")
    for number in range(50):
        live.comm(mine, number)
    assert live.reply(cell)["content"]["status"] == "ok"
    expected = [("mine", number, "pump", True) for number in range(50)]
    assert ast.literal_eval(live.printed(cell).replace("ready", "").strip()) == expected


def test_queued_cells_wait_for_the_end_and_run_in_order(live: LiveKernel) -> None:
    mine = comm(live, "mine")
    cell = live.begin("busy(lambda: len(log) == 5)\nlog.append('end of the cell')")
    queued = []
    for number in range(5):
        live.comm(mine, number)
        queued.append(live.client.execute(f"log.append('cell {number}')"))
        queued.append(live.send("complete_request", {"code": "log.app", "cursor_pos": 7}))
    for request in [cell, *queued]:
        assert live.reply(request)["content"]["status"] == "ok"
    late = [entry for entry in log(live) if isinstance(entry, str)]
    assert late == ["end of the cell", *(f"cell {number}" for number in range(5))]


def test_messages_of_other_comms_wait_but_are_not_lost(live: LiveKernel) -> None:
    mine, foreign = comm(live, "mine"), comm(live, "foreign")
    cell = live.begin("busy(lambda: len(log) == 3)\nlog.append('end of the cell')")
    for number in range(3):
        live.comm(foreign, number)
        live.comm(mine, number)
    late = live.client.execute("log.append('next cell')")
    live.reply(cell)
    live.reply(late)
    assert [entry if isinstance(entry, str) else entry[:3] for entry in log(live)] == [
        *(("mine", number, "pump") for number in range(3)),
        "end of the cell",
        *(("foreign", number, "main") for number in range(3)),
        "next cell",
    ]


def test_a_disowned_comm_is_a_foreign_one(live: LiveKernel) -> None:
    mine, foreign = comm(live, "mine"), comm(live, "foreign")
    live.run("kernel.disown(mine.comm_id); kernel.own(foreign.comm_id)")
    cell = live.begin("busy(lambda: log)\nlog.append('end of the cell')")
    live.comm(mine, 1)
    live.comm(foreign, 2)
    live.reply(cell)
    live.run("pass")
    assert [entry if isinstance(entry, str) else entry[0] for entry in log(live)] == [
        "foreign",
        "end of the cell",
        "mine",
    ]


def test_what_a_reloaded_page_asks_for_is_answered_during_the_cell(live: LiveKernel) -> None:
    mine = comm(live, "mine")
    live.run("slider = ipywidgets.IntSlider(value=7)")
    cell = live.begin("busy(lambda: log)")
    for request in (live.send("kernel_info_request", {}), live.send("comm_info_request", {"target_name": "mine"})):
        assert live.reply(request)["content"]["status"] == "ok"
    assert mine in live.replies[request]["content"]["comms"]

    control = "a control comm, opened by the page"
    opened = {"comm_id": control, "target_name": "jupyter.widget.control", "data": {}}
    live.send("comm_open", opened, metadata={"version": "1.0.0"})
    live.comm(control, {"method": "request_states"})
    live.until(lambda: any(m["content"].get("comm_id") == control for m in live.of(cell, "comm_msg")))
    states = next(m["content"]["data"] for m in live.of(cell, "comm_msg") if m["content"]["comm_id"] == control)
    assert 7 in [state["state"].get("value") for state in states["states"].values()]

    assert cell not in live.replies, "the cell was to go on meanwhile"
    live.comm(mine, "stop")
    assert live.reply(cell)["content"]["status"] == "ok"


def test_a_foreign_comm_open_waits(live: LiveKernel) -> None:
    live.run(
        "kernel_ = get_ipython().kernel\nkernel_.comm_manager.register_target('new', lambda *a: log.append('new'))"
    )
    mine = comm(live, "mine")
    cell = live.begin("busy(lambda: log)\nlog.append('end of the cell')")
    live.send("comm_open", {"comm_id": "opened by the page", "target_name": "new", "data": {}})
    live.comm(mine, 1)
    live.reply(cell)
    assert log(live) == [("mine", 1, "pump", True), "end of the cell", "new"]


def test_an_open_figure_is_not_flushed_in_mid_cell(live: LiveKernel) -> None:
    mine = comm(live, "mine")
    cell = live.begin("plt.plot([1, 2])\nbusy(lambda: log)\nprint(len(plt.get_fignums()), 'open figure')")
    live.comm(mine, 1)
    live.reply(cell)
    assert "1 open figure" in live.printed(cell)
    assert len(live.of(cell, "display_data")) == 1


def test_what_a_handler_prints_belongs_to_the_running_cell(live: LiveKernel) -> None:
    live.run("mine.on_msg(lambda message: (print('from the handler'), log.append(1)))")
    mine = comm(live, "mine")
    cell = live.begin("busy(lambda: log)\nprint('from the cell')")
    live.comm(mine, 1)
    live.reply(cell)
    assert live.printed(cell).split("\n")[1:3] == ["from the handler", "from the cell"]


def test_an_exception_in_a_handler_harms_nobody(live: LiveKernel) -> None:
    live.run("mine.on_msg(lambda message: (log.append(message['content']['data']), 1 / 0))")
    mine = comm(live, "mine")
    cell = live.begin("busy(lambda: len(log) == 3)")
    for number in range(3):
        live.comm(mine, number)
    assert live.reply(cell)["content"]["status"] == "ok"
    assert log(live) == [0, 1, 2]
    assert live.run("print(kernel.pump().available)").strip() == "True"


def test_the_kernel_shows_busy_again_after_a_message(live: LiveKernel) -> None:
    mine = comm(live, "mine")
    cell = live.begin("busy(lambda: len(log) == 2)")
    message = live.comm(mine, 1)
    live.until(lambda: live.statuses(cell) == ["busy", "busy"])
    assert live.statuses(message) == ["busy", "idle"]
    live.comm(mine, 2)
    live.reply(cell)
    assert live.statuses(cell)[-1] == "idle"


def test_polling_in_a_handler_or_on_another_thread_does_nothing(live: LiveKernel) -> None:
    live.run("mine.on_msg(lambda message: log.append((kernel.pump().poll(), kernel.pump().delivering)))")
    mine = comm(live, "mine")
    cell = live.begin(
        "elsewhere = []\nbusy(lambda: len(log) == 2)\n"
        "t = threading.Thread(target=lambda: elsewhere.append((kernel.pump().poll(), kernel.self_test())))\n"
        "t.start(); t.join(); print(elsewhere)"
    )
    live.comm(mine, 1)
    live.comm(mine, 2)
    live.reply(cell)
    assert log(live) == [(0, True), (0, True)]
    assert live.run("print(elsewhere, kernel.pump().delivering)").strip() == "[(0, True)] False"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_child_leaves_the_sockets_alone(live: LiveKernel) -> None:
    assert live.run(
        "import os\nassert kernel.pump()._queue.is_here()\nchild = os.fork()\n"
        "if child == 0: os._exit(int(kernel.pump()._queue.is_here()))\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    ).endswith("0\n")


def test_an_interrupt_ends_the_cell_and_aborts_the_queue_as_usual(live: LiveKernel) -> None:
    mine = comm(live, "mine")
    cell = live.begin("busy(lambda: len(log) == 2)")
    live.comm(mine, 1)
    queued = [live.client.execute(f"log.append('cell {number}')") for number in range(2)]
    live.until(lambda: live.statuses(cell) == ["busy", "busy"])
    live.manager.interrupt_kernel()
    assert live.reply(cell)["content"]["ename"] == "KeyboardInterrupt"
    assert [live.reply(request)["content"]["status"] for request in queued] == ["aborted", "aborted"]
    live.comm(mine, 2)
    assert log(live) == [("mine", 1, "pump", True), ("mine", 2, "main", True)]


def test_an_interrupt_in_the_middle_of_a_message_loses_none(live: LiveKernel) -> None:
    live.run(
        "def slow(message):\n"
        "    if message['content']['data'] == 2: print('in a handler', flush=True)\n"
        "    time.sleep(0.05)\n"
        "    log.append(message['content']['data'])\n"
        "mine.on_msg(slow)"
    )
    mine = comm(live, "mine")
    cell = live.begin(
        "try:\n    busy(lambda: len(log) == 99)\nexcept KeyboardInterrupt:\n    print('interrupted', log)"
    )
    for number in range(10):
        live.comm(mine, number)
    live.until(lambda: "in a handler" in live.printed(cell))
    live.manager.interrupt_kernel()
    assert live.reply(cell)["content"]["status"] == "ok"
    assert "interrupted [0, 1, 2]" in live.printed(cell)
    # The idle kernel handles the rest without being sent anything more.
    live.until(lambda: sum("idle" in live.statuses(m["parent_header"]["msg_id"]) for m in last_statuses(live)) >= 10)
    assert log(live) == list(range(10))


def last_statuses(live: LiveKernel) -> list[dict[str, Any]]:
    """The `idle` statuses of comm messages."""
    return [
        m
        for m in live.published
        if m["msg_type"] == "status"
        and m["parent_header"].get("msg_type") == "comm_msg"
        and m["content"]["execution_state"] == "idle"
    ]


SELF_TEST = """
import os
def open_now():
    return threading.active_count(), len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc") else 0

kernel._pump = None
kernel.self_test(timeout=10)  # zmq keeps what it needs for one more socket.
before = open_now()
for _ in range(5):
    kernel._pump = None
    began = time.perf_counter()
    assert kernel.self_test(timeout=10) and kernel.self_test()
    seconds = time.perf_counter() - began
    assert kernel.pump().available and kernel.pump().reason == ""
end = time.monotonic() + 10
while any(now > then for now, then in zip(open_now(), before)) and time.monotonic() < end:
    time.sleep(0.01)  # Sockets are closed by a thread of zmq's.
print(dict(seconds=seconds, left=[max(0, now - then) for now, then in zip(open_now(), before)]))
"""


def test_the_self_test_proves_delivery_and_leaves_nothing_behind(live: LiveKernel) -> None:
    facts = ast.literal_eval(live.run(SELF_TEST))
    assert facts["left"] == [0, 0]
    assert facts["seconds"] < 1


DAMAGED = """
import sys
k = get_ipython().kernel
stream = kernel.Pump(k, set())._queue.stream
kept = [(o, dict(vars(o)), dict(getattr(o, "_trait_values", {{}}))) for o in (k, stream)]
modules, handlers = dict(sys.modules), dict(k.shell_handlers)
{damage}
p = kernel.Pump(k, set())
result = p.available, bool(p.reason), p.poll(), p.self_test(0.1)
for o, values, traits in kept:  # The kernel needs it all back when the cell ends.
    vars(o).clear()
    vars(o).update(values)
    if traits:
        o._trait_values.clear()
        o._trait_values.update(traits)
k.shell_handlers.update(handlers)
sys.modules.update(modules)
print(result, p.reason)
"""


@pytest.mark.parametrize(
    "damage",
    [
        "k.shell_handlers.pop('comm_info_request')",
        "k._publish_status = None",
        "k.session = None",
        "stream._recv_callback = None",
        "k.shell_channel_thread = object()",
        "k.shell_channel_thread = None; k.shell_stream = None",
        "k.io_loop = None",
        "sys.modules.pop('ipykernel.kernelbase')",
    ],
)
def test_an_unknown_kernel_turns_the_pump_off_and_says_why(live: LiveKernel, damage: str) -> None:
    printed = live.run(DAMAGED.format(damage=damage))
    assert printed.startswith("(False, True, 0, False) this "), printed


def test_a_queue_that_delivers_nothing_fails_the_self_test_and_a_message_clears_it(live: LiveKernel) -> None:
    live.run(
        "import zmq\nkernel._pump = None\nqueue = kernel.pump()._queue\nreal = queue.socket\n"
        "queue.socket = real.context.socket(zmq.PAIR)\n"
        "result = kernel.self_test(0.1), kernel.pump().available, kernel.pump().reason\n"
        "queue.socket.close(); queue.socket = real"
    )
    assert live.run("print(result)") == "(False, False, 'a test message was not delivered within 0.1 s')\n"
    mine = comm(live, "mine")
    cell = live.begin("busy(lambda: log)\nprint(kernel.pump().available, kernel.self_test())")
    live.comm(mine, 1)
    live.reply(cell)
    assert "True True" in live.printed(cell)


def test_a_failure_while_reading_turns_the_pump_off(live: LiveKernel) -> None:
    live.run("kernel._pump = None\np = kernel.pump()\nreal = p._queue.waiting\np._queue.waiting = lambda: 1 / 0")
    assert live.run("print(p.poll(), p.available, p.reason)").startswith("0 False reading the kernel's messages failed")
    live.run("kernel._pump = None")


def test_a_message_on_a_subshell_is_told_apart_and_loses_no_figure(live: LiveKernel, version: str) -> None:
    request = live.send("kernel_info_request", {})
    if "kernel subshells" not in live.reply(request)["content"].get("supported_features", []):
        pytest.skip("ipykernel 6 has no subshells")
    request = live.send("create_subshell_request", {}, channel="control")
    subshell = live.reply(request)["content"]["subshell_id"]
    mine = comm(live, "mine")
    cell = live.begin("plt.plot([1, 2])\nbusy(lambda: len(log) == 2)\nprint(len(plt.get_fignums()), 'open figure')")
    for number in range(2):
        live.comm(mine, number, subshell=subshell)
        live.until(lambda: live.statuses(cell)[:2] == ["busy", "busy"])
    live.reply(cell)
    # From 7.4 on ipykernel answers a comm where it was last written from, which is the main thread.
    expected = {"7.0.1": {"subshell"}, "7.3.0": {"subshell"}}.get(version, {"subshell", "pump"})
    assert {arrival for _, _, arrival, _ in log(live)} <= expected
    assert "1 open figure" in live.printed(cell)
    assert len(live.of(cell, "display_data")) == 1
    live.reply(live.send("delete_subshell_request", {"subshell_id": subshell}, channel="control"))


def test_the_kernel_is_shown_busy_again_after_a_slow_handler_on_a_subshell(live: LiveKernel) -> None:
    request = live.send("kernel_info_request", {})
    if "kernel subshells" not in live.reply(request)["content"].get("supported_features", []):
        pytest.skip("ipykernel 6 has no subshells")
    request = live.send("create_subshell_request", {}, channel="control")
    subshell = live.reply(request)["content"]["subshell_id"]
    mine, foreign = comm(live, "mine"), comm(live, "foreign")
    live.run("mine.on_msg(lambda message: (time.sleep(0.1), note('mine')(message)))")
    live.run("end = threading.Event(); foreign.on_msg(lambda message: end.set()); kernel.own(foreign.comm_id)")
    cell = live.begin("busy(end.is_set)")
    message = live.comm(mine, 0, subshell=subshell)

    def busy_again() -> bool:
        said = [m["content"]["execution_state"] for m in live.published if m["msg_type"] == "status"]
        return "idle" in live.statuses(message) and said[-1] == "busy"

    deadline = time.monotonic() + 15
    while not busy_again():  # not `until`, whose nudges would make the kernel busy
        live.read()
        assert time.monotonic() < deadline
    live.comm(foreign, 0)
    live.reply(cell)
    live.reply(live.send("delete_subshell_request", {"subshell_id": subshell}, channel="control"))


DEAF = """
import pathlib, time
shell = get_ipython().kernel.shell_channel_thread
def reply_when_a_request_has_come_in():
    while not pathlib.Path({path!r}).exists():
        time.sleep(0.01)
    time.sleep(0.2)  # it is on its way
    shell.manager._send_on_shell_channel([b"nobody", b"a reply"])
shell.io_loop.add_callback(reply_when_a_request_has_come_in)
"""


MENDED = {
    "not yet": ("kernel.pump(); kernel.self_test(); kernel.own('a board')", False),
    "no board": ("kernel.fit_begins()", False),
    "turned off": (
        "import os; os.environ['KCB_NO_KERNEL_PATCH'] = '1'; kernel.fit_begins(); kernel.own('a board')",
        False,
    ),
    "board gone": ("kernel.fit_begins(); kernel.own('a board'); kernel.disown('a board')", False),
    "mended": ("kernel.fit_begins(); kernel.own('a board')", True),
    "mended again": (
        "kernel.own('a board'); kernel.fit_begins(); kernel.disown('a board'); kernel.own('another')",
        True,
    ),
}


@pytest.mark.parametrize("when", MENDED)
def test_a_kernel_that_overhears_requests_is_mended_where_a_monitor_works(
    version: str, tmp_path: Path, when: str
) -> None:
    """Unmended it must not hear either: else the test would show nothing, and the kernel would not be as it was."""
    code, mended = MENDED[when]
    if not version.startswith(kernels.DEAF):
        pytest.skip("this one hears")
    with kernels.start(version, tmp_path) as live:
        live.run(f"from kcb_widgets import kernel\n{code}")
        told = live.run("print(kernel.patch())")
        sent = tmp_path / "sent"
        cell = live.begin(DEAF.format(path=str(sent)), ready=False)
        live.until(lambda: "idle" in live.statuses(cell))  # its reply waits for the thread
        request = live.send("kernel_info_request", {})
        sent.touch()
        if mended:
            live.reply(request)
        else:
            with pytest.raises(TimeoutError):
                live.reply(request, timeout=kernels.NUDGE - 1)
        assert told.startswith("applied, while a board is there") is mended
        assert told.startswith("turned off by KCB_NO_KERNEL_PATCH") is (when == "turned off")


def test_what_is_not_patched_is_told_too(live: LiveKernel, version: str) -> None:
    told = live.run("kernel.fit_begins()\nprint(kernel.patch())")
    if version.startswith(kernels.DEAF):
        assert told.startswith(f"applied, while a board is there: ipykernel {version}")
    else:
        assert "needs none" in told
    untouched = (
        "thread = getattr(get_ipython().kernel, 'shell_channel_thread', None)\n"
        "print('_send_on_shell_channel' in vars(getattr(thread, 'manager', thread) or type('', (), {})))"
    )
    assert live.run(untouched).strip() == str(version.startswith(kernels.DEAF))


@pytest.mark.parametrize(
    ("code", "error"), [("1", "None"), ("1 / 0", "ZeroDivisionError"), ("1 +", "SyntaxError"), ("await x", "NameError")]
)
def test_the_end_of_a_cell_is_told_with_its_exception(live: LiveKernel, code: str, error: str) -> None:
    live.run("stop = kernel.on_cell_end(lambda error: log.append(error and type(error).__name__))")
    live.reply(live.client.execute(code))
    live.run("stop(); stop()")
    assert [str(name) for name in log(live)] == ["None", error]


def test_an_interrupted_cell_ends_with_keyboard_interrupt(live: LiveKernel) -> None:
    cell = live.begin(
        "stop = kernel.on_cell_end(lambda error: (stop(), log.append(type(error).__name__)))\nbusy(lambda: False)"
    )
    live.manager.interrupt_kernel()
    live.reply(cell)
    assert log(live) == ["KeyboardInterrupt"]


def test_it_knows_the_cell_and_the_kernel(live: LiveKernel, version: str) -> None:
    cell = live.client.execute("print(kernel.where(), kernel.cell(), kernel.ipykernel_version())")
    number = live.reply(cell)["content"]["execution_count"]
    name, cell_number, found = live.printed(cell).split()
    assert (name, cell_number) == ("kernel", str(number))
    expected = "6.17.1" if version == kernels.COLAB else version
    assert found == expected or version in (kernels.INSTALLED, "latest")


def test_it_works_where_no_browser_is(version: str, tmp_path: Path) -> None:
    """As under nbconvert and papermill."""
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "from kcb_widgets import kernel\nkernel.self_test(timeout=10), kernel.pump().poll()"
            ),
            nbformat.v4.new_code_cell("6 * 7"),
        ]
    )
    NotebookClient(notebook, km=kernels.manager(version, tmp_path), timeout=60).execute()
    assert [cell.outputs[0].data["text/plain"] for cell in notebook.cells] == ["(True, 0)", "42"]


def test_outside_a_kernel_everything_is_a_cheap_nothing() -> None:
    pump = kernel_module.pump()
    assert kernel_module.where() == "script"
    assert (pump.available, pump.reason, pump.poll(), kernel_module.self_test()) == (
        False,
        "there is no Jupyter kernel",
        0,
        False,
    )
    kernel_module.own("some comm")
    kernel_module.disown("some comm")
    kernel_module.on_cell_end(lambda error: None)()
    assert kernel_module.arrival() == ""
    assert kernel_module.cell() is kernel_module.ipykernel_version() is None


def test_a_script_does_not_import_jupyter() -> None:
    """The rest of the package is left out here: it may need ipywidgets for the board."""
    code = (
        "import sys, types; package = types.ModuleType('kcb_widgets'); package.__path__ = ['kcb_widgets'];"
        "sys.modules['kcb_widgets'] = package; import kcb_widgets.kernel as kernel; kernel.pump().poll();"
        "print(kernel.where(), [name for name in ('IPython', 'ipykernel', 'zmq', 'traitlets') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=overlays.ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "script []\n"


def test_a_terminal_is_no_kernel(tmp_path: Path) -> None:
    code = "from kcb_widgets import kernel; print(kernel.where(), kernel.pump().reason, kernel.cell())"
    environment = {"IPYTHONDIR": str(tmp_path), "PYTHONPATH": str(overlays.ROOT), "HOME": str(tmp_path)}
    terminal = [sys.executable, "-m", "IPython", "--no-banner", "--no-confirm-exit", "--colors=NoColor", "-c", code]
    done = subprocess.run(terminal, env=environment, capture_output=True, text=True, check=True)
    assert "terminal there is no Jupyter kernel" in done.stdout


def test_the_source_is_the_running_cell_as_it_was_typed(live: LiveKernel) -> None:
    cell = "%time x = 1\nfrom kcb_widgets import kernel\nprint(ascii(kernel.source()))  # ü"
    assert live.run(cell).splitlines()[-1] == ascii(cell)
