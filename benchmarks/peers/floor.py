"""The floor: Trio's own streams and the same bytes, without WebSocket, JSON, tasks or queues.

What is sent was encoded beforehand; what is received is only counted, by the size that the server's
frames have. No client can be cheaper on these streams.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

import trio

from benchmarks.inputs import RECEIVED_BYTES, SENT_BYTES, TEXT, audio_json, chunk_json, frame, pcm
from benchmarks.peers.messages import SETUP, encode_turn
from benchmarks.peers.on_trio import Event, run, sleep_until, together

__all__ = ["Event", "open_session", "run", "sleep_until", "together"]

READ_SIZE: Final = 65_536
RECEIVED_FRAME: Final = len(frame(TEXT, audio_json(pcm(RECEIVED_BYTES, 0))))
SENT_FRAME: Final = frame(TEXT, chunk_json(pcm(SENT_BYTES, 0)), masked=True)
TURN_COMPLETE: Final = b'"turnComplete":true}}'
UPGRADE: Final = (
    b"GET / HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Session:
    """A stream after setup."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream

    async def until(self, end: bytes) -> None:
        """Read until what comes ends so."""
        seen = b""
        while not seen.endswith(end):
            seen += await self._stream.receive_some(READ_SIZE)

    async def ask(self, command: str) -> None:
        """Send a user's turn."""
        await self._stream.send_all(frame(TEXT, encode_turn(command), masked=True))

    async def receive(self, arrivals: list[float]) -> int:
        """Count frames until the turn is complete."""
        receive_some = self._stream.receive_some
        size = counted = 0
        while True:
            data = await receive_some(READ_SIZE)
            if not data:
                raise RuntimeError("the connection ended within a turn")
            size += len(data)
            while size - counted >= RECEIVED_FRAME:
                counted += RECEIVED_FRAME
                arrivals.append(time.monotonic())
            if data.endswith(TURN_COMPLETE):
                return RECEIVED_BYTES * (counted // RECEIVED_FRAME)

    async def push(self, chunk: bytes) -> None:
        """Send the frame of a chunk."""
        await self._stream.send_all(SENT_FRAME)

    async def flush(self) -> None:
        """Nothing is left to be written."""


@asynccontextmanager
async def open_session(url: str, context: ssl.SSLContext | None) -> AsyncIterator[Session]:
    """Connect and set up."""
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    stream: trio.abc.Stream = await trio.open_tcp_stream(address.hostname, address.port)
    if context is not None:
        stream = trio.SSLStream(
            stream, context, server_hostname=address.hostname, https_compatible=True
        )
    async with stream:
        session = Session(stream)
        await stream.send_all(UPGRADE)
        await session.until(b"\r\n\r\n")
        await stream.send_all(frame(TEXT, SETUP.encode(), masked=True))
        await session.until(b"}}")
        yield session
