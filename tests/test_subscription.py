"""Subscriptions: bounds, the three policies, cancellation, the end; and the fan-out to them."""

from __future__ import annotations

import math
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_live import (
    AudioData,
    ConnectionLost,
    EventFanout,
    GoAway,
    Interrupted,
    InvalidArgument,
    InvalidArgumentType,
    LiveError,
    MediaDropped,
    SessionEvent,
    SubscriberLagged,
    Subscription,
    SubscriptionStatistics,
    TextDelta,
)


def texts(*numbers: int) -> list[SessionEvent]:
    """Text events, one character each, told apart by their number."""
    return [TextDelta("x", number) for number in numbers]


def audio(number: int, size: int = 2) -> AudioData:
    """An audio event of a size."""
    return AudioData(bytes(size), 24_000, "audio/pcm", number)


def read_all(subscription: Subscription) -> list[SessionEvent]:
    """Everything that can be read now."""
    happened: list[SessionEvent] = []
    while True:
        try:
            happened.append(subscription.receive_nowait())
        except trio.WouldBlock:
            return happened


# Policy "fail"


def test_fail_gives_what_is_buffered_then_says_how_much_was_missed() -> None:
    """Law 3: at its bound a subscription fails, after what it had; every event is accounted for."""
    fanout = EventFanout()
    events = fanout.subscribe(max_events=3)
    fanout.publish(texts(1, 2))
    fanout.publish(texts(3, 4, 5))
    assert [events.receive_nowait() for _ in range(3)] == texts(1, 2, 3)
    fanout.publish(texts(6))  # room again, but an order with a hole in it is no order
    for _ in range(2):
        with pytest.raises(SubscriberLagged) as caught:
            events.receive_nowait()
        assert caught.value.missed == 3


def test_fail_bound_in_bytes_counts_payload() -> None:
    """Law 3: payload is bounded too; one event larger than the bound fits if it is alone."""
    fanout = EventFanout()
    events = fanout.subscribe(max_bytes=10)
    fanout.publish([audio(1, 100)])
    assert events.receive_nowait() == audio(1, 100)
    fanout.publish([audio(1, 6), GoAway(1.0), audio(2, 4), audio(3, 1)])
    assert [events.receive_nowait() for _ in range(3)] == [audio(1, 6), GoAway(1.0), audio(2, 4)]
    with pytest.raises(SubscriberLagged) as caught:
        events.receive_nowait()
    assert caught.value.missed == 1


def test_fail_of_one_subscription_leaves_the_others_alone() -> None:
    """Law 3: who is too slow fails alone."""
    fanout = EventFanout()
    slow, good = fanout.subscribe(max_events=1), fanout.subscribe()
    fanout.publish(texts(1, 2, 3))
    assert read_all(good) == texts(1, 2, 3)
    assert slow.statistics().missed == 2
    assert good.statistics().missed == 0


# Policy "drop_oldest"


def test_drop_oldest_drops_media_and_says_exactly_how_much() -> None:
    """Law 3: the oldest media goes first; a notice tells events and bytes; nothing else is lost."""
    fanout = EventFanout()
    events = fanout.subscribe(max_events=4, policy="drop_oldest")
    fanout.publish([audio(1, 10), *texts(1), audio(2, 20), audio(3, 30), Interrupted(3)])
    fanout.publish([audio(4, 40)])
    assert read_all(events) == [
        MediaDropped(2, 30),
        *texts(1),
        audio(3, 30),
        Interrupted(3),
        audio(4, 40),
    ]
    assert events.statistics().dropped == 2


def test_drop_oldest_counts_each_gap_anew() -> None:
    """Each notice tells what was dropped since the one before."""
    fanout = EventFanout()
    events = fanout.subscribe(max_events=1, policy="drop_oldest")
    fanout.publish([audio(n) for n in range(5)])
    assert read_all(events) == [MediaDropped(4, 8), audio(4)]
    fanout.publish([audio(5), audio(6)])
    assert read_all(events) == [MediaDropped(1, 2), audio(6)]


