"""Dialling: what is asked for, what comes of each kind of answer, and what is left behind."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Awaitable, Callable
from functools import partial

import pytest
import trio
from transport_far_end import (
    DIALERS,
    Connection,
    Dial,
    accepting_answer,
    cancel_at_every_step,
    close_frame,
    connected,
    frame,
)

from trio_live.close_codes import judge_error, judge_trouble
from trio_live.close_table import Trouble
from trio_live.errors import ConnectError
from trio_live.transport import NO_CLOSE_FRAME, DialRequest, Transport, TransportClosed, opening
from trio_live.transport.failures import trouble_of
from trio_live.transport.proxy import ProxyFailed

KEY = "AIza-secret"
REQUEST = DialRequest("ws://service/live", secrets=(KEY,))
REFUSED = "service refused the WebSocket upgrade with HTTP"
NOT_COMPLETED = "service did not complete the WebSocket upgrade"
HUNG_UP = f"{NOT_COMPLETED}: the server ended the connection during the upgrade"


@pytest.fixture(params=list(DIALERS.values()), ids=list(DIALERS))
def dial(request: pytest.FixtureRequest) -> Dial:
    """Give each implementation's dialer."""
    implementation: Dial = request.param
    return implementation


async def fail_to_dial(
    dial: Dial,
    *,
    answer: bytes = b"",
    hang_up: bool = False,
    request: DialRequest = REQUEST,
) -> ConnectError:
    """Dial a server that gives this answer; give the error, after all has been closed."""
    connection = Connection()

    async def serve() -> None:
        await connection.far.refuse(answer)
        if hang_up:
            await connection.far.stream.aclose()

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            with pytest.raises(ConnectError) as caught:
                await dial(nursery, request, open_stream=connection.open_stream)
            assert connection.line.closed
            nursery.cancel_scope.cancel()
    return caught.value


def told(error: ConnectError) -> tuple[str, int | None, str | None, bool]:
    """Give all that an error tells."""
    return str(error), error.status, error.body, error.retryable


def http(status: int, body: bytes = b"", *, length: int | None = None) -> bytes:
    """Build an answer that says how long it is."""
    size = len(body) if length is None else length
    return b"HTTP/1.1 %d Because\r\nContent-Length: %d\r\n\r\n%b" % (status, size, body)


@pytest.mark.parametrize(
    ("url", "address", "target", "host"),
    [
        ("ws://service", ("service", 80), "/", "service"),
        ("ws://service/live", ("service", 80), "/live", "service"),
        ("ws://service:8080/a?b=1&c=2#d", ("service", 8080), "/a?b=1&c=2", "service:8080"),
        ("ws://service?key=1", ("service", 80), "/?key=1", "service"),
        ("ws://[::1]:9000/live", ("::1", 9000), "/live", "[::1]:9000"),
        ("ws://user:word@service/live", ("service", 80), "/live", "service"),
        ("ws://127.0.0.1:9/", ("127.0.0.1", 9), "/", "127.0.0.1:9"),
    ],
)
async def test_dial_asks_for_the_url(
    dial: Dial, url: str, address: tuple[str, int], target: str, host: str
) -> None:
    """Address, request target and Host header are the URL's; user information goes nowhere."""
    connection = Connection()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(dial_and_give_up, dial, nursery, DialRequest(url), connection)
            lines = (await connection.far.read_request()).decode().split("\r\n")
            nursery.cancel_scope.cancel()
    assert connection.dialled == [address]
    assert lines[:2] == [f"GET {target} HTTP/1.1", f"Host: {host}"]


async def dial_and_give_up(
    dial: Dial, nursery: trio.Nursery, request: DialRequest, connection: Connection
) -> None:
    """Dial in a task of its own."""
    await dial(nursery, request, open_stream=connection.open_stream)


async def test_dial_sends_the_headers(dial: Dial) -> None:
    """The request carries its headers as they are, behind those of the upgrade."""
    headers = (("x-goog-api-key", KEY), ("User-Agent", "trio_live"))
    connection = Connection()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            request = DialRequest("ws://service/live", headers)
            nursery.start_soon(dial_and_give_up, dial, nursery, request, connection)
            lines = (await connection.far.read_request()).decode().split("\r\n")
            nursery.cancel_scope.cancel()
    names = [line.partition(":")[0] for line in lines[1:]]
    protocol = ["Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"]
    assert names[:5] == protocol
    assert lines[6:] == [f"x-goog-api-key: {KEY}", "User-Agent: trio_live"]


