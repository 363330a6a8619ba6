"""TLS tickets: the next connection is resumed, and what a ticket must not do."""

from __future__ import annotations

import gc
import ssl
import weakref

import pytest
import trio
import trio.testing
import trustme
from transport_far_end import DIALERS, TEXT, Dial, FarEnd, frame

from trio_live.errors import ConnectError
from trio_live.transport import DialRequest
from trio_live.transport.tickets import ticket_for

AUTHORITY = trustme.CA()
NAME = "live.test"


def server_context(name: str = NAME) -> ssl.SSLContext:
    """Make the context of a server, which has keys of its own for its tickets."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert(name).configure_cert(context)
    return context


def client_context() -> ssl.SSLContext:
    """Make a context that trusts the authority."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


@pytest.fixture(params=list(DIALERS.values()), ids=list(DIALERS))
def dial(request: pytest.FixtureRequest) -> Dial:
    """Give each implementation's dialer."""
    implementation: Dial = request.param
    return implementation


async def resumed(
    dial: Dial, server: ssl.SSLContext, context: ssl.SSLContext, url: str = f"wss://{NAME}/"
) -> bool:
    """Make a connection, use it, close it; say whether the server resumed a TLS session."""
    near, far = trio.testing.memory_stream_pair()
    # Trio's stream hands on what it does not know itself to the engine.
    secured = trio.SSLStream(far, server, server_side=True, https_compatible=True)

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        return near

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(FarEnd(secured).accept)
            try:
                request = DialRequest(url, ssl_context=context)
                transport = await dial(nursery, request, open_stream=open_stream)
                await trio.testing.wait_all_tasks_blocked()
                await secured.send_all(frame(TEXT, b"hello"))
                assert await transport.receive() == "hello"
            finally:
                nursery.cancel_scope.cancel()
    await trio.aclose_forcefully(secured)
    return bool(secured.session_reused)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_next_connection_to_a_server_is_resumed(dial: Dial, version: ssl.TLSVersion) -> None:
    """The first connection of a context gives the ticket, and all others to that server use it."""
    server, context = server_context(), client_context()
    context.maximum_version = version
    assert [await resumed(dial, server, context) for _ in range(4)] == [False, True, True, True]
    assert not await resumed(dial, server, client_context())


async def test_ticket_goes_to_its_own_server_only(dial: Dial) -> None:
    """A ticket stands for a check of the certificate, which was against one name, at one port."""
    server, context = server_context(), client_context()
    assert not await resumed(dial, server, context)
    assert not await resumed(dial, server, context, f"wss://{NAME}:8443/")
    with pytest.raises(ExceptionGroup) as caught:
        await resumed(dial, server, context, "wss://other.test/")
    assert caught.group_contains(ConnectError, match="certificate was not accepted")
    assert ticket_for(context, "other.test", 443) is None


async def test_refused_ticket_is_renewed_but_not_at_each_connection(
    dial: Dial, autojump_clock: trio.testing.MockClock
) -> None:
    """Another server does not know the ticket: the handshake is a full one, and a new one kept.

    Not more often than every ten minutes, since Python leaks memory each time.
    """
    context, second, third = client_context(), server_context(), server_context()
    assert not await resumed(dial, server_context(), context)
    first = ticket_for(context, NAME, 443)
    assert not await resumed(dial, second, context)
    assert ticket_for(context, NAME, 443) is first
    await trio.sleep(600)
    assert not await resumed(dial, third, context)
    assert ticket_for(context, NAME, 443) is not first
    assert await resumed(dial, third, context)


async def test_server_without_tickets(dial: Dial) -> None:
    """Without a ticket there is nothing to keep, and nothing to go wrong."""
    server, context = server_context(), client_context()
    server.num_tickets = 0
    assert [await resumed(dial, server, context) for _ in range(3)] == [False] * 3
    assert ticket_for(context, NAME, 443) is None


async def test_tickets_go_with_their_context(dial: Dial) -> None:
    """A program that makes a context for each session does not collect them."""
    context = client_context()
    assert not await resumed(dial, server_context(), context)
    gone = weakref.ref(context)
    del context
    gc.collect()  # the connection, whose engine hides its hold on the context from this
    gc.collect()
    assert gone() is None
