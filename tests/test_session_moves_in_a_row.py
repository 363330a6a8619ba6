"""Moves to the next connection that follow each other: no waits, no failures, no hot loop."""

from __future__ import annotations

import pytest
import trio
from lasting_parts import Lasting, unreachable
from session_parts import frame, leaves_with, read_until, text_message
from trio.testing import MockClock

from trio_live import (
    ConnectionLost,
    Disconnected,
    Reconnected,
    Reconnecting,
    SessionHandle,
    SessionResumeUpdate,
)

DONE = frame(serverContent={"turnComplete": True})


def go_away(seconds: float) -> bytes:
    """The service will close the connection."""
    return frame(goAway={"timeLeft": f"{seconds}s"})


async def move_often(
    session: SessionHandle, far: Lasting, *, times: int, time_left: float, after: float = 0.0
) -> list[float]:
    """Let each connection be called off after so long; give for how long each was used."""
    used: list[float] = []
    for _ in range(times):
        begun = trio.current_time()
        far.give_handle(f"handle-{len(far.peers)}")
        await trio.sleep(after)
        far.peer.send(go_away(time_left))
        happened = await read_until(session, Reconnected)
        [told] = [event for event in happened if isinstance(event, Reconnecting)]
        assert (told.attempt, told.delay) == (0, 0.0)
        assert isinstance(back := happened[-1], Reconnected)
        assert (back.restored, back.gap_seconds) == (True, 0.0)
        used.append(trio.current_time() - begun)
    return used


async def test_moves_in_a_row_are_made_without_a_wait_and_are_no_failures(
    autojump_clock: MockClock,
) -> None:
    """A service that calls all of them off at once is no hot loop.

    They are used for longer, where it leaves time, and up to its deadline.
    """
    far = Lasting()
    with trio.fail_after(10_000):
        async with far.open() as session:
            used = await move_often(session, far, times=9, time_left=50)
            assert used == [0, 1, 2, 4, 8, 16, 30, 30, 30]
            await session.send_text("goes on")
            await session.flush()
            assert far.frames()[1:] == [text_message("goes on")]
        async with far.open() as session:
            used = await move_often(session, far, times=30, time_left=10)
            assert used == [0, 1, 2, 4] + [5] * 26


async def test_moves_from_connections_that_lasted_are_made_at_once(
    autojump_clock: MockClock,
) -> None:
    """However many there are; give_up_after is about failures."""
    far = Lasting()
    with trio.fail_after(10_000):
        async with far.open(changed={"give_up_after": 20.0, "max_attempts": 1}) as session:
            await move_often(session, far, times=1, time_left=50)
            used = await move_often(session, far, times=20, time_left=50, after=40)
            assert used == [40] * 20


async def test_turn_that_ends_while_a_move_is_too_soon_is_waited_past(
    autojump_clock: MockClock,
) -> None:
    """The safe moment has come, and is used when the time has come as well."""
    far = Lasting()
    with trio.fail_after(600):
        async with far.open() as session:
            await move_often(session, far, times=3, time_left=50)
            begun, number = trio.current_time(), len(far.peers) - 1
            await session.send_text("go")
            far.peer.send(go_away(50))
            await trio.sleep(1)
            far.peers[number].send(DONE)
            far.give_handle("later", number)
            await read_until(session, Reconnected)
            assert trio.current_time() - begun == 4


@pytest.mark.parametrize("time_left", [0, 1])
async def test_service_that_leaves_no_time_is_no_hot_loop(
    autojump_clock: MockClock, time_left: float
) -> None:
    """A goAway right after each setup, due at once: waits grow, and in the end it is a loss."""
    far = Lasting()
    with trio.fail_after(600):
        with leaves_with(ConnectionLost):
            async with far.open() as session:
                while True:
                    far.give_handle(f"handle-{len(far.peers)}")
                    far.peer.send(go_away(time_left))
                    await read_until(session, Reconnected)
        # One that was made in advance and came too late is not among them: nothing was said there.
        assert len([peer for peer in far.peers if peer.closed_with is not None]) == 12


async def test_service_that_closes_right_after_its_go_away_is_no_hot_loop(
    autojump_clock: MockClock,
) -> None:
    """It named no time and gave none: these are losses."""
    far = Lasting()
    with trio.fail_after(600):
        with leaves_with(ConnectionLost):
            async with far.open() as session:
                while True:
                    await session.send_text("go")
                    far.peer.send(frame(goAway={}))
                    far.peer.close(1001)
                    await read_until(session, Reconnected)
        assert len(far.peers) == 11


async def test_connection_in_advance_is_tried_again_before_the_deadline(
    autojump_clock: MockClock,
) -> None:
    """A dial that fails for a moment does not cost the safe one."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            far.give_handle()
            await read_until(session, SessionResumeUpdate)
            far.unreachable = [unreachable(), unreachable()]
            far.peer.send(go_away(50))
            happened = await read_until(session, Reconnected)
            assert [e.attempt for e in happened if isinstance(e, Reconnecting)] == [0]
            assert (happened[-1], trio.current_time()) == (Reconnected(True, 0.0, {}, {}, {}), 10)


async def test_way_that_stays_closed_is_tried_at_the_deadline(autojump_clock: MockClock) -> None:
    """The move is made all the same, and is a loss then; nobody is dialled all the time."""
    far = Lasting()
    with trio.fail_after(100):
        async with far.open() as session:
            far.give_handle()
            await read_until(session, SessionResumeUpdate)
            far.unreachable = [unreachable()] * 10
            far.peer.send(go_away(50))
            happened = await read_until(session, Reconnected)
            told = [e.attempt for e in happened if isinstance(e, Reconnecting)]
            assert told == [0, *range(1, len(told))]
            assert 45 <= trio.current_time() < 60
            assert len(far.requests) == 12


async def test_go_away_that_is_late_moves_at_once(autojump_clock: MockClock) -> None:
    """Less than no time is no time, which is not the same as saying nothing."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            await session.send_text("go")
            far.peer.send(go_away(-5))
            await read_until(session, Reconnected)
            assert trio.current_time() == 0


async def test_normal_close_after_a_go_away_is_no_end_of_the_session(
    autojump_clock: MockClock,
) -> None:
    """Services close with 1000 what they called off; without a goAway it is the session's end."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            await session.send_text("go")
            far.give_handle()
            far.peer.send(frame(goAway={}))
            far.peer.close(1000, "")
            happened = await read_until(session, Reconnected)
            [told] = [event for event in happened if isinstance(event, Reconnecting)]
            assert told.cause == "the service closed the connection that it called off"
            assert (told.attempt, told.delay, told.code) == (1, 0.0, 1000)
            assert isinstance(back := happened[-1], Reconnected)
            assert (back.restored, back.cut_turn) == (True, 1)
            far.peer.close(1000, "")
            assert (await read_until(session, Disconnected))[-1] == Disconnected(1000, "", True, {})


async def test_normal_close_after_a_go_away_without_a_policy_is_the_end(
    autojump_clock: MockClock,
) -> None:
    """There is no other connection to go over to."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open(policy=None) as session:
            far.peer.send(frame(goAway={}))
            far.peer.close(1000, "")
            assert (await read_until(session, Disconnected))[-1] == Disconnected(1000, "", True, {})
