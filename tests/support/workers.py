"""Processes that do what may kill, hang or fill the memory of the one that does it."""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
import time
import traceback
from pathlib import Path

from reading import peak

HANGS_AFTER_S = 60.0
MEMORY = 1 << 30  # bytes that a worker may have more than it began with


class Worker:
    """A process that answers ``job(argument)``.

    Args:
        job: A function; what it raises is what it answers.
    """

    def __init__(self, job):
        gc.collect()
        context = multiprocessing.get_context("fork")
        self._here, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(job, there, self._here), daemon=True)
        self._process.start()
        there.close()

    def ask(self, argument):
        self._here.send(argument)

    def answer(self):
        """What the job returned, its seconds, and the most memory that the process ever had.

        Raises:
            AssertionError: It raised, died or hangs.
        """
        assert self._here.poll(HANGS_AFTER_S), "it hangs"
        try:
            kind, value, took, most = self._here.recv()
        except EOFError:
            self._process.join(5)
            raise AssertionError(f"its process died: {self._process.exitcode}") from None
        assert kind == "done", value
        return value, took, most

    def close(self):
        self._here.close()
        self._process.kill()
        self._process.join()


def _serve(job, pipe, other):
    gc.freeze()  # what TensorFlow left in the process that was forked must not be taken apart here, without its threads
    other.close()
    room = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    while True:
        try:
            argument = pipe.recv()
        except EOFError:
            os._exit(0)
        began = time.perf_counter()
        try:
            answer = "done", job(argument)
        except BaseException:
            answer = "failed", traceback.format_exc()
        pipe.send((*answer, time.perf_counter() - began, peak()))


def together(workers, arguments):
    """The answers to all arguments, in order, some at a time."""
    answers, left = [], list(arguments)
    for first in range(0, len(left), len(workers)):
        some = left[first : first + len(workers)]
        for worker, argument in zip(workers, some, strict=False):
            worker.ask(argument)
        answers += [worker.answer() for worker, _ in zip(workers, some, strict=False)]
    return answers
