"""What is said, as events: parts of every kind, transcripts with times, sources of an answer."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest

import trio_live
from trio_live import (
    AudioData,
    Blob,
    CodeExecutionResult,
    Connected,
    ExecutableCode,
    FileData,
    FunctionCall,
    FunctionResponse,
    Grounding,
    InlineData,
    InputTranscription,
    InteractionStatus,
    InterimTranscription,
    Interrupted,
    ModelPart,
    OutputTranscription,
    Part,
    PhaseChanged,
    ServerToolCall,
    ServerToolResponse,
    SessionConfig,
    SessionEvent,
    TextComplete,
    TextDelta,
    Thought,
    ToolCall,
    TurnComplete,
    Unknown,
    UrlContext,
    Usage,
    UsageMetadata,
    WaitingForInput,
    Word,
    events,
)
from trio_live.events import payload_size
from trio_live.parts import has_more
from trio_live.protocol import LiveProtocol
from trio_live.wire import functions
from trio_live.wire.enums import TurnCompleteReason
from trio_live.wire.fields import fields_of, unmarked
from trio_live.wire.grounding import (
    GroundingChunk,
    GroundingChunkWeb,
    GroundingMetadata,
    GroundingSupport,
    Segment,
    UrlMetadata,
)
from trio_live.wire.transcription import Transcription

SOURCES = {
    "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
    "groundingSupports": [
        {
            "segment": {"startIndex": 0, "endIndex": 5, "text": "Titan"},
            "groundingChunkIndices": [0],
            "confidenceScores": [0.5],
        }
    ],
    "webSearchQueries": ["moons of Saturn"],
}
GROUNDING = GroundingMetadata(
    grounding_chunks=(GroundingChunk(web=GroundingChunkWeb("https://a.example", "A")),),
    grounding_supports=(
        GroundingSupport(Segment(start_index=0, end_index=5, text="Titan"), (0,), (0.5,)),
    ),
    web_search_queries=("moons of Saturn",),
)
PAGES = {"urlMetadata": [{"retrievedUrl": "u", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_NEW"}]}
URLS = (UrlMetadata("u", "URL_RETRIEVAL_STATUS_NEW"),)
SPOKEN = {
    "text": "two words",
    "finished": True,
    "languageCode": "en-GB",
    "speakerLabel": "spk_1",
    "words": [
        {"word": "two", "startOffset": "0.5s", "endOffset": "0.750s"},
        {"word": "words", "startOffset": "soon"},
        {},
    ],
    "startOffset": "0.5s",
    "endOffset": "1.25s",
}
WORDS = (Word("two", 0.5, 0.75), Word("words"), Word(""))


def opened() -> LiveProtocol:
    """A protocol whose setup was accepted."""
    protocol = LiveProtocol(SessionConfig("m"), "models/m")
    protocol.dial()
    protocol.setup()
    protocol.receive_frame('{"setupComplete":{}}', 0.0)
    return protocol


def facts(protocol: LiveProtocol, **message: Any) -> list[SessionEvent]:
    """What a message causes, but for changes of phase."""
    happened = protocol.receive_frame(json.dumps(message), 1.0)
    return [event for event in happened if not isinstance(event, PhaseChanged)]


def parts(protocol: LiveProtocol, *content: dict[str, Any]) -> list[SessionEvent]:
    """What a model's turn of these parts causes."""
    return facts(protocol, serverContent={"modelTurn": {"parts": list(content)}})


