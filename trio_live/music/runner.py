"""What runs a music session: its connection, its tasks, its end.

What lives here: MusicRunner, the one place that records a failure. What must not: the block and its
exceptions (scope.py), rules (protocol.py), sockets (transport/).

There is no channel of commands: a verb checks, encodes and hands over its frame on the spot, one
after another. Two tasks: the reader turns frames into events, and the ender waits until the end is
asked for and brings it about, so that whoever asked can be cancelled without leaving it half done.
The orders that matter are those of a Live session (design law 8, trio_live/runner.py).
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

import trio

from trio_live.close_codes import connection_lost, judge_close, setup_refused
from trio_live.close_table import When
from trio_live.connection import connect
from trio_live.errors import ConnectionLost, LiveError, SessionClosed, SetupTimeout
from trio_live.events import Disconnected
from trio_live.fanout import EventFanout
from trio_live.music.handle import MusicSession
from trio_live.music.protocol import MusicProtocol
from trio_live.transport import NO_CLOSE_FRAME, Transport, TransportClosed

if TYPE_CHECKING:
    from trio_live.config import TransportConfig
    from trio_live.endpoints import Endpoint
    from trio_live.music.commands import MusicCommand
    from trio_live.music.protocol import MusicEvent


class MusicRunner:
    """Runs one music session, in a nursery that is its block's.

    Attributes:
        handle: The way to it.
        failure: The first thing that went wrong for good, or None.
    """

    def __init__(self, model_name: str, endpoint: Endpoint, settings: TransportConfig) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._protocol = MusicProtocol(model_name)
        self._fanout: EventFanout[MusicEvent] = EventFanout()
        events = self._fanout.subscribe(
            max_events=settings.max_buffered_events, max_bytes=settings.max_buffered_bytes
        )
        self.handle = MusicSession(self, self._fanout, events)
        self.failure: LiveError | None = None
        self._turn = trio.Lock()  # first come, first served
        self._unwritten: deque[tuple[int, MusicCommand]] = deque()  # with accepted_bytes after it
        self._leave = trio.Event()  # the end was asked for
        self._all_read = trio.Event()  # the connection has ended, and all it brought was read
        self._closing = False  # the close handshake was begun here
        self._over = False  # Disconnected was published
        self._reader_scope = trio.CancelScope()
        self._nursery: trio.Nursery
        self._transport: Transport

    async def open(self, nursery: trio.Nursery) -> None:
        """Connect, send the setup, wait until it is accepted, start the tasks."""
        self._nursery = nursery
        self._protocol.dial()
        try:
            connection = await connect(nursery, self._endpoint, self._settings, ())
            self._transport = connection.transport
            await self._set_up()
        except LiveError as error:
            self.failure = error
            raise
        nursery.start_soon(self._read, name="trio_live music reader")
        nursery.start_soon(self._end_when_asked, name="trio_live music ender")

    async def _set_up(self) -> None:
        timeout = self._settings.setup_timeout
        with trio.move_on_after(timeout):
            try:
                self._transport.send(self._protocol.setup())
                while not self._protocol.opened:
                    self._receive(await self._transport.receive())
            except TransportClosed as closed:
                await trio.lowlevel.checkpoint_if_cancelled()  # that may be why it is closed
                raise setup_refused(closed) from closed
            return
        raise SetupTimeout(
            f"the service did not answer the setup within setup_timeout={timeout:g} s",
            retryable=True,
            phase=self._protocol.phase,
        )

    async def _read(self) -> None:
        """The reader: frames in, events out, until the connection ends."""
        with self._reader_scope:
            try:
                while True:
                    # Before a frame is taken, not after: being cancelled here must lose none.
                    if self._fanout.blocked:
                        await self._fanout.wait_room()
                    self._receive(await self._transport.receive())
            except TransportClosed as closed:
                self._all_read.set()
                self._connection_ended(closed)
        if self._reader_scope.cancelled_caught:
            # A write failed, and the reading side has not noticed in all of close_timeout.
            self._connection_ended(TransportClosed(NO_CLOSE_FRAME))
        if not self._closing:
            with trio.move_on_after(self._settings.close_timeout):
                await self._transport.aclose()

    def _receive(self, frame: str | bytes) -> None:
        self._fanout.publish(self._protocol.receive_frame(frame))

    # What the handle asks for (handle.MusicDriver).

    async def send(self, command: MusicCommand) -> None:
        """See MusicDriver."""
        transport = self._transport
        try:
            async with self._turn:
                self._protocol.check(command)
                limit = self._settings.send_buffer_bytes
                await transport.wait_written(transport.accepted_bytes - limit)
                self._submit(command)  # synchronous, and no checkpoint after it
                return
        except TransportClosed:
            pass
        raise await self._outcome()

    async def flush(self) -> None:
        """See MusicDriver."""
        await trio.lowlevel.checkpoint()
        if not self._protocol.opened:
            raise self._refusal()
        try:
            await self._transport.wait_written(self._transport.accepted_bytes)
        except TransportClosed:
            pass
        else:
            return
        raise await self._outcome()

    def disconnect(self) -> None:
        """See MusicDriver."""
        self._leave.set()

    def _submit(self, command: MusicCommand) -> None:
        """Accept a command: check it, encode it, hand it to the transport. Synchronous."""
        if not self._protocol.opened:
            raise self._refusal()
        self._transport.send(self._protocol.send(command))
        self._forget_written()
        self._unwritten.append((self._transport.accepted_bytes, command))

    def _forget_written(self) -> None:
        while self._unwritten and self._unwritten[0][0] <= self._transport.written_bytes:
            self._unwritten.popleft()

    def _undelivered(self) -> tuple[MusicCommand, ...]:
        self._forget_written()
        return tuple(command for _, command in self._unwritten)

    # The end.

    async def end(self) -> None:
        """End the session normally; return when it has ended, in whatever way."""
        self.disconnect()
        await self._fanout.wait_closed()

    async def _end_when_asked(self) -> None:
        """The ender: bring about the normal end, within close_timeout, once it is asked for."""
        await self._leave.wait()
        deadline = trio.current_time() + self._settings.close_timeout
        self._fanout.release()
        self._protocol.close()
        with trio.CancelScope(deadline=deadline):
            try:
                await self._transport.wait_written(self._transport.accepted_bytes)
            except TransportClosed:
                self._expect_end()
                return
        if self._over:  # the service was faster
            return
        self._closing = True
        with trio.CancelScope(deadline=deadline):
            self._transport.goodbye()
            await self._all_read.wait()  # what the service has still to say, up to its answer
        answered = self._all_read.is_set()
        with trio.CancelScope(deadline=deadline):
            await self._transport.aclose()
        undelivered = self._undelivered()
        if not undelivered:
            # Without an answer nobody knows whether the service has read the last commands.
            self._end(TransportClosed(1000 if answered else NO_CLOSE_FRAME), clean=answered)
            return
        failure = ConnectionLost(
            "the session ended before everything that was accepted could be written",
            undelivered=undelivered,
            phase=self._protocol.phase,
            code=NO_CLOSE_FRAME,
        )
        self._fail(failure, TransportClosed(NO_CLOSE_FRAME))

    def close(self) -> None:
        """Close what is left, after all tasks have ended."""
        if not self._over:
            self._tell_end(TransportClosed(NO_CLOSE_FRAME), clean=False)
        self._fanout.close(self.failure)

    async def save_last(self) -> None:
        """Do nothing: of music there is nothing to be resumed."""

    def _expect_end(self) -> None:
        """Sending has failed: the reader finds out why, behind what was received before that.

        It has close_timeout for it: the reading side of a broken connection may never end.
        """
        deadline = trio.current_time() + self._settings.close_timeout
        self._reader_scope.deadline = min(self._reader_scope.deadline, deadline)

    async def _outcome(self) -> LiveError:
        """Give the error of a send that found the connection broken, once the reason is known."""
        self._expect_end()
        await self._fanout.wait_closed()
        # Who is inside of the block is cancelled by a loss, and only the block raises it.
        await trio.lowlevel.checkpoint_if_cancelled()
        return self._refusal()

    def _connection_ended(self, closed: TransportClosed) -> None:
        """Tell everybody how the connection ended, if nobody here wanted it to."""
        if self._closing or self._over:
            return
        phase = self._protocol.phase
        if judge_close(closed.code, closed.reason, When.SESSION).clean:
            self._end(closed, clean=True)
            return
        failure = connection_lost(closed, phase, self._undelivered())
        self._fail(failure, closed)

    def _fail(self, failure: LiveError, closed: TransportClosed) -> None:
        """Record the failure and cancel everything; the streams are closed after all tasks."""
        self.failure = failure
        self._tell_end(closed, clean=False)
        self._nursery.cancel_scope.cancel()

    def _end(self, closed: TransportClosed, *, clean: bool) -> None:
        """End the streams normally; the user's block goes on."""
        self._tell_end(closed, clean=clean)
        self._fanout.close()

    def _tell_end(self, closed: TransportClosed, *, clean: bool) -> None:
        self._over = True
        self._protocol.closed()
        lost = Counter(type(command).__name__ for command in self._undelivered())
        self._fanout.publish([Disconnected(closed.code, closed.reason, clean, dict(lost))])

    def _refusal(self) -> LiveError:
        """Give the error of a command that comes too late."""
        if self.failure is None:
            return SessionClosed(
                "the session has ended; nothing was sent", phase=self._protocol.phase
            )
        return self.failure.again()