def test_drop_oldest_bound_in_bytes() -> None:
    """The bound in bytes drops as the bound in events does."""
    fanout = EventFanout()
    events = fanout.subscribe(max_bytes=10, policy="drop_oldest")
    fanout.publish([audio(1, 4), audio(2, 4), audio(3, 4), GoAway(1.0)])
    assert read_all(events) == [MediaDropped(1, 4), audio(2, 4), audio(3, 4), GoAway(1.0)]


def test_drop_oldest_media_that_finds_no_room_is_dropped_itself() -> None:
    """Where other events fill the bound, the newest media is what is dropped."""
    fanout = EventFanout()
    events = fanout.subscribe(max_events=2, policy="drop_oldest")
    fanout.publish([*texts(1, 2), audio(1), audio(2)])
    assert read_all(events) == [MediaDropped(2, 4), *texts(1, 2)]


def test_drop_oldest_notice_takes_no_room() -> None:
    """Dropping media makes room for as many other events as there would be without it."""
    fanout = EventFanout()
    events = fanout.subscribe(max_events=2, policy="drop_oldest")
    fanout.publish([*texts(1), audio(1), *texts(2)])
    assert read_all(events) == [MediaDropped(1, 2), *texts(1, 2)]


def test_drop_oldest_never_drops_other_events_but_fails() -> None:
    """Law 3: control events are not dropped; if they alone reach the bound, it fails."""
    fanout = EventFanout()
    events = fanout.subscribe(max_events=2, policy="drop_oldest")
    fanout.publish([audio(1), *texts(1, 2, 3), audio(2)])
    assert [events.receive_nowait() for _ in range(3)] == [MediaDropped(1, 2), *texts(1, 2)]
    with pytest.raises(SubscriberLagged) as caught:
        events.receive_nowait()
    assert caught.value.missed == 2


def test_drop_oldest_closed_forgets_everything() -> None:
    """A closed subscription holds nothing."""
    fanout = EventFanout()
    events = fanout.subscribe(max_events=2, policy="drop_oldest")
    fanout.publish([*texts(1), audio(1), audio(2)])
    events.close()
    assert events.statistics() == SubscriptionStatistics(0, 0, 3, 3, 0, 1, 0)
    assert fanout.losses() == (1, 0)


# Policy "block"


async def test_block_waits_for_room_and_loses_nothing(autojump_clock: trio.abc.Clock) -> None:
    """Law 3: back-pressure, chosen knowingly: who publishes waits until there is room."""
    fanout = EventFanout()
    events = fanout.subscribe(max_events=2, policy="block")
    read: list[SessionEvent] = []

    async def read_slowly() -> None:
        async for event in events:
            await trio.sleep(1)
            read.append(event)

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read_slowly)
            for number in range(0, 9, 3):
                await fanout.wait_room()
                fanout.publish(texts(number, number + 1, number + 2))
            fanout.close()
    assert read == texts(*range(9))
    statistics = events.statistics()
    assert (statistics.missed, statistics.dropped, statistics.received) == (0, 0, 9)
    assert statistics.peak_events <= 2 + 2  # the bound, and the rest of one frame


async def test_block_several_subscriptions_all_must_have_room() -> None:
    """The slowest of the blocking ones sets the pace; others do not count."""
    fanout = EventFanout()
    first = fanout.subscribe(max_events=1, policy="block")
    second = fanout.subscribe(max_bytes=1, policy="block")
    fanout.subscribe(max_events=1)
    fanout.publish(texts(1))
    waited: list[str] = []

    async def wait(name: str) -> None:
        await fanout.wait_room()
        waited.append(name)

    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait, "a")
            nursery.start_soon(wait, "b")
            await wait_all_tasks_blocked()
            first.receive_nowait()
            await wait_all_tasks_blocked()
            assert (waited, fanout.blocked) == ([], True)
            second.receive_nowait()
    assert sorted(waited) == ["a", "b"]


@pytest.mark.parametrize("how", ["release", "close the fan-out", "close the subscription"])
async def test_block_ends_with_what_it_waited_for(how: str) -> None:
    """Law 5: nobody waits for room in a subscription that is let go, ended or closed."""
    fanout = EventFanout()
    events = fanout.subscribe(max_events=1, policy="block")
    fanout.publish(texts(1))
    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fanout.wait_room)
            await wait_all_tasks_blocked()
            if how == "release":
                fanout.release()
            elif how == "close the fan-out":
                fanout.close()
            else:
                events.close()
    assert fanout.blocked is False


