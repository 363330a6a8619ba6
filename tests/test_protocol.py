"""LiveProtocol: frames to events, commands to frames; orders, numbers and refusals."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import pytest

from trio_live import (
    ActivityEnd,
    ActivityStart,
    AudioData,
    Blob,
    CodeExecutionResult,
    Connected,
    Content,
    Disconnect,
    EndAudioStream,
    Error,
    ExecutableCode,
    FunctionCall,
    FunctionDeclaration,
    FunctionResponse,
    GenerationComplete,
    GoAway,
    InlineData,
    InputTranscription,
    InteractionStatus,
    Interrupted,
    InvalidArgument,
    InvalidArgumentType,
    LocalProtocolError,
    ModelPart,
    OutputTranscription,
    Part,
    PhaseChanged,
    SendAudio,
    SendClientContent,
    SendRealtimeText,
    SendText,
    SendToolResponse,
    SendVideo,
    SessionConfig,
    SessionPhase,
    SessionResumeUpdate,
    TextComplete,
    TextDelta,
    Thought,
    Tool,
    ToolCall,
    ToolCallCancelled,
    TurnComplete,
    Unknown,
    UpdateContext,
    UpdateInstruction,
    Usage,
    UsageMetadata,
    VoiceActivityEnd,
    VoiceActivityStart,
    WaitingForInput,
    arguments,
)
from trio_live.events import SessionEvent, payload_size
from trio_live.protocol import LiveProtocol
from trio_live.state import SessionState
from trio_live.turns import MAX_CALLS, MAX_TURN_CHARS
from trio_live.wire import content as wire_content

P = SessionPhase
PCM = b"\x01\x00" * 240
PCM64 = "AQABAAEA"  # three samples
SAMPLES = b"\x01\x00" * 3


def open_protocol(**settings: Any) -> LiveProtocol:
    """A protocol whose setup was accepted."""
    protocol = LiveProtocol(SessionConfig("m", **settings), "models/m")
    protocol.dial()
    protocol.setup()
    protocol.receive_frame('{"setupComplete":{}}', 0.0)
    return protocol


def told(protocol: LiveProtocol, *, now: float = 1.0, **message: Any) -> list[SessionEvent]:
    """What one message of the service causes."""
    return protocol.receive_frame(json.dumps(message), now)


def said(protocol: LiveProtocol, *, now: float = 1.0, **content: Any) -> list[SessionEvent]:
    """What one serverContent causes."""
    return told(protocol, now=now, serverContent=content)


def facts(happened: list[SessionEvent]) -> list[SessionEvent]:
    """Events but for changes of phase."""
    return [event for event in happened if not isinstance(event, PhaseChanged)]


def text(value: str) -> dict[str, Any]:
    """A modelTurn of one text part."""
    return {"parts": [{"text": value}]}


def audio(mime_type: str = "audio/pcm;rate=24000") -> dict[str, Any]:
    """A modelTurn of one audio part."""
    return {"parts": [{"inlineData": {"mimeType": mime_type, "data": PCM64}}]}


def voice(response: int) -> AudioData:
    """The event of `audio()`."""
    return AudioData(SAMPLES, 24_000, "audio/pcm;rate=24000", response)


def call(protocol: LiveProtocol, *ids: str | None, name: str = "f") -> list[SessionEvent]:
    """Let the model call a function once for each id."""
    calls = [{"name": name, **({} if i is None else {"id": i})} for i in ids]
    return told(protocol, toolCall={"functionCalls": calls})


def answer(*ids: str | None, name: str = "f") -> SendToolResponse:
    """Answers to calls."""
    return SendToolResponse(tuple(FunctionResponse(name, {"output": 1}, i) for i in ids))


# The line of the connection


def test_open_tells_each_phase_on_the_way() -> None:
    """From dial to setupComplete each phase of the connection is an event."""
    protocol = LiveProtocol(SessionConfig("m"), "models/m")
    assert protocol.opened is False
    assert protocol.dial() == [PhaseChanged(P.CONNECTING, P.DISCONNECTED)]
    assert protocol.setup()[1] == [PhaseChanged(P.SETUP_SENT, P.CONNECTING)]
    assert told(protocol, setupComplete={"sessionId": "s"}) == [
        Connected("s"),
        PhaseChanged(P.ACTIVE, P.SETUP_SENT),
    ]
    assert (protocol.opened, protocol.state.session_id) == (True, "s")
    assert protocol.close() == [PhaseChanged(P.DISCONNECTING, P.ACTIVE)]
    assert protocol.opened is False
    assert protocol.closed() == [PhaseChanged(P.DISCONNECTED, P.DISCONNECTING)]


def test_setup_complete_without_session_id_keeps_the_one_before() -> None:
    """An id that is not repeated is not forgotten."""
    protocol = open_protocol()
    assert told(protocol, setupComplete={"sessionId": "s"}) == [Connected("s")]
    assert told(protocol, setupComplete={}) == [Connected("s")]


def test_setup_frame_is_the_config_as_the_wire_spells_it() -> None:
    """The first frame holds the whole setup under the endpoint's name of the model."""
    frame, _ = LiveProtocol(SessionConfig("m", temperature=0.5), "models/m").setup()
    assert json.loads(frame) == {
        "setup": {
            "model": "models/m",
            "generationConfig": {"responseModalities": ["AUDIO"], "temperature": 0.5},
            "sessionResumption": {},
        }
    }


def test_setup_extra_is_merged_at_any_depth_and_wins() -> None:
    """Law 9: raw fields are merged into the setup last; what they do not name stays."""
    extra = MappingProxyType(
        {
            "generationConfig": MappingProxyType({"temperature": 1, "enableAffectiveDialog": True}),
            "sessionResumption": None,
            "proactivity": {"proactiveAudio": True},
        }
    )
    protocol = LiveProtocol(SessionConfig("m", temperature=0.5, extra=extra), "models/m")
    assert json.loads(protocol.setup()[0])["setup"] == {
        "model": "models/m",
        "generationConfig": {
            "responseModalities": ["AUDIO"],
            "temperature": 1,
            "enableAffectiveDialog": True,
        },
        "sessionResumption": None,
        "proactivity": {"proactiveAudio": True},
    }


