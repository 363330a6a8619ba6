"""One reader's events: a buffer with bounds, and a policy for when they are reached.

What lives here: Subscription and the three policies. What must not: who puts events in (fanout.py),
what events mean. A subscription costs one append per event and one wake-up per frame; no channel,
no lock and no task stands between the reader of the socket and its subscribers
(benchmarks/fanout.py).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Literal, cast

import trio

from trio_live.errors import LiveError, SubscriberLagged
from trio_live.events import MEDIA, MediaDropped, SessionEvent
from trio_live.wire.base import Data

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # which knows defaults; Python does from 3.13 on

    EventT = TypeVar("EventT", default=SessionEvent)
else:
    from typing import TypeVar

    EventT = TypeVar("EventT")

Policy = Literal["fail", "drop_oldest", "block"]
"""What happens when a subscription reaches its bound.

- "fail": it gets what is buffered and then raises SubscriberLagged; the session goes on.
- "drop_oldest": its oldest media is dropped, and a MediaDropped event says how much; other events
  are never dropped, and if they alone reach the bound it fails as above.
- "block": the session reads no further until there is room. The service sees back-pressure, and
  interruptions and cancellations wait too: choose it knowingly.
"""

_YIELD_EVERY: Final = 32
"""A reader with events in its buffer lets other tasks run before each 32nd (a full checkpoint costs
2 to 4 us, the event itself less than 1), and looks for cancellation before each."""


class SubscriptionStatistics(Data, frozen=True):
    """How a subscription is doing. Bytes are payload: media, text, raw JSON.

    Attributes:
        buffered_events: Events waiting to be read.
        buffered_bytes: Their payload.
        peak_events: The most events that ever waited.
        peak_bytes: The most payload that ever waited.
        received: Events that were read.
        dropped: Media events dropped by "drop_oldest".
        missed: Events that came after it had reached its bound and failed.
    """

    buffered_events: int
    buffered_bytes: int
    peak_events: int
    peak_bytes: int
    received: int
    dropped: int
    missed: int


class Subscription(trio.abc.ReceiveChannel[EventT]):
    """Events of one session, from the moment of subscribing on, for one reader or several.

    Use it as `async with session.subscribe() as events: async for event in events: ...`. Several
    tasks may read; each event goes to one of them.

    Attributes:
        policy: What happens at the bound.
        blocking: Whether the session waits for room in here.
    """

    def __init__(
        self,
        max_events: float,
        max_bytes: float,
        policy: Policy,
        changed: Callable[[Subscription[EventT]], None],
    ) -> None:
        self.policy: Final = policy
        self.blocking = policy == "block"
        self._changed = changed  # called when there is room again, and when it is closed
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._buffer: deque[tuple[EventT, int]] = deque()
        self._bytes: int = 0
        self._tasks: dict[trio.lowlevel.Task, None] = {}  # parked readers, first come first served
        self._closed = False
        self._ended = False
        self._error: LiveError | None = None
        self._credit = _YIELD_EVERY
        self._peak_events = 0
        self._peak_bytes = 0
        self._received = 0
        self._dropped = 0
        self._missed = 0

    @property
    def closed(self) -> bool:
        """Whether its reader closed it."""
        return self._closed

    @property
    def full(self) -> bool:
        """Whether the bound is reached."""
        return self._held() >= self._max_events or self._bytes >= self._max_bytes

    def put(self, happened: Sequence[tuple[EventT, int]]) -> None:
        """Take events with their payload sizes, as the policy says, and wake who waits for them."""
        buffer = self._buffer
        for item in happened:
            size = item[1]
            # A blocking subscription had room before the frame; the rest of that frame fits as
            # well. A single event that is larger than the whole bound fits into an empty buffer.
            if self._missed or not (
                self.blocking
                or (len(buffer) < self._max_events and self._bytes + size <= self._max_bytes)
                or not buffer
            ):
                self._missed += 1
            else:
                buffer.append(item)
                self._bytes += size
        if len(buffer) > self._peak_events or self._bytes > self._peak_bytes or self._tasks:
            self._put_all(len(buffer), len(happened))

    def end(self, error: LiveError | None = None) -> None:
        """No event will come any more; `error` says why, None means a normal end."""
        self._ended = True
        self._error = error
        self._wake(len(self._tasks))

    async def receive(self) -> EventT:
        """Get the next event.

        Raises:
            trio.EndOfChannel: The session ended normally and everything was read.
            ConnectionLost: The session was lost and everything was read.
            SubscriberLagged: The bound was reached and everything before that was read.
            trio.ClosedResourceError: This subscription was closed.

        Cancellation: atomic. If cancelled, no event is taken. Between buffered events the deadline
            of a scope may be noticed up to 32 events late.
        """
        self._credit -= 1
        if self._credit > 0:
            await trio.lowlevel.checkpoint_if_cancelled()
        else:
            self._credit = _YIELD_EVERY
            await trio.lowlevel.checkpoint()
        while True:
            try:
                return self.receive_nowait()
            except trio.WouldBlock:
                self._credit = _YIELD_EVERY
            await self._park()

    async def __anext__(self) -> EventT:
        """As `receive()`; a coroutine less, 0.1 us of 1.2 (benchmarks/fanout.py, `buffered`)."""
        if self._buffer and self._credit > 1:
            self._credit -= 1
            await trio.lowlevel.checkpoint_if_cancelled()
            return self.receive_nowait()  # synchronous from here on: it is there still
        try:
            return await self.receive()
        except trio.EndOfChannel:
            raise StopAsyncIteration from None

    def receive_nowait(self) -> EventT:
        """Get the next event if there is one.

        Raises:
            trio.WouldBlock: There is none now.
            Exception: As `receive()`.
        """
        if self._buffer:
            was_full = self.blocking and self.full  # else nobody waits for room
            event, size = self._buffer.popleft()
            self._bytes -= size
            self._received += 1
            if was_full and not self.full:
                self._changed(self)
            return event
        if self._closed:
            raise trio.ClosedResourceError
        if self._missed:
            raise SubscriberLagged(self._missed)
        if not self._ended:
            raise trio.WouldBlock
        if self._error is not None:
            raise self._error.again()
        raise trio.EndOfChannel

    def close(self) -> None:
        """Stop receiving and forget what is buffered. May be called any number of times."""
        if not self._closed:
            self._closed = True
            self._clear()
            self._changed(self)
            self._wake(len(self._tasks))

    async def aclose(self) -> None:
        """Close, as `close()`.

        Cancellation: still cleans up. If cancelled, closes all the same.
        """
        self.close()
        await trio.lowlevel.checkpoint()

    def statistics(self) -> SubscriptionStatistics:
        """Give counts of now."""
        return SubscriptionStatistics(
            self._buffered(),
            self._bytes,
            self._peak_events,
            self._peak_bytes,
            self._received,
            self._dropped,
            self._missed,
        )

    def _held(self) -> int:
        """Count the events that take room."""
        return len(self._buffer)

    def _buffered(self) -> int:
        """Count the events that can be read."""
        return self._held()

    def _put_all(self, buffered: int, events: int) -> None:
        """Note the peaks, and wake who waits for so many events."""
        if buffered > self._peak_events:
            self._peak_events = buffered
        if self._bytes > self._peak_bytes:
            self._peak_bytes = self._bytes
        if self._tasks:
            self._wake(len(self._tasks) if self._missed else events)

    def _clear(self) -> None:
        self._buffer.clear()
        self._bytes = 0

    def _wake(self, count: int) -> None:
        for _ in range(min(count, len(self._tasks))):
            task = next(iter(self._tasks))
            del self._tasks[task]
            trio.lowlevel.reschedule(task)

    async def _park(self) -> None:
        task = trio.lowlevel.current_task()
        self._tasks[task] = None

        def abort(_: object) -> trio.lowlevel.Abort:
            del self._tasks[task]
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)


class DroppingSubscription(Subscription[EventT]):
    """Drops its oldest media at the bound.

    Media and other events stand in two queues, numbered through, so that dropping the oldest media
    is one step however many other events wait before it.
    """

    def __init__(
        self, max_events: float, max_bytes: float, changed: Callable[[Subscription[EventT]], None]
    ) -> None:
        super().__init__(max_events, max_bytes, "drop_oldest", changed)
        self._media: deque[tuple[int, EventT, int]] = deque()
        self._others: deque[tuple[int, EventT, int]] = deque()
        self._number = 0
        self._gap_events = 0  # dropped since the last notice
        self._gap_bytes = 0

    def put(self, happened: Sequence[tuple[EventT, int]]) -> None:
        """See Subscription."""
        for item in happened:
            if self._missed or not self._admit(item):
                self._missed += 1
        self._put_all(self._buffered(), len(happened))

    def receive_nowait(self) -> EventT:
        """See Subscription."""
        if not self._buffered():
            return super().receive_nowait()  # which says why there is nothing
        self._received += 1
        return self._pop()

    def _held(self) -> int:
        return len(self._media) + len(self._others)

    def _buffered(self) -> int:
        # The notice of a gap takes no room: it must not be what makes other events fail.
        return self._held() + bool(self._gap_events)

    def _append(self, item: tuple[EventT, int]) -> None:
        self._number += 1
        queue = self._media if isinstance(item[0], MEDIA) else self._others
        queue.append((self._number, *item))
        self._bytes += item[1]

    def _pop(self) -> EventT:
        if self._gap_events:
            notice = MediaDropped(self._gap_events, self._gap_bytes)
            self._gap_events = self._gap_bytes = 0
            return cast("EventT", notice)  # every kind of session has it among its events
        first_media = self._media[0][0] if self._media else math.inf
        first_other = self._others[0][0] if self._others else math.inf
        queue = self._media if first_media < first_other else self._others
        _, event, size = queue.popleft()
        self._bytes -= size
        return event

    def _clear(self) -> None:
        super()._clear()
        self._media.clear()
        self._others.clear()
        self._gap_events = self._gap_bytes = 0

    def _admit(self, item: tuple[EventT, int]) -> bool:
        """Take an event, or say that there is no room for it."""
        while self._media and self._overflows(item[1]):
            _, _, size = self._media.popleft()
            self._bytes -= size
            self._count_gap(size)
        if not self._overflows(item[1]):
            self._append(item)
            return True
        if isinstance(item[0], MEDIA):
            self._count_gap(item[1])
            return True
        return False

    def _overflows(self, size: int) -> bool:
        held = self._held()
        return held >= self._max_events or (self._bytes + size > self._max_bytes and held > 0)

    def _count_gap(self, size: int) -> None:
        self._gap_events += 1
        self._gap_bytes += size
        self._dropped += 1
