"""Every control in every mode: what `modes.py` found out, one test for each, so that a failure can be read.

All modes asked for are started when the first result is needed, two at a time, and waited for one by one. Each leaves
its results in `tests/output/modes/`, from which `modes_table.py` makes the README's table.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import backends
import keras
import modes_table
import pytest

MODES = Path(__file__).with_name("modes.py")
TIMEOUT = 600
AT_ONCE = max(1, min(4, (os.cpu_count() or 2)))


def names(prefix: str = "check_") -> list[str]:
    """The checks there are; `modes.py` is read and not imported, as that would settle a backend and a dtype policy."""
    functions = [node.name for node in ast.parse(MODES.read_text()).body if isinstance(node, ast.FunctionDef)]
    return [name.removeprefix(prefix) for name in functions if name.startswith(prefix) and name != "check_optimizer"]


def optimizers() -> list[str]:
    """Keras's optimizers; not what only wraps others."""
    found = vars(keras.optimizers).items()
    classes = [name for name, one in found if isinstance(one, type) and issubclass(one, keras.optimizers.Optimizer)]
    return sorted(set(classes) - {"Optimizer", "LossScaleOptimizer", "MultiOptimizer"})


def run(mode: str) -> dict[str, object]:
    """Run a mode to its end; what came of it."""
    path = modes_table.path(mode)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    environment = backends.environment(modes_table.backend_of(mode))
    command = [sys.executable, str(MODES), mode, "--json", str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT)
    assert path.exists(), f"{mode} died\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def results(request):
    """A function that gives the results of a mode, waiting for them if need be."""
    items = [item for item in request.session.items if item.module is request.module]
    wanted = dict.fromkeys(item.callspec.params["mode"] for item in items if hasattr(item, "callspec"))
    pool = ThreadPoolExecutor(AT_ONCE)
    running: dict[str, Future] = {mode: pool.submit(run, mode) for mode in wanted if not why_not(mode)}
    yield lambda mode: running[mode].result()
    pool.shutdown(cancel_futures=True)


def why_not(mode: str) -> str:
    """Why a mode is not run."""
    backend = modes_table.backend_of(mode)
    return "" if backend in backends.named() else f"runs with KCB_BACKENDS={backend}: make test-backends"


@pytest.mark.timeout(TIMEOUT)
@pytest.mark.parametrize("control", names())
@pytest.mark.parametrize("mode", list(modes_table.TITLES))
def test_control(results, mode, control):
    if why_not(mode):
        pytest.skip(why_not(mode))
    assert results(mode)[control] == modes_table.EXPECTED.get((mode, control), "ok")


@pytest.mark.timeout(TIMEOUT)
@pytest.mark.parametrize("optimizer", optimizers())
@pytest.mark.parametrize("mode", ["optimizers"])
def test_every_number_of_every_optimizer(results, mode, optimizer):
    found = results(mode)[optimizer]
    assert found.keys() >= {"learning_rate", "weight_decay", "clipnorm", "global_clipnorm", "clipvalue"}
    wrong = {name: what for name, what in found.items() if what != "ok" and name != "initial_accumulator_value"}
    assert not wrong


@pytest.mark.timeout(TIMEOUT)
def test_the_readmes_table_is_what_these_tests_found():
    """Made by `python tests/modes_table.py`; its columns of JAX and torch are from the last `make test-backends`."""
    found = modes_table.found()
    ours = [mode for mode in modes_table.TITLES if modes_table.backend_of(mode) == "tensorflow"]
    if not all(mode in found for mode in ours):
        pytest.skip("not all of TensorFlow's modes have been run")
    shown = modes_table.shown()
    assert {mode: shown[mode] for mode in ours} == {mode: modes_table.column(found[mode]) for mode in ours}
