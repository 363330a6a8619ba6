"""The verbs beside turns and media: context, history, tool answers in pieces and with media."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
from session_parts import CONFIG, ENDPOINT, Json, Wired, collect, frame, open_with, read_until
from trio.testing import MockClock, wait_all_tasks_blocked

import trio_live
from trio_live import (
    Content,
    FunctionDeclaration,
    FunctionResponse,
    FunctionResponseBlob,
    FunctionResponseFileData,
    FunctionResponsePart,
    InvalidArgument,
    InvalidArgumentType,
    LocalProtocolError,
    Part,
    PhaseChanged,
    SeedHistory,
    SendAudio,
    SendClientContent,
    SendText,
    SendToolResponse,
    SessionPhase,
    Tool,
    ToolCall,
    TurnComplete,
    UpdateContext,
    UpdateInstruction,
)
from trio_live.protocol import LiveProtocol
from trio_live.testing import LiveServer, MockSession, Reply, UserTurn, connect_to
from trio_live.wire.functions import FunctionCall
from trio_live.wire.marks import Platform
from trio_live.wire.tools import UrlContext

P = SessionPhase
HISTORY: Json = {"historyConfig": {"initialHistoryInClientContent": True}}
SNAKE: Json = {"history_config": {"initial_history_in_client_content": True}}
USER = Content.from_text("a")
MODEL = Content.from_text("b", role="model")
CALL = Content((Part(function_call=FunctionCall("f")),), "model")
FUNCTION = FunctionDeclaration("f")


def open_protocol(
    extra: Json | None = None, platform: Platform | None = Platform.GEMINI
) -> LiveProtocol:
    """A protocol whose setup was accepted."""
    config = trio_live.SessionConfig("m", extra=extra)
    protocol = LiveProtocol(config, "models/m", platform=platform)
    protocol.dial()
    protocol.setup()
    protocol.receive_frame('{"setupComplete":{}}', 0.0)
    return protocol


def sent(protocol: LiveProtocol, command: trio_live.SessionCommand) -> Json:
    """What a command is on the wire; the command causes no event."""
    text, happened = protocol.send(command, 1.0)
    assert happened == []
    message = json.loads(text)
    assert isinstance(message, dict)
    return message


# Context


@pytest.mark.parametrize("platform", [Platform.GEMINI, Platform.VERTEX, None])
def test_update_context_says_only_what_changes(platform: Platform | None) -> None:
    """What is not given is not said; an empty list of tools is said, wrapped."""
    protocol = open_protocol(platform=platform)
    instruction = {"parts": [{"text": "a"}], "role": "user"}
    assert sent(protocol, UpdateContext(USER)) == {
        "contextUpdate": {"systemInstruction": instruction}
    }
    assert sent(protocol, UpdateContext(tools=())) == {"contextUpdate": {"tools": {"tools": []}}}
    tool = Tool(function_declarations=(FUNCTION,))
    assert sent(protocol, UpdateContext(USER, (tool,))) == {
        "contextUpdate": {
            "systemInstruction": instruction,
            "tools": {"tools": [{"functionDeclarations": [{"name": "f"}]}]},
        }
    }
    assert protocol.state.turn is None


async def test_update_context_takes_what_a_config_takes() -> None:
    """Text becomes Content; bare functions become one tool, before the others."""
    session = MockSession()
    search = Tool(url_context=UrlContext())
    await session.update_context(system_instruction="a", tools=[search, FUNCTION])
    await session.update_context(system_instruction=Content.from_text("a", role=None), tools=[])
    tool = Tool(function_declarations=(FUNCTION,))
    assert session.sent == [
        UpdateContext(USER, (tool, search)),
        UpdateContext(Content.from_text("a", role=None), ()),
    ]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({}, InvalidArgument),
        ({"system_instruction": ""}, InvalidArgument),
        ({"system_instruction": Content()}, InvalidArgument),
        ({"system_instruction": CALL}, InvalidArgument),
        ({"system_instruction": Content((Part(text="a", thought=True),))}, InvalidArgument),
        ({"system_instruction": Content(("a",))}, InvalidArgumentType),  # type: ignore[arg-type]
        ({"system_instruction": b"a"}, InvalidArgumentType),
        ({"tools": "f"}, InvalidArgumentType),
        ({"tools": [{"functionDeclarations": []}]}, InvalidArgumentType),
        ({"tools": FUNCTION}, InvalidArgumentType),
    ],
)
async def test_update_context_wrong_is_refused(
    wrong: dict[str, Any], error: type[LocalProtocolError]
) -> None:
    """Law 7: nothing that the service would refuse, or that would change nothing, is sent."""
    session = MockSession()
    with pytest.raises(error):
        await session.update_context(**wrong)
    assert session.sent == []
    with pytest.raises(InvalidArgumentType):
        open_protocol().send(UpdateContext(tools=(FUNCTION,)), 0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("platform", "message"),
    [
        (
            platform,
            {"contextUpdate": {"systemInstruction": {"parts": [{"text": "a"}], "role": "user"}}},
        )
        for platform in (Platform.GEMINI, Platform.VERTEX)
    ]
    + [
        (
            None,
            {
                "clientContent": {
                    "turns": [{"parts": [{"text": "a"}], "role": "system"}],
                    "turnComplete": False,
                }
            },
        )
    ],
)
def test_update_instruction_is_a_context_update_where_that_is_known(
    platform: Platform | None, message: Json
) -> None:
    """Both of Google's platforms take contextUpdate; elsewhere it is the older system turn."""
    protocol = open_protocol(platform=platform)
    assert sent(protocol, UpdateInstruction("a")) == message
    assert protocol.state.turn is None