@pytest.mark.parametrize("stage", range(5))
def test_send_while_not_open_is_refused_and_says_where_it_stands(stage: int) -> None:
    """Law 7: a command before setupComplete or after the end raises and changes nothing."""
    protocol = LiveProtocol(SessionConfig("m"), "models/m")
    steps = [
        protocol.dial,
        protocol.setup,
        lambda: told(protocol, setupComplete={}) and protocol.close(),
        protocol.closed,
    ]
    for step in steps[:stage]:
        step()
    phase = protocol.state.phase
    with pytest.raises(LocalProtocolError) as caught:
        protocol.send(SendText("hi"), 0)
    assert str(caught.value) == f"SendText cannot be sent while the session is {phase.value}"
    assert caught.value.phase is phase
    assert protocol.state.turn is None


def test_receive_after_close_tells_facts_and_keeps_the_phase() -> None:
    """Law 4: what the service says while the session ends is still told."""
    protocol = open_protocol()
    protocol.close()
    assert said(protocol, modelTurn=text("late"), turnComplete=True) == [
        TextDelta("late", 1),
        TextComplete("late", 1),
        TurnComplete(1, 1),
    ]
    assert protocol.state.phase is P.DISCONNECTING


# The order of events


def test_receive_bundled_frame_gives_events_in_the_promised_order() -> None:
    """One frame that holds everything: its events come in the order of the events module."""
    protocol = open_protocol()
    call(protocol, "old")
    frame = """{
        "brandNew": 1,
        "error": {"code": 8, "message": "x", "status": "Y", "details": []},
        "interactionStatus": "IDLE",
        "usageMetadata": {"totalTokenCount": 7},
        "toolCall": {"functionCalls": [{"name": "f", "id": "1"}]},
        "serverContent": {
            "waitingForInput": true,
            "interactionStatus": "IN_PROGRESS",
            "turnComplete": true,
            "turnCompleteReason": "OTHER",
            "generationComplete": true,
            "outputTranscription": {"text": "out", "finished": true},
            "modelTurn": {"parts": [{"text": "hm", "thought": true}, {"text": "a"}]},
            "inputTranscription": {"text": "in"}
        },
        "voiceActivityDetectionSignal": {"vadSignalType": "VAD_SIGNAL_TYPE_EOS"},
        "voiceActivity": {"type": "ACTIVITY_START", "audioOffset": "1.5s"},
        "toolCallCancellation": {"ids": ["old"]},
        "sessionResumptionUpdate": {"newHandle": "h", "resumable": true},
        "goAway": {"timeLeft": "10s"},
        "setupComplete": {"sessionId": "s"},
        "bad": 2
    }"""
    assert protocol.receive_frame(frame, 5.0) == [
        Connected("s"),
        GoAway(10.0),
        SessionResumeUpdate("h", True),
        ToolCallCancelled(("old",)),
        PhaseChanged(P.ACTIVE, P.TOOL_CALL_PENDING),
        VoiceActivityStart(1.5),
        PhaseChanged(P.USER_SPEAKING, P.ACTIVE),
        VoiceActivityEnd(),
        PhaseChanged(P.ACTIVE, P.USER_SPEAKING),
        InputTranscription("in"),
        Thought("hm", 1),
        PhaseChanged(P.MODEL_SPEAKING, P.ACTIVE),
        TextDelta("a", 1),
        OutputTranscription("out", True, 1),
        ToolCall((FunctionCall("f", None, "1"),)),
        PhaseChanged(P.TOOL_CALL_PENDING, P.MODEL_SPEAKING),
        Usage(UsageMetadata(total_token_count=7)),
        TextComplete("a", 1),
        GenerationComplete(1),
        TurnComplete(1, 1, False, "OTHER"),
        WaitingForInput(),
        InteractionStatus("IN_PROGRESS"),
        InteractionStatus("IDLE"),
        Error(
            "the service sent an error object",
            b'{"code": 8, "message": "x", "status": "Y", "details": []}',
            8,
            "Y",
        ),
        Unknown(b'{"brandNew":1}'),
        Unknown(b'{"bad":2}'),
    ]


def test_receive_interruption_in_a_bundle_comes_first() -> None:
    """Interrupted is the first event of its frame, before anything else is looked at."""
    protocol = open_protocol()
    said(protocol, modelTurn=audio())
    happened = told(
        protocol,
        setupComplete={},
        goAway={},
        serverContent={"interrupted": True, "turnComplete": True},
        usageMetadata={},
    )
    assert happened == [
        Interrupted(1),
        PhaseChanged(P.INTERRUPTED, P.MODEL_SPEAKING),
        Connected(""),
        GoAway(None),
        Usage(UsageMetadata()),
        TurnComplete(1, 1, True),
        PhaseChanged(P.ACTIVE, P.INTERRUPTED),
    ]


