"""The library's table of models and the embedded server's: what one refuses, the other refuses."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import trio
from live_server_client import connect
from msgspec.structs import replace
from trio.testing import MockClock

import trio_live
from trio_live import Capabilities, ConfigError, LocalProtocolError, SessionConfig
from trio_live.capabilities import MODELS
from trio_live.outbound import build
from trio_live.protocol import LiveProtocol
from trio_live.rules import check_setup
from trio_live.testing.server import LiveServer, Reply, UserTurn
from trio_live.testing.server.access import Entrance
from trio_live.testing.server.access import Platform as ServerPlatform
from trio_live.testing.server.generations import generation_of
from trio_live.testing.server.normalise import read_message
from trio_live.testing.server.shapes import Refusal, get_object
from trio_live.testing.server.terms import agree
from trio_live.wire import codec
from trio_live.wire.generation import (
    ModelSelectionConfig,
    ResponseFormat,
    TextResponseFormat,
    VideoResponseFormat,
)
from trio_live.wire.marks import Platform
from trio_live.wire.tools import FunctionCallingConfig, LatLng, RetrievalConfig, ToolConfig

# A name of each row of the table, and one of which nothing is known.
NAMES = [
    "gemini-2.5-flash-native-audio-latest",
    "gemini-3.1-flash-live-preview",
    "gemini-3.8-live",
    "gemini-3.8-live-extended-thinking",
    "gemini-9",
]
FUNCTION = trio_live.FunctionDeclaration
COST = ModelSelectionConfig("PRIORITIZE_COST")
SETTINGS: list[dict[str, Any]] = [
    {},
    {"response_modalities": ["TEXT"]},
    {"initial_history": True},
    {"thinking": trio_live.ThinkingConfig(thinking_budget=0)},
    {"thinking": trio_live.ThinkingConfig(include_thoughts=True)},
    *(
        {"thinking": trio_live.ThinkingConfig(thinking_level=level)}
        for level in ("MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH")
    ),
    *({"tools": [FUNCTION("f", behavior=b)]} for b in ("BLOCKING", "NON_BLOCKING", "UNSPECIFIED")),
    *({"proactivity": value} for value in (True, False)),
    *({"affective_dialog": value} for value in (True, False)),
    {"tools": []},
    {"input_transcription": True, "compression": True, "explicit_vad_signal": True},
    {"session_resumption": trio_live.SessionResumptionConfig(transparent=True)},
    {"labels": {"a": "b"}, "avatar": trio_live.AvatarConfig("Ana"), "voice": "Puck"},
    {"avatar": trio_live.AvatarConfig("Ana"), "response_modalities": ["VIDEO"]},
    {"compression": trio_live.ContextWindowCompressionConfig(4_000)},
    *(
        {"tool_config": ToolConfig(**fields)}
        for fields in (
            {"function_calling_config": FunctionCallingConfig("ANY", ("f",))},
            {"function_calling_config": FunctionCallingConfig(stream_function_call_arguments=True)},
            {"retrieval_config": RetrievalConfig(LatLng(52.5, 13.4), "de")},
            {"include_server_side_tool_invocations": True},
        )
    ),
    {"generation": trio_live.GenerationConfig(model_selection_config=COST)},
    {"generation": trio_live.GenerationConfig(model_config=COST)},
    {
        "generation": trio_live.GenerationConfig(
            audio_transcription_config=trio_live.AudioTranscriptionConfig(("de-DE",)),
            response_format=(
                ResponseFormat(text=TextResponseFormat("text/plain", {"type": "string"})),
                ResponseFormat(video=VideoResponseFormat(resolution="720p", duration="1s")),
            ),
        )
    },
    {"generation": trio_live.GenerationConfig(enable_enhanced_civic_answers=True)},
]


def test_each_row_of_the_table_has_its_name_here() -> None:
    """A generation that is added to one table is compared with the other."""
    assert [trio_live.capabilities_of(name) for name in NAMES[:-1]] == [m.known for m in MODELS]
    assert len({id(generation_of(name)) for name in NAMES}) == len(NAMES)


def model_name(platform: Platform, name: str) -> str:
    """A name as the platform spells it."""
    return f"models/{name}" if platform is Platform.GEMINI else f"publishers/google/models/{name}"


@pytest.mark.parametrize("number", range(len(SETTINGS)))
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("platform", "version"),
    [(Platform.GEMINI, "v1"), (Platform.GEMINI, "v1alpha"), (Platform.VERTEX, "v1beta1")],
)
def test_setup_is_refused_by_both_or_by_none(
    platform: Platform, version: str, name: str, number: int
) -> None:
    """Law 9: what the library lets through the server takes, and the other way round."""
    if platform is Platform.VERTEX and name == NAMES[1]:
        return  # the Gemini API alone has it, which the table does not say
    config = SessionConfig(name, **SETTINGS[number])
    refused_here = refused_there = ""
    try:
        check_setup(config, platform, version)
    except ConfigError as error:
        refused_here = str(error)
    unchecked = SessionConfig(name, capabilities=Capabilities(), **SETTINGS[number])
    frame, _ = LiveProtocol(unchecked, model_name(platform, name)).setup()
    service = ServerPlatform.GEMINI if platform is Platform.GEMINI else ServerPlatform.VERTEX
    try:
        setup = get_object(read_message(frame, service), "setup")
        agree(setup, Entrance(service, version, constrained=False), None)
    except Refusal as refusal:
        refused_there = refusal.detail
    assert bool(refused_here) == bool(refused_there), refused_here + refused_there


def tool(**fields: Any) -> trio_live.UpdateContext:
    """New tools: one function."""
    function = FUNCTION("g", **fields)
    return trio_live.UpdateContext(tools=(trio_live.Tool(function_declarations=(function,)),))


def turn(role: str | None) -> trio_live.SendClientContent:
    """A turn of somebody's."""
    return trio_live.SendClientContent((trio_live.Content.from_text("a", role),), False)