@pytest.mark.parametrize("before", [True, False], ids=["made before", "made later"])
def test_block_after_release_acts_as_fail(*, before: bool) -> None:
    """Once the session ends, a blocking subscription that is full fails instead."""
    fanout = EventFanout()
    if before:
        events = fanout.subscribe(max_events=1, policy="block")
        fanout.release()
    else:
        fanout.release()
        events = fanout.subscribe(max_events=1, policy="block")
    fanout.publish(texts(1, 2))
    assert not fanout.blocked
    assert events.receive_nowait() == texts(1)[0]
    with pytest.raises(SubscriberLagged) as caught:
        events.receive_nowait()
    assert caught.value.missed == 1


async def test_block_wait_that_is_cancelled_changes_nothing() -> None:
    """Cancelling the wait for room is atomic."""
    fanout = EventFanout()
    events = fanout.subscribe(max_events=1, policy="block")
    fanout.publish(texts(1))
    with trio.move_on_after(0) as scope:
        await fanout.wait_room()
    assert scope.cancelled_caught
    assert read_all(events) == texts(1)
    with trio.fail_after(1):
        await fanout.wait_room()


# Reading


async def test_receive_waits_for_the_next_event_and_keeps_order() -> None:
    """Events come in the order in which they were published, whether or not one waits for them."""
    fanout = EventFanout()
    got: list[SessionEvent] = []

    async def read(events: Subscription) -> None:
        async with events:
            async for event in events:
                got.append(event)

    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read, fanout.subscribe())
            await wait_all_tasks_blocked()
            for number in range(0, 100, 2):
                fanout.publish(texts(number, number + 1))
                if number % 10 == 0:
                    await wait_all_tasks_blocked()
            fanout.close()
    assert got == texts(*range(100))
    assert fanout.counts == {"TextDelta": 100}


async def test_receive_by_several_readers_gives_each_event_to_one() -> None:
    """Readers share the events first come first served; none is lost and none is given twice."""
    fanout = EventFanout()
    events = fanout.subscribe()
    got: list[tuple[str, SessionEvent]] = []

    async def read(name: str) -> None:
        async for event in events:
            got.append((name, event))

    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            for name in "abc":
                nursery.start_soon(read, name)
                await wait_all_tasks_blocked()
            fanout.publish(texts(1))
            await wait_all_tasks_blocked()
            fanout.publish(texts(2))
            await wait_all_tasks_blocked()
            assert got == [("a", texts(1)[0]), ("b", texts(2)[0])]
            fanout.publish(texts(3, 4, 5, 6))
            await wait_all_tasks_blocked()
            fanout.close()
    assert {event for _, event in got} == set(texts(1, 2, 3, 4, 5, 6))
    assert len(got) == 6


async def test_receive_woken_too_late_waits_again() -> None:
    """A reader whose event was taken by another before it ran waits for the next."""
    fanout = EventFanout()
    events = fanout.subscribe()
    got: list[SessionEvent] = []

    async def read_one() -> None:
        got.append(await events.receive())

    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read_one)
            await wait_all_tasks_blocked()
            fanout.publish(texts(1))
            assert events.receive_nowait() == texts(1)[0]
            await wait_all_tasks_blocked()
            assert got == []
            fanout.publish(texts(2))
    assert got == texts(2)


async def test_receive_cancelled_before_takes_nothing() -> None:
    """Cancellation is atomic: cancelled before it began, it leaves the event where it is."""
    fanout = EventFanout()
    events = fanout.subscribe()
    fanout.publish(texts(*range(40)))
    for expected in texts(*range(40)):  # also where the full checkpoint is due
        with trio.CancelScope() as scope:
            scope.cancel()
            await events.receive()
        assert scope.cancelled_caught
        assert await events.receive() == expected


async def test_receive_cancelled_while_waiting_leaves_no_trace() -> None:
    """Cancellation is atomic: cancelled while it waits, it takes no later event with it."""
    fanout = EventFanout()
    events = fanout.subscribe()
    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(events.receive)
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        fanout.publish(texts(1))
        assert await events.receive() == texts(1)[0]


