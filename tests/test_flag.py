"""Flag: as trio.Event, but for what it costs."""

from __future__ import annotations

import trio
from trio.testing import MockClock, assert_checkpoints, wait_all_tasks_blocked

from trio_live.flag import Flag


async def test_flag_lets_all_go_on_that_wait(autojump_clock: MockClock) -> None:
    """Waiters before and after it was set; a cancelled one disturbs nobody."""
    flag = Flag()
    passed: list[int] = []

    async def wait(number: int) -> None:
        await flag.wait()
        passed.append(number)

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait, 1)
            nursery.start_soon(wait, 2)
            with trio.move_on_after(1) as scope:
                await flag.wait()
            assert scope.cancelled_caught
            await wait_all_tasks_blocked()
            assert (flag.is_set(), passed) == (False, [])
            flag.set()
            flag.set()
        with assert_checkpoints():
            await flag.wait()
    assert flag.is_set()
    assert sorted(passed) == [1, 2]
