"""What was handed to a connection: is it written, has it arrived, has the service taken it in?

What lives here: SentLog, the account that a loss is judged by. What must not: I/O.

Three answers, each of its own source. Written: `written_bytes` of the transport; what is not
written when the connection is gone can be sent again. Arrived: `confirmed_bytes`; a ping follows
each command but media, one at a time, and its answer says so. Frames come in order, so who answers
a ping (RFC 6455, 5.5.2) has read what came before: the other end of the WebSocket, which may be a
proxy, not the model. Taken in: only in transparent resumption, where the service says it and the
Ledger replays the rest.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from trio_live import commands
from trio_live.ledger import LedgerEntry
from trio_live.outage import MEDIA
from trio_live.transport.interface import TransportClosed

if TYPE_CHECKING:
    from trio_live.commands import SessionCommand
    from trio_live.ledger import Ledger
    from trio_live.transport.interface import Transport

_MOST_UNCONFIRMED: Final = 65_536
"""Of a server that answers no ping, the oldest commands beyond these count as arrived."""


class SentLog:
    """The account of what one connection after another was given.

    Args:
        ledger: Keeps what the service may not have taken in; None: not in transparent resumption.
        confirmed: Whether to ask for signs that commands have arrived.

    Attributes:
        ledger: That ledger.
        peak_backlog: The most bytes that were ever accepted and not written.
        uncertain: What the last connection had written without a sign that it arrived: how many
            of each kind, media not counted.
    """

    def __init__(self, ledger: Ledger | None, *, confirmed: bool) -> None:
        self.ledger = ledger
        self.peak_backlog = 0
        self.uncertain: Counter[str] = Counter()
        self._confirmed = confirmed
        # Where each ends in the bytes of the transport, the command, its size, its time.
        self._unwritten: deque[tuple[int, SessionCommand, int, float]] | None = None
        # The same for (end in bytes, kind) of what no sign has come for yet.
        self._unconfirmed: deque[tuple[int, str]] | None = None

    def note(self, command: SessionCommand, frame: bytes, now: float, transport: Transport) -> None:
        """Note that the transport has accepted the frame of a command."""
        end, written = transport.accepted_bytes, transport.written_bytes
        backlog = end - written
        if backlog:
            if backlog > self.peak_backlog:
                self.peak_backlog = backlog
            unwritten = self._unwritten
            if unwritten is None:
                unwritten = self._unwritten = deque()
            while unwritten and unwritten[0][0] <= written:
                unwritten.popleft()
            unwritten.append((end, command, len(frame), now))
        else:
            self._unwritten = None  # a deque takes 760 bytes, and an idle session has none
        if self.ledger is not None:
            self.ledger.note(_entry(command, frame))
        elif self._confirmed and not isinstance(command, MEDIA):
            if self._unconfirmed is None:
                self._unconfirmed = deque(maxlen=_MOST_UNCONFIRMED)
            unconfirmed = self._unconfirmed
            unconfirmed.append((end, type(command).__name__))
            while unconfirmed and unconfirmed[0][0] <= transport.confirmed_bytes:
                unconfirmed.popleft()
            transport.ping()

    def settle(self, last_consumed: int) -> None:
        """Note that the latest handle covers the messages up to this index."""
        if self.ledger is not None:
            self.ledger.settle(last_consumed)

    def replay(
        self, transport: Transport, unknown_calls: Collection[str] | None
    ) -> tuple[Counter[str], Counter[str]]:
        """Send on a new connection what the service has not taken in, in transparent resumption.

        Args:
            transport: That connection.
            unknown_calls: The ids of the calls that the restored session has not made, or that were
                withdrawn; None if the session was not restored.

        Returns:
            What was sent, and what is lost: how many of each kind. What a connection that is broken
            already does not take stays in the ledger.
        """
        replayed: Counter[str] = Counter()
        ledger = self.ledger
        if ledger is None:
            return replayed, Counter()
        if unknown_calls is None:
            return replayed, ledger.abandon()
        lost = ledger.begin(unknown_calls)
        kinds = [entry.name for entry in ledger.entries]
        with suppress(TransportClosed):
            for kind, frame in zip(kinds, ledger.replay(), strict=True):
                transport.send(frame)
                replayed[kind] += 1
        return replayed, lost

    def close(
        self, transport: Transport, *, again: bool = False
    ) -> list[tuple[SessionCommand, int, float]]:
        """Close the account of a connection that is gone.

        Args:
            transport: That connection.
            again: Whether what is given is to be sent again: what failed in mid-write may have
                arrived, so it is uncertain then.

        Returns:
            What it never wrote as a whole, in order: command, size in bytes of JSON, time. In
            transparent resumption the ledger has these as well.
        """
        self._forget_written(transport)
        last = transport.begun_bytes if again else transport.written_bytes
        # Of what is written in one go, the first may be confirmed before the last is written.
        last = max(last, transport.confirmed_bytes)
        unwritten = [waiting[1:] for waiting in self._unwritten or () if waiting[0] > last]
        self.uncertain = Counter(
            kind for end, kind in self._unconfirmed or () if transport.confirmed_bytes < end <= last
        )
        self._unwritten = self._unconfirmed = None
        return unwritten

    @property
    def untold(self) -> Counter[str]:
        """What a session that ends here leaves without a sign that it arrived, by kinds."""
        if self.ledger is None:
            return self.uncertain
        return Counter(entry.name for entry in self.ledger.entries if not entry.media)

    def _forget_written(self, transport: Transport) -> None:
        while self._unwritten and self._unwritten[0][0] <= transport.written_bytes:
            self._unwritten.popleft()


def _entry(command: SessionCommand, frame: bytes) -> LedgerEntry:
    answers: tuple[str, ...] = ()
    if isinstance(command, commands.SendToolResponse):
        answers = tuple(response.id for response in command.responses if response.id)
    return LedgerEntry(type(command).__name__, frame.decode(), isinstance(command, MEDIA), answers)
