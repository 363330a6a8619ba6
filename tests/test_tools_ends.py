"""Tools when a connection is lost, when the session ends, and when anything is cancelled."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest
import trio
from lasting_parts import unreachable
from session_parts import leaves_with
from tools_log import Log
from tools_parts import ToolFar, listening
from trio.testing import MockClock, wait_all_tasks_blocked

import trio_live
from trio_live import (
    ConnectionLost,
    Disconnected,
    SessionPhase,
    ToolFinished,
)
from trio_live.testing import cancel_at_every_checkpoint
from trio_live.tools import Call, Toolkit


async def test_calls_of_a_lost_connection_are_stopped(autojump_clock: MockClock) -> None:
    """A call that the next connection does not know is stopped, and not answered."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100):
        async with far.open_tools([log.wait]) as session, listening(session) as seen:
            far.call(("a", "wait", {"seconds": 5}))
            await trio.sleep(1)
            far.peer.close()
            await trio.sleep(5)
            assert log.stopped == [("a", "connection")]
            far.call(("b", "wait", {"seconds": 1}))
            await trio.sleep(2)
        assert far.answered == {"b": 1}
        assert [call.epoch for call in log.calls] == [1, 2]
        assert ToolFinished("a", "wait", 1.0, "cancelled") in seen


async def test_calls_that_are_known_again_go_on(autojump_clock: MockClock) -> None:
    """A call that was owed when the handle came is known after the reconnect: it is answered."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100):
        async with far.open_tools([log.wait]) as session:
            far.call(("a", "wait", {"seconds": 5}))
            await trio.sleep(1)
            far.give_handle()
            await trio.sleep(1)
            far.peer.close()
            await trio.sleep(1)
            assert session.state.calls_running == {"a": "wait"}
            assert session.phase is SessionPhase.TOOL_CALL_EXECUTING
            await trio.sleep(5)
        assert far.answered == {"a": 1}
        assert log.done == ["a"]


@pytest.mark.parametrize("known", [True, False])
async def test_answers_wait_while_there_is_no_connection(
    autojump_clock: MockClock, known: bool
) -> None:
    """A tool that ends meanwhile is answered on the next connection, if the service knows it."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100):
        async with far.open_tools([log.wait]) as session, listening(session) as seen:
            far.call(("a", "wait", {"seconds": 2}))
            await trio.sleep(1)
            if known:
                far.give_handle()
                await wait_all_tasks_blocked()
            far.dialling = trio.Event()
            far.peer.close()
            await trio.sleep(3)
            assert far.answered == {}
            far.dialling.set()
            await trio.sleep(1)
        assert far.answered == ({"a": 1} if known else {})
        (reconnected,) = [e for e in seen if isinstance(e, trio_live.Reconnected)]
        counts = (reconnected.replayed, reconnected.dropped)
        one = {"SendToolResponse": 1}
        assert counts == ((one, {}) if known else ({}, one))


async def test_loss_for_good_stops_tools(autojump_clock: MockClock) -> None:
    """A session that is lost stops its tools; they end before the block does."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100), leaves_with(ConnectionLost):
        async with far.open_tools([log.wait], policy=None) as session:
            events = session.subscribe()
            far.call(("a", "wait", {"seconds": 5}))
            await trio.sleep(1)
            far.peer.close()
            await trio.sleep_forever()
    assert log.stopped == [("a", "connection")]
    seen: list[object] = []
    with suppress(ConnectionLost):
        async for event in events:
            seen.append(event)
    assert isinstance(seen[-1], Disconnected)
    assert ToolFinished("a", "wait", 1.0, "cancelled") in seen


async def test_answer_that_could_not_be_written_is_reported(autojump_clock: MockClock) -> None:
    """An answer that was ready when the session was lost is among what was not delivered."""
    far, log = ToolFar(), Log()
    far.unreachable = [None, *(unreachable(retryable=False) for _ in range(9))]
    with trio.fail_after(1000), leaves_with(ConnectionLost) as caught:
        async with far.open_tools([log.wait]):
            far.call(("a", "wait", {"seconds": 0.5}))
            await trio.sleep(0.2)
            far.dialling = trio.Event()
            far.peer.close()
            await trio.sleep(1)
            far.dialling.set()
            await trio.sleep_forever()
    assert [type(c).__name__ for c in caught.value.undelivered] == ["SendToolResponse"]


async def test_clean_end_by_the_service_stops_tools(autojump_clock: MockClock) -> None:
    """When the service ends the session, its tools are stopped, and the block goes on."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100):
        async with far.open_tools([log.wait], policy=None):
            far.call(("a", "wait", {"seconds": 5}))
            await trio.sleep(1)
            far.peer.close(1000, "bye")
            await trio.sleep(1)
            assert [call_id for call_id, _ in log.stopped] == ["a"]


