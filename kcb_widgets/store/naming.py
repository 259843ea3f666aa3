"""Names of run files: when the run began, what it is called, and four letters that make it one of its own."""

from __future__ import annotations

import re
import secrets
import string
import time
import unicodedata
from pathlib import Path

from .schema import SUFFIX

MAX_NAME = 40  # characters of the name that stand in the file's name
UNFINISHED = ".part"  # a file that has not had its first commit


def file_name(started: float, name: str) -> str:
    """``20261128-115003-digits-qkzd.sqlite``, in local time.

    Args:
        started: ``time.time()`` when the run began.
        name: What it is called; letters and digits of it are kept.
    """
    when = time.strftime("%Y%m%d-%H%M%S", time.localtime(started))
    letters = "".join(secrets.choice(string.ascii_lowercase) for _ in range(4))
    return f"{when}-{slug(name)}-{letters}{SUFFIX}"


def slug(name: str) -> str:
    """A name as it stands in the file's name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9._]+", "-", plain.lower()).strip("-._")[:MAX_NAME].strip("-._") or "run"


def is_run_file(path: Path) -> bool:
    """Whether a file is called as run files are."""
    return path.name.endswith(SUFFIX) and not path.name.startswith(".")