@pytest.mark.parametrize("body", [b"", b'{"error": "a reason"}'], ids=["bare", "body"])
@pytest.mark.parametrize(
    ("status", "cause", "retryable"),
    [
        (200, "", False),
        (301, ": redirects are not followed, because credentials would go with them", False),
        (400, ": the request is malformed, or the API key is wrong", False),
        (401, ": the credentials are missing or wrong", False),
        (403, ": the credentials may not do this", False),
        (404, ": there is no Live API at this URL: check host, path and API version", False),
        (429, ": the quota is used up; wait a minute", True),
        (500, ": the server is in trouble", True),
        (503, ": the server is in trouble", True),
    ],
)
async def test_dial_refused(
    dial: Dial, status: int, cause: str, retryable: bool, body: bytes
) -> None:
    """An HTTP answer becomes a ConnectError with its status, its body and whether to try again."""
    error = await fail_to_dial(dial, answer=http(status, body))
    assert told(error) == (f"{REFUSED} {status}{cause}", status, body.decode(), retryable)
    assert error.__cause__ is None
    assert error.__suppress_context__


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (b"Retry-After: 7", 7.0),
        (b"retry-after:  120 ", 120.0),
        (b"Retry-After: 0", 0.0),
        (b"Retry-After: 99999999999999999999", 999_999_999.0),
        (b"Date: Fri, 06 Nov 2026 10:00:00 GMT\r\nRetry-After: Fri, 06 Nov 2026 10:00:30 GMT", 30),
        (b"Date: Fri, 06 Nov 2026 10:00:30 GMT\r\nRetry-After: Fri, 06 Nov 2026 10:00:00 GMT", 0),
        (b"Retry-After: Fri, 06 Nov 2026 10:00:30 GMT", None),
        (b"Date: now\r\nRetry-After: Fri, 06 Nov 2026 10:00:30 GMT", None),
        (b"Date: Fri, 06 Nov 2026 10:00:00 GMT\r\nRetry-After: Fri, 06 Nov 2026 10:00:30", None),
        (b"Retry-After: -1", None),
        (b"Retry-After: soon", None),
        (b"Retry-After: \xb2", None),
        (b"X-Other: 7", None),
    ],
)
async def test_dial_refused_for_a_while(dial: Dial, headers: bytes, seconds: float | None) -> None:
    """Retry-After comes with the error, in seconds by the server's own clock."""
    answer = b"HTTP/1.1 503 Wait\r\nContent-Length: 0\r\n" + headers + b"\r\n\r\n"
    error = await fail_to_dial(dial, answer=answer)
    assert error.retry_after == seconds


@pytest.mark.parametrize("status", [100, 103])
async def test_dial_answered_by_an_interim_status(dial: Dial, status: int) -> None:
    """An interim answer that is not the upgrade is a refusal without a body."""
    error = await fail_to_dial(dial, answer=b"HTTP/1.1 %d Wait\r\n\r\n" % status)
    assert told(error) == (f"{REFUSED} {status}", status, "", False)


@pytest.mark.parametrize(
    ("secrets", "body", "shown"),
    [
        ((KEY,), f"key {KEY} is bad: {KEY}", "key *** is bad: ***"),
        (("abc", "abcdef"), "not abcdef but abc", "not *** but ***"),
        ((KEY,), "x" * 295 + KEY, "x" * 295 + "***"),
    ],
    ids=["echo", "one begins another", "at the end of the excerpt"],
)
async def test_dial_refused_shows_no_secret(
    dial: Dial, secrets: tuple[str, ...], body: str, shown: str
) -> None:
    """Every secret is blanked out of the body before an excerpt is taken, the longest first."""
    request = DialRequest("ws://service/live", secrets=secrets)
    error = await fail_to_dial(dial, answer=http(403, body.encode()), request=request)
    assert error.body == shown
    assert KEY not in f"{error!r} {error} {error.__dict__}"


async def test_dial_refused_with_a_body_that_is_not_text(dial: Dial) -> None:
    """Bytes that are not UTF-8 are shown as replacement characters."""
    assert (
        await fail_to_dial(dial, answer=http(403, b"a\xffb"))
    ).body == "a\N{REPLACEMENT CHARACTER}b"


