"""Lists the checks by subject, in the order of the rows of the README's table, and imports them when a mode runs."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).parent
SUBJECTS = ("learning_rate", "optimizer", "layers", "flow", "untouched", "snapshots", "save", "remains")
PREFIX = "check_"


def names() -> list[str]:
    """The checks there are; their files are read and not imported, as only the process of a mode may do that."""
    files = {file.stem for file in FOLDER.glob("*.py")} - {"__init__"}
    assert files == set(SUBJECTS), f"{files ^ set(SUBJECTS)}: without a subject, a file's checks would never run"
    return [name for subject in SUBJECTS for name in _names(subject)]


def load() -> dict[str, Callable[[], None]]:
    """The checks themselves, by name."""
    found = {}
    for subject in SUBJECTS:
        module = importlib.import_module(f".{subject}", __name__)
        found.update({name: getattr(module, PREFIX + name) for name in _names(subject)})
    return found


def _names(subject: str) -> list[str]:
    body = ast.parse((FOLDER / f"{subject}.py").read_text()).body
    functions = [node.name for node in body if isinstance(node, ast.FunctionDef)]
    return [name.removeprefix(PREFIX) for name in functions if name.startswith(PREFIX)]
