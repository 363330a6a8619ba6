"""What runs a session: its connection, its tasks, its end.

What lives here: SessionRunner, the one place that records a failure. What must not: the block and
its exceptions (session.py), rules (protocol.py), queues (outbox.py), sockets (transport/).

A session has two tasks besides those of its transport: the reader turns frames into events, the
pump takes commands out of the channel, and in the end ends the session. Whoever wants the end only
stops the pump and waits, so that being cancelled then cannot leave it half done. Orders that matter
(design law 8):

  leaving:  stop the pump -> accept what is queued -> no more commands -> let the writer finish
            -> close handshake -> cancel the tasks -> end the event streams
  failing:  record the first cause -> cancel -> close
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import trio

from trio_live import events
from trio_live.close_codes import When, connection_lost, judge_close, setup_refused
from trio_live.config import SessionConfig, TransportConfig
from trio_live.errors import (
    ConnectionLost,
    ConnectTimeout,
    LiveError,
    SessionClosed,
    SetupTimeout,
)
from trio_live.fanout import EventFanout
from trio_live.handle import SessionHandle
from trio_live.interfaces import SessionStatistics
from trio_live.outbox import CommandSender, Outbox
from trio_live.protocol import LiveProtocol
from trio_live.state import SessionPhase
from trio_live.transport import NO_CLOSE_FRAME, DialRequest, Transport, TransportClosed
from trio_live.transport.dialers import dialer_for
from trio_live.transport.proxy import proxy_for, secrets_of
from trio_live.watch import PhaseWatch

if TYPE_CHECKING:
    from trio_live.commands import SessionCommand
    from trio_live.endpoints import Endpoint
    from trio_live.subscription import Subscription


class SessionRunner:
    """Runs one session, in a nursery that is its block's.

    Attributes:
        handle: The way to it.
        failure: The first thing that went wrong for good, or None.
    """

    def __init__(
        self, config: SessionConfig, endpoint: Endpoint, settings: TransportConfig
    ) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._handles = (config.resumption_handle,) if config.resumption_handle else ()  # secrets
        self._protocol = LiveProtocol(config, endpoint.model_name(config.model))
        self._fanout = EventFanout()
        self._watch = PhaseWatch()
        self._outbox = Outbox(
            self._protocol, settings.send_buffer_bytes, self._publish, self._refusal
        )
        self.handle = SessionHandle(
            self._outbox.command_tx,
            self._fanout,
            self._protocol.state,
            self._watch,
            driver=self,
            events=self._fanout.subscribe(
                max_events=settings.max_buffered_events, max_bytes=settings.max_buffered_bytes
            ),
        )
        self.failure: LiveError | None = None
        self._pumping = True  # commands are still taken out of the channel
        self._ended: TransportClosed | None = None  # how the connection ended, before it was told
        self._closing = False  # the close handshake was begun here
        self._over = False  # Disconnected was published
        self._frames_received = 0
        self._bytes_received = 0
        self._all_read = trio.Event()  # the connection has ended, and all it brought was read
        self._pump_scope = trio.CancelScope()
        self._reader_scope = trio.CancelScope()
        self._nursery: trio.Nursery
        self._transport: Transport

    async def open(self, nursery: trio.Nursery) -> None:
        """Connect, send the setup, wait until it is accepted, start the tasks."""
        self._nursery = nursery
        self._publish(self._protocol.dial())
        try:
            await self._connect()
            await self._set_up()
        except LiveError as error:
            self.failure = error
            raise
        nursery.start_soon(self._read, name="trio_live reader")
        nursery.start_soon(self._pump, name="trio_live pump")

    async def _connect(self) -> None:
        timeout = self._settings.connect_timeout
        dial = self._settings.dialer or dialer_for(self._settings.transport)
        with trio.move_on_after(timeout):
            address = await self._endpoint.resolve()
            proxy = proxy_for(self._settings.proxy, address.url)
            request = DialRequest(
                address.url,
                address.headers,
                (*address.secrets, *secrets_of(proxy), *self._handles),
                self._settings.ssl_context,
                self._settings.max_message_bytes,
                proxy,
            )
            self._transport = await dial(self._nursery, request)
            self._outbox.start(self._transport)
            return
        raise ConnectTimeout(
            f"no connection within connect_timeout={timeout:g} s",
            retryable=True,
            phase=SessionPhase.CONNECTING,
        )

    async def _set_up(self) -> None:
        timeout = self._settings.setup_timeout
        frame, happened = self._protocol.setup()
        with trio.move_on_after(timeout):
            try:
                self._transport.send(frame)
                self._publish(happened)
                while not self._protocol.opened:
                    self._receive(await self._transport.receive())
            except TransportClosed as closed:
                raise setup_refused(closed) from closed
            return
        raise SetupTimeout(
            f"the service did not answer the setup within setup_timeout={timeout:g} s",
            retryable=True,
            phase=SessionPhase.SETUP_SENT,
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

    async def _pump(self) -> None:
        """The pump: commands out of the channel, until the end is asked for; then the end."""
        with self._pump_scope:
            try:
                await self._outbox.pump()
            except TransportClosed:
                self._expect_end()
                await trio.sleep_forever()  # until the reader has found out why
        self._pumping = False
        if self._ended is None:
            await self._finish()
        else:
            self._conclude(self._ended)

    def _receive(self, frame: str | bytes) -> None:
        self._frames_received += 1
        self._bytes_received += len(frame)
        self._publish(self._protocol.receive_frame(frame, trio.current_time()))

    def _publish(self, happened: Sequence[events.SessionEvent]) -> None:
        self._watch.follow(happened)
        self._fanout.publish(happened)

    # What handles ask for (interfaces.Driver).

    async def send(self, command: SessionCommand, command_tx: CommandSender) -> None:
        """See Driver."""
        try:
            await self._outbox.send(command, command_tx)
        except TransportClosed:
            pass
        else:
            return
        raise await self._outcome()

    async def flush(self, command_tx: CommandSender) -> None:
        """See Driver."""
        try:
            await self._outbox.flush(command_tx)
        except TransportClosed:
            pass
        else:
            return
        raise await self._outcome()

    def disconnect(self) -> None:
        """See Driver."""
        # Also when the pump waits for room: the end has a deadline, and room has none.
        self._pump_scope.cancel()

    def interrupt(self) -> None:
        """See Driver."""
        if not self._protocol.opened:
            raise self._refusal()
        self._publish(self._protocol.interrupt())

    def statistics(self, own: Subscription) -> SessionStatistics:
        """See Driver."""
        transport = self._transport
        buffered = own.statistics()
        dropped, missed = self._fanout.losses()
        queued, peak_queued = self._outbox.queue_sizes()
        return SessionStatistics(
            frames_sent=self._outbox.frames + 1,  # the setup
            frames_received=self._frames_received,
            bytes_sent=transport.accepted_bytes,
            bytes_received=self._bytes_received,
            backlog_bytes=transport.accepted_bytes - transport.written_bytes,
            peak_backlog_bytes=self._outbox.peak_backlog,
            queued_commands=queued,
            peak_queued_commands=peak_queued,
            buffered_events=buffered.buffered_events,
            peak_buffered_events=buffered.peak_events,
            events=dict(self._fanout.counts),
            dropped_events=dropped,
            missed_events=missed,
            undelivered=dict(self._outbox.undelivered),
        )

    # The end.

    async def end(self) -> None:
        """End the session normally; return when it has ended, in whatever way."""
        self.disconnect()
        await self._fanout.wait_closed()

    async def _finish(self) -> None:
        """Bring about the normal end, within close_timeout. The pump's last act."""
        deadline = trio.current_time() + self._settings.close_timeout
        self._fanout.release()
        with trio.CancelScope(deadline=deadline):
            try:
                self._outbox.accept_rest()
                self._publish(self._protocol.close())
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
        undelivered = self._outbox.close()
        if not undelivered:
            # Without an answer nobody knows whether the service has read the last commands.
            self._end(TransportClosed(1000 if answered else NO_CLOSE_FRAME), clean=answered)
            return
        self._fail(
            ConnectionLost(
                "the session ended before everything that was accepted could be written",
                undelivered=undelivered,
                resumption_handle=self._protocol.state.resumption_handle,
                phase=SessionPhase.DISCONNECTING,
                code=NO_CLOSE_FRAME,
            ),
            TransportClosed(NO_CLOSE_FRAME),
        )

    def close(self) -> None:
        """Close what is left, after all tasks have ended."""
        if not self._over:
            self._outbox.close()
            self._tell_end(TransportClosed(NO_CLOSE_FRAME), clean=False)
        self._close_streams()

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
        """Note that the connection ended while nobody here wanted it to."""
        if self._closing or self._over:
            return
        if handle := self._protocol.state.resumption_handle:
            closed.reason = closed.reason.replace(handle, "***")  # a secret that came with it
        if self._pumping:
            # The pump goes first: a command that is on its way to it would not be counted.
            self._ended = closed
            self._pump_scope.cancel()
        else:
            self._conclude(closed)

    def _conclude(self, closed: TransportClosed) -> None:
        """Tell everybody how the connection ended."""
        phase = self._protocol.state.phase
        undelivered = self._outbox.close()
        if judge_close(closed.code, closed.reason, When.SESSION).clean:
            self._end(closed, clean=True)
            return
        failure = connection_lost(
            closed, phase, undelivered, self._protocol.state.resumption_handle
        )
        failure.__cause__ = closed
        self._fail(failure, closed)

    def _fail(self, failure: LiveError, closed: TransportClosed) -> None:
        """Record the failure and cancel everything, the user's block included."""
        self.failure = failure
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
        self._over = True
        undelivered = dict(self._outbox.undelivered)
        self._publish(
            [
                *self._protocol.closed(),
                events.Disconnected(closed.code, closed.reason, clean, undelivered),
            ]
        )

    def _refusal(self) -> LiveError:
        """Give the error of a command that comes too late."""
        if self.failure is None:
            return SessionClosed(
                "the session has ended; nothing was sent", phase=self._protocol.state.phase
            )
        return self.failure.again()
