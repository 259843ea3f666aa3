"""Which revision of the user's code a run was made with, asked of git in a way that runs nothing of a repository's.

A repository's configuration can name programs that git runs: hooks, a file system monitor, filters of files, what
fetches objects from elsewhere. A folder that somebody else filled must not have them run because a model is trained in
it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from time import monotonic
from typing import Any

log = logging.getLogger(__name__)

LONGEST_S = 0.9  # for all that git is asked
GRACE_S = 0.1  # for the end of what was killed: a file system may hold it, and it ends later

_NO_FILE = os.devnull
_SETTINGS = (
    *("core.fsmonitor=false", f"core.hooksPath={_NO_FILE}", "core.untrackedCache=false", "core.pager=cat"),
    *("status.submoduleSummary=false", "submodule.recurse=false", "safe.bareRepository=explicit"),
)
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_OPTIONAL_LOCKS": "0",  # or the index would be written, and a hook told of it
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # the same for git < 2.45: no way to a remote is called so
    "GIT_NO_REPLACE_OBJECTS": "1",
}
_KEPT = ("GIT_CEILING_DIRECTORIES",)
_HEAD = re.compile(rb"true\n([0-9a-f]{40}|[0-9a-f]{64})\n")


class _Unknown(Exception):
    """What was asked cannot be known."""


def revision(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Find the revision that is checked out in a folder. It takes up to a second, and mostly 20 ms.

    Args:
        folder: Any folder of the work tree.

    Returns:
        The ``revision`` as hexadecimal digits, and whether files that git tracks are ``dirty``: other than in it,
        staged or not. Empty where that cannot be known: no git, no repository, no commit, no right to read it, no time.
        A file that goes through a filter, as those of git-lfs do, counts as changed once its time has.
    """
    try:
        return _Git(folder).revision()
    except Exception:  # whatever it is, a run is kept without it
        log.debug("The revision of the code is not known", exc_info=True)
        return {}


class _Git:
    """Asks about one folder, within the time that there is.

    Raises:
        _Unknown: It is in no repository, or there is no git.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._until = monotonic() + LONGEST_S
        path = Path(folder).resolve()
        if not any((place / ".git").exists() for place in (path, *path.parents)):  # the usual case, and no process
            raise _Unknown
        program = shutil.which("git")
        if program is None or not os.path.isabs(program):  # not one that lies about where we are
            raise _Unknown
        self._command = [program, "--no-pager", "-C", str(path)]
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _KEPT},
            **_ENVIRONMENT,
        }

    def revision(self) -> dict[str, Any]:
        """The revision, and whether it is dirty.

        Raises:
            _Unknown: git does not say.
        """
        head = _HEAD.fullmatch(self._ask(_SETTINGS, "rev-parse", "--is-inside-work-tree", "HEAD^{commit}"))
        if head is None:
            raise _Unknown
        # Renames and what is not tracked would cost time, and say nothing of the revision.
        status = ("status", "--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=all", "--no-renames")
        return {"revision": head[1].decode(), "dirty": bool(self._ask((*_SETTINGS, *self._no_filters()), *status))}

    def _no_filters(self) -> list[str]:
        """Settings that switch off every filter that is configured: even asking for changes runs them.

        Raises:
            _Unknown: One has a name that cannot be given to git, which would run it.
        """
        found = self._ask(_SETTINGS, "config", "-z", "--name-only", "--get-regexp", r"^filter\.", none=1)
        names = {os.fsdecode(name.rpartition(b".")[0]) for name in found.split(b"\0") if name}
        if any("=" in name or "\n" in name for name in names):
            raise _Unknown
        return [f"{name}.{setting}" for name in sorted(names) for setting in ("clean=", "process=", "required=false")]

    def _ask(self, settings: tuple[str, ...], *question: str, none: int = 0) -> bytes:
        """What git prints.

        Args:
            settings: These count more than those of any file.
            question: Its command.
            none: The exit status, besides 0, by which it says that there is nothing.

        Raises:
            _Unknown: It failed.
            subprocess.TimeoutExpired: It took too long; it is gone.
        """
        command = [*self._command, *(part for setting in settings for part in ("-c", setting)), *question]
        process = subprocess.Popen(
            command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        try:
            said, _ = process.communicate(timeout=max(self._until - monotonic(), 0.0))
        finally:
            _end(process)
        if process.returncode not in (0, none):
            raise _Unknown
        return said


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process, and those that it started, which share its group; nothing where they have ended."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_S)
    if process.stdout is not None:
        process.stdout.close()