@pytest.mark.parametrize("kind", ["gemini", "vertex", "custom"])
async def test_model_sees_the_context_as_it_was_updated(
    autojump_clock: MockClock, kind: str
) -> None:
    """From the next answer on the model has the new instruction and tools, on every way there."""
    seen: list[tuple[str, str, list[Json]]] = []

    async def model(turn: UserTurn, reply: Reply) -> None:
        seen.append((turn.text, turn.system_instruction, turn.tools))
        await reply.text("ok")

    async def give_token() -> str:
        return "t"

    vertex = "ws://localhost/ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent"
    endpoints: dict[str, trio_live.Endpoint] = {
        "gemini": ENDPOINT,
        "vertex": trio_live.VertexAI(
            "p", "us-central1", credentials=give_token, base_url="ws://localhost"
        ),
        "custom": trio_live.Custom(
            vertex,
            headers={"Authorization": "Bearer t"},
            model_name="publishers/google/models/{}".format,
        ),
    }
    config = trio_live.SessionConfig(
        "demo", response_modalities=["TEXT"], system_instruction="first", tools=[FUNCTION]
    )
    tools: list[Json] = [{"functionDeclarations": [{"name": "f"}]}]
    with trio.fail_after(60):
        async with (
            LiveServer(model) as server,
            trio_live.open_session(
                config, endpoint=endpoints[kind], transport=connect_to(server)
            ) as session,
        ):
            await session.send_text("1")
            await read_until(session, TurnComplete)
            await session.update_instruction("second")
            await session.send_text("2")
            await read_until(session, TurnComplete)
            await session.update_context(tools=[])
            await session.send_text("3")
            await read_until(session, TurnComplete)
            await session.update_context(system_instruction="third", tools=[FUNCTION])
            await session.send_text("4")
            await read_until(session, TurnComplete)
    assert seen == [
        ("1", "first", tools),
        ("2", "second", tools),
        ("3", "second", []),
        ("4", "third", tools),
    ]


# History


@pytest.mark.parametrize("extra", [HISTORY, SNAKE])
def test_seed_history_that_was_announced_ends_the_history(extra: Json) -> None:
    """It may end with the model, is said to be complete, and asks for no answer."""
    protocol = open_protocol(extra)
    assert sent(protocol, SeedHistory((USER, MODEL))) == {
        "clientContent": {
            "turns": [
                {"parts": [{"text": "a"}], "role": "user"},
                {"parts": [{"text": "b"}], "role": "model"},
            ],
            "turnComplete": True,
        }
    }
    assert protocol.state.turn is None
    with pytest.raises(LocalProtocolError, match="initial history has been sent"):
        protocol.send(SeedHistory((USER,)), 1.0)
    sent(protocol, SendText("now it speaks"))
    assert protocol.state.turn is not None


def test_seed_history_that_is_empty_ends_the_silence() -> None:
    """One config serves sessions with and without a history."""
    protocol = open_protocol(HISTORY)
    assert sent(protocol, SeedHistory()) == {"clientContent": {"turnComplete": True}}
    sent(protocol, SendText("a"))


