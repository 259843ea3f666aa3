"""A thread that handles a board's messages while a fit trains in the background and another cell may run.

Then nobody polls: the kernel's main thread is in the other cell, and messages would wait for that to end. ipykernel 7
reads what the front end sends on a thread of its own, which passes it on to the main thread or to a subshell. So what
is for a board is taken out there, and handled here. A front end's own subshells cannot be relied on: few have them, and
ipykernel 7.4 sends a widget's messages back to the main thread. ipykernel 6 reads on the main thread itself; there a
click waits for the end of the cell.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

from . import threads

log = logging.getLogger(__name__)


class MessageThread:
    """Handles the messages of owned comms off the main thread, as long as one fit asks for it.

    Args:
        kernel: The kernel object of this process, or None without one.
        owned: Ids of the comms whose messages are taken; shared with ``kernel.own``.

    Attributes:
        reason: Why it cannot be, in a clause; empty where it can.
    """

    def __init__(self, kernel: Any, owned: set[str]) -> None:
        self.kernel = kernel
        self.reason = ""
        self._owned = owned
        self._users = 0
        self._changing = threading.Lock()
        self._waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._before: Callable[[Any], Any] | None = None
        if kernel is None:
            self.reason = "there is no Jupyter kernel"
            return
        thread, stream = getattr(kernel, "shell_channel_thread", None), getattr(kernel, "shell_stream", None)
        known = callable(getattr(stream, "_recv_callback", None)) and "comm_msg" in getattr(
            kernel, "shell_handlers", {}
        )
        if thread is None:
            self.reason = "this kernel reads messages on the thread that runs cells"
        elif not known or getattr(stream, "io_loop", None) is not getattr(thread, "io_loop", stream):
            self.reason = "this version of ipykernel is not known to kcb_widgets"

    def start(self) -> Callable[[], None]:
        """Have messages handled here from now on.

        Returns:
            A function that ends it; the last of several that were given out puts the kernel back as it was.
        """
        if self.reason:
            return lambda: None
        left = threading.Event()

        def leave() -> None:
            with self._changing:
                if not left.is_set():
                    left.set()
                    self._users -= 1
                    if not self._users:
                        self._uninstall()

        with self._changing:
            self._users += 1
            if self._users == 1:
                self._install()
        return leave

    def _install(self) -> None:
        stream = self.kernel.shell_stream
        self._before = stream._recv_callback
        # Not `on_recv`, which belongs to the stream's own thread. The stream looks the function up for each message.
        stream._recv_callback = self._sort
        threads.start(self._work, "kcb-messages")

    def _uninstall(self) -> None:
        stream = self.kernel.shell_stream
        if stream._recv_callback == self._sort:  # else somebody came after us, and calls us on
            stream._recv_callback = self._before
        self._waiting.put(None)

    def _sort(self, frames: Any) -> Any:
        """On the thread that reads for ipykernel: take what is a board's, and leave the rest to ipykernel."""
        try:
            if self._users and self._is_ours(frames):
                self._waiting.put(frames)
                return None
        except Exception:  # it is not ours, then: ipykernel says best what is wrong with it
            log.debug("A message could not be read", exc_info=True)
        assert self._before is not None
        return self._before(frames)

    def _is_ours(self, frames: Any) -> bool:
        session = self.kernel.session
        _, parts = session.feed_identities(frames, copy=False)
        if session.unpack(parts[1].bytes)["msg_type"] != "comm_msg":
            return False
        return session.unpack(parts[4].bytes).get("comm_id") in self._owned

    def _work(self) -> None:
        while (frames := self._waiting.get()) is not None:
            try:
                self._handle(frames)
            except Exception:
                log.exception("A message could not be handled beside the running cell")

    def _handle(self, frames: Any) -> None:
        kernel = self.kernel
        identities, parts = kernel.session.feed_identities(frames, copy=False)
        message = kernel.session.deserialize(parts, content=True, copy=False)  # checks the signature
        kernel._publish_status("busy", "shell", parent=message)
        try:
            kernel.shell_handlers["comm_msg"](None, identities, message)
        finally:
            kernel._publish_status("idle", "shell", parent=message)
            if self._main_is_busy():  # the front end would show the kernel idle although a cell runs
                kernel._publish_status("busy", "shell")

    def _main_is_busy(self) -> bool:
        lock = getattr(self.kernel, "_main_asyncio_lock", None)
        return lock is not None and bool(lock.locked())
