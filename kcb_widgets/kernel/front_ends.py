"""The table of front ends: how each is recognised, and what cannot work there.

Several are built on each other and none has an official sign, so they are asked in order and the first that fits wins.
The signs are those that the front ends document themselves, or that other packages rely on. A new one is an entry.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from . import _marimo


@dataclass(frozen=True)
class FrontEnd:
    """A front end that people open notebooks in.

    Attributes:
        name: As people call it.
        is_here: Tells whether this process runs in it.
        problem: What cannot work there and what to do instead, in a sentence; empty where all works or nobody knows.
        sure: Whether that is certain; otherwise it depends on how the front end was set up.
        background: Whether a fit in the background has a live board.
    """

    name: str
    is_here: Callable[[], bool]
    problem: str = ""
    sure: bool = True
    background: bool = True


STEER = "the still picture and steering from Python (monitor.set and the like) work"


def here() -> FrontEnd:
    """The front end of this process; plain Python and a Jupyter that is not told apart have no problem of their own."""
    return next(front_end for front_end in (*FRONT_ENDS, UNKNOWN) if front_end.is_here())


def _has(name: str) -> Callable[[], bool]:
    return lambda: bool(os.environ.get(name))


def _visual_studio() -> bool:
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return "__vsc_ipynb_file__" in getattr(shell, "user_ns", ())


FRONT_ENDS = [
    FrontEnd("marimo", _marimo.here),
    FrontEnd(
        "JupyterLite",
        lambda: sys.platform == "emscripten",
        "a browser's Python has no threads and hears nothing while a cell runs, so nothing can be steered; use a "
        "kernel on a machine, on Binder for one",
        background=False,
    ),
    FrontEnd(
        "Kaggle, saved version",
        lambda: os.environ.get("KAGGLE_KERNEL_RUN_TYPE") == "Batch",
        f"no browser watches a saved version run; {STEER}",
    ),
    FrontEnd(
        "Kaggle",
        _has("KAGGLE_KERNEL_RUN_TYPE"),
        f"Kaggle shows only widgets built into its own page; where the board stays empty, {STEER}",
        sure=False,
    ),
    FrontEnd(
        "Databricks",
        _has("DATABRICKS_RUNTIME_VERSION"),
        f"Databricks carries widgets in its own way; where the board stays empty, {STEER}",
        sure=False,
    ),
    FrontEnd("Deepnote", _has("DEEPNOTE_PROJECT_ID"), f"Deepnote shows no Jupyter widgets; {STEER}"),
    FrontEnd("Colab", lambda: "google.colab" in sys.modules, background=False),
    FrontEnd("Voila", lambda: os.environ.get("SERVER_SOFTWARE", "").startswith("voila")),
    FrontEnd("PyCharm or DataSpell", _has("PYCHARM_HOSTED")),
    FrontEnd("VS Code", _visual_studio),
]
UNKNOWN = FrontEnd("Jupyter or plain Python", lambda: True)
