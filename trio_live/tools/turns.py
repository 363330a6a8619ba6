"""Taking turns, in the order of the calls.

What lives here: Turns, a semaphore whose places are taken without waiting. What must not: calls.
Trio's own locks serve tasks in the order in which they ask, and tasks that are started together ask
in any order; the model's calls have one.
"""

from __future__ import annotations

from collections import deque

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
