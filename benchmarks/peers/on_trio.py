"""What the two peers on Trio share: how to run, and how to run tasks together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence

import trio

from benchmarks.peers import T


def run(main: Callable[[], Coroutine[object, object, T]]) -> T:
    """Run `main` under Trio."""
    return trio.run(main)


async def together(jobs: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Run the jobs in one nursery."""
    async with trio.open_nursery() as nursery:
        for job in jobs:
            nursery.start_soon(job)
