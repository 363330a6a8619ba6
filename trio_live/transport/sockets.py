"""A TCP connection with nothing between: what Trio's low level gives, and no more.

What lives here: DirectSocket. What must not: framing, TLS, buffers of its own.
"""

from __future__ import annotations

import socket

import trio

from trio_live.transport.read_buffer import READ_SIZE, read_buffer


class DirectSocket(trio.abc.Stream):
    """A stream over a socket that can also be written to without waiting.

    It waits for data first and reads then. trio.SocketStream reads first, and what is left of a
    real-time connection then is an error from the system, a wait and a second read for each frame
    (a fifth more in benchmarks/streams.py).

    Args:
        stream: Gives up its socket. Not to be used any more.
    """

    def __init__(self, stream: trio.SocketStream) -> None:
        own = stream.socket
        # Told its kind, it need not ask a connection that may be gone already.
        self._socket = socket.socket(own.family, own.type, own.proto, own.detach())
        self._socket.setblocking(False)
        self._buffer = read_buffer()

    def try_write(self, data: bytes | memoryview) -> int:
        """Write what the socket takes now; give the number of bytes, 0 if none.

        Raises:
            OSError: The connection is broken.
        """
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Write everything; one task at a time.

        Cancellation: not atomic. If cancelled, how much was written is unknown.
        """
        rest = memoryview(data)
        while rest:
            await self.wait_send_all_might_not_block()
            try:
                rest = rest[self.try_write(rest) :]
            except OSError as error:
                raise trio.BrokenResourceError("the connection is broken") from error

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the socket takes something."""
        self._check_open()
        await trio.lowlevel.wait_writable(self._socket)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Read what has arrived; b"" at the end. One task at a time.

        Cancellation: atomic. If cancelled, no data is lost.
        """
        limit = READ_SIZE if max_bytes is None else min(max_bytes, READ_SIZE)
        while True:
            self._check_open()
            await trio.lowlevel.wait_readable(self._socket)
            try:
                size = self._socket.recv_into(self._buffer, limit)
                return self._buffer[:size].tobytes()
            except BlockingIOError:  # the system may say "readable" and find nothing
                continue
            except OSError as error:
                raise trio.BrokenResourceError("the connection is broken") from error

    async def aclose(self) -> None:
        """Close at once; who waits for the socket gets trio.ClosedResourceError."""
        if self._socket.fileno() >= 0:
            trio.lowlevel.notify_closing(self._socket)
            self._socket.close()
        await trio.lowlevel.checkpoint()

    def _check_open(self) -> None:
        if self._socket.fileno() < 0:
            raise trio.ClosedResourceError
