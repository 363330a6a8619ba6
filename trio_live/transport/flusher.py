"""One task that writes what has waited for a moment, for all connections of a `trio.run`.

What lives here: Flusher. What must not: streams, and whatever has to wait for a socket. A task made
for each batch of frames costs 8 us, to wake one that is there 3; and one for each connection would
take memory that most of them never need. Frames sent over TLS, 17 at a time: 0.96 of what they took
with a task for each batch (benchmarks/flood.py; bare_fast 0.97).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio


class Flusher:
    """Calls, once other tasks may run, what streams have put off until then.

    Its task ends with the last stream.
    """

    def __init__(self) -> None:
        self._due: list[Callable[[], None]] = []
        self._streams = 0
        self._running = False
        self._parked: trio.lowlevel.Task | None = None  # there is nothing to do

    def join(self) -> None:
        """There is a stream more."""
        self._streams += 1

    def leave(self) -> None:
        """There is a stream fewer."""
        self._streams -= 1
        if not self._streams:
            self._wake()

    def call_soon(self, flush: Callable[[], None]) -> None:
        """Call this from another task, as soon as that gets to run. It must not raise."""
        self._due.append(flush)
        if self._running:
            self._wake()
        else:
            self._running = True
            trio.lowlevel.spawn_system_task(self._run, name="trio_live flusher")

    async def _run(self) -> None:
        while self._due or self._streams:
            due, self._due = self._due, []
            for flush in due:
                flush()
            if not self._due and self._streams:
                await self._park()
        self._running = False

    async def _park(self) -> None:
        self._parked = trio.lowlevel.current_task()

        def abort(_: object) -> trio.lowlevel.Abort:
            self._parked = None
            self._running = False  # what is put off from here on needs another task
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def _wake(self) -> None:
        if self._parked is not None:
            trio.lowlevel.reschedule(self._parked)
            self._parked = None


_FLUSHER: Final = trio.lowlevel.RunVar[Flusher]("trio_live flusher")


def flusher() -> Flusher:
    """Give the one of this `trio.run`."""
    try:
        return _FLUSHER.get()
    except LookupError:
        made = Flusher()
        _FLUSHER.set(made)
        return made
