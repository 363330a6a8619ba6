"""A call that is stopped in each phase of its life, by each who can: one answer, or none."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
import trio
import trio.testing
from tools_parts import ToolFar
from trio.testing import MockClock

import trio_live
from trio_live import ToolCallCancelled, ToolFinished, ToolStarted
from trio_live.testing.checkpoints import all_tasks
from trio_live.tools import Call, Toolkit

GRACE = 5.0
TIMEOUT = 3.0

# Where a call is when it is stopped.
WAITING = ("turn", "approve")
RUNNING = ("arguments", "async", "cleanup", "long_cleanup", "stream")
DONE = ("no_room", "not_written", "finished")

# Who stops it, and what it then says in `cancelled_by`.
STOPPERS = {
    "withdrawal": "service",
    "timeout": "timeout",
    "loss": "connection",
    "disconnect": "session",
    "cancel_tool": "user",
    "exception": "session",
}
TOLD = {
    "timeout": {"error": "no result within 3 s"},
    "cancel_tool": {"error": "cancelled by the application"},
}
CLEANUPS = {"cleanup": 1.0, "long_cleanup": 20.0}


@dataclass
class Armed:
    """An argument whose conversion does what the test has put there."""

    a: int

    def __post_init__(self) -> None:
        while TO_DO:
            TO_DO.pop()()


TO_DO: list[Callable[[], object]] = []


class Tools:
    """One tool per phase, and what became of it."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.waiting: Call | None = None
        self.cleaned_at: float | None = None
        self.ended = 0
        self.kit = Toolkit(repeat_window=None)
        one_by_one = Toolkit(sequential=True, repeat_window=None)
        one_by_one.add(self.work, name="turn", description="", timeout=TIMEOUT)
        one_by_one.add(self.block, name="block", description="")
        self.kits = [self.kit, one_by_one]
        self.kit.add(self.work, name="async", description="", timeout=TIMEOUT)
        self.kit.add(self.convert, name="arguments", description="", timeout=TIMEOUT)
        self.kit.add(self.work, name="approve", description="", timeout=TIMEOUT, approve=self.ask)
        for name in CLEANUPS:
            self.kit.add(self.clean, name=name, description="", timeout=TIMEOUT)
        self.kit.add(
            self.stream, name="stream", description="", timeout=TIMEOUT, behavior="NON_BLOCKING"
        )
        for name in (*DONE, "next"):
            self.kit.add(self.quick, name=name, description="", timeout=TIMEOUT)

    async def ask(self, call: Call, args: dict[str, Any]) -> None:
        self.waiting = call
        await trio.sleep(6)

    async def block(self) -> str:
        await trio.sleep(6)
        return "blocked"

    async def work(self, call: Call) -> str:
        self.calls.append(call)
        try:
            await trio.sleep(100)
        finally:
            self.ended += 1
        return "worked"

    async def convert(self, armed: Armed, call: Call) -> str:
        return await self.work(call)

    async def clean(self, call: Call) -> str:
        self.calls.append(call)
        try:
            await trio.sleep(100)
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(CLEANUPS[call.name])
            self.cleaned_at = trio.current_time()
            self.ended += 1
        return "worked"

    async def stream(self, call: Call) -> AsyncGenerator[str, None]:
        self.calls.append(call)
        try:
            yield "piece"
            await trio.sleep(100)
        finally:
            self.ended += 1

    async def quick(self, call: Call) -> str:
        self.calls.append(call)
        self.ended += 1
        return "done"


async def reach(phase: str, far: ToolFar, session: trio_live.SessionHandle) -> None:
    """Bring call "a" into a phase of its life."""
    if phase == "turn":
        far.call(("block", "block", {}))
        await trio.sleep(0.5)
    if phase in ("no_room", "not_written"):
        far.peer.stall()
    if phase == "no_room":
        with trio.move_on_after(0.1):  # accepted, not_written
            for _ in range(40):
                await session.send_text("x" * 100_000)
    far.call(("a", phase, {"armed": {"a": 1}} if phase == "arguments" else {}))
    await trio.sleep(1)


