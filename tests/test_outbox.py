"""What Outbox builds on: how Trio shows that a task sleeps at a channel."""

from __future__ import annotations

import trio
from trio.testing import wait_all_tasks_blocked


async def test_a_receiver_shows_whether_its_channel_has_woken_it() -> None:
    """It has sleep data just as long as the channel counts it among those who wait."""
    send, receive = trio.open_memory_channel[int](1)
    received: list[int] = []
    tasks: list[trio.lowlevel.Task] = []

    async def pump() -> None:
        tasks.append(trio.lowlevel.current_task())
        async for item in receive:
            received.append(item)

    def sleeps() -> bool:
        asleep = tasks[0].custom_sleep_data is not None
        assert asleep == (receive.statistics().tasks_waiting_receive > 0)
        return asleep

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pump)
            await wait_all_tasks_blocked()
            for number in range(3):
                assert sleeps()
                send.send_nowait(number)
                assert not sleeps()  # it is handed the item, and has not run yet
                await wait_all_tasks_blocked()
            assert sleeps()
            nursery.cancel_scope.cancel()
            assert not sleeps()
    assert received == [0, 1, 2]
