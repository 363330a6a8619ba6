"""Google's own client against the embedded server: what the SDK sends is what the server takes."""

from __future__ import annotations

from typing import Any

import pytest
from live_server_client import silence, speech

from trio_live.testing.server import LiveServer, Reply, UserTurn

pytest.importorskip("google.genai")

from genai_server import Session, kinds, next_handle, serving
from google import genai
from google.genai import types


async def answer(turn: UserTurn, reply: Reply) -> None:
    """Call a tool when asked to; else echo the text, or say how long the speech was."""
    if turn.text == "weather":
        (response,) = await reply.call_tools([("get_weather", {"city": "Oslo"})])
        await reply.text(f"it is {response['output']}")
    elif turn.audio:
        await reply.transcript(f"{turn.audio_seconds:.1f} s")
        await reply.audio(bytes(48_000))
    else:
        await reply.text(f"{len(turn.history)}: {turn.text}")


async def test_text_tool_and_resumption_with_the_sdk() -> None:
    """Setup, a text turn, a call with its answer, and a resumption that keeps the history."""
    handles: list[Any] = []
    config: dict[str, Any] = {
        "response_modalities": ["TEXT"],
        "system_instruction": "Be brief.",
        "temperature": 0.5,
        "tools": [
            {
                "function_declarations": [
                    {
                        "name": "get_weather",
                        "parameters": {
                            "type": "OBJECT",
                            "properties": {"city": {"type": "STRING"}},
                        },
                    }
                ]
            }
        ],
    }

    async def text_turn(session: Session, text: str) -> str:
        await session.send_client_content(turns={"role": "user", "parts": [{"text": text}]})
        parts: list[str] = []
        async for message in session.receive():
            if message.tool_call:
                await session.send_tool_response(
                    function_responses=[
                        {"id": call.id, "name": call.name, "response": {"output": "cold"}}
                        for call in message.tool_call.function_calls
                    ]
                )
            if message.text:
                parts.append(message.text)
        return "".join(parts)

    async def connect_and_talk(client: genai.Client) -> None:
        config["session_resumption"] = {"handle": handles[-1]} if handles else {}
        async with client.aio.live.connect(
            model="gemini-3.8-live", config=types.LiveConnectConfig(**config)
        ) as session:
            before = 6 if handles else 0
            assert await text_turn(session, "hello") == f"{before}: hello"
            assert await text_turn(session, "weather") == "it is cold"
            handles.append(await next_handle(session))

    server = LiveServer(answer, pace=0, api_keys=["k"])
    async with serving(server) as run:
        await run(connect_and_talk)
        await server.sessions[0].wait_closed()
        await run(connect_and_talk)
    first, second = server.sessions
    assert first.refusal == second.refusal == ""
    assert first.setup["systemInstruction"] == {"parts": [{"text": "Be brief."}], "role": "user"}
    assert second.setup["sessionResumption"] == {"handle": handles[0]}
    assert kinds(first) == ["setup", "clientContent", "clientContent", "toolResponse"]


async def test_audio_turn_with_the_sdk() -> None:
    """Speech is found in the SDK's URL-safe base64; its answer is audio with transcripts."""
    config: dict[str, Any] = {
        "response_modalities": ["AUDIO"],
        "input_audio_transcription": {},
        "output_audio_transcription": {},
        "realtime_input_config": {"automatic_activity_detection": {"silence_duration_ms": 300}},
    }

    async def talk(client: genai.Client) -> None:
        session: Session
        async with client.aio.live.connect(
            model="gemini-3.8-live", config=types.LiveConnectConfig(**config)
        ) as session:
            pcm = silence(0.2) + speech(1.2) + silence(0.4)
            for start in range(0, len(pcm), 3_200):
                blob = types.Blob(data=pcm[start : start + 3_200], mime_type="audio/pcm;rate=16000")
                await session.send_realtime_input(audio=blob)
            await session.send_realtime_input(audio_stream_end=True)
            heard, said, audio = "", "", b""
            async for message in session.receive():
                content = message.server_content
                if content and content.input_transcription:
                    heard += content.input_transcription.text
                if content and content.output_transcription:
                    said += content.output_transcription.text
                audio += message.data or b""
                usage = message.usage_metadata
            assert (heard, said, len(audio)) == ("(1.2 s of speech)", "1.2 s", 48_000)
            assert usage.prompt_token_count == 30

    async with serving(LiveServer(answer, pace=0)) as run:
        await run(talk)


async def test_wrong_key_with_the_sdk() -> None:
    """The SDK reports the close frame that comes instead of setupComplete."""

    async def talk(client: genai.Client) -> None:
        with pytest.raises(genai.errors.APIError, match="API key not valid"):
            async with client.aio.live.connect(model="m", config={}):
                pass

    async with serving(LiveServer(api_keys=["k"])) as run:
        await run(talk, {"api_key": "wrong"})
