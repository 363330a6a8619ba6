"""The way of commands to the transport.

What lives here: Outbox: at once if nothing is before it, else through the channel; and the account
of what was accepted and is not written yet. What must not: when a session starts and ends, and when
it has a connection (runner.py).

A verb of the handle does not go through the channel `command_tx` while that is empty and the pump
waits at it: it does on the spot what the pump would do. Nothing can be torn by this, because
accepting a frame is synchronous; and the order is the channel's, because whoever finds something in
it queues.

While there is no connection, accepted commands wait in an OutageQueue. What the old connection had
accepted and not written as a whole goes back there, in front: nobody can have read it. What it had
written is not sent again: it may have arrived, and without a sign that it did it is reported as
uncertain. Pings ask for that sign, one at a time.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import trio

from trio_live import commands, events, outbound
from trio_live.commands import SessionCommand
from trio_live.errors import LiveError, SessionClosed
from trio_live.events import SessionEvent
from trio_live.outage import MEDIA, OutageQueue
from trio_live.protocol import LiveProtocol
from trio_live.transport.interface import NO_CLOSE_FRAME, Transport, TransportClosed

if TYPE_CHECKING:
    from trio_live.reconnect import ReconnectPolicy
    from trio_live.wire.content import Content

COMMAND_BUFFER: Final = 64
"""How many raw commands fit into `command_tx` before a sender waits."""

_YIELD_EVERY: Final = 32
"""A send that need not wait lets other tasks run every so often (a full checkpoint costs 2 to 4 us,
as much as a fifth of the send) and looks for cancellation each time."""

_MOST_UNCONFIRMED: Final = 65_536
"""Of a server that answers no ping, the oldest commands beyond these count as received."""

CommandSender = trio.MemorySendChannel[SessionCommand]


class _Queued:
    """A command that waits in the channel for its turn, and the verb that waits for it.

    Attributes:
        command: The command, or None if only the turn is waited for (flush).
        abandoned: The verb was cancelled.
        done: The turn has come, or never will.
        error: Why the command was refused, or None.
    """

    __slots__ = ("_waiting", "abandoned", "command", "done", "error")

    def __init__(self, command: SessionCommand | None) -> None:
        self.command = command
        self.abandoned = False
        self.done = False
        self.error: LiveError | None = None
        self._waiting: trio.lowlevel.Task | None = None

    def finish(self, error: LiveError | None) -> None:
        """Tell the verb how it went."""
        self.done = True
        self.error = error
        if self._waiting is not None:
            trio.lowlevel.reschedule(self._waiting)

    async def wait(self) -> None:
        """Wait for the turn.

        Cancellation: atomic. If cancelled, it is abandoned from that moment on, not only from when
        the verb's task gets to run: the pump may run before it (so this is no trio.Event).
        """
        if self.done:
            return
        self._waiting = trio.lowlevel.current_task()

        def abort(_: object) -> trio.lowlevel.Abort:
            self._waiting = None
            self.abandoned = True
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)


class Outbox:
    """Takes commands until it is closed.

    Args:
        protocol: Checks and encodes.
        limit: Commands wait while more bytes than this are accepted and not written.
        publish: Takes the events that sending causes.
        refusal: Gives the error for a command that comes too late.
        policy: What may wait while there is no connection; None: then the session ends.
        broken: Called when a write fails, which the reader may not know yet.

    Attributes:
        command_tx: The first sending end of the channel.
        frames: Frames accepted.
        peak_backlog: The most bytes that were ever accepted and not written.
        undelivered: Accepted commands that were never written as a whole: how many of each kind.
        uncertain: What the last connection had written without a sign that it arrived: how many
            of each kind, media not counted.
    """

    def __init__(
        self,
        protocol: LiveProtocol,
        limit: int,
        publish: Callable[[Sequence[SessionEvent]], None],
        refusal: Callable[[], LiveError],
        policy: ReconnectPolicy | None,
        broken: Callable[[], None],
    ) -> None:
        self.command_tx, self._channel = trio.open_memory_channel[SessionCommand](COMMAND_BUFFER)
        self.frames = 0
        self.peak_backlog = 0
        self.undelivered: Counter[str] = Counter()
        self._protocol = protocol
        self._limit = limit
        self._publish = publish
        self._refusal = refusal
        self._closed = False
        self._hand: deque[SessionCommand | _Queued] = deque()  # out of the channel
        self._late: list[_Queued] = []  # verbs that will not be served, and have not been told
        # Where each ends in the bytes of the transport, the command, its size, its time.
        self._unwritten: deque[tuple[int, SessionCommand, int, float]] = deque()
        # The same for (end in bytes, kind) of what no sign has come for yet.
        self._unconfirmed: deque[tuple[int, str]] = deque(maxlen=_MOST_UNCONFIRMED)
        self._credit = _YIELD_EVERY
        self._outage = None
        if policy is not None:
            self._outage = OutageQueue(
                policy.queue_commands, policy.queue_bytes, policy.media_max_age
            )
        self._broken = broken
        self._transport: Transport | None = None
        self._gone_bytes = 0  # what the transports before it accepted
        self._changed = trio.Event()  # set, and replaced, when there is another transport, or none
        self.uncertain: Counter[str] = Counter()

    def attach(self, transport: Transport) -> None:
        """Use this transport from now on."""
        self._transport = transport
        self._tell_change()

    def suspend(self) -> None:
        """Let commands wait from now on: the connection is gone. Nothing if they do already."""
        transport = self._transport
        if transport is None or self._outage is None:
            return
        self._forget_written()
        self._outage.put_back(waiting[1:] for waiting in self._unwritten)
        self._unwritten.clear()
        self.uncertain = Counter(
            kind
            for end, kind in self._unconfirmed
            if transport.confirmed_bytes < end <= transport.written_bytes
        )
        self._unconfirmed.clear()
        self._gone_bytes += transport.accepted_bytes
        self._transport = None
        self._tell_change()

    def seed(self, turns: Sequence[Content]) -> None:
        """Tell a fresh session what was said before, ahead of everything else."""
        if turns and self._transport is not None:
            command = commands.SendClientContent(tuple(turns), turn_complete=False)
            now = trio.current_time()
            self._hand_over(command, *self._protocol.send(command, now), now)

    def replay(self) -> tuple[Counter[str], Counter[str]]:
        """Send what waited, in order. Give what was sent and what was dropped, by kinds.

        New commands come behind it, because this does not wait for anything.
        """
        outage, transport = self._outage, self._transport
        if outage is None or transport is None:
            return Counter(), Counter()
        active = self._protocol.activity_started
        now = trio.current_time()
        waited = Counter(type(command).__name__ for command in outage.commands)
        before = Counter(outage.dropped)
        rest = deque(outage.take(now, active=active))
        while rest and self._transport is not None:
            resent = self._protocol.resend(rest[0], now)
            if resent is None:
                outage.dropped[type(rest[0]).__name__] += 1
            else:
                self._hand_over(rest[0], *resent, now)
            rest.popleft()
        for command in rest:  # this connection is gone, too
            outage.put(command, 0, now)
        dropped, outage.dropped = outage.dropped, Counter()
        waited.subtract(type(command).__name__ for command in outage.commands)
        waited.subtract(dropped - before)
        return +waited, dropped

    @property
    def accepted_bytes(self) -> int:
        """Bytes that all transports so far have accepted."""
        transport = self._transport
        return self._gone_bytes + (0 if transport is None else transport.accepted_bytes)

    @property
    def backlog(self) -> int:
        """Bytes that the transport has accepted and not written."""
        transport = self._transport
        return 0 if transport is None else transport.accepted_bytes - transport.written_bytes

    async def send(self, command: SessionCommand, command_tx: CommandSender) -> None:
        """Send a command now if it is next, else queue it.

        Raises:
            TransportClosed: The connection broke, and there will not be another; the command was
                not sent.

        Cancellation: atomic. If cancelled, the command was not sent.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._closed:
            raise self._refusal()
        if not self._is_next():
            outbound.check(command)
            await self._queue(command, command_tx)
            return
        self._submit(command)
        self._credit -= 1
        if self._credit <= 0:
            self._credit = _YIELD_EVERY
            await trio.lowlevel.cancel_shielded_checkpoint()

    async def flush(self, command_tx: CommandSender) -> None:
        """Wait until all commands accepted before, those in the channel included, are written.

        Raises:
            TransportClosed: The connection broke first, and there will not be another.

        Cancellation: atomic. If cancelled, the commands are still written.
        """
        await trio.lowlevel.checkpoint()
        if self._closed:
            raise self._refusal()
        if not self._is_next():
            await self._queue(None, command_tx)
        while not self._closed:
            changed = self._changed
            if self._transport is not None:
                try:
                    await self._transport.wait_written(self._transport.accepted_bytes)
                except TransportClosed:
                    if self._outage is None:
                        raise
                else:
                    return
            await changed.wait()
        raise TransportClosed(NO_CLOSE_FRAME)

    async def pump(self) -> None:
        """Take commands from the channel; return when one of them, or the last handle, ends it.

        Raises:
            TransportClosed: The connection broke, and there will not be another.

        Cancellation: atomic. If cancelled, what was taken is still in hand.
        """
        while True:
            try:
                item = await self._channel.receive()
            except trio.EndOfChannel:
                return
            if isinstance(item, commands.Disconnect):
                return
            self._hand.append(item)
            transport = self._transport
            if transport is not None:
                try:
                    await transport.wait_written(transport.accepted_bytes - self._limit)
                except TransportClosed:
                    if self._outage is None:
                        raise
            self._accept_hand()

    def accept_rest(self) -> None:
        """Accept what is still queued, and nothing after that. The pump has ended before.

        Raises:
            TransportClosed: The connection broke; the rest stays in hand.
        """
        self._closed = True
        self._drain()
        self._accept_hand()

    def close(self) -> tuple[SessionCommand, ...]:
        """Accept nothing more. Give, and count, accepted commands that were not written."""
        self._closed = True
        self._drain()
        self._forget_written()
        lost = [command for _, command, _, _ in self._unwritten]
        if self._outage is not None:
            lost += self._outage.drop_all()
            self.undelivered.update(self._outage.dropped)
            self._outage.dropped.clear()
        for item in self._hand:
            if isinstance(item, _Queued):
                self._late.append(item)
            elif not isinstance(item, commands.Disconnect):
                lost.append(item)
        self._unwritten.clear()
        self._hand.clear()
        self._channel.close()
        self._tell_change()
        self.undelivered.update(type(command).__name__ for command in lost)
        return tuple(lost)

    def refuse_rest(self) -> None:
        """Tell the verbs that still waited when it was closed. Not in close(): see _fail()."""
        for item in self._late:
            item.finish(self._refusal())
        self._late.clear()

    def queue_sizes(self) -> tuple[int, int]:
        """Give how many raw commands are in the channel, and the most there ever were."""
        statistics = self._channel.statistics()
        return statistics.current_buffer_used, statistics.peak_buffer_used

    def waiting_sizes(self) -> tuple[int, int]:
        """Give how many commands wait for a connection, and their bytes of JSON."""
        outage = self._outage
        return (0, 0) if outage is None else (len(outage), outage.size)

    @property
    def waiting(self) -> list[SessionCommand]:
        """What waits for a connection, in order."""
        return [] if self._outage is None else self._outage.commands

    def _is_next(self) -> bool:
        """Whether a command would be next: the channel is empty, the pump waits, there is room."""
        transport = self._transport
        return (
            transport is None or transport.accepted_bytes - transport.written_bytes <= self._limit
        ) and self._channel.statistics().tasks_waiting_receive > 0

    async def _queue(self, command: SessionCommand | None, command_tx: CommandSender) -> None:
        queued = _Queued(command)
        try:
            await command_tx.send(queued)  # type: ignore[arg-type]  # only the pump sees it
        except trio.ClosedResourceError:
            queued.finish(SessionClosed("this handle is closed; nothing was sent"))
        await queued.wait()
        if queued.error is not None:
            raise queued.error

    def _submit(self, command: SessionCommand) -> None:
        """Accept a command: check it, encode it, hand it to the transport. Synchronous."""
        now = trio.current_time()
        if self._transport is None:
            self._put_off(command, now)
            return
        frame, happened = self._protocol.send(command, now)
        self._hand_over(command, frame, happened, now)

    def _put_off(self, command: SessionCommand, now: float) -> None:
        """Accept a command that waits for the next connection."""
        outage = self._outage
        if outage is None:
            raise TransportClosed(NO_CLOSE_FRAME)
        outbound.check(command)
        outage.check_room(command)
        if not self._protocol.opened:
            outage.put(command, self._protocol.defer(command), now)
            return
        # The reader has still something to read from the connection that is gone.
        frame, happened = self._protocol.send(command, now)
        outage.put(command, len(frame), now)
        self._publish(happened)

    def _hand_over(
        self, command: SessionCommand, frame: str, happened: Sequence[SessionEvent], now: float
    ) -> None:
        """Give a frame to the transport; if that is broken, the command waits for the next one."""
        transport = self._transport
        if transport is None:
            raise TransportClosed(NO_CLOSE_FRAME)
        try:
            transport.send(frame)
        except TransportClosed:
            if self._outage is None:
                raise
            self.suspend()
            self._outage.put(command, len(frame), now)
            self._broken()
        else:
            self.frames += 1
            backlog = transport.accepted_bytes - transport.written_bytes
            if backlog:
                self.peak_backlog = max(self.peak_backlog, backlog)
                self._forget_written()
                self._unwritten.append((transport.accepted_bytes, command, len(frame), now))
            elif self._unwritten:
                self._unwritten.clear()
            if self._outage is not None and not isinstance(command, MEDIA):
                self._unconfirmed.append((transport.accepted_bytes, type(command).__name__))
                while self._unconfirmed and self._unconfirmed[0][0] <= transport.confirmed_bytes:
                    self._unconfirmed.popleft()
                transport.ping()
        if happened:
            self._publish(happened)

    def _accept_hand(self) -> None:
        """Accept what is in hand. If the connection is broken, it stays there."""
        while self._hand:
            self._take(self._hand[0])
            self._hand.popleft()

    def _take(self, item: SessionCommand | _Queued) -> None:
        """Accept an item of the channel. A refusal goes to whoever can hear it."""
        if isinstance(item, commands.Disconnect):
            return
        if not isinstance(item, _Queued):
            try:
                self._submit(item)
            except LiveError as error:
                self._publish([events.Error(f"a command was refused: {error}", b"")])
            return
        refused: LiveError | None = None
        try:
            if item.command is not None and not item.abandoned:
                self._submit(item.command)
        except LiveError as error:
            refused = error
        item.finish(refused)

    def _drain(self) -> None:
        """Take everything out of the channel."""
        with suppress(trio.WouldBlock, trio.EndOfChannel, trio.ClosedResourceError):
            while True:
                self._hand.append(self._channel.receive_nowait())

    def _forget_written(self) -> None:
        transport = self._transport
        written = 0 if transport is None else transport.written_bytes
        while self._unwritten and self._unwritten[0][0] <= written:
            self._unwritten.popleft()

    def _tell_change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
