"""What waits while there is no connection, and what of it is sent when there is one again.

What lives here: OutageQueue: order, bounds, the age of media, activity signals in pairs. What must
not: I/O, clocks (time is passed in), who puts commands in and takes them out (outbox.py).
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from trio_live import commands
from trio_live.commands import SessionCommand
from trio_live.errors import SendQueueFull

MEDIA: Final = (commands.SendAudio, commands.SendVideo)
"""What is worth nothing when it is old."""

_REALTIME: Final = (*MEDIA, commands.SendRealtimeText)


class Waiting(NamedTuple):
    """A command that waits.

    Attributes:
        place: Its place in the order.
        since: When it was accepted, in seconds.
        size: Its size on the wire, in bytes of JSON.
        command: The command.
    """

    place: int
    since: float
    size: int
    command: SessionCommand


class OutageQueue:
    """Commands in the order in which they were accepted.

    Media has a queue of its own: it never keeps other commands from being accepted, and what is
    too old, or too much, is dropped while it waits.

    Args:
        max_commands: How many commands may wait, media aside.
        max_bytes: How many bytes they may have; media as much again.
        media_max_age: How old media may become, in seconds.

    Attributes:
        dropped: What was not, and will not be, sent: how many of each kind.
    """

    def __init__(self, max_commands: int, max_bytes: int, media_max_age: float) -> None:
        self.dropped: Counter[str] = Counter()
        self._max_commands = max_commands
        self._max_bytes = max_bytes
        self._media_max_age = media_max_age
        self._kept: list[Waiting] = []
        self._kept_bytes = 0
        self._media: list[Waiting] = []
        self._media_bytes = 0
        self._next_place = 0
        self._taken: list[Waiting] = []  # until it is known what of it was sent

    def __len__(self) -> int:
        return len(self._kept) + len(self._media)

    @property
    def size(self) -> int:
        """Their size on the wire, in bytes of JSON."""
        return self._kept_bytes + self._media_bytes

    @property
    def commands(self) -> list[SessionCommand]:
        """All of them, in order."""
        return [waiting.command for waiting in heapq.merge(self._kept, self._media)]

    def check_room(self, command: SessionCommand) -> None:
        """Say whether a command could be put in; the last one may go beyond the bound in bytes.

        Raises:
            SendQueueFull: It could not.
        """
        if isinstance(command, MEDIA):
            return
        if len(self._kept) >= self._max_commands or self._kept_bytes >= self._max_bytes:
            raise SendQueueFull(
                f"the connection is gone, and {len(self._kept)} commands of {self._kept_bytes} "
                "bytes wait for the next one already; nothing was sent",
                retryable=True,
            )

    def put(self, command: SessionCommand, size: int, now: float) -> None:
        """Put a command behind the others, room or not."""
        waiting = Waiting(self._next_place, now, size, command)
        self._next_place += 1
        if isinstance(command, MEDIA):
            self._media.append(waiting)
            self._media_bytes += size
            self._drop_old(now)
        else:
            self._kept.append(waiting)
            self._kept_bytes += size

    def put_back(self, unwritten: Iterable[tuple[SessionCommand, int, float]]) -> None:
        """Put commands in that were accepted before all that wait here: command, size, time."""
        before = [*heapq.merge(self._kept, self._media)]
        self._clear()
        for command, size, since in unwritten:
            self.put(command, size, since)
        for _, since, size, command in before:
            self.put(command, size, since)

    def take(self, now: float, *, active: bool | None) -> list[SessionCommand]:
        """Take everything that is to be sent on a new connection, in order.

        Media that is too old is dropped. Signals of activity come out in pairs that enclose some
        input: the new connection does not know of what was started on the old one.

        Args:
            now: The time.
            active: Whether the user's activity, as the caller signalled it, goes on; None to leave
                the signals as they are, where the service knows what was begun.
        """
        self._drop_old(now)
        self._taken = [*heapq.merge(self._kept, self._media)]
        waiting = [taken.command for taken in self._taken]
        self._clear()
        if active is None:
            return waiting
        marks = [c for c in waiting if isinstance(c, commands.ActivityStart | commands.ActivityEnd)]
        if not marks and not active:
            return waiting
        started = isinstance(marks[0], commands.ActivityEnd) if marks else True
        return self._paired(waiting, started=started)

    def give_back(self, rest: Sequence[SessionCommand], now: float) -> None:
        """Say what of that, the end of it, could not be sent: it waits on, as old as it is."""
        again: list[tuple[SessionCommand, int, float]] = []
        for command in reversed(rest):
            if isinstance(command, commands.ActivityStart):  # take() may have put it there
                again.append((command, 0, now))
                continue
            while (waited := self._taken.pop()).command is not command:
                pass
            again.append((command, waited.size, waited.since))
        self._taken.clear()
        self.put_back(reversed(again))

    def drop_all(self) -> list[SessionCommand]:
        """Take everything, to be reported as not sent."""
        waiting = self.commands
        self._clear()
        return waiting

    def _paired(self, waiting: list[SessionCommand], *, started: bool) -> list[SessionCommand]:
        sent: list[SessionCommand] = []
        opened_at = 0 if started else None  # where in `sent` the activity belongs that goes on
        filled = False  # whether it has input
        own_start = False  # whether its start waited here, and did not go to the old connection
        for command in waiting:
            if isinstance(command, commands.ActivityStart):
                opened_at, filled, own_start = len(sent), False, True
            elif isinstance(command, commands.ActivityEnd):
                if filled and opened_at is not None:
                    sent.insert(opened_at, commands.ActivityStart())
                    sent.append(command)
                else:
                    if own_start:
                        self.dropped["ActivityStart"] += 1
                    self.dropped["ActivityEnd"] += 1
                opened_at = None
            else:
                filled = filled or isinstance(command, _REALTIME)
                sent.append(command)
        if opened_at is not None:
            sent.insert(opened_at, commands.ActivityStart())
        return sent

    def _drop_old(self, now: float) -> None:
        media, gone = self._media, 0
        while gone < len(media) and (
            now - media[gone].since > self._media_max_age
            or (self._media_bytes > self._max_bytes and len(media) > gone + 1)
        ):
            old = media[gone]
            gone += 1
            self._media_bytes -= old.size
            self.dropped[type(old.command).__name__] += 1
        del media[:gone]

    def _clear(self) -> None:
        self._kept.clear()
        self._media.clear()
        self._kept_bytes = self._media_bytes = 0
