"""Files that are there whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from os import PathLike
from pathlib import Path


@contextlib.contextmanager
def whole(path: str | PathLike[str]) -> Iterator[Path]:
    """Give a path to write to; what was written there takes its place when nothing went wrong.

    Args:
        path: Where the file is to be; one that is there is replaced.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield part
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
