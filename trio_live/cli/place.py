"""Where a command connects: the real service, a URL, or a server of its own.

What lives here: that choice, made from --url and the environment. What must not: sessions.

- `--url` with a base URL (no path), such as `trio-live serve` prints, is a host that has the
  service's own paths. With a path it is taken as it is.
- Without `--url`, an API key in the environment means the Gemini API, and what google-genai reads
  for Vertex AI means that (`trio_live.endpoints.from_environment`).
- Without either, an embedded server that echoes is started for the duration of the command.

The key comes from the environment only, where the command line's history cannot keep it, and goes
along to whatever `--url` names.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from trio_live import ConfigError, Custom, Endpoint, GoogleAI
from trio_live.endpoints import (
    API_KEY_VARIABLES,
    from_environment,
    key_from_environment,
    wants_vertex,
    without_query,
)
from trio_live.testing import LiveServer, echo

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

DEFAULT_MODEL: Final = "gemini-3.8-live"

_NO_KEY: Final = "no-key"  # a server of one's own wants to see one, but any will do


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command connects.

    Attributes:
        endpoint: For `open_session`.
        kind: "gemini", "vertex", "url" or "embedded".
        words: What to tell the user.
    """

    endpoint: Endpoint
    kind: str
    words: str


@asynccontextmanager
async def open_place(url: str | None, *, insecure: bool = False) -> AsyncGenerator[Place, None]:
    """Find out where to connect, and run the embedded server if it is there.

    Args:
        url: What `--url` says, if anything.
        insecure: Allow ws:// to another machine.

    Raises:
        ConfigError: The URL, the key or the rest of the environment cannot be used.

    Cancellation: still cleans up. If cancelled, closes the embedded server.
    """
    variable, key = key_from_environment()
    if url is not None:
        try:
            endpoint = _endpoint_of(url, key, insecure=insecure)
        except ConfigError as error:  # it names the argument; here that is an option
            raise ConfigError(str(error).replace("insecure=True", "--insecure")) from error
        yield Place(endpoint, "url", f"server: {without_query(url)}")
    elif wants_vertex():
        yield Place(from_environment(), "vertex", "server: Vertex AI, as the environment has it")
    elif key:
        words = f"server: the Gemini API, with the key in {variable}"
        yield Place(from_environment(), "gemini", words)
    else:
        async with LiveServer(echo) as server:
            base = await server.listen()
            words = (
                f"server: embedded, an echo at {base} "
                f"(for the real service set {API_KEY_VARIABLES[-1]} or give --url)"
            )
            yield Place(GoogleAI(_NO_KEY, base_url=base), "embedded", words)


def _endpoint_of(url: str, key: str, *, insecure: bool) -> Endpoint:
    custom = Custom(url, headers={"x-goog-api-key": key} if key else None, insecure=insecure)
    parts = urlsplit(url)
    if parts.path.strip("/") or parts.query:
        return custom
    if key.startswith("auth_tokens/"):
        return GoogleAI(token=key, base_url=url, insecure=insecure)
    return GoogleAI(key or _NO_KEY, base_url=url, insecure=insecure)
