"""What the embedded server refuses: paths, credentials, syntax, field names, setups, rules."""

from __future__ import annotations

import msgspec
import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live_server_client import (
    BEARER,
    GEMINI,
    KEY,
    MODEL,
    VERTEX,
    VERTEX_MODEL,
    Json,
    audio_message,
    close_of,
    connect,
)
from trio.testing import MockClock
from trio_websocket import ConnectionRejected

from trio_live.testing.server import CallTools, LiveServer, scripted

INVALID = "Request contains an invalid argument."
PREFIX = "Invalid JSON payload received. "
MANUAL = {"automaticActivityDetection": {"disabled": True}}
UNREGISTERED = (
    1008,
    "Method doesn't allow unregistered callers (callers without established identity). Please use "
    "API Key or other form of API c",  # a close frame holds no more
)
WRONG_KEY = (1007, "API key not valid. Please pass a valid API key.")


def setup(**fields: object) -> Json:
    """A first message for the Gemini Developer API."""
    return {"setup": {"model": MODEL} | fields}


def generation(**fields: object) -> Json:
    """A first message with these generation settings."""
    return setup(generationConfig=fields)


def function(**fields: object) -> Json:
    """A first message with one function declaration."""
    return setup(tools=[{"functionDeclarations": [fields]}])


def realtime(**fields: object) -> Json:
    """A realtimeInput message."""
    return {"realtimeInput": fields}


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (GEMINI, KEY),
        (GEMINI.replace("v1beta", "v1"), KEY),
        ("/" + GEMINI.replace("v1beta", "v1alpha"), KEY),
        (GEMINI + "?alt=json&key=k", []),
        (VERTEX, BEARER),
        (VERTEX.replace("v1", "v1beta1"), KEY),
        (GEMINI + "Constrained?access_token=auth_tokens/a", []),
        (GEMINI + "Constrained", [(b"authorization", b"Token auth_tokens/a"), *KEY]),
    ],
)
async def test_good_paths_and_credentials_are_let_in(
    path: str, headers: list[tuple[bytes, bytes]], autojump_clock: MockClock
) -> None:
    """Both platforms, each version, keys in header or query, bearer and ephemeral tokens."""
    model = VERTEX_MODEL if path.startswith(VERTEX[:10]) and "aiplatform" in path else MODEL
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server, path, headers) as client:
            assert "setupComplete" in await client.set_up(model=model)
            session = await server.wait_session()
            assert session.path == path
            assert session.setup == {"model": model}
            assert session.received == [{"setup": {"model": model}}]
            assert session.headers.get("x-goog-api-key", "k") == "k"


@pytest.mark.parametrize(
    ("path", "headers", "closed"),
    [
        (GEMINI, [], UNREGISTERED),
        (GEMINI, [(b"x-goog-api-key", b"wrong")], WRONG_KEY),
        (GEMINI + "?key=wrong", [], WRONG_KEY),
        # A token is for the constrained method, and that method for tokens.
        (GEMINI, [(b"x-goog-api-key", b"auth_tokens/a")], UNREGISTERED),
        (GEMINI + "Constrained", KEY, UNREGISTERED),
        (VERTEX, [], UNREGISTERED),
        (VERTEX + "?key=k", [], UNREGISTERED),
    ],
)
async def test_bad_credentials_are_refused_after_the_upgrade(
    path: str,
    headers: list[tuple[bytes, bytes]],
    closed: tuple[int, str],
    autojump_clock: MockClock,
) -> None:
    """The upgrade is accepted; the close frame comes before any setupComplete."""
    with trio.fail_after(60):
        async with LiveServer(api_keys=["k"]) as server, connect(server, path, headers) as client:
            assert await client.receive_closed() == closed  # without a word of the client
            assert await server.sessions[0].wait_closed() == closed
            with pytest.raises(RuntimeError, match="ended before"):
                await server.wait_session()
            async with connect(server, path, headers) as other:
                start = trio.current_time()
                await other.send(setup())
                assert await other.receive_closed() == closed
                assert trio.current_time() == start


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/", KEY, 404),
        (GEMINI.replace("Content", "MusicConstrained"), KEY, 404),
        (VERTEX.replace("v1", "v1alpha"), KEY, 404),
        (GEMINI, [], 403),
        (GEMINI, [(b"x-goog-api-key", b"wrong")], 401),
        (VERTEX, [(b"authorization", b"Bearer wrong")], 401),
    ],
)
async def test_rejected_upgrades(
    path: str, headers: list[tuple[bytes, bytes]], status: int, autojump_clock: MockClock
) -> None:
    """Unknown paths are rejected with HTTP 404, and on request bad credentials with 401 or 403."""
    with trio.fail_after(60):
        async with LiveServer(api_keys=["k"], bearer_tokens=["t"], reject_with_http=True) as server:
            with pytest.RaisesGroup(
                pytest.RaisesExc(ConnectionRejected, check=lambda e: e.status_code == status)
            ):
                async with connect(server, path, headers):
                    raise AssertionError
            assert server.sessions == []
            assert server.errors == []


