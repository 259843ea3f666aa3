"""SentTimes: when a browser's message was sent, by the clock of this process.

A message may wait for a cell to end, so that it arrives after what was asked for later. Its header has a date, by the
browser's clock, which may be wrong or in another place than the kernel. A view says hello every few seconds: the
shortest that one of its messages took lately is the difference of the two clocks, and the way.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

HELLOS = 120  # about ten minutes of them
MAX_SESSIONS = 50


class SentTimes:
    """Knows the clocks of the browsers that send messages. Any thread may ask."""

    def __init__(self) -> None:
        self._sessions: dict[str, tuple[float, deque[float]]] = {}  # when the last was sent, and what hellos took
        self._lock = threading.Lock()

    def of(self, header: object, *, hello: bool, now: float | None = None) -> float:
        """When a message was sent, ``time.time()``; when it arrived, where that is not known.

        Args:
            header: The header of the Jupyter message; nothing of it is taken for granted.
            hello: Whether it says that a view is there.
            now: When it arrived.
        """
        now = time.time() if now is None else now
        if not isinstance(header, Mapping):
            return now
        session, sent = header.get("session"), _seconds(header.get("date"))
        if not isinstance(session, str) or sent is None:
            return now
        with self._lock:
            last, took = self._sessions.pop(session, (-math.inf, deque[float](maxlen=HELLOS)))
            if sent < last:  # the browser's clock was set back: what is known is of no use any more
                took.clear()
            shortest = min([now - sent, *took])
            if hello:
                took.append(now - sent)
            self._sessions[session] = sent, took
            while len(self._sessions) > MAX_SESSIONS:
                del self._sessions[next(iter(self._sessions))]
        return sent + shortest


def _seconds(date: Any) -> float | None:
    """A date in seconds; None where it is none."""
    try:
        known = datetime.fromisoformat(date) if isinstance(date, str) else date
        return known.timestamp() if isinstance(known, datetime) else None
    except (ValueError, OverflowError, OSError):
        return None
