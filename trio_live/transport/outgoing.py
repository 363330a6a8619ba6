"""The write side of a connection: accept at once, write at once or together with what follows.

What lives here: OutgoingStream, the one place that writes to a socket. What must not: WebSocket,
TLS. A write is synchronous and takes a whole frame or raises, so no cancellation can leave half a
frame on the wire.

The first frame goes to the socket in the call that sends it. One that follows within a millisecond,
while nothing was read, is the second of several: it waits for these, and one system call takes all
of them, as soon as the sender lets other tasks run (flusher.py), waits for them to be written, or
has sent 15 KiB. Somebody who speaks sends a frame every 20 ms, and never waits; nor does an answer.
benchmarks/flood.py over TLS, send, us a frame: 14.9 without this and 9.9 with it over the fast
transport, 22.2 and 12.1 over the default one, text_frames.py included (November 2026). What the
socket does not take is written by a task of its own. There is one only while there is something for
it to do, which for most sessions is never.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Final

import trio

from trio_live.flag import Flag
from trio_live.transport.flusher import Flusher, flusher

# Less than audio has between two pieces, more than the steps of a program that has several
# frames to send.
_PAUSE: Final = 0.001
# 17 frames of 20 ms audio: from here on a system call more is no matter. With one frame more it is
# still one record of TLS.
_TOGETHER: Final = 15_360
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
        accepted: Bytes taken over so far, as they were given.
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
        self._pending: deque[bytes] | None = None  # not begun yet, in order; None: nothing is
        self._going = b""  # before these: what is on its way, sealed
        self._going_size = 0  # how many of the accepted bytes that stands for
        self._nursery: trio.Nursery | None = None
        self._flusher: Flusher | None = None  # writes what waits for others to run
        self._writing = False  # what waits is seen to: by that, or by a task of our own
        self._control = 0  # at least as much as came through `send_all()` and is not written
        self._wrote_at = -math.inf  # when something was last written, if nothing was read since
        self._full = False  # the socket takes no more: the task that writes waits for it
        self._broken = False
        self._progress: trio.Event | None = None  # somebody waits for `written`, or for the end

    def start(self, nursery: trio.Nursery) -> None:
        """Begin to write what cannot be written at once; until then it waits.

        Args:
            nursery: Runs the task that writes. To be closed after this stream.
        """
        self._nursery = nursery
        if self._try_write is not None and self._flusher is None:
            self._flusher = flusher()
            self._flusher.join()
        self._write_soon()

    @property
    def backlog(self) -> int:
        """Bytes accepted and not yet written."""
        return self.accepted - self.written

    def write(self, data: bytes) -> None:
        """Accept data as a whole; write it now, or with what follows.

        Raises:
            trio.BrokenResourceError: The stream is broken or closed; nothing was accepted.
        """
        if self._broken:
            raise trio.BrokenResourceError("the connection is broken")
        if (
            self._try_write is not None
            and not self._full
            and self.accepted == self.written
            and not self._going  # TLS has nothing to say itself
            and len(data) <= _WRITE_SIZE
        ):
            now = trio.current_time()
            if now - self._wrote_at > _PAUSE:
                self._wrote_at = now
                self._write_first(data)
                return
        self.accepted += len(data)
        if self._pending is None:
            self._pending = deque()
        if len(data) <= _WRITE_SIZE:
            self._pending.append(data)
        else:
            for start in range(0, len(data), _WRITE_SIZE):
                self._pending.append(data[start : start + _WRITE_SIZE])
        if self.accepted - self.written >= _TOGETHER:
            self._write_together()
        self._write_soon()

    async def wait_written(self, total: int) -> None:
        """Wait until `written` has reached `total`.

        Raises:
            trio.BrokenResourceError: It broke, so that it never will.

        Cancellation: atomic. If cancelled, nothing happened.
        """
        if self.written < total:
            self._write_together()
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
        self._wrote_at = -math.inf
        return data

    async def aclose(self) -> None:
        """Close at once; what the socket does not take now is not written any more."""
        self._write_together()
        self._break()
        self.ended.set()
        if self._flusher is not None:
            self._flusher.leave()
            self._flusher = None
        await trio.aclose_forcefully(self._stream)

    def _seal(self, data: bytes) -> bytes:
        """Give what data looks like on the way; overridden by TLS.

        Raises:
            OSError: It cannot be sent.
        """
        return data

    def _write_soon(self) -> None:
        if self._writing or self._nursery is None or not (self._pending or self._going):
            return
        self._writing = True
        if self._flusher is None or self._full:
            self._nursery.start_soon(self._write_pending, name="trio_live writer")
        else:
            self._flusher.call_soon(self._flush)

    def _flush(self) -> None:
        """Write what the socket takes of what has waited for a moment; a task writes the rest."""
        alone = self._pending is not None and len(self._pending) == 1
        self._write_together()
        if alone:  # by a sender that lets others run after each frame: do not wait for more
            self._wrote_at = -math.inf
        if self._full and self._nursery is not None and not self._broken:
            self._nursery.start_soon(self._write_pending, name="trio_live writer")
        else:
            self._pending = None
            self._writing = False

    async def _write_pending(self) -> None:
        """Write what could not be written at once, as long as there is something."""
        await trio.lowlevel.checkpoint_if_cancelled()  # then none of it is begun
        while (self._going or self._pending) and not self._broken:
            self._full = True
            try:
                self._load()
                going, size = self._going, self._going_size
                self._going, self._going_size = b"", 0  # more may be sealed meanwhile
                self.begun = self.written + size  # if it fails, nobody knows how far it came
                await self._stream.send_all(going)
            except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
                self._break()
                return
            self.written += size
            self._tell_progress()
        self._pending = None
        self._full = False
        self._writing = False

    def _write_first(self, data: bytes) -> None:
        """Write what the socket takes of data that nothing waits before."""
        try:
            self._going = self._seal(data)
            self._going_size = len(data)
            self._push()
        except OSError as error:
            self._going, self._going_size = b"", 0  # it was not accepted
            self._break()
            raise trio.BrokenResourceError("the connection is broken") from error
        self.accepted += len(data)
        if self._going:
            self._write_soon()

    def _write_together(self) -> None:
        """Write what the socket takes of what waits; if it fails, who writes next is told."""
        if self._try_write is None or self._full or self._broken:
            return
        if not self._pending and not self._going:
            return
        self._wrote_at = trio.current_time()
        try:
            while (self._going or self._pending) and not self._full:
                self._load()
                self._push()
        except OSError:
            self._break()
            return
        self._tell_progress()

    def _load(self) -> None:
        """Let what waits be on its way, if nothing is."""
        if not self._going and self._pending:
            batch = self._next_batch(self._pending)
            self._going_size = len(batch)
            self._going = self._seal(batch)

    def _push(self) -> None:
        """Write what the socket takes of what is on its way.

        As many bytes as are left of it count as not written, and as many as were taken as begun.
        Without TLS both are exact; with it, a frame whose bytes were all taken may be in a record
        that is not complete yet, and what records add may keep one that has arrived from counting
        as written.
        """
        assert self._try_write is not None
        taken = self._try_write(self._going)
        left = len(self._going) - taken
        self._going = self._going[taken:]
        self._full = left > 0
        done = self._going_size - min(left, self._going_size)
        self._going_size -= done
        self.written += done
        self.begun = min(self.begun + taken, self.written + self._going_size)

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