def test_receive_all_parts_of_a_turn_in_their_order() -> None:
    """Each part of the model's turn is an event of its own, in the order of the parts."""
    protocol = open_protocol()
    parts = [
        {"text": "a"},
        {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": PCM64}},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
        {"executableCode": {"language": "PYTHON", "code": "1+1"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}},
        {"text": "b"},
    ]
    assert facts(said(protocol, modelTurn={"parts": parts})) == [
        TextDelta("a", 1),
        voice(1),
        InlineData(b"\x00\x00\x00", "image/png", 1),
        ExecutableCode("1+1", "PYTHON", 1),
        CodeExecutionResult("2", "OUTCOME_OK", 1),
        TextDelta("b", 1),
    ]


@pytest.mark.parametrize(
    "part",
    [
        '{"hologram": {"depth": 3}}',
        '{"thought": true}',
        "{}",
    ],
)
def test_receive_part_with_nothing_known_is_unknown_with_its_text(part: str) -> None:
    """Law 4: a part in which nothing is known comes as the service wrote it, in its place."""
    protocol = open_protocol()
    frame = '{"serverContent":{"modelTurn":{"parts":[{"text":"a"},PART,{"text":"b"}]}}}'
    assert facts(protocol.receive_frame(frame.replace("PART", part), 0)) == [
        TextDelta("a", 1),
        Unknown(part.encode()),
        TextDelta("b", 1),
    ]
    assert protocol.state.machine.calls_owed == {}


def test_receive_malformed_part_is_an_error_and_the_others_are_told() -> None:
    """Law 4: the good parts are told in their places, then an Error with what could not be read."""
    protocol = open_protocol()
    frame = (
        '{"serverContent":{"new":1,"modelTurn":{"parts":'
        '[{"text":"a"},{"text":7},{"new":1},{"inlineData":[]},{"new":2},{"text":"b"}]}}}'
    )
    *told_parts, unknown, first, second = facts(protocol.receive_frame(frame, 0))
    assert unknown == Unknown(b'{"new":1}')  # the field of serverContent, not the part
    assert told_parts == [
        TextDelta("a", 1),
        Unknown(b'{"new":1}'),
        Unknown(b'{"new":2}'),
        TextDelta("b", 1),
    ]
    assert isinstance(first, Error)
    assert isinstance(second, Error)
    assert first.message.startswith("serverContent.modelTurn.parts[1] of the service")
    assert (first.raw, second.raw) == (b'{"text":7}', b'{"inlineData":[]}')
    later = protocol.receive_frame('{"serverContent":{"modelTurn":{"parts":[{"new":3}]}}}', 0)
    assert facts(later) == [Unknown(b'{"new":3}')]


def test_receive_part_of_several_kinds_loses_none() -> None:
    """Law 4: text, then media, then the part as a whole for what has no event beside them."""
    protocol = open_protocol()
    image = {"mimeType": "image/png", "data": "AAAA"}
    parts: list[dict[str, Any]] = [
        {"text": "a caption", "inlineData": image},
        {"text": "a thought", "thought": True, "inlineData": image},
        {"text": "code:", "executableCode": {"code": "1+1", "language": "PYTHON"}},
    ]
    whole = Part(text="code:", executable_code=wire_content.ExecutableCode("1+1", "PYTHON"))
    assert facts(said(protocol, modelTurn={"parts": parts})) == [
        TextDelta("a caption", 1),
        InlineData(b"\x00\x00\x00", "image/png", 1),
        Thought("a thought", 1),
        InlineData(b"\x00\x00\x00", "image/png", 1),
        TextDelta("code:", 1),
        ModelPart(whole, 1),
    ]


def test_receive_malformed_field_is_an_error_event_and_the_rest_is_told() -> None:
    """Law 4: an Error names the place, carries what came, and takes nothing else with it."""
    protocol = open_protocol()
    happened = told(protocol, toolCall=5, serverContent={"modelTurn": text("a"), "interrupted": []})
    assert facts(happened) == [
        TextDelta("a", 1),
        Error(
            "toolCall of the service could not be read: Expected `object | null`, got `int`",
            b"5",
        ),
        Error(
            "serverContent.interrupted of the service could not be read: "
            "Expected `bool | null`, got `array`",
            b"[]",
        ),
    ]
    assert protocol.receive_frame("[]", 0) == [
        Error(
            "a frame of the service could not be read: Expected `object`, got `array`",
            b"[]",
        )
    ]


@pytest.mark.parametrize(
    ("mime_type", "rate"),
    [
        ("audio/pcm", 24_000),
        ("audio/pcm;rate=16000", 16_000),
        ("audio/pcm; channels=1; RATE=8000", 8_000),
        ("audio/pcm;rate=0", 24_000),
        ("audio/pcm;rate=-5", 24_000),
        ("audio/pcm;rate=fast", 24_000),
        ("audio/pcm;rate=", 24_000),
        ("audio/pcm;rate=²", 24_000),
        ("audio/pcm;rate=1000000", 24_000),
        ("audio/pcm;rate=" + "9" * 5_000, 24_000),
    ],
)
def test_receive_audio_rate_comes_from_the_mime_type(mime_type: str, rate: int) -> None:
    """A rate that is none, or that no sound has, counts as the service's 24,000 Hz."""
    protocol = open_protocol()
    happened = said(protocol, modelTurn=audio(mime_type))
    assert happened[0] == AudioData(SAMPLES, rate, mime_type, 1)
    assert protocol.state.turn is not None
    assert protocol.state.turn.audio_bytes == 6
    assert protocol.state.turn.audio_seconds == pytest.approx(3 / rate)


def test_receive_ever_new_mime_types_are_all_read() -> None:
    """Law 3: what is remembered of mime types is bounded, what is read is not."""
    protocol = open_protocol()
    rates = range(8_000, 8_040)
    happened = [said(protocol, modelTurn=audio(f"audio/pcm;rate={r}"))[0] for r in rates]
    assert [e.sample_rate_hz for e in happened if isinstance(e, AudioData)] == list(rates)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("voiceActivity", '{"type": "ACTIVITY_PAUSE", "x": 1}'),
        ("voiceActivityDetectionSignal", '{"vadSignalType": "VAD_NEW"}'),
    ],
)
def test_receive_voice_activity_of_a_new_kind_is_unknown(name: str, value: str) -> None:
    """Law 4: a new kind of voice activity is kept as it came and changes no phase."""
    protocol = open_protocol()
    happened = protocol.receive_frame(f'{{"{name}": {value}}}', 0)
    assert happened == [Unknown(f'{{"{name}":{value}}}'.encode())]


def test_receive_both_forms_of_voice_activity() -> None:
    """The newer and the older form say the same."""
    protocol = open_protocol()
    start, end = PhaseChanged(P.USER_SPEAKING, P.ACTIVE), PhaseChanged(P.ACTIVE, P.USER_SPEAKING)
    assert told(protocol, voiceActivity={"type": "ACTIVITY_START"}) == [VoiceActivityStart(), start]
    stopped = told(protocol, voiceActivity={"type": "ACTIVITY_END", "audioOffset": "2s"})
    assert stopped == [VoiceActivityEnd(2.0), end]
    signal = {"vadSignalType": "VAD_SIGNAL_TYPE_SOS"}
    assert told(protocol, voiceActivityDetectionSignal=signal) == [VoiceActivityStart(), start]
    signal = {"vadSignalType": "VAD_SIGNAL_TYPE_EOS"}
    assert told(protocol, voiceActivityDetectionSignal=signal) == [VoiceActivityEnd(), end]


# Responses and turns


def test_interruption_with_audio_in_its_frame_marks_that_audio_stale() -> None:
    """Audio beside `interrupted` carries the interrupted number; what comes later a new one."""
    protocol = open_protocol()
    said(protocol, modelTurn=audio())
    assert said(protocol, interrupted=True, modelTurn=audio()) == [
        Interrupted(1),
        PhaseChanged(P.INTERRUPTED, P.MODEL_SPEAKING),
        voice(1),
    ]
    assert said(protocol, modelTurn=audio()) == [
        voice(2),
        PhaseChanged(P.MODEL_SPEAKING, P.INTERRUPTED),
    ]