class Careful:
    """A tool with a cleanup that must not be cut off."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.cleaned_at: float | None = None

    async def work(self, call: Call) -> None:
        """Work."""
        try:
            await trio.sleep_forever()
        finally:
            assert call.cancelled_by == "session"
            with trio.CancelScope(shield=True):
                await trio.sleep(self.seconds)
            self.cleaned_at = trio.current_time()


@pytest.mark.parametrize("way", ["leave", "disconnect", "close", "command", "raise"])
async def test_leaving_waits_for_cleanup(autojump_clock: MockClock, way: str) -> None:
    """Whoever ends the session: tools are stopped and waited for, then comes the goodbye."""
    far, tool = ToolFar(), Careful(2)
    with trio.fail_after(100), suppress(KeyError):
        async with far.open_tools([tool.work]) as session:
            events = session.subscribe()
            far.call(("a", "work", {}))
            await trio.sleep(1)
            began = trio.current_time()
            if way == "disconnect":
                await session.disconnect()
            elif way == "close":
                session.close()
                await session.join()
            elif way == "command":
                await session.command_tx.send(trio_live.Disconnect())
                await session.join()
            elif way == "raise":
                raise KeyError
    assert tool.cleaned_at == pytest.approx(began + 2)
    seen = [event async for event in events]
    order = [type(e).__name__ for e in seen if isinstance(e, ToolFinished | Disconnected)]
    assert order == ["ToolFinished", "Disconnected"]
    assert far.answered == {}


async def test_leaving_waits_for_tool_grace_at_most(autojump_clock: MockClock) -> None:
    """A cleanup that takes longer does not keep the goodbye waiting, only the block."""
    far, tool = ToolFar(), Careful(60)
    with trio.fail_after(100):
        async with far.open_tools([tool.work], tool_grace=3) as session:
            far.call(("a", "work", {}))
            await trio.sleep(1)
            began = trio.current_time()
            await session.disconnect()
            assert trio.current_time() == pytest.approx(began + 3)
    assert tool.cleaned_at == pytest.approx(began + 60)


async def test_cancelled_block_tells_tools_who_did_it(autojump_clock: MockClock) -> None:
    """A block that is cancelled from outside stops its tools, too, and waits for their cleanup."""
    far, tool = ToolFar(), Careful(2)
    with trio.fail_after(100), trio.CancelScope() as scope:
        async with far.open_tools([tool.work]):
            far.call(("a", "work", {}))
            await trio.sleep(1)
            scope.cancel()
            await trio.sleep(1)
    assert tool.cleaned_at is not None


async def test_answers_that_are_ready_go_out_before_the_end(autojump_clock: MockClock) -> None:
    """What is ready when the block is left is still sent: the other half of a batch, too."""
    far, log = ToolFar(), Log()
    kit = Toolkit()
    kit.add(log.wait, behavior="BLOCKING")
    with trio.fail_after(100):
        async with far.open_tools([kit]):
            far.call(("a", "wait", {"seconds": 1}), ("b", "wait", {"seconds": 9}))
            await trio.sleep(2)
            assert far.answered == {}
    assert far.answered == {"a": 1}


async def test_calls_after_the_end_began_are_not_run(autojump_clock: MockClock) -> None:
    """A call that comes while the session ends is not begun."""
    far, log, tool = ToolFar(), Log(), Careful(3)
    with trio.fail_after(100):
        async with far.open_tools([tool.work, log.wait]) as session, trio.open_nursery() as nursery:
            far.call(("a", "work", {}))
            await trio.sleep(1)
            nursery.start_soon(session.disconnect)
            await trio.sleep(1)
            far.call(("b", "wait", {"seconds": 0}))
            await trio.sleep(1)
    assert log.calls == []


async def test_tool_is_cancelled_at_every_checkpoint(autojump_clock: MockClock) -> None:
    """Wherever a tool is when its call is withdrawn: it ends, and the session goes on."""

    async def steps() -> None:
        """Pass some checkpoints."""
        for _ in range(5):
            await trio.lowlevel.checkpoint()
            await trio.sleep(1)

    for count in range(13):
        far = ToolFar()
        with trio.fail_after(100):
            async with far.open_tools([steps]) as session:
                far.call(("a", "steps", {}))
                for _ in range(count):
                    await trio.lowlevel.checkpoint()
                    await trio.sleep(0.45)
                withdrawn = not far.answered
                far.withdraw("a")
                await trio.sleep(20)
                assert session.state.calls_owed == {}
                far.call(("b", "steps", {}))
                await trio.sleep(20)
            assert far.answered == ({"b": 1} if withdrawn else {"a": 1, "b": 1})


async def test_session_with_tools_is_cancelled_at_every_checkpoint(
    autojump_clock: MockClock,
) -> None:
    """Nothing of a session with tools is left, wherever it is cancelled; no call has two."""
    fars: list[ToolFar] = []

    async def scenario() -> None:
        log = Log()
        far = ToolFar()
        fars.append(far)
        async with far.open_tools([log.wait]) as session:
            far.call(("a", "wait", {"seconds": 1}), ("b", "wait", {"seconds": 2}))
            await session.wait_for_phase(SessionPhase.TOOL_CALL_EXECUTING)
            with suppress(trio.ClosedResourceError):  # as in far.say()
                far.give_handle()
            await session.send_text("meanwhile")
            await trio.sleep(1.5)
            far.peer.close()
            await session.wait_for_phase(SessionPhase.DISCONNECTED)
            await trio.sleep(5)

    runs = await cancel_at_every_checkpoint(scenario, everywhere=True, within=10)
    assert runs > 50
    for far in fars:
        assert set(far.answered.values()) <= {1}


async def test_thread_that_ignores_cancellation_keeps_only_the_block() -> None:
    """A thread cannot be stopped: its call is settled, the block waits for it; abandoned, not.

    On the real clock: a virtual one does not know that a thread works.
    """
    release, entered = threading.Event(), threading.Event()

    def stubborn() -> str:
        """Wait."""
        entered.set()
        release.wait(30)
        return "late"

    far = ToolFar()
    kit = Toolkit()
    kit.add(stubborn, abandon_on_cancel=True)
    with trio.fail_after(30):
        async with far.open_tools([kit], tool_grace=0.01):
            far.call(("a", "stubborn", {}))
            await trio.to_thread.run_sync(entered.wait, 30)
    assert far.answered == {}
    release.set()
