"""Liveness: whether the process that writes a run file still lives, as far as can be known from here.

On the host that writes, the process decides; from another host only when it was last heard of is known. No host or
user name is written: hosts are told apart by a hash.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .typed import number, text, whole

SILENT_AFTER_S = 30.0  # a process that lives and has not been heard of for so long, and five commits, is silent
HOSTS = 16  # letters of a hash that are kept
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
CLOCK_ERROR_S = 2.0


@dataclass(frozen=True)
class WritingProcess:
    """Who writes a run file.

    Attributes:
        host: A hash of the machine, and of the container on it.
        boot: A hash of when the machine was started; empty where that is not known.
        process: The process id.
        started: When the process started, by ``time.time()``; None where that is not known.
    """

    host: str
    boot: str
    process: int
    started: float | None


UNKNOWN = WritingProcess("", "", 0, None)


def writer_of(about: Mapping[str, Any] | None) -> WritingProcess:
    """Who writes a run file, as its row of ``about`` says.

    Raises:
        Damaged: It says what cannot be.
    """
    if about is None:
        return UNKNOWN
    started = about["process_started"]
    return WritingProcess(
        text(about["host"]), text(about["boot"]), whole(about["process"]), None if started is None else number(started)
    )


def this_process() -> WritingProcess:
    """The process that runs this."""
    return WritingProcess(_host(), _boot(), os.getpid(), process_started(os.getpid()))


def _hash(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:HOSTS]


def _host() -> str:
    """Containers on one machine see each other's files, but not each other's processes."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return _hash(socket.gethostname(), uuid.getnode(), space)


def _boot() -> str:
    try:
        return _hash(BOOT_ID.read_text())
    except OSError:
        return ""


def process_started(process: int) -> float | None:
    """When a process started, by ``time.time()``; None where it is not there or that cannot be known.

    It is read from ``/proc`` on Linux, and asked of psutil elsewhere, which ipykernel brings along.
    """
    if sys.platform == "linux":
        try:
            stat = Path(f"/proc/{process}/stat").read_text()
            fields = stat.rpartition(")")[2].split()  # a program's name may have spaces and brackets
            if fields[0] in "ZX":  # it has ended, and nobody asked how
                return None
            since_boot = int(fields[19]) / os.sysconf("SC_CLK_TCK")
            booted = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime"))
            return int(booted.split()[1]) + since_boot
        except (OSError, ValueError, IndexError, StopIteration):
            return None
    try:
        import psutil  # type: ignore[import-untyped]
    except ImportError:
        return None
    try:
        return float(psutil.Process(process).create_time())
    except psutil.Error:
        return None


class Judge:
    """Says what has become of runs that were not over when they were last heard of; for a look at many files."""

    def __init__(self) -> None:
        self._here = this_process()
        self._started: dict[int, float | None] = {}

    def judge(self, writer: WritingProcess, heard: float, every: float, now: float | None = None) -> tuple[str, str]:
        """What has become of a run.

        Args:
            writer: Who writes it.
            heard: When it was last heard of, by ``time.time()``.
            every: Seconds between commits.
            now: ``time.time()``.

        Returns:
            ``running``, ``silent``, ``interrupted`` or ``unknown``, and a clause that says more.
        """
        now, here = time.time() if now is None else now, self._here
        last = _local(heard)
        if writer.host != here.host:
            return "unknown", f"last heard of at {last}, from another machine"
        if writer.boot != here.boot:
            return "interrupted", f"the machine was started again; last heard of at {last}"
        if writer.started is None or here.started is None:  # it cannot be known which process has this number
            return "unknown", f"last heard of at {last}"
        if writer.process not in self._started:
            self._started[writer.process] = process_started(writer.process)
        started = self._started[writer.process]
        if started is None or abs(started - writer.started) > CLOCK_ERROR_S:
            return "interrupted", f"its process ended; last heard of at {last}"
        if now - heard > max(SILENT_AFTER_S, 5 * every):
            return "silent", f"silent since {last}"
        return "running", ""


def _local(seconds: float) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    except (ValueError, OverflowError, OSError):
        return "an impossible time"
