"""A cure for ipykernel 7.0 to 7.3, which now and then stop hearing: no cell runs and no click arrives any more.

Their shell channel thread writes replies to the front end past the stream that reads from it. zmq's descriptors are
edge-triggered: a request that comes in at the moment of such a write is noticed by the write and by nobody else, and no
later one of the same front end makes itself heard. About one reply in a thousand is enough to meet that. ipykernel 7.4
writes through the stream. A board sends messages all the time, so the earlier ones are mended where a Monitor works:
after each reply the stream looks whether something came in.
"""

from __future__ import annotations

from typing import Any

SEND = "_send_on_shell_channel"


def mend(kernel: Any) -> None:
    """Have this kernel look for requests after each reply, for as long as it lives.

    Args:
        kernel: ipykernel's kernel object; one that needs no mending, or is mended already, stays as it is.
    """
    thread: Any = getattr(kernel, "shell_channel_thread", None)
    manager: Any = getattr(thread, "manager", None)
    send, stream = getattr(manager, SEND, None), getattr(kernel, "shell_stream", None)
    if send is None or stream is None or getattr(manager, "_shell_socket", None) is None or SEND in vars(manager):
        return

    import zmq  # here: outside of such a kernel nobody needs it

    def send_and_look(message: Any) -> None:
        send(message)
        stream.flush(zmq.POLLIN)

    def install() -> None:  # on the shell channel thread, which owns these streams
        pairs = [manager._main_to_shell_channel]
        pairs += [subshell.subshell_to_shell_channel for subshell in list(manager._cache.values())]
        for pair in pairs:
            pair.to_stream.on_recv(send_and_look)

    setattr(manager, SEND, send_and_look)  # for the subshells to come
    thread.io_loop.add_callback(install)
