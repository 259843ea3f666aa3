"""BatchHookState: what Monitor's batch hooks touch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from ..record.record import Record, Trained
from .command import Command
from .inbox import Inbox


class BatchHookState:
    """All that a batch hook needs, in one place.

    After a real training step next to nothing of Monitor is left in the processor's caches: a hook costs about as much
    as the objects it touches, each of which comes from slow memory again. So there is one, and others write to it.

    Args:
        thread: The thread that trains.
        inbox: Where commands wait.
        run: The record.

    Attributes:
        thread: The thread that trains.
        waiting: Commands that wait.
        enqueue: Leaves a trained batch for the record.
        has_work: Whether there is anything to do before the next batch.
        next_data_check: When the next look at the data is due, by ``perf_counter``.
        next_poll: When there is more to do after a batch than to note it.
        batch_started: When the batch under way began.
        step: Seconds between the batch hooks since the epoch began.
        weigh: Reads what a batch weighed in each metric, from its logs; None where that need not be read.
    """

    __slots__ = (
        "batch_started",
        "enqueue",
        "has_work",
        "next_data_check",
        "next_poll",
        "step",
        "thread",
        "waiting",
        "weigh",
    )

    def __init__(self, thread: int, inbox: Inbox, run: Record) -> None:
        self.thread = thread
        self.waiting: deque[Command] = inbox.waiting
        self.enqueue: Callable[[Trained], None] = run.pending.append
        self.has_work = True
        self.next_data_check = self.next_poll = self.batch_started = self.step = 0.0
        self.weigh: Callable[[Mapping[Any, Any]], Mapping[str, float] | None] | None = None
