"""The pump itself: how browser messages get in while a cell holds the kernel's main thread.

A kernel handles a widget's messages one by one on its main thread, so during `fit` they wait in a queue until the cell
ends. `Pump.poll`, called between batches, reads that queue: it handles the few messages that are ours and hands every
other one to ipykernel in the order of arrival, just as the event loop would have done a little later.

ipykernel has no public way to do this (`do_one_iteration` ran any message, queued cells included, and is gone since
7.1), so this file uses its private parts. Each of them is looked up once, in `_Queue`; if one is missing the pump says
so and stays off. Subshells, the official answer, do not replace it: see `kernel.py`.
"""

from __future__ import annotations

import asyncio
import functools
import signal
import sys
import threading
import time
import uuid
from types import FrameType, TracebackType
from typing import Any

CONTROL_TARGET = "jupyter.widget.control"
"""Front ends open a comm of this name after a page reload and ask it for the state of all widgets."""

KINDS = frozenset({"comm_open", "comm_msg", "comm_close", "comm_info_request", "kernel_info_request"})
"""The kinds of message that may be handled in mid-cell, if they are ours."""


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
        self._queue: _Queue | None = None
        self._tested: bool | None = None
        self._watched = ""
        self._busy_is_stale = False
        if kernel is None:
            self.reason = "there is no Jupyter kernel"
        elif not _is_ipykernel(kernel):
            self.reason = "this Jupyter kernel is not ipykernel"
        else:
            try:
                self._queue = _Queue(kernel)
                self.available = True
            except Exception as error:
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
            if self._busy_is_stale:
                self._busy_is_stale = False
                queue.publish("busy")
            return self._drain(queue) if queue.waiting() else 0
        except Exception as error:
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
        # A message on a subshell ends with the status "idle" although a cell may be running: the next poll corrects it.
        self._busy_is_stale = self._busy_is_stale or threading.current_thread() is not threading.main_thread()
        if comm._msg_callback:
            comm._msg_callback(message)

    def _drain(self, queue: _Queue) -> int:
        handled = 0
        with _InterruptHeld() as interrupt:
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

    def _handle(self, queue: _Queue, frames: list[Any]) -> bool:
        """Handle one message if it is ours. False leaves it untouched, for `put_back`."""
        session = queue.session
        try:
            identities, parts = session.feed_identities(frames, copy=False)
            # Only peek: `deserialize` remembers signatures and refuses a message that it sees for the second time.
            kind = session.unpack(parts[1].bytes)["msg_type"]
            if kind not in KINDS or not self._is_ours(kind, session.unpack(parts[4].bytes)):
                return False
            message = session.deserialize(parts, content=True, copy=False)
        except Exception:
            return False
        # No `set_parent`: the running cell stays the parent of whatever the handler prints or displays.
        queue.publish("busy", message)
        self.delivering = True
        try:
            _run(self.kernel.shell_handlers[kind](queue.reply, identities, message))
        except Exception:
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

    def _answers_itself(self, queue: _Queue, timeout: float) -> bool:
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


class _Queue:
    """The kernel's main message queue, and the only code that touches ipykernel's private parts.

    Raises:
        Exception: If anything is not where it is expected.
    """

    def __init__(self, kernel: Any) -> None:
        import zmq

        thread = getattr(kernel, "shell_channel_thread", None)
        if thread is None:  # ipykernel 6: the main thread reads the socket that the front end writes to.
            self.stream = self.reply = kernel.shell_stream
        else:  # ipykernel 7: another thread reads it and passes the main thread's share on through a pair of sockets.
            self.stream = thread.manager.get_shell_channel_to_subshell_pair(None).to_stream
            self.reply = thread.manager.get_subshell_to_shell_channel_socket(None)
        self.kernel = kernel
        self.session = kernel.session
        self.socket = self.stream.socket
        self.loop = self.stream.io_loop.asyncio_loop
        # A zmq socket belongs to one thread: never touch one that the kernel's own event loop does not read.
        if self.stream.io_loop is not kernel.io_loop:
            raise RuntimeError("its message queue belongs to another thread")
        if not isinstance(self.socket, zmq.Socket):
            raise TypeError("its message queue is not a zmq socket")
        if missing := KINDS - set(kernel.shell_handlers):
            raise RuntimeError(f"it has no handler for {', '.join(sorted(missing))}")
        read = self.session.feed_identities, self.session.unpack, self.session.deserialize
        for part in (*read, self.stream._run_callback, self.stream._recv_callback, kernel._publish_status):
            if not callable(part):
                raise TypeError("a function that reads its messages is missing")
        # Plain integers: masking with zmq's enums would take longer than all of the rest but `getsockopt`.
        self._events, self._readable = int(zmq.EVENTS), int(zmq.POLLIN)

    def is_here(self) -> bool:
        """True on the kernel's own thread. Asked of asyncio, which also knows a forked child from its parent."""
        try:
            return asyncio.get_running_loop() is self.loop
        except RuntimeError:
            return False

    def waiting(self) -> bool:
        return bool(self.socket.getsockopt(self._events) & self._readable)

    def receive(self) -> list[Any]:
        import zmq

        frames: list[Any] = self.socket.recv_multipart(zmq.NOBLOCK, copy=False)
        return frames

    def put_back(self, frames: list[Any]) -> None:
        """Give a message to ipykernel as its event loop would have done.

        Directly and not through a callback on the loop: a read that is already scheduled there would otherwise
        overtake it with a newer message.
        """
        self.stream._run_callback(self.stream._recv_callback, frames)

    def wake(self) -> None:
        """Have the event loop look at the socket again: we may have left before reading all of it."""
        self.loop.call_soon(self.stream.flush, self._readable)

    def publish(self, status: str, message: Any = None) -> None:
        """Tell the front end that the kernel is busy or idle with this message, by default with the running cell."""
        self.kernel._publish_status(status, "shell", parent=message)

    def flush(self) -> None:
        """Send the reply now; ipykernel 6 would do it when the cell has ended."""
        if self.reply is self.stream:
            import zmq

            self.stream.flush(zmq.POLLOUT)

    def client(self) -> Any:
        """A socket connected to this kernel's shell port, as a front end has one."""
        import zmq

        app = self.kernel.parent
        host = "127.0.0.1" if app.ip in ("", "*", "0.0.0.0") else app.ip
        socket = self.socket.context.socket(zmq.DEALER)
        socket.linger = 0
        if encrypt := getattr(app, "_apply_curve_client_options", None):
            encrypt(socket)
        socket.connect(f"{app.transport}://{host}{'-' if app.transport == 'ipc' else ':'}{app.shell_port}")
        return socket


class _InterruptHeld:
    """Keeps Ctrl-C out until the message in hand is done, so that none is lost. A second one comes through at once."""

    def __init__(self) -> None:
        self.noted = False
        self._previous: Any = None

    def __enter__(self) -> _InterruptHeld:
        self._previous = signal.getsignal(signal.SIGINT)
        if self._previous is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._note)
        else:
            self._previous = None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
        if self.noted:
            signal.raise_signal(signal.SIGINT)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.noted:
            self.noted = False
            signal.default_int_handler(number, frame)
        self.noted = True


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
