"""Google's own client: google-genai's asynchronous live session, on asyncio.

Used as documented: `send_realtime_input(audio=...)`, and ``async for`` over `receive()`.
With an API key it turns every base URL into ``wss:``, so it is measured over TLS only.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from google import genai
from google.genai import live, types

from benchmarks.inputs import MODEL
from benchmarks.peers.on_asyncio import Event, run, sleep_until, together

__all__ = ["Event", "open_session", "run", "sleep_until", "together"]


class Session:
    """A google-genai session."""

    def __init__(self, session: live.AsyncSession) -> None:
        self._session = session

    async def ask(self, command: str) -> None:
        """Send a user's turn."""
        turn = types.Content(role="user", parts=[types.Part(text=command)])
        await self._session.send_client_content(turns=turn, turn_complete=True)

    async def receive(self, arrivals: list[float]) -> int:
        """Read until the turn is complete, where `receive` ends."""
        size, now = 0, time.monotonic
        async for message in self._session.receive():
            content = message.server_content
            if content is None or content.model_turn is None:
                continue
            for part in content.model_turn.parts or ():
                if part.inline_data is not None and part.inline_data.data is not None:
                    arrivals.append(now())
                    size += len(part.inline_data.data)
        return size

    async def push(self, chunk: bytes) -> None:
        """Send a chunk; returns when its frame is with the loop."""
        blob = types.Blob(data=chunk, mime_type="audio/pcm;rate=16000")
        await self._session.send_realtime_input(audio=blob)

    async def flush(self) -> None:
        """The loop writes what is left; nobody can wait for it."""


@cache
def client(url: str, context: ssl.SSLContext) -> genai.Client:
    """Make one client for all sessions: each has SSL contexts of its own, 20 ms and 1 MiB."""
    options = types.HttpOptions(
        base_url=url.replace("wss:", "https:", 1), async_client_args={"ssl": context}
    )
    return genai.Client(api_key="k", vertexai=False, http_options=options)


@asynccontextmanager
async def open_session(url: str, context: ssl.SSLContext | None) -> AsyncIterator[Session]:
    """Connect and set up."""
    if context is None:
        raise ValueError("google-genai connects over TLS only")
    config = types.LiveConnectConfig(response_modalities=[types.Modality.AUDIO])
    async with client(url, context).aio.live.connect(model=MODEL, config=config) as session:
        yield Session(session)