@pytest.mark.parametrize(
    ("content", "stale"),
    [
        ({"modelTurn": audio()}, voice(1)),
        ({"outputTranscription": {"text": "o"}}, OutputTranscription("o", response=1)),
    ],
)
def test_interruption_whose_frame_is_the_first_of_a_response_marks_it_stale(
    content: dict[str, Any], stale: SessionEvent
) -> None:
    """Whatever the model says in an interrupted frame is stale by its number, if it is all."""
    protocol = open_protocol()
    assert said(protocol, interrupted=True, **content) == [
        Interrupted(1),
        PhaseChanged(P.INTERRUPTED, P.ACTIVE),
        stale,
    ]


def test_interruption_with_nothing_going_on_is_told_and_freezes_nothing() -> None:
    """A phantom interruption is a fact like others; turns and phases go on."""
    protocol = open_protocol()
    assert said(protocol, interrupted=True) == [
        Interrupted(0),
        PhaseChanged(P.INTERRUPTED, P.ACTIVE),
    ]
    assert said(protocol, interrupted=True) == [Interrupted(0)]
    assert said(protocol, turnComplete=True) == [
        TurnComplete(0),
        PhaseChanged(P.ACTIVE, P.INTERRUPTED),
    ]
    assert facts(said(protocol, modelTurn=text("a"))) == [TextDelta("a", 1)]
    assert list(protocol.state.history) == []


def test_interrupted_turn_is_marked_and_has_no_whole_text() -> None:
    """An interrupted response has no TextComplete; its turn says that it was interrupted."""
    protocol = open_protocol()
    said(protocol, modelTurn=text("half a"))
    said(protocol, interrupted=True)
    assert said(protocol, turnComplete=True, now=3.0) == [
        TurnComplete(1, 1, True),
        PhaseChanged(P.ACTIVE, P.INTERRUPTED),
    ]
    (turn,) = protocol.state.history
    assert (turn.interrupted, turn.text, turn.completed) == (True, "half a", 3.0)


def test_turn_complete_twice_is_told_twice_and_counted_once() -> None:
    """A second turnComplete belongs to no turn."""
    protocol = open_protocol()
    said(protocol, modelTurn=text("a"), turnComplete=True)
    assert said(protocol, turnComplete=True) == [TurnComplete(1, 0)]
    assert [turn.number for turn in protocol.state.history] == [1]


def test_turn_complete_that_never_came_after_an_interruption_ends_with_the_next_response() -> None:
    """The next response begins a new turn; the interrupted one is kept as it was."""
    protocol = open_protocol()
    said(protocol, modelTurn=text("a"), now=1.0)
    said(protocol, interrupted=True, now=2.0)
    assert facts(said(protocol, modelTurn=text("b"), now=3.0)) == [TextDelta("b", 2)]
    assert said(protocol, turnComplete=True, now=4.0)[:2] == [
        TextComplete("b", 2),
        TurnComplete(2, 2, False),
    ]
    assert [(t.number, t.interrupted, t.text, t.completed) for t in protocol.state.history] == [
        (1, True, "a", 3.0),
        (2, False, "b", 4.0),
    ]


def test_speech_after_all_was_generated_is_a_response_of_its_own() -> None:
    """A turnComplete that never came does not make the next answer part of the last one."""
    protocol = open_protocol()
    said(protocol, modelTurn=audio(), generationComplete=True)
    assert facts(said(protocol, outputTranscription={"text": "late"})) == [
        OutputTranscription("late", response=1)
    ]
    assert facts(said(protocol, modelTurn=audio())) == [voice(2)]


