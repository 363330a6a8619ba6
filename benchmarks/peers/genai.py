"""Google's own client: google-genai's asynchronous live session, on asyncio.

Used as documented: `send_realtime_input(audio=...)`, and ``async for`` over `receive()`.
With an API key it turns every base URL into ``wss:``, so it is measured over TLS only.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager

from google import genai
from google.genai import live, types

from benchmarks.peers import T


def run(main: Callable[[], Coroutine[object, object, T]]) -> T:
    """Run `main` under asyncio."""
    return asyncio.run(main())


async def together(jobs: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Run the jobs as tasks."""
    await asyncio.gather(*(job() for job in jobs))


class Session:
    """A google-genai session."""

    def __init__(self, session: live.AsyncSession) -> None:
        self._session = session

    async def ask(self, command: str) -> None:
        """Send a user's turn."""
        turn = types.Content(role="user", parts=[types.Part(text=command)])
        await self._session.send_client_content(turns=turn, turn_complete=True)

    async def receive(self) -> tuple[int, int]:
        """Count audio until the turn is complete, where `receive` ends."""
        messages = size = 0
        async for message in self._session.receive():
            content = message.server_content
            if content is None or content.model_turn is None:
                continue
            for part in content.model_turn.parts or ():
                if part.inline_data is not None and part.inline_data.data is not None:
                    messages += 1
                    size += len(part.inline_data.data)
        return messages, size

    async def send(self, chunk: bytes, count: int, period: float, delay: float) -> None:
        """Send chunks; each send returns when its frame is with the transport."""
        session, loop = self._session, asyncio.get_running_loop()
        due = loop.time() + delay
        for _ in range(count):
            if period:
                await asyncio.sleep(due - loop.time())
                due += period
            blob = types.Blob(data=chunk, mime_type="audio/pcm;rate=16000")
            await session.send_realtime_input(audio=blob)


@asynccontextmanager
async def open_session(url: str, context: ssl.SSLContext | None) -> AsyncIterator[Session]:
    """Connect and set up."""
    if context is None:
        raise ValueError("google-genai connects over TLS only")
    options = types.HttpOptions(
        base_url=url.replace("wss:", "https:", 1), async_client_args={"ssl": context}
    )
    client = genai.Client(api_key="k", vertexai=False, http_options=options)
    config = types.LiveConnectConfig(response_modalities=[types.Modality.AUDIO])
    async with client.aio.live.connect(model="models/bench", config=config) as session:
        yield Session(session)