async def test_dial_refused_with_a_huge_body(dial: Dial) -> None:
    """Of a huge body the beginning is enough: its end is not waited for."""
    error = await fail_to_dial(dial, answer=http(403, b"y" * 300_000, length=10**9))
    assert (error.status, error.body) == (403, "y" * 300)


@pytest.mark.parametrize("head", [b"HTTP/1.1 403 No\r\n\r\n", b"HTTP/1.0 403 No\r\nX: 1\r\n\r\n"])
async def test_dial_refused_with_a_body_that_ends_with_the_stream(dial: Dial, head: bytes) -> None:
    """A body without a length is what came before the end of the stream."""
    error = await fail_to_dial(dial, answer=head + b"no such key", hang_up=True)
    cause = ": the credentials may not do this"
    assert told(error) == (f"{REFUSED} 403{cause}", 403, "no such key", False)


async def test_dial_refused_and_hung_up_in_the_body(dial: Dial) -> None:
    """A status counts even if the rest of the answer is missing."""
    error = await fail_to_dial(dial, answer=http(429, b"quo", length=99), hang_up=True)
    assert (error.status, error.body, error.retryable) == (429, "quo", True)


UPGRADED = b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "Bad HTTP message"),
        (b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n", "Bad HTTP message"),
        (b"x" * 100_000, "Bad HTTP message"),
        (UPGRADED + b"\r\n", "Bad accept token"),
        (UPGRADED + b"Sec-WebSocket-Accept: AAAA\r\n\r\n", "Bad accept token"),
        (b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\n\r\n", "Missing header, 'Connection: Upgrade'"),
        (b"HTTP/1.1 101 OK\r\nConnection: upgrade\r\n\r\n", "Missing header, 'Upgrade: websocket'"),
    ],
)
async def test_dial_answered_by_something_else(dial: Dial, answer: bytes, why: str) -> None:
    """What is no answer to an upgrade is a passing ConnectError that says what is wrong with it."""
    error = await fail_to_dial(dial, answer=answer)
    assert told(error) == (f"{NOT_COMPLETED}: {why}", None, None, True)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (b"Sec-WebSocket-Protocol: chat", "unrecognized subprotocol chat"),
        (b"Sec-WebSocket-Extensions: AIza-secret", "unrecognized extension ***"),
    ],
)
async def test_dial_accepted_on_terms_that_were_not_asked_for(
    dial: Dial, header: bytes, why: str
) -> None:
    """A subprotocol or extension that was not offered is refused, without showing a secret."""
    connection = Connection()

    async def serve() -> None:
        answer = accepting_answer(await connection.far.read_request())
        await connection.far.stream.send_all(answer[:-2] + header + b"\r\n\r\n")

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            with pytest.raises(ConnectError) as caught:
                await dial(nursery, REQUEST, open_stream=connection.open_stream)
    assert told(caught.value) == (f"{NOT_COMPLETED}: {why}", None, None, True)
    assert connection.line.closed


async def test_dial_hung_up_at_every_byte_of_the_answer(dial: Dial) -> None:
    """Wherever the server hangs up, it is told at once, and not by a timeout."""
    size = len(accepting_answer(b"Sec-WebSocket-Key: x"))
    found = []
    for cut in range(size):
        connection = Connection()

        async def serve(connection: Connection = connection, cut: int = cut) -> None:
            answer = accepting_answer(await connection.far.read_request())
            if cut:
                await connection.far.stream.send_all(answer[:cut])
            await connection.far.stream.aclose()

        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(serve)
                with pytest.raises(ConnectError) as caught:
                    await dial(nursery, REQUEST, open_stream=connection.open_stream)
        assert connection.line.closed
        found.append(told(caught.value))
    assert found == [(HUNG_UP, None, None, True)] * size


async def test_dial_hung_up_before_the_request_was_read(dial: Dial) -> None:
    """A server that is gone before the request is written is told at once."""
    connection = Connection()
    await connection.far.stream.aclose()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            with pytest.raises(ConnectError) as caught:
                await dial(nursery, REQUEST, open_stream=connection.open_stream)
    assert told(caught.value) == (HUNG_UP, None, None, True)
    assert connection.line.closed


