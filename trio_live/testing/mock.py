"""A session without a service.

What lives here: MockSession. What must not: sockets, servers. It is a real SessionHandle over the
real protocol, so that rules, phases and turns behave as they do; only the wire is missing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import trio

from trio_live import commands
from trio_live.config import SessionConfig
from trio_live.errors import LiveError, SessionClosed
from trio_live.fanout import EventFanout
from trio_live.handle import SessionHandle
from trio_live.interfaces import SessionStatistics
from trio_live.protocol import LiveProtocol
from trio_live.watch import PhaseWatch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trio_live.commands import SessionCommand
    from trio_live.events import SessionEvent
    from trio_live.subscription import Subscription


class MockSession(SessionHandle):
    """A session that records what is sent and says what the test tells it to.

    It is open from the start; sends are checked against the rules, as in a real session.

    Args:
        config: As for open_session(); what it says of activity detection decides which sends are
            right.
        session_id: The id that the service is said to have given.
    """

    def __init__(
        self, config: SessionConfig | None = None, *, session_id: str = "mock-session"
    ) -> None:
        config = SessionConfig("models/mock") if config is None else config
        protocol = LiveProtocol(config, config.model)
        self._double = _Double(protocol)
        command_tx, self._commands = trio.open_memory_channel[commands.SessionCommand](math.inf)
        super().__init__(
            command_tx,
            self._double.fanout,
            protocol.state,
            self._double.watch,
            driver=self._double,
        )
        self._double.publish(protocol.dial())
        self._double.publish(protocol.setup()[1])
        self.receive({"setupComplete": {"sessionId": session_id}})

    @property
    def sent(self) -> list[SessionCommand]:
        """Every command so far, in order: by verb, or put into `command_tx`."""
        while True:
            try:
                self._double.sent.append(self._commands.receive_nowait())
            except (trio.WouldBlock, trio.EndOfChannel, trio.ClosedResourceError):
                return self._double.sent

    def receive(self, message: Mapping[str, object]) -> None:
        """Let the service say a message, in the wire's spelling: `{"serverContent": {...}}`."""
        self._double.publish(
            self._double.protocol.receive_frame(msgspec.json.encode(message), self._double.now())
        )

    def emit(self, *happened: SessionEvent) -> None:
        """Publish events as they are; phase and state stay as they were."""
        self._double.publish(happened)

    def end(self, error: LiveError | None = None) -> None:
        """End the session: normally, or lost by an error, which readers and senders then get."""
        self._double.end(error)

    async def disconnect(self) -> None:
        """Record the command and end the session; see SessionHandle."""
        await trio.lowlevel.checkpoint()
        if not self._double.fanout.ended:
            self.sent.append(commands.Disconnect())
            self.end()


class _Double:
    """Stands where a connected session stands: checks, records, publishes."""

    def __init__(self, protocol: LiveProtocol) -> None:
        self.protocol = protocol
        self.fanout = EventFanout()
        self.watch = PhaseWatch()
        self.sent: list[SessionCommand] = []

    def now(self) -> float:
        try:
            return trio.current_time()
        except RuntimeError:  # made outside of trio.run
            return 0.0

    def publish(self, happened: Sequence[SessionEvent]) -> None:
        self.watch.follow(happened)
        self.fanout.publish(happened)

    def end(self, error: LiveError | None) -> None:
        self.publish(self.protocol.closed())
        self.fanout.close(error)
        self.watch.close(error)

    async def send(
        self, command: SessionCommand, command_tx: trio.MemorySendChannel[SessionCommand]
    ) -> None:
        await trio.lowlevel.checkpoint()
        if self.fanout.ended:
            raise self.fanout.error or SessionClosed("the session has ended; nothing was sent")
        _, happened = self.protocol.send(command, self.now())
        self.sent.append(command)
        self.publish(happened)

    async def flush(self, command_tx: trio.MemorySendChannel[SessionCommand]) -> None:
        await trio.lowlevel.checkpoint()

    def interrupt(self) -> None:
        self.publish(self.protocol.interrupt())

    def statistics(self, own: Subscription) -> SessionStatistics:
        buffered = own.statistics()
        dropped, missed = self.fanout.losses()
        return SessionStatistics(
            frames_sent=len(self.sent),
            frames_received=0,
            bytes_sent=0,
            bytes_received=0,
            backlog_bytes=0,
            peak_backlog_bytes=0,
            queued_commands=0,
            peak_queued_commands=0,
            buffered_events=buffered.buffered_events,
            peak_buffered_events=buffered.peak_events,
            events=dict(self.fanout.counts),
            dropped_events=dropped,
            missed_events=missed,
            undelivered={},
        )
