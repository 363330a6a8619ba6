"""What a Trio program does without a library: trio-websocket and msgspec in a loop.

No reader of its own, no events, no phases: `get_message` and one typed decode, one encode and
`send_message`. All settings are trio-websocket's own but the largest message, which a session with
video needs larger.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from trio_websocket import WebSocketConnection, open_websocket_url

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

    def __init__(self, websocket: WebSocketConnection) -> None:
        self._websocket = websocket

    async def ask(self, command: str) -> None:
        """Send a user's turn."""
        await self._websocket.send_message(encode_turn(command).decode())

    async def receive(self, arrivals: list[float]) -> int:
        """Read until the turn is complete."""
        get_message, turn = self._websocket.get_message, Turn(arrivals)
        while not turn.take(await get_message()):
            pass
        return turn.size

    async def push(self, chunk: bytes) -> None:
        """Send a chunk; `send_message` returns when its frame is written."""
        await self._websocket.send_message(encode_chunk(chunk).decode())

    async def flush(self) -> None:
        """Nothing is left to be written."""


@asynccontextmanager
async def open_session(url: str, context: ssl.SSLContext | None) -> AsyncIterator[Session]:
    """Connect and set up."""
    async with open_websocket_url(url, context, max_message_size=MAX_MESSAGE_BYTES) as websocket:
        await websocket.send_message(SETUP)
        check_setup(await websocket.get_message())
        yield Session(websocket)
