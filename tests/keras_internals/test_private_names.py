"""Private names of Keras, TensorFlow and the interpreter are used in ``keras_internals/`` only, read from the AST.

``kernel/`` is left out: only it knows ipykernel, and knows it under private names.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import kcb_widgets

ROOT = Path(kcb_widgets.__file__).parent
TREES = {
    path.relative_to(ROOT).with_suffix("").as_posix(): ast.parse(path.read_text())
    for path in ROOT.rglob("*.py")
    if "node_modules" not in path.parts
}
INSIDE = {name: tree for name, tree in TREES.items() if name.startswith("keras_internals/")}
OUTSIDE = {name: tree for name, tree in TREES.items() if not name.startswith(("keras_internals/", "kernel/"))}

# Private names of others' than `self` that stay: by module, and why. Each must still be used: the list only shrinks.
STAYS = {
    "session/background": {"_done", "_model", "_monitor", "_thread"},  # a `Fit` looks at other `Fit`s
    "session/pickling": {  # puts a Monitor, a record and a table into a file and takes them out again: all our own
        *(
            "_buttons",
            "_chunks",
            "_display",
            "_keep_runs",
            "_keeping",
            "_options",
            "_policies",
            "_seconds",
            "_user_controls",
        ),
    },
    # Puts a record together again from its file: all our own.
    "store/rebuild": {"_batch", "_batch_table", "_clock", "_ended", "_scanned", "_step"},
    "store/kept_state": {"_per_step"},
    "store/appendable": {
        *("_chunks", "_last_step", "_load", "_next_step", "_room", "_seconds", "_segment_rows", "_segments"),
    },
    "store/keeper": {"_forked"},  # tells the other keepers of a process
    "store/reader": {"_leaves"},  # takes over what another look has found
}
# Names that our classes have from a class of others' that they extend, as a documented part of it.
INHERITED = {"_repr_mimebundle_"}  # how IPython asks an object for its displays

PRIVATE = re.compile(r"_(?!_)\w+")
ACCESS = ("getattr", "hasattr", "setattr", "delattr", "__setattr__", "__getattribute__", "__delattr__")
FRAMES = re.compile(r"f_\w+|(gi|cr|ag|tb)_frame")
FUNCTIONS = {
    "sys": {"settrace", "gettrace", "setprofile", "getprofile"},
    "threading": {"settrace", "gettrace", "setprofile", "getprofile"},
    "inspect": {"currentframe", "stack", "trace", "getouterframes", "getinnerframes"},
}
MODULES = re.compile(r"(keras\.src|gc|ctypes|tensorflow\.python|jax\._src|torch\._\w+)(\..*)?")


def is_own(node):
    """Whether it is ``self``, ``cls`` or ``super()``."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "super"
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def called(node):
    """The name of what a call calls, without what it is a part of."""
    return getattr(node.func, "id", None) or getattr(node.func, "attr", None)


def private_names(tree):
    """Each private name of another object's that is used, and the line: as an attribute, or as a string for one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and PRIVATE.fullmatch(node.attr) and not is_own(node.value):
            yield node.attr, node.lineno
        elif isinstance(node, ast.Call) and called(node) in ACCESS and len(node.args) > 1:
            owner, name = node.args[:2]
            if isinstance(name, ast.Constant) and PRIVATE.fullmatch(str(name.value)) and not is_own(owner):
                yield name.value, node.lineno


def strings(tree):
    """Each string that could be the name of an attribute, and the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, node.lineno