def test_seed_history_that_was_not_announced_is_not_complete() -> None:
    """It is added without an answer, at any time, and ends with the user."""
    protocol = open_protocol()
    message = {
        "clientContent": {
            "turns": [{"parts": [{"text": "a"}], "role": "user"}],
            "turnComplete": False,
        }
    }
    assert sent(protocol, SeedHistory((USER,))) == message
    sent(protocol, SendText("b"))
    assert sent(protocol, SeedHistory((USER,))) == message
    sent(protocol, SeedHistory((MODEL, Content.from_text("no role", role=None))))
    sent(protocol, SeedHistory((USER, MODEL)))
    with pytest.raises(InvalidArgument, match="empty"):
        protocol.send(SeedHistory(()), 1.0)


def test_seed_history_ends_with_the_user_where_the_model_wants_it() -> None:
    """2.5 models want it; of what another model wants nothing is known."""
    config = trio_live.SessionConfig("gemini-2.5-flash-native-audio-latest")
    protocol = LiveProtocol(config, config.model)
    protocol.dial()
    protocol.setup()
    protocol.receive_frame('{"setupComplete":{}}', 0.0)
    with pytest.raises(InvalidArgument, match="end with the user's turn"):
        protocol.send(SeedHistory((USER, MODEL)), 1.0)
    sent(protocol, SeedHistory((MODEL, USER)))


@pytest.mark.parametrize("setting", [True, False])
@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("realtimeInputConfig", "automaticActivityDetection"),
        ("realtime_input_config", "automatic_activity_detection"),
    ],
)
def test_who_detects_speech_is_what_the_setup_says(outer: str, inner: str, setting: bool) -> None:
    """`extra` has the last word, in either spelling, and the rules follow it."""
    extra = {outer: {inner: {"disabled": setting}}}
    protocol = open_protocol(extra)
    if setting:
        protocol.send(trio_live.ActivityStart(), 1.0)
        protocol.send(trio_live.SendAudio(b"aa"), 1.0)
    else:
        with pytest.raises(LocalProtocolError, match="activity signals"):
            protocol.send(trio_live.ActivityStart(), 1.0)
    manual = trio_live.SessionConfig("m", activity_detection=False, extra=extra).manual_activity
    assert manual is (setting or outer.islower())  # two spellings: the service refuses the setup


@pytest.mark.parametrize("extra", [HISTORY, None])
def test_seed_history_with_a_call_is_refused(extra: Json | None) -> None:
    """The service closes with 1007 for it, and would for each repetition."""
    protocol = open_protocol(extra)
    with pytest.raises(InvalidArgument, match="functionCall"):
        protocol.send(SeedHistory((USER, CALL, USER)), 1.0)
    for command in (SeedHistory(("a",)), SeedHistory("a"), SeedHistory(None)):  # type: ignore[arg-type]
        with pytest.raises(InvalidArgumentType):
            protocol.send(command, 1.0)
    sent(protocol, SeedHistory((USER,)))


def test_what_would_stay_without_effect_before_the_history_is_refused() -> None:
    """While the service waits for the history it heeds nothing else; the error says what to do."""
    protocol = open_protocol(HISTORY)
    for command in (SendText("a"), SendAudio(b"\0\0"), UpdateInstruction("a"), UpdateContext(USER)):
        with pytest.raises(LocalProtocolError, match=r"seed_history\(turns\) first"):
            protocol.send(command, 1.0)
    with pytest.raises(LocalProtocolError, match="Disconnect is not a message"):
        protocol.send(trio_live.Disconnect(), 1.0)
    with pytest.raises(InvalidArgument, match="functionCall"):
        protocol.send(SendClientContent((CALL,)), 1.0)
    sent(protocol, SendClientContent((USER,), turn_complete=False))
    with pytest.raises(LocalProtocolError, match="SendText would stay without effect"):
        protocol.send(SendText("a"), 1.0)
    sent(protocol, SendClientContent((MODEL,)))
    assert protocol.state.turn is None  # it ended the history, and asks for no answer
    sent(protocol, SendText("a"))


@pytest.mark.parametrize(
    "extra",
    [{}, {"historyConfig": {}}, {"historyConfig": {"initialHistoryInClientContent": False}}],
)
def test_history_that_is_not_asked_for_is_not_awaited(extra: Json) -> None:
    """Only the field itself, being true, makes the service wait."""
    sent(open_protocol(extra), SendText("a"))


