"""Proxies: which one is taken, what is said to it, and what its refusals become.

The proxies here are real ones on loopback sockets, as small as they can be.
"""

from __future__ import annotations

import base64
import ssl
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trustme

from trio_live import (
    ConfigError,
    ConnectError,
    CredentialsError,
    GoogleAI,
    SessionConfig,
    TransportConfig,
    TurnComplete,
    open_session,
    tokens,
)
from trio_live.testing import LiveServer, connect_to
from trio_live.transport.proxy import proxy_for, secrets_of

pytest.importorskip("python_socks")

CONFIG = SessionConfig("m", response_modalities=["TEXT"])
WORD = "PLANTED%21"  # for "PLANTED!"
Serve = Callable[[trio.abc.Stream], Awaitable[tuple[str, int] | None]]


class Proxy:
    """A proxy that notes what it was asked for.

    Attributes:
        port: where it listens.
        requests: the heads of what was asked, a text for each connection.
        answer: what it answers in place of connecting, if anything.
    """

    def __init__(self, kind: str) -> None:
        self.port = 0
        self.requests: list[str] = []
        self.answer: bytes | None = None
        self._negotiate: Serve = {"http": self._http, "socks5": self._socks5}[kind]

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Serve one connection."""
        async with stream:
            target = await self._negotiate(stream)
            if target is not None:
                async with await trio.open_tcp_stream(*target) as far, trio.open_nursery() as both:
                    both.start_soon(self._pass, stream, far, both.cancel_scope)
                    both.start_soon(self._pass, far, stream, both.cancel_scope)

    async def _pass(
        self, one: trio.abc.Stream, other: trio.abc.Stream, scope: trio.CancelScope
    ) -> None:
        try:
            while data := await one.receive_some():
                await other.send_all(data)
        except trio.BrokenResourceError:
            pass
        scope.cancel()

    async def _http(self, stream: trio.abc.Stream) -> tuple[str, int] | None:
        head = ""
        while "\r\n\r\n" not in head:
            head += bytes(await stream.receive_some()).decode()
        self.requests.append(head)
        await stream.send_all(self.answer or b"HTTP/1.1 200 Connection established\r\n\r\n")
        host, _, port = head.split()[1].rpartition(":")
        return None if self.answer else (host, int(port))

    async def _socks5(self, stream: trio.abc.Stream) -> tuple[str, int] | None:
        greeting = bytes(await stream.receive_some())
        login = b""
        if 2 in greeting[2:]:
            await stream.send_all(b"\x05\x02")
            login = bytes(await stream.receive_some())
            await stream.send_all(b"\x01\x00")
        else:
            await stream.send_all(b"\x05\x00")
        request = bytes(await stream.receive_some())
        assert request[3] == 3, "a name, not resolved here"
        host = request[5 : 5 + request[4]].decode()
        port = int.from_bytes(request[-2:], "big")
        self.requests.append(f"{login!r} {host}")
        await stream.send_all(self.answer or b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        return None if self.answer else (host, port)


@asynccontextmanager
async def proxy_and_server(
    kind: str, context: ssl.SSLContext | None = None, proxy_context: ssl.SSLContext | None = None
) -> AsyncGenerator[tuple[Proxy, str, LiveServer]]:
    """Run a proxy and a server; give the server's URL too."""
    proxy = Proxy(kind)
    with trio.fail_after(30):
        async with LiveServer(pace=0) as server, trio.open_nursery() as nursery:
            url = await server.listen("localhost", ssl_context=context)
            listeners: Any = await trio.open_tcp_listeners(0, host="127.0.0.1")
            proxy.port = listeners[0].socket.getsockname()[1]
            if proxy_context is not None:
                listeners = [trio.SSLListener(listeners[0], proxy_context, https_compatible=True)]
            nursery.start_soon(trio.serve_listeners, proxy.serve, listeners)
            yield proxy, url, server
            nursery.cancel_scope.cancel()


async def talk(
    url: str,
    proxy: Any,
    ssl_context: ssl.SSLContext | None = None,
    name: Any = "trio-websocket",
) -> None:
    """Hold a short session through a proxy."""
    transport = TransportConfig(proxy=proxy, ssl_context=ssl_context, transport=name)
    endpoint = GoogleAI("key", base_url=url)
    async with open_session(CONFIG, endpoint=endpoint, transport=transport) as session:
        await session.send_text("hello")
        async for event in session:
            if isinstance(event, TurnComplete):
                return


