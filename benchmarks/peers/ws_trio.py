"""The websockets library's own connection on Trio, and msgspec; compression off."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.trio.client import ClientConnection, connect

from benchmarks.peers.messages import (
    MAX_MESSAGE_BYTES,
    SETUP,
    Turn,
    check_setup,
    encode_chunk,
    encode_turn,
)
from benchmarks.peers.on_trio import Event, run, sleep_until, together

__all__ = ["Event", "open_session", "run", "sleep_until", "together"]


class Session:
    """A WebSocket after setup."""

    def __init__(self, websocket: ClientConnection) -> None:
        self._websocket = websocket

    async def ask(self, command: str) -> None:
        """Send a user's turn."""
        await self._websocket.send(encode_turn(command), text=True)

    async def receive(self, arrivals: list[float]) -> int:
        """Read until the turn is complete, without decoding text twice."""
        recv, turn = self._websocket.recv, Turn(arrivals)
        while not turn.take(await recv(decode=False)):
            pass
        return turn.size

    async def push(self, chunk: bytes) -> None:
        """Send a chunk; `send` returns when its frame is written."""
        await self._websocket.send(encode_chunk(chunk), text=True)

    async def flush(self) -> None:
        """Nothing is left to be written."""


@asynccontextmanager
async def open_session(url: str, context: ssl.SSLContext | None) -> AsyncIterator[Session]:
    """Connect and set up."""
    async with connect(
        url, ssl=context, compression=None, max_size=MAX_MESSAGE_BYTES, proxy=None
    ) as websocket:
        await websocket.send(SETUP)
        check_setup(await websocket.recv())
        yield Session(websocket)