@pytest.mark.parametrize(
    ("part", "event"),
    [
        (
            {"fileData": {"fileUri": "gs://x", "mimeType": "image/png", "new": 1}},
            FileData("gs://x", "image/png", 1),
        ),
        (
            {"executableCode": {"code": "1", "language": "PYTHON", "id": "c"}},
            ExecutableCode("1", "PYTHON", 1, "c"),
        ),
        (
            {"codeExecutionResult": {"outcome": "OUTCOME_NEW", "output": "2", "id": "c"}},
            CodeExecutionResult("2", "OUTCOME_NEW", 1, "c"),
        ),
        (
            {"toolCall": {"id": "t", "toolType": "GOOGLE_MAPS", "args": {"q": 1}}},
            ServerToolCall(functions.ServerToolCall("t", "GOOGLE_MAPS", {"q": 1}), 1),
        ),
        (
            {"toolResponse": {"id": "t", "toolType": "NEW", "response": {"a": []}}},
            ServerToolResponse(functions.ServerToolResponse("t", "NEW", {"a": []}), 1),
        ),
        (
            {"functionCall": {"name": "f", "id": "1", "args": {"a": [1, 2]}}},
            ModelPart(Part(function_call=FunctionCall("f", {"a": [1, 2]}, "1")), 1),
        ),
        (
            {"functionResponse": {"name": "f", "response": {}}},
            ModelPart(Part(function_response=FunctionResponse("f", {})), 1),
        ),
        ({"partMetadata": {"a": 1}}, ModelPart(Part(part_metadata={"a": 1}), 1)),
    ],
)
def test_each_kind_of_part_is_its_event_in_its_place(
    part: dict[str, Any], event: SessionEvent
) -> None:
    """Law 4: each part of the model's turn is told, by its kind, in the order of the parts."""
    protocol = opened()
    told = parts(protocol, {"text": "a"}, part, {"text": "b"})
    assert told == [TextDelta("a", 1), event, TextDelta("b", 1)]
    assert protocol.state.machine.calls_owed == {}  # a call announced in the turn is owed nothing


FILE = {"fileUri": "gs://x", "mimeType": "image/png"}
PNG = {"mimeType": "image/png", "data": "AAAA"}


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ({"text": "a", "thoughtSignature": "AAAA"}, TextDelta),
        ({"text": "a", "thought": True, "thoughtSignature": "AAAA"}, Thought),
        ({"text": "a", "partMetadata": {"a": 1}}, TextDelta),
        ({"text": "a", "speechMetadata": {}}, TextDelta),
        ({"text": "a", "mediaResolution": {}}, TextDelta),
        ({"inlineData": PNG, "thought": True}, InlineData),
        ({"inlineData": PNG, "videoMetadata": {}}, InlineData),
        ({"inlineData": PNG | {"displayName": "n"}}, InlineData),
        ({"fileData": FILE | {"displayName": "n"}}, FileData),
        ({"fileData": FILE, "thoughtSignature": "AAAA"}, FileData),
        ({"executableCode": {"code": "1"}, "thought": True}, ExecutableCode),
        ({"toolCall": {"id": "1"}, "partMetadata": {}}, ServerToolCall),
        ({"thoughtSignature": "AAAA"}, None),
        ({"thought": True, "thoughtSignature": "AAAA"}, None),
    ],
)
def test_part_that_says_more_than_its_event_is_told_as_a_whole_too(
    part: dict[str, Any], kind: type | None
) -> None:
    """Law 4: whatever stands in a part beside its kind is in a ModelPart."""
    told = parts(opened(), part)
    assert [type(event) for event in told] == [*([kind] if kind else []), ModelPart]
    assert told[-1] == ModelPart(msgspec.json.decode(json.dumps(part), type=Part), 1)


def test_every_field_of_a_part_is_told_beside_text() -> None:
    """Law 4: a field that is added to Part must be added to what is asked for, too."""
    for field in fields_of(Part):
        given: Any = {field.name: Blob(display_name="n")}
        if field.name not in ("text", "thought"):
            assert has_more(Part("a", **given)), field.name


def test_reason_without_an_end_of_turn_is_told() -> None:
    """Law 4: a lone turnCompleteReason ends nothing, and is not lost."""
    reason = {"turnCompleteReason": "RESPONSE_REJECTED"}
    assert facts(opened(), serverContent=reason) == [
        Unknown(b'{"turnCompleteReason":"RESPONSE_REJECTED"}')
    ]


