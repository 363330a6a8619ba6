"""Connections over real sockets and real TLS: what only the operating system can do to them."""

from __future__ import annotations

import errno
import gc
import os
import select
import socket
import ssl
import struct
import sys
import tracemalloc
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest
import trio
import trustme
from transport_far_end import (
    CLOSE,
    DIALERS,
    PING,
    PONG,
    TEXT,
    Connection,
    Dial,
    FarEnd,
    cancel_at_every_step,
    close_frame,
    close_payload,
    frame,
)

from trio_live.errors import ConnectError
from trio_live.transport import NO_CLOSE_FRAME, DialRequest, Transport, TransportClosed, opening
from trio_live.transport.sockets import DirectSocket
from trio_live.transport.tls import TlsStream

GOODBYE = (CLOSE, close_payload(1000))


@pytest.fixture(params=list(DIALERS.values()), ids=list(DIALERS))
def dial(request: pytest.FixtureRequest) -> Dial:
    """Give each implementation's dialer."""
    implementation: Dial = request.param
    return implementation


def open_sockets() -> list[str]:
    """Give the sockets that this process has open, where the system can tell."""
    links = []
    for number in os.listdir("/proc/self/fd") if sys.platform == "linux" else []:
        with suppress(OSError):  # the descriptor of the listing itself
            links.append(os.readlink(f"/proc/self/fd/{number}"))
    return sorted(link for link in links if link.startswith("socket:"))


@pytest.fixture(autouse=True)
def no_socket_is_left() -> Iterator[None]:
    """Check that a test has closed all sockets that it opened, and none by the collector."""
    before = open_sockets()
    yield
    assert open_sockets() == before
    gc.collect()  # an unclosed socket would warn, and warnings are errors


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Give a certificate authority."""
    return trustme.CA()


@pytest.fixture(scope="module")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """Give a server's context with a certificate for localhost."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    """Give a client's context that trusts the authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


class Server:
    """A socket that listens; the test accepts.

    Attributes:
        url: Where.
        transport: The near end, once dialled.
        far: The far end, once accepted.
    """

    transport: Transport
    far: FarEnd

    def __init__(self, listener: trio.SocketListener) -> None:
        self.listener = listener
        self.port: int = listener.socket.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/live"

    async def accept(self) -> trio.SocketStream:
        """Accept one connection."""
        stream = await self.listener.accept()
        self.far = FarEnd(stream)
        return stream

    async def accept_and_upgrade(self) -> None:
        """Accept one connection, and its upgrade."""
        await self.accept()
        await self.far.accept()

    def reset(self) -> None:
        """Drop the connection with a TCP reset."""
        assert isinstance(self.far.stream, trio.SocketStream)
        self.far.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.far.stream.socket.close()


@asynccontextmanager
async def listening(*, receive_buffer: int | None = None) -> AsyncGenerator[Server]:
    """Listen on a free port."""
    with trio.fail_after(60):
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        if receive_buffer is not None:
            listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        async with listener:
            yield Server(listener)


@asynccontextmanager
async def connected(dial: Dial, *, receive_buffer: int | None = None) -> AsyncGenerator[Server]:
    """Connect over TCP, and close both ends when the block is left."""
    async with listening(receive_buffer=receive_buffer) as server, trio.open_nursery() as nursery:
        async with trio.open_nursery() as accepting:
            accepting.start_soon(server.accept_and_upgrade)
            server.transport = await dial(nursery, DialRequest(server.url))
        yield server
        await server.far.stream.aclose()
        nursery.cancel_scope.cancel()


def arrived(server: Server) -> bytes:
    """Take what the far end's socket has received, without any task having run."""
    assert isinstance(server.far.stream, trio.SocketStream)
    fileno = server.far.stream.socket.fileno()
    readable, _, _ = select.select([fileno], [], [], 5)
    assert readable == [fileno]
    with socket.socket(fileno=os.dup(fileno)) as twin:
        return twin.recv(65_536)


