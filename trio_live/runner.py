"""What runs a session: its tasks, and its end.

What lives here: SessionRunner, the one place that records a failure. What must not: the block and
its exceptions (session.py), rules (protocol.py), queues (outbox.py), connections (lifeline.py),
what handles ask for (driver.py).

A session has one task, and at times a second: the reader holds the connection, turns frames into
events, and makes the next connection when one is lost; the pump takes commands out of the channel,
once there is one, and in the end ends the session. Whoever wants the end only stops the pump and
waits, so that being cancelled then cannot leave it half done. Orders that matter (design law 8):

  leaving:  stop the pump -> accept what is queued -> no more commands -> let the writer finish
            -> close handshake -> cancel the tasks -> end the event streams
  failing:  record the first cause -> cancel -> close

While there is no connection the pump leaves the end to the reader, whose attempt it cancels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import trio

from trio_live import events
from trio_live.close_codes import connection_lost, judge_close
from trio_live.close_table import When
from trio_live.command_channel import CommandChannel
from trio_live.config import TransportConfig
from trio_live.driver import SessionDriver
from trio_live.errors import ConnectionLost, LiveError, SessionClosed
from trio_live.fanout import EventFanout
from trio_live.flag import Flag
from trio_live.handle import SessionHandle
from trio_live.lifeline import Ending, Lifeline
from trio_live.outage import MEDIA
from trio_live.outbox import Outbox
from trio_live.protocol import LiveProtocol
from trio_live.saver import CheckpointSaver
from trio_live.state import SessionPhase
from trio_live.transport import NO_CLOSE_FRAME, Transport, TransportClosed
from trio_live.watch import PhaseWatch

if TYPE_CHECKING:
    from trio_live.checkpoint import Checkpoint
    from trio_live.checkpoint_file import CheckpointFile
    from trio_live.commands import SessionCommand
    from trio_live.endpoints import Endpoint
    from trio_live.no_tools import NoTools
    from trio_live.tools.service import ToolService


_ANSWERS: Final = (1000, 1005)
"""The codes of a close frame that answers our goodbye; a frame without one counts as 1005."""


class SessionRunner:
    """Runs one session, in a nursery that is its block's.

    Attributes:
        handle: The way to it.
        failure: The first thing that went wrong for good, or None.
        over: Whether `Disconnected` was published.
    """

    def __init__(
        self,
        tools: ToolService | NoTools,
        endpoint: Endpoint,
        settings: TransportConfig,
        resume: Checkpoint | None = None,
        checkpoint_file: CheckpointFile | None = None,
    ) -> None:
        config = tools.config
        self._settings = settings
        self._tools = tools
        self._platform = endpoint.platform
        policy = settings.reconnect
        publish = self._publish  # one bound method for all
        self._protocol = LiveProtocol(
            config,
            endpoint.model_name(config.model),
            platform=endpoint.platform,
            transparent=policy is not None and policy.transparent,
        )
        if resume is not None:
            self._protocol.adopt(resume)
        self._fanout = EventFanout()
        self._watch = PhaseWatch()
        self._saver = None
        if checkpoint_file is not None:
            self._saver = CheckpointSaver(checkpoint_file, self.checkpoint, self._publish)
        channel = CommandChannel(self._start_pump)
        self._outbox = Outbox(
            channel,
            self._protocol,
            settings.send_buffer_bytes,
            publish,
            self.refusal,
            policy,
            self._expect_end,
            () if resume is None else resume.ledger,
            tools.gate(self._protocol),
        )
        tools.connect(self._protocol, self._publish, self._outbox.answer, self._outbox.wait_room)
        self._line = Lifeline(
            endpoint,
            settings,
            self._protocol,
            self._outbox,
            self._fanout,
            publish,
            self._connection_ended,
            resume,
        )
        self.handle = SessionHandle(
            channel.end(),
            self._fanout,
            self._protocol.state,
            self._watch,
            driver=SessionDriver(self, self._outbox, self._line, self._fanout, tools),
            events=self._fanout.subscribe(
                max_events=settings.max_buffered_events, max_bytes=settings.max_buffered_bytes
            ),
        )
        self.failure: LiveError | None = None
        self.over = False
        self._pumping = False  # commands are taken out of the channel
        # How the last connection ended, and the failure if it is known, before that is told.
        self._ended: tuple[TransportClosed, ConnectionLost | None] | None = None
        self._closing = False  # the close handshake was begun here
        self._last_words: TransportClosed | None = None  # how the last connection ended
        self._all_read = Flag()  # the connection has ended, and all it brought was read
        self._pump_scope: trio.CancelScope | None = None  # there is, or was, a pump
        self._nursery: trio.Nursery

    async def open(self, nursery: trio.Nursery) -> None:
        """Connect, send the setup, wait until it is accepted, start the tasks."""
        self._nursery = nursery
        try:
            await self._line.open(nursery)
        except LiveError as error:
            self.failure = error
            raise
        await self._tools.start(nursery)
        if self._saver is not None:
            self._saver.start(nursery)
        self._line.begin()

    async def _connection_ended(self, ending: Ending | None) -> None:
        """End the session with its last connection, unless the pump does. The reader's last act."""
        if ending is not None:
            self._last_words = ending.closed
        self._all_read.set()
        if self._closing or self.over:
            return  # the pump does the rest
        if ending is None:
            self._leave()
            return
        self._conclude_soon(*ending)
        await self._line.close()

    def _start_pump(self) -> trio.CancelScope:
        """Start the pump, if there was none yet; give what stops it."""
        if self._pump_scope is None:
            self._pump_scope = trio.CancelScope()
            if not self.over and not self._nursery.cancel_scope.cancel_called:
                self._pumping = True
                self._nursery.start_soon(self._pump, self._pump_scope, name="trio_live pump")
        return self._pump_scope

    async def _pump(self, scope: trio.CancelScope) -> None:
        """The pump: commands out of the channel, until the end is asked for; then the end."""
        with scope:
            try:
                await self._outbox.pump()
            except TransportClosed:
                self._expect_end()
                await trio.sleep_forever()  # until the reader has found out why
        if self._ended is None:
            await self._tools.stop()
        self._pumping = False
        if self._ended is not None:
            self._conclude(*self._ended)
        elif (transport := self._line.leave()) is not None:
            await self._finish(transport)

    def _publish(self, happened: Sequence[events.SessionEvent]) -> None:
        self._watch.follow(happened)
        self._fanout.publish(happened)
        self._tools.follow(happened)
        self._outbox.open_gate()
        if self._saver is not None:
            self._saver.follow(happened)

    def interrupt(self) -> None:
        """Mark what the model has said so far as stale.

        Raises:
            LiveError: The session has ended, or is ending.
        """
        if self.over or (self._line.connected and not self._protocol.opened):
            raise self.refusal()
        self._publish(self._protocol.interrupt())

    def checkpoint(self) -> Checkpoint:
        """Give what another process needs to go on."""
        ledger = self._outbox.sent.ledger
        entries = () if ledger is None else ledger.entries
        return self._protocol.carried.checkpoint(self._platform, entries, self._line.connections)

    # The end.

    def disconnect(self) -> None:
        """Begin the normal end: what was accepted is written first."""
        # Also when the pump waits for room: the end has a deadline, and room has none.
        self._start_pump().cancel()

    async def end(self) -> None:
        """End the session normally; return when it has ended, in whatever way."""
        self.disconnect()
        await self._fanout.wait_closed()

    async def _finish(self, transport: Transport) -> None:
        """Bring about the normal end, within close_timeout. The pump's last act."""
        deadline = trio.current_time() + self._settings.close_timeout
        self._fanout.release()
        with trio.CancelScope(deadline=deadline):
            try:
                self._outbox.accept_rest()
                self._publish(self._protocol.close())
                await transport.wait_written(transport.accepted_bytes)
            except TransportClosed:
                self._expect_end()
                return
        if self.over:  # the service was faster
            return
        self._closing = True
        with trio.CancelScope(deadline=deadline):
            transport.goodbye()
            await self._all_read.wait()  # what the service has still to say, up to its answer
        closed = self._last_words or TransportClosed(NO_CLOSE_FRAME)
        with trio.CancelScope(deadline=deadline):
            await transport.aclose()
        self._line.release()
        undelivered = self._outbox.close()
        if not undelivered and closed.code in _ANSWERS:
            self._end(TransportClosed(1000), clean=True)
        elif not undelivered and not self._outbox.sent.untold:
            self._end(closed, clean=False)
        else:
            self._fail(self._unfinished(undelivered, closed), closed)

    def _unfinished(
        self, undelivered: tuple[SessionCommand, ...], closed: TransportClosed
    ) -> ConnectionLost:
        if undelivered:
            what = "the session ended before everything that was accepted could be delivered"
        else:
            what = "the session ended, and nobody knows whether what was sent last has arrived"
        code = NO_CLOSE_FRAME if closed.code in _ANSWERS else closed.code
        return ConnectionLost(
            what,
            undelivered=undelivered,
            resumption_handle=self._protocol.carried.handle,
            phase=SessionPhase.DISCONNECTING,
            code=code,
            reason=closed.reason,
        )

    def close(self) -> None:
        """Close what is left, after all tasks have ended."""
        if not self.over:
            self._outbox.close()
            self._tell_end(TransportClosed(NO_CLOSE_FRAME), clean=False)
        self._close_streams()

    async def save_last(self) -> None:
        """Save where the session stood in the end, if there is a file for it.

        Raises:
            OSError: It could not be written.
        """
        if self._saver is not None:
            await self._saver.finish()

    def _expect_end(self) -> None:
        """Sending has failed: the reader finds out why, behind what was received before that.

        It has close_timeout for it: the reading side of a broken connection may never end.
        """
        self._line.end_by(trio.current_time() + self._settings.close_timeout)

    async def outcome(self) -> LiveError:
        """Give the error of a send that found the connection broken, once the reason is known."""
        self._expect_end()
        await self._fanout.wait_closed()
        # Who is inside of the block is cancelled by a loss, and only the block raises it.
        await trio.lowlevel.checkpoint_if_cancelled()
        return self.refusal()

    def _leave(self) -> None:
        """End the session, whose end was asked for while there was no connection."""
        self._publish(self._protocol.close())
        undelivered = self._outbox.close()
        closed = TransportClosed(NO_CLOSE_FRAME)
        media = all(isinstance(command, MEDIA) for command in undelivered)
        if media and not self._outbox.sent.untold:
            self._end(closed, clean=False)
        else:
            self._fail(self._unfinished(undelivered, closed), closed)

    def _conclude_soon(
        self, closed: TransportClosed, failure: ConnectionLost | None = None
    ) -> None:
        """End the session, because its last connection ended while nobody here wanted it to."""
        if self._pumping:
            # The pump goes first: a command that is on its way to it would not be counted.
            self._ended = closed, failure
            self._start_pump().cancel()
        else:
            self._conclude(closed, failure)

    def _conclude(self, closed: TransportClosed, failure: ConnectionLost | None) -> None:
        """Tell everybody how the last connection ended."""
        self._tools.halt("connection")
        phase = self._protocol.state.phase
        undelivered = self._outbox.close()
        if failure is None:
            if judge_close(closed.code, closed.reason, When.SESSION).clean:
                self._end(closed, clean=True)
                return
            failure = connection_lost(closed, phase, undelivered, self._protocol.carried.handle)
        failure.undelivered = undelivered
        self._fail(failure, closed)

    def _fail(self, failure: LiveError, closed: TransportClosed) -> None:
        """Record the failure and cancel everything, the user's block included."""
        self.failure = failure
        if isinstance(failure, ConnectionLost):
            failure.uncertain = dict(self._outbox.sent.untold)
        self._tell_end(closed, clean=False)
        # Cancel first, close second: closing wakes readers and senders, and they must find the
        # cancellation. The streams are closed when all tasks have ended.
        self._nursery.cancel_scope.cancel()

    def _end(self, closed: TransportClosed, *, clean: bool) -> None:
        """End the streams normally; the user's block goes on."""
        self._tell_end(closed, clean=clean)
        self._close_streams()

    def _close_streams(self) -> None:
        self._fanout.close(self.failure)
        self._watch.close(self.failure)
        self._outbox.refuse_rest()

    def _tell_end(self, closed: TransportClosed, *, clean: bool) -> None:
        self._tools.halt("session")
        self.over = True
        if self._saver is not None:
            self._saver.end()
        undelivered = dict(self._outbox.undelivered)
        uncertain = {} if self._closing and clean else dict(self._outbox.sent.untold)
        self._publish(
            [
                *self._protocol.closed(),
                events.Disconnected(closed.code, closed.reason, clean, undelivered, uncertain),
            ]
        )

    def refusal(self) -> LiveError:
        """Give the error of a command that comes too late."""
        if self.failure is None:
            return SessionClosed(
                "the session has ended; nothing was sent", phase=self._protocol.state.phase
            )
        return self.failure.again()
