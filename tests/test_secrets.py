"""Law 6: no secret in anything that a session prints, however it fails, at debug level.

Each way of failing is played with planted secrets: in keys, tokens, headers, URLs, handles and
proxies. All that is logged by any library, all tracebacks in full, all reprs and all events are
searched for them, in each form that they have on the wire.
"""

from __future__ import annotations

import base64
import functools
import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
import trio
from transport_far_end import FarEnd, close_frame
from trio.testing import MockClock
from trio_websocket import CloseReason, ConnectionClosed

from trio_live import (
    Content,
    Credentials,
    Custom,
    Endpoint,
    GoogleAI,
    LiveError,
    LocalProtocolError,
    SessionConfig,
    TransportConfig,
    VertexAI,
    open_session,
    tokens,
)
from trio_live.close_table import CLOSES, CloseRow
from trio_live.testing import LiveServer, connect_to
from trio_live.transport.failures import without_secrets
from trio_live.transport.interface import DialRequest
from trio_live.transport.trio_ws import dial

SECRET = "PLANTED"
CONFIG = SessionConfig(
    "gemini", response_modalities=["TEXT"], resumption_handle=f"{SECRET}-handle", seed=1
)
FORMS = (
    SECRET,
    quote(f"{SECRET}!")[:-3],
    base64.b64encode(f"u:{SECRET}".encode()).decode()[4:-3],
    SECRET.encode().hex(),
)


async def give_token() -> str:
    """An async function for OAuth."""
    await trio.lowlevel.checkpoint()
    return f"ya29.{SECRET}"


oauth: Credentials = give_token
HERE = "ws://localhost"
ENDPOINTS: dict[str, Callable[[], Endpoint]] = {
    "key": lambda: GoogleAI(f"AIza{SECRET}", base_url=HERE),
    "token": lambda: GoogleAI(token=f"auth_tokens/{SECRET}", base_url=HERE),
    "oauth": lambda: GoogleAI(credentials=oauth, base_url=HERE),
    "vertex": lambda: VertexAI("p", credentials=oauth, base_url=HERE),
    "express": lambda: VertexAI(api_key=f"AIza{SECRET}", base_url=HERE),
    "headers": lambda: GoogleAI("k", base_url=HERE, headers={"x-gateway": SECRET}),
    "custom": lambda: Custom(
        f"ws://{SECRET}:{SECRET}@localhost/ws/google.ai.generativelanguage.v1.GenerativeService."
        f"BidiGenerateContent?key={SECRET}",
        headers={"Authorization": f"Basic {SECRET}"},
    ),
}


class Evidence:
    """Everything that was shown to anybody."""

    def __init__(self, log: pytest.LogCaptureFixture, printed: pytest.CaptureFixture[str]) -> None:
        self._log = log
        self._printed = printed
        self.texts: list[str] = []

    def show(self, *things: object) -> None:
        """Add what these print."""
        self.texts += [form(thing) for thing in things for form in (str, repr)]

    def show_error(self, error: BaseException) -> None:
        """Add a traceback in full, with chained errors and notes, and the error's attributes."""
        self.texts += traceback.format_exception(error)
        shown: BaseException | None = error
        while shown is not None:  # also what a traceback leaves out
            self.show(shown, vars(shown))
            shown = shown.__cause__ or shown.__context__

    def search(self) -> None:
        """Fail if any of it has a secret in it, in any form."""
        self.texts += [record.getMessage() for record in self._log.records]
        self.texts += [self._log.text, *self._printed.readouterr()]
        found = [text for text in self.texts if any(form in text for form in FORMS)]
        assert found == []
        assert len("".join(self.texts)) > 100, "nothing was looked at"


