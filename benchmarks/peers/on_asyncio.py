"""What the peers on asyncio share: how to run, to wait, and to run tasks together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence

from benchmarks.peers import T

__all__ = ["Event", "run", "sleep_until", "together"]

Event = asyncio.Event


def run(main: Callable[[], Coroutine[object, object, T]]) -> T:
    """Run `main` under asyncio."""
    return asyncio.run(main())


async def together(jobs: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Run the jobs as tasks."""

    async def run(job: Callable[[], Awaitable[None]]) -> None:
        await job()

    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(run(job))


async def sleep_until(due: float) -> None:
    """Sleep until a time of the monotonic clock."""
    await asyncio.sleep(max(0.0, due - time.monotonic()))
