"""The kernel's main message queue: the only code that touches ipykernel's private parts."""

from __future__ import annotations

import asyncio
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

KINDS = frozenset({"comm_open", "comm_msg", "comm_close", "comm_info_request", "kernel_info_request"})
"""The kinds of message that may be handled in mid-cell, if they are ours."""


class Queue:
    """What the main thread of one kernel has waiting.

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


class InterruptHeld:
    """Keeps Ctrl-C out until the message in hand is done, so that none is lost. A second one comes through at once."""

    def __init__(self) -> None:
        self.noted = False
        self._previous: Any = None

    def __enter__(self) -> InterruptHeld:
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