def unmasked(data: bytes) -> bytes:
    """Give the payload of one short masked frame."""
    return bytes(byte ^ data[2 + n % 4] for n, byte in enumerate(data[6:]))


async def test_send_is_on_the_wire_before_any_task_runs(dial: Dial) -> None:
    """A send writes at once what the socket takes, without a switch of tasks."""
    async with connected(dial) as server:
        before = server.transport.accepted_bytes
        server.transport.send("at once")
        assert unmasked(arrived(server)) == b"at once"
        counts = (server.transport.accepted_bytes, server.transport.written_bytes)
        assert counts == (before + 13, before + 13)


async def test_sends_that_follow_each_other_are_one_write(dial: Dial) -> None:
    """The first is written at once, those behind it together, when others may run."""
    async with connected(dial) as server:
        server.transport.send("at once")
        assert unmasked(arrived(server)) == b"at once"
        before = server.transport.written_bytes
        for number in range(3):
            server.transport.send(f"later {number}")
        assert server.transport.written_bytes == before
        await trio.testing.wait_all_tasks_blocked()
        assert server.transport.written_bytes == server.transport.accepted_bytes
        assert [text for _, text in await server.far.read_frames(3)] == [
            b"later 0",
            b"later 1",
            b"later 2",
        ]


async def test_a_full_socket_takes_frames_in_part_and_in_order(dial: Dial) -> None:
    """Frames and pongs that the socket takes piece by piece arrive whole and in order."""
    async with connected(dial, receive_buffer=4096) as server:
        texts = [f"{number} " * (1 + 5000 * (number % 7)) for number in range(200)]
        for number, text in enumerate(texts):
            server.transport.send(text)
            if number % 4 == 0:
                await server.far.send(frame(PING, b"%d" % number))
        await trio.testing.wait_all_tasks_blocked()
        accepted, written = server.transport.accepted_bytes, server.transport.written_bytes
        assert 0 < written < accepted
        frames = await server.far.read_frames(250)
        await server.transport.wait_written(server.transport.accepted_bytes)
        assert [payload.decode() for kind, payload in frames if kind == TEXT] == texts
        pongs = [payload for kind, payload in frames if kind == PONG]
        assert pongs == [b"%d" % number for number in range(0, 200, 4)]
        assert server.transport.accepted_bytes == server.transport.written_bytes
        server.transport.send("at once again")
        assert unmasked(arrived(server)) == b"at once again"


async def test_a_full_socket_takes_nothing() -> None:
    """Writing at once never waits: a full socket takes nothing, and what it took arrives."""
    near, far = trio.socket.socketpair()
    stream = DirectSocket(trio.SocketStream(near))
    with trio.fail_after(60):
        async with stream, trio.SocketStream(far) as server:
            sent = 0
            while taken := stream.try_write(b"x" * 65_536):
                sent += taken
            while sent:
                sent -= len(await server.receive_some(sent))
            await stream.send_all(b"and on")
            assert await server.receive_some() == b"and on"


async def test_direct_socket_read_cancelled_at_every_step_loses_nothing() -> None:
    """A read that is cancelled has taken nothing off the socket."""

    async def attempt(scope: trio.CancelScope, begin: Callable[[], None]) -> None:
        near, far = trio.socket.socketpair()
        received = b""
        async with (
            DirectSocket(trio.SocketStream(near)) as stream,
            trio.SocketStream(far) as server,
        ):
            begin()
            with scope:
                await server.send_all(b"one")
                received += await stream.receive_some(2)
                received += await stream.receive_some()
            await server.send_all(b"two")
            await server.send_eof()
            while data := await stream.receive_some():
                received += data
        assert received.endswith(b"two")
        assert received.removesuffix(b"two") in (b"", b"one")

    with trio.fail_after(60):
        assert await cancel_at_every_step(attempt) > 1


async def _read_bytes(stream: trio.abc.ReceiveStream, server: trio.abc.SendStream) -> int:
    """Let a hundred bytes arrive; give the most that was allocated while they were read."""
    await server.send_all(bytes(100))
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    assert await stream.receive_some() == bytes(100)
    _, peak = tracemalloc.get_traced_memory()
    return peak - before


