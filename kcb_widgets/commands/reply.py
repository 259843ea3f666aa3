"""Reply: what became of a command."""

from __future__ import annotations

import threading
import time
from typing import Any

from ..record.events import Event


class Reply:
    """What became of a command; ``Monitor.set`` and the like return one.

    Args:
        expected: How many commands it answers for.

    Attributes:
        events: What became of each, so far.
    """

    def __init__(self, expected: int = 1) -> None:
        self.events: list[Event] = []
        self.training_thread: int | None = None
        self.pump: Any = None
        self._expected = expected
        self._settled = threading.Event()

    def settle(self, event: Event) -> None:
        """Note what became of one command; called once for each."""
        if not self._settled.is_set():
            self.events = [*self.events, event]
            if len(self.events) >= self._expected:
                self._settled.set()

    @property
    def done(self) -> bool:
        """Whether the command was applied or refused."""
        return self._settled.is_set()

    @property
    def event(self) -> Event | None:
        """The event that tells what became of the command: of several, the first refusal if there is one.

        None while it waits.
        """
        if not self.done:
            return None
        return next((event for event in self.events if event.kind == "refused"), self.events[-1])

    @property
    def applied(self) -> bool:
        """Whether the command was carried out."""
        return self.event is not None and self.event.kind != "refused"

    def wait(self, timeout: float | None = None) -> Event:
        """Wait until the command was applied or refused.

        Args:
            timeout: Seconds; None waits for ever.

        Raises:
            TimeoutError: Nothing happened in time.
            RuntimeError: Called on the training thread, which would wait for itself.
        """
        if not self.done and threading.get_ident() == self.training_thread:
            msg = "wait() was called on the thread that trains, which would wait for itself; the next batch applies it"
            raise RuntimeError(msg)
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._settled.wait(0.02):
            if self.pump is not None:
                self.pump.poll()  # a waiting main thread still lets the board's messages in
            if deadline is not None and time.monotonic() > deadline:
                msg = f"the command was neither applied nor refused within {timeout} s"
                raise TimeoutError(msg)
        event = self.event
        assert event is not None
        return event

    def __repr__(self) -> str:
        event = self.event
        return "<Reply: requested>" if event is None else f"<Reply: {event.kind} at step {event.step}>"