async def test_dial_refused_before_the_request_could_be_written(dial: Dial) -> None:
    """An answer that is there is read even if the request could not be written."""
    connection = Connection()
    connection.line.break_writes(trio.BrokenResourceError())
    await connection.far.stream.send_all(http(503))
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            with pytest.raises(ConnectError) as caught:
                await dial(nursery, REQUEST, open_stream=connection.open_stream)
    assert caught.value.status == 503


async def test_dial_never_answered(dial: Dial, autojump_clock: trio.testing.MockClock) -> None:
    """Without an answer the dial waits until its caller cancels it, and closes the stream."""
    connection = Connection()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.far.read_request)
        with trio.move_on_after(10) as patience:
            await dial(nursery, REQUEST, open_stream=connection.open_stream)
        assert connection.line.closed
    assert patience.cancelled_caught
    assert trio.current_time() == 10


@pytest.mark.parametrize(
    ("error", "what", "trouble"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name not known"), "Name not known", Trouble.NAME),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "refused", Trouble.REFUSED),
        (OSError(errno.EHOSTUNREACH, "no route"), "no route", Trouble.UNREACHABLE),
        (OSError(errno.ECONNRESET, "reset"), "reset", Trouble.BROKEN),
        (OSError(errno.ETIMEDOUT, "timed out"), "timed out", Trouble.TIMEOUT),
        (OSError(errno.EMFILE, "too many"), "too many", Trouble.DESCRIPTORS),
        (ssl.SSLError(1, "wrong version"), "wrong version", Trouble.TLS),
        (OSError("odd"), "odd", Trouble.OTHER),
        (OSError(), "OSError", Trouble.OTHER),
        (trio.BrokenResourceError(), "BrokenResourceError", Trouble.BROKEN),
        (UnicodeError("label too long"), "this is no usable host name", Trouble.HOST_NAME),
        (ProxyFailed("no proxy", retryable=True), "no proxy", Trouble.PROXY_PASSING),
        (ProxyFailed("bad proxy", retryable=False), "bad proxy", Trouble.PROXY_PERMANENT),
    ],
)
async def test_dial_without_a_network(
    dial: Dial, error: Exception, what: str, trouble: Trouble
) -> None:
    """What opening the stream raises becomes a ConnectError that names address and cause."""

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        raise error

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            with pytest.raises(ConnectError) as caught:
                await dial(nursery, REQUEST, open_stream=open_stream)
    verdict = judge_trouble(trouble)
    expected = (f"could not connect to service:80: {what}", None, None, verdict.retryable)
    assert told(caught.value) == expected
    assert caught.value.cause == verdict.cause
    assert judge_error(caught.value)[:2] == verdict[:2]
    assert caught.value.__cause__ is error


async def test_dial_tells_each_address_that_was_tried(dial: Dial) -> None:
    """If several addresses were tried in vain, each cause is told once."""
    refused = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
    unreachable = OSError(errno.ENETUNREACH, "Network is unreachable")

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        raise OSError("all failed") from ExceptionGroup("", [refused, unreachable, refused])

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            with pytest.raises(ConnectError) as caught:
                await dial(nursery, REQUEST, open_stream=open_stream)
    what = "Connection refused, Network is unreachable"
    assert str(caught.value) == f"could not connect to service:80: {what}"
    assert caught.value.cause is None  # it is none of the two alone


def test_trouble_of_all_addresses_is_that_of_each() -> None:
    """If each address failed alike, that is the trouble."""
    error = OSError("all failed")
    error.__cause__ = ExceptionGroup("", [OSError(errno.ECONNREFUSED, "refused")] * 2)
    assert trouble_of(error) is Trouble.REFUSED


async def test_dial_a_name_that_tls_cannot_check(dial: Dial) -> None:
    """A host name that no certificate can bear is a lasting ConnectError; the stream is closed."""
    connection = Connection()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            with pytest.raises(ConnectError) as caught:
                await dial(
                    nursery, DialRequest("wss://.service/"), open_stream=connection.open_stream
                )
    expected = ("could not connect to .service:443: this is no usable host name", None, None, False)
    assert told(caught.value) == expected
    assert connection.line.closed


async def test_dial_a_header_that_cannot_be_sent(dial: Dial) -> None:
    """A header that is no header is refused without showing it."""
    request = DialRequest("ws://service/", (("x-key", "one\r\ntwo"),))
    connection = Connection()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            with pytest.raises(ConnectError) as caught:
                await dial(nursery, request, open_stream=connection.open_stream)
    assert told(caught.value) == (f"{NOT_COMPLETED}: LocalProtocolError", None, None, True)
    assert connection.line.closed