async def test_upgrade_status_simulates_an_outage(autojump_clock: MockClock) -> None:
    """While upgrade_status is set every upgrade is answered with it."""
    with trio.fail_after(60):
        async with LiveServer() as server:
            server.upgrade_status = 503
            with pytest.RaisesGroup(
                pytest.RaisesExc(ConnectionRejected, check=lambda e: e.status_code == 503)
            ):
                async with connect(server):
                    raise AssertionError
            server.upgrade_status = None
            async with connect(server) as client:
                assert "setupComplete" in await client.set_up()


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"\x0a\x03abc", PREFIX + "Unexpected token."),
        (b'{"setup":{"model":"models/m"}}', PREFIX + "Unexpected token."),
        ("{", PREFIX + "Unexpected token."),
        ("[" * 100_000, PREFIX + "Unexpected token."),
        ("[]", PREFIX + 'Unknown name "": Root element must be a message.'),
        ({}, PREFIX + "Unexpected empty message."),
        ({"setup": None}, PREFIX + "Unexpected empty message."),
        ({"setUp": {}}, PREFIX + 'Unknown name "setUp": Cannot find field.'),
        (
            {"setup": {}, "client_content": {}},
            PREFIX + "Invalid value (oneof), oneof field 'message_type' is already set. Cannot set"
            " 'clientContent'",
        ),
        ({"clientContent": {"turnComplete": True}}, INVALID),
        ({"setup": {}}, INVALID),
        ({"setup": {"model": "gemini-3.8-live"}}, INVALID),
        ({"setup": {"model": "models/../x"}}, INVALID),
        ({"setup": {"model": 3}}, PREFIX + "Invalid value at 'setup.model' (TYPE_STRING)"),
        ({"setup": []}, PREFIX + "Invalid value at 'setup' (not an object)"),
        (setup(typo=1), PREFIX + "Unknown name \"typo\" at 'setup': Cannot find field."),
        (
            generation(outputAudioTranscription={}),
            PREFIX
            + "Unknown name \"outputAudioTranscription\" at 'setup.generation_config': Cannot"
            " find field.",
        ),
        (
            setup(sessionResumption={"transparent": True}),
            PREFIX + "Unknown name \"transparent\" at 'setup.session_resumption': Cannot find "
            "field.",
        ),
        (
            setup(sessionResumption={"handle": None}),
            PREFIX + "Invalid value at 'setup.session_resumption.handle' (TYPE_STRING, not null)",
        ),
        (
            setup(system_instruction={}, systemInstruction={}),
            PREFIX + "Invalid value at 'setup.system_instruction' (given twice)",
        ),
        (setup(tools=[]), INVALID),
        (setup(tools={}), PREFIX + "Invalid value at 'setup.tools' (not an array)"),
        (setup(tools=[{"retrieval": {}}]), None),
        (function(name="1st"), INVALID),
        (function(name="f", parameters={}, parametersJsonSchema={}), INVALID),
        (function(name="f", response={}, responseJsonSchema={}), INVALID),
        (
            function(name="f", behavior="SOMETIMES"),
            PREFIX + "Invalid value at 'setup.tools[0].function_declarations[0].behavior' (not one "
            "of the values of this enum)",
        ),
        (
            generation(responseModalities=["TEXT", "AUDIO"]),
            "The requested combination of response modalities (TEXT, AUDIO) is not supported by the"
            " model.",
        ),
        (generation(responseModalities=["IMAGE"]), None),
        (generation(stopSequences=["x"]), INVALID),
        (generation(speechConfig={"multiSpeakerVoiceConfig": {}}), INVALID),
        (
            generation(responseModalities=["TEXT"], speechConfig={"voiceConfig": {}}),
            "Cannot extract voices from a non-audio request.",
        ),
        (
            generation(seed=1.5),
            PREFIX + "Invalid value at 'setup.generation_config.seed' (TYPE_INT32)",
        ),
        (
            generation(seed=2**31),
            PREFIX + "Invalid value at 'setup.generation_config.seed' (TYPE_INT32)",
        ),
        (
            function(name="f", parameters={"properties": {"x": {"anyOf": [{"minItem": 1}]}}}),
            PREFIX + 'Unknown name "minItem" at \'setup.tools[0].function_declarations[0]'
            ".parameters.properties.any_of[0]': Cannot find field.",
        ),
        (
            setup(tools=[{"googleSearch": {"timeRangeFilter": {"startTime": "2026-01-01"}}}]),
            PREFIX + "Invalid value at 'setup.tools[0].google_search.time_range_filter.start_time' "
            "(type.googleapis.com/google.protobuf.Timestamp)",
        ),
        (
            setup(tools=[{"googleSearch": {"timeRangeFilter": {"endTime": "now"}}}]),
            PREFIX + "Invalid value at 'setup.tools[0].google_search.time_range_filter.end_time' "
            "(type.googleapis.com/google.protobuf.Timestamp)",
        ),
        (
            setup(tools=[{"mcpServers": [{"streamableHttpTransport": {"timeout": "10"}}]}]),
            PREFIX + "Invalid value at 'setup.tools[0].mcp_servers[0].streamable_http_transport"
            ".timeout' (type.googleapis.com/google.protobuf.Duration)",
        ),
        (
            setup(systemInstruction={"parts": [{"functionCall": {"args": []}}]}),
            PREFIX + "Invalid value at 'setup.system_instruction.parts[0].function_call.args' "
            "(type.googleapis.com/google.protobuf.Struct)",
        ),
        (generation(temperature=True), None),
        (generation(maxOutputTokens="many"), None),
        (setup(systemInstruction={"parts": [{"inlineData": {}}]}), INVALID),
        (setup(labels={"a": 1}), PREFIX + "Invalid value at 'setup.labels' (TYPE_STRING)"),
        (setup(explicitVadSignal=True), None),
    ],
)
async def test_bad_first_messages(
    frame: Json | str | bytes, reason: str | None, autojump_clock: MockClock
) -> None:
    """Everything but one well-formed setup closes with 1007 instead of setupComplete."""
    with trio.fail_after(60):
        async with LiveServer() as server:
            closed = await close_of(server, frame)
            assert reason is None or closed == reason[:123]  # what a close frame holds
            assert server.sessions[0].refusal


