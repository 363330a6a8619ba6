"""Connections that end after any number of bytes, in the middle of frames and handshakes, too.

The far end is the model of resumption behind a real WebSocket.
"""

from __future__ import annotations

import random
from collections import Counter

import msgspec
import pytest
import trio
import trio.testing
from ledger_model import ModelService
from session_parts import SETUP_COMPLETE, Json, open_over, serve_bare
from trio.testing import MockClock
from trio_websocket import ConnectionClosed, HandshakeError, WebSocketConnection
from wsproto.utilities import LocalProtocolError

import trio_live
from trio_live import Reconnected

TEXTS = [f"text {number:02}" for number in range(30)]


class Cut(trio.abc.Stream):
    """A stream that ends when so many bytes have gone through it, both ways together."""

    def __init__(self, stream: trio.abc.Stream, size: int) -> None:
        self._stream = stream
        self._left = size

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(bytes(data)[: self._left])
        await self._count(len(data))
        if self._left <= 0:
            raise trio.BrokenResourceError

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        data = bytes(await self._stream.receive_some(max_bytes))[: max(0, self._left)]
        await self._count(len(data))
        return data

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def _count(self, size: int) -> None:
        self._left -= size
        if self._left <= 0:
            await trio.aclose_forcefully(self._stream)


class Far:
    """The service, and the network to it.

    Attributes:
        service: Its states.
        arrived: Every text that was read, in order, those of all connections.
        connections: How many were begun.
    """

    def __init__(self, nursery: trio.Nursery, rng: random.Random) -> None:
        self.service = ModelService()
        self.arrived: list[str] = []
        self.connections = 0
        self._nursery = nursery
        self._rng = rng

    async def open_stream(self) -> trio.abc.Stream:
        """Connect; the first connection lasts until there is a handle."""
        await trio.lowlevel.checkpoint()
        near, far = trio.testing.memory_stream_pair()
        self.connections += 1
        self._nursery.start_soon(self._serve, far)
        return Cut(near, self._rng.randrange(1, 3_000) + (1_000 if self.connections == 1 else 0))

    async def _serve(self, stream: trio.abc.Stream) -> None:
        try:
            await serve_bare(stream, self._talk)
        except* (ConnectionClosed, HandshakeError, trio.BrokenResourceError):
            pass  # it was cut
        except* (trio.ClosedResourceError, LocalProtocolError):
            pass  # trio-websocket answers a ping that comes after its own close frame

    async def _talk(self, websocket: WebSocketConnection) -> None:
        service = self.service
        setup: Json = msgspec.json.decode(await websocket.get_message())
        service.connect(setup["setup"]["sessionResumption"].get("handle"))
        await websocket.send_message(SETUP_COMPLETE.decode())
        while True:
            if self._rng.random() < 0.5 or not service.history:
                handle, consumed = service.update()
                update = {"newHandle": handle, "resumable": True}
                update["lastConsumedClientMessageIndex"] = str(consumed)
                message = msgspec.json.encode({"sessionResumptionUpdate": update})
                await websocket.send_message(message.decode())
            said: Json = msgspec.json.decode(await websocket.get_message())
            text = said["clientContent"]["turns"][0]["parts"][0]["text"]
            service.wire.append(text)
            service.read(1)
            self.arrived.append(text)


@pytest.mark.parametrize("transparent", [True, False], ids=["transparent", "plain"])
async def test_drops_at_any_byte_lose_nothing_silently(
    autojump_clock: MockClock, transparent: bool
) -> None:
    """Law 4: nothing lost or doubled where the service helps; else what is lost was reported.

    Transparent: in the end the service has every text, once, in order. Plain: it reads each at most
    once, in order, and what it has not read was counted.
    """
    connections = missing = 0
    for seed in range(40):
        rng = random.Random(seed)
        reported: Counter[str] = Counter()
        policy = trio_live.ReconnectPolicy(
            first_ceiling=0.1,
            max_delay=0.1,
            max_attempts=1_000,
            give_up_after=1e9,
            transparent=transparent,
            rng=random.Random(seed),
        )
        with trio.fail_after(5_000):
            async with trio.open_nursery() as nursery:
                far = Far(nursery, rng)
                endpoint = trio_live.Custom("ws://localhost/live")
                async with open_over(
                    far.open_stream, reconnect=policy, endpoint=endpoint, silence_timeout=None
                ) as session:
                    for text in TEXTS:
                        await session.send_text(text)
                        if rng.random() < 0.7:
                            await trio.sleep(rng.random())
                    await session.flush()
                    await trio.sleep(30)
                    await session.disconnect()
                    async for event in session:
                        if isinstance(event, Reconnected):
                            reported.update(event.uncertain)
                            reported.update(event.dropped)
                nursery.cancel_scope.cancel()
        connections += far.connections
        if transparent:
            assert far.service.history == TEXTS, seed
            assert not reported, seed
        else:
            assert far.arrived == sorted(set(far.arrived)), seed
            assert len(TEXTS) - len(far.arrived) <= reported["SendText"], seed
            missing += len(TEXTS) - len(far.arrived)
    assert connections > 80
    assert bool(missing) is not transparent