async def test_read_allocates_no_more_than_what_came() -> None:
    """A read leaves no hole of the size of what might have come in the heap, with TLS neither."""
    authority = trustme.CA()
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server_context)
    client_context = ssl.create_default_context()
    authority.configure_trust(client_context)
    tracemalloc.start()
    try:
        with trio.fail_after(60):
            near, far = trio.socket.socketpair()
            plain = DirectSocket(trio.SocketStream(near))
            async with plain, trio.SocketStream(far) as server:
                assert min([await _read_bytes(plain, server) for _ in range(5)]) < 8_000
            near, far = trio.socket.socketpair()
            below = DirectSocket(trio.SocketStream(near))
            client = TlsStream(below, below.try_write, client_context, "localhost")
            secret = trio.SSLStream(trio.SocketStream(far), server_context, server_side=True)
            async with client, below, trio.open_nursery() as nursery:
                client.start(nursery)
                nursery.start_soon(secret.do_handshake)
                await client.do_handshake()
                assert min([await _read_bytes(client, secret) for _ in range(5)]) < 8_000
                nursery.cancel_scope.cancel()
            await trio.aclose_forcefully(secret)
    finally:
        tracemalloc.stop()


async def test_direct_socket_closed_tells_those_who_wait_and_those_who_come() -> None:
    """Who waits for a socket that is closed is woken, and who comes later is refused."""
    near, far = trio.socket.socketpair()
    stream = DirectSocket(trio.SocketStream(near))
    while stream.try_write(b"x" * 65_536):
        pass
    refused = 0

    async def expect_refusal(use: Callable[[], Awaitable[object]]) -> None:
        nonlocal refused
        with pytest.raises(trio.ClosedResourceError):
            await use()
        refused += 1

    uses: list[Callable[[], Awaitable[object]]] = [
        stream.receive_some,
        partial(stream.send_all, b"x"),
    ]
    with trio.fail_after(60), far:
        for _ in range(2):
            async with trio.open_nursery() as nursery:
                for use in uses:
                    nursery.start_soon(expect_refusal, use)
                await trio.testing.wait_all_tasks_blocked()
                await stream.aclose()
    assert refused == 4


async def test_direct_socket_that_was_reset_is_broken() -> None:
    """What the system calls an error is trio.BrokenResourceError, to readers and to writers."""
    async with listening() as server:
        stream = DirectSocket(await trio.open_tcp_stream("127.0.0.1", server.port))
        await server.accept()
        server.reset()
        with pytest.raises(trio.BrokenResourceError) as caught:
            await stream.receive_some()
        assert type(caught.value.__cause__) is ConnectionResetError
        with pytest.raises(trio.BrokenResourceError):
            await stream.send_all(b"x")
        await stream.aclose()


async def test_half_open_connection_ends(dial: Dial) -> None:
    """A server that has finished writing, but not reading, has ended the connection."""
    async with connected(dial) as server:
        assert isinstance(server.far.stream, trio.SocketStream)
        await trio.testing.wait_all_tasks_blocked()  # it is done with the upgrade
        await server.far.stream.send_eof()
        with pytest.raises(TransportClosed) as caught:
            await server.transport.receive()
        assert caught.value.code == NO_CLOSE_FRAME
        await server.transport.aclose()
        assert await server.far.read_rest() == []


async def test_close_handshake_over_a_socket(dial: Dial) -> None:
    """Closing waits for the server's close, and the server then sees the end of the stream."""
    async with connected(dial) as server, trio.open_nursery() as nursery:
        nursery.start_soon(server.transport.aclose)
        assert await server.far.read_frame() == GOODBYE
        await server.far.send(close_frame(1000))
        assert await server.far.read_rest() == []