def test_turn_without_end_keeps_a_bounded_text() -> None:
    """Law 3: a turn that is never completed does not grow for ever; the events have it all."""
    protocol = open_protocol()
    piece = "x" * (MAX_TURN_CHARS // 2)
    for _ in range(3):
        assert facts(said(protocol, outputTranscription={"text": piece})) == [
            OutputTranscription(piece, response=1)
        ]
    turn = protocol.state.turn
    assert turn is not None
    assert turn.output_transcript == "x" * MAX_TURN_CHARS


def test_text_complete_is_sent_once_with_the_whole_text() -> None:
    """The text is complete with the generation; the turn's end does not repeat it."""
    protocol = open_protocol()
    said(protocol, modelTurn=text("a"))
    said(protocol, modelTurn={"parts": [{"text": "no", "thought": True}, {"text": "b"}]})
    assert said(protocol, generationComplete=True) == [TextComplete("ab", 1), GenerationComplete(1)]
    assert facts(said(protocol, turnComplete=True)) == [TurnComplete(1, 1)]
    assert facts(said(protocol, modelTurn=text("c"), turnComplete=True)) == [
        TextDelta("c", 2),
        TextComplete("c", 2),
        TurnComplete(2, 2),
    ]


def test_usage_comes_before_the_turn_it_belongs_to_is_complete() -> None:
    """Usage in the frame of turnComplete counts for that turn and is told before it."""
    protocol = open_protocol()
    usage = UsageMetadata(total_token_count=9)
    said(protocol, modelTurn=text("a"))
    happened = told(
        protocol, usageMetadata={"totalTokenCount": 9}, serverContent={"turnComplete": True}
    )
    assert facts(happened) == [Usage(usage), TextComplete("a", 1), TurnComplete(1, 1)]
    assert protocol.state.history[-1].usage == usage
    assert protocol.state.total_tokens == 9
    assert Usage(usage).total_tokens == 9
    assert Usage(UsageMetadata()).total_tokens == 0


def test_transcripts_belong_to_the_turn() -> None:
    """Both transcripts are collected; the user's begins a turn, the model's a response."""
    protocol = open_protocol()
    assert said(protocol, inputTranscription={"text": "hi"}) == [InputTranscription("hi")]
    assert said(protocol, outputTranscription={}) == [
        OutputTranscription("", False, 1),
        PhaseChanged(P.MODEL_SPEAKING, P.ACTIVE),
    ]
    said(protocol, outputTranscription={"text": "yo"})
    turn = protocol.state.turn
    assert turn is not None
    assert (turn.number, turn.input_transcript, turn.output_transcript) == (1, "hi", "yo")


def test_turns_begin_with_what_asks_for_an_answer() -> None:
    """Text and activity begin a turn; a seed without turn_complete and an instruction do not."""
    for command, begins in (
        (SendText("a"), True),
        (SendRealtimeText("a"), True),
        (SendClientContent((Content.from_text("a"),)), True),
        (SendClientContent((Content.from_text("a"),), turn_complete=False), False),
        (UpdateInstruction("a"), False),
        (SendVideo(b"x"), False),
    ):
        protocol = open_protocol()
        assert protocol.send(command, 4.0)[1] == []
        assert (protocol.state.turn is not None) is begins


def test_history_is_bounded_by_the_state_given() -> None:
    """Law 3: a session of any length keeps a bounded history."""
    protocol = LiveProtocol(SessionConfig("m"), "models/m", SessionState(max_turns=3))
    protocol.dial()
    protocol.setup()
    told(protocol, setupComplete={})
    for _ in range(10):
        said(protocol, modelTurn=text("a"), turnComplete=True)
    assert [turn.number for turn in protocol.state.history] == [8, 9, 10]


@pytest.mark.parametrize("interrupted", [True, False])
def test_model_turn_without_parts_begins_no_response(interrupted: bool) -> None:
    """A turn without parts says nothing: it takes no number and begins no turn."""
    protocol = open_protocol()
    happened = said(protocol, modelTurn={}, interrupted=interrupted)
    assert facts(happened) == ([Interrupted(0)] if interrupted else [])
    assert protocol.interrupt() == [Interrupted(0, local=True)]
    assert protocol.state.turn is None


def test_local_interruption_marks_what_was_said_so_far() -> None:
    """A local interruption tells the number to drop; the rest of that response keeps it."""
    protocol = open_protocol()
    said(protocol, modelTurn=audio())
    assert protocol.interrupt() == [Interrupted(1, local=True)]
    assert said(protocol, modelTurn=audio()) == [voice(1)]
    assert protocol.state.phase is P.MODEL_SPEAKING


# Handles


def test_resumption_handle_is_kept_through_an_update_that_is_not_resumable() -> None:
    """An update without a handle does not wipe the last good one."""
    protocol = open_protocol()
    state = protocol.state
    update = {"newHandle": "h1", "resumable": True, "lastConsumedClientMessageIndex": "12"}
    assert told(protocol, sessionResumptionUpdate=update) == [SessionResumeUpdate("h1", True, 12)]
    for useless in ({}, {"newHandle": "x"}, {"resumable": True}, {"newHandle": ""}):
        assert told(protocol, sessionResumptionUpdate=useless) == [SessionResumeUpdate(None, False)]
        assert (state.resumption_handle, state.resumable) == ("h1", False)
    told(protocol, sessionResumptionUpdate={"newHandle": "h2", "resumable": True})
    assert (state.resumption_handle, state.resumable) == ("h2", True)


# Tools


def test_tool_calls_answered_together_settle_at_once() -> None:
    """A batch is pending until it is answered, then the phase is whatever goes on."""
    protocol = open_protocol()
    assert call(protocol, "1", "2") == [
        ToolCall((FunctionCall("f", None, "1"), FunctionCall("f", None, "2"))),
        PhaseChanged(P.TOOL_CALL_PENDING, P.ACTIVE),
    ]
    frame, happened = protocol.send(answer("2", "1"), 0)
    assert [r["id"] for r in json.loads(frame)["toolResponse"]["functionResponses"]] == ["2", "1"]
    assert happened == [PhaseChanged(P.ACTIVE, P.TOOL_CALL_PENDING)]
    assert protocol.state.turn is not None
    assert [c.id for c in protocol.state.turn.tool_calls] == ["1", "2"]


def test_tool_calls_answered_in_part_are_executing() -> None:
    """Once one call of several is answered the others are being executed, until all are."""
    protocol = open_protocol()
    call(protocol, "1", "2", "3")
    executing = PhaseChanged(P.TOOL_CALL_EXECUTING, P.TOOL_CALL_PENDING)
    assert protocol.send(answer("1"), 0)[1] == [executing]
    assert protocol.state.machine.calls_executing == {"2", "3"}
    assert protocol.send(answer("3"), 0)[1] == []
    assert protocol.send(answer("2"), 0)[1] == [PhaseChanged(P.ACTIVE, P.TOOL_CALL_EXECUTING)]
    assert protocol.state.machine.calls_executing == set()


def test_tool_calls_without_ids_are_answered_by_name() -> None:
    """Calls that came without an id are matched by name, first come first served."""
    protocol = open_protocol()
    call(protocol, None, None)
    call(protocol, None, name="g")
    assert protocol.state.machine.calls_owed == {1: "f", 2: "f", 3: "g"}
    protocol.send(answer(None, name="g"), 0)
    protocol.send(answer("made up"), 0)
    assert protocol.send(answer(None), 0)[1] == [PhaseChanged(P.ACTIVE, P.TOOL_CALL_EXECUTING)]
    with pytest.raises(InvalidArgument, match="has no id"):
        protocol.send(answer(None), 0)


def test_tool_call_whose_id_looks_like_a_stand_in_is_a_call_of_its_own() -> None:
    """No id that the service may choose is mistaken for a call without one."""
    protocol = open_protocol()
    call(protocol, None, "#1", "1")
    assert protocol.state.machine.calls_owed == {1: "f", "#1": "f", "1": "f"}
    told(protocol, toolCallCancellation={"ids": ["#1", "1"]})
    assert protocol.state.machine.calls_owed == {1: "f"}


def test_tool_call_without_calls_owes_nothing() -> None:
    """An empty batch is told and pends nothing."""
    protocol = open_protocol()
    assert call(protocol) == [ToolCall(())]
    assert protocol.state.phase is P.ACTIVE


def test_tool_cancellation_withdraws_calls() -> None:
    """Withdrawn calls are owed no answer; unknown ids are no harm."""
    protocol = open_protocol()
    call(protocol, "1", "2")
    told(protocol, toolCallCancellation={"ids": ["2", "never"]})
    assert protocol.state.phase is P.TOOL_CALL_PENDING
    assert told(protocol, toolCallCancellation={"ids": ["1"]}) == [
        ToolCallCancelled(("1",)),
        PhaseChanged(P.ACTIVE, P.TOOL_CALL_PENDING),
    ]


def test_tool_cancellation_of_what_was_executing_leaves_the_rest_pending() -> None:
    """When the executing calls are withdrawn and a newer one is owed, the phase says pending."""
    protocol = open_protocol()
    call(protocol, "1", "2")
    protocol.send(answer("1"), 0)
    assert call(protocol, "3") == [ToolCall((FunctionCall("f", None, "3"),))]
    assert told(protocol, toolCallCancellation={"ids": ["2"]}) == [
        ToolCallCancelled(("2",)),
        PhaseChanged(P.TOOL_CALL_PENDING, P.TOOL_CALL_EXECUTING),
    ]


def test_tool_call_trailing_audio_goes_on_in_the_same_response() -> None:
    """A tool call does not end the response; the call is still owed when the turn is complete."""
    protocol = open_protocol()
    said(protocol, modelTurn=audio())
    call(protocol, "1")
    assert said(protocol, modelTurn=audio()) == [
        voice(1),
        PhaseChanged(P.MODEL_SPEAKING, P.TOOL_CALL_PENDING),
    ]
    assert said(protocol, turnComplete=True)[1:] == [
        PhaseChanged(P.TOOL_CALL_PENDING, P.MODEL_SPEAKING)
    ]


@pytest.mark.parametrize("kind", ["never made", "answered", "cancelled", "twice in one message"])
def test_tool_answer_that_is_not_owed_is_refused(kind: str) -> None:
    """Law 7: an answer to a call that is not owed one raises and changes nothing."""
    protocol = open_protocol()
    call(protocol, "1", "2")
    command = answer("1")
    if kind == "never made":
        command = answer("2", "x")
    elif kind == "answered":
        protocol.send(answer("1"), 0)
    elif kind == "cancelled":
        told(protocol, toolCallCancellation={"ids": ["1"]})
    else:
        command = answer("1", "1")
    owed = dict(protocol.state.machine.calls_owed)
    with pytest.raises(LocalProtocolError, match="is owed an answer"):
        protocol.send(command, 0)
    assert protocol.state.machine.calls_owed == owed
    assert json.loads(protocol.send(answer("2"), 0)[0])


def test_tool_answer_without_id_to_a_call_with_one_is_refused() -> None:
    """An answer is paired by id where the call has one."""
    protocol = open_protocol()
    call(protocol, "1")
    with pytest.raises(InvalidArgument) as caught:
        protocol.send(answer(None), 0)
    assert str(caught.value) == (
        "the response of 'f' has no id: the service pairs calls and answers by it; copy it from "
        "the call"
    )


def test_update_with_two_functions_of_one_name_is_refused() -> None:
    """A call goes by the function's name."""
    twice = Tool(function_declarations=(FunctionDeclaration("f"), FunctionDeclaration("f")))
    with pytest.raises(InvalidArgument, match="two functions of the name 'f'"):
        open_protocol().send(UpdateContext(tools=(twice,)), 0)


def test_instruction_of_a_wrong_type_is_told_by_its_name() -> None:
    """The argument of update_instruction() is no `text`."""
    wrong: Any = None
    with pytest.raises(InvalidArgumentType, match="instruction must be a str, not NoneType"):
        open_protocol().send(UpdateInstruction(wrong), 0)


def test_tool_answer_with_the_name_of_another_function_is_refused() -> None:
    """The call's id says which call it is; an answer by another name would mislead the model."""
    protocol = open_protocol()
    call(protocol, "1")
    call(protocol, "2", name="")  # the service did not say
    for name in ("g", "", "F"):
        with pytest.raises(InvalidArgument) as caught:
            protocol.send(answer("1", name=name), 0)
        assert str(caught.value) == (
            f"the response to the call with id '1' has the name {name!r}, but 'f' was called: copy "
            "name and id from the call"
        )
    assert set(protocol.state.machine.calls_owed) == {"1", "2"}
    protocol.send(answer("2", name="g"), 0)
    protocol.send(answer("1"), 0)


@pytest.mark.parametrize(
    ("response", "path", "kind"),
    [
        ({"a": b"x"}, "response['a']", "bytes"),
        ({"a": [1, bytearray(1)]}, "response['a'][1]", "bytearray"),
        ({"a": ({"b": memoryview(b"x")},)}, "response['a'][0]['b']", "memoryview"),
        ({"a": {1}}, "response['a']", "set"),
        ({"a": frozenset({1})}, "response['a']", "frozenset"),
    ],
)
def test_tool_answer_with_what_json_has_not_is_refused(
    response: dict[str, Any], path: str, kind: str
) -> None:
    """The encoder would write base64, or a list in any order, and nobody would be told."""
    protocol = open_protocol()
    call(protocol, "1")
    command = SendToolResponse((FunctionResponse("f", response, "1"),))
    with pytest.raises(InvalidArgumentType) as caught:
        protocol.send(command, 0)
    assert str(caught.value) == (
        f"{path} is of the type {kind}, which JSON does not have: encode it yourself, or send "
        "media as parts="
    )
    assert protocol.state.machine.calls_owed == {"1": "f"}


def test_connection_gone_forgets_calls_and_activity() -> None:
    """With the connection its calls and its activity are gone."""
    protocol = open_protocol(activity_detection=False)
    call(protocol, "1")
    protocol.send(ActivityStart(), 0)
    protocol.closed()
    protocol.dial()
    protocol.setup()
    told(protocol, setupComplete={})
    assert protocol.state.machine.calls_owed == {}
    assert protocol.send(ActivityStart(), 0)[1] == [PhaseChanged(P.USER_SPEAKING, P.ACTIVE)]


# Activity


def test_manual_activity_frames_the_audio() -> None:
    """With activity_detection=False audio goes between activity start and end."""
    protocol = open_protocol(activity_detection=False)
    with pytest.raises(LocalProtocolError, match="audio counts only between"):
        protocol.send(SendAudio(PCM), 0)
    frame, happened = protocol.send(ActivityStart(), 0)
    assert frame == b'{"realtimeInput":{"activityStart":{}}}'
    assert happened == [PhaseChanged(P.USER_SPEAKING, P.ACTIVE)]
    assert protocol.send(SendAudio(PCM), 0)[1] == []
    with pytest.raises(LocalProtocolError, match="has already started"):
        protocol.send(ActivityStart(), 0)
    frame, happened = protocol.send(ActivityEnd(), 0)
    assert frame == b'{"realtimeInput":{"activityEnd":{}}}'
    assert happened == [PhaseChanged(P.ACTIVE, P.USER_SPEAKING)]
    with pytest.raises(LocalProtocolError, match="no activity has started"):
        protocol.send(ActivityEnd(), 0)
    with pytest.raises(LocalProtocolError, match="automatic activity detection"):
        protocol.send(EndAudioStream(), 0)


def test_manual_activity_is_the_callers_whatever_the_service_hears() -> None:
    """Speech that the service hears end does not end the activity that was started here."""
    protocol = open_protocol(activity_detection=False)
    protocol.send(ActivityStart(), 0)
    told(protocol, voiceActivity={"type": "ACTIVITY_END"})
    assert protocol.send(SendAudio(PCM), 0)[1] == []
    assert protocol.send(ActivityEnd(), 0)[1] == []
    told(protocol, voiceActivity={"type": "ACTIVITY_START"})
    with pytest.raises(LocalProtocolError, match="no activity has started"):
        protocol.send(ActivityEnd(), 0)


@pytest.mark.parametrize("command", [ActivityStart(), ActivityEnd()])
def test_automatic_activity_refuses_signals(command: ActivityStart | ActivityEnd) -> None:
    """Law 9: where the service detects speech, signals are refused here, not by a close."""
    with pytest.raises(LocalProtocolError, match="activity_detection=False"):
        open_protocol().send(command, 0)


# Commands


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (
            SendAudio(SAMPLES),
            {"realtimeInput": {"audio": {"data": PCM64, "mimeType": "audio/pcm;rate=16000"}}},
        ),
        (
            SendAudio(SAMPLES, 44_100),
            {"realtimeInput": {"audio": {"data": PCM64, "mimeType": "audio/pcm;rate=44100"}}},
        ),
        (
            SendVideo(b"\x00", "image/png"),
            {"realtimeInput": {"video": {"data": "AA==", "mimeType": "image/png"}}},
        ),
        (
            SendText("hi"),
            {
                "clientContent": {
                    "turns": [{"parts": [{"text": "hi"}], "role": "user"}],
                    "turnComplete": True,
                }
            },
        ),
        (SendRealtimeText("hi"), {"realtimeInput": {"text": "hi"}}),
        (SendClientContent(), {"clientContent": {"turnComplete": True}}),
        (
            SendClientContent((Content((Part(inline_data=Blob(b"\x00", "image/png")),)),), False),
            {
                "clientContent": {
                    "turns": [
                        {"parts": [{"inlineData": {"data": "AA==", "mimeType": "image/png"}}]}
                    ],
                    "turnComplete": False,
                }
            },
        ),
        (
            UpdateInstruction("be brief"),  # nobody said that contextUpdate is known there
            {
                "clientContent": {
                    "turns": [{"parts": [{"text": "be brief"}], "role": "system"}],
                    "turnComplete": False,
                }
            },
        ),
        (EndAudioStream(), {"realtimeInput": {"audioStreamEnd": True}}),
    ],
)
def test_send_command_gives_the_services_message(command: Any, message: dict[str, Any]) -> None:
    """Each command is one message with one top-level field, and causes no event by itself."""
    frame, happened = open_protocol().send(command, 0)
    assert (json.loads(frame), happened) == (message, [])


