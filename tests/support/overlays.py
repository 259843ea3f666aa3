"""Packages laid over this environment for the tests: a folder under `.venvs/`, put first on the path of a process."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def make(name: str, *wanted: str, again: bool = False) -> Path:
    """The folder that holds these packages, made once; where several ask at a time, one makes it and the others wait.

    Args:
        name: of the folder.
        wanted: pip's arguments, the packages among them.
        again: Ask for newer versions although the folder is there.
    """
    folder = ROOT / ".venvs" / name
    folder.parent.mkdir(exist_ok=True)
    done = folder / ".complete"
    with (folder.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if again or not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # what an installation that was cut off has left
            pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--retries", "1"]
            subprocess.run([*pip, "--target", str(folder), *wanted], check=True)
            done.touch()
    return folder