def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Give a server's and a client's context that go together."""
    authority = trustme.CA()
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(theirs)
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    return theirs, ours


@pytest.mark.parametrize("kind", ["http", "socks5"])
@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("name", ["trio-websocket", "websockets"])
async def test_session_goes_through_a_proxy(kind: str, secure: bool, name: str) -> None:
    """Plain and over TLS; the proxy gets the server's name, and its own credentials."""
    theirs, ours = contexts() if secure else (None, None)
    async with proxy_and_server(kind, theirs) as (proxy, url, server):
        await talk(url, f"{kind}://user:{WORD}@127.0.0.1:{proxy.port}", ours, name)
        assert len(server.sessions) == 1
        (request,) = proxy.requests
    assert "localhost" in request
    if kind == "http":
        assert base64.b64encode(b"user:PLANTED!").decode() in request
        assert "x-goog-api-key" not in request
    else:
        assert "user" in request
        assert "PLANTED!" in request


@pytest.mark.parametrize("name", ["trio-websocket", "websockets"])
async def test_session_goes_through_an_https_proxy(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS to the proxy carries TLS to the server."""
    theirs, ours = contexts()
    monkeypatch.setattr(ssl, "create_default_context", lambda: ours)
    async with proxy_and_server("http", theirs, theirs) as (proxy, url, server):
        await talk(url, f"https://127.0.0.1:{proxy.port}", ours, name)
        assert len(server.sessions) == 1


async def test_token_is_asked_for_through_a_proxy() -> None:
    """tokens.create() takes the same proxies."""
    async with proxy_and_server("http") as (proxy, url, _):
        token = await tokens.create("k", base_url=url, proxy=f"http://127.0.0.1:{proxy.port}")
        assert token.uses == 1
        assert len(proxy.requests) == 1
        proxy.answer = b"HTTP/1.1 403 PLANTED\r\n\r\n"
        with pytest.raises(CredentialsError, match="refused with HTTP 403") as caught:
            await tokens.create("k", base_url=url, proxy=f"http://127.0.0.1:{proxy.port}")
        assert "PLANTED" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "answer", "complaint", "retryable"),
    [
        (
            "http",
            b"HTTP/1.1 407 PLANTED!\r\n\r\n",
            "refused with HTTP 407: it wants other credentials",
            False,
        ),
        ("http", b"HTTP/1.1 403 Forbidden\r\n\r\n", "refused with HTTP 403", False),
        ("http", b"HTTP/1.1 502 Bad\r\n\r\n", "refused with HTTP 502", True),
        ("http", b"PLANTED!\r\n\r\n", "did not answer as one does", True),
        ("socks5", b"\x05\x05\x00\x01" + bytes(6), "refused with SOCKS reply 5", True),
        ("socks5", b"\x05", "did not answer as one does", True),
    ],
)
async def test_proxy_that_refuses_is_told_without_its_words(
    kind: str, answer: bytes, complaint: str, retryable: bool
) -> None:
    """Law 6: what a proxy says may hold what was sent to it, so that only its number is told."""
    async with proxy_and_server(kind) as (proxy, url, _):
        proxy.answer = answer
        with pytest.raises(ConnectError) as caught:
            await talk(url, f"{kind}://user:{WORD}@127.0.0.1:{proxy.port}")
        port = url.rpartition(":")[2]
        assert str(caught.value) == (
            f"could not connect to localhost:{port}: the proxy 127.0.0.1:{proxy.port} {complaint}"
        )
        assert caught.value.retryable is retryable
        assert "PLANTED" not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_proxy_that_is_not_there_is_told() -> None:
    """It is the proxy that cannot be reached, and not the service."""
    async with proxy_and_server("http") as (_, url, server):
        dead = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
        port = dead.socket.getsockname()[1]
        await dead.aclose()
        with pytest.raises(ConnectError, match=f"the proxy 127.0.0.1:{port} cannot be reached"):
            await talk(url, f"http://127.0.0.1:{port}")
        assert server.sessions == []


VARIABLES = ("https_proxy", "http_proxy", "all_proxy", "no_proxy")


@pytest.fixture
def set_environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give a function that sets the variables about proxies, and no others."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("REQUEST_METHOD", raising=False)

    def set_all(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return set_all


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "wss://h", None),
        ({"https_proxy": "http://p:1"}, "wss://h", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, "wss://h", "http://p:1"),
        ({"https_proxy": "http://p:1", "HTTPS_PROXY": "http://q:1"}, "wss://h", "http://p:1"),
        ({"https_proxy": "p:1"}, "wss://h", "http://p:1"),
        ({"https_proxy": "http://p:1"}, "ws://h", None),
        ({"http_proxy": "http://p:1"}, "ws://h", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, "ws://h", None),
        ({"http_proxy": "http://p:1"}, "wss://h", None),
        ({"ALL_PROXY": "socks5://p:1"}, "ws://h", "socks5://p:1"),
        ({"https_proxy": " ", "all_proxy": "socks5h://p"}, "wss://h", "socks5h://p"),
        ({"https_proxy": "http://p:1"}, "wss://localhost", None),
        ({"https_proxy": "http://p:1"}, "wss://127.0.0.1:8", None),
        ({"https_proxy": "http://p:1"}, "wss://[::1]:8", None),
        *(
            ({"https_proxy": "http://p:1", "NO_PROXY": names}, "wss://a.example:444", None)
            for names in ("*", "x, example", ".example", "A.EXAMPLE", "a.example:444")
        ),
        *(
            ({"https_proxy": "http://p:1", "no_proxy": names}, "wss://a.example", "http://p:1")
            for names in ("ample", "b.a.example", ",", "a.example:444", "a.example.org")
        ),
    ],
)
def test_environment_says_which_proxy(
    environment: dict[str, str], url: str, proxy: str | None, set_environment: Callable[..., None]
) -> None:
    """The usual variables mean what they mean to other programs; this machine needs no proxy."""
    set_environment(**environment)
    assert proxy_for(True, url) == proxy


def test_argument_wins_over_the_environment(set_environment: Callable[..., None]) -> None:
    """A URL is taken for any host, and None means none."""
    set_environment(https_proxy="http://p:1")
    assert proxy_for("socks4://q:1", "wss://localhost") == "socks4://q:1"
    assert proxy_for(None, "wss://h") is None


def test_secrets_of_a_proxy_are_its_user_and_password() -> None:
    """As written and as meant."""
    assert secrets_of(f"http://user:{WORD}@p:1") == ("user", WORD, "PLANTED!")
    assert secrets_of(None) == ()


@pytest.mark.parametrize(
    ("proxy", "complaint"),
    [
        (5, "proxy must be a URL, True or None, not int"),
        (False, "proxy must be a URL, True or None, not bool"),
        ("p:1", "must name a host and begin with one of"),
        ("", "must name a host"),
        ("ftp://PLANTED@p", "must name a host and begin with one of"),
        ("http://", "must name a host"),
        ("http://PLANTED@p:x", "cannot be parsed"),
        ("http://p:1/a b", "cannot be parsed"),
    ],
)
def test_proxy_that_cannot_be_one_is_a_config_error(proxy: Any, complaint: str) -> None:
    """It is refused where it is said, and not shown."""
    with pytest.raises(ConfigError, match=complaint) as caught:
        TransportConfig(proxy=proxy)
    assert "PLANTED" not in str(caught.value)


def test_proxy_is_not_in_the_repr() -> None:
    """Law 6: its password is a secret."""
    assert "PLANTED" not in repr(TransportConfig(proxy="http://u:PLANTED@p:1"))


async def test_without_python_socks_the_error_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Law 12: the extra is missed only where a proxy is to be used."""
    monkeypatch.setitem(sys.modules, "python_socks", None)
    with pytest.raises(ConnectError, match=r"pip install trio-live\[proxy\]") as caught:
        await talk("ws://localhost:1", "http://p:1")
    assert not caught.value.retryable
    with pytest.raises(CredentialsError, match=r"pip install trio-live\[proxy\]") as refused:
        await tokens.create("k", base_url="ws://localhost:1", proxy="http://p:1")
    assert not refused.value.retryable
    monkeypatch.setenv("http_proxy", "http://p:1")
    async with LiveServer(pace=0) as server:
        endpoint = GoogleAI("k", base_url="ws://somewhere.example", insecure=True)
        async with open_session(CONFIG, endpoint=endpoint, transport=connect_to(server)):
            pass  # a connection in memory has no use for it