CYCLE: dict[str, object] = {}
CYCLE["again"] = CYCLE

BAD_TYPES: list[Any] = [
    SendAudio(bytearray(2)),  # type: ignore[arg-type]
    SendAudio("\x00\x00"),  # type: ignore[arg-type]
    SendAudio(None),  # type: ignore[arg-type]
    SendVideo(memoryview(b"xx")),  # type: ignore[arg-type]
    SendText(b"hi"),  # type: ignore[arg-type]
    SendText(None),  # type: ignore[arg-type]
    SendRealtimeText(5),  # type: ignore[arg-type]
    UpdateInstruction(Content()),  # type: ignore[arg-type]
    SendClientContent(5),  # type: ignore[arg-type]
    SendClientContent("text"),  # type: ignore[arg-type]
    SendClientContent(("text",)),  # type: ignore[arg-type]
    SendClientContent((Content("text"),)),  # type: ignore[arg-type]
    SendClientContent((Content(("text",)),)),  # type: ignore[arg-type]
    SendClientContent((Content.from_text("a"),), "yes"),  # type: ignore[arg-type]
    SendToolResponse(5),  # type: ignore[arg-type]
    SendToolResponse(None),  # type: ignore[arg-type]
    SendToolResponse(FunctionResponse("f", {}, "1")),  # type: ignore[arg-type]
    SendToolResponse(({"name": "f"},)),  # type: ignore[arg-type]
    SendToolResponse((FunctionResponse("f", "done", "1"),)),  # type: ignore[arg-type]
    SendToolResponse((FunctionResponse("f", [1], "1"),)),  # type: ignore[arg-type]
    SendToolResponse((FunctionResponse(None, {}, "1"),)),  # type: ignore[arg-type]
    SendToolResponse((FunctionResponse("f", {}, ["1"]),)),  # type: ignore[arg-type]
    SendToolResponse((FunctionResponse("f", {}, []),)),  # type: ignore[arg-type]
    SendToolResponse((FunctionResponse("f", {}, 1),)),  # type: ignore[arg-type]
    "hello",
    None,
    object(),
    SendText,
    TextDelta("a", 1),
]
BAD_VALUES: list[Any] = [
    SendAudio(b""),
    SendAudio(b"\x00\x00\x00"),
    SendAudio(PCM, 0),
    SendAudio(PCM, -16_000),
    SendAudio(PCM, True),
    SendAudio(PCM, 16_000.0),  # type: ignore[arg-type]
    SendVideo(b""),
    SendVideo(b"x", "video/mp4"),
    SendText(""),
    SendText("a\ud800b"),
    SendRealtimeText(""),
    SendRealtimeText("\ud800"),
    UpdateInstruction(""),
    SendClientContent((), turn_complete=False),
    SendClientContent((Content(),)),
    SendClientContent((Content((Part(),)),)),
    SendToolResponse(()),
    SendToolResponse((FunctionResponse("f", {}, "1", "SOON"),)),
    SendToolResponse((FunctionResponse("f", {}),)),
    SendToolResponse((FunctionResponse("f", {"output": object()}, "1"),)),
    SendToolResponse((FunctionResponse("f", {"output": "\ud800"}, "1"),)),
    SendToolResponse((FunctionResponse("f", CYCLE, "1"),)),
    SendToolResponse((FunctionResponse("f", {(1, 2): 3}, "1"),)),  # type: ignore[dict-item]
]


