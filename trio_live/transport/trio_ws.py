"""The default transport: trio-websocket.

What lives here: dialling, and TrioWebSocketTransport. trio-websocket does the handshakes, parses
what arrives, answers pings and closes. Our data frames are built by wsproto, the engine under it,
and go straight to OutgoingStream: `send_message` costs two visits to the scheduler and, when
cancelled in mid-frame, tears the frame (the other side then closes with 1007 or 1006). Both write
whole frames to the same stream, so frames never mix.
"""

from __future__ import annotations

import functools
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

import trio
import trio_websocket
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from trio_live.close_codes import judge_status
from trio_live.errors import ConnectError
from trio_live.transport.interface import NO_CLOSE_FRAME, DialRequest, TransportClosed
from trio_live.transport.outgoing import OutgoingStream

if TYPE_CHECKING:
    from trio_live.transport.interface import Transport

OpenStream = Callable[[str, int], Awaitable[trio.abc.Stream]]
"""Opens the byte stream under a connection: `await open_stream(host, port)`."""

# Measured: 64 KiB instead of trio-websocket's 4 KiB makes receiving 1.5 times as fast without TLS.
_RECEIVE_BUFFER: Final = 65_536
# Messages that trio-websocket may hold before our reader has taken them.
_MESSAGE_QUEUE: Final = 64
_BODY_EXCERPT: Final = 300


async def dial(
    nursery: trio.Nursery, request: DialRequest, *, open_stream: OpenStream | None = None
) -> Transport:
    """Connect with trio-websocket.

    Args:
        nursery: Runs the connection's tasks; cancelling it closes the socket.
        request: What to connect to.
        open_stream: Opens the stream below TLS and WebSocket; None for TCP.

    Raises:
        ConnectError: The name, the network, TLS or the upgrade failed.

    Cancellation: atomic. If cancelled, there is no connection.
    """
    transport = TrioWebSocketTransport(request)
    if failure := await nursery.start(transport.run, open_stream):
        raise failure
    return transport


