"""Google's own client against the embedded server: both platforms, every verb, ephemeral tokens."""

from __future__ import annotations

from typing import Any

import pytest

import trio_live
from trio_live.testing import connect_to
from trio_live.testing.server import LiveServer, Reply, UserTurn

pytest.importorskip("google.genai")

from genai_server import EXPRESS, GEMINI, bearer, kinds, next_handle, serving
from google import genai
from google.genai import types

MODEL = "gemini-3.8-live"


async def answer(turn: UserTurn, reply: Reply) -> None:
    """Call a tool when asked to; else say what was heard."""
    if turn.text == "weather":
        (response,) = await reply.call_tools([("get_weather", {})])
        await reply.text(f"it is {response['output']}")
    else:
        await reply.text(turn.text or "something")


async def hear(session: Any) -> str:
    """Receive one turn; answer its calls; give its text."""
    parts: list[str] = []
    async for message in session.receive():
        if message.tool_call:
            for call in message.tool_call.function_calls:
                response = {"id": call.id, "name": call.name, "response": {"output": "cold"}}
                await session.send_tool_response(function_responses=response)
        if message.server_content and message.server_content.model_turn:
            parts += [part.text for part in message.server_content.model_turn.parts]
    return "".join(parts)


async def say_everything(session: Any) -> None:
    """Use each verb of the SDK once; activities are signalled by hand."""
    await session.send_client_content(
        turns={"role": "user", "parts": [{"text": "hello"}]}, turn_complete=True
    )
    assert await hear(session) == "hello"
    await session.send_client_content(turns={"role": "user", "parts": [{"text": "weather"}]})
    assert await hear(session) == "it is cold"
    await session.send_realtime_input(activity_start={})
    blob = types.Blob(data=bytes(3_200), mime_type="audio/pcm;rate=16000")
    await session.send_realtime_input(audio=blob)
    image = types.Blob(data=b"\xff\xd8\xff", mime_type="image/jpeg")
    await session.send_realtime_input(video=image)
    await session.send_realtime_input(activity_end={})
    assert await hear(session) == "something"
    await session.send_realtime_input(text="by text")
    assert await hear(session) == "by text"
    await session.send_context_update(
        system_instruction="Be brief.", tools=[{"function_declarations": [{"name": "other"}]}]
    )
    await session.send_client_content(turns={"role": "user", "parts": [{"text": "end"}]})
    assert await hear(session) == "end"


CONFIG: dict[str, Any] = {
    "response_modalities": ["TEXT"],
    "system_instruction": "Be friendly.",
    "tools": [{"function_declarations": [{"name": "get_weather"}]}],
    "realtime_input_config": {"automatic_activity_detection": {"disabled": True}},
    "session_resumption": {},
}


@pytest.mark.parametrize(
    ("settings", "model"),
    [
        (GEMINI, f"models/{MODEL}"),
        (bearer(), f"projects/p/locations/eu/publishers/google/models/{MODEL}"),
        (EXPRESS, f"publishers/google/models/{MODEL}"),
    ],
    ids=["gemini", "vertex", "express"],
)
async def test_every_verb_of_the_sdk_is_taken(settings: dict[str, Any], model: str) -> None:
    """Each way to send, context updates included, works on each platform; so does resuming."""
    handles: list[str] = []

    async def talk(client: Any) -> None:
        resumption: Any = {"handle": handles[-1]} if handles else {}
        config = types.LiveConnectConfig(**CONFIG | {"session_resumption": resumption})
        async with client.aio.live.connect(model=MODEL, config=config) as session:
            await say_everything(session)
            handles.append(await next_handle(session))

    server = LiveServer(answer, pace=0, api_keys=["k"], bearer_tokens=["ya29"])
    async with serving(server) as run:
        await run(talk, settings)
        await server.sessions[0].wait_closed()
        await run(talk, settings)
    assert [session.refusal for session in server.sessions] == ["", ""]
    for session in server.sessions:
        assert session.setup["model"] == model
        assert session.setup["tools"] == [{"functionDeclarations": [{"name": "other"}]}]
        assert kinds(session) == [
            "setup",
            *["clientContent"] * 2,
            "toolResponse",
            *["realtimeInput"] * 5,
            "contextUpdate",
            "clientContent",
        ]
    assert server.sessions[1].setup["sessionResumption"] == {"handle": handles[0]}
    if "credentials" in settings:
        headers = server.sessions[0].headers
        assert (headers["authorization"], headers["x-goog-user-project"]) == (
            "Bearer ya29",
            "payer",
        )


