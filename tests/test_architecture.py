"""The lines the design draws between rooms, held by reading the imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import kcb_widgets

ROOT = Path(kcb_widgets.__file__).parent
MODULES = {path.relative_to(ROOT).with_suffix("").as_posix(): path for path in ROOT.rglob("*.py")}
# May import from: what stands to the right of an arrow in the design, and nothing else.
ALLOWED = {
    "names": set(),
    "packed": set(),
    "series": {"names", "packed"},
    "stretches": {"series"},
    "blocks": {"series"},
    "bins": {"blocks", "series"},
    "pace": set(),
    "means": {"series", "stretches"},
    "weighing": {"stretches"},
    "resets": set(),
    "counts": {"resets", "run", "steering/backends", "stretches", "tap", "weighing"},
    "hooks": {"names"},
    "last": set(),
    "waiting": set(),
    "spent": {"run", "tap", "waiting"},
    "tap": {"commands", "run"},
    "events": set(),
    "values": set(),
    "commands": {"events", "values"},
    "frames": {"events", "names", "run"},  # run: for its type only
    # The last three: from inside plot(), replay() and to_code().
    "run": {
        *("blocks", "events", "frames", "hooks", "means", "names", "pace", "series"),
        *("commands", "figures", "replay", "code"),
    },
    "script": {"commands", "events", "run"},
    "replay": {"commands", "events", "monitor", "run", "script", "session", "steering/helm", "steering/snapshots"},
    "_code_template": set(),
    "plain": {"commands", "run", "script"},
    "code": {"_code_template", "commands", "plain", "run", "script"},
    "curves": {"bins", "run", "series"},
    "figures": {"bins", "curves", "events", "run"},
    "kernel": {"_marimo", "_mend", "_pump"},
    "_marimo": set(),
    "_mend": set(),
    "_pump": {"_queue"},
    "_queue": set(),
    "threads": {"_marimo"},
    "watch": {"threads"},
    "callers": set(),
    "standin": set(),
    "finishing": {"commands", "kernel", "last", "pusher", "raised", "run", "steering/helm", "threads", "watch"},
    "pusher": {"threads"},
    "terminal": {"run"},
    "places": {"_marimo"},
    "_doctor": {"kernel", "places"},
}


def imports(name):
    """Everything a module imports: our own as names from the package's root, others by their first part."""
    own, other = set(), set()
    package = ["kcb_widgets", *name.split("/")[:-1]]
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1][1:]
            parts = [*base, *(node.module.split(".") if node.module else [])]
            own |= {"/".join(parts)} if node.module else {"/".join([*parts, alias.name]) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            other.add(node.module.split(".")[0])
        elif isinstance(node, ast.Import):
            other |= {alias.name.split(".")[0] for alias in node.names}
    return own, other


def test_arrows_point_one_way():
    for name, allowed in ALLOWED.items():
        assert imports(name)[0] <= allowed, name
    for name in MODULES:
        own = {module.split("/")[0] for module in imports(name)[0]}
        if name.startswith("panels/"):
            rooms = {"run", "events", "commands", "values", "kernel", "threads", "bins", "curves", "figures"}
            assert own <= rooms | {"panels"}, name
        if name.startswith("steering/"):
            assert own <= {"steering", "run", "tap", "events", "commands", "values"}, name


def test_panels_never_import_keras():
    for name in MODULES:
        if name.startswith("panels/"):
            assert not imports(name)[1] & {"keras", "tensorflow", "jax", "torch"}, name


def test_only_kernel_knows_ipykernel():
    for name in MODULES:
        if name not in ("kernel", "_mend", "_pump", "_queue"):
            assert not imports(name)[1] & {"ipykernel", "zmq", "jupyter_client"}, name


def test_only_steering_writes_to_a_model():
    for name, path in MODULES.items():
        if name.startswith("steering/"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
            for target in targets:
                if isinstance(target, ast.Attribute):
                    assert target.attr not in ("stop_training", "learning_rate"), f"{name}:{node.lineno}"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert node.func.attr not in ("assign", "set_weights", "load_weights"), f"{name}:{node.lineno}"


def test_importing_the_package_is_light():
    code = "import keras, sys; before = set(sys.modules); import kcb_widgets; print(*set(sys.modules) - before)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    brought = {name.split(".")[0] for name in run.stdout.split()}
    assert not brought & {"pandas", "matplotlib", "IPython", "ipywidgets", "anywidget", "tqdm", "ipykernel", "zmq"}
