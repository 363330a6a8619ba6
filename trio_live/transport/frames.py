"""The stream under trio-websocket: what the two who write frames have in common.

What lives here: FrameStream. What must not: parsing of frames (cutter.py), sockets. trio-websocket
tells little of what it does, but everything that it writes comes through here, a whole frame at a
time; and of what it is to read, messages are taken out here.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Final, Protocol

import trio

from trio_live.transport.opening import ANSWER_LIMIT
from trio_live.transport.outgoing import OutgoingStream

_CLOSE_FRAME: Final = b"\x88"  # how one begins: final, opcode 8
# The head of an answer that accepts, and nothing behind it.
_ACCEPTED: Final = re.compile(rb"HTTP/1\.1 101 (?:(?!\r\n\r\n).)*\r\n\r\n", re.DOTALL)


class Arrivals(Protocol):
    """Who takes messages out of what has arrived."""

    def take(self, data: bytes) -> bytes:
        """Take the messages that need no trio-websocket; give what it is to parse."""
        ...

    async def wait_room(self) -> None:
        """Hand out what was taken, now that trio-websocket has answered what came with it.

        Wait while there is no room for more.
        """
        ...


class FrameStream(trio.abc.Stream):
    """Lets frames pass, none after a close frame (RFC 6455, section 5.5.1).

    Args:
        stream: Takes the frames. Owned from here on.
        arrivals: Takes messages out of what is read, once the upgrade is over.

    Attributes:
        closing: A close frame was sent.
        answered: trio-websocket has written a close frame, to answer one or to refuse a message
            that is too large. At other ends it writes none.
        answer: What arrived during the upgrade, until that is over.
    """

    def __init__(self, stream: OutgoingStream, arrivals: Arrivals) -> None:
        self._stream = stream
        self._arrivals = arrivals
        self._upgraded = False  # what is read now begins with a frame
        self.closing = False
        self.answered = False
        self.answer: bytearray | None = bytearray()

    def write(self, frame: bytes) -> None:
        """Accept one frame, as OutgoingStream does.

        Raises:
            trio.BrokenResourceError: A close frame was sent before, or the stream is broken.
        """
        self._pass(frame)
        self._stream.write(frame)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Accept one frame of trio-websocket, or drop it if it cannot be written any more.

        An error would make trio-websocket stop reading, and what the other side said last, its
        close code above all, would never be known.
        """
        frame = bytes(data)
        self.answered = self.answered or frame.startswith(_CLOSE_FRAME)
        with suppress(trio.BrokenResourceError):
            self._pass(frame)
            await self._stream.send_all(frame)
            return
        await trio.lowlevel.checkpoint()

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until everything accepted is written."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Read what is left for trio-websocket; in the upgrade no more than an answer may take."""
        while self._upgraded:
            await self._arrivals.wait_room()
            data = await self._stream.receive_some(max_bytes)
            if not data or (data := self._arrivals.take(data)):
                return data
        data = await self._stream.receive_some(max_bytes)
        if self.answer is not None:
            self.answer += data
            if len(self.answer) > ANSWER_LIMIT:
                self._stream.ended.set()
                return b""
            # With frames right behind the head, trio-websocket has the first bytes of them.
            self._upgraded = _ACCEPTED.fullmatch(self.answer) is not None
        return data

    async def aclose(self) -> None:
        """Close at once."""
        await self._stream.aclose()

    def _pass(self, frame: bytes) -> None:
        if self.closing:
            raise trio.BrokenResourceError("a close frame was sent before")
        self.closing = frame.startswith(_CLOSE_FRAME)
