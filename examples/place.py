"""Where the examples connect: the service that the environment names, or a server of their own.

GEMINI_API_KEY or GOOGLE_API_KEY, or what Vertex AI needs, are read as google-genai reads them.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import trio_live
from trio_live.endpoints import from_environment, key_from_environment, wants_vertex
from trio_live.testing import LiveServer, Model, echo


@asynccontextmanager
async def open_endpoint(
    model: Model = echo, what: str = "echo"
) -> AsyncGenerator[trio_live.Endpoint, None]:
    """Give the real service if the environment names one, else a server of our own."""
    _, key = key_from_environment()
    if key or wants_vertex():
        endpoint = from_environment()
        print(f"server: {endpoint!r}")  # without the key
        yield endpoint
    else:
        async with LiveServer(model) as server:
            url = await server.listen()
            print(f"server: an embedded {what} at {url}")
            yield trio_live.GoogleAI("any-key", base_url=url)
