"""What does an event cost, and each further subscriber?

    python -m benchmarks.fanout [--json] [--quick] [--rounds N]

Input: events of 1,920 bytes of audio, put in by one task and read by as many tasks as there are
subscribers, without a connection. `one reader` is an event that wakes one reader, `further reader`
what each of 15 more adds, `buffered` an event that is read when many have been put in. `ours` is
`trio_live.fanout`, `channels` the plain alternative: a `trio.MemorySendChannel` per subscriber and
`send_nowait`. Microseconds of processor time per event, the visits to the scheduler included.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Final, Protocol

import trio
import trio.testing

from benchmarks.cores import CLIENT_CORE, pinned
from benchmarks.figures import Goal
from benchmarks.harness import Question, Run, main
from benchmarks.inputs import RECEIVED_BYTES, pcm
from trio_live.events import AudioData, SessionEvent
from trio_live.fanout import EventFanout

EVENT: Final = AudioData(pcm(RECEIVED_BYTES, 0), 24_000, "audio/pcm;rate=24000", 0)
EVENTS: Final = 2_000
BUFFER: Final = 4_096
READERS: Final = 16

GOALS: Final = (
    Goal(("buffered",), "ours", "", True, 1.0),
    Goal(("further reader",), "ours", "", True, 3.5),
)


class Source(Protocol):
    """What fans out."""

    def add(self) -> AsyncIterator[SessionEvent]:
        """Add a subscriber."""

    def put(self) -> None:
        """Publish the event."""


class Ours:
    """This library's fan-out."""

    def __init__(self) -> None:
        self._fanout = EventFanout()

    def add(self) -> AsyncIterator[SessionEvent]:
        """Add a subscription."""
        return self._fanout.subscribe(max_events=BUFFER, max_bytes=1 << 30)

    def put(self) -> None:
        """Publish one frame's event."""
        self._fanout.publish([EVENT])


class Channels:
    """A memory channel per subscriber."""

    def __init__(self) -> None:
        self._ends: list[trio.MemorySendChannel[SessionEvent]] = []

    def add(self) -> AsyncIterator[SessionEvent]:
        """Add a channel."""
        send, receive = trio.open_memory_channel[SessionEvent](BUFFER)
        self._ends.append(send)
        return receive

    def put(self) -> None:
        """Send to each."""
        for end in self._ends:
            end.send_nowait(EVENT)


SOURCES: Final[dict[str, Callable[[], Source]]] = {"ours": Ours, "channels": Channels}


async def live(source: Source, readers: int, events: int, *, wake_each: bool) -> float:
    """Give the microseconds per event."""

    async def read(channel: AsyncIterator[SessionEvent]) -> None:
        for _ in range(events):
            await anext(channel)

    async with trio.open_nursery() as nursery:
        for _ in range(readers):
            nursery.start_soon(read, source.add())
        await trio.testing.wait_all_tasks_blocked()
        begun = time.process_time()
        for _ in range(events):
            source.put()
            if wake_each:
                await trio.lowlevel.checkpoint()
    return (time.process_time() - begun) / events * 1e6


def ask(run: Run) -> None:
    """Measure both."""
    events = 50 if run.quick else EVENTS
    with pinned(CLIENT_CORE):
        for number in range(run.rounds):
            for series, make in SOURCES.items():
                # A reader that wakes costs what the scheduler's round around it costs, too.
                one = trio.run(_measure, make, 1, events, True)
                many = trio.run(_measure, make, READERS, events, True)
                buffered = trio.run(_measure, make, 1, events, False)
                run.add(number, "one reader", series, one, {})
                run.add(number, "further reader", series, (many - one) / (READERS - 1), {})
                run.add(number, "buffered", series, buffered, {})


async def _measure(make: Callable[[], Source], readers: int, events: int, wake: bool) -> float:
    return await live(make(), readers, events, wake_each=wake)


QUESTION: Final = Question(
    "fanout", "What does an event cost, and each further subscriber?", "us of CPU per event",
    ask, (("channels", "ours"),), GOALS, rounds=9, uses_peers=False,
)  # fmt: skip

if __name__ == "__main__":
    main(QUESTION)
