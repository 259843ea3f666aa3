"""Sender: one thread sends at a time, and news that come meanwhile are sent after it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from ..kernel import threads

log = logging.getLogger(__name__)

ROUNDS = 3  # in which a thread sends what others bring meanwhile


class Sender:
    """Calls ``send`` for all news, on a thread that brings some.

    Args:
        send: Sends all that changed since it last did without an exception.
        failed: Told what ``send`` raised where no caller could be.

    Attributes:
        news: Whether there is anything to send that no ``send`` has begun with.
    """

    def __init__(self, send: Callable[[], None], failed: Callable[[Exception], None]) -> None:
        self._send, self._failed = send, failed
        self._busy = threading.Lock()
        self._thread: int | None = None  # that sends
        self._echo = False  # whether that thread itself has brought news meanwhile
        self.news = False

    @property
    def busy(self) -> bool:
        """Whether a thread is sending."""
        return self._busy.locked()

    def push(self) -> None:
        """There is news. While another thread sends, it is left to that one, which looks again for news.

        Raises:
            Exception: What sending raised, unless there was newer to send. What was not sent goes with the next.
        """
        if self._thread == threading.get_ident():
            self._echo = True  # an observer of what is sent has changed something
            return
        self.news, echoed = True, False
        for _ in range(ROUNDS):
            if not self.news or not self._busy.acquire(blocking=False):
                return  # the one that is busy looks for news after it is done
            wrong: Exception | None = None
            try:
                self.news, self._echo, self._thread = False, False, threading.get_ident()
                self._send()
            except Exception as error:
                log.debug("A board could not be sent", exc_info=True)
                wrong = error
            except BaseException:  # an interrupt
                self.news = True
                raise
            finally:
                self._thread, echo = None, self._echo
                self._busy.release()
            if echo and not echoed:  # once: an observer that always changes something would go on for ever
                self.news = echoed = True
            if wrong is not None and not self.news:
                self.news = True
                raise wrong
        if self.news:  # others bring news faster than it can be sent, and this thread has other things to do
            threads.start(self._push_contained, "kcb-board")

    def _push_contained(self) -> None:
        try:
            self.push()
        except Exception as error:
            log.warning("A board could not be sent", exc_info=True)
            self._failed(error)
