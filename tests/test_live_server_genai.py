"""Google's own client against the embedded server: what the SDK sends is what the server takes.

The SDK runs on asyncio in a worker thread and forces TLS, so the server has a certificate.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trustme
from live_server_client import silence, speech

from trio_live.testing.server import LiveServer, Reply, UserTurn

pytest.importorskip("google.genai")

from google import genai
from google.genai import types

# The SDK's pydantic-based types are not followed by the type checker.
Session = Any
Scenario = Callable[[genai.Client], Awaitable[None]]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority of this test module."""
    return trustme.CA()


@asynccontextmanager
async def serving(server: LiveServer, authority: trustme.CA) -> AsyncIterator[Callable[..., Any]]:
    """Serve over TLS and hand out a function that runs a scenario with a client of the SDK."""
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server_context)
    client_context = ssl.create_default_context()
    authority.configure_trust(client_context)
    async with server:
        url = await server.listen("localhost", ssl_context=server_context)

        def run(scenario: Scenario, api_key: str) -> None:
            async def main() -> None:
                client = genai.Client(
                    api_key=api_key,
                    http_options=types.HttpOptions(
                        base_url=url.replace("wss", "https"),
                        async_client_args={"ssl": client_context},
                    ),
                )
                async with asyncio.timeout(20), client.aio:
                    await scenario(client)

            asyncio.run(main())

        async def run_in_thread(scenario: Scenario, api_key: str = "k") -> None:
            await trio.to_thread.run_sync(run, scenario, api_key)

        yield run_in_thread


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


async def test_text_tool_and_resumption_with_the_sdk(authority: trustme.CA) -> None:
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
            while True:  # the handle comes after the end of the turn
                async for message in session.receive():
                    update = message.session_resumption_update
                    if update and update.resumable:
                        handles.append(update.new_handle)
                        return

    with trio.fail_after(60):
        server = LiveServer(answer, pace=0, api_keys=["k"])
        async with serving(server, authority) as run:
            await run(connect_and_talk)
            await server.sessions[0].wait_closed()
            await run(connect_and_talk)
        first, second = server.sessions
        assert first.refusal == second.refusal == ""
        assert first.setup["systemInstruction"] == {
            "parts": [{"text": "Be brief."}],
            "role": "user",
        }
        assert second.setup["sessionResumption"] == {"handle": handles[0]}
        assert [next(iter(message)) for message in first.received] == [
            "setup",
            "clientContent",
            "clientContent",
            "toolResponse",
        ]


async def test_audio_turn_with_the_sdk(authority: trustme.CA) -> None:
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

    with trio.fail_after(60):
        async with serving(LiveServer(answer, pace=0), authority) as run:
            await run(talk)


async def test_wrong_key_with_the_sdk(authority: trustme.CA) -> None:
    """The SDK reports the close frame that comes instead of setupComplete."""

    async def talk(client: genai.Client) -> None:
        with pytest.raises(genai.errors.APIError, match="API key not valid"):
            async with client.aio.live.connect(model="m", config={}):
                pass

    with trio.fail_after(60):
        async with serving(LiveServer(api_keys=["k"]), authority) as run:
            await run(talk, "wrong")
