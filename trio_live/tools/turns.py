"""Taking turns, in the order of the calls.

What lives here: Turns, a semaphore whose places are taken without waiting, and Place, a call's way
through several. What must not: calls.
Trio's own locks serve tasks in the order in which they ask, and tasks that are started together ask
in any order; the model's calls have one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import trio


class Turns:
    """Lets `limit` at a time go ahead, first come first served."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: deque[trio.Event] = deque()

    def enter(self) -> trio.Event:
        """Take a place now; the event is set when its turn has come. Give it to `leave()`."""
        turn = trio.Event()
        if self._free:
            self._free -= 1
            turn.set()
        else:
            self._waiting.append(turn)
        return turn

    def leave(self, turn: trio.Event) -> None:
        """Give a place up, whether its turn has come or not."""
        if not turn.is_set():
            self._waiting.remove(turn)
        elif self._waiting:
            self._waiting.popleft().set()
        else:
            self._free += 1


class Place:
    """A place in several lines, one after the other: who waits in the first holds up no other.

    Args:
        lines: The lines; it stands in the first at once, and in the next when its turn has come.
    """

    def __init__(self, lines: Iterable[Turns]) -> None:
        self._ahead = deque(lines)
        self._taken: list[tuple[Turns, trio.Event]] = []
        self._move()

    async def wait(self) -> None:
        """Wait until its turn has come in all of them."""
        while self._taken:
            await self._taken[-1][1].wait()
            if not self._ahead:
                return
            self._move()

    def leave(self) -> None:
        """Give all places up."""
        for line, turn in self._taken:
            line.leave(turn)

    def _move(self) -> None:
        while self._ahead:
            line = self._ahead.popleft()
            turn = line.enter()
            self._taken.append((line, turn))
            if not turn.is_set():
                return
