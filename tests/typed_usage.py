"""Checked by mypy and pyright, never run: how user code is typed against trio_live."""

from __future__ import annotations

from typing import assert_type

import trio

import trio_live
from trio_live import SessionEvent, SessionHandle, SessionReader, SessionWriter
from trio_live.testing import MockSession


async def talk(writer: SessionWriter) -> None:
    """Code that only talks takes a SessionWriter."""
    await writer.send_audio(b"\x00\x00", sample_rate_hz=16_000)
    await writer.send_text("hello")
    await writer.send_video(b"...", mime_type="image/png")
    await writer.send_client_content([trio_live.Content.from_text("x")], turn_complete=False)
    await writer.send_tool_response([trio_live.FunctionResponse("f", {"output": 1}, "id")])
    await writer.update_instruction("be brief")
    await writer.signal_activity_start()
    await writer.signal_activity_end()
    await writer.disconnect()


async def listen(reader: SessionReader) -> int:
    """Code that only listens takes a SessionReader."""
    assert_type(reader.phase, trio_live.SessionPhase)
    assert_type(reader.session_id, str)
    heard = 0
    async with reader.subscribe(policy="drop_oldest", max_events=100) as events:
        async for event in events:
            assert_type(event, SessionEvent)
            match event:
                case trio_live.AudioData(data=pcm, sample_rate_hz=rate, response=number):
                    assert_type(pcm, bytes)
                    assert_type(rate, int)
                    heard += len(pcm) + number
                case trio_live.ToolCall(calls=calls):
                    assert_type(calls, tuple[trio_live.FunctionCall, ...])
                case _:
                    pass
    return heard


async def real(config: trio_live.SessionConfig) -> None:
    """The handle that open_session gives satisfies both protocols, and so does its clone."""
    async with trio_live.open_session(config) as session:
        assert_type(session, SessionHandle)
        await talk(session)
        await listen(session)
        await talk(session.clone())
        assert_type(session.command_tx, trio.MemorySendChannel[trio_live.SessionCommand])
        async for event in session:
            assert_type(event, SessionEvent)


async def double() -> None:
    """The test double satisfies both as well."""
    session = MockSession()
    await talk(session)
    await listen(session)
    assert_type(session.sent, list[trio_live.SessionCommand])
