"""The write side of a connection: accept at once, write at once if possible, else in order.

What lives here: OutgoingStream, the one place that writes to a socket. What must not: WebSocket,
TLS. A write is synchronous and takes a whole frame or raises, so no cancellation can leave half a
frame on the wire; what the socket does not take is written by one task, several frames in one go.
There is such a task only while there is something for it to do, which for most sessions is never.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import trio

from trio_live.flag import Flag

# Small enough that those who wait for room see progress, large enough for 70 frames of 20 ms audio.
_WRITE_SIZE: Final = 65_536
# Of what comes through `send_all()`: a peer that sends pings and does not read its pongs must wait.
_CONTROL_LIMIT: Final = 1024 * 1024


class OutgoingStream(trio.abc.Stream):
    """A stream with a synchronous front for writing.

    Args:
        stream: Does the reading, and the writing that cannot be done at once. Owned from here on.
        try_write: Writes what the socket takes without blocking and gives the number of bytes, 0 if
            none; None if the stream has no such way (TLS, memory).

    Attributes:
        accepted: Bytes taken over so far.
        written: How many of them have been handed on.
        begun: How many of them may have been handed on: the writing of them began.
        heard: Bytes read so far.
        ended: Set once nothing can be read any more: end of data, an error, or closed.
    """

    def __init__(
        self, stream: trio.abc.Stream, try_write: Callable[[bytes], int] | None = None
    ) -> None:
        self._stream = stream
        self._try_write = try_write
        self.accepted = 0
        self.written = 0
        self.begun = 0
        self.heard = 0
        self.ended = Flag()
        self._pending: deque[bytes] | None = None  # not written yet, in order; None: nothing is
        self._nursery: trio.Nursery | None = None
        self._writing = False  # there is, or was until it was cancelled, a task that writes
        self._control = 0  # at least as much as came through `send_all()` and is not written
        self._broken = False
        self._progress: trio.Event | None = None  # somebody waits for `written`, or for the end

    def start(self, nursery: trio.Nursery) -> None:
        """Begin to write what cannot be written at once; until then it waits.

        Args:
            nursery: Runs the task that writes. To be closed after this stream.
        """
        self._nursery = nursery
        self._write_soon()

    @property
    def backlog(self) -> int:
        """Bytes accepted and not yet written."""
        return self.accepted - self.written

    def write(self, data: bytes) -> None:
        """Accept data as a whole; write now what can be written now.

        Raises:
            trio.BrokenResourceError: The stream is broken or closed; nothing was accepted.
        """
        if self._broken:
            raise trio.BrokenResourceError("the connection is broken")
        rest = data
        if self._try_write is not None and not self.backlog:
            try:
                taken = self._try_write(data)
            except OSError as error:
                self._break()
                raise trio.BrokenResourceError("the connection is broken") from error
            self.accepted += taken
            self.written += taken
            self.begun += taken
            rest = data[taken:]
            if not rest:
                return
        self.accepted += len(rest)
        if self._pending is None:
            self._pending = deque()
        for start in range(0, len(rest), _WRITE_SIZE):
            self._pending.append(rest[start : start + _WRITE_SIZE])
        self._write_soon()

    async def wait_written(self, total: int) -> None:
        """Wait until `written` has reached `total`.

        Raises:
            trio.BrokenResourceError: It broke, so that it never will.

        Cancellation: atomic. If cancelled, nothing happened.
        """
        while self.written < total:
            if self._broken:
                raise trio.BrokenResourceError("the connection is broken")
            if self._progress is None:
                self._progress = trio.Event()
            await self._progress.wait()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Accept data as `write()`; wait only if far too much of the kind is unwritten already.

        However much `write()` has accepted, that does not make it wait: it is called by the task
        that reads.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        self.write(bytes(data))
        self._control = self._control + len(data) if self.backlog else 0
        if self._control > _CONTROL_LIMIT:
            await self.wait_written(self.accepted)
            self._control = 0
        else:
            await trio.lowlevel.cancel_shielded_checkpoint()

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until everything accepted is written."""
        await self.wait_written(self.accepted)
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Read, as the stream does."""
        try:
            data = bytes(await self._stream.receive_some(max_bytes))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.ended.set()
            raise
        if not data:
            self.ended.set()
        self.heard += len(data)
        return data

    async def aclose(self) -> None:
        """Close at once; what is unwritten is not written any more."""
        self._break()
        self.ended.set()
        await trio.aclose_forcefully(self._stream)

    def _write_soon(self) -> None:
        if self._pending and not self._writing and self._nursery is not None:
            self._writing = True
            self._nursery.start_soon(self._write_pending, name="trio_live writer")

    async def _write_pending(self) -> None:
        """Write what could not be written at once, as long as there is something."""
        await trio.lowlevel.checkpoint_if_cancelled()  # then none of it is begun
        while self._pending and not self._broken:
            batch = self._next_batch(self._pending)
            self.begun += len(batch)  # if it fails, nobody knows how far it came
            try:
                await self._stream.send_all(batch)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                self._break()
                return
            self.written += len(batch)
            self._tell_progress()
        self._pending = None
        self._writing = False

    def _next_batch(self, pending: deque[bytes]) -> bytes:
        size = 0
        frames: list[bytes] = []
        while pending and size < _WRITE_SIZE:
            frames.append(pending.popleft())
            size += len(frames[-1])
        return b"".join(frames)

    def _break(self) -> None:
        self._broken = True
        self._tell_progress()

    def _tell_progress(self) -> None:
        if self._progress is not None:
            self._progress.set()
            self._progress = None
