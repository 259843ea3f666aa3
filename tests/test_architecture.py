"""The lines the design draws between rooms, held by reading the imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import kcb_widgets

ROOT = Path(kcb_widgets.__file__).parent
MODULES = {path.relative_to(ROOT).with_suffix("").as_posix(): path for path in ROOT.rglob("*.py")}
# From the top down: a module may import from its own layer and those below it.
LAYERS = (
    "__main__",
    "command_line",
    "__init__",
    "_doctor",
    "replay",
    "monitor",
    "api",
    "session",
    "insight",
    "alerts",
    "steering",
    "panels",
    "imports",
    "store",
    "run",
    "export",
    "commands",
    "kernel",
    "keras_internals",
    "record",
)
# Some may import less than what stands below them.
ONLY = {
    "command_line": {"__init__", "store", "run", "export", "record"},
    "alerts": {"steering", "kernel", "record"},
    "steering": {"commands", "keras_internals", "record"},
    "panels": {"store", "run", "export", "commands", "kernel", "record"},
    "imports": {"run", "record"},
    "store": {"run", "record"},
    "run": {"export", "record"},
    "export": {"commands", "record"},
    "kernel": set(),
    "keras_internals": set(),
}


def layer(name):
    """The layer of a module: the lower, the larger."""
    return LAYERS.index(name.split("/")[0])


def imports(name):
    """The modules of ours that a module imports, anywhere in it; the others by their first part."""
    own, other = set(), set()
    package = name.split("/")[:-1]
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1] + (node.module.split(".") if node.module else [])
            own |= {module([*base, alias.name]) or module(base) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            other.add(node.module.split(".")[0])
        elif isinstance(node, ast.Import):
            other |= {alias.name.split(".")[0] for alias in node.names}
    return own, other


def module(parts):
    """The module of ours that is called so, a folder's ``__init__`` for a folder; None if there is none."""
    return next((name for name in ("/".join(parts), "/".join([*parts, "__init__"])) if name in MODULES), None)


def test_every_module_belongs_to_a_layer_and_every_layer_is_there():
    assert {name.split("/")[0] for name in MODULES} == set(LAYERS)


def test_arrows_point_down():
    """Imports inside functions and for types count too."""
    for name in MODULES:
        for other in imports(name)[0]:
            assert layer(other) >= layer(name), f"{name} imports {other}"
            here, there = name.split("/")[0], other.split("/")[0]
            assert there == here or there in ONLY.get(here, LAYERS), f"{name} imports {other}"


def test_there_is_no_ring():
    """Modules can be put in an order in which each imports only what came before it."""
    left = {name: imports(name)[0] for name in MODULES}
    while ready := [name for name, needed in left.items() if not needed & left.keys()]:
        for name in ready:
            del left[name]
    assert not left, f"among {sorted(left)}"


def test_panels_and_the_record_never_import_keras():
    for name in MODULES:
        if name.startswith(("panels/", "record/")):
            assert not imports(name)[1] & {"keras", "tensorflow", "jax", "torch"}, name


def test_only_kernel_knows_ipykernel():
    for name in MODULES:
        if not name.startswith("kernel/"):
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


def test_only_steering_calls_what_writes_to_a_model_by_private_names():
    writes = {
        *("track", "untrack", "track_also", "forget_dependency", "make_momentum", "forget_momentum", "build_again"),
        *("restore_attributes", "set_state_in_fit", "skip_validation", "validate_again", "accept_trainable_flags"),
        *("set_own_trainable", "unlocked", "set_attention_dropout", "send_back", "say_state_is_home"),
    }
    missed = set(writes)
    for name, path in MODULES.items():
        if name.startswith("keras_internals/"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and "keras_internals" in (node.module or ""):
                used = writes & {alias.name for alias in node.names}
                assert not used or name.startswith("steering/"), f"{name}:{node.lineno}"
                missed -= used
    assert not missed


def test_importing_the_package_is_light():
    code = (
        "import keras, sys; before = set(sys.modules); import kcb_widgets; kcb_widgets.Monitor;"
        "print(*set(sys.modules) - before)"
    )
    heavy = {"pandas", "matplotlib", "IPython", "ipywidgets", "anywidget", "tqdm", "ipykernel", "zmq"}
    assert not brought(code) & heavy


def test_runs_are_read_without_keras():
    code = (
        "import sys, kcb_widgets; kcb_widgets.Run, kcb_widgets.runs, kcb_widgets.Event, kcb_widgets.doctor;"
        "import kcb_widgets.store.rebuild, kcb_widgets.store.run_file, kcb_widgets.session.pickling;"
        "print(*sys.modules)"
    )
    assert not brought(code) & {"keras", "tensorflow", "jax", "torch", "pandas", "matplotlib"}


def brought(code):
    """The modules that a fresh Python names, by their first parts."""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in run.stdout.split()}
