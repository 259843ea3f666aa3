"""The pump itself: how browser messages get in while a cell holds the kernel's main thread.

A kernel handles a widget's messages one by one on its main thread, so during `fit` they wait in a queue until the cell
ends. `Pump.poll`, called between batches, reads that queue: it handles the few messages that are ours and hands every
other one to ipykernel in the order of arrival, just as the event loop would have done a little later.

ipykernel has no public way to do this (`do_one_iteration` ran any message, queued cells included, and is gone since
7.1), so `_queue.py` uses its private parts. Subshells, the official answer, do not replace it: see `kernel.py`.
"""

from __future__ import annotations

import functools
import logging
import sys
import threading
import time
import uuid
from typing import Any

from ._queue import KINDS, InterruptHeld, Queue

log = logging.getLogger(__name__)

CONTROL_TARGET = "jupyter.widget.control"
"""Front ends open a comm of this name after a page reload and ask it for the state of all widgets."""


BUSY_AGAIN = (0.05, 1.0)  # seconds after a subshell's message


class Pump:
    """Handles waiting browser messages from inside a running cell.

    Args:
        kernel: The kernel object of this process, or None without one.
        owned: Ids of the comms whose messages are handled at once; shared with `kernel.own`.

    Attributes:
        available: True while there is no reason to think that polling does not deliver messages.
        reason: Why not, in a clause that a user can read; empty while available.
        delivering: True while `poll` is handling a message.
    """

    def __init__(self, kernel: Any, owned: set[str]) -> None:
        self.kernel = kernel
        self.available = False
        self.reason = ""
        self.delivering = False
        self._owned = owned
        self._queue: Queue | None = None
        self._tested: bool | None = None
        self._watched = ""
        self._busy_due: list[float] = []
        if kernel is None:
            self.reason = "there is no Jupyter kernel"
        elif not _is_ipykernel(kernel):
            self.reason = "this Jupyter kernel is not ipykernel"
        else:
            try:
                self._queue = Queue(kernel)
                self.available = True
            except Exception as error:
                log.warning("The kernel's queue cannot be read", exc_info=True)
                self.reason = f"this version of ipykernel is not known to kcb_widgets ({error})"

    def poll(self) -> int:
        """Handle the messages that have arrived since the last call.

        Costs a few microseconds when there are none. Does nothing off the kernel's own thread, in a forked child, or
        when called by a message handler. An interrupt that comes in mid-message is raised when the message is done.

        Returns:
            The number of messages handled; those left to ipykernel do not count.
        """
        queue = self._queue
        if queue is None or self.delivering or not queue.is_here():
            return 0
        try:
            if self._busy_due and time.monotonic() >= self._busy_due[0]:
                del self._busy_due[0]
                queue.publish("busy")
            return self._drain(queue) if queue.waiting() else 0
        except Exception as error:
            log.exception("Reading the kernel's messages failed")
            self._queue, self.available = None, False
            self.reason = f"reading the kernel's messages failed ({error})"
            return 0
        except BaseException:
            queue.wake()
            raise

    def self_test(self, timeout: float = 0.5) -> bool:
        """Send this kernel a harmless request, as a browser would, and see whether `poll` handles it.

        Runs once; later calls return the first result. Off the kernel's own thread it says what is known so far.
        A failed test makes the pump unavailable, but polling goes on, and the first message it delivers clears that.

        Args:
            timeout: Seconds to wait for the answer.
        """
        queue = self._queue
        if self._tested is not None or queue is None or self.delivering or not queue.is_here():
            return bool(self._tested)
        try:
            self._tested = self._answers_itself(queue, timeout)
            failure = f"a test message was not delivered within {timeout:g} s"
        except Exception as error:
            log.warning("The kernel could not be sent a test message", exc_info=True)
            self._tested = False
            failure = f"the kernel could not be sent a test message ({error})"
        if not self._tested and self._queue is not None:
            self.available, self.reason = False, failure
        return self._tested

    def quieten(self, comm_id: str) -> None:
        """Handle this comm's messages without IPython's `pre_execute` and `post_execute` events.

        ipykernel fires both around every comm message, as if it were a cell. In the middle of a cell that makes
        Matplotlib flush the cell's half-drawn figures and, on a subshell, lose them.
        """
        comm = self._comms().get(comm_id)
        if comm is not None and hasattr(comm, "_msg_callback"):
            comm.handle_msg = functools.partial(self._handle_quietly, comm)

    def restore(self, comm_id: str) -> None:
        """Undo `quieten`."""
        comm = self._comms().get(comm_id)
        if comm is not None:
            vars(comm).pop("handle_msg", None)

    def _comms(self) -> dict[str, Any]:
        comms = getattr(getattr(self.kernel, "comm_manager", None), "comms", None)
        return comms if isinstance(comms, dict) else {}

    def _handle_quietly(self, comm: Any, message: Any) -> None:
        try:
            if comm._msg_callback:
                comm._msg_callback(message)
        finally:
            if threading.current_thread() is not threading.main_thread():
                # The subshell is about to say "idle" although a cell may be running. Nothing tells when it has, so
                # polling corrects it soon, and once more for a thread that was held up.
                now = time.monotonic()
                self._busy_due = [now + wait for wait in BUSY_AGAIN]

    def _drain(self, queue: Queue) -> int:
        handled = 0
        with InterruptHeld() as interrupt:
            # To the last message: what is left over would be noticed only when the next one arrives (zmq's descriptors
            # are edge-triggered). An interrupt leaves early, And wakes it up.
            while queue.waiting() and not interrupt.noted:
                frames = queue.receive()
                if self._handle(queue, frames):
                    handled += 1
                else:
                    queue.put_back(frames)
            if interrupt.noted:
                queue.wake()
            if handled:
                queue.publish("busy")
        return handled

    def _handle(self, queue: Queue, frames: list[Any]) -> bool:
        """Handle one message if it is ours. False leaves it untouched, for `put_back`."""
        session = queue.session
        try:
            identities, parts = session.feed_identities(frames, copy=False)
            # Only peek: `deserialize` remembers signatures and refuses a message that it sees for the second time.
            kind = session.unpack(parts[1].bytes)["msg_type"]
            if kind not in KINDS or not self._is_ours(kind, session.unpack(parts[4].bytes)):
                return False
            message = session.deserialize(parts, content=True, copy=False)
        except Exception:  # it is not ours, then: ipykernel says best what is wrong with it
            log.debug("A message could not be read", exc_info=True)
            return False
        # No `set_parent`: the running cell stays the parent of whatever the handler prints or displays.
        queue.publish("busy", message)
        self.delivering = True
        try:
            _run(self.kernel.shell_handlers[kind](queue.reply, identities, message))
        except Exception:
            log.exception("A message handler failed during a cell")
            self.kernel.log.error("Exception in a message handler during a cell:", exc_info=True)
        finally:
            self.delivering = False
            if kind == "comm_open":
                self.quieten(message["content"]["comm_id"])
            queue.publish("idle", message)
            queue.flush()
        if message["header"]["msg_id"] == self._watched:
            self._watched = ""
        self._tested, self.available, self.reason = True, True, ""
        return True

    def _is_ours(self, kind: str, content: dict[str, Any]) -> bool:
        if kind == "comm_open":
            return bool(content.get("target_name") == CONTROL_TARGET)
        if kind in ("comm_msg", "comm_close"):
            comm_id = content.get("comm_id", "")
            return comm_id in self._owned or getattr(self._comms().get(comm_id), "target_name", "") == CONTROL_TARGET
        return True

    def _answers_itself(self, queue: Queue, timeout: float) -> bool:
        import zmq

        deadline = time.monotonic() + timeout
        session = queue.session.clone()
        with queue.client() as client:
            request = session.send(client, "comm_info_request", {"target_name": f"kcb_widgets.{uuid.uuid4().hex}"})
            self._watched = request["header"]["msg_id"]
            try:
                while time.monotonic() < deadline and self._queue is not None:
                    self.poll()
                    if client.poll(1, zmq.POLLIN) and not self._watched:
                        return True
            finally:
                self._watched = ""
        return False


def _is_ipykernel(kernel: Any) -> bool:
    base = getattr(sys.modules.get("ipykernel.kernelbase"), "Kernel", None)
    return isinstance(base, type) and isinstance(kernel, base)


def _run(result: Any) -> None:
    """Run a handler's coroutine. ipykernel writes these handlers as `async` but they await nothing."""
    if hasattr(result, "send"):
        try:
            result.send(None)
        except StopIteration:
            return
        result.close()
        raise RuntimeError("the handler waits for something that can only happen after the cell")
