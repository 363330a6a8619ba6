"""Every endpoint against the embedded server: who is let in, and how the others are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from trio_live import (
    ConnectError,
    Custom,
    Endpoint,
    GoogleAI,
    LiveError,
    SessionConfig,
    SetupError,
    VertexAI,
    open_session,
)
from trio_live.testing import LiveServer, connect_to

HERE = "ws://localhost"
GATEWAY = f"{HERE}/ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContent"


def giving(token: str) -> Any:
    """Make a function for OAuth."""

    async def give() -> str:
        await trio.lowlevel.checkpoint()
        return token

    return give


ENDPOINTS: list[tuple[Callable[[str], Endpoint], str]] = [
    (lambda key: GoogleAI(key, base_url=HERE), "models/m"),
    (lambda key: GoogleAI(key, base_url=HERE, api_version="v1alpha"), "models/m"),
    (lambda key: GoogleAI(credentials=giving(key), base_url=HERE), "models/m"),
    (lambda key: Custom(f"{GATEWAY}?key={key}", model_name="models/{}".format), "models/m"),
    (lambda key: Custom(GATEWAY, headers={"x-goog-api-key": key}), "models/m"),
    (lambda key: VertexAI(api_key=key, base_url=HERE), "publishers/google/models/m"),
    (
        lambda key: VertexAI("p", "eu", credentials=giving(key), base_url=HERE, api_version="v1"),
        "projects/p/locations/eu/publishers/google/models/m",
    ),
]


async def open_with(endpoint: Endpoint, server: LiveServer, model: str = "m") -> None:
    """Open a session and leave it."""
    transport = connect_to(server)
    async with open_session(SessionConfig(model), endpoint=endpoint, transport=transport):
        pass


@pytest.mark.parametrize(("make", "name"), ENDPOINTS)
async def test_endpoint_is_let_in_with_good_credentials(
    make: Callable[[str], Endpoint], name: str, autojump_clock: MockClock
) -> None:
    """Path, credentials and the model's name are as the platform wants them."""
    with trio.fail_after(600):
        async with LiveServer(api_keys=["good"], bearer_tokens=["good"]) as server:
            endpoint = make("good")
            # Custom leaves names as they are, so that the whole one must be said.
            model = "m" if endpoint.model_name("m") == name else name
            await open_with(endpoint, server, model)
            assert server.sessions[0].setup["model"] == name


@pytest.mark.parametrize(("make", "name"), ENDPOINTS)
async def test_endpoint_is_turned_away_with_bad_credentials(
    make: Callable[[str], Endpoint], name: str, autojump_clock: MockClock
) -> None:
    """OAuth is refused at the upgrade, a key in answer to the setup; neither is worth a retry."""
    with trio.fail_after(600):
        async with LiveServer(api_keys=["good"], bearer_tokens=["good"]) as server:
            with pytest.raises(LiveError) as caught:
                await open_with(make("bad"), server)
    error = caught.value
    if isinstance(error, ConnectError):
        assert (error.status, error.retryable) == (401, False)
    else:
        assert isinstance(error, SetupError)
        assert (error.code, error.retryable) == (1007, False)
        assert error.reason == "API key not valid. Please pass a valid API key."


async def test_each_connection_asks_for_a_token_of_its_own(autojump_clock: MockClock) -> None:
    """One endpoint serves many sessions, and each has the token of its time."""
    numbers = iter(range(3))

    async def give() -> str:
        await trio.lowlevel.checkpoint()
        return f"t{next(numbers)}"

    endpoint = VertexAI("p", credentials=give, base_url=HERE, quota_project="payer")
    with trio.fail_after(600):
        async with LiveServer() as server:
            for _ in range(3):
                await open_with(endpoint, server)
            assert [
                (session.headers["authorization"], session.headers["x-goog-user-project"])
                for session in server.sessions
            ] == [(f"Bearer t{number}", "payer") for number in range(3)]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirect_is_refused_with_its_reason(status: int, autojump_clock: MockClock) -> None:
    """Credentials do not go to wherever an answer points."""
    with trio.fail_after(600):
        async with LiveServer() as server:
            server.upgrade_status = status
            with pytest.raises(ConnectError) as caught:
                await open_with(GoogleAI("k", base_url=HERE), server)
    assert str(caught.value) == (
        f"localhost refused the WebSocket upgrade with HTTP {status}: redirects are not followed, "
        "because credentials would go with them"
    )
    assert (caught.value.status, caught.value.retryable) == (status, False)