async def test_ephemeral_token_of_the_sdk_opens_and_resumes_one_session() -> None:
    """The SDK makes a token with a bound setup, talks with it, resumes with it, and no more."""
    tokens: list[str] = []
    handles: list[str] = []

    async def create(client: Any) -> None:
        constraints = {
            "model": MODEL,
            "config": {"response_modalities": ["TEXT"], "system_instruction": "Obey."},
        }
        token = await client.aio.auth_tokens.create(
            config={
                "uses": 1,
                "live_connect_constraints": constraints,
                "lock_additional_fields": [],
            }
        )
        assert token.uses == 1
        tokens.append(token.name)

    async def talk(client: Any) -> None:
        resumption: Any = {"handle": handles[-1]} if handles else {}
        config = types.LiveConnectConfig(
            temperature=0.5, system_instruction="Rebel.", session_resumption=resumption
        )
        async with client.aio.live.connect(model=MODEL, config=config) as session:
            await session.send_realtime_input(text="hello")
            handles.append(await next_handle(session))

    async def fail(client: Any) -> None:
        with pytest.raises(genai.errors.APIError, match="Token has no uses left"):
            async with client.aio.live.connect(model=MODEL, config={}):
                pass

    server = LiveServer(answer, pace=0, api_keys=["k"])
    async with serving(server) as run:
        await run(create, GEMINI, "v1alpha")
        with_token = {"api_key": tokens[0]}
        await run(talk, with_token, "v1alpha")
        await server.sessions[0].wait_closed()
        await run(talk, with_token, "v1alpha")
        await run(fail, with_token, "v1alpha")
    assert [session.refusal for session in server.sessions] == ["", "", "Token has no uses left."]
    for session in server.sessions[:2]:
        assert session.setup["generationConfig"] == {
            "responseModalities": ["TEXT"],
            "temperature": 0.5,
        }
        assert session.setup["systemInstruction"] == {"parts": [{"text": "Obey."}], "role": "user"}


async def test_music_is_made_for_the_sdk() -> None:
    """Prompts, config and each control come in as the SDK says them; it hears the music."""
    server = LiveServer(pace=0.01)
    config = types.LiveMusicGenerationConfig(
        bpm=90,
        top_k=50,
        temperature=1.0,
        scale=types.Scale.C_MAJOR_A_MINOR,
        mute_drums=True,
        music_generation_mode=types.MusicGenerationMode.DIVERSITY,
    )
    prompts = [
        types.WeightedPrompt(text="piano", weight=1.0),
        types.WeightedPrompt(text="rain", weight=0.5),
    ]
    heard: list[Any] = []

    async def scenario(client: Any) -> None:
        async with client.aio.live.music.connect(model="lyria-realtime-exp") as session:
            await session.set_weighted_prompts(prompts=prompts)
            await session.set_music_generation_config(config=config)
            await session.play()
            async for message in session.receive():
                heard.extend(message.server_content.audio_chunks)
                if len(heard) == 2:
                    break
            await session.pause()
            await session.reset_context()
            await session.stop()

    async with serving(server) as run:
        await run(scenario, GEMINI)
        (session,) = server.sessions
        assert (await session.wait_closed())[0] == 1000
        assert session.refusal == ""
        assert [next(iter(message.values())) for message in session.received[3:]] == [
            "PLAY",
            "PAUSE",
            "RESET_CONTEXT",
            "STOP",
        ]
        assert session.received[2] == {
            "musicGenerationConfig": {
                "bpm": 90,
                "topK": 50,
                "temperature": 1.0,
                "scale": "C_MAJOR_A_MINOR",
                "muteDrums": True,
                "musicGenerationMode": "DIVERSITY",
            }
        }
    for chunk in heard:
        assert len(chunk.data) == 2 * 192_000
        assert chunk.source_metadata.client_content.weighted_prompts == prompts
        assert chunk.source_metadata.music_generation_config == config


async def test_music_messages_of_ours_are_the_sdks() -> None:
    """What trio_live sends for the same calls is what google-genai sends."""
    server = LiveServer(pace=0)
    config: dict[str, Any] = {"bpm": 90, "guidance": 2.5, "only_bass_and_drums": True, "seed": 7}

    async def theirs(client: Any) -> None:
        async with client.aio.live.music.connect(model="lyria-realtime-exp") as session:
            await session.set_weighted_prompts([types.WeightedPrompt(text="piano", weight=0.5)])
            await session.set_music_generation_config(types.LiveMusicGenerationConfig(**config))
            await session.stop()

    async with serving(server) as run:
        await run(theirs, GEMINI)
        async with trio_live.open_music_session(
            "lyria-realtime-exp",
            endpoint=trio_live.GoogleAI("k", base_url="ws://localhost", api_version="v1"),
            transport=connect_to(server),
        ) as music:
            await music.set_weighted_prompts([trio_live.WeightedPrompt("piano", 0.5)])
            await music.set_music_generation_config(trio_live.MusicGenerationConfig(**config))
            await music.stop()
        for session in server.sessions:
            await session.wait_closed()
        sdk, ours = server.sessions
        assert ours.received == sdk.received
        assert ours.path == sdk.path.replace("//", "/")