def other_uses(tree):
    """Frames, tracing, the garbage collector, private modules, and classes that are swapped."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            of = FUNCTIONS.get(getattr(node.value, "id", ""), ())
            swaps = node.attr == "__class__" and not isinstance(node.ctx, ast.Load)
            if swaps or node.attr in of or FRAMES.fullmatch(node.attr):
                yield node.attr, node.lineno
        elif isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names if MODULES.fullmatch(alias.name))
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from ((name, node.lineno) for name in names if MODULES.fullmatch(name))
            private = [alias.name for alias in node.names if PRIVATE.fullmatch(alias.name)]
            yield from ((name, node.lineno) for name in private if node.module != "__future__")


def known_private_names():
    """The private names that ``keras_internals`` uses: these are of others."""
    return {name for tree in INSIDE.values() for name, _ in private_names(tree)} | {
        text
        for tree in INSIDE.values()
        for node in ast.walk(tree)
        if isinstance(node, (ast.Call, ast.Compare, ast.Assign, ast.Return))
        for text, _ in strings(node)
        if PRIVATE.fullmatch(text)
    }


def test_no_private_name_of_anothers_is_used():
    for name, tree in OUTSIDE.items():
        found = [f"{name}:{line}: {used}" for used, line in private_names(tree) if used not in STAYS.get(name, ())]
        assert not found


def test_what_stays_is_still_used():
    for name, names in STAYS.items():
        assert {used for used, _ in private_names(TREES[name])} == names


def test_no_frame_no_trace_and_no_private_module_is_used():
    for name, tree in OUTSIDE.items():
        assert not [f"{name}:{line}: {used}" for used, line in other_uses(tree)]


def test_no_private_name_of_keras_stands_in_a_string():
    """As in ``vars(model).pop("_should_eval")``; and no path to a private module."""
    names = known_private_names()
    assert {"_should_eval", "_variables", "_get_iterator", "_tracker", "_model"} <= names
    for module, tree in OUTSIDE.items():
        found = [f"{module}:{line}: {text}" for text, line in strings(tree) if text in names or "keras.src" in text]
        assert not found


def classes():
    return {node.name: node for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def defined(node, every):
    """The private names that a class of ours, or one that it extends, defines."""
    names = set()
    for inner in ast.walk(node):
        if isinstance(inner, (ast.FunctionDef, ast.ClassDef)):
            names.add(inner.name)
        elif isinstance(inner, ast.Attribute) and is_own(inner.value) and isinstance(inner.ctx, ast.Store):
            names.add(inner.attr)
        elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            names.add(inner.id)
        elif isinstance(inner, ast.Assign) and getattr(inner.targets[0], "id", "") == "__slots__":
            names |= {text for text, _ in strings(inner)}
    for base in node.bases:
        while isinstance(base, ast.Subscript):
            base = base.value
        if getattr(base, "id", None) in every:
            names |= defined(every[base.id], every)
    return names


def test_our_classes_use_no_private_name_that_they_inherit():
    """As in ``self._model`` of a callback, which Keras's class sets."""
    every = classes()
    for module, tree in OUTSIDE.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                names = defined(node, every)
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Attribute) and is_own(inner.value) and PRIVATE.fullmatch(inner.attr):
                        assert inner.attr in names | INHERITED, f"{module}:{inner.lineno}: {inner.attr}"


@pytest.mark.parametrize(
    "code",
    [
        "model._loss_tracker",
        "model.optimizer._variables = []",
        "getattr(model, '_loss_tracker', None)",
        "object.__setattr__(model, '_should_eval', None)",
        "sys._getframe()",
        "self._model._jax_state",
    ],
)
def test_a_private_name_is_found(code):
    assert list(private_names(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "frame.f_back",
        "generator.gi_frame",
        "sys.settrace(trace)",
        "import gc",
        "from keras.src import backend",
        "import keras.src.backend",
        "from keras import src",
        "from threading import _DummyThread",
        "inspect.currentframe()",
        "model.__class__ = Other",
    ],
)
def test_another_use_is_found(code):
    assert list(other_uses(ast.parse(code)))


@pytest.mark.parametrize(
    "code", ["self._model", "super()._set(1)", "model.loss", "__name__", "self.__class__", "import gcsfs"]
)
def test_what_is_public_or_our_own_is_not_found(code):
    assert not [*private_names(ast.parse(code)), *other_uses(ast.parse(code))]
