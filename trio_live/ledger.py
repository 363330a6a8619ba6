"""What the service may not have taken in yet: the ledger of Vertex AI's transparent resumption.

What lives here: Ledger, plain bookkeeping. What must not: I/O, encoding, when to resume.

Theory of operation
-------------------
A handle stands for a state of the session at the service. Its update says how far that state goes:
`lastConsumedClientMessageIndex` is the last client message that is in it. What was written later is
not, even if the service has answered it: after a resume it has never happened. So what is in the
state of the *latest handle* is settled; everything behind is kept, and written again, first and in
the same order, on each connection that is resumed from that handle.

Indices count per connection: the setup is 0, each later client message one more. A message has
another index on each connection, which it gets when it is written there. (Facts: Vertex AI's sample
of transparent resumption; public reports, collected in November 2026.)

Audio and video are replayed as well. In an ordinary resume they would be stale; here the service
asks for them: it goes on listening where the handle left it, and what was said since would be lost.

The ledger is bounded in bytes. At the bound the oldest audio and video fall out, and are counted as
lost if the connection is lost before the service has settled them. Everything else is kept: what
does not fit is refused before it is written (`fits`).
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from operator import itemgetter
from typing import TYPE_CHECKING

from trio_live.wire.base import Data

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator


class LedgerEntry(Data, frozen=True):
    """One client message that may have to be written again.

    Attributes:
        name: The kind of command, such as "SendText".
        frame: The message as it was written.
        media: Audio or video: it may fall out of a full ledger.
        answers: The ids of the calls that it answers.
    """

    name: str
    frame: str
    media: bool = False
    answers: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The bytes of the frame."""
        return len(self.frame) if self.frame.isascii() else len(self.frame.encode())


class _Gap:
    """Messages of one kind, with consecutive indices, that fell out."""

    __slots__ = ("first", "last", "name")

    def __init__(self, name: str, index: int) -> None:
        self.name = name
        self.first = self.last = index


class Ledger:
    """The client messages behind the latest handle, in order.

    Call `begin` for each connection, when its setup is written; after a resume write the frames of
    `replay`; then ask `fits` and call `note` for each message that is written; call `settle` for
    each update that carries a handle, and for no other.

    Args:
        limit: The bytes of frames to keep.
        entries: What a checkpoint had in it.

    Attributes:
        bytes: The bytes of frames that are kept.
        peak_bytes: The most there ever were.
    """

    def __init__(self, limit: int, entries: Iterable[LedgerEntry] = ()) -> None:
        self._limit = limit
        # Written on this connection, with their indices there; audio and video apart from the rest.
        self._media: deque[tuple[int, LedgerEntry]] = deque()
        self._rest: deque[tuple[int, LedgerEntry]] = deque()
        self._waiting: deque[LedgerEntry] = deque(entries)  # to be written again, after those
        self._gaps: deque[_Gap] = deque()  # fell out, by index
        self._media_bytes = 0  # of _media
        self._last = 0  # the index of the last message of this connection
        self.bytes = sum(entry.size for entry in self._waiting)
        self.peak_bytes = self.bytes

    def __len__(self) -> int:
        return len(self._media) + len(self._rest) + len(self._waiting)

    @property
    def waiting(self) -> int:
        """How many messages wait to be written again, before anything new."""
        return len(self._waiting)

    @property
    def entries(self) -> tuple[LedgerEntry, ...]:
        """Everything that is kept, in order: what a checkpoint needs."""
        written = heapq.merge(self._media, self._rest, key=itemgetter(0))
        return (*(entry for _, entry in written), *self._waiting)

    def begin(self, unknown_calls: Collection[str] = ()) -> Counter[str]:
        """Start to count for a new connection: nothing is written on it but the setup.

        Args:
            unknown_calls: The ids of the calls that the restored session has not made, or that were
                withdrawn. A message that answers these alone is withheld.

        Returns:
            The messages that are lost, how many of each kind: withheld, or fallen out before.
        """
        lost = Counter[str]()
        for gap in self._gaps:
            lost[gap.name] += gap.last - gap.first + 1
        self._gaps.clear()
        kept: deque[LedgerEntry] = deque()
        for entry in self.entries:
            if entry.answers and all(call in unknown_calls for call in entry.answers):
                lost[entry.name] += 1
                self.bytes -= entry.size
            else:
                kept.append(entry)
        self._media.clear()
        self._rest.clear()
        self._waiting = kept
        self._media_bytes = 0
        self._last = 0
        return lost

    def replay(self) -> Iterator[str]:
        """Give what has to be written again, each as it is asked for: take one, write it.

        If the connection is lost meanwhile, just `begin` again.
        """
        while self._waiting:
            entry = self._waiting.popleft()
            self._write(entry)
            yield entry.frame

    def fits(self, size: int) -> bool:
        """Say whether a message of so many bytes can be kept; audio and video need not ask."""
        return self.bytes - self._media_bytes + size <= self._limit

    def note(self, entry: LedgerEntry) -> None:
        """Note that a message was written, after all that was to be replayed.

        Raises:
            ValueError: Older messages wait to be written again.
        """
        if self._waiting:
            raise ValueError("what has to be written again comes first")
        size = entry.size
        while not self._has_room(size) and self._media:
            index, dropped = self._media.popleft()
            self._forget(dropped)
            self._add_gap(dropped.name, index)
        if entry.media and not self._has_room(size):
            self._last += 1
            self._add_gap(entry.name, self._last)
            return
        self.bytes += size
        self.peak_bytes = max(self.peak_bytes, self.bytes)
        self._write(entry)

    def settle(self, last_consumed: int) -> None:
        """Forget the messages up to this index of this connection: the latest handle has them."""
        for written in (self._media, self._rest):
            while written and written[0][0] <= last_consumed:
                self._forget(written.popleft()[1])
        while self._gaps and self._gaps[0].first <= last_consumed:
            self._gaps[0].first = min(last_consumed, self._gaps[0].last) + 1
            if self._gaps[0].first > self._gaps[0].last:
                self._gaps.popleft()

    def abandon(self) -> Counter[str]:
        """Forget everything, as there is no handle any more. Give how many of each kind it was."""
        lost = self.begin()
        lost.update(entry.name for entry in self._waiting)
        self._waiting.clear()
        self.bytes = 0
        return lost

    def _has_room(self, size: int) -> bool:
        return self.bytes + size <= self._limit

    def _write(self, entry: LedgerEntry) -> None:
        self._last += 1
        if entry.media:
            self._media.append((self._last, entry))
            self._media_bytes += entry.size
        else:
            self._rest.append((self._last, entry))

    def _forget(self, entry: LedgerEntry) -> None:
        self.bytes -= entry.size
        if entry.media:
            self._media_bytes -= entry.size

    def _add_gap(self, name: str, index: int) -> None:
        if self._gaps and (self._gaps[-1].name, self._gaps[-1].last) == (name, index - 1):
            self._gaps[-1].last = index
        else:
            self._gaps.append(_Gap(name, index))
