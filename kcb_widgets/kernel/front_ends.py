"""Places: the front ends that people open notebooks in, as far as Python can tell, and what to do in their stead.

Several are built on each other and none has an official sign, so they are asked in order and the first that fits wins.
The signs are those that the places document themselves, or that other packages rely on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from . import _marimo


@dataclass(frozen=True)
class FrontEnd:
    """Where this process runs.

    Attributes:
        name: As people call it.
        problem: What cannot work there and what to do instead, in a sentence; empty where all works or nobody knows.
        sure: Whether that is certain; otherwise it depends on how the place was set up.
        background: Whether a fit in the background has a live board.
    """

    name: str
    problem: str = ""
    sure: bool = True
    background: bool = True


STEER = "the still picture and steering from Python (monitor.set and the like) work"


def here() -> FrontEnd:
    """The place of this process; plain Python and any Jupyter that is not told apart have no problem of their own."""
    for place, is_here in PLACES:
        if is_here():
            return place
    return FrontEnd("Jupyter or plain Python")


def _has(name: str) -> Callable[[], bool]:
    return lambda: bool(os.environ.get(name))


def _visual_studio() -> bool:
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return "__vsc_ipynb_file__" in getattr(shell, "user_ns", ())


PLACES: list[tuple[FrontEnd, Callable[[], bool]]] = [
    (FrontEnd("marimo"), _marimo.here),
    (
        FrontEnd(
            "JupyterLite",
            "a browser's Python has no threads and hears nothing while a cell runs, so nothing can be steered; use a "
            "kernel on a machine, on Binder for one",
            background=False,
        ),
        lambda: sys.platform == "emscripten",
    ),
    (
        FrontEnd("Kaggle, saved version", f"no browser watches a saved version run; {STEER}"),
        lambda: os.environ.get("KAGGLE_KERNEL_RUN_TYPE") == "Batch",
    ),
    (
        FrontEnd(
            "Kaggle", f"Kaggle shows only widgets built into its own page; where the board stays empty, {STEER}", False
        ),
        _has("KAGGLE_KERNEL_RUN_TYPE"),
    ),
    (
        FrontEnd(
            "Databricks", f"Databricks carries widgets in its own way; where the board stays empty, {STEER}", False
        ),
        _has("DATABRICKS_RUNTIME_VERSION"),
    ),
    (FrontEnd("Deepnote", f"Deepnote shows no Jupyter widgets; {STEER}"), _has("DEEPNOTE_PROJECT_ID")),
    (FrontEnd("Colab", background=False), lambda: "google.colab" in sys.modules),
    (FrontEnd("Voila"), lambda: os.environ.get("SERVER_SOFTWARE", "").startswith("voila")),
    (FrontEnd("PyCharm or DataSpell"), _has("PYCHARM_HOSTED")),
    (FrontEnd("VS Code"), _visual_studio),
]
