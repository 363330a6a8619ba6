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
    await writer.send_realtime_text("hello")
    await writer.end_audio_stream()
    await writer.update_instruction("be brief")
    await writer.seed_history([trio_live.Content.from_text("x", role="model")])
    tool = trio_live.Tool(function_declarations=(trio_live.FunctionDeclaration("f"),))
    await writer.update_context(system_instruction="be brief")
    await writer.update_context(tools=[tool, trio_live.FunctionDeclaration("g")])
    image = trio_live.FunctionResponseBlob(b"...", "image/png")
    part = trio_live.FunctionResponsePart(image)
    await writer.send_tool_response(
        [trio_live.FunctionResponse("f", {}, "id", will_continue=True, parts=(part,))]
    )
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


def give_token() -> str:
    """A plain function for OAuth."""
    return "t"


async def places() -> None:
    """Each kind of endpoint and of credentials is one for open_session."""
    token = await trio_live.tokens.create("key", uses=1, proxy=None)
    assert_type(token.name, str)

    async def give() -> str:
        return token.name

    config = trio_live.SessionConfig("m")
    places: list[trio_live.Endpoint] = [
        trio_live.GoogleAI("key"),
        trio_live.GoogleAI(token=token.name),
        trio_live.GoogleAI(credentials=give),
        trio_live.VertexAI("project", "eu"),
        trio_live.VertexAI("project", credentials=give_token),
        trio_live.VertexAI(api_key="key"),
        trio_live.Custom("wss://gateway.example", headers={"x": "y"}),
    ]
    for endpoint in places:
        transport = trio_live.TransportConfig(proxy="socks5://proxy.example:1080")
        context = trio_live.make_ssl_context(ca_file="ca.pem")
        trio_live.open_session(config, endpoint=endpoint, transport=transport, ssl_context=context)


async def double() -> None:
    """The test double satisfies both as well."""
    session = MockSession()
    await talk(session)
    await listen(session)
    assert_type(session.sent, list[trio_live.SessionCommand])
