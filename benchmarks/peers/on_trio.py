"""What the peers on Trio share: how to run, to wait, and to run tasks together."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence

import trio

from benchmarks.peers import T

__all__ = ["Event", "run", "sleep_until", "together"]

Event = trio.Event


def run(main: Callable[[], Coroutine[object, object, T]]) -> T:
    """Run `main` under Trio."""
    return trio.run(main)


async def together(jobs: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Run the jobs in one nursery."""
    async with trio.open_nursery() as nursery:
        for job in jobs:
            nursery.start_soon(job)


async def sleep_until(due: float) -> None:
    """Sleep until a time of the monotonic clock."""
    await trio.sleep(max(0.0, due - time.monotonic()))
