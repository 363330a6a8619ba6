"""A TCP proxy that is a bad network: it is late, and it breaks connections in five ways.

What lives here: `FaultyProxy`, its faults, all drawn from one seed. What must not: WebSocket, and
who is connected.
"""

from __future__ import annotations

import random
import socket
import struct
from contextlib import suppress
from typing import Final

import trio

FAULTS: Final = ("drop", "rst", "half-open", "stall", "truncate")
"""What can happen to a connection:

* drop: both sides see its end;
* rst: both sides are reset;
* half-open: the server is reset, the client hears nothing any more;
* stall: nothing passes, neither bytes nor ends, and after `hold` seconds both are reset;
* truncate: a random part of the next bytes passes, in one of the directions, then both see the end.
"""

_CHUNK: Final = 65_536
_GONE: Final = (trio.BrokenResourceError, trio.ClosedResourceError)


class _Link:
    """One connection through the proxy."""

    def __init__(
        self, client: trio.SocketStream, server: trio.SocketStream, rng: random.Random
    ) -> None:
        self._client = client
        self._server = server
        self._rng = rng
        self._scope = trio.CancelScope()
        self._frozen = False
        self._torn: trio.SocketStream | None = None  # where only a part arrives
        self.broken = False

    async def run(self, latency: float) -> None:
        """Pass bytes on until both sides have ended, or it is cut."""
        with self._scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._read, self._client, self._server, latency)
                nursery.start_soon(self._read, self._server, self._client, latency)
        await trio.aclose_forcefully(self._client)
        await trio.aclose_forcefully(self._server)

    async def cut(self, fault: str, hold: float) -> None:
        """Let a fault happen; returns when it is over for the link's task."""
        self.broken = True
        if fault == "truncate":
            self._torn = self._rng.choice((self._client, self._server))
            return
        if fault in ("half-open", "stall"):
            self._frozen = True
            if fault == "half-open":
                _reset(self._server)
                await trio.aclose_forcefully(self._server)
            await trio.sleep(hold)
        if fault != "drop":
            _reset(self._client)
            _reset(self._server)
        self._scope.cancel()

    async def _read(
        self, source: trio.SocketStream, sink: trio.SocketStream, latency: float
    ) -> None:
        arriving, leaving = trio.open_memory_channel[tuple[float, bytes]](256)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write, leaving, sink)
            async with arriving:
                data = b"-"
                while data:
                    try:
                        data = bytes(await source.receive_some(_CHUNK))
                    except _GONE:
                        await self._stay_silent()
                        _reset(sink)
                        self._scope.cancel()
                        return
                    await arriving.send((trio.current_time() + latency, data))

    async def _write(
        self, leaving: trio.MemoryReceiveChannel[tuple[float, bytes]], sink: trio.SocketStream
    ) -> None:
        async for due, data in leaving:
            await trio.sleep_until(due)
            await self._stay_silent()
            try:
                if not data:
                    await sink.send_eof()
                elif sink is self._torn:
                    await sink.send_all(data[: self._rng.randrange(len(data))])
                    self._scope.cancel()
                else:
                    await sink.send_all(data)
            except _GONE:
                await self._stay_silent()
                self._scope.cancel()
                return

    async def _stay_silent(self) -> None:
        if self._frozen:
            await trio.sleep_forever()


class FaultyProxy:
    """Passes connections on to a port of this machine, and breaks them.

    Args:
        port: Where to.
        seed: Of everything that is random.
        mean_life: Seconds after which a connection is broken, in the mean; None for never.
        latency: Seconds that everything takes in each direction.
        jitter: Seconds that a connection may be slower than that, in each direction.
        hold: Seconds for which a silent connection stays open.

    Attributes:
        happened: How many faults of each kind there were.
        connections: How many connections there were.
    """

    def __init__(
        self,
        port: int,
        *,
        seed: int = 0,
        mean_life: float | None = None,
        latency: float = 0.0,
        jitter: float = 0.0,
        hold: float = 8.0,
    ) -> None:
        self.happened = dict.fromkeys(FAULTS, 0)
        self.connections = 0
        self._port = port
        self._rng = random.Random(seed)
        self._mean_life = mean_life
        self._latency = latency
        self._jitter = jitter
        self._hold = hold
        self._links: dict[_Link, None] = {}
        self._ended = trio.Event()  # replaced at the end of every connection

    @property
    def open(self) -> int:
        """How many connections are open."""
        return len(self._links)

    async def listen(self, nursery: trio.Nursery) -> int:
        """Listen on a port of this machine, and return it."""
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=2_048)
        nursery.start_soon(trio.serve_listeners, self._serve, [listener])
        port: int = listener.socket.getsockname()[1]
        return port

    async def cut_all(self, fault: str) -> int:
        """Break all connections that are open now, and return how many they were."""
        links = [link for link in self._links if not link.broken]
        self.happened[fault] += len(links)
        async with trio.open_nursery() as nursery:
            for link in links:
                nursery.start_soon(link.cut, fault, self._hold)
        return len(links)

    async def wait_closed(self) -> None:
        """Wait until no connection is open."""
        while self._links:
            await self._ended.wait()

    async def _serve(self, client: trio.SocketStream) -> None:
        rng = random.Random(self._rng.random())
        self.connections += 1
        with suppress(OSError, *_GONE):
            server = await trio.open_tcp_stream("127.0.0.1", self._port)
            link = _Link(client, server, rng)
            self._links[link] = None
            try:
                async with trio.open_nursery() as nursery:
                    if self._mean_life is not None:
                        nursery.start_soon(self._doom, link, rng, self._mean_life)
                    await link.run(self._latency + rng.uniform(0, self._jitter))
                    nursery.cancel_scope.cancel()
            finally:
                del self._links[link]
                self._ended.set()
                self._ended = trio.Event()

    async def _doom(self, link: _Link, rng: random.Random, mean_life: float) -> None:
        await trio.sleep(rng.expovariate(1 / mean_life))
        fault = rng.choice(FAULTS)
        self.happened[fault] += 1
        await link.cut(fault, self._hold)


def _reset(stream: trio.SocketStream) -> None:
    """Let the coming close be a reset."""
    with suppress(OSError):  # closed already
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
