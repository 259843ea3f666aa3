"""Every control in every mode: what `tests/modes/` found out, one test for each, so that a failure can be read.

`KCB_MODES=jit,eager` names the modes, `KCB_MODES=all` means all those of the backends in `KCB_BACKENDS`; without it
there is TensorFlow's usual one. A mode is run when its first result is needed. It leaves its results in
`tests/output/modes/`, from which `modes/table.py` makes the README's table. Under xdist the tests of one mode run on
one worker; see `support/scheduling.py`.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import backends
import keras
import pytest
from modes import checks, table

PROGRAM = Path(table.__file__).with_name("run.py")
TIMEOUT = 600


def optimizers() -> list[str]:
    """Keras's optimizers; not what only wraps others."""
    found = vars(keras.optimizers).items()
    classes = [name for name, one in found if isinstance(one, type) and issubclass(one, keras.optimizers.Optimizer)]
    return sorted(set(classes) - {"Optimizer", "LossScaleOptimizer", "MultiOptimizer"})


@functools.cache
def run(mode: str) -> str:
    """Run a mode once, to its end; its results as JSON, or how it died."""
    path = table.path(mode)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    environment = backends.environment(table.backend_of(mode))
    command = [sys.executable, "-X", "faulthandler", str(PROGRAM), mode, "--json", str(path)]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired as late:
        return f"{mode} was not done after {TIMEOUT} s\n{(late.stdout or b'')[-2000:].decode(errors='replace')}"
    if not path.exists():
        said = done.stdout[-2000:] + b"\n" + done.stderr[-4000:]
        return f"{mode} died with {done.returncode}\n{said.decode(errors='replace')}"
    return path.read_text()


def results(mode: str) -> dict[str, object]:
    """What came of a mode."""
    text = run(mode)
    assert text.startswith("{"), text
    return json.loads(text)


def why_not(mode: str) -> str:
    """Why a mode is not run."""
    backend, wanted = table.backend_of(mode), os.environ.get("KCB_MODES", "graph").split(",")
    if mode in wanted or ("all" in wanted and backend in backends.named()):
        return ""
    return "runs with KCB_MODES=all KCB_BACKENDS=jax,torch: make test-modes"


@pytest.mark.timeout(TIMEOUT + 60)  # so that it is the mode's own limit that ends it
@pytest.mark.parametrize("control", checks.names())
@pytest.mark.parametrize("mode", list(table.TITLES))
def test_control(mode, control):
    if why_not(mode):
        pytest.skip(why_not(mode))
    assert results(mode)[control] == table.EXPECTED.get((mode, control), "ok")


@pytest.mark.timeout(TIMEOUT + 60)
@pytest.mark.parametrize("optimizer", optimizers())
@pytest.mark.parametrize("mode", ["optimizers"])
def test_every_number_of_every_optimizer(mode, optimizer):
    if why_not(mode):
        pytest.skip(why_not(mode))
    found = results(mode)[optimizer]
    assert found.keys() >= {"learning_rate", "weight_decay", "clipnorm", "global_clipnorm", "clipvalue"}
    wrong = {name: what for name, what in found.items() if what != "ok" and name != "initial_accumulator_value"}
    assert not wrong
