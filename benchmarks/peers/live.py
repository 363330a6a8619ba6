"""The library itself, used as its tutorial shows, with its default settings."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from benchmarks.peers.on_trio import run, together
from trio_live import (
    AudioData,
    Custom,
    SessionConfig,
    SessionHandle,
    TransportConfig,
    TurnComplete,
)
from trio_live import open_session as open_live_session

__all__ = ["open_session", "run", "together"]


class Session:
    """A trio_live session."""

    def __init__(self, session: SessionHandle) -> None:
        self._session = session

    async def ask(self, command: str) -> None:
        """Send a user's turn."""
        await self._session.send_text(command)

    async def receive(self) -> tuple[int, int]:
        """Count audio until the turn is complete."""
        messages = size = 0
        async for event in self._session:
            match event:
                case AudioData(data=data):
                    messages += 1
                    size += len(data)
                case TurnComplete():
                    return messages, size
        raise RuntimeError("the session ended within a turn")

    async def send(self, chunk: bytes, count: int, period: float, delay: float) -> None:
        """Send chunks, then wait until all are written."""
        session = self._session
        due = trio.current_time() + delay
        for _ in range(count):
            if period:
                await trio.sleep_until(due)
                due += period
            await session.send_audio(chunk)
        await session.flush()


@asynccontextmanager
async def open_session(
    url: str, context: ssl.SSLContext | None, transport: TransportConfig | None = None
) -> AsyncIterator[Session]:
    """Connect and set up."""
    config = SessionConfig("models/bench", response_modalities=["AUDIO"])
    endpoint = Custom(url, headers={"x-goog-api-key": "k"})
    async with open_live_session(
        config, endpoint=endpoint, ssl_context=context, transport=transport
    ) as session:
        yield Session(session)