async def test_dial_answered_by_a_whole_connection_at_once(dial: Dial) -> None:
    """Answer, messages, close and end in one piece are a connection that ends with its close."""
    then = frame(1, b"one") + frame(2, b"two") + close_frame(1011, "sorry")
    connection = Connection()

    async def serve() -> None:
        await connection.far.accept(then)
        await connection.far.stream.aclose()

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            connection.transport = await dial(nursery, REQUEST, open_stream=connection.open_stream)
            assert await connection.receive_rest() == (["one", b"two"], (1011, "sorry"))
            await connection.transport.aclose()
    assert connection.line.closed


async def test_dial_answered_in_single_bytes(dial: Dial) -> None:
    """An answer may arrive in pieces of any size."""
    connection = Connection()

    async def serve() -> None:
        for byte in accepting_answer(await connection.far.read_request()) + frame(1, b"hello"):
            await connection.far.stream.send_all(bytes([byte]))
            await trio.testing.wait_all_tasks_blocked()

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            transport = await dial(nursery, REQUEST, open_stream=connection.open_stream)
            assert await transport.receive() == "hello"
            nursery.cancel_scope.cancel()
    assert connection.line.closed


@pytest.mark.parametrize("answer", [None, http(403, b"no")], ids=["accepted", "refused"])
async def test_dial_cancelled_at_every_step(dial: Dial, answer: bytes | None) -> None:
    """A dial that is cancelled leaves neither an open stream nor a task."""

    async def attempt(scope: trio.CancelScope, begin: Callable[[], None]) -> None:
        connection = Connection()
        transport: Transport | None = None
        refused: ConnectError | None = None
        async with trio.open_nursery() as serving:
            if answer is None:
                serving.start_soon(connection.far.accept)
            else:
                serving.start_soon(connection.far.refuse, answer)
            begin()
            async with trio.open_nursery() as nursery:
                with scope:
                    try:
                        transport = await dial(nursery, REQUEST, open_stream=connection.open_stream)
                    except ConnectError as error:
                        refused = error
                if transport is None:
                    assert not connection.dialled or connection.line.closed
                    assert nursery.child_tasks == frozenset()
                    serving.cancel_scope.cancel()
                nursery.cancel_scope.cancel()
        assert scope.cancelled_caught == (transport is None and refused is None)

    with trio.fail_after(60):
        assert await cancel_at_every_step(attempt) > 10


async def test_dial_in_a_nursery_that_is_cancelled(dial: Dial) -> None:
    """When the nursery is cancelled, the connection is closed without a word."""
    async with connected(dial) as connection:
        pass
    assert connection.line.closed
    assert await connection.far.read_rest() == []


async def test_receive_outside_of_a_nursery_that_is_cancelled_is_told(dial: Dial) -> None:
    """Who receives, sends or waits in another nursery learns that the connection is gone."""
    told: list[int] = []
    connection = Connection()

    async def expect_end(use: Callable[[], Awaitable[object]]) -> None:
        with pytest.raises(TransportClosed) as caught:
            await use()
        told.append(caught.value.code)

    with trio.fail_after(60):
        async with trio.open_nursery() as outside, trio.open_nursery() as nursery:
            outside.start_soon(connection.far.accept)
            transport = await dial(nursery, REQUEST, open_stream=connection.open_stream)
            connection.line.stall()
            transport.send("x")
            outside.start_soon(expect_end, transport.receive)
            waiting = partial(transport.wait_written, transport.accepted_bytes)
            outside.start_soon(expect_end, waiting)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        assert told == [NO_CLOSE_FRAME] * 2
        with pytest.raises(TransportClosed):
            transport.send("x")


async def test_default_ssl_context_is_one() -> None:
    """All connections share one default SSL context."""
    assert opening.default_ssl_context() is opening.default_ssl_context()


def test_dial_request_shows_no_secrets() -> None:
    """Law 6: a request's repr has neither its headers nor its URL, whose query may hold a key."""
    request = DialRequest(
        "wss://host/path?key=planted", (("x-goog-api-key", "planted"),), ("planted",)
    )
    assert "planted" not in repr(request)
