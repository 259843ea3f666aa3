"""Says in one line what came of a check: it passed, it was refused and why, or it failed and how."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from pathlib import Path


class Refused(Exception):
    """Monitor, or Keras itself, cannot do this in this mode; the text says why."""


def outcome(check: Callable[[], object]) -> str:
    """What came of a check, in a line."""
    try:
        check()
    except Refused as why:
        return f"refused: {why}"
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        first = (str(error).strip().splitlines() or [""])[0][:300]
        if "--trace" in sys.argv:
            traceback.print_exc()
        return f"failed: {type(error).__name__}: {first} ({Path(frame.filename).name}:{frame.lineno})"
    return "ok"
