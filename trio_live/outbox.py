"""The way of commands to the transport.

What lives here: Outbox: at once if nothing is before it, else through the channel. What must not:
the connections (relay.py); when a session starts and ends, and when it has one (runner.py).

A verb of the handle does not go through the channel `command_tx` while that is empty and the pump
waits at it, or while there is none: it does on the spot what the pump would do. Nothing can be torn
by this, because accepting a frame is synchronous; and the order is the channel's, because whoever
finds something in it queues.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from trio_live import arguments, commands, events
from trio_live.command_channel import CommandChannel, CommandSender
from trio_live.commands import SessionCommand
from trio_live.errors import LiveError, LocalProtocolError, SessionClosed
from trio_live.events import SessionEvent
from trio_live.gate import MicrophoneGate
from trio_live.outage import MEDIA
from trio_live.protocol import LiveProtocol
from trio_live.queued import Queued
from trio_live.relay import Relay
from trio_live.transport.interface import NO_CLOSE_FRAME, TransportClosed

if TYPE_CHECKING:
    from trio_live.ledger import LedgerEntry
    from trio_live.reconnect import ReconnectPolicy
    from trio_live.wire.content import Content


class Outbox(Relay):
    """Takes commands until it is closed; see Relay, too.

    Args:
        channel: Commands come through it where they must wait.
        protocol: Checks and encodes.
        limit: Commands wait while more bytes than this are accepted and not written.
        publish: Takes the events that sending causes.
        refusal: Gives the error for a command that comes too late.
        policy: What may wait while there is no connection; None: then the session ends.
        broken: Called when a write fails, which the reader may not know yet.
        kept: The ledger of a session that is resumed from a checkpoint.
        gate: Keeps audio back while calls are open, or None.

    Attributes:
        undelivered: Accepted commands that were never written as a whole: how many of each kind.
    """

    def __init__(
        self,
        channel: CommandChannel,
        protocol: LiveProtocol,
        limit: int,
        publish: Callable[[Sequence[SessionEvent]], None],
        refusal: Callable[[], LiveError],
        policy: ReconnectPolicy | None,
        broken: Callable[[], None],
        kept: Sequence[LedgerEntry] = (),
        gate: MicrophoneGate | None = None,
    ) -> None:
        super().__init__(protocol, publish, policy, broken, kept)
        self.undelivered: Counter[str] = Counter()
        self._channel = channel
        self._limit = limit
        self._refusal = refusal
        self._closed = False
        self._hand: list[SessionCommand | Queued] = []  # out of the channel
        self._late: list[Queued] = []  # verbs that will not be served, and have not been told
        self._gate = gate
        self._pump: trio.lowlevel.Task | None = None  # while it is at the channel

    def seed(self, turns: Sequence[Content]) -> None:
        """Tell a fresh session what was said before, ahead of everything else."""
        command = self._protocol.retell(tuple(turns))
        if command is None or self._transport is None:
            return
        try:
            self._submit(command)
        except LocalProtocolError as refusal:
            self._publish(
                [events.Error(f"the conversation could not be told again: {refusal}", b"")]
            )

    def send_now(self, command: SessionCommand) -> bool:
        """Send a command if it is next; say whether it was.

        Raises:
            TransportClosed: The connection broke, and there will not be another; the command was
                not sent.
        """
        if self._closed or not self._is_next():
            return False
        self._submit(command)
        return True

    async def queue(self, command: SessionCommand, command_tx: CommandSender) -> None:
        """Send a command in its turn, which `send_now()` found is not now.

        Raises:
            TransportClosed: As `send_now()`.

        Cancellation: atomic. If cancelled, the command was not sent.
        """
        if self._closed:
            raise self._refusal()
        arguments.check(command)
        await self._queue(command, command_tx)

    def answer(self, command: commands.SendToolResponse) -> None:
        """Accept answers of tools at once, ahead of what is queued.

        While there is no connection they wait for one, room or not.

        Raises:
            LocalProtocolError: They break a rule.
            LiveError: The session has ended.
        """
        if self._closed:
            raise self._refusal()
        try:
            self._submit(command, check_room=False)
        except TransportClosed:  # and there will not be another connection
            self._hand.append(command)  # close() reports it
            self._broken()

    async def wait_room(self) -> None:
        """Wait while more than the limit is accepted and not written.

        While there is no connection, return at once.

        Cancellation: atomic. If cancelled, nothing happened.
        """
        transport = self._transport
        if transport is not None:
            with suppress(TransportClosed):
                await transport.wait_written(transport.accepted_bytes - self._limit)

    async def flush(self, command_tx: CommandSender) -> None:
        """Wait until all commands accepted before, those in the channel included, are written.

        If they are, return at once.

        Raises:
            TransportClosed: The connection broke first, and there will not be another.

        Cancellation: atomic. If cancelled, the commands are still written.
        """
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
                    if self._policy is None:
                        raise
                else:
                    return
            await changed.wait()
        raise TransportClosed(NO_CLOSE_FRAME)

    async def pump(self) -> None:
        """Take commands from the channel; return when one of them, or the last handle, ends it.

        Without a channel, return at once.

        Raises:
            TransportClosed: The connection broke, and there will not be another.

        Cancellation: atomic. If cancelled, what was taken is still in hand.
        """
        receiver = self._channel.receiver
        while receiver is not None:
            self._pump = trio.lowlevel.current_task()
            try:
                item = await receiver.receive()
            except trio.EndOfChannel:
                return
            finally:
                self._pump = None
            if isinstance(item, commands.Disconnect):
                return
            self._hand.append(item)
            transport = self._transport
            if transport is not None:
                try:
                    await transport.wait_written(transport.accepted_bytes - self._limit)
                except TransportClosed:
                    if self._policy is None:
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

    def open_gate(self) -> None:
        """Send the audio that was kept back, if calls do not keep it back any more."""
        if self._gate is None or self._closed:
            return
        kept, told = self._gate.release(trio.current_time())
        if told:
            self._publish(told)
        for command in kept:
            try:
                self._submit(command)
            except LiveError as error:
                self._publish([events.Error(f"a command was refused: {error}", b"")])
            except TransportClosed:  # and there will not be another connection
                self.undelivered[type(command).__name__] += 1

    def close(self) -> tuple[SessionCommand, ...]:
        """Accept nothing more. Give, and count, accepted commands that were not written."""
        self._closed = True
        if self._gate is not None:
            self.undelivered.update(self._gate.drop_all())
        self._drain()
        last = self._transport or self._old
        lost = [] if last is None else [command for command, _, _ in self.sent.close(last)]
        if self._outage is not None:
            lost += self._outage.drop_all()
            self.undelivered.update(self._outage.dropped)
            self._outage.dropped.clear()
        for item in self._hand:
            if isinstance(item, Queued):
                self._late.append(item)
            elif not isinstance(item, commands.Disconnect):
                lost.append(item)
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
        if self._channel.receiver is None:
            return 0, 0
        statistics = self._channel.receiver.statistics()
        return statistics.current_buffer_used, statistics.peak_buffer_used

    def _is_next(self) -> bool:
        """Whether a command would be next: nothing is in the channel, and there is room.

        Trio resets a task's `custom_sleep_data` when it is woken, so where the pump has some, it
        sleeps at a channel that has given it nothing. To ask the channel's `statistics()` takes
        1.1 us, this 0.1 (benchmarks/flood.py, send).
        """
        if self._channel.receiver is not None:
            pump = self._pump
            if pump is None or pump.custom_sleep_data is None:
                return False
        transport = self._transport
        return (
            transport is None or transport.accepted_bytes - transport.written_bytes <= self._limit
        )

    async def _queue(self, command: SessionCommand | None, command_tx: CommandSender) -> None:
        queued = Queued(command)
        try:
            await command_tx.send(queued)  # type: ignore[arg-type]  # only the pump sees it
        except trio.ClosedResourceError:
            queued.finish(SessionClosed("this handle is closed; nothing was sent"))
        await queued.wait()
        if queued.error is not None:
            raise queued.error

    def _submit(self, command: SessionCommand, *, check_room: bool = True) -> None:
        """Accept a command: check it, encode it, hand it to the transport. Synchronous."""
        now = trio.current_time()
        if self._gate is not None and self._gate.keeps(command, now):
            return
        if self._transport is None:
            self._put_off(command, now, check_room=check_room)
            return
        ledger = self.sent.ledger
        if check_room and ledger is not None and not isinstance(command, MEDIA):
            self._check_ledger(ledger)
        frame, answered = self._protocol.check(command)
        if self._hand_over(command, frame, answered, now):
            if type(command) is not commands.SendAudio:
                self._protocol.note_activity(command)
        else:
            self._put_off(command, now, check_room=check_room)
        if self._gate is not None and not isinstance(command, MEDIA):
            self.open_gate()  # it may have been the last answer

    def _accept_hand(self) -> None:
        """Accept what is in hand. If the connection is broken, it stays there."""
        while self._hand:
            self._take(self._hand[0])
            del self._hand[0]

    def _take(self, item: SessionCommand | Queued) -> None:
        """Accept an item of the channel. A refusal goes to whoever can hear it."""
        if isinstance(item, commands.Disconnect):
            return
        if not isinstance(item, Queued):
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
        receiver = self._channel.receiver
        if receiver is None:
            return
        with suppress(trio.WouldBlock, trio.EndOfChannel, trio.ClosedResourceError):
            while True:
                self._hand.append(receiver.receive_nowait())
