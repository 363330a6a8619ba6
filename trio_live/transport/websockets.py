"""The fast transport: the frames of the websockets library (extra `fast`), on Trio.

What lives here: dialling, and WebSocketsTransport. What must not: the opening handshake
(upgrade.py). `websockets.protocol.Protocol`, which does no I/O, builds frames (masked in C) and
parses them; permessage-deflate is not offered.

One task reads: one large read is parsed into all messages that it holds (cutter.py takes those out
that need no library), and whoever receives is woken once for all of them. It goes on answering
pings when nobody receives, up to a bound. Nothing here has a lock or a channel. Costs beside the
default: benchmarks/flood.py, peer `fast`.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Final

import trio
from websockets.exceptions import PayloadTooBig
from websockets.frames import Close, CloseCode, Frame, Opcode
from websockets.protocol import Protocol, Side

from trio_live.flag import Flag
from trio_live.transport.cutter import MessageCutter
from trio_live.transport.failures import upgrade_failure, without_secrets
from trio_live.transport.inbox import Inbox
from trio_live.transport.interface import NO_CLOSE_FRAME, DialRequest, TransportClosed
from trio_live.transport.opening import OpenStream, keep_ticket_of, open_wire
from trio_live.transport.outgoing import OutgoingStream
from trio_live.transport.text_frames import text_frame
from trio_live.transport.upgrade import upgrade

try:
    from websockets.speedups import apply_mask
except ImportError:  # no wheel for this platform
    from websockets.utils import apply_mask

if TYPE_CHECKING:
    from trio_live.transport.interface import Transport

# The library would log every frame, payload and all, for a program that logs everything.
_NO_LOG: Final = logging.Logger("trio_live.websockets", logging.CRITICAL + 1)


async def dial(
    nursery: trio.Nursery, request: DialRequest, *, open_stream: OpenStream | None = None
) -> Transport:
    """Connect with websockets.

    Args:
        nursery: Runs the connection's tasks; cancelling it closes the socket.
        request: What to connect to.
        open_stream: Opens the stream below TLS and WebSocket; None for TCP.

    Raises:
        ConnectError: The name, the network, TLS or the upgrade failed.

    Cancellation: atomic. If cancelled, there is no connection.
    """
    stream = await open_wire(nursery, request, open_stream)
    try:
        behind = await upgrade(request, stream)
        transport = WebSocketsTransport(request, stream)
        nursery.start_soon(transport.run, behind, name="trio_live connection")
        keep_ticket_of(request, stream)
        return transport
    except Exception as error:
        await trio.aclose_forcefully(stream)
        failure = upgrade_failure(request, error)
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    try:
        raise failure
    finally:
        del failure  # else it and this frame would keep each other alive


class WebSocketsTransport(Inbox):
    """One connection over the websockets library. Made by `dial`.

    Attributes:
        confirmed_bytes: See Transport.
    """

    def __init__(self, request: DialRequest, stream: OutgoingStream) -> None:
        super().__init__()
        self._request = request
        self._stream = stream
        self._cutter = MessageCutter(request.max_message_bytes)
        self.confirmed_bytes = 0
        self._pings = 0  # how many were sent
        self._ping_due: int | None = None  # what the answer to the last one will confirm
        self._ping_wanted = False  # another one is to be sent then
        self._fragments = bytearray()  # of the message that is not complete
        self._fragments_are_text = False
        self._goodbye: tuple[int, str] | None = None  # our own close, if the other's was not first
        self._end: tuple[int, str] | None = None  # what receive() raises when all is taken
        self._done = Flag()  # set when everything may be torn down

    @cached_property
    def _protocol(self) -> Protocol:
        """The library's side of it; 1.1 KiB that a connection of plain messages never needs."""
        return Protocol(Side.CLIENT, max_size=self._request.max_message_bytes, logger=_NO_LOG)

    @property
    def accepted_bytes(self) -> int:
        """See Transport."""
        return self._stream.accepted

    @property
    def begun_bytes(self) -> int:
        """See Transport."""
        return self._stream.begun

    @property
    def written_bytes(self) -> int:
        """See Transport."""
        return self._stream.written

    @property
    def heard_bytes(self) -> int:
        """See Transport."""
        return self._stream.heard

    def ping(self) -> None:
        """See Transport."""
        if self._end is not None or self._goodbye is not None:
            return
        if self._ping_due is not None:
            self._ping_wanted = True
            return
        self._ping_wanted = False
        self._ping_due = self._stream.accepted
        self._pings += 1
        self._protocol.send_ping(b"%d" % self._pings)
        with suppress(trio.BrokenResourceError):
            self._stream.write(b"".join(self._protocol.data_to_send()))

    def send(self, frame: str | bytes) -> None:
        """See Transport."""
        if self._end is not None or self._goodbye is not None:
            raise self._closed() from self._failure
        try:
            self._stream.write(text_frame(frame, apply_mask))
        except trio.BrokenResourceError as error:
            raise self._closed() from error

    async def wait_written(self, total: int) -> None:
        """See Transport."""
        try:
            await self._stream.wait_written(total)
        except trio.BrokenResourceError as error:
            raise self._closed() from error

    def goodbye(self, code: int = 1000, reason: str = "") -> None:
        """See Transport."""
        if self._end is None and self._goodbye is None and not self._stream.ended.is_set():
            self._goodbye = code, reason
            self._protocol.send_close(code, reason)
            with suppress(trio.BrokenResourceError):
                self._stream.write(b"".join(self._protocol.data_to_send()))

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        """See Transport."""
        try:
            self.goodbye(code, reason)
            self._drop_messages()
            await self._wait_arrived()
            if not self._stream.ended.is_set():
                with suppress(trio.BrokenResourceError):
                    await self._stream.wait_written(self._stream.accepted)
        finally:
            self._done.set()
            await self._stream.aclose()

    async def run(self, data: bytes) -> None:
        """Read, and hold the connection until it is closed or cancelled.

        Args:
            data: What has arrived already.
        """
        try:
            await self._read(data)
            await self._done.wait()  # what was accepted is still written
        finally:
            with trio.CancelScope(shield=True):  # closing does not wait for anything
                await self._stream.aclose()
            self._conclude(NO_CLOSE_FRAME, "")  # after a cancellation nobody has yet

    async def _read(self, data: bytes) -> None:
        """Read to the end of the stream; begin with what has arrived already."""
        try:
            while True:
                if data and (answer := self._take(data)):
                    with suppress(trio.BrokenResourceError):  # what was said last is still read
                        await self._stream.send_all(answer)
                await self._wait_room()
                data = await self._stream.receive_some()
                if not data:
                    break
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        except Exception as error:
            self._failure = error
        self._conclude(NO_CLOSE_FRAME, "")

    def _take(self, data: bytes) -> bytes:
        """Parse what has arrived; give what is to be written in answer to it."""
        rest = self._cutter.cut(data, self._messages)
        answer = self._parse(rest) if rest else b""
        if self._messages:
            self._tell_arrived()
        return answer

    def _parse(self, data: bytes) -> bytes:
        """Let the library parse what the cutter has left; give what is to be written in answer."""
        protocol = self._protocol
        protocol.receive_data(data)
        for event in protocol.events_received():
            assert isinstance(event, Frame)
            opcode = event.opcode
            if opcode is Opcode.TEXT or opcode is Opcode.BINARY or opcode is Opcode.CONT:
                self._take_data(event)
            elif opcode is Opcode.CLOSE:
                close = Close.parse(event.data)
                self._conclude(close.code, close.reason)
            elif opcode is Opcode.PONG and event.data == b"%d" % self._pings:
                self.confirmed_bytes = self._ping_due or self.confirmed_bytes
                self._ping_due = None
        answers = protocol.data_to_send()
        if protocol.parser_exc is not None and self._end is None:
            if (theirs := protocol.close_rcvd) is not None:
                # A close between the fragments of a message, which the library takes for an error.
                self._conclude(theirs.code, theirs.reason)
                answers[-1:] = [_close_frame(theirs)]
            else:
                self._broken_rule(protocol.parser_exc)
        if self._ping_wanted:
            self.ping()
        # Nothing follows a close frame, not even a pong.
        return b"" if self._goodbye else b"".join(answers)

    def _take_data(self, frame: Frame) -> None:
        """Take one frame of a message."""
        data = frame.data
        text = frame.opcode is Opcode.TEXT
        if not frame.fin or frame.opcode is Opcode.CONT:
            if frame.opcode is not Opcode.CONT:
                self._fragments_are_text = text
            self._fragments += data
            if not frame.fin:
                return
            data, self._fragments = self._fragments, bytearray()
            text = self._fragments_are_text
        if self._end is not None:
            return
        try:
            self._messages.append(str(data, "utf-8") if text else bytes(data))
        except UnicodeDecodeError as error:
            self._protocol.fail(CloseCode.INVALID_DATA, str(error))
            self._conclude(NO_CLOSE_FRAME, str(error))

    def _broken_rule(self, error: Exception) -> None:
        """End, because of what arrived; the library answers with a close frame that says why."""
        if isinstance(error, PayloadTooBig):
            self._conclude(int(CloseCode.MESSAGE_TOO_BIG), str(error))
        else:
            self._conclude(NO_CLOSE_FRAME, str(error))

    def _conclude(self, code: int, reason: str) -> None:
        """Note how the connection ended, if that is not known."""
        if self._end is None:
            self._end = int(code), without_secrets(self._request, reason)
            self._end_messages()

    def _closed(self) -> TransportClosed:
        return TransportClosed(*(self._end or self._goodbye or (NO_CLOSE_FRAME, "")))


def _close_frame(close: Close) -> bytes:
    """Build the answer to a close frame: the same."""
    payload = b"" if close.code == CloseCode.NO_STATUS_RCVD else close.serialize()
    return Frame(Opcode.CLOSE, payload).serialize(mask=True)