async def test_an_avatar_answers_with_video(autojump_clock: MockClock) -> None:
    """VIDEO is taken together with an avatarConfig, and with a voice; alone it is refused."""
    video = {"responseModalities": ["VIDEO"], "speechConfig": {"voiceConfig": {}}}
    with trio.fail_after(60):
        async with LiveServer() as server:
            refused = await close_of(server, setup(generationConfig=video))
            assert "combination of response modalities (VIDEO)" in refused
            async with connect(server) as client:
                avatar = {"avatarName": "Ana"}
                await client.set_up(generationConfig=video, avatarConfig=avatar)


async def test_native_audio_model_refuses_text(autojump_clock: MockClock) -> None:
    """A native audio model answers in audio only."""
    model = "models/gemini-2.5-flash-native-audio-preview-12-2025"
    with trio.fail_after(60):
        async with LiveServer() as server:
            message = generation(responseModalities=["TEXT"])
            message["setup"]["model"] = model
            assert "combination of response modalities (TEXT)" in await close_of(server, message)


async def test_full_setup_in_both_spellings(autojump_clock: MockClock) -> None:
    """Both spellings are taken at every depth; user data keeps its keys."""
    parameters = {"type": "object", "properties": {"snake_case": {"any_of": [{"min_items": 1}]}}}
    read = {"type": "object", "properties": {"snake_case": {"anyOf": [{"minItems": 1}]}}}
    schema = {"type": "object", "$defs": {"any_of": {"min_items": 1}}}
    functions = [
        {"name": "f", "parameters": parameters},
        {"name": "g", "parameters_json_schema": schema},
    ]
    times = {"start_time": "2026-01-01T00:00:00Z", "endTime": "2026-02-01T00:00:00.5+01:00"}
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server) as client:
            reply = await client.set_up(
                generation_config={
                    "response_modalities": ["AUDIO"],
                    "speechConfig": {
                        "voice_config": {"prebuilt_voice_config": {"voice_name": "Kore"}},
                        "language_code": None,
                    },
                    "top_k": 40,
                    "maxOutputTokens": 100.0,
                    "temperature": 0.5,
                },
                tools=[
                    {"function_declarations": functions},
                    {"google_search": {"time_range_filter": times}},
                ],
                session_resumption={},
                context_window_compression={
                    "trigger_tokens": "25600",
                    "sliding_window": {"target_tokens": 12800},
                },
                labels={"snake_case": "kept"},
                realtime_input_config={
                    "automatic_activity_detection": {
                        "start_of_speech_sensitivity": "START_SENSITIVITY_LOW"
                    }
                },
            )
            assert "setupComplete" in reply
            assert (await server.wait_session()).setup == {
                "model": MODEL,
                "generationConfig": {
                    "responseModalities": ["AUDIO"],
                    "speechConfig": {
                        "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}},
                    },
                    "topK": 40,
                    "maxOutputTokens": 100.0,
                    "temperature": 0.5,
                },
                "tools": [
                    {
                        "functionDeclarations": [
                            {"name": "f", "parameters": read},
                            {"name": "g", "parametersJsonSchema": schema},
                        ]
                    },
                    {
                        "googleSearch": {
                            "timeRangeFilter": {
                                "startTime": times["start_time"],
                                "endTime": times["endTime"],
                            }
                        }
                    },
                ],
                "sessionResumption": {},
                "contextWindowCompression": {
                    "triggerTokens": "25600",
                    "slidingWindow": {"targetTokens": 12800},
                },
                "labels": {"snake_case": "kept"},
                "realtimeInputConfig": {
                    "automaticActivityDetection": {
                        "startOfSpeechSensitivity": "START_SENSITIVITY_LOW"
                    }
                },
            }


