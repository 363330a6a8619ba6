"""The default transport: trio-websocket.

What lives here: dialling, and TrioWebSocketTransport. trio-websocket upgrades, answers pings and
closes, and parses what arrives, but for messages that come in one frame: those are taken out of the
stream under it (cutter.py). Our own frames are built here (text_frames.py) and go straight to the
stream: `send_message` costs two visits to the scheduler and, when cancelled in
mid-frame, tears the frame (the other side then closes with 1007 or 1006); and after its `aclose()`
a ping of the other side breaks the connection, so that the answer is waited for in vain. Both write
whole frames to one FrameStream, so frames never mix, and none follows a close frame.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import trio
import trio_websocket
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection
from wsproto.utilities import LocalProtocolError

from trio_live.errors import ConnectError
from trio_live.flag import Flag
from trio_live.transport.cutter import MessageCutter
from trio_live.transport.failures import upgrade_failure, without_secrets
from trio_live.transport.frames import FrameStream
from trio_live.transport.inbox import Inbox
from trio_live.transport.interface import NO_CLOSE_FRAME, DialRequest, TransportClosed
from trio_live.transport.logs import keep_reasons_out
from trio_live.transport.opening import (
    OpenStream,
    incomplete_answer,
    keep_ticket_of,
    open_wire,
    upgrade_request,
)
from trio_live.transport.outgoing import OutgoingStream
from trio_live.transport.text_frames import text_frame

if TYPE_CHECKING:
    from trio_live.transport.interface import Transport

# Measured: 64 KiB instead of trio-websocket's 4 KiB makes receiving 1.5 times as fast without TLS.
_RECEIVE_BUFFER: Final = 65_536


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
    stream = await open_wire(nursery, request, open_stream)
    transport = TrioWebSocketTransport(request, stream)
    # Without nursery.start() and its nursery, 20 us each time; see connection.py.
    nursery.start_soon(transport.run, name="trio_live connection")
    try:
        failure = await transport.upgraded()
    except BaseException:
        with trio.CancelScope(shield=True):  # does not wait for anything
            await transport.drop()
        raise
    if failure is None:
        keep_ticket_of(request, stream)
        return transport
    try:
        raise failure
    finally:
        del failure  # else it and this frame would keep each other alive


class TrioWebSocketTransport(Inbox):
    """One connection over trio-websocket. Made by `dial`.

    Attributes:
        confirmed_bytes: See Transport.
    """

    def __init__(self, request: DialRequest, stream: OutgoingStream) -> None:
        super().__init__()
        self._request = request
        self._stream = stream
        self._wire = FrameStream(stream, self)
        self._cutter = MessageCutter(request.max_message_bytes)
        self.confirmed_bytes = 0
        self._ping_wanted = False
        self._pinging = False  # there is a task that sends pings
        self._nursery: trio.Nursery | None = None  # runs it
        self._upgrade_over = Flag()
        self._is_upgraded = False
        self._gone = Flag()  # set when nothing is left of it
        self._done = Flag()  # set when everything may be torn down
        self._goodbye: tuple[int, str] | None = None  # our own close, if the other's was not first
        self._ws: trio_websocket.WebSocketConnection

    @property
    def accepted_bytes(self) -> int:
        """See Transport."""
        return self._stream.accepted

    @property
    def written_bytes(self) -> int:
        """See Transport."""
        return self._stream.written

    @property
    def begun_bytes(self) -> int:
        """See Transport."""
        return self._stream.begun

    @property
    def heard_bytes(self) -> int:
        """See Transport."""
        return self._stream.heard

    def ping(self) -> None:
        """See Transport."""
        self._ping_wanted = True
        if not self._pinging and self._nursery is not None:
            self._pinging = True
            self._nursery.start_soon(self._send_pings, name="trio_live pings")

    def send(self, frame: str | bytes) -> None:
        """See Transport."""
        if self._ws.closed or self._wire.closing or self._failure:
            raise self._closed() from self._failure
        try:
            self._wire.write(text_frame(frame))
        except trio.BrokenResourceError as error:
            raise self._closed() from error

    async def wait_written(self, total: int) -> None:
        """See Transport."""
        try:
            await self._stream.wait_written(total)
        except trio.BrokenResourceError as error:
            raise self._closed() from error

    def take(self, data: bytes) -> bytes:
        """See Arrivals."""
        return self._cutter.cut(data, self._messages)

    async def wait_room(self) -> None:
        """See Arrivals."""
        if self._messages:
            self._tell_arrived()
            await self._wait_room()

    def goodbye(self, code: int = 1000, reason: str = "") -> None:
        """See Transport."""
        if self._wire.closing or self._stream.ended.is_set():
            return
        fault = self._ws.closed
        if fault is not None:
            # What arrived broke the rules; trio-websocket knows the code, but does not send it.
            code, reason = fault.code, fault.reason or ""
        else:
            self._goodbye = code, reason
        with suppress(trio.BrokenResourceError):
            engine = Connection(ConnectionType.CLIENT)  # kept for this, it would take 1.7 KiB
            self._wire.write(engine.send(CloseConnection(code, reason)))

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        """See Transport."""
        try:
            self.goodbye(code, reason)
            self._drop_messages()  # or else the answer might not be read
            await self._wait_arrived()
            if not self._stream.ended.is_set():
                with suppress(trio.BrokenResourceError):
                    await self._stream.wait_written(self._stream.accepted)
        finally:
            self._done.set()
            await self._stream.aclose()

    async def upgraded(self) -> ConnectError | None:
        """Wait until the upgrade is over; give why it failed, if it did."""
        await self._upgrade_over.wait()
        return None if self._is_upgraded else upgrade_failure(self._request, self._failure)

    async def drop(self) -> None:
        """Close without a word; return when nothing is left."""
        self._done.set()
        await self._stream.aclose()
        await self._gone.wait()

    async def run(self) -> None:
        """Upgrade, and hold the connection's tasks until it is closed or cancelled."""
        try:
            # trio-websocket's task is in a nursery of its own: its failure ends only itself.
            try:
                async with trio.open_nursery() as nursery:
                    await self._upgrade(nursery)
                    self._nursery = nursery
                    self._is_upgraded = True
                    self._upgrade_over.set()
                    try:
                        await self._hold()
                    finally:
                        self._nursery = None
                    nursery.cancel_scope.cancel()
            except* Exception as failures:
                # It raises the answer to a refused upgrade, and wsproto's complaints about frames
                # that it wants to send after a close frame.
                self._failure = failures.exceptions[0]
            finally:
                self._end_messages()
            if self._is_upgraded:
                await self._done.wait()  # what was accepted is still written
        finally:
            with trio.CancelScope(shield=True):  # closing does not wait for anything
                await self._stream.aclose()
            self._upgrade_over.set()
            self._gone.set()

    async def _hold(self) -> None:
        """Take what trio-websocket has parsed, to the end, and wait until all may be torn down."""
        with suppress(trio_websocket.ConnectionClosed):
            while True:
                self._messages.append(await self._ws.get_message())
                self._tell_arrived()
                await self._wait_room()
        if self._ws.closed is not None:  # else it failed, and we shall hear of what
            self._end_messages()
        await self._done.wait()

    async def _send_pings(self) -> None:
        """Send pings as they are asked for, each when the one before it was answered."""
        with suppress(trio_websocket.ConnectionClosed, LocalProtocolError):
            while self._ping_wanted:
                self._ping_wanted = False
                accepted = self._stream.accepted
                await self._ws.ping()
                self.confirmed_bytes = accepted
            self._pinging = False

    async def _upgrade(self, nursery: trio.Nursery) -> None:
        """Do the opening handshake.

        Raises:
            ConnectionRejected: The answer has no end, but a status (else trio-websocket's task
                raises this).
            ConnectionResetError: The stream ended before the server answered.
        """
        host, target, headers = upgrade_request(self._request)
        keep_reasons_out()  # trio-websocket's task begins here
        with trio.CancelScope() as upgrading:

            async def give_up_at_the_end() -> None:
                # trio-websocket's own wait does not end when the server hangs up in the middle.
                await self._stream.ended.wait()
                upgrading.cancel()

            async with trio.open_nursery() as watching:
                watching.start_soon(give_up_at_the_end)
                self._ws = await trio_websocket.wrap_client_stream(
                    nursery,
                    self._wire,  # type: ignore[arg-type]  # documented: any trio.abc.Stream
                    host,
                    target,
                    extra_headers=headers,
                    max_message_size=self._request.max_message_bytes,
                    receive_buffer_size=_RECEIVE_BUFFER,
                )
                self._wire.answer = None
                watching.cancel_scope.cancel()
            return
        raise incomplete_answer(self._wire.answer or bytearray())

    def _closed(self) -> TransportClosed:
        end = self._ws.closed
        reason = without_secrets(self._request, (end and end.reason) or "")
        if end is not None and self._wire.answered:
            return TransportClosed(int(end.code), reason)
        if self._goodbye is not None and not self._stream.ended.is_set():
            return TransportClosed(*self._goodbye)
        return TransportClosed(NO_CLOSE_FRAME, reason)
