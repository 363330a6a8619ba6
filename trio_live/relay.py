"""From one connection to the next: what they are given, and what waits between them.

What lives here: the half of Outbox that hands frames to a transport; and the account of what was
accepted and is not written yet. What must not: who may send, and when (outbox.py); when there is a
connection (lifeline.py).

While there is no connection, accepted commands wait in an OutageQueue. What the old connection had
accepted and never wrote goes back there, in front, once that connection is gone: nobody can have
read it. What it did write is not sent again, but in transparent resumption (sent.py).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import trio

from trio_live import arguments, commands
from trio_live.commands import SessionCommand
from trio_live.errors import SendQueueFull
from trio_live.events import SessionEvent
from trio_live.flag import Flag
from trio_live.ledger import Ledger
from trio_live.outage import OutageQueue
from trio_live.protocol import LiveProtocol
from trio_live.sent import SentLog
from trio_live.transport.interface import NO_CLOSE_FRAME, Transport, TransportClosed

if TYPE_CHECKING:
    from trio_live.ledger import LedgerEntry
    from trio_live.reconnect import ReconnectPolicy


class Relay:
    """Hands frames to one connection after another.

    Args:
        protocol: Checks and encodes.
        publish: Takes the events that sending causes.
        policy: What may wait while there is no connection; None: then the session ends.
        broken: Called when a write fails, which the reader may not know yet.
        kept: The ledger of a session that is resumed from a checkpoint.

    Attributes:
        frames: Frames accepted.
        sent: What is known of those that were handed to the transport.
    """

    def __init__(
        self,
        protocol: LiveProtocol,
        publish: Callable[[Sequence[SessionEvent]], None],
        policy: ReconnectPolicy | None,
        broken: Callable[[], None],
        kept: Sequence[LedgerEntry] = (),
    ) -> None:
        self.frames = 0
        self._protocol = protocol
        self._publish = publish
        self._policy = policy
        self._outage: OutageQueue | None = None  # made at the first: 0.4 KiB, which most never need
        ledger = None
        if policy is not None and policy.transparent:
            ledger = Ledger(policy.ledger_bytes, kept)
        self.sent = SentLog(ledger, confirmed=policy is not None)
        self._broken = broken
        self._transport: Transport | None = None
        self._old: Transport | None = None  # its account is still open
        self._gone_bytes = 0  # what the transports before these accepted
        self._changed = Flag()  # set, and replaced, when there is another transport, or none

    def attach(self, transport: Transport) -> None:
        """Use this transport from now on."""
        self._transport = transport
        self._tell_change()

    def suspend(self) -> None:
        """Let commands wait from now on: the connection ends. Nothing if they do already."""
        if self._transport is not None and self._policy is not None:
            self._old, self._transport = self._transport, None
            self._tell_change()

    def settle(self) -> None:
        """Close the account of the old connection, which is gone: it will write no more."""
        old, self._old = self._old, None
        if old is not None and self._policy is not None:
            unwritten = self.sent.close(old, again=True)
            if self.sent.ledger is None:  # else that has them, too
                self._waiting_room(self._policy).put_back(unwritten)
            self._gone_bytes += old.accepted_bytes

    def replay(self, *, restored: bool) -> tuple[Counter[str], Counter[str]]:
        """Send what waited, in order. Give what was sent and what was dropped, by kinds.

        New commands come behind it, because this does not wait for anything.

        Args:
            restored: Whether the session was resumed from its handle.
        """
        transport = self._transport
        if self._policy is None or transport is None:
            return Counter(), Counter()
        outage = self._waiting_room(self._policy)
        replayed, lost = self.sent.replay(
            transport, self._protocol.carried.calls_without_answer if restored else None
        )
        self.frames += replayed.total()
        now = trio.current_time()
        waited = Counter(type(command).__name__ for command in outage.commands)
        before = Counter(outage.dropped)
        # In transparent resumption the service knows of activity that goes on.
        active = None
        if self.sent.ledger is None or not restored:
            active = self._protocol.activity_started
        rest = deque(outage.take(now, active=active))
        while rest and self._transport is not None:
            known = self._protocol.carried.still_owed(rest[0])
            if known is None:
                outage.dropped[type(rest[0]).__name__] += 1
            else:
                if not self._hand_over(known, *self._protocol.check_again(known), now):
                    break
            rest.popleft()
        outage.give_back(rest, now)  # something, if this connection is gone, too
        dropped, outage.dropped = outage.dropped, Counter()
        waited.subtract(type(command).__name__ for command in outage.commands)
        waited.subtract(dropped - before)
        return replayed + waited, lost + dropped

    @property
    def accepted_bytes(self) -> int:
        """Bytes that all transports so far have accepted."""
        transport = self._transport or self._old
        return self._gone_bytes + (0 if transport is None else transport.accepted_bytes)

    @property
    def backlog(self) -> int:
        """Bytes that the transport has accepted and not written."""
        transport = self._transport or self._old
        return 0 if transport is None else transport.accepted_bytes - transport.written_bytes

    def waiting_sizes(self) -> tuple[int, int]:
        """Give how many commands wait for a connection, and their bytes of JSON."""
        outage = self._outage
        return (0, 0) if outage is None else (len(outage), outage.size)

    @property
    def waiting(self) -> list[SessionCommand]:
        """What waits for a connection, in order."""
        return [] if self._outage is None else self._outage.commands

    def _waiting_room(self, policy: ReconnectPolicy) -> OutageQueue:
        if self._outage is None:
            self._outage = OutageQueue(
                policy.queue_commands, policy.queue_bytes, policy.media_max_age
            )
        return self._outage

    def _check_ledger(self, ledger: Ledger) -> None:
        if not ledger.fits(1):
            raise SendQueueFull(
                f"the service has not taken in {len(ledger)} messages of {ledger.bytes} bytes yet; "
                "nothing was sent",
                retryable=True,
            )

    def _put_off(self, command: SessionCommand, now: float, *, check_room: bool) -> None:
        """Accept a command that waits for the next connection."""
        if self._policy is None:
            raise TransportClosed(NO_CLOSE_FRAME)
        outage = self._waiting_room(self._policy)
        arguments.check(command)
        if check_room:
            outage.check_room(command)
        outage.put(command, self._protocol.defer(command), now)

    def _hand_over(
        self, command: SessionCommand, frame: bytes, answered: list[str | int], now: float
    ) -> bool:
        """Give a frame to the transport; say whether it took it, or is broken."""
        transport = self._transport
        if transport is None:
            return False
        try:
            transport.send(frame)
        except TransportClosed:
            if self._policy is None:
                raise
            self.suspend()
            self._broken()
            return False
        self.frames += 1
        self.sent.note(command, frame, now, transport)
        if type(command) is not commands.SendAudio and (
            happened := self._protocol.sent(command, answered, now)
        ):
            self._publish(happened)
        return True

    def _tell_change(self) -> None:
        self._changed.set()
        self._changed = Flag()
