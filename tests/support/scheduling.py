"""Which tests xdist gives to one worker, and in which order: what shares something on one, what takes long first.

xdist's own groups are marks that it writes into `item._nodeid`; pytest 9 takes no notice of that.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

from xdist.scheduler import LoadScopeScheduling

# Files whose tests share something that takes long to make, and what tells those apart that do not.
SHARED = {
    "test_packaging": "",
    "test_headless": "",
    "test_notebooks": "",
    "test_scale": "",
    "test_lab_demos": "",
    "test_lab_views": "",
    "test_lab_callbacks": r"notebook",
    "test_lab_steering": r"notebook",
    "test_lab": r"notebook",
    "test_kernel": r"^[^-]+",
    "test_modes": r"^(?:jax|torch)-[^-]+|^[^-]+",
}
LONG = (
    "test_packaging",
    "test_modes",
    "test_demos",
    "test_lab_demos",
    "test_notebooks",
    "test_lab",
    "test_fit_watchdog",
)
LONG_MODES = ("mirrored", "optimizers", "jit")


def group(nodeid: str) -> str:
    """The name of the group that a test belongs to; most are alone."""
    path, _, test = nodeid.partition("::")
    file = PurePath(path).stem
    if file not in SHARED:
        return nodeid
    parameters = test.partition("[")[2].rstrip("]")
    found = re.search(SHARED[file], parameters)
    return f"{file} {found.group() if found else ''}"


def place(item: Any) -> tuple[int, int]:
    """Where a test stands in the order."""
    file, parameters = item.path.stem, item.name.partition("[")[2]
    mode = parameters.partition("-")[0] if file == "test_modes" else ""
    return (
        LONG.index(file) if file in LONG else len(LONG),
        LONG_MODES.index(mode) if mode in LONG_MODES else len(LONG_MODES),
    )


class Groups(LoadScopeScheduling):
    """Gives a worker that is free the next group."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
