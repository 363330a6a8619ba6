"""The tasks of a session: one that holds its connection, reads from it and looks after it.

A task more, with what it waits in, would take 1.5 KiB a session (benchmarks/memory.py).
"""

from __future__ import annotations

import pytest
import trio
from session_parts import Wired, frame, our_tasks, say
from trio.testing import MockClock, wait_all_tasks_blocked

import trio_live
from trio_live import ReconnectPolicy, TextDelta


async def test_idle_session_has_one_task(autojump_clock: MockClock) -> None:
    """Beside those of its transport; also after it has moved to the next connection."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open(reconnect=ReconnectPolicy()) as session:
            await session.send_text("a")
            await wait_all_tasks_blocked()
            assert our_tasks() == ["trio_live reader"]
            for _ in range(3):
                wired.peer.send(
                    frame(sessionResumptionUpdate={"newHandle": "h", "resumable": True})
                )
                wired.peer.send(frame(goAway={}))
                async for event in session:
                    if isinstance(event, trio_live.Reconnected):
                        break
                await wait_all_tasks_blocked()
                assert our_tasks() == ["trio_live reader"]
        assert our_tasks() == []


@pytest.mark.parametrize("late", [False, True])
async def test_message_in_the_moment_of_a_look_is_read(
    late: bool, autojump_clock: MockClock
) -> None:
    """The task that reads is cancelled to look after the connection, and loses nothing by it."""
    wired = Wired()
    texts = [str(number) for number in range(20)]

    async def speak() -> None:
        for number, text in enumerate(texts, 1):
            await trio.sleep_until(start + number)
            for _ in range(late):
                await trio.lowlevel.checkpoint()
            wired.peer.send(say(text))

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            if not late:
                start = trio.current_time()
                nursery.start_soon(speak)
            async with wired.open(ping_timeout=2) as session:  # it is looked at every second
                if late:
                    start = trio.current_time()
                    nursery.start_soon(speak)
                heard: list[str] = []
                async for event in session:
                    if isinstance(event, TextDelta):
                        heard.append(event.text)
                    if len(heard) == len(texts):
                        break
    assert heard == texts