@pytest.mark.parametrize("stopper", STOPPERS)
@pytest.mark.parametrize("phase", [*WAITING, *RUNNING, *DONE])
async def test_stopped_call(autojump_clock: MockClock, phase: str, stopper: str) -> None:
    """Answered once, with what was there or why it is not; never where nobody waits for it.

    A timeout counts from the start. Cleanup is waited for: by the goodbye for the grace, by the
    block to its end. A session that goes on works as before; no task is left.
    """
    far, tools = ToolFar(), Tools()
    tasks = all_tasks()
    left_at = goodbye_at = 0.0
    goes_on = stopper in ("withdrawal", "timeout", "loss", "cancel_tool")
    with trio.fail_after(1_000):
        async with trio.open_nursery() as nursery:
            with suppress(KeyError):
                async with far.open_tools(tools.kits, tool_grace=GRACE) as session:
                    events = session.subscribe()

                    async def disconnect() -> None:
                        nonlocal goodbye_at
                        await session.disconnect()
                        goodbye_at = trio.current_time()

                    def stop() -> None:
                        nonlocal left_at
                        left_at = trio.current_time()
                        match stopper:
                            case "withdrawal":
                                far.withdraw("a")
                            case "loss":
                                far.peer.close()
                            case "cancel_tool":
                                assert session.cancel_tool("a") == (phase not in DONE)
                            case "disconnect":
                                nursery.start_soon(disconnect)
                            case _:
                                pass

                    if phase == "arguments":
                        TO_DO.append(stop)
                    await reach(phase, far, session)
                    if phase != "arguments":
                        stop()
                    nursery.start_soon(resume, far)
                    if stopper == "exception":
                        raise KeyError
                    if goes_on:
                        await trio.sleep(50)  # less than silence_timeout
                        assert session.state.calls_owed == {}
                        far.call(("z", "next", {}))
                        await trio.sleep(1)
                    else:
                        await session.join()
    seen = [event async for event in events]
    assert all_tasks() == tasks

    finished = [e for e in seen if isinstance(e, ToolFinished) and e.id == "a"]
    started = [e for e in seen if isinstance(e, ToolStarted) and e.id == "a"]
    answered = far.answered
    assert answered["z"] == goes_on
    outcome = {"timeout": "timeout"}.get(stopper, "cancelled") if phase not in DONE else "answered"
    assert [e.outcome for e in finished] == [outcome]
    at_once = (phase, stopper) == ("arguments", "cancel_tool")
    assert len(started) == ((phase not in WAITING or stopper == "timeout") and not at_once)
    if phase in DONE:
        # What nobody waits for any more is not sent; what is on its way cannot be called back.
        gone = (phase == "no_room" and stopper == "withdrawal") or (
            phase != "finished" and stopper == "loss"
        )
        assert answered["a"] == (not gone)
        return
    assert answered["a"] == (stopper in TOLD)
    if stopper in TOLD:
        assert far.told["a"] == TOLD[stopper]
    for call in tools.calls:
        assert call.cancelled_by == STOPPERS[stopper] or call.name == "next"
    assert tools.ended == len(tools.calls)
    if stopper == "timeout":
        assert finished[0].duration == pytest.approx(TIMEOUT)
    cancelled = [e for e in seen if isinstance(e, ToolCallCancelled)]
    assert len(cancelled) == (stopper in ("withdrawal", "loss"))
    if phase in CLEANUPS:
        began = left_at + (2.0 if stopper == "timeout" else 0.0)
        assert tools.cleaned_at == pytest.approx(began + CLEANUPS[phase], abs=1.1)
        if stopper == "disconnect":
            assert goodbye_at == pytest.approx(left_at + min(CLEANUPS[phase], GRACE))
    pieces = [a for m in far.answers_seen for a in m if a.get("willContinue")]
    assert [a["response"] for a in pieces] == [{"output": "piece"}] * (phase == "stream")


async def resume(far: ToolFar) -> None:
    """Let the far end read again, after a while."""
    await trio.sleep(0.5)
    far.peers[0].resume()
