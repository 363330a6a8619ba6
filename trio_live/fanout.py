"""Fan-out of events to subscriptions.

What lives here: EventFanout, a handle's `event_tx`. What must not: what a subscription does with
its events (subscription.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Generic, get_args

import trio

from trio_live.errors import InvalidArgument, InvalidArgumentType, LiveError
from trio_live.events import AudioData, payload_size
from trio_live.flag import Flag
from trio_live.subscription import DroppingSubscription, EventT, Policy, Subscription

DEFAULT_MAX_EVENTS = 4_096
DEFAULT_MAX_BYTES = 4 * 1024 * 1024


class EventFanout(Generic[EventT]):
    """Hands each event to each subscription; synchronous, but for those with policy "block".

    Attributes:
        ended: Whether no event will come any more.
        error: Why it ended, None for a normal end.
    """

    def __init__(self) -> None:
        self._counts: dict[type, int] = {}
        self.ended = False
        self.error: LiveError | None = None
        # Replaced, never changed: one may come or go while an event is handed to all of them.
        self._subscriptions: tuple[Subscription[EventT], ...] = ()
        self._blocking: tuple[Subscription[EventT], ...] = ()  # those of them that may block
        self._dropped = self._missed = 0  # of closed subscriptions
        self._released = False  # nobody is waited for any more
        self._room: trio.Event | None = None
        self._end = Flag()

    @property
    def counts(self) -> Counter[str]:
        """How many events of each kind were published."""
        counted = Counter[str]()
        for kind, number in self._counts.items():
            counted[kind.__name__] += number
        return counted

    def subscribe(
        self,
        *,
        max_events: int = DEFAULT_MAX_EVENTS,
        max_bytes: int = DEFAULT_MAX_BYTES,
        policy: Policy = "fail",
    ) -> Subscription[EventT]:
        """Make a subscription that gets every event published from now on.

        Args:
            max_events: Its bound in events.
            max_bytes: Its bound in bytes of payload.
            policy: What happens at the bound.

        Raises:
            InvalidArgument: A bound below 1, or an unknown policy.
            InvalidArgumentType: A bound that is no number.
        """
        for name, value in (("max_events", max_events), ("max_bytes", max_bytes)):
            bound: object = value
            if not isinstance(bound, int | float):
                raise InvalidArgumentType(f"{name} must be an int, not {type(bound).__name__}")
            if not bound >= 1:
                raise InvalidArgument(f"{name}={value!r} must be at least 1")
        if policy not in get_args(Policy):
            raise InvalidArgument(f"policy={policy!r} must be one of {', '.join(get_args(Policy))}")
        subscription: Subscription[EventT] = (
            DroppingSubscription(max_events, max_bytes, self._changed)
            if policy == "drop_oldest"
            else Subscription(max_events, max_bytes, policy, self._changed)
        )
        if self.ended:
            subscription.end(self.error)
        else:
            self._subscriptions += (subscription,)
            if self._released:
                subscription.blocking = False
            elif subscription.blocking:
                self._blocking += (subscription,)
        return subscription

    def publish(self, happened: Sequence[EventT]) -> None:
        """Give events, in order, to every subscription. Never blocks; after `close()` a no-op."""
        if self.ended:
            return
        sized: list[tuple[EventT, int]] = []
        counts = self._counts
        for event in happened:
            kind = type(event)
            counts[kind] = counts.get(kind, 0) + 1
            # Nearly all are AudioData: without the call, and names to count by, an event that is
            # buffered takes 0.99 us instead of 1.10 (benchmarks/fanout.py).
            voice = kind is AudioData
            size = len(event.data) if voice else payload_size(event)  # type: ignore[attr-defined]
            sized.append((event, size))
        for subscription in self._subscriptions:
            subscription.put(sized)

    @property
    def blocked(self) -> bool:
        """Whether a subscription with policy "block" has no room."""
        for subscription in self._blocking:  # almost always there is none
            if subscription.full:
                return not self.ended
        return False

    async def wait_room(self) -> None:
        """Wait until every subscription with policy "block" has room.

        Cancellation: atomic. If cancelled, nothing happened.
        """
        while self.blocked:
            if self._room is None:
                self._room = trio.Event()
            await self._room.wait()

    def release(self) -> None:
        """Stop waiting for anybody: from here on "block" acts as "fail"."""
        self._released = True
        for subscription in self._blocking:
            subscription.blocking = False
        self._blocking = ()
        self._wake()

    def close(self, error: LiveError | None = None) -> None:
        """End every subscription, with an error or normally. Only the first call counts."""
        if self.ended:
            return
        self.ended = True
        self.error = error
        for subscription in self._subscriptions:
            subscription.end(error)
        self._end.set()
        self._wake()

    async def wait_closed(self) -> None:
        """Wait for the end, normal or not.

        Cancellation: atomic. If cancelled, nothing happened.
        """
        await self._end.wait()

    def losses(self) -> tuple[int, int]:
        """Give how many events were dropped, and how many missed, by all subscriptions so far."""
        open_ones = [subscription.statistics() for subscription in self._subscriptions]
        return (
            self._dropped + sum(statistics.dropped for statistics in open_ones),
            self._missed + sum(statistics.missed for statistics in open_ones),
        )

    def _changed(self, subscription: Subscription[EventT]) -> None:
        if subscription.closed and subscription in self._subscriptions:
            self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)
            self._blocking = tuple(s for s in self._blocking if s is not subscription)
            statistics = subscription.statistics()
            self._dropped += statistics.dropped
            self._missed += statistics.missed
        self._wake()

    def _wake(self) -> None:
        if self._room is not None:
            self._room.set()
            self._room = None