@pytest.fixture
def evidence(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Evidence:
    """Collect everything that is shown, all loggers at debug level."""
    caplog.set_level(logging.DEBUG)
    for name in ("trio-websocket", "httpcore", "httpcore.connection", "google.auth"):
        caplog.set_level(logging.DEBUG, name)
    return Evidence(caplog, capfd)


async def fail(evidence: Evidence, endpoint: Endpoint, transport: TransportConfig) -> None:
    """Hold a session until it fails; show all there is to be shown."""
    scope = None
    evidence.show(endpoint, transport)
    try:
        scope = open_session(CONFIG, endpoint=endpoint, transport=transport)
        evidence.show(scope)
        async with scope as session:
            evidence.show(session, session.state, session.statistics())
            async for event in session:
                evidence.show(type(event))
            raise AssertionError("it did not fail")
    except LiveError as error:
        evidence.show_error(error)
    evidence.show(scope)


@pytest.mark.parametrize("kind", ENDPOINTS)
@pytest.mark.parametrize("status", [302, 401, 404, 503])
async def test_refused_upgrade_shows_no_secret(
    kind: str, status: int, evidence: Evidence, autojump_clock: MockClock
) -> None:
    """An HTTP answer, redirects included, that repeats all that was sent to it."""
    with trio.fail_after(600):
        async with trio.open_nursery() as nursery:
            far_end = opening(nursery, functools.partial(echo_request, status=status))
            await fail(evidence, ENDPOINTS[kind](), through(far_end))
            nursery.cancel_scope.cancel()
    evidence.search()


OpenStream = Callable[[str, int], Awaitable[trio.abc.Stream]]


def opening(
    nursery: trio.Nursery, serve: Callable[[trio.abc.Stream], Awaitable[None]]
) -> OpenStream:
    """Give what opens a stream in memory, whose far end is served in the background."""

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        near, far = trio.testing.memory_stream_pair()
        nursery.start_soon(serve, far)
        await trio.lowlevel.checkpoint()
        return near

    return open_stream


def through(open_stream: OpenStream) -> TransportConfig:
    """Make settings that open their stream in this way."""
    return TransportConfig(dialer=functools.partial(dial, open_stream=open_stream))


async def echo_request(stream: trio.abc.Stream, status: int) -> None:
    """Answer an upgrade with its own text, in head and body."""
    asked = bytes(await stream.receive_some())
    line = asked.split(b"\r\n")[0]
    head = b"HTTP/1.1 %d Because\r\nLocation: http://h/?%b\r\nX-Said: %b\r\n" % (
        status,
        line.split()[1],
        line,
    )
    await stream.send_all(head + b"Content-Length: %d\r\n\r\n" % len(asked) + asked)


@pytest.mark.parametrize("kind", ENDPOINTS)
async def test_refused_setup_shows_no_secret(
    kind: str, evidence: Evidence, autojump_clock: MockClock
) -> None:
    """The service closes the connection in answer to the setup: the handle is stale."""
    with trio.fail_after(600):
        async with LiveServer() as server:
            await fail(evidence, ENDPOINTS[kind](), connect_to(server))
            evidence.show(server, *server.sessions)
    evidence.search()


@pytest.mark.parametrize("kind", ENDPOINTS)
async def test_network_that_fails_shows_no_secret(kind: str, evidence: Evidence) -> None:
    """Nobody listens at the port; and a name that cannot be a host."""
    with trio.fail_after(60):
        dead = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
        port = dead.socket.getsockname()[1]
        await dead.aclose()

        async def open_stream(host: str, _: int) -> trio.abc.Stream:
            return await trio.open_tcp_stream("127.0.0.1", port)

        await fail(evidence, ENDPOINTS[kind](), through(open_stream))
    evidence.search()


@pytest.mark.parametrize("frame", ["noise", '{"setupComplete": 5}', b"\xff\xfe", '{"error": {}}'])
async def test_connection_lost_in_mid_session_shows_no_secret(
    frame: str | bytes, evidence: Evidence, autojump_clock: MockClock
) -> None:
    """What comes with a broken connection is told, and what was sent is not."""
    config = SessionConfig("gemini", response_modalities=["TEXT"])
    with trio.fail_after(600):
        async with LiveServer() as server:
            endpoint = ENDPOINTS["key"]()
            try:
                transport = replace(connect_to(server), reconnect=None)
                async with open_session(config, endpoint=endpoint, transport=transport) as session:
                    there = await server.wait_session()
                    await session.send_text(SECRET)
                    await session.update_instruction(SECRET)
                    await session.update_context(system_instruction=SECRET)
                    await session.seed_history([Content.from_text(SECRET)])
                    with pytest.raises(LocalProtocolError) as refused:
                        await session.seed_history([Content.from_text(SECRET, role=SECRET)])
                    evidence.show_error(refused.value)
                    await there.send_raw(frame)
                    await there.close(1011, "Internal error encountered.")
                    evidence.show(session, session.state)
                    await trio.sleep_forever()
            except LiveError as error:
                # What was not delivered is the program's own, and only there for it to look at.
                undelivered = vars(error).pop("undelivered", ())
                evidence.show_error(error)
                evidence.show(*(type(command) for command in undelivered))
    evidence.search()


@pytest.mark.parametrize("code", [1000, 1008, 1011])
async def test_reason_of_a_close_is_not_in_the_log(
    code: int, evidence: Evidence, caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
) -> None:
    """A reason that repeats the handle is blanked in our error, and not in any log."""

    async def serve(stream: trio.abc.Stream) -> None:
        await FarEnd(stream).accept(close_frame(code, f"{SECRET}-handle: no"))

    with trio.fail_after(600):
        async with trio.open_nursery() as nursery:
            await fail(evidence, ENDPOINTS["key"](), through(opening(nursery, serve)))
            nursery.cancel_scope.cancel()
    assert f"websocket closed with code {code}" in caplog.text
    evidence.search()


@pytest.mark.parametrize("row", [row for row in CLOSES if row.text], ids=lambda row: row.text)
def test_short_values_of_headers_do_not_change_what_a_reason_means(row: CloseRow) -> None:
    """A header "1", "a" or "handle" is no secret in the words by which a close is judged."""
    words = str(row.text)
    secrets = (SECRET, *words, *words.split(), words)
    request = DialRequest("wss://localhost", secrets=secrets)
    shown = without_secrets(request, f"{words.title()} {SECRET}")
    assert shown == f"{words.title()} ***"


def test_reasons_of_other_connections_stay_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """What other users of trio-websocket log is theirs."""
    caplog.set_level(logging.DEBUG, "trio-websocket")
    closed = ConnectionClosed(CloseReason(1000, "their own"))
    logging.getLogger("trio-websocket").debug("%s websocket closed %r", "client-0", closed)
    assert "their own" in caplog.text


@pytest.mark.parametrize("status", [400, 500])
async def test_token_that_is_refused_shows_no_secret(
    status: int, evidence: Evidence, autojump_clock: MockClock
) -> None:
    """The service's answer repeats the request; httpcore logs what it does."""
    pytest.importorskip("httpcore")
    with trio.fail_after(600):
        async with trio.open_nursery() as nursery:
            open_stream = opening(nursery, functools.partial(echo_request, status=status))
            key = f"AIza{SECRET}"
            try:
                await tokens.create(
                    key, base_url=HERE, headers={"x-gateway": SECRET}, open_stream=open_stream
                )
            except LiveError as error:
                evidence.show_error(error)
            nursery.cancel_scope.cancel()
    evidence.search()


async def test_proxy_that_refuses_shows_no_secret(evidence: Evidence) -> None:
    """A proxy repeats the request with the credentials that were for it alone."""
    pytest.importorskip("python_socks")

    async def serve(stream: trio.abc.Stream) -> None:
        asked = bytes(await stream.receive_some())
        await stream.send_all(b"HTTP/1.1 407 " + asked.replace(b"\r\n", b" ") + b"\r\n\r\n" + asked)

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            listeners: Any = await trio.open_tcp_listeners(0, host="127.0.0.1")
            port = listeners[0].socket.getsockname()[1]
            nursery.start_soon(trio.serve_listeners, serve, listeners)
            transport = TransportConfig(proxy=f"http://u:{SECRET}@127.0.0.1:{port}")
            await fail(evidence, ENDPOINTS["key"](), transport)
            nursery.cancel_scope.cancel()
    evidence.search()


def test_settings_show_no_secret(evidence: Evidence) -> None:
    """What is printed of settings, of endpoints and of addresses says where, and not who."""
    for make in ENDPOINTS.values():
        endpoint = make()
        evidence.show(endpoint, trio.run(endpoint.resolve), [endpoint], {"endpoint": endpoint})
    evidence.search()
