"""An event that costs next to nothing while nobody waits for it.

What lives here: Flag. What must not: anything that knows what it stands for. A session has half a
dozen things that happen once, at its end, and mostly nobody waits: a trio.Event takes 280 bytes
from the beginning, a Flag 48 (tracemalloc).
"""

from __future__ import annotations

import trio


class Flag:
    """As trio.Event."""

    __slots__ = ("_event", "_is_set")

    def __init__(self) -> None:
        self._is_set = False
        self._event: trio.Event | None = None  # somebody waits

    def is_set(self) -> bool:
        """Whether it has happened."""
        return self._is_set

    def set(self) -> None:
        """It has happened: let all go on that wait."""
        self._is_set = True
        if self._event is not None:
            self._event.set()
            self._event = None  # 280 bytes

    async def wait(self) -> None:
        """Wait until it has happened.

        Cancellation: atomic. If cancelled, nothing happened.
        """
        if self._is_set:
            await trio.lowlevel.checkpoint()
            return
        if self._event is None:
            self._event = trio.Event()
        await self._event.wait()