@pytest.mark.parametrize("name", ["gemini-3.8-live", "models/gemini-3.8-live"])
async def test_models_that_exist(name: str, autojump_clock: MockClock) -> None:
    """With a list of models any other closes with 1008 and the service's words."""
    other = "models/gemini-2.0-flash-live-001"
    with trio.fail_after(60):
        async with LiveServer(models=[name]) as server:
            async with connect(server) as client:
                assert "setupComplete" in await client.set_up()
            async with connect(server) as client:
                await client.send({"setup": {"model": other}})
                assert await client.receive_closed() == (
                    1008,
                    f"{other} is not found for API version v1beta, or is not supported for "
                    "bidiGenerateContent.",
                )
            async with connect(server, VERTEX) as client:
                await client.send({"setup": {"model": VERTEX_MODEL}})
                code, reason = await client.receive_closed()
                assert (code, reason[:16]) == (1008, "Publisher Model ")


@pytest.mark.parametrize(
    ("message", "config", "reason"),
    [
        (setup(), {}, INVALID),
        (
            realtime(mediaChunks=[]),
            {},
            "realtime_input.media_chunks is deprecated. Use audio, video, or text instead.",
        ),
        (realtime(), {}, INVALID),
        (realtime(text="a", audioStreamEnd=True), {}, INVALID),
        (
            realtime(activityStart={}),
            {},
            "Explicit activity control is not supported when automatic activity detection is "
            "enabled.",
        ),
        (realtime(activityEnd={}), MANUAL, INVALID),
        (realtime(audioStreamEnd=True), MANUAL, INVALID),
        (audio_message(b"\0\0"), MANUAL, INVALID),
        (audio_message(b"\0"), {}, INVALID),
        (realtime(audio={"data": "AAAA", "mimeType": "audio/mpeg"}), {}, INVALID),
        (realtime(audio={"data": "AAAA"}), {}, INVALID),
        (
            realtime(audio={"data": "A", "mimeType": "audio/pcm"}),
            {},
            PREFIX + "Invalid value at 'realtime_input.audio.data' (TYPE_BYTES)",
        ),
        (
            realtime(audio={"data": 1, "mimeType": "audio/pcm"}),
            {},
            PREFIX + "Invalid value at 'realtime_input.audio.data' (TYPE_BYTES)",
        ),
        (realtime(video={"data": "AAAA", "mimeType": "video/mp4"}), {}, INVALID),
        (
            {"clientContent": {"turns": [{"role": "robot"}]}},
            {},
            "Please use a valid role: user, model.",
        ),
        (
            {"clientContent": {"turns": [{"parts": [{"texts": ""}]}]}},
            {},
            PREFIX + "Unknown name \"texts\" at 'client_content.turns[0].parts[0]': Cannot find "
            "field.",
        ),
        ({"toolResponse": {"functionResponses": [{"name": "f", "response": {}}]}}, {}, INVALID),
        ({"toolResponse": {"functionResponses": [{"id": "function-call-0"}]}}, {}, INVALID),
        ({"contextUpdate": {"tools": {"tools": [{"functionDeclarations": [{}]}]}}}, {}, INVALID),
        (
            {
                "contextUpdate": {
                    "tools": {"tools": [{"functionDeclarations": [{"name": "f"}] * 2}]}
                }
            },
            {},
            INVALID,
        ),
        (
            {"contextUpdate": {"systemInstruction": {"parts": [{"functionCall": {}}]}}},
            {},
            INVALID,
        ),
    ],
)
async def test_bad_later_messages(
    message: Json, config: Json, reason: str, autojump_clock: MockClock
) -> None:
    """A message that breaks a rule of the service closes an established session with 1007."""
    with trio.fail_after(60):
        async with LiveServer() as server:
            assert await close_of(server, message, realtimeInputConfig=config) == reason