def test_each_connection_awaits_its_history() -> None:
    """A new setup begins anew."""
    protocol = open_protocol(HISTORY)
    sent(protocol, SeedHistory((USER,)))
    protocol.close()
    protocol.closed()
    protocol.dial()
    protocol.setup()
    protocol.receive_frame('{"setupComplete":{}}', 0.0)
    with pytest.raises(LocalProtocolError, match="history"):
        protocol.send(SendText("a"), 1.0)
    sent(protocol, SeedHistory((USER,)))


@pytest.mark.parametrize("extra", [HISTORY, None])
async def test_model_knows_the_history_that_was_seeded(
    autojump_clock: MockClock, extra: Json | None
) -> None:
    """The history is not answered, and is there when the first turn is."""
    seen: list[tuple[str, list[str]]] = []

    async def model(turn: UserTurn, reply: Reply) -> None:
        seen.append((turn.text, [str(content["role"]) for content in turn.history]))

    config = trio_live.SessionConfig("gemini-3.8-live", response_modalities=["TEXT"], extra=extra)
    with trio.fail_after(60):
        async with LiveServer(model) as server, open_with(server, config) as session:
            if extra is not None:
                with pytest.raises(LocalProtocolError, match="seed_history"):
                    await session.send_realtime_text("too early")
            await session.seed_history([USER, MODEL] if extra else [USER, MODEL, USER])
            await session.send_realtime_text("now")
            events = await read_until(session, TurnComplete)
            assert events[-1] == TurnComplete(0, 1)
    assert seen == [("now", ["user", "model"] if extra else ["user", "model", "user"])]


# Tool answers


def call(protocol: LiveProtocol, *ids: str) -> None:
    """Let the model call a function, once for each id."""
    calls = [{"id": call_id, "name": "f", "args": {}} for call_id in ids]
    protocol.receive_frame(json.dumps({"toolCall": {"functionCalls": calls}}), 0.0)


def piece(call_id: str = "1", **more: Any) -> FunctionResponse:
    """An answer, or a piece of one."""
    return FunctionResponse("f", {"n": 1}, call_id, **more)


def test_call_is_owed_until_its_last_answer() -> None:
    """will_continue keeps the call open; the program is at work on it, as the phase says."""
    protocol = open_protocol()
    call(protocol, "1", "2")
    text, happened = protocol.send(SendToolResponse((piece(will_continue=True),)), 1.0)
    assert json.loads(text)["toolResponse"]["functionResponses"] == [
        {"id": "1", "name": "f", "response": {"n": 1}, "willContinue": True}
    ]
    assert happened == [PhaseChanged(P.TOOL_CALL_EXECUTING, P.TOOL_CALL_PENDING)]
    assert list(protocol.state.machine.calls_owed) == ["1", "2"]
    # Several pieces, the last one of them included, may be in one message.
    pieces = (piece(will_continue=True), piece(will_continue=False, scheduling="SILENT"))
    assert protocol.send(SendToolResponse(pieces), 1.0)[1] == []
    assert list(protocol.state.machine.calls_owed) == ["2"]
    with pytest.raises(LocalProtocolError, match="'1'"):
        protocol.send(SendToolResponse((piece(will_continue=True),)), 1.0)
    with pytest.raises(LocalProtocolError, match="'2'"):  # a piece after the last one
        protocol.send(SendToolResponse((piece("2"), piece("2", will_continue=True))), 1.0)
    last = protocol.send(SendToolResponse((piece("2"),)), 1.0)
    assert last[1] == [PhaseChanged(P.ACTIVE, P.TOOL_CALL_EXECUTING)]


def test_call_that_was_withdrawn_is_owed_nothing_more() -> None:
    """After a cancellation the next piece is refused."""
    protocol = open_protocol()
    call(protocol, "1")
    protocol.send(SendToolResponse((piece(will_continue=True),)), 1.0)
    protocol.receive_frame('{"toolCallCancellation":{"ids":["1"]}}', 2.0)
    assert protocol.state.phase is P.ACTIVE
    with pytest.raises(LocalProtocolError, match="withdrawn"):
        protocol.send(SendToolResponse((piece(),)), 3.0)


