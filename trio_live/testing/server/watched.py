"""A stream that says when it is gone.

trio-websocket waits for ever for an upgrade request whose client has hung up; with this the
server can stop waiting.
"""

from __future__ import annotations

from typing import Final

import trio

_CLOSE_FRAME: Final = b"\x88"  # how one begins: final, opcode 8
_CLOSE_PATIENCE: Final = 1.0  # seconds, once cancelled, for a client that does not read


class WatchedStream(trio.abc.Stream):
    """Passes everything on to another stream.

    Attributes:
        gone: set when nothing more can be read.
    """

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._put_back = b""
        self.gone = trio.Event()

    def put_back(self, data: bytes) -> None:
        """Let bytes that were received be received again."""
        self._put_back = data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes; see `trio.abc.SendStream`.

        A close frame leaves even if this is cancelled: a ping that comes when it has been made, and
        not been sent, is more than trio-websocket's reader can take, and ends everything.
        """
        if bytes(data[:1]) != _CLOSE_FRAME:
            await self._stream.send_all(data)
            return
        async with trio.open_nursery() as nursery:
            with trio.CancelScope(shield=True) as sending:
                nursery.start_soon(_bound_when_cancelled, sending)
                await self._stream.send_all(data)
            nursery.cancel_scope.cancel()

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until sending might not block; see `trio.abc.SendStream`."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive bytes; see `trio.abc.ReceiveStream`."""
        if self._put_back:
            await trio.lowlevel.checkpoint()
            size = len(self._put_back) if max_bytes is None else max_bytes
            first, self._put_back = self._put_back[:size], self._put_back[size:]
            return first
        try:
            received = await self._stream.receive_some(max_bytes)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.gone.set()
            raise
        if not received:
            self.gone.set()
        return received

    async def aclose(self) -> None:
        """Close the stream."""
        self.gone.set()
        await self._stream.aclose()


async def _bound_when_cancelled(sending: trio.CancelScope) -> None:
    try:
        await trio.sleep_forever()
    finally:
        sending.deadline = trio.current_time() + _CLOSE_PATIENCE
