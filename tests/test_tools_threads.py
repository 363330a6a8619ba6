"""Plain functions in worker threads, which cannot be stopped: their calls are.

The clock is moved by hand: a virtual clock that jumps by itself does not know that a thread works.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest
import trio
from tools_parts import ToolFar
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_live import ToolFinished
from trio_live.testing.checkpoints import all_tasks
from trio_live.tools import Call, FunctionTool, Toolkit

GRACE = 5.0
TIMEOUT = 3.0
TOLD = {
    "timeout": {"error": "no result within 3 s"},
    "cancel_tool": {"error": "cancelled by the application"},
}


class Stubborn:
    """A function that goes on until it is let go."""

    def __init__(self) -> None:
        self.entered = trio.Event()
        self.let_go = threading.Event()
        self.returned = threading.Event()
        self._token = trio.lowlevel.current_trio_token()

    def work(self) -> str:
        """Work."""
        self._token.run_sync_soon(self.entered.set)
        assert self.let_go.wait(30)
        self.returned.set()
        return "late"


async def advance(clock: MockClock, seconds: float) -> None:
    """Let time pass."""
    for _ in range(int(seconds * 2)):
        await wait_all_tasks_blocked()
        clock.jump(0.5)
    await wait_all_tasks_blocked()


@pytest.mark.parametrize("abandon", [False, True])
@pytest.mark.parametrize(
    "stopper", ["withdrawal", "timeout", "loss", "disconnect", "cancel_tool", "exception"]
)
async def test_stopped_thread(mock_clock: MockClock, stopper: str, abandon: bool) -> None:
    """The call is settled at once; the block waits for the thread, unless it is abandoned.

    What the thread still returns is told to nobody.
    """
    far, stubborn = ToolFar(), Stubborn()
    tasks = all_tasks()
    kit = Toolkit(repeat_window=None)
    kit.add(stubborn.work, timeout=TIMEOUT, abandon_on_cancel=abandon)
    left = trio.Event()
    seen: list[Any] = []

    async def block() -> None:
        with suppress(KeyError):
            async with far.open_tools([kit], tool_grace=GRACE) as session:
                events = session.subscribe()
                far.call(("a", "work", {}))
                await stubborn.entered.wait()
                match stopper:
                    case "withdrawal":
                        far.withdraw("a")
                    case "timeout":
                        await trio.sleep(TIMEOUT + 1)
                    case "loss":
                        far.peer.close()
                        await trio.sleep(30)  # connected again
                    case "disconnect":
                        await session.disconnect()
                    case "cancel_tool":
                        assert session.cancel_tool("a")
                    case _:
                        raise KeyError
                await trio.lowlevel.checkpoint()
                seen.append("body")
        left.set()
        seen.extend([event async for event in events])

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(block)
            await stubborn.entered.wait()
            await advance(mock_clock, 60)
            assert ("body" in seen) == (stopper != "exception")
            assert left.is_set() == abandon
            stubborn.let_go.set()
            await left.wait()
            assert await trio.to_thread.run_sync(stubborn.returned.wait, 30)
    finally:
        stubborn.let_go.set()
    outcomes = [e.outcome for e in seen if isinstance(e, ToolFinished)]
    assert outcomes == ["timeout" if stopper == "timeout" else "cancelled"]
    assert far.told == ({"a": TOLD[stopper]} if stopper in TOLD else {})
    assert sum(far.answered.values()) == len(far.told)
    await wait_all_tasks_blocked()
    assert all_tasks() == tasks


async def test_threads_are_limited(mock_clock: MockClock) -> None:
    """A kit runs so many plain functions at a time; the limit can be changed meanwhile."""
    far, stubborn = ToolFar(), Stubborn()
    running = threading.Semaphore(0)

    def work() -> None:
        """Work."""
        running.release()
        assert stubborn.let_go.wait(30)

    kit = Toolkit([work], max_threads=1, repeat_window=None)
    try:
        async with far.open_tools([kit]):
            far.call(*((str(n), "work", {}) for n in range(3)))
            assert await trio.to_thread.run_sync(running.acquire, True, 30)
            await wait_all_tasks_blocked()
            assert kit.threads.borrowed_tokens == 1
            assert not running.acquire(blocking=False)
            kit.threads.total_tokens = 2
            assert await trio.to_thread.run_sync(running.acquire, True, 30)
            assert kit.threads.borrowed_tokens == 2
            stubborn.let_go.set()
            await far.wait_answered(3)
    finally:
        stubborn.let_go.set()


async def test_thread_that_asks_is_stopped(mock_clock: MockClock) -> None:
    """A thread that asks Trio whether it is cancelled ends with its call; it can tell progress."""
    far = ToolFar()
    entered = trio.Event()
    ended: list[str | None] = []

    def work(call: Call) -> str:
        """Work in steps."""
        trio.from_thread.run(call.progress, "begun")
        trio.from_thread.run_sync(entered.set)
        try:
            trio.from_thread.run(trio.sleep, 100)
        finally:
            ended.append(call.cancelled_by)
        return "late"

    kit = Toolkit([FunctionTool(work, behavior="NON_BLOCKING")])
    async with far.open_tools([kit], tool_grace=GRACE) as session:
        far.call(("a", "work", {}))
        await entered.wait()
        assert session.cancel_tool("a")
        await far.wait_answered(1)
    assert ended == ["user"]
    answers = [(a["response"], a.get("willContinue")) for m in far.answers_seen for a in m]
    assert answers == [
        ({"output": "begun"}, True),
        ({"error": "cancelled by the application"}, None),
    ]