def test_audio_with_a_transcript_is_told_as_audio_and_as_a_whole() -> None:
    """The transcript that comes within a part of audio is not lost."""
    blob = {"mimeType": "audio/pcm", "data": "AAAA"}
    told = parts(opened(), {"inlineData": blob, "audioTranscription": {"text": "hi"}})
    part = Part(inline_data=Blob(b"\0\0\0", "audio/pcm"), audio_transcription=Transcription("hi"))
    assert told == [AudioData(b"\0\0\0", 24_000, "audio/pcm", 1), ModelPart(part, 1)]


def test_transcripts_carry_words_and_times_in_seconds() -> None:
    """Offsets are seconds; one that cannot be read, or is missing, is None."""
    protocol = opened()
    assert facts(
        protocol,
        serverContent={
            "interimInputTranscription": SPOKEN,
            "inputTranscription": SPOKEN,
            "outputTranscription": SPOKEN,
        },
    ) == [
        InterimTranscription("two words", WORDS, 0.5, 1.25, "en-GB", "spk_1", True),
        InputTranscription("two words", True, WORDS, 0.5, 1.25, "en-GB", "spk_1"),
        OutputTranscription("two words", True, 1, WORDS, 0.5, 1.25, "en-GB", "spk_1"),
    ]


def test_interim_transcripts_leave_the_turn_alone() -> None:
    """A guess begins no turn and is not part of its transcript."""
    protocol = opened()
    for guess in ("tow", "two"):
        told = facts(protocol, serverContent={"interimInputTranscription": {"text": guess}})
        assert told == [InterimTranscription(guess)]
    before = protocol.state.turn
    assert before is None
    facts(protocol, serverContent={"inputTranscription": {"text": "two"}})
    assert protocol.state.turn is not None
    assert protocol.state.turn.input_transcript == "two"


def test_bundle_of_everything_said_comes_in_the_promised_order() -> None:
    """Where an answer comes from follows the answer and precedes calls, usage and the ends."""
    protocol = opened()
    told = facts(
        protocol,
        usageMetadata={"candidatesTokenCount": 3, "trafficType": "ON_DEMAND"},
        toolCall={"functionCalls": [{"name": "f", "id": "1"}]},
        serverContent={
            "interactionStatus": "IDLE",
            "waitingForInput": True,
            "turnCompleteReason": "NEED_MORE_INPUT",
            "turnComplete": True,
            "urlContextMetadata": PAGES,
            "groundingMetadata": SOURCES,
            "outputTranscription": {"text": "out"},
            "modelTurn": {"parts": [{"text": "Titan"}]},
            "inputTranscription": {"text": "in"},
            "interimInputTranscription": {"text": "i"},
        },
    )
    assert told == [
        InterimTranscription("i"),
        InputTranscription("in"),
        TextDelta("Titan", 1),
        OutputTranscription("out", response=1),
        Grounding(GROUNDING, 1),
        UrlContext(URLS, 1),
        ToolCall((FunctionCall("f", None, "1"),)),
        Usage(UsageMetadata(candidates_token_count=3, traffic_type="ON_DEMAND")),
        TextComplete("Titan", 1),
        TurnComplete(1, 1, False, "NEED_MORE_INPUT"),
        WaitingForInput(),
        InteractionStatus("IDLE"),
    ]


def test_sources_that_come_late_begin_no_response() -> None:
    """Grounding after the turn's end belongs to the last response; there is no new turn."""
    protocol = opened()
    parts(protocol, {"text": "a"})
    facts(protocol, serverContent={"turnComplete": True})
    late = facts(protocol, serverContent={"groundingMetadata": {}, "urlContextMetadata": {}})
    assert late == [Grounding(GroundingMetadata(), 1), UrlContext((), 1)]
    assert protocol.state.turn is None


def test_sources_with_an_interruption_come_after_it() -> None:
    """Interrupted stays the first event of its frame."""
    protocol = opened()
    parts(protocol, {"text": "a"})
    content = {"groundingMetadata": {}, "interrupted": True}
    assert facts(protocol, serverContent=content) == [
        Interrupted(1),
        Grounding(GroundingMetadata(), 1),
    ]