async def test_last_words_before_a_close_reach_the_server(dial: Dial) -> None:
    """What was accepted before a close is written before it, however slowly the server reads."""
    async with connected(dial, receive_buffer=4096) as server, trio.open_nursery() as nursery:
        text = "words " * 1_000_000
        server.transport.send(text)
        nursery.start_soon(server.transport.aclose)
        assert await server.far.read_frames(2) == [(TEXT, text.encode()), GOODBYE]
        await server.far.send(close_frame(1000))
        assert await server.far.read_rest() == []


async def test_reset_by_the_server(dial: Dial) -> None:
    """A TCP reset ends the connection with NO_CLOSE_FRAME, and sends are refused from then on."""
    async with connected(dial) as server:
        server.reset()
        with pytest.raises(TransportClosed) as caught:
            await server.transport.receive()
        assert (caught.value.code, caught.value.reason) == (NO_CLOSE_FRAME, "")
        with pytest.raises(TransportClosed):
            server.transport.send("x")
        await server.transport.aclose()


async def test_reset_is_noticed_by_a_send(dial: Dial) -> None:
    """A send, or the writing of it, finds a reset; the next one is refused, and not counted."""
    async with connected(dial) as server:
        server.reset()
        with pytest.raises(TransportClosed) as caught:  # noqa: PT012
            server.transport.send("finds it")
            server.transport.send("finds it at the latest")
            await server.transport.wait_written(server.transport.accepted_bytes)
        assert caught.value.code == NO_CLOSE_FRAME
        before = server.transport.accepted_bytes
        with pytest.raises(TransportClosed):
            server.transport.send("too late")
        assert server.transport.accepted_bytes == before
        await server.transport.aclose()


async def test_reset_while_a_write_is_stalled(dial: Dial) -> None:
    """Who waits for room learns of a reset."""
    async with connected(dial, receive_buffer=4096) as server, trio.open_nursery() as nursery:
        server.transport.send("x" * 10_000_000)
        ended = []

        async def wait() -> None:
            with pytest.raises(TransportClosed) as caught:
                await server.transport.wait_written(server.transport.accepted_bytes)
            ended.append(caught.value.code)

        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        server.reset()
        with pytest.raises(TransportClosed):
            await server.transport.receive()
        await trio.testing.wait_all_tasks_blocked()
        assert ended == [NO_CLOSE_FRAME]


async def test_refused_port(dial: Dial) -> None:
    """A port where nobody listens is a passing ConnectError that says so."""
    async with listening() as server:
        port = server.port
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            with pytest.raises(ConnectError) as caught:
                await dial(nursery, DialRequest(f"ws://127.0.0.1:{port}/"))
    told = str(caught.value)
    assert told.startswith(f"could not connect to 127.0.0.1:{port}: ")
    assert told.endswith(os.strerror(errno.ECONNREFUSED))
    assert caught.value.retryable


@pytest.mark.parametrize("how", ["close", "reset", "reset after the request"])
async def test_hung_up_instead_of_an_answer(dial: Dial, how: str) -> None:
    """A server that drops the connection during the upgrade is told at once."""

    async def serve(server: Server) -> None:
        stream = await server.accept()
        if how == "reset after the request":
            await server.far.read_request()
        if how == "close":
            await stream.aclose()
        else:
            server.reset()

    async with listening() as server, trio.open_nursery() as nursery:
        nursery.start_soon(serve, server)
        with pytest.raises(ConnectError) as caught:
            await dial(nursery, DialRequest(server.url))
    assert caught.value.retryable
    if how != "reset":  # which may hit while the client is still connecting
        hung_up = "the server ended the connection during the upgrade"
        told = f"127.0.0.1 did not complete the WebSocket upgrade: {hung_up}"
        assert str(caught.value) == told


async def test_cancelled_nursery_closes_the_socket(dial: Dial) -> None:
    """When the nursery is cancelled, the server sees the end of the stream, and no close frame."""
    async with listening() as server:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.accept_and_upgrade)
            await dial(nursery, DialRequest(server.url))
            nursery.cancel_scope.cancel()
        assert await server.far.read_rest() == []
        await server.far.stream.aclose()


