"""Every control in every mode: what `modes.py` found out, one test for each, so that a failure can be read.

A mode is run when its first result is needed. It leaves its results in `tests/output/modes/`, from which
`modes_table.py` makes the README's table. Under xdist the tests of one mode run on one worker; see `conftest.py`.
"""

from __future__ import annotations

import ast
import functools
import json
import subprocess
import sys
from pathlib import Path

import backends
import keras
import modes_table
import pytest

MODES = Path(__file__).with_name("modes.py")
TIMEOUT = 600


def names(prefix: str = "check_") -> list[str]:
    """The checks there are; `modes.py` is read and not imported, as that would settle a backend and a dtype policy."""
    functions = [node.name for node in ast.parse(MODES.read_text()).body if isinstance(node, ast.FunctionDef)]
    return [name.removeprefix(prefix) for name in functions if name.startswith(prefix) and name != "check_optimizer"]


def optimizers() -> list[str]:
    """Keras's optimizers; not what only wraps others."""
    found = vars(keras.optimizers).items()
    classes = [name for name, one in found if isinstance(one, type) and issubclass(one, keras.optimizers.Optimizer)]
    return sorted(set(classes) - {"Optimizer", "LossScaleOptimizer", "MultiOptimizer"})


@functools.cache
def results(mode: str) -> dict[str, object]:
    """Run a mode to its end; what came of it."""
    path = modes_table.path(mode)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    environment = backends.environment(modes_table.backend_of(mode))
    command = [sys.executable, "-X", "faulthandler", str(MODES), mode, "--json", str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT)
    assert path.exists(), f"{mode} died with {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return json.loads(path.read_text())


def why_not(mode: str) -> str:
    """Why a mode is not run."""
    backend = modes_table.backend_of(mode)
    return "" if backend in backends.named() else f"runs with KCB_BACKENDS={backend}: make test-backends"


@pytest.mark.timeout(TIMEOUT)
@pytest.mark.parametrize("control", names())
@pytest.mark.parametrize("mode", list(modes_table.TITLES))
def test_control(mode, control):
    if why_not(mode):
        pytest.skip(why_not(mode))
    assert results(mode)[control] == modes_table.EXPECTED.get((mode, control), "ok")


@pytest.mark.timeout(TIMEOUT)
@pytest.mark.parametrize("optimizer", optimizers())
@pytest.mark.parametrize("mode", ["optimizers"])
def test_every_number_of_every_optimizer(mode, optimizer):
    found = results(mode)[optimizer]
    assert found.keys() >= {"learning_rate", "weight_decay", "clipnorm", "global_clipnorm", "clipvalue"}
    wrong = {name: what for name, what in found.items() if what != "ok" and name != "initial_accumulator_value"}
    assert not wrong
