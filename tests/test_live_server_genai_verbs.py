"""Each form of each verb of Google's own client, the deprecated ones too, on both platforms."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from live_server_client import Json, silence, speech

from trio_live.testing.server import LiveServer, Reply, ServerSession, UserTurn

pytest.importorskip("google.genai")

from genai_server import EXPRESS, GEMINI, Scenario, Session, bearer, kinds, next_handle, serving
from google import genai
from google.genai import types

EVERYWHERE = pytest.mark.parametrize(
    "settings", [GEMINI, bearer(), EXPRESS], ids=["gemini", "vertex", "express"]
)
MODEL = "gemini-3.8-live"
# Of a model of this name nothing is assumed, so it takes the deprecated mediaChunks as well.
DEMO = "demo"
PCM = "audio/pcm;rate=16000"
WAV = speech(0.5)
PNG = b"\x89PNG\r\n\x1a\n"

MANUAL: Json = {"automatic_activity_detection": {"disabled": True}}
TEXT: Json = {"response_modalities": ["TEXT"]}


async def describe(turn: UserTurn, reply: Reply) -> None:
    """Call two functions when asked to; else say what has come."""
    if turn.text == "call":
        answers = await reply.call_tools([("one", {}), ("two", {})])
        await reply.text(" ".join(str(answer["output"]) for answer in answers))
    else:
        spoken = f"{turn.audio_seconds:.1f} s"
        await reply.text(f"{turn.text}|{spoken}|{len(turn.images)}|{len(turn.history)}")


async def hold(scenario: Scenario, settings: dict[str, Any]) -> ServerSession:
    """Run a scenario of one session, which the server must not refuse anything of."""
    server = LiveServer(describe, pace=0)
    async with serving(server) as run:
        await run(scenario, settings)
    (session,) = server.sessions
    assert session.refusal == ""
    return session


async def hear(session: Session) -> str:
    """Receive one turn and give its text."""
    parts: list[str] = []
    async for message in session.receive():
        content = message.server_content
        if content and content.model_turn:
            parts += [part.text for part in content.model_turn.parts]
    return "".join(parts)


async def calls(session: Session) -> list[Any]:
    """Ask for the two calls and give them."""
    await session.send_client_content(
        turns=types.Content(role="user", parts=[types.Part(text="call")])
    )
    async for message in session.receive():
        if message.tool_call:
            return list(message.tool_call.function_calls)
    raise AssertionError


@EVERYWHERE
async def test_every_form_of_client_content(settings: dict[str, Any]) -> None:
    """Dicts and objects, one and many, incomplete ones, and the bare end of a turn."""

    async def talk(client: Any) -> None:
        async with client.aio.live.connect(model=MODEL, config=TEXT) as session:
            content = types.Content(role="user", parts=[types.Part(text="a")])
            await session.send_client_content(turns=content)
            assert await hear(session) == "a|0.0 s|0|0"
            image = types.Part.from_bytes(data=PNG, mime_type="image/png")
            many = [
                {"role": "user", "parts": [{"text": "b"}]},
                types.Content(role="model", parts=[types.Part(text="yes")]),
                types.Content(role="user", parts=[types.Part(text="c"), image]),
            ]
            await session.send_client_content(turns=many, turn_complete=False)
            await session.send_client_content()  # only the end
            assert await hear(session) == "c|0.0 s|1|4"

    session = await hold(talk, settings)
    assert session.received[-1] == {"clientContent": {"turnComplete": True}}


@EVERYWHERE
async def test_every_form_of_realtime_input(settings: dict[str, Any]) -> None:
    """Audio, video, text and the end of the stream with automatic detection; media chunks too."""

    async def talk(client: Any) -> None:
        async with client.aio.live.connect(model=DEMO, config=TEXT) as session:
            await session.send_realtime_input(video=types.Blob(data=PNG, mime_type="image/png"))
            await session.send_realtime_input(video={"data": PNG, "mime_type": "image/png"})
            await session.send_realtime_input(text="text")
            assert await hear(session) == "text|0.0 s|2|0"
            await session.send_realtime_input(audio=types.Blob(data=WAV, mime_type=PCM))
            await session.send_realtime_input(audio={"data": WAV, "mime_type": PCM})
            await session.send_realtime_input(audio_stream_end=True)
            assert await hear(session) == "|1.0 s|0|2"
            await session.send_realtime_input(media=types.Blob(data=WAV, mime_type=PCM))
            await session.send_realtime_input(media={"data": PNG, "mime_type": "image/png"})
            await session.send_realtime_input(audio_stream_end=True)
            assert await hear(session) == "|0.5 s|1|4"

    session = await hold(talk, settings)
    inputs: list[Json] = [message["realtimeInput"] for message in session.received[1:]]  # type: ignore[misc]
    assert [next(iter(body)) for body in inputs] == [
        *["video"] * 2,
        "text",
        *["audio"] * 2,
        "audioStreamEnd",
        *["mediaChunks"] * 2,
        "audioStreamEnd",
    ]


@EVERYWHERE
async def test_activities_by_hand(settings: dict[str, Any]) -> None:
    """Both signals as dicts and as objects, with all that can be between them."""

    async def talk(client: Any) -> None:
        config = TEXT | {"realtime_input_config": MANUAL}
        async with client.aio.live.connect(model=MODEL, config=config) as session:
            for start, end in (({}, {}), (types.ActivityStart(), types.ActivityEnd())):
                await session.send_realtime_input(activity_start=start)
                await session.send_realtime_input(audio=types.Blob(data=WAV, mime_type=PCM))
                await session.send_realtime_input(text="look")
                await session.send_realtime_input(activity_end=end)
                assert (await hear(session)).startswith("look|0.5 s|0|")

    await hold(talk, settings)


@EVERYWHERE
async def test_every_form_of_tool_response(settings: dict[str, Any]) -> None:
    """Dicts and objects, one at a time or together; on Vertex AI without ids."""
    without_ids = "vertexai" in settings

    def answers(asked: list[Any]) -> list[Json]:
        return [
            {"name": call.name, "response": {"output": call.name}}
            | ({} if without_ids else {"id": call.id})
            for call in asked
        ]

    async def talk(client: Any) -> None:
        async with client.aio.live.connect(model=MODEL, config=TEXT) as session:
            together = answers(await calls(session))
            await session.send_tool_response(function_responses=together)
            assert await hear(session) == "one two"
            for answer in answers(await calls(session)):
                await session.send_tool_response(function_responses=answer)
            assert await hear(session) == "one two"
            objects = [types.FunctionResponse(**a) for a in answers(await calls(session))]
            await session.send_tool_response(function_responses=objects)
            assert await hear(session) == "one two"
            late = answers(await calls(session))
            late[0]["scheduling"] = "WHEN_IDLE"
            for answer in reversed(late):
                await session.send_tool_response(
                    function_responses=types.FunctionResponse(**answer)
                )
            assert await hear(session) == "one two"

    await hold(talk, settings)


@EVERYWHERE
async def test_the_deprecated_verb(settings: dict[str, Any]) -> None:
    """`send` with each kind of input that it still takes."""

    async def talk(client: Any) -> None:
        async with client.aio.live.connect(model=DEMO, config=TEXT) as session:
            await session.send(input="a", end_of_turn=True)
            assert await hear(session) == "a|0.0 s|0|0"
            await session.send(input=["b", "c"])
            await session.send()  # the end of the turn
            assert await hear(session) == "bc|0.0 s|0|2"
            content = [types.Content(role="user", parts=[types.Part(text="d")])]
            await session.send(input=types.LiveClientContent(turns=content, turn_complete=True))
            assert (await hear(session)).startswith("d|")
            turns = [{"role": "user", "parts": [{"text": "e"}]}]
            await session.send(input={"turns": turns, "turn_complete": True})
            assert (await hear(session)).startswith("e|")
            blob = types.Blob(data=WAV + silence(1.0), mime_type=PCM)
            await session.send(input=blob)
            assert (await hear(session)).startswith("|0.5 s|")
            await session.send(input=types.LiveClientRealtimeInput(media_chunks=[blob]))
            assert (await hear(session)).startswith("|0.5 s|")
            await session.send(input={"media_chunks": [blob]})
            assert (await hear(session)).startswith("|0.5 s|")
            await session.send(input={"data": WAV + silence(1.0), "mime_type": PCM})
            assert (await hear(session)).startswith("|0.5 s|")
            wraps: list[Callable[[list[types.FunctionResponse]], list[Any]]] = [
                list,  # one at a time
                lambda found: [types.LiveClientToolResponse(function_responses=found)],
                lambda found: [{"function_responses": found}],
                lambda found: [[answer.model_dump(exclude_none=True) for answer in found]],
            ]
            for wrap in wraps:
                found = [
                    types.FunctionResponse(id=c.id, name=c.name, response={"output": c.name})
                    for c in await calls(session)
                ]
                for answer in wrap(found):
                    await session.send(input=answer)
                assert await hear(session) == "one two"

    await hold(talk, settings)


@EVERYWHERE
async def test_context_updates(settings: dict[str, Any]) -> None:
    """Instruction and tools, together and apart; an empty list clears the tools."""

    async def talk(client: Any) -> None:
        config = TEXT | {"system_instruction": "a", "tools": [{"google_search": {}}]}
        async with client.aio.live.connect(model=MODEL, config=config) as session:
            await session.send_context_update(system_instruction="b")
            await session.send_context_update(tools=[])
            await session.send_client_content(turns={"role": "user", "parts": [{"text": "x"}]})
            await hear(session)

    session = await hold(talk, settings)
    assert kinds(session)[1:3] == ["contextUpdate", "contextUpdate"]
    instruction: Any = session.setup["systemInstruction"]
    assert instruction["parts"] == [{"text": "b"}]
    assert "tools" not in session.setup


async def test_start_stream() -> None:
    """The oldest way to talk, which sends audio and receives in one loop."""

    async def stream() -> AsyncIterator[bytes]:
        yield WAV
        yield silence(1.0)

    async def talk(client: Any) -> None:
        said: list[str] = []
        async with client.aio.live.connect(model=DEMO, config=TEXT) as session:
            async for message in session.start_stream(stream=stream(), mime_type=PCM):
                if message.text:
                    said.append(message.text)
            if not said:  # it ends with the input, whether or not the answer has come
                said.append(await hear(session))
        assert said[0].startswith("|0.5 s|")

    await hold(talk, GEMINI)


@EVERYWHERE
async def test_resumption(settings: dict[str, Any]) -> None:
    """A closed session goes on with its handle, transparently on Vertex AI; a wrong one not."""
    transparent = {"transparent": True} if "vertexai" in settings else {}
    handles: list[str] = []
    indices: list[Any] = []

    async def talk(client: Any) -> None:
        resumption = transparent | ({"handle": handles[-1]} if handles else {})
        config = TEXT | {"session_resumption": resumption}
        async with client.aio.live.connect(model=MODEL, config=config) as session:
            await session.send_realtime_input(text="hello")
            assert await hear(session) == f"hello|0.0 s|0|{2 * len(handles)}"
            async for message in session.receive():
                update = message.session_resumption_update
                if update and update.resumable:
                    handles.append(update.new_handle)
                    indices.append(update.last_consumed_client_message_index)
                    break

    async def fail(client: Any) -> None:
        for handle, words in (("nonsense", "Invalid session handle"), ("0" * 32, "not found")):
            config = TEXT | {"session_resumption": {"handle": handle}}
            with pytest.raises(genai.errors.APIError, match=words):
                async with client.aio.live.connect(model=MODEL, config=config):
                    pass

    async def share(client: Any) -> None:
        config = TEXT | {"session_resumption": transparent}
        async with client.aio.live.connect(model=MODEL, config=config) as session:
            await session.send_realtime_input(text="hello")
            in_use = TEXT | {"session_resumption": {"handle": await next_handle(session)}}
            with pytest.raises(genai.errors.APIError, match="Internal error"):
                async with client.aio.live.connect(model=MODEL, config=in_use):
                    pass

    server = LiveServer(describe, pace=0)
    async with serving(server) as run:
        for index in range(3):
            await run(talk, settings)
            await server.sessions[index].wait_closed()
        await run(fail, settings)
        await run(share, settings)
    assert len(set(handles)) == 3
    assert indices == [1 if transparent else None] * 3
