"""Failures inside the service that follow each other: when the handle is kept, and when not."""

from __future__ import annotations

import random

import pytest
import trio
from lasting_parts import Lasting
from session_parts import PCM, frame, read_until, say, text_message
from test_session_lasting import handle_in
from trio.testing import MockClock

import trio_live
from trio_live import Reconnected, SessionHandle, SessionPhase
from trio_live.transport import TransportClosed, memory
from trio_live.transport.memory import MemoryTransport

INTERNAL = TransportClosed(1011, "Internal error encountered.")


async def with_handle(far: Lasting, session: SessionHandle, handle: str) -> None:
    """The service gives a handle."""
    far.give_handle(handle)
    await read_until(session, trio_live.SessionResumeUpdate)


async def fail(far: Lasting, session: SessionHandle) -> object:
    """A failure inside the service; give the handle that the session goes on from."""
    far.peer.close(INTERNAL.code, INTERNAL.reason)
    told = (await read_until(session, Reconnected))[-1]
    assert isinstance(told, Reconnected)
    handle = handle_in(far.frames()[0])
    assert told.restored is (handle is not None)
    return handle


async def test_failures_with_a_turn_between_them_are_not_in_a_row(
    autojump_clock: MockClock,
) -> None:
    """The resumed session works: the handle is not what the service fails on."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            await with_handle(far, session, "handle-1")
            for _ in range(4):
                assert await fail(far, session) == "handle-1"
                await session.send_text("go")
                far.peer.send(say("gone"))
                far.peer.send(frame(serverContent={"turnComplete": True}))
                await read_until(session, trio_live.TurnComplete)


async def test_turn_that_was_cut_is_no_work(autojump_clock: MockClock) -> None:
    """It was begun, and the service failed at it: the second time drops the handle."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            await with_handle(far, session, "handle-1")
            handles: list[object] = []
            for _ in range(2):
                await session.send_text("go")
                far.peer.send(say("half"))
                await read_until(session, trio_live.TextDelta)
                handles.append(await fail(far, session))
            assert handles == ["handle-1", None]


async def test_new_handle_is_work_but_only_once(autojump_clock: MockClock) -> None:
    """A service that hands out handles and fails at each turn is not believed for ever."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            await with_handle(far, session, "handle-1")
            handles: list[object] = []
            for number in range(2, 5):
                handles.append(await fail(far, session))
                await with_handle(far, session, f"handle-{number}")
            assert handles == ["handle-1", "handle-2", None]


@pytest.mark.parametrize("seconds", [10.0, 31.0])
async def test_failures_with_time_between_them_are_not_in_a_row(
    autojump_clock: MockClock, seconds: float
) -> None:
    """A connection that was stable has worked, whatever it was used for."""
    far = Lasting()
    with trio.fail_after(200):
        async with far.open() as session:
            await with_handle(far, session, "handle-1")
            assert await fail(far, session) == "handle-1"
            await trio.sleep(seconds)
            assert await fail(far, session) == ("handle-1" if seconds > 30 else None)


class Gone(MemoryTransport):
    """Receives, and can send its setup only."""

    def send(self, frame: str | bytes) -> None:
        """See Transport."""
        if self.accepted_bytes:
            self.peer.close(1011, "gone")
        super().send(frame)


async def test_what_waits_gets_older_at_connections_that_take_nothing(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Audio is not sent because attempts came one after another; the size stays known, too."""
    far = Lasting()
    with trio.fail_after(60):
        often = {"max_delay": 0.4, "max_attempts": 100, "rng": random.Random(1)}
        async with far.open(changed=often) as session:
            far.dialling = trio.Event()
            far.peer.close()
            await session.wait_for_phase(SessionPhase.CONNECTING)
            await session.send_audio(PCM)
            await session.send_text("and this")
            size = session.statistics().waiting_bytes
            far.dialling.set()
            with monkeypatch.context() as patch:
                patch.setattr(memory, "MemoryTransport", Gone)
                while trio.current_time() < 1.5:
                    await read_until(session, Reconnected)
                    if session.statistics().waiting_commands == 2:
                        assert session.statistics().waiting_bytes == size
            while session.statistics().waiting_commands:
                await read_until(session, Reconnected)
            assert far.frames()[1:] == [text_message("and this")]