async def test_dial_cancelled_at_every_step_leaves_no_socket(dial: Dial) -> None:
    """Wherever a dial is cancelled, it leaves no socket open."""

    async def attempt(scope: trio.CancelScope, begin: Callable[[], None]) -> None:
        async with listening() as server:
            before = open_sockets()
            async with trio.open_nursery() as serving:
                begin()
                with scope:
                    serving.start_soon(server.accept_and_upgrade)
                    async with trio.open_nursery() as nursery:
                        await dial(nursery, DialRequest(server.url))
                        nursery.cancel_scope.cancel()
                serving.cancel_scope.cancel()
            if hasattr(server, "far"):
                await trio.aclose_forcefully(server.far.stream)
            assert open_sockets() == before

    with trio.fail_after(60):
        assert await cancel_at_every_step(attempt) > 10


# TLS.


async def serve_tls(context: ssl.SSLContext, server: Server) -> None:
    """Accept one connection with TLS, and its upgrade."""
    server.far = FarEnd(
        trio.SSLStream(await server.accept(), context, server_side=True, https_compatible=True)
    )
    await server.far.accept()


async def test_tls_connection(
    dial: Dial, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """Over TLS, messages, pings, counters and closing work as without."""
    async with listening() as server, trio.open_nursery() as nursery:
        nursery.start_soon(serve_tls, server_tls, server)
        request = DialRequest(f"wss://localhost:{server.port}/", ssl_context=client_tls)
        open_stream = partial(open_here, "127.0.0.1")
        transport = await dial(nursery, request, open_stream=open_stream)
        texts = ["a" * 100_000, "b", "c" * 50_000]
        for text in texts:
            transport.send(text)
        assert await server.far.read_frames(3) == [(TEXT, text.encode()) for text in texts]
        await transport.wait_written(transport.accepted_bytes)
        assert transport.accepted_bytes == transport.written_bytes
        await server.far.send(frame(PING, b"?"), frame(TEXT, b"d" * 100_000))
        assert await transport.receive() == "d" * 100_000
        assert await server.far.read_frame() == (PONG, b"?")
        nursery.start_soon(transport.aclose)
        assert await server.far.read_frame() == GOODBYE
        await server.far.send(close_frame(1000))
        assert await server.far.read_rest() == []
        await trio.aclose_forcefully(server.far.stream)


async def open_here(address: str, host: str, port: int) -> trio.SocketStream:
    """Connect to this address, whatever the host."""
    return await trio.open_tcp_stream(address, port)


async def test_tls_hang_up_without_goodbye(
    dial: Dial, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """The end of the stream without TLS's own goodbye is the end, as any other."""
    async with listening() as server, trio.open_nursery() as nursery:
        nursery.start_soon(serve_tls, server_tls, server)
        request = DialRequest(f"wss://localhost:{server.port}/", ssl_context=client_tls)
        transport = await dial(nursery, request, open_stream=partial(open_here, "127.0.0.1"))
        await server.far.send(frame(TEXT, b"last"))
        await trio.aclose_forcefully(server.far.stream)
        assert await transport.receive() == "last"
        with pytest.raises(TransportClosed) as caught:
            await transport.receive()
        assert caught.value.code == NO_CLOSE_FRAME
        await transport.aclose()


@pytest.mark.parametrize(
    ("host", "trusted"),
    [("localhost", False), ("elsewhere.example", True)],
    ids=["not trusted", "another name"],
)
async def test_tls_certificate_not_accepted(
    dial: Dial,
    server_tls: ssl.SSLContext,
    client_tls: ssl.SSLContext,
    host: str,
    trusted: bool,
) -> None:
    """A certificate of an unknown authority, or for another name, is a lasting ConnectError."""
    async with listening() as server, trio.open_nursery() as nursery:
        nursery.start_soon(serve_tls, server_tls, server)
        request = DialRequest(
            f"wss://{host}:{server.port}/", ssl_context=client_tls if trusted else None
        )
        with pytest.raises(ConnectError) as caught:
            await dial(nursery, request, open_stream=partial(open_here, "127.0.0.1"))
    told = f"could not connect to {host}:{server.port}: the TLS certificate was not accepted"
    assert (str(caught.value), caught.value.retryable) == (told, False)


async def fail_at_tls(dial: Dial, client_tls: ssl.SSLContext, answer: bytes) -> ConnectError:
    """Dial a server that answers the client's hello with these bytes, and hangs up."""
    connection = Connection()

    async def serve() -> None:
        assert await connection.far.stream.receive_some()
        if answer:
            await connection.far.stream.send_all(answer)
        await connection.far.stream.aclose()

    request = DialRequest("wss://localhost/", ssl_context=client_tls)
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            with pytest.raises(ConnectError) as caught:
                await dial(nursery, request, open_stream=connection.open_stream)
    assert connection.line.closed
    return caught.value


async def test_tls_answered_in_plain_text(dial: Dial, client_tls: ssl.SSLContext) -> None:
    """A server that does not speak TLS is a passing ConnectError with the library's words."""
    error = await fail_at_tls(dial, client_tls, b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert error.retryable
    assert "could not connect to localhost:443: [SSL: " in str(error)


async def test_tls_hung_up_at_every_byte_of_the_hello(
    dial: Dial, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """A server that hangs up within its first TLS records is told at once."""
    hello = server_hello(server_tls)
    for cut in [*range(8), *range(8, len(hello), 97), len(hello)]:
        error = await fail_at_tls(dial, client_tls, hello[:cut])
        assert error.retryable
        assert str(error).startswith("could not connect to localhost:443: "), cut


def server_hello(context: ssl.SSLContext) -> bytes:
    """Make a server's first records, for a client that is not the one that will get them."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    anybody = ssl.create_default_context().wrap_bio(
        to_client, to_server, server_hostname="localhost"
    )
    with pytest.raises(ssl.SSLWantReadError):
        anybody.do_handshake()
    server = context.wrap_bio(to_server, to_client, server_side=True)
    with pytest.raises(ssl.SSLWantReadError):
        server.do_handshake()
    return to_client.read()[:1000]


async def test_tls_dial_cancelled_at_every_step(
    dial: Dial, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """A dial that is cancelled during TLS has closed its stream."""

    async def attempt(scope: trio.CancelScope, begin: Callable[[], None]) -> None:
        connection = Connection()
        connection.far = FarEnd(
            trio.SSLStream(
                connection.far.stream, server_tls, server_side=True, https_compatible=True
            )
        )
        request = DialRequest("wss://localhost/", ssl_context=client_tls)
        async with trio.open_nursery() as serving:
            serving.start_soon(connection.far.accept)
            begin()
            with scope:
                async with trio.open_nursery() as nursery:
                    await dial(nursery, request, open_stream=connection.open_stream)
                    nursery.cancel_scope.cancel()
            assert not connection.dialled or connection.line.closed
            serving.cancel_scope.cancel()

    with trio.fail_after(60):
        assert await cancel_at_every_step(attempt) > 10


async def test_tls_without_a_context_uses_the_shared_one(
    dial: Dial,
    server_tls: ssl.SSLContext,
    client_tls: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All wss connections without a context of their own use one, made once."""
    made: list[ssl.SSLContext] = []

    def create_default_context() -> ssl.SSLContext:
        made.append(client_tls)
        return client_tls

    monkeypatch.setattr(ssl, "create_default_context", create_default_context)
    opening.default_ssl_context.cache_clear()
    try:
        for _ in range(2):
            async with listening() as server, trio.open_nursery() as nursery:
                nursery.start_soon(serve_tls, server_tls, server)
                request = DialRequest(f"wss://localhost:{server.port}/")
                await dial(nursery, request, open_stream=partial(open_here, "127.0.0.1"))
                await trio.aclose_forcefully(server.far.stream)
                nursery.cancel_scope.cancel()
    finally:
        opening.default_ssl_context.cache_clear()
    assert made == [client_tls]
