"""Access tokens of a session that outlives its connections: each has one, in time."""

from __future__ import annotations

import pytest
import trio
from lasting_parts import Lasting
from session_parts import frame, leaves_with, read_until
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_live import ConnectionLost, Reconnected, Reconnecting, SessionResumeUpdate, VertexAI


class Tokens:
    """A function that gives tokens, or fails.

    Attributes:
        asked: How often it was asked.
        failures: What it raises the next times, one each.
        ready: Set while tokens can be had.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.failures: list[Exception] = []
        self.ready = trio.Event()
        self.ready.set()

    async def __call__(self) -> str:
        self.asked += 1
        await self.ready.wait()
        if self.failures:
            raise self.failures.pop(0)
        return f"token-{self.asked}"

    def endpoint(self) -> VertexAI:
        """A place whose credentials these are."""
        return VertexAI("p", credentials=self, base_url="ws://localhost")


def token_of(far: Lasting, index: int) -> str:
    """The token that a connection was dialled with."""
    return dict(far.requests[index].headers)["Authorization"]


def wrapped() -> Exception:
    """A network failure as an HTTP client tells it."""
    try:
        try:
            raise ConnectionResetError("gone")
        except OSError as error:
            raise RuntimeError("could not post") from error
    except RuntimeError as error:
        return error


async def test_token_is_fetched_before_a_planned_move(autojump_clock: MockClock) -> None:
    """While the old connection works: the gap does not wait for it."""
    far, tokens = Lasting(), Tokens()
    with trio.fail_after(60):
        async with far.open(endpoint=tokens.endpoint()) as session:
            far.give_handle()
            await read_until(session, SessionResumeUpdate)
            tokens.ready = trio.Event()
            far.peer.send(frame(goAway={"timeLeft": "50s"}))
            await trio.sleep(3)
            assert (tokens.asked, far.peers[0].closed_with) == (2, None)
            tokens.ready.set()
            told = (await read_until(session, Reconnected))[-1]
            assert told == Reconnected(True, 0.0, {}, {}, {})
            assert [token_of(far, 0), token_of(far, 1)] == ["Bearer token-1", "Bearer token-2"]


async def test_network_that_fails_the_token_too_is_waited_for(autojump_clock: MockClock) -> None:
    """What drops the connection drops the way to the tokens as well: that passes."""
    far, tokens = Lasting(), Tokens()
    with trio.fail_after(60):
        async with far.open(endpoint=tokens.endpoint()) as session:
            await wait_all_tasks_blocked()
            tokens.failures = [OSError("no route"), wrapped(), trio.TooSlowError()]
            far.peer.close()
            happened = await read_until(session, Reconnected)
            attempts = [event.attempt for event in happened if isinstance(event, Reconnecting)]
            assert attempts == [1, 2, 3, 4]


async def test_token_that_is_refused_ends_the_session_at_once(autojump_clock: MockClock) -> None:
    """Nobody says that it passes."""
    far, tokens = Lasting(), Tokens()
    with trio.fail_after(60), leaves_with(ConnectionLost) as caught:
        async with far.open(endpoint=tokens.endpoint()):
            tokens.failures = [ValueError("revoked")]
            far.peer.close()
            await trio.sleep_forever()
    assert tokens.asked == 2
    assert not caught.value.retryable


@pytest.mark.parametrize("error", [FileNotFoundError("no key file"), PermissionError("closed")])
async def test_file_that_is_not_there_is_no_network(
    autojump_clock: MockClock, error: OSError
) -> None:
    """An OSError of the disk does not pass."""
    far, tokens = Lasting(), Tokens()
    with trio.fail_after(60), leaves_with(ConnectionLost):
        async with far.open(endpoint=tokens.endpoint()):
            tokens.failures = [error]
            far.peer.close()
            await trio.sleep_forever()
    assert tokens.asked == 2
