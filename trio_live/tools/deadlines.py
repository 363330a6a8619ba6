"""One timer for all calls of a session.

What lives here: Deadlines. What must not: what happens to a call that is late (runner.py).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Generic, TypeVar

import trio

T = TypeVar("T")


class Deadlines(Generic[T]):
    """Says when something is late.

    Args:
        late: Called with what is late, at its deadline.
        is_over: Whether something need not be waited for any more.
    """

    def __init__(self, late: Callable[[T], None], is_over: Callable[[T], bool]) -> None:
        self._late = late
        self._is_over = is_over
        self._heap: list[tuple[float, int, T]] = []
        self._numbers = count()  # between equal deadlines
        self._alarm = trio.CancelScope()

    def add(self, deadline: float, item: T) -> None:
        """Wait for one more, until `deadline` in seconds of Trio's clock."""
        while self._heap and self._is_over(self._heap[0][2]):
            heapq.heappop(self._heap)
        heapq.heappush(self._heap, (deadline, next(self._numbers), item))
        self._alarm.deadline = self._heap[0][0]

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            with trio.CancelScope() as self._alarm:
                if self._heap:
                    self._alarm.deadline = self._heap[0][0]
                await trio.sleep_forever()
            now = trio.current_time()
            while self._heap and self._heap[0][0] <= now:
                item = heapq.heappop(self._heap)[2]
                if not self._is_over(item):
                    self._late(item)
