"""What has arrived and nobody has taken yet: the half of a transport that gives messages out.

What lives here: Inbox. What must not: sockets, frames. No lock, no channel, no task: whoever
receives is woken once for all messages of one read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from trio_live.transport.interface import TransportClosed

# From so many messages on that nobody has taken, nothing more is read.
_MESSAGE_QUEUE: Final = 64
# Of messages that are there already, every 32nd costs a visit to the scheduler, which takes 4 us
# against 0.2 us for a look at whether we are cancelled (measured). The others are seen to soon.
_YIELD_EVERY: Final = 32


class Inbox(ABC):
    """Holds messages for one task that receives; a base of the transports over WebSocket."""

    def __init__(self) -> None:
        # Received, and not taken yet. They are few, and a deque takes 0.7 KiB when it is empty.
        self._messages: list[str | bytes] = []
        self._taken = 0  # of these, without a visit to the scheduler
        self._over = False  # no message will come any more
        self._dropping = False  # messages are of no interest any more
        self._failure: Exception | None = None  # what went wrong in reading, and was not foreseen
        self._waiting: list[trio.lowlevel.Task] = []  # for a message, or for the end
        self._room: trio.Event | None = None  # reading waits for somebody to take messages

    async def receive(self) -> str | bytes:
        """See Transport."""
        if not self._messages:
            self._taken = 0
            await self._wait_arrived()
        elif self._taken < _YIELD_EVERY:
            self._taken += 1
            await trio.lowlevel.checkpoint_if_cancelled()
        else:
            self._taken = 0
            await trio.lowlevel.checkpoint()
        if not self._messages:
            raise self._closed() from self._failure
        message = self._messages.pop(0)
        if self._room is not None:
            self._make_room()
        return message

    def receive_nowait(self) -> str | bytes | None:
        """See Transport."""
        if not self._messages or self._taken >= _YIELD_EVERY:
            return None
        self._taken += 1
        message = self._messages.pop(0)
        if self._room is not None:
            self._make_room()
        return message

    @abstractmethod
    def _closed(self) -> TransportClosed:
        """Give what receive() raises when all is taken."""

    def _tell_arrived(self) -> None:
        """Wake who waits; to be called when messages were added."""
        if self._dropping:
            self._messages.clear()
        for task in self._waiting:
            trio.lowlevel.reschedule(task)
        self._waiting.clear()

    async def _wait_arrived(self) -> None:
        """Wait for a message or for the end."""
        task = trio.lowlevel.current_task()

        def abort(_: object) -> trio.lowlevel.Abort:
            self._waiting.remove(task)
            return trio.lowlevel.Abort.SUCCEEDED

        while not self._messages and not self._over:
            self._waiting.append(task)  # an Event would take 0.7 KiB more
            await trio.lowlevel.wait_task_rescheduled(abort)

    async def _wait_room(self) -> None:
        """Wait while so many messages wait that no more should be read."""
        while len(self._messages) >= _MESSAGE_QUEUE and not self._over:
            if self._room is None:  # over trio-websocket two tasks wait: the other may be first
                self._room = trio.Event()
            await self._room.wait()

    def _make_room(self) -> None:
        if self._room is not None:
            self._room.set()
            self._room = None

    def _drop_messages(self) -> None:
        """Forget what has arrived, and whatever will."""
        self._dropping = True
        self._messages.clear()
        self._make_room()

    def _end_messages(self) -> None:
        """Note that no message will come any more."""
        self._over = True
        self._tell_arrived()