def test_answer_carries_media_and_scheduling() -> None:
    """Parts and scheduling are siblings of the response on the wire."""
    protocol = open_protocol()
    call(protocol, "1")
    parts = (
        FunctionResponsePart(FunctionResponseBlob(b"\x00", "image/png")),
        FunctionResponsePart(file_data=FunctionResponseFileData("gs://a/b.png", "image/png")),
    )
    answer = piece(scheduling="WHEN_IDLE", parts=parts)
    text, _ = protocol.send(SendToolResponse((answer,)), 1.0)
    assert json.loads(text) == {
        "toolResponse": {
            "functionResponses": [
                {
                    "name": "f",
                    "response": {"n": 1},
                    "id": "1",
                    "scheduling": "WHEN_IDLE",
                    "parts": [
                        {"inlineData": {"data": "AA==", "mimeType": "image/png"}},
                        {"fileData": {"fileUri": "gs://a/b.png", "mimeType": "image/png"}},
                    ],
                }
            ]
        }
    }


IMAGE = FunctionResponseBlob(b"x", "image/png")
FILE = FunctionResponseFileData("gs://a", "image/png")


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"scheduling": "LATER"}, InvalidArgument),
        ({"scheduling": True}, InvalidArgument),
        ({"will_continue": "yes"}, InvalidArgumentType),
        ({"will_continue": 1}, InvalidArgumentType),
        ({"parts": (IMAGE,)}, InvalidArgumentType),
        ({"parts": "x"}, InvalidArgumentType),
        ({"parts": (FunctionResponsePart(),)}, InvalidArgument),
        ({"parts": (FunctionResponsePart(IMAGE, FILE),)}, InvalidArgument),
        ({"parts": (FunctionResponsePart(FunctionResponseBlob()),)}, InvalidArgument),
        ({"parts": (FunctionResponsePart(FunctionResponseBlob(b"x")),)}, InvalidArgument),
        (
            {"parts": (FunctionResponsePart(FunctionResponseBlob("x", "a/b")),)},  # type: ignore[arg-type]
            InvalidArgumentType,
        ),
        (
            {"parts": (FunctionResponsePart(file_data=FunctionResponseFileData("gs://a")),)},
            InvalidArgument,
        ),
        (
            {"parts": (FunctionResponsePart(file_data=FunctionResponseFileData("", "a/b")),)},
            InvalidArgument,
        ),
    ],
)
def test_answer_that_is_wrong_is_refused(
    more: dict[str, Any], error: type[LocalProtocolError]
) -> None:
    """Law 7: nothing was sent, and the call is still owed its answer."""
    protocol = open_protocol()
    call(protocol, "1")
    with pytest.raises(error):
        protocol.send(SendToolResponse((piece(**more),)), 1.0)
    assert list(protocol.state.machine.calls_owed) == ["1"]


async def test_model_gets_every_piece_of_an_answer(autojump_clock: MockClock) -> None:
    """The model waits for the last piece, and has them all, with media and scheduling."""
    seen: list[object] = []

    async def model(turn: UserTurn, reply: Reply) -> None:
        seen.append(await reply.call_tools([("f", {}), ("g", {})]))
        seen.append([(a["name"], sorted(a)) for a in reply.answers])

    part = FunctionResponsePart(IMAGE)
    with trio.fail_after(60):
        async with LiveServer(model) as server, open_with(server) as session:
            await session.send_text("go")
            made = (await read_until(session, ToolCall))[-1]
            assert isinstance(made, ToolCall)
            f, g = made.calls
            first = FunctionResponse("f", {"n": 1}, f.id, will_continue=True, scheduling="SILENT")
            await session.send_tool_response([first])
            await session.send_tool_response([FunctionResponse("g", {"n": 2}, g.id, parts=(part,))])
            assert session.phase is P.TOOL_CALL_EXECUTING
            await session.send_tool_response([FunctionResponse("f", {}, f.id)])
            await read_until(session, TurnComplete)
    assert seen == [
        [{}, {"n": 2}],
        [
            ("f", ["id", "name", "response", "scheduling", "willContinue"]),
            ("f", ["id", "name", "response"]),
            ("g", ["id", "name", "parts", "response"]),
        ],
    ]


@pytest.mark.parametrize("verb", ["update_context", "seed_history"])
async def test_raw_command_that_is_refused_is_an_error_event(
    autojump_clock: MockClock, verb: str
) -> None:
    """Put into the channel, the new commands come back as an Error like all others."""
    command = UpdateContext() if verb == "update_context" else SeedHistory(())
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open(CONFIG) as session:
            await session.command_tx.send(command)
            await wait_all_tasks_blocked()
            assert wired.sent() == []
            wired.peer.send(frame(serverContent={"turnComplete": True}))
            await session.disconnect()
            errors = [e for e in await collect(session) if isinstance(e, trio_live.Error)]
            assert [e.message.partition(":")[0] for e in errors] == ["a command was refused"]
