"""The channel behind `command_tx` is made when it is needed, and nobody can tell but by the memory.

Without it and its task an idle session is 4.5 KiB smaller (benchmarks/memory.py).
"""

from __future__ import annotations

import pytest
import trio
from session_parts import Wired, our_tasks, text_message
from trio.testing import MockClock, wait_all_tasks_blocked

import trio_live
from trio_live import SendText, SessionClosed


async def test_verbs_need_no_pump(autojump_clock: MockClock) -> None:
    """While verbs find room, nobody waits for commands; asking for the channel starts the pump."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open() as session:
            await session.send_text("a")
            await session.flush()
            clone = session.clone()
            clone.close()
            await wait_all_tasks_blocked()
            assert "trio_live pump" not in our_tasks()
            channel = session.command_tx
            assert session.command_tx is channel
            await wait_all_tasks_blocked()
            assert our_tasks().count("trio_live pump") == 1
            channel.send_nowait(SendText("b"))
            await session.send_text("c")
        assert wired.sent() == [text_message(text) for text in "abc"]


async def test_verb_without_room_waits_in_the_channel(autojump_clock: MockClock) -> None:
    """A verb that finds no room makes the channel, and keeps its place before what comes later."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open(send_buffer_bytes=1) as session:
            wired.peer.stall()
            await session.send_text("a")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(session.send_text, "b")
                await wait_all_tasks_blocked()
                assert our_tasks().count("trio_live pump") == 1
                session.command_tx.send_nowait(SendText("c"))
                wired.peer.resume()
        assert wired.sent() == [text_message(text) for text in "abc"]


async def test_last_handle_closed_without_a_channel(autojump_clock: MockClock) -> None:
    """Closing the last handle ends the session; asked for then, its channel is closed."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open() as session:
            await session.send_text("a")
            session.close()
            session.close()  # any number of times
            with pytest.raises(trio.ClosedResourceError):
                session.command_tx.send_nowait(SendText("b"))
            await session.join()
        assert wired.sent() == [text_message("a")]
        assert wired.peer.closed_with == (1000, "")


async def test_copy_of_the_channel_outlives_the_handles(autojump_clock: MockClock) -> None:
    """The session goes on while a clone of `command_tx` is open, and ends with it."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open() as session:
            other = session.clone()
            copy = session.command_tx.clone()
            session.close()
            other.close()
            await copy.send(SendText("a"))
            await wait_all_tasks_blocked()
            assert wired.sent() == [text_message("a")]
            assert session.phase is trio_live.SessionPhase.ACTIVE
            copy.close()
            await session.join()


async def test_channel_is_asked_for_when_it_is_too_late(autojump_clock: MockClock) -> None:
    """After the end the channel takes nothing, and no task is started for it."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open() as session:
            await session.disconnect()
            with pytest.raises(trio.BrokenResourceError):
                await session.command_tx.send(SendText("a"))
            session.close()
        with pytest.raises(SessionClosed):
            await session.clone().send_text("b")


@pytest.mark.parametrize("use", ["channel", "disconnect", "close"])
async def test_session_is_cancelled_and_then_used(use: str, autojump_clock: MockClock) -> None:
    """A handle that is used while its session is cancelled starts no task and waits for none."""
    wired = Wired()
    outside: list[trio_live.SessionHandle] = []
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            opened = trio.Event()

            async def hold(scope: trio.CancelScope) -> None:
                with scope:
                    async with wired.open() as session:
                        outside.append(session)
                        opened.set()
                        await trio.sleep_forever()

            scope = trio.CancelScope()
            nursery.start_soon(hold, scope)
            await opened.wait()
            scope.cancel()
            if use == "channel":
                outside[0].command_tx.send_nowait(SendText("late"))
            elif use == "disconnect":
                await outside[0].disconnect()
            else:
                outside[0].close()
        assert outside[0].phase is trio_live.SessionPhase.DISCONNECTED
        assert our_tasks() == []
