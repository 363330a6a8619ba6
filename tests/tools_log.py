"""Tools that the tests of sessions call: one that waits and writes down what becomes of it."""

from __future__ import annotations

import trio

from trio_live.tools import Call


class Log:
    """Tools that write down what becomes of them."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.done: list[str] = []
        self.stopped: list[tuple[str | None, str | None]] = []

    async def wait(self, seconds: float, call: Call) -> str:
        """Wait a while."""
        self.calls.append(call)
        try:
            await trio.sleep(seconds)
        except trio.Cancelled:
            self.stopped.append((call.id, call.cancelled_by))
            raise
        self.done.append(call.id or "")
        return f"waited {seconds:g}"


async def nothing() -> None:
    """Do nothing."""
