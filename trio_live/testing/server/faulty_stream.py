"""A stream that can be made to misbehave, below WebSocket and above TCP and TLS."""

from __future__ import annotations

import socket
import struct
from collections.abc import Awaitable, Callable
from typing import cast

import trio

_CLOSE: int = 8  # the opcode (RFC 6455, section 5.2)
_CLOSE_FRAME = b"\x88"  # how one begins that is not fragmented


class FaultyStream(trio.abc.Stream):
    """Passes everything on to another stream, for as long as nobody says otherwise.

    Attributes:
        said_close: set when a close frame was written.
    """

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.said_close = trio.Event()
        self._stream = stream
        self._lock = trio.Lock()  # nothing comes between the bytes of one write
        self._flows = trio.Event()
        self._flows.set()
        self._seconds_per_byte: float | None = None
        self._scanner: FrameScanner | None = None
        self._at_close_frame: Callable[[], Awaitable[None]] | None = None

    def freeze(self) -> None:
        """Let reading and writing wait; what has been read is kept back."""
        self._flows = trio.Event()

    def thaw(self) -> None:
        """Let them go on."""
        self._flows.set()

    def trickle(self, seconds_per_byte: float) -> None:
        """Write slowly from now on."""
        self._seconds_per_byte = seconds_per_byte

    async def reset(self) -> None:
        """Reset the TCP connection; what is no TCP is closed."""
        below = self._stream
        while isinstance(below, trio.SSLStream):
            below = cast("trio.abc.Stream", below.transport_stream)
        if isinstance(below, trio.SocketStream):
            at_once = struct.pack("ii", 1, 0)  # linger for 0 seconds
            below.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        await trio.aclose_forcefully(below)
        self.thaw()  # who waits learns of it

    async def cut(self) -> None:
        """End the connection after what was written."""
        await trio.aclose_forcefully(self._stream)
        self.thaw()

    def watch_frames(self, at_close_frame: Callable[[], Awaitable[None]]) -> None:
        """Call this when a close frame arrives, before it is passed on; frames begin here."""
        self._scanner = FrameScanner()
        self._at_close_frame = at_close_frame

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes; see `trio.abc.SendStream`."""
        async with self._lock:
            await self._flows.wait()
            if self._seconds_per_byte is None:
                await self._stream.send_all(data)
            else:
                for byte in bytes(data):
                    await self._stream.send_all(bytes([byte]))
                    await trio.sleep(self._seconds_per_byte)
            if data[:1] == _CLOSE_FRAME:
                self.said_close.set()

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until sending might not block; see `trio.abc.SendStream`."""
        await self._flows.wait()
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive bytes; see `trio.abc.ReceiveStream`."""
        received = await self._stream.receive_some(max_bytes)
        if self._scanner is not None and self._scanner.finds_close(received):
            assert self._at_close_frame is not None
            await self._at_close_frame()
        if not self._flows.is_set():
            await self._flows.wait()
        return received

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()


class FrameScanner:
    """Follows the heads of a client's frames through pieces of any size."""

    def __init__(self) -> None:
        self._head = bytearray()  # of the frame that begins
        self._skip = 0  # bytes of its payload that are still to come

    def finds_close(self, data: bytes | bytearray) -> bool:
        """Take the next piece; return whether the head of a close frame is complete in it."""
        found = False
        position = 0
        while position < len(data):
            if self._skip:
                step = min(self._skip, len(data) - position)
                self._skip -= step
                position += step
                continue
            self._head.append(data[position])
            position += 1
            if len(self._head) >= 2:
                found = self._end_head() or found
        return found

    def _end_head(self) -> bool:
        """If the head is complete, take its payload's size; return whether it closes."""
        head = self._head
        short = head[1] & 0x7F
        extended = {126: 2, 127: 8}.get(short, 0)
        if len(head) < 2 + extended + 4:  # a client masks
            return False
        self._skip = int.from_bytes(head[2 : 2 + extended], "big") if extended else short
        closes = head[0] & 0x0F == _CLOSE
        head.clear()
        return closes
