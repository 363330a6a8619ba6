"""Opening a connection, as far as all WebSocket transports do it alike.

What lives here: the stream under a connection (TCP, proxy, TLS), and what an upgrade asks for and
is told. What must not: the upgrade itself, frames.
"""

from __future__ import annotations

import functools
import re
import ssl
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

import trio
import trio_websocket

from trio_live.transport.failures import network_failure, port_of
from trio_live.transport.interface import DialRequest
from trio_live.transport.outgoing import OutgoingStream
from trio_live.transport.proxy import open_tcp
from trio_live.transport.sockets import DirectSocket
from trio_live.transport.tickets import keep_ticket, ticket_for
from trio_live.transport.tls import TlsStream

OpenStream = Callable[[str, int], Awaitable[trio.abc.Stream]]
"""Opens the byte stream under a connection: `await open_stream(host, port)`."""

ANSWER_LIMIT: Final = 131_072
"""How much of an answer is read; what an accepting server sends at once fits in."""

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([2-5][0-9][0-9])[ \r]")


async def open_wire(
    nursery: trio.Nursery, request: DialRequest, open_stream: OpenStream | None
) -> OutgoingStream:
    """Open the stream that carries frames, TLS and all.

    Args:
        nursery: Runs the stream's task, when it needs one.
        request: What to connect to.
        open_stream: Opens the stream below TLS and WebSocket; None for TCP.

    Raises:
        ConnectError: There is no connection.

    Cancellation: atomic. If cancelled, there is no connection.
    """
    try:
        stream = await _connect(request, open_stream)
        stream.start(nursery)
        if isinstance(stream, TlsStream):
            try:
                await stream.do_handshake()
            except BaseException:
                await trio.aclose_forcefully(stream)
                raise
        return stream
    except (OSError, ValueError, trio.BrokenResourceError) as error:
        failure = network_failure(request, error)
    try:
        raise failure
    finally:
        del failure  # else it and this frame would keep each other alive


async def _connect(request: DialRequest, open_stream: OpenStream | None) -> OutgoingStream:
    """Open the stream; over TLS, the handshake is still to be done."""
    parts = urlsplit(request.url)
    host = parts.hostname or ""
    port = port_of(parts)
    stream: trio.abc.Stream
    try_write = None
    if open_stream is not None:
        stream = await open_stream(host, port)
    else:
        stream = await open_tcp(request.proxy, host, port)
        if isinstance(stream, trio.SocketStream):  # and not TLS to the proxy
            stream = DirectSocket(stream)
            try_write = stream.try_write
    if parts.scheme != "wss":
        return OutgoingStream(stream, try_write)
    context = request.ssl_context or default_ssl_context()
    try:
        return TlsStream(stream, try_write, context, host, ticket_for(context, host, port))
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise


def keep_ticket_of(request: DialRequest, stream: OutgoingStream) -> None:
    """Keep the TLS ticket of a connection for the next one, after the upgrade."""
    if isinstance(stream, TlsStream):
        parts = urlsplit(request.url)
        keep_ticket(stream.engine, parts.hostname or "", port_of(parts), trio.current_time())


def upgrade_request(request: DialRequest) -> tuple[str, str, list[tuple[bytes, bytes]]]:
    """Give host, target and the further headers of the upgrade; user information goes nowhere."""
    parts = urlsplit(request.url)
    host = parts.netloc.rpartition("@")[2]
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return host, target, [(name.encode(), value.encode()) for name, value in request.headers]


def incomplete_answer(answer: bytes | bytearray) -> Exception:
    """Say what an answer to the upgrade means of which no more is coming, or wanted."""
    head, end, body = answer.partition(b"\r\n\r\n")
    status = _STATUS_LINE.match(head)
    if status is None or not end:
        return ConnectionResetError("the server ended the connection during the upgrade")
    return trio_websocket.ConnectionRejected(int(status[1]), (), bytes(body))


@functools.cache
def default_ssl_context() -> ssl.SSLContext:
    """Give the one default context: making another costs 24 ms and 0.9 MiB (measured)."""
    return ssl.create_default_context()
