"""Whether a function may be called ahead of time: it computes from its arguments, and leaves nothing behind.

Nobody can prove that of Python, so only what is plainly so counts: no assignment to anything outside, no attribute but
of modules of mathematics, no call but of those, of harmless builtins and of functions of the same kind.
"""

from __future__ import annotations

import dis
import types
from typing import Any

MODULES = ("math", "numpy", "keras.ops", "keras.src.ops", "keras._tf_keras.keras.ops", "tensorflow.math")
BUILTINS = ("abs", "bool", "dict", "enumerate", "float", "int", "len", "list", "max", "min", "pow", "range", "reversed",
            "round", "sorted", "sum", "tuple", "zip", "str")  # fmt: skip
PLAIN = (bool, int, float, complex, str, bytes, type(None))
WRITES = ("STORE_GLOBAL", "STORE_ATTR", "STORE_SUBSCR", "DELETE_", "IMPORT_", "YIELD", "GET_AWAITABLE", "RAISE")
DEEP = 4


def pure(function: Any, depth: int = 0) -> bool:
    """Whether a call of ``function`` changes nothing, as far as can be told from its code."""
    if not isinstance(function, types.FunctionType) or depth > DEEP:
        return False
    code = function.__code__
    free = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
    for step in dis.get_instructions(code):
        name = str(step.argval)
        if step.opname.startswith(WRITES) or (step.opname == "STORE_DEREF" and name in free):
            return False
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and not _harmless(_global(function, name), depth):
            return False
        if step.opname in ("LOAD_DEREF", "LOAD_CLASSDEREF") and name in free:
            try:
                value = free[name].cell_contents
            except ValueError:
                return False
            if value is not function and not _harmless(value, depth):
                return False
        if step.opname in ("LOAD_ATTR", "LOAD_METHOD") and not _of_mathematics(name):
            return False
    return all(not isinstance(inner, types.CodeType) or _simple(inner) for inner in code.co_consts)


def _simple(code: types.CodeType) -> bool:
    """A comprehension or lambda inside: it may use what is local, and nothing else."""
    used = ("LOAD_GLOBAL", "LOAD_ATTR", "LOAD_METHOD", *WRITES)
    return not any(step.opname.startswith(used) for step in dis.get_instructions(code))


def _global(function: types.FunctionType, name: str) -> Any:
    builtins = vars(__import__("builtins"))
    return function.__globals__.get(name, builtins.get(name, _missing))


_missing = object()


def _harmless(value: Any, depth: int) -> bool:
    if isinstance(value, types.ModuleType):
        return value.__name__ in (*MODULES, "keras", "tensorflow")
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(_harmless(one, depth) for one in value)
    if isinstance(value, dict):
        return all(_harmless(one, depth) for one in value.values())
    if isinstance(value, PLAIN):
        return True
    name = getattr(value, "__name__", "")
    if (getattr(value, "__module__", "") or "").split(".")[0] in ("math", "numpy"):
        return _of_mathematics(name)
    return (name in BUILTINS and getattr(value, "__module__", "") == "builtins") or pure(value, depth + 1)


def _of_mathematics(name: str) -> bool:
    """Whether an attribute of this name is a function of ``math``, ``numpy`` or ``keras.ops``, and draws no numbers."""
    import math

    import keras
    import numpy

    if "random" in name or "seed" in name or name in ("save", "load", "fromfile", "tofile", "put", "copyto", "fill"):
        return False
    return name in ("ops", "math") or any(hasattr(module, name) for module in (math, keras.ops, numpy))