SENDS: list[trio_live.SessionCommand] = [
    trio_live.SendText("a"),
    trio_live.SendRealtimeText("a"),
    trio_live.SendVideo(b"image"),
    *map(turn, (None, "user", "model", "system", "assistant")),
    trio_live.SendToolResponse((trio_live.FunctionResponse("f", {}, "ID"),)),
    trio_live.SendToolResponse((trio_live.FunctionResponse("f", {}, "ID", "SILENT"),)),
    trio_live.UpdateInstruction("a"),
    trio_live.UpdateContext(tools=()),
    tool(),
    tool(behavior="BLOCKING"),
    tool(behavior="NON_BLOCKING"),
    trio_live.ActivityStart(),
    trio_live.EndAudioStream(),
]


async def call(turn: UserTurn, reply: Reply) -> None:
    """Call a function, and wait for the answer."""
    if turn.text == "call":
        await reply.call_tools([("f", {})])


@pytest.mark.parametrize("number", range(len(SENDS)))
@pytest.mark.parametrize("name", NAMES)
async def test_message_is_refused_by_both_or_by_none(
    autojump_clock: MockClock, name: str, number: int
) -> None:
    """Law 9: the same for what is sent in a session."""
    command = SENDS[number]
    refused = False
    with trio.fail_after(600):
        async with LiveServer(call) as server, connect(server) as client:
            await client.set_up(model=f"models/{name}")
            await client.say("call")
            asked = await client.receive()
            call_id = asked["toolCall"]["functionCalls"][0]["id"]
            if isinstance(command, trio_live.SendToolResponse):
                (answer,) = command.responses
                command = trio_live.SendToolResponse((replace(answer, id=call_id),))
            protocol = LiveProtocol(SessionConfig(name), name, platform=Platform.GEMINI)
            protocol.dial()
            protocol.setup()
            protocol.receive_frame(b'{"setupComplete":{}}', 0.0)
            protocol.receive_frame(msgspec.json.encode(asked), 0.0)
            try:
                protocol.send(command, 0.0)
            except LocalProtocolError:
                refused = True
            frame = codec.encode(build(command, Platform.GEMINI))
            await client.websocket.send_message(frame)
            await trio.sleep(1)
            assert bool(server.sessions[0].refusal) == refused, server.sessions[0].refusal
