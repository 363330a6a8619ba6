"""What the tests of sessions share: a session whose far end the test plays, configs, streams."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

import trio_live
from trio_live.testing import LiveServer, MemoryNetwork, MemoryPeer, connect_to
from trio_live.transport import DialRequest, Transport
from trio_live.transport.trio_ws import dial

# Messages are asserted as wholes; their static type would only be in the way.
Json = dict[str, Any]

KEY = "planted-key-5f1d"
ENDPOINT = trio_live.GoogleAI(KEY, base_url="ws://localhost")
CONFIG = trio_live.SessionConfig("gemini-3.8-live", response_modalities=["TEXT"])
MANUAL = trio_live.SessionConfig(
    "gemini-3.8-live", response_modalities=["TEXT"], activity_detection=False
)
SETUP_COMPLETE = b'{"setupComplete":{"sessionId":"s1"}}'
PCM = bytes(640)

leaves_with = pytest.raises
"""Around the `async with` of a session: `with leaves_with(ConnectionLost) as caught:`."""


def text_message(text: str) -> Json:
    """What send_text() puts on the wire."""
    turn = {"role": "user", "parts": [{"text": text}]}
    return {"clientContent": {"turns": [turn], "turnComplete": True}}


def say(text: str) -> bytes:
    """A frame in which the model says a text."""
    return msgspec.json.encode({"serverContent": {"modelTurn": {"parts": [{"text": text}]}}})


def our_tasks() -> list[str]:
    """The names of our tasks, sorted."""
    root = trio.lowlevel.current_root_task()
    assert root is not None
    names: list[str] = []
    waiting = [root]
    while waiting:
        task = waiting.pop()
        names.append(task.name)
        waiting += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return sorted(name for name in names if name.startswith("trio_live "))


def frame(**message: object) -> bytes:
    """Any frame of the service."""
    return msgspec.json.encode(message)


class Wired:
    """A session over memory whose far end is the test; the setup is answered by itself.

    Attributes:
        peer: The far end of the last connection.
    """

    peer: MemoryPeer

    def __init__(self) -> None:
        self._network = MemoryNetwork()

    def open(
        self, config: trio_live.SessionConfig = CONFIG, **settings: Any
    ) -> trio_live.SessionScope:
        transport = trio_live.TransportConfig(dialer=self._dial, **settings)
        return trio_live.open_session(config, endpoint=ENDPOINT, transport=transport)

    async def _dial(self, nursery: trio.Nursery, request: DialRequest) -> Transport:
        client = await self._network.dial(nursery, request)
        self.peer = await self._network.accept()
        self.peer.send(SETUP_COMPLETE)
        return client

    def sent(self) -> list[Json]:
        """What has come here since the last time, the setup left out."""
        frames: list[Json] = []
        while True:
            try:
                frames.append(msgspec.json.decode(self.peer.client.outgoing.receive_nowait()))
            except (trio.WouldBlock, trio.EndOfChannel):
                return [f for f in frames if "setup" not in f]

    def saw_the_end(self) -> bool:
        """Whether the connection has ended here."""
        self.sent()
        try:
            self.peer.client.outgoing.receive_nowait()
        except trio.EndOfChannel:
            return True
        except trio.WouldBlock:
            return False
        return False


def open_with(
    server: LiveServer, config: trio_live.SessionConfig = CONFIG, **settings: Any
) -> trio_live.SessionScope:
    """A session with an embedded server in memory."""
    transport = replace(connect_to(server), **settings)
    return trio_live.open_session(config, endpoint=ENDPOINT, transport=transport)


def open_over(
    open_stream: Callable[[], Awaitable[trio.abc.Stream]],
    config: trio_live.SessionConfig = CONFIG,
    endpoint: trio_live.Endpoint = ENDPOINT,
    **settings: Any,
) -> trio_live.SessionScope:
    """A session over a stream of the test's own."""

    async def open_any(_host: str, _port: int) -> trio.abc.Stream:
        return await open_stream()

    transport = trio_live.TransportConfig(
        dialer=functools.partial(dial, open_stream=open_any), **settings
    )
    return trio_live.open_session(config, endpoint=endpoint, transport=transport)


class Valve(trio.abc.Stream):
    """Passes everything on to another stream until it is shut; then it takes some bytes and stops.

    Attributes:
        opened: Set while it lets everything through.
        leaks: How many bytes it still takes while it is shut.
    """

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self.opened = trio.Event()
        self.opened.set()
        self.leaks = 0

    def shut(self, leaks: int = 0) -> None:
        self.opened = trio.Event()
        self.leaks = leaks

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        rest = bytes(data)
        if not self.opened.is_set():
            leaked, rest = rest[: self.leaks], rest[self.leaks :]
            self.leaks -= len(leaked)
            if leaked:
                await self._stream.send_all(leaked)
            if rest:
                await self.opened.wait()
        if rest:
            await self._stream.send_all(rest)

    async def wait_send_all_might_not_block(self) -> None:
        await self.opened.wait()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        return bytes(await self._stream.receive_some(max_bytes))

    async def aclose(self) -> None:
        await self._stream.aclose()


async def serve_bare(
    stream: trio.abc.Stream, serve: Callable[[WebSocketConnection], Awaitable[None]]
) -> None:
    """Accept a WebSocket and do with it what a test wants; nothing is answered by itself."""
    async with trio.open_nursery() as nursery:
        request = await wrap_server_stream(nursery, stream)
        await serve(await request.accept())
        nursery.cancel_scope.cancel()


async def read_to_the_end(websocket: WebSocketConnection) -> list[Json]:
    """Give all messages up to the end of a connection."""
    messages: list[Json] = []
    try:
        while True:
            messages.append(msgspec.json.decode(await websocket.get_message()))
    except ConnectionClosed:
        return messages


async def collect(source: AsyncIterable[trio_live.SessionEvent]) -> list[trio_live.SessionEvent]:
    """Read events to their end."""
    return [event async for event in source]


async def read_until(
    source: AsyncIterable[trio_live.SessionEvent], kind: type
) -> list[trio_live.SessionEvent]:
    """Read events up to the first of a kind, which is the last of the list."""
    seen: list[trio_live.SessionEvent] = []
    async for event in source:
        seen.append(event)
        if isinstance(event, kind):
            break
    return seen