def assert_refused(command: Any, error: type[LocalProtocolError], builtin: type) -> None:
    """Send, and see that it raises and that nothing has changed by it."""
    protocol = open_protocol()
    call(protocol, "1")
    protocol.state.end_turn(0)
    with pytest.raises(error) as caught:
        protocol.send(command, 0)
    assert isinstance(caught.value, builtin)
    state = protocol.state
    assert (state.turn, state.phase) == (None, P.TOOL_CALL_PENDING)
    assert state.machine.calls_owed == {"1": "f"}
    assert protocol.send(answer("1"), 0)[1] == [PhaseChanged(P.ACTIVE, P.TOOL_CALL_PENDING)]


@pytest.mark.parametrize("number", range(len(BAD_TYPES)))
def test_send_wrong_type_is_refused_and_changes_nothing(number: int) -> None:
    """Law 7: a value of a wrong type raises LocalProtocolError, a TypeError; nothing was sent."""
    assert_refused(BAD_TYPES[number], InvalidArgumentType, TypeError)


@pytest.mark.parametrize("number", range(len(BAD_VALUES)))
def test_send_wrong_value_is_refused_and_changes_nothing(number: int) -> None:
    """Law 7: a value that cannot be raises LocalProtocolError, a ValueError; nothing was sent."""
    assert_refused(BAD_VALUES[number], InvalidArgument, ValueError)


