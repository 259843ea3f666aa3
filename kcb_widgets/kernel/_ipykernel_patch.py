"""A patch for ipykernel 7.0 to 7.3, which now and then stop hearing: no cell runs and no click arrives any more.

Their shell channel thread writes replies to the front end past the stream that reads from it. zmq's descriptors are
edge-triggered: a request that comes in at the moment of such a write is noticed by the write and by nobody else, and no
later one of the same front end makes itself heard. About one reply in a thousand is enough to meet that. ipykernel 7.4
writes through the stream. A board sends messages all the time, so earlier ones are patched while a Monitor's board is
there, from its first fit on: after each reply the stream looks whether something came in. Not for a fit's time only,
since the page goes on sending after it. When the last board is closed ipykernel's own functions are back in place.
"""

from __future__ import annotations

import os
from typing import Any

SWITCH = "KCB_NO_KERNEL_PATCH"
SEND = "_send_on_shell_channel"
FAULTY = ((7, 0), (7, 1), (7, 2), (7, 3))


def switched_off() -> bool:
    """Whether the user wants the kernel left as it is."""
    return os.environ.get(SWITCH, "") not in ("", "0")


def faulty(kernel: Any, version: str | None) -> bool:
    """Whether this kernel has the fault.

    Args:
        kernel: ipykernel's kernel object, or None.
        version: ipykernel's version.
    """
    numbers = tuple(int(part) for part in (version or "").split(".")[:2] if part.isdecimal())
    thread: Any = getattr(kernel, "shell_channel_thread", None)
    manager: Any = getattr(thread, "manager", None)
    parts = getattr(manager, SEND, None), getattr(manager, "_shell_socket", None), getattr(kernel, "shell_stream", None)
    return numbers in FAULTY and all(part is not None for part in parts)


def mended(kernel: Any) -> bool:
    """Whether the patch is in place."""
    manager: Any = getattr(getattr(kernel, "shell_channel_thread", None), "manager", None)
    return manager is not None and SEND in vars(manager)


def mend(kernel: Any) -> None:
    """Have a kernel with the fault look for requests after each reply.

    Args:
        kernel: ipykernel's kernel object.
    """
    if mended(kernel):
        return

    import zmq  # here: outside of such a kernel nobody needs it

    manager, stream = kernel.shell_channel_thread.manager, kernel.shell_stream
    send = getattr(manager, SEND)

    def send_and_look(message: Any) -> None:
        send(message)
        stream.flush(zmq.POLLIN)

    setattr(manager, SEND, send_and_look)  # for the subshells to come
    _reply_through(kernel, send_and_look)


def unmend(kernel: Any) -> None:
    """Put ipykernel's own function back.

    Args:
        kernel: ipykernel's kernel object.
    """
    if not mended(kernel):
        return
    manager = kernel.shell_channel_thread.manager
    delattr(manager, SEND)
    _reply_through(kernel, getattr(manager, SEND))


def _reply_through(kernel: Any, send: Any) -> None:
    manager = kernel.shell_channel_thread.manager

    def install() -> None:  # on the shell channel thread, which owns these streams
        pairs = [manager._main_to_shell_channel]
        pairs += [subshell.subshell_to_shell_channel for subshell in list(manager._cache.values())]
        for pair in pairs:
            pair.to_stream.on_recv(send)

    kernel.shell_channel_thread.io_loop.add_callback(install)
