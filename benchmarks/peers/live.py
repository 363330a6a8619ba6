"""The library itself, used as its tutorial shows, with its default settings."""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.inputs import MODEL
from benchmarks.peers.on_trio import Event, run, sleep_until, together
from trio_live import (
    AudioData,
    Custom,
    Reconnected,
    SessionConfig,
    SessionHandle,
    TransportConfig,
    TurnComplete,
)
from trio_live import open_session as open_live_session

__all__ = ["Event", "open_session", "run", "sleep_until", "together"]


class Session:
    """A trio_live session."""

    def __init__(self, session: SessionHandle) -> None:
        self._session = session
        self.ask = session.send_text
        self.push = session.send_audio
        self.push_from = session.send_audio_from
        self.flush = session.flush

    async def receive(self, arrivals: list[float]) -> int:
        """Read until the turn is complete."""
        size, now = 0, time.monotonic
        async for event in self._session:
            match event:
                case AudioData(data=data):
                    arrivals.append(now())
                    size += len(data)
                case TurnComplete():
                    return size
        raise RuntimeError("the session ended within a turn")

    async def reconnected(self) -> bool:
        """Read until the session has another connection; say whether it was resumed."""
        async for event in self._session:
            if isinstance(event, Reconnected):
                return event.restored
        raise RuntimeError("the session ended without its connection")


@asynccontextmanager
async def open_session(
    url: str, context: ssl.SSLContext | None, transport: TransportConfig | None = None
) -> AsyncIterator[Session]:
    """Connect and set up."""
    config = SessionConfig(MODEL, response_modalities=["AUDIO"])
    endpoint = Custom(url, headers={"x-goog-api-key": "k"})
    async with open_live_session(
        config, endpoint=endpoint, ssl_context=context, transport=transport
    ) as session:
        yield Session(session)
