"""Whether a function may be called ahead of time: it computes from its arguments, and leaves nothing behind.

Nobody can prove that of Python, so only what is plainly so counts: no assignment to anything outside, no attribute but
of modules of mathematics, no call but of those, of harmless builtins and of functions of the same kind.
"""

from __future__ import annotations

import builtins
import dis
import types
from typing import Any

import numpy as np

from ...keras_internals.operations import OPERATIONS, is_operation

MODULES = ("math", "numpy", "keras", "keras.ops", OPERATIONS)
BUILTINS = (abs, bool, dict, enumerate, float, int, len, list, max, min, pow, range, reversed, round, sorted, str, sum,
            tuple, zip)  # fmt: skip
NUMPY = (np.array, np.asarray, np.clip, np.interp, np.linspace, np.logspace, np.searchsorted, np.where)
PLAIN = (bool, int, float, complex, str, bytes, type(None))
WRITES = ("STORE_GLOBAL", "STORE_ATTR", "STORE_SUBSCR", "DELETE_", "IMPORT_", "YIELD", "GET_AWAITABLE", "RAISE")
ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD")
DEEP = 4
MISSING = object()


def pure(function: Any, depth: int = 0) -> bool:
    """Whether a call of ``function`` changes nothing, as far as can be told from its code."""
    if not isinstance(function, types.FunctionType) or depth > DEEP:
        return False
    code = function.__code__
    free = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
    loaded: Any = MISSING  # what the instruction before put on the stack, where that is known
    for step in dis.get_instructions(code):
        name, before, loaded = str(step.argval), loaded, MISSING
        if step.opname.startswith(WRITES) or (step.opname == "STORE_DEREF" and name in free):
            return False
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            loaded = function.__globals__.get(name, getattr(builtins, name, MISSING))
        elif step.opname.startswith(ATTRIBUTES):
            loaded = getattr(before, name, MISSING) if isinstance(before, types.ModuleType) else MISSING
        elif step.opname.startswith(("LOAD_DEREF", "LOAD_CLASSDEREF")) and name in free:
            try:
                loaded = free[name].cell_contents
            except ValueError:
                return False
        else:
            continue
        if loaded is not function and not _harmless(loaded, depth):
            return False
    return all(_simple(inner) for inner in code.co_consts if isinstance(inner, types.CodeType))


def _simple(code: types.CodeType) -> bool:
    """A comprehension or lambda inside: it may use what is local, and nothing else."""
    used = ("LOAD_GLOBAL", *ATTRIBUTES, *WRITES)
    return not any(step.opname.startswith(used) for step in dis.get_instructions(code))


def _harmless(value: Any, depth: int) -> bool:
    """Whether it may be read and, if it is a function, called."""
    if isinstance(value, types.ModuleType):
        return value.__name__ in MODULES or value.__name__.endswith("keras.ops")
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(_harmless(one, depth) for one in value)
    if isinstance(value, dict):
        return all(_harmless(one, depth) for one in value.values())
    if isinstance(value, (*PLAIN, np.generic, np.ufunc, np.ndarray)) or value in (*BUILTINS, *NUMPY):
        return True
    if isinstance(value, type):
        return issubclass(value, np.generic)
    home = getattr(value, "__module__", None) or ""
    return home == "math" or is_operation(value) or pure(value, depth + 1)
