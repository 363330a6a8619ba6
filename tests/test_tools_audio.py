"""Audio during calls: sent, dropped, or held."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from session_parts import PCM
from tools_log import Log
from tools_parts import ToolFar, listening
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_live import (
    AudioHeldBack,
    Disconnected,
    SessionConfig,
)
from trio_live.tools import Toolkit

BLOCKING = SessionConfig("gemini-3.1-flash-live", response_modalities=["TEXT"])


@pytest.mark.parametrize("mode", ["send", "drop", "hold", None])
async def test_audio_during_blocking_calls(autojump_clock: MockClock, mode: Any) -> None:
    """Audio is sent, dropped, or held up to its age; the default is what the model needs."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100):
        async with (
            far.open_tools(
                [log.wait], BLOCKING, audio_during_calls=mode, audio_max_age=2
            ) as session,
            listening(session) as seen,
        ):
            await session.send_audio(PCM)
            far.call(("a", "wait", {"seconds": 4}))
            await trio.sleep(1)
            for _ in range(3):
                await session.send_audio(PCM)
                await trio.sleep(0.75)
            await session.end_audio_stream()
            far.read()
            during = len(far.other)
            await trio.sleep(2)
            far.read()
            after = len(far.other)
    counts = [(e.dropped, e.sent) for e in seen if isinstance(e, AudioHeldBack)]
    told = {"send": [], "drop": [(3, 0)], "hold": [(2, 1)]}
    assert counts == told[mode or "hold"]
    assert (during, after) == {"send": (5, 5), "drop": (2, 2), "hold": (1, 3)}[mode or "hold"]


async def test_audio_is_held_in_order(autojump_clock: MockClock) -> None:
    """What was held comes before what is sent later; what is withdrawn opens the gate, too."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100):
        async with far.open_tools([log.wait], BLOCKING) as session:
            far.call(("a", "wait", {"seconds": 3}))
            await trio.sleep(1)
            await session.send_audio(b"\1\0")
            await session.send_audio(b"\2\0")
            far.withdraw("a")
            await wait_all_tasks_blocked()
            await session.send_audio(b"\3\0")
        far.read()
        assert [f["realtimeInput"]["audio"]["data"] for f in far.other] == ["AQA=", "AgA=", "AwA="]


async def test_held_audio_is_reported_at_the_end(autojump_clock: MockClock) -> None:
    """Audio that is still held when the session ends counts as not delivered."""
    far, log = ToolFar(), Log()
    with trio.fail_after(100):
        async with far.open_tools([log.wait], BLOCKING) as session:
            events = session.subscribe()
            far.call(("a", "wait", {"seconds": 3}))
            await trio.sleep(1)
            await session.send_audio(PCM)
            await session.disconnect()
    (last,) = [e async for e in events if isinstance(e, Disconnected)]
    assert last.undelivered == {"SendAudio": 1}


async def test_non_blocking_calls_do_not_hold_audio(autojump_clock: MockClock) -> None:
    """The model does not wait for these: it goes on listening."""
    far, log = ToolFar(), Log()
    config = SessionConfig("gemini-2.5-flash-native-audio")
    kit = Toolkit()
    kit.add(log.wait, behavior="NON_BLOCKING")
    with trio.fail_after(100):
        async with far.open_tools([kit], config) as session:
            far.call(("a", "wait", {"seconds": 3}))
            await trio.sleep(1)
            await session.send_audio(PCM)
            far.read()
            assert len(far.other) == 1
