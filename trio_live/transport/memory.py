"""A transport without a socket, for tests on the virtual clock.

What lives here: MemoryNetwork and its two ends. What must not: WebSocket framing. Whole messages go
from end to end; the far end can be slow, silent, or gone.
"""

from __future__ import annotations

import math
from collections import deque

import trio

from trio_live.transport.interface import NO_CLOSE_FRAME, DialRequest, Transport, TransportClosed


class MemoryNetwork:
    """Connects sessions to the test that holds it.

    Use `TransportConfig(dialer=network.dial)` on one side and `await network.accept()` on the
    other.

    Attributes:
        requests: What was dialled, in order.
    """

    def __init__(self) -> None:
        self.requests: list[DialRequest] = []
        self._send, self._receive = trio.open_memory_channel[MemoryPeer](math.inf)

    async def dial(self, nursery: trio.Nursery, request: DialRequest) -> Transport:
        """Connect at once."""
        await trio.lowlevel.checkpoint()
        self.requests.append(request)
        peer = MemoryPeer()
        nursery.start_soon(peer.client.hold)
        self._send.send_nowait(peer)
        return peer.client

    async def accept(self) -> MemoryPeer:
        """Wait for the next connection."""
        return await self._receive.receive()


class MemoryPeer:
    """The far end of a connection: what a server sees and does.

    Attributes:
        client: The near end.
        closed_with: The code and reason of the near end's close, or None.
    """

    def __init__(self) -> None:
        self.client = MemoryTransport()
        self.closed_with: tuple[int, str] | None = None
        self.client.peer = self

    async def receive(self) -> str:
        """Wait for the next message of the near end; raises trio.EndOfChannel at its close."""
        return await self.client.outgoing.receive()

    def send(self, frame: str | bytes) -> None:
        """Give the near end a message."""
        self.client.heard_bytes += len(frame)
        self.client.incoming.send_nowait(frame)

    def close(self, code: int = NO_CLOSE_FRAME, reason: str = "") -> None:
        """End the connection; without arguments, as a network does that drops it."""
        self.client.end(code, reason)

    def stall(self) -> None:
        """Take nothing more off the near end's hands, until `resume()`."""
        self.client.stalled = True

    def mute(self) -> None:
        """Answer no ping any more."""
        self.client.mute = True

    def resume(self) -> None:
        """Take everything that waits, and what comes."""
        self.client.stalled = False
        self.client.write()


class MemoryTransport:
    """The near end; see Transport. Made by MemoryNetwork."""

    peer: MemoryPeer

    def __init__(self) -> None:
        self.accepted_bytes = 0
        self.written_bytes = 0
        self.confirmed_bytes = 0
        self.heard_bytes = 0
        self.stalled = False
        self.mute = False
        self.incoming, self._messages = trio.open_memory_channel[str | bytes](65_536)
        self._deliver, self.outgoing = trio.open_memory_channel[str](65_536)
        self._unwritten: deque[str] = deque()
        self._progress = trio.Event()
        self._end: tuple[int, str] | None = None
        self._ended = trio.Event()

    @property
    def begun_bytes(self) -> int:
        """See Transport. Whole messages are handed over, or not at all."""
        return self.written_bytes

    def send(self, frame: str | bytes) -> None:
        """See Transport."""
        self._check_open()
        if isinstance(frame, bytes):
            frame = frame.decode()
        self.accepted_bytes += len(frame)
        self._unwritten.append(frame)
        self.write()

    def ping(self) -> None:
        """See Transport. The far end answers at once, unless it is stalled or mute."""
        if self._end is None and not self.stalled and not self.mute:
            self.confirmed_bytes = self.accepted_bytes
            self.heard_bytes += 2

    async def wait_written(self, total: int) -> None:
        """See Transport."""
        while self.written_bytes < total:
            self._check_open()
            await self._progress.wait()

    async def receive(self) -> str | bytes:
        """See Transport."""
        try:
            return await self._messages.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError):
            raise TransportClosed(*(self._end or (NO_CLOSE_FRAME, ""))) from None

    def receive_nowait(self) -> str | bytes | None:
        """See Transport."""
        try:
            return self._messages.receive_nowait()
        except (trio.WouldBlock, trio.EndOfChannel, trio.ClosedResourceError):
            return None

    def goodbye(self, code: int = 1000, reason: str = "") -> None:
        """See Transport. The far end answers at once."""
        if self._end is None:
            self.peer.closed_with = (code, reason)
            self.end(code, reason)

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        """See Transport."""
        self.goodbye(code, reason)
        await trio.lowlevel.checkpoint()

    def end(self, code: int, reason: str) -> None:
        """End both directions."""
        if self._end is None:
            self._end = (code, reason)
            self.incoming.close()
            self._deliver.close()
            self._unwritten.clear()
            self._tell_progress()
            self._ended.set()

    async def hold(self) -> None:
        """Hold the connection until it ends; end it when cancelled, as a socket is closed then."""
        try:
            await self._ended.wait()
        finally:
            self.end(NO_CLOSE_FRAME, "")

    def write(self) -> None:
        """Hand over what the far end takes."""
        while self._unwritten and not self.stalled:
            frame = self._unwritten.popleft()
            self._deliver.send_nowait(frame)
            self.written_bytes += len(frame)
        self._tell_progress()

    def _check_open(self) -> None:
        if self._end is not None:
            raise TransportClosed(*self._end)

    def _tell_progress(self) -> None:
        self._progress.set()
        self._progress = trio.Event()