def test_consent_signature_comes_with_connected() -> None:
    """What stands for a verified consent is handed on, and not shown."""
    protocol = LiveProtocol(SessionConfig("m"), "models/m")
    protocol.dial()
    protocol.setup()
    frame = '{"setupComplete":{"sessionId":"s","voiceConsentSignature":{"signature":"sig"}}}'
    connected = protocol.receive_frame(frame, 0.0)[0]
    assert connected == Connected("s", "sig")
    assert "sig" not in repr(connected).replace("signature", "")


def test_call_in_pieces_keeps_its_name_and_is_owed_once() -> None:
    """Of a call whose arguments are streamed only the first piece need have the name."""
    protocol = opened()
    first = {"name": "f", "id": "1", "willContinue": True}
    piece = {"jsonPath": "$.city", "stringValue": "Pa", "willContinue": True}
    told = facts(protocol, toolCall={"functionCalls": [first]})
    told += facts(protocol, toolCall={"functionCalls": [{"id": "1", "partialArgs": [piece]}]})
    partial = (functions.PartialArg("$.city", "Pa", will_continue=True),)
    assert told == [
        ToolCall((FunctionCall("f", id="1", will_continue=True),)),
        ToolCall((FunctionCall(id="1", partial_args=partial),)),
    ]
    assert protocol.state.machine.calls_owed == {"1": "f"}


@pytest.mark.parametrize(
    "reason", [*unmarked(TurnCompleteReason)[1]["values"], "A_REASON_OF_NEXT_YEAR"]
)
def test_turn_complete_reason_is_data(reason: str) -> None:
    """Every reason that is known, and one that is not, comes with TurnComplete."""
    content = {"turnComplete": True, "turnCompleteReason": reason}
    assert facts(opened(), serverContent=content) == [TurnComplete(0, reason=reason)]


@pytest.mark.parametrize("status", ["IN_PROGRESS", "IDLE", "REQUIRES_ACTION", "NEW"])
def test_interaction_status_is_read_in_both_places(status: str) -> None:
    """The status comes inside serverContent or beside it."""
    assert facts(opened(), interactionStatus=status) == [InteractionStatus(status)]
    inside = facts(opened(), serverContent={"interactionStatus": status})
    assert inside == [InteractionStatus(status)]


def test_unknown_top_level_message_is_unknown() -> None:
    """Law 4: a message that nobody knows comes as its JSON."""
    assert facts(opened(), speechState={"a": 1}) == [Unknown(b'{"speechState":{"a": 1}}')]


@pytest.mark.parametrize(
    ("event", "size"),
    [
        (InterimTranscription("ab", (Word("abc"), Word("d"))), 6),
        (InputTranscription("ab", words=(Word("abc"),)), 5),
        (OutputTranscription("ab"), 2),
        (FileData("gs://x", "image/png", 1), 6),
        (Grounding(GroundingMetadata(), 1), 2),
        (UrlContext(URLS, 1), len(json.dumps(PAGES["urlMetadata"], separators=(",", ":")))),
        (ModelPart(Part(part_metadata={"a": 1}), 1), len('{"partMetadata":{"a":1}}')),
        (ServerToolCall(functions.ServerToolCall("t"), 1), len('{"id":"t"}')),
        (ServerToolResponse(functions.ServerToolResponse(), 1), 2),
    ],
)
def test_payload_size_counts_objects_and_words(event: SessionEvent, size: int) -> None:
    """Law 3: what a subscription holds is counted, whatever kind it is of."""
    assert payload_size(event) == size


def test_every_event_is_public_under_its_name() -> None:
    """The package, the events module and the union of all events have the same ones."""
    for event in get_args(SessionEvent):
        assert getattr(trio_live, event.__name__) is getattr(events, event.__name__) is event
        assert event.__name__ in trio_live.__all__
        assert event.__name__ in events.__all__