async def test_marked_activity_has_an_order(autojump_clock: MockClock) -> None:
    """A second activityStart and a change of the sample rate within an activity are refused."""
    start = realtime(activityStart={})
    with trio.fail_after(60):
        async with LiveServer() as server:
            for rest in ([start], [audio_message(b"\0\0", 16_000), audio_message(b"\0\0", 8_000)]):
                async with connect(server) as client:
                    await client.set_up(realtimeInputConfig=MANUAL)
                    for message in [start, *rest]:
                        await client.send(message)
                    assert await client.receive_closed() == (1007, INVALID)


async def test_tool_response_must_be_an_object(autojump_clock: MockClock) -> None:
    """The response of a function is a JSON object."""
    model = scripted([[CallTools([("f", {})])]])
    with trio.fail_after(60):
        async with LiveServer(model) as server, connect(server) as client:
            await client.set_up()
            await client.send(realtime(text="go"))
            call_id = (await client.receive())["toolCall"]["functionCalls"][0]["id"]
            answer = {"id": call_id, "response": "sunny"}
            await client.send({"toolResponse": {"functionResponses": [answer]}})
            assert await client.receive_closed() == (1007, INVALID)


async def test_tool_response_of_a_call_that_was_never_made(autojump_clock: MockClock) -> None:
    """Vertex AI takes answers without an id, but only to a call of that name."""
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server, VERTEX, BEARER) as client:
            await client.set_up(model=VERTEX_MODEL)
            await client.send({"toolResponse": {"functionResponses": [{"name": "f"}]}})
            assert await client.receive_closed() == (1007, INVALID)


async def test_refusal_says_which_rule(autojump_clock: MockClock) -> None:
    """Where the service says nothing but "invalid argument", session.refusal names the rule."""
    with trio.fail_after(60):
        async with LiveServer() as server:
            await close_of(server, audio_message(b"\0"), realtimeInputConfig={})
            assert server.sessions[0].refusal == "16-bit PCM with an odd number of bytes"


async def test_context_update_changes_the_setup(autojump_clock: MockClock) -> None:
    """Instruction and tools are replaced; an empty wrapped list clears the tools."""
    instruction = {"parts": [{"text": "be brief"}]}
    tools = [{"functionDeclarations": [{"name": "f"}]}]
    with trio.fail_after(60):
        async with LiveServer() as server, connect(server) as client:
            await client.set_up()
            session = await server.wait_session()
            await client.send({"contextUpdate": {"tools": {"tools": tools}}})
            await client.send({"contextUpdate": {"systemInstruction": instruction}})
            await session.wait_received(3)
            expected = {"model": MODEL, "tools": tools, "systemInstruction": instruction}
            assert session.setup == expected
            await client.send({"contextUpdate": {"tools": {}}})
            await session.wait_received(4)
            assert session.setup == {"model": MODEL, "systemInstruction": instruction}


async def test_repr_shows_no_secret(autojump_clock: MockClock) -> None:
    """Representations show the state, never keys, handles or content."""
    with trio.fail_after(60):
        async with LiveServer(api_keys=["k"]) as server:
            async with connect(server) as client:
                await client.set_up()
                shown = repr(server.sessions[0])
                assert shown == "<ServerSession on Gemini Developer API, open>"
            await server.sessions[0].wait_closed()
            assert repr(server.sessions[0]).endswith("closed 1000>")
            assert repr(server) == "<LiveServer with 1 sessions>"


NAMES = ["setup", "clientContent", "realtime_input", "turns", "parts", "text", "audio", "data"]
NAMES += ["mimeType", "toolResponse", "functionResponses", "id", "turnComplete"]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(message=JSON_VALUES)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_no_message_breaks_the_server(message: object, autojump_clock: MockClock) -> None:
    """Whatever JSON comes, the session goes on or is closed with 1007."""
    with trio.fail_after(600):
        async with LiveServer(pace=0) as server, connect(server) as client:
            await client.set_up()
            await client.websocket.send_message(msgspec.json.encode(message).decode())
            await server.sessions[0].wait_received(1)
            await trio.sleep(1)
            closed = server.sessions[0].closed
            assert closed is None or closed[0] == 1007
            assert server.errors == []
