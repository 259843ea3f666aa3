"""Packages that only some of what a run can do needs: imported when it is done, or the line that installs them."""

from __future__ import annotations

import importlib
from typing import Any


def load(module: str, extra: str, why: str) -> Any:
    """Import a module of a package that need not be there.

    Args:
        module: The module.
        extra: Our extra that brings the package along.
        why: What needs it, as the beginning of a sentence.

    Raises:
        ModuleNotFoundError: The package is not installed; the message says how to install it.
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != package:
            raise
        msg = f"{why} needs {package}, which is not installed: pip install 'kcb-widgets[{extra}]'"
        raise ModuleNotFoundError(msg, name=error.name) from error
