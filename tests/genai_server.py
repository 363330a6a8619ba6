"""The embedded server for Google's own client, whose scenarios run on both platforms.

The SDK runs on asyncio in a worker thread and forces TLS, so the server has a certificate, and the
SDK finds its authority where OpenSSL does, in SSL_CERT_FILE.
"""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import google.oauth2.credentials
import pytest
import trio
import trustme
from google import genai
from google.genai import types

from trio_live.testing.server import LiveServer, ServerSession

# The SDK's pydantic-based types are not followed by the type checker.
Client = Any
Session = Any
Scenario = Callable[[Client], Awaitable[None]]
Run = Callable[..., Awaitable[None]]

GEMINI: dict[str, Any] = {"api_key": "k"}
EXPRESS: dict[str, Any] = {"vertexai": True, "api_key": "k"}


def bearer() -> dict[str, Any]:
    """Settings of a client on Vertex AI with OAuth."""
    kind: Any = google.oauth2.credentials.Credentials
    credentials = kind("ya29", quota_project_id="payer")
    return {"vertexai": True, "project": "p", "location": "eu", "credentials": credentials}


@cache
def authority() -> trustme.CA:
    """The certificate authority of all these servers."""
    return trustme.CA()


@asynccontextmanager
async def serving(server: LiveServer) -> AsyncIterator[Run]:
    """Serve over TLS; give a function that runs a scenario with a client of the SDK.

    That function takes the scenario, the client's settings, and the API version if it matters.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority().issue_cert("localhost").configure_cert(context)
    with (
        trio.fail_after(60),
        pytest.MonkeyPatch.context() as environment,
        authority().cert_pem.tempfile() as trusted,
    ):
        environment.setenv("SSL_CERT_FILE", trusted)
        environment.setenv("NO_PROXY", "localhost")
        environment.setenv("no_proxy", "localhost")
        for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_CLOUD_PROJECT"):
            environment.delenv(name, raising=False)
        async with server:
            url = await server.listen("localhost", ssl_context=context)

            def run(scenario: Scenario, settings: dict[str, Any], version: str | None) -> None:
                async def main() -> None:
                    options = types.HttpOptions(
                        base_url=url.replace("wss", "https"), api_version=version
                    )
                    client = genai.Client(**settings, http_options=options)
                    async with asyncio.timeout(20), client.aio:
                        await scenario(client)

                asyncio.run(main())

            async def run_in_thread(
                scenario: Scenario,
                settings: dict[str, Any] = GEMINI,
                version: str | None = None,
            ) -> None:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", genai.errors.ExperimentalWarning)
                    # Its old verbs are tried too.
                    warnings.simplefilter("ignore", DeprecationWarning)
                    await trio.to_thread.run_sync(run, scenario, settings, version)

            yield run_in_thread


async def next_handle(session: Session) -> str:
    """Receive until the next resumption handle, which comes after the end of a turn."""
    while True:
        async for message in session.receive():
            update = message.session_resumption_update
            if update and update.resumable:
                return str(update.new_handle)


def kinds(session: ServerSession) -> list[str]:
    """Give the kinds of what a client sent."""
    return [next(iter(message)) for message in session.received]