@pytest.mark.parametrize(
    "command",
    [
        SendText("planted\ud800secret"),
        SendToolResponse((FunctionResponse("f", {"planted": {"secret": object()}}, "1"),)),
        SendToolResponse((FunctionResponse("f", {"planted secret": "\ud800"}, "1"),)),
    ],
)
def test_send_refused_for_its_content_does_not_show_it(command: Any) -> None:
    """Law 6: the error says what cannot be written, not what was to be."""
    protocol = open_protocol()
    call(protocol, "1")
    with pytest.raises(InvalidArgument, match="cannot be written as JSON") as caught:
        protocol.send(command, 0)
    assert "planted" not in str(caught.value) + repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_send_disconnect_is_no_message() -> None:
    """Disconnect is for the session; the protocol refuses it."""
    with pytest.raises(LocalProtocolError, match=r"^Disconnect is not a message$"):
        open_protocol().send(Disconnect(), 0)


def test_check_takes_every_command_that_can_be_right() -> None:
    """What a checker has nothing against passes without a session."""
    for command in (Disconnect(), ActivityStart(), ActivityEnd(), EndAudioStream(), answer("1")):
        arguments.check(command)


# Sizes


@pytest.mark.parametrize(
    ("event", "size"),
    [
        (AudioData(b"1234", 24_000, "audio/pcm", 1), 4),
        (TextDelta("süß", 1), 3),
        (Unknown(b"{}"), 2),
        (Error("text", b"12345"), 5),
        (
            ToolCall((FunctionCall("f", {"a": 1}, "1"),)),
            len('[{"name":"f","args":{"a":1},"id":"1"}]'),
        ),
        (TurnComplete(1), 0),
    ],
)
def test_payload_size_counts_what_an_event_carries(event: SessionEvent, size: int) -> None:
    """The size of an event is its media, text, raw JSON or calls."""
    assert payload_size(event) == size


def test_payload_size_of_calls_too_deep_to_write_is_a_number() -> None:
    """A call that could just be decoded must not raise when it is measured."""
    args: dict[str, object] = {}
    for _ in range(5_000):
        args = {"a": args}
    assert payload_size(ToolCall((FunctionCall("f", args),))) > 0


def test_receive_many_parts_of_unknown_kinds_takes_linear_time() -> None:
    """Law 5: the frame is looked through once for all of them, not once for each."""
    protocol = open_protocol()
    parts = [f'{{"new":{n}}}' for n in range(20_000)]
    frame = '{"serverContent":{"modelTurn":{"parts":[' + ",".join(parts) + "]}}}"
    happened = facts(protocol.receive_frame(frame, 1.0))
    assert happened == [Unknown(part.encode()) for part in parts]


def test_tool_calls_without_end_are_told_and_not_all_kept() -> None:
    """Law 3: a service that calls and calls does not make the session grow for ever."""
    protocol = open_protocol()
    for n in range(MAX_CALLS + 5):
        assert len(facts(call(protocol, f"id-{n}"))) == 1
    assert len(protocol.state.machine.calls_owed) == MAX_CALLS
    assert protocol.state.turn is not None
    assert len(protocol.state.turn.tool_calls) == MAX_CALLS


def test_send_audio_of_an_absurd_rate_is_refused_without_showing_it() -> None:
    """A rate of thousands of digits is a wrong call like any other."""
    protocol = open_protocol()
    for rate in (10**5_000, -(10**5_000), 1_000_000, 0):
        with pytest.raises(InvalidArgument, match="from 1 to 999,999"):
            protocol.send(SendAudio(SAMPLES, rate), 0.0)


@pytest.mark.parametrize(
    "config",
    [
        SessionConfig("m"),
        SessionConfig("m", activity_detection=False),
        SessionConfig("m", initial_history=True),
    ],
    ids=["plain", "manual", "history"],
)
@pytest.mark.parametrize(
    ("data", "rate"),
    [
        (bytes(640), 16_000),
        (bytes(2), 1),
        (b"", 16_000),
        (b"x", 16_000),
        (bytes(2), 0),
        ("text", 16_000),
        (bytearray(2), 16_000),
        (bytes(2), True),
        (bytes(2), 8_000.0),
    ],
)
def test_audio_takes_the_short_way_through_the_same_rules(
    config: SessionConfig, data: Any, rate: Any
) -> None:
    """What is checked for now, and for later, which has no short way, is told the same."""
    told: list[object] = []
    command = SendAudio(data, rate)
    for check in (lambda p: len(p.check(command)[0]), lambda p: p.defer(command)):
        protocol = LiveProtocol(config, "m")
        protocol.dial()
        protocol.setup()
        protocol.receive_frame('{"setupComplete":{}}', 0.0)
        try:
            told.append(check(protocol))
        except LocalProtocolError as error:
            told.append((type(error), str(error)))
    assert told[0] == told[1]