class TrioWebSocketTransport:
    """One connection over trio-websocket. Made by `dial`."""

    def __init__(self, request: DialRequest) -> None:
        self._request = request
        self._frames = Connection(ConnectionType.CLIENT)
        self._done = trio.Event()
        self._failure: Exception | None = None  # why the connection's tasks ended, if they failed
        self._stream: OutgoingStream
        self._ws: trio_websocket.WebSocketConnection

    @property
    def accepted_bytes(self) -> int:
        """See Transport."""
        return self._stream.accepted

    @property
    def written_bytes(self) -> int:
        """See Transport."""
        return self._stream.written

    def send(self, frame: str) -> None:
        """See Transport."""
        if self._ws.closed:
            raise self._closed()
        try:
            self._stream.write(self._frames.send(TextMessage(data=frame)))
        except trio.BrokenResourceError as error:
            raise self._closed() from error

    async def wait_backlog(self, at_most: int) -> None:
        """See Transport."""
        try:
            await self._stream.wait_backlog(at_most)
        except trio.BrokenResourceError as error:
            raise self._closed() from error

    async def receive(self) -> str | bytes:
        """See Transport."""
        try:
            return await self._ws.get_message()
        except trio_websocket.ConnectionClosed:
            raise self._closed() from self._failure

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        """See Transport."""
        try:
            await self._ws.aclose(code, reason or None)
        finally:
            self._done.set()

    async def run(
        self,
        open_stream: OpenStream | None,
        *,
        task_status: trio.TaskStatus[ConnectError | None],
    ) -> None:
        """Connect, report, and hold the connection's tasks until it is closed or cancelled.

        Reports None, or the ConnectError; an error that was raised would come out in a group.
        """
        try:
            stream = await self._open(open_stream)
        except (OSError, trio.BrokenResourceError) as error:
            task_status.started(self._network_failure(error))
            return
        opened = False
        self._stream = stream
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(stream.run)
                refused = await self._upgrade(nursery)
                if refused is None:
                    opened = True
                    task_status.started(None)
                    await self._done.wait()
                nursery.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            # trio-websocket raises the answer to a refused upgrade in its reader task, and
            # wsproto's complaints about a connection that is already closing.
            failures, rest = group.split(Exception)
            if rest is not None:
                raise rest from None  # being cancelled: nobody waits for the failure
            assert failures is not None
            self._failure = refused = failures.exceptions[0]
        finally:
            self._done.set()
            with trio.CancelScope(shield=True):  # closing does not wait for anything
                await stream.aclose()
        if not opened:
            task_status.started(self._upgrade_failure(refused))

    async def _open(self, open_stream: OpenStream | None) -> OutgoingStream:
        parts = urlsplit(self._request.url)
        host = parts.hostname or ""
        port = _port(parts)
        stream: trio.abc.Stream
        try_write = None
        if open_stream is not None:
            stream = await open_stream(host, port)
        else:
            stream, try_write = _share_socket(await trio.open_tcp_stream(host, port))
        if parts.scheme != "wss":
            return OutgoingStream(stream, try_write)
        secure = trio.SSLStream(
            stream,
            self._request.ssl_context or default_ssl_context(),
            server_hostname=host,
            https_compatible=True,
        )
        try:
            await secure.do_handshake()
        except BaseException:
            await trio.aclose_forcefully(secure)
            raise
        return OutgoingStream(secure)

    async def _upgrade(self, nursery: trio.Nursery) -> Exception | None:
        """Do the opening handshake. Give an error if the stream ends before the server answers."""
        parts = urlsplit(self._request.url)
        host = parts.netloc.rpartition("@")[2]
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with trio.CancelScope() as upgrading:

            async def give_up_at_the_end() -> None:
                # trio-websocket's own wait does not end when the server hangs up in the middle.
                await self._stream.ended.wait()
                upgrading.cancel()

            async with trio.open_nursery() as watching:
                watching.start_soon(give_up_at_the_end)
                self._ws = await trio_websocket.wrap_client_stream(
                    nursery,
                    self._stream,  # type: ignore[arg-type]  # documented: any trio.abc.Stream
                    host,
                    target,
                    extra_headers=[
                        (name.encode(), value.encode()) for name, value in self._request.headers
                    ],
                    message_queue_size=_MESSAGE_QUEUE,
                    max_message_size=self._request.max_message_bytes,
                    receive_buffer_size=_RECEIVE_BUFFER,
                )
                watching.cancel_scope.cancel()
            return None
        return ConnectionResetError("the server ended the connection during the upgrade")

    def _closed(self) -> TransportClosed:
        reason = self._ws.closed
        if reason is None:
            return TransportClosed(NO_CLOSE_FRAME)
        return TransportClosed(reason.code, reason.reason or "")

    def _network_failure(self, error: Exception) -> ConnectError:
        parts = urlsplit(self._request.url)
        cause = error.__cause__ if isinstance(error, trio.BrokenResourceError) else error
        trusted = not isinstance(cause, ssl.SSLCertVerificationError)
        what = "the TLS certificate was not accepted" if not trusted else _describe(cause or error)
        failure = ConnectError(
            f"could not connect to {parts.hostname}:{_port(parts)}: {what}", retryable=trusted
        )
        failure.__cause__ = error
        return failure

    def _upgrade_failure(self, error: Exception | None) -> ConnectError:
        host = urlsplit(self._request.url).hostname
        if not isinstance(error, trio_websocket.ConnectionRejected):
            failure = ConnectError(
                f"{host} did not complete the WebSocket upgrade: {_describe(error)}", retryable=True
            )
        else:
            verdict = judge_status(error.status_code)
            body = self._without_secrets((error.body or b"").decode("utf-8", "replace"))
            failure = ConnectError(
                f"{host} refused the WebSocket upgrade with HTTP {error.status_code}"
                + (f": {verdict.cause}" if verdict.cause else ""),
                status=error.status_code,
                body=body[:_BODY_EXCERPT],
                retryable=verdict.retryable,
            )
        # The original holds the whole answer, secrets and all, so it is not chained.
        failure.__suppress_context__ = True
        return failure

    def _without_secrets(self, text: str) -> str:
        for secret in self._request.secrets:
            text = text.replace(secret, "***")
        return text


@functools.cache
def default_ssl_context() -> ssl.SSLContext:
    """Give the one default context: making another costs 24 ms and 0.9 MiB (measured)."""
    return ssl.create_default_context()


def _share_socket(stream: trio.SocketStream) -> tuple[trio.SocketStream, Callable[[bytes], int]]:
    """Give a stream over the same socket, and a way to write to it without waiting."""
    shared = socket.socket(fileno=stream.socket.detach())
    shared.setblocking(False)

    def try_write(data: bytes) -> int:
        try:
            return shared.send(data)
        except BlockingIOError:
            return 0

    return trio.SocketStream(trio.socket.from_stdlib_socket(shared)), try_write


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "wss" else 80)


def _describe(error: BaseException | None) -> str:
    """Say what a network error was; never more than the system's own words."""
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return type(error).__name__