async def test_receive_cancelled_after_it_was_woken_still_gives_the_event() -> None:
    """Cancellation is atomic: an event that was taken is given, even if the cancel comes first."""
    fanout = EventFanout()
    events = fanout.subscribe()
    got: list[SessionEvent] = []
    scope = trio.CancelScope()

    async def read_one() -> None:
        with scope:
            got.append(await events.receive())

    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read_one)
            await wait_all_tasks_blocked()
            fanout.publish(texts(1))
            scope.cancel()
    assert got == texts(1)
    assert read_all(events) == []


class Steps(trio.abc.Instrument):
    """Counts how often one task begins to run."""

    def __init__(self) -> None:
        self.task = trio.lowlevel.current_task()
        self.count = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.count += task is self.task


async def test_receive_lets_others_run_before_every_32nd_event() -> None:
    """A reader with a full buffer lets others run now and then, and not more often."""
    fanout = EventFanout()
    events = fanout.subscribe()
    fanout.publish(texts(*range(200)))
    steps = Steps()
    trio.lowlevel.add_instrument(steps)
    counts = []
    with trio.fail_after(1):
        for _ in range(200):
            await events.receive()
            counts.append(steps.count)
    trio.lowlevel.remove_instrument(steps)
    assert counts == [number // 32 for number in range(1, 201)]


async def test_receive_in_a_loop_that_never_waits_can_be_cancelled() -> None:
    """A deadline is noticed between buffered events."""
    fanout = EventFanout()
    events = fanout.subscribe(max_events=10)
    fanout.publish(texts(1))
    with trio.fail_after(1), trio.CancelScope() as scope:
        async for event in events:
            fanout.publish([event])
            scope.cancel()
    assert scope.cancelled_caught
    assert read_all(events) == texts(1)


# The end


async def test_end_normally_after_everything_was_read() -> None:
    """Law 7: a normal end ends the iteration, after all events; asking again says the same."""
    fanout = EventFanout()
    events = fanout.subscribe()
    fanout.publish(texts(1, 2))
    fanout.close()
    with trio.fail_after(1):
        assert [event async for event in events] == texts(1, 2)
        with pytest.raises(trio.EndOfChannel):
            await events.receive()


async def test_end_with_error_after_everything_was_read() -> None:
    """Law 7: a loss is raised once what came before it has been read."""
    fanout = EventFanout()
    events = fanout.subscribe()
    fanout.publish(texts(1))
    lost = ConnectionLost("lost")
    fanout.close(lost)
    fanout.close(None)  # only the first end counts
    with trio.fail_after(1):
        assert await events.receive() == texts(1)[0]
        with pytest.raises(ConnectionLost) as caught:
            await events.receive()
    assert caught.value.__cause__ is lost
    assert (fanout.ended, fanout.error) == (True, lost)


@pytest.mark.parametrize("error", [None, ConnectionLost("lost")])
async def test_end_wakes_everybody_who_waits(error: LiveError | None) -> None:
    """Law 5: no reader waits for a session that has ended, and wait_closed returns."""
    fanout = EventFanout()
    events = fanout.subscribe()
    outcomes: list[object] = []

    async def read() -> None:
        try:
            await events.receive()
        except (trio.EndOfChannel, ConnectionLost) as end:
            outcomes.append(type(end))

    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(read)
            nursery.start_soon(fanout.wait_closed)
            await wait_all_tasks_blocked()
            fanout.close(error)
    assert outcomes == [ConnectionLost if error else trio.EndOfChannel] * 3


@pytest.mark.parametrize("error", [None, ConnectionLost("lost")])
async def test_subscribe_after_the_end_ends_at_once(error: LiveError | None) -> None:
    """Who subscribes too late learns it from the first receive."""
    fanout = EventFanout()
    fanout.close(error)
    events = fanout.subscribe()
    with trio.fail_after(1), pytest.raises(ConnectionLost if error else trio.EndOfChannel):
        await events.receive()


def test_publish_after_the_end_says_nothing() -> None:
    """After the end of a stream no event comes, and none is counted."""
    fanout = EventFanout()
    events = fanout.subscribe()
    fanout.close()
    fanout.publish(texts(1))
    with pytest.raises(trio.EndOfChannel):
        events.receive_nowait()
    assert fanout.counts == {}


async def test_lag_wakes_everybody_who_waits() -> None:
    """Readers that share a subscription all learn that it failed."""
    fanout = EventFanout()
    events = fanout.subscribe(max_events=1)
    outcomes: list[object] = []

    async def read() -> None:
        try:
            outcomes.append(await events.receive())
        except SubscriberLagged as lagged:
            outcomes.append(lagged.missed)

    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(read)
            await wait_all_tasks_blocked()
            fanout.publish(texts(1, 2, 3))
    assert outcomes.count(2) == 2
    assert texts(1)[0] in outcomes


async def test_close_while_waiting_raises_closed_there() -> None:
    """A reader that waits learns that its subscription was closed under it."""
    fanout = EventFanout()
    events = fanout.subscribe()
    closed: list[bool] = []

    async def read() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await events.receive()
        closed.append(True)

    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            nursery.start_soon(read)
            await wait_all_tasks_blocked()
            events.close()
    assert closed == [True, True]


async def test_close_forgets_what_was_buffered_and_ends_the_subscription() -> None:
    """A closed subscription gets nothing more and costs nothing more; closing twice is no harm."""
    fanout = EventFanout()
    async with fanout.subscribe(max_events=1) as events:
        fanout.publish(texts(1, 2))
    fanout.publish(texts(3))
    events.close()
    assert events.closed
    assert events.statistics() == SubscriptionStatistics(0, 0, 1, 1, 0, 0, 1)
    assert fanout.losses() == (0, 1)
    with pytest.raises(trio.ClosedResourceError):
        await events.receive()


async def test_aclose_cancelled_closes_all_the_same() -> None:
    """Cancelled, aclose still cleans up."""
    events = EventFanout().subscribe()
    with trio.CancelScope() as scope:
        scope.cancel()
        await events.aclose()
    assert scope.cancelled_caught
    assert events.closed


# Statistics and arguments


def test_statistics_show_what_is_buffered_and_the_peaks() -> None:
    """Law 3: statistics tell how close to its bounds a subscription ever came."""
    fanout = EventFanout()
    events = fanout.subscribe()
    fanout.publish([audio(1, 100), *texts(1)])
    events.receive_nowait()
    fanout.publish([audio(2, 7)])
    assert events.statistics() == SubscriptionStatistics(
        buffered_events=2,
        buffered_bytes=8,
        peak_events=2,
        peak_bytes=101,
        received=1,
        dropped=0,
        missed=0,
    )


def test_losses_add_up_over_all_subscriptions() -> None:
    """The fan-out knows what was dropped and missed by all, closed ones included."""
    fanout = EventFanout()
    dropping = fanout.subscribe(max_events=1, policy="drop_oldest")
    failing = fanout.subscribe(max_events=1)
    fanout.publish([audio(1), audio(2), audio(3)])
    failing.close()
    assert fanout.losses() == (2, 2)
    dropping.close()
    assert fanout.losses() == (2, 2)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"max_events": 0}, InvalidArgument, "max_events=0 must be at least 1"),
        ({"max_bytes": -1}, InvalidArgument, "max_bytes=-1 must be at least 1"),
        ({"max_events": math.nan}, InvalidArgument, "max_events=nan must be at least 1"),
        ({"max_events": "5"}, InvalidArgumentType, "max_events must be an int, not str"),
        ({"max_bytes": None}, InvalidArgumentType, "max_bytes must be an int, not NoneType"),
        (
            {"policy": "hope"},
            InvalidArgument,
            "policy='hope' must be one of fail, drop_oldest, block",
        ),
    ],
)
def test_subscribe_wrong_argument_is_refused(
    arguments: dict[str, Any], error: type[LiveError], message: str
) -> None:
    """Law 7: a bound or policy that cannot be is refused by name."""
    fanout = EventFanout()
    with pytest.raises(error) as caught:
        fanout.subscribe(**arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize("policy", ["fail", "drop_oldest", "block"])
def test_subscribe_gives_events_from_now_on(policy: Any) -> None:
    """A subscription gets what is published after it, and knows its policy."""
    fanout = EventFanout()
    fanout.publish(texts(1))
    events = fanout.subscribe(policy=policy)
    fanout.publish(texts(2))
    assert read_all(events) == texts(2)
    assert (events.policy, events.blocking) == (policy, policy == "block")
