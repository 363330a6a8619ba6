"""The codec: what goes out, what comes in, and what happens to frames that are new or broken."""

from __future__ import annotations

import base64
import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_live.wire import codec
from trio_live.wire.client import (
    ClientContent,
    ClientMessage,
    Empty,
    RealtimeInput,
    ToolResponse,
)
from trio_live.wire.content import Blob, Content, ExecutableCode, Part
from trio_live.wire.functions import FunctionCall, FunctionResponse, PartialArg
from trio_live.wire.generation import GenerationConfig
from trio_live.wire.salvage import Malformed, Unrecognised
from trio_live.wire.server import (
    GoAway,
    ServerContent,
    ServerMessage,
    SessionResumptionUpdate,
    SetupComplete,
    ToolCallCancellation,
    ToolCallMessage,
)
from trio_live.wire.setup import Setup
from trio_live.wire.speech import PrebuiltVoiceConfig, SpeechConfig, VoiceConfig
from trio_live.wire.tools import LatLng
from trio_live.wire.transcription import Transcription, WordInfo
from trio_live.wire.usage import UsageMetadata

TRICKY = bytes(range(240, 256)) + b"\xfb\xff"  # needs both letters that the alphabets differ in


def audio_frame(data: str) -> str:
    """A frame with one piece of audio, base64 as given."""
    blob = {"mimeType": "audio/pcm;rate=24000", "data": data}
    return json.dumps({"serverContent": {"modelTurn": {"parts": [{"inlineData": blob}]}}})


def audio_message(data: bytes) -> ServerMessage:
    """What that frame is."""
    part = Part(inline_data=Blob(data, "audio/pcm;rate=24000"))
    return ServerMessage(server_content=ServerContent(model_turn=Content((part,))))


# Out


def test_encode_setup_writes_camel_case_and_leaves_out_what_is_unset() -> None:
    """Client messages are proto3-JSON: camelCase names, unset fields absent."""
    voice = VoiceConfig(PrebuiltVoiceConfig("Puck"))
    message = ClientMessage(
        setup=Setup(
            "models/m",
            GenerationConfig(
                response_modalities=("AUDIO",),
                max_output_tokens=5,
                speech_config=SpeechConfig(voice, "de-DE"),
            ),
            input_audio_transcription=None,
        )
    )
    assert json.loads(codec.encode(message)) == {
        "setup": {
            "model": "models/m",
            "generationConfig": {
                "responseModalities": ["AUDIO"],
                "maxOutputTokens": 5,
                "speechConfig": {
                    "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Puck"}},
                    "languageCode": "de-DE",
                },
            },
        }
    }


def test_encode_audio_writes_standard_base64() -> None:
    """Bytes go out as base64 in the standard alphabet, in a text frame."""
    message = ClientMessage(realtime_input=RealtimeInput(audio=Blob(TRICKY, "audio/pcm")))
    frame = codec.encode(message)
    data = base64.b64encode(TRICKY).decode()
    assert frame == '{"realtimeInput":{"audio":{"data":"@","mimeType":"audio/pcm"}}}'.replace(
        "@", data
    )


def test_encode_empty_messages_writes_empty_objects_and_false() -> None:
    """A signal without fields is `{}`, and a false that was set is written."""
    start = ClientMessage(realtime_input=RealtimeInput(activity_start=Empty()))
    seed = ClientMessage(client_content=ClientContent((Content.from_text("hi"),), False))
    assert codec.encode(start) == '{"realtimeInput":{"activityStart":{}}}'
    assert json.loads(codec.encode(seed)) == {
        "clientContent": {
            "turns": [{"parts": [{"text": "hi"}], "role": "user"}],
            "turnComplete": False,
        }
    }


def test_encode_tool_response_puts_scheduling_beside_the_response() -> None:
    """An answer's scheduling is a sibling of its response object."""
    response = FunctionResponse("f", {"output": {"data": "-_"}}, "1", "SILENT")
    message = ClientMessage(tool_response=ToolResponse((response,)))
    assert json.loads(codec.encode(message)) == {
        "toolResponse": {
            "functionResponses": [
                {
                    "name": "f",
                    "response": {"output": {"data": "-_"}},
                    "id": "1",
                    "scheduling": "SILENT",
                }
            ]
        }
    }


def test_to_object_gives_what_encode_writes() -> None:
    """The object form and the text form of a message are the same JSON."""
    message = ClientMessage(realtime_input=RealtimeInput(text="x"))
    assert codec.to_object(message) == {"realtimeInput": {"text": "x"}}
    assert codec.encode(codec.to_object(message)) == codec.encode(message)


# In


@pytest.mark.parametrize("as_bytes", [False, True])
def test_decode_text_and_binary_frames_are_the_same(as_bytes: bool) -> None:
    """The service sends JSON in text or binary frames; both are read."""
    frame = '{"setupComplete":{"sessionId":"süß"}}'
    expected = ServerMessage(setup_complete=SetupComplete("süß"))
    assert codec.decode(frame.encode() if as_bytes else frame) == (expected, [])


@pytest.mark.parametrize("number", ["7", '"7"'])
def test_decode_int64_as_number_or_string_is_an_int(number: str) -> None:
    """proto3-JSON writes int64 as a string; a number is read as well."""
    frame = '{"sessionResumptionUpdate":{"lastConsumedClientMessageIndex":@}}'.replace("@", number)
    update = SessionResumptionUpdate(last_consumed_client_message_index=7)
    assert codec.decode(frame) == (ServerMessage(session_resumption_update=update), [])


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("url_safe", [True, False])
@pytest.mark.parametrize("length", [16, 17, 18])
def test_decode_base64_in_either_alphabet_padded_or_not_gives_the_bytes(
    length: int, url_safe: bool, padded: bool
) -> None:
    """Both base64 alphabets are read, with or without padding."""
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    text = encode(TRICKY[-length:]).decode()
    frame = audio_frame(text if padded else text.rstrip("="))
    assert codec.decode(frame) == (audio_message(TRICKY[-length:]), [])


def test_decode_function_call_args_named_like_base64_fields_are_left_alone() -> None:
    """An application's own "data" and "thoughtSignature" in args and response are never decoded."""
    own: dict[str, object] = {
        "data": "-_-_",
        "nested": [{"data": "QUJD", "thoughtSignature": "-_"}],
    }
    media = {"inlineData": {"mimeType": "image/png", "data": "-_-_"}}
    call = {"functionCall": {"name": "f", "args": own, "id": "1"}}
    answer = {"functionResponse": {"name": "f", "response": own}}
    frame = json.dumps({"serverContent": {"modelTurn": {"parts": [media, call, answer]}}})
    parts = (
        Part(inline_data=Blob(b"\xfb\xff\xbf", "image/png")),
        Part(function_call=FunctionCall("f", own, "1")),
        Part(function_response=FunctionResponse("f", own)),
    )
    expected = ServerMessage(server_content=ServerContent(model_turn=Content(parts)))
    assert codec.decode(frame) == (expected, [])


def test_decode_thought_signature_in_either_alphabet_gives_the_bytes() -> None:
    """A thought signature is bytes, whichever alphabet it is written in."""
    frame = '{"serverContent":{"modelTurn":{"parts":[{"text":"t","thoughtSignature":"-_-_"}]}}}'
    part = Part(text="t", thought_signature=b"\xfb\xff\xbf")
    expected = ServerMessage(server_content=ServerContent(model_turn=Content((part,))))
    assert codec.decode(frame) == (expected, [])


def test_decode_media_that_is_no_base64_is_malformed() -> None:
    """Text that is base64 in no alphabet is reported by its place."""
    message, leftovers = codec.decode(audio_frame("%%%"))
    assert message == ServerMessage(server_content=ServerContent(model_turn=Content()))
    assert [type(left) for left in leftovers] == [Malformed]
    assert leftovers[0].where == "serverContent.modelTurn.parts[0]"


BAD_TURNS: dict[str, tuple[str, list[str], Content | None]] = {
    "a part": (
        '{"role":"model","parts":[{"text":"a"},{"text":5},{"text":"c"},null]}',
        ["parts[1]", "parts[3]"],
        Content((Part(text="a"), Part(text="c")), "model"),
    ),
    "the role": ('{"role":[],"parts":[{"text":"a"}]}', ["role"], Content((Part(text="a"),))),
    "the parts": ('{"role":"model","parts":{}}', ["parts"], None),
    "no parts": ('{"role":5}', ["role"], Content()),
    "null": ('{"role":5,"parts":null}', ["role"], Content()),
    "the turn": ("[]", [""], None),
}


@pytest.mark.parametrize("name", BAD_TURNS)
def test_decode_turn_loses_only_what_is_malformed(name: str) -> None:
    """A part that cannot be read is named by its place, and the others are decoded."""
    text, places, turn = BAD_TURNS[name]
    message, leftovers = codec.decode('{"serverContent":{"modelTurn":' + text + "}}")
    assert message == ServerMessage(server_content=ServerContent(model_turn=turn))
    where = [f"serverContent.modelTurn.{place}".rstrip(".") for place in places]
    assert [left.where for left in leftovers] == where


def test_decode_turn_with_a_malformed_part_reads_both_base64_alphabets() -> None:
    """Beside a part that cannot be read, media in the URL-safe alphabet is still read."""
    media = '{"inlineData":{"mimeType":"image/png","data":"-_-_"}}'
    frame = '{"serverContent":{"modelTurn":{"parts":[7,' + media + "]}}}"
    message, leftovers = codec.decode(frame)
    part = Part(inline_data=Blob(b"\xfb\xff\xbf", "image/png"))
    assert message.server_content == ServerContent(model_turn=Content((part,)))
    assert [left.raw for left in leftovers] == [b"7"]


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        ("10s", 10.0),
        ("12.5s", 12.5),
        ("0.250s", 0.25),
        ("3.s", 3.0),
        ("-1s", -1.0),
        ("10", None),
        ("s", None),
        ("ten s", None),
        ("", None),
        (None, None),
        ("9" * 400 + "s", None),
        ("٣s", None),
        ("1e5s", None),
        ("10s\n", None),
    ],
)
def test_seconds_of_a_duration_or_none(duration: str | None, seconds: float | None) -> None:
    """A proto3-JSON duration is read as seconds; anything else, and the absurd, is None."""
    assert codec.seconds(duration) == seconds


def test_decode_unknown_nested_fields_and_enum_values_are_tolerated() -> None:
    """Below serverContent unknown fields are ignored, and enums are plain text."""
    frame = json.dumps(
        {
            "serverContent": {
                "modelTurn": {"parts": [{"text": "hi", "brandNew": 1}], "role": "model", "x": {}},
                "turnCompleteReason": "SOMETHING_OF_NEXT_YEAR",
                "inputTranscription": {"text": "a", "words": [{"word": "a"}]},
            },
            "usageMetadata": {"totalTokenCount": 3, "serviceTier": "gold", "karma": 7},
        }
    )
    content = ServerContent(
        model_turn=Content((Part(text="hi"),), "model"),
        turn_complete_reason="SOMETHING_OF_NEXT_YEAR",
        input_transcription=Transcription("a", words=(WordInfo("a"),)),
    )
    usage = UsageMetadata(total_token_count=3, service_tier="gold")
    assert codec.decode(frame) == (ServerMessage(server_content=content, usage_metadata=usage), [])


def test_decode_unknown_names_become_unrecognised_and_the_rest_is_kept() -> None:
    """Law 4: unknown fields of the envelope and of serverContent are told; all else is kept."""
    frame = (
        '{"brandNew":{"a": [1]},"serverContent":{"turnComplete":true,"hologram":{"q":1}},'
        '"goAway":{"timeLeft":"5s"},"we\\"ird":null}'
    )
    expected = ServerMessage(
        server_content=ServerContent(turn_complete=True), go_away=GoAway(time_left="5s")
    )
    message, leftovers = codec.decode(frame)
    assert message == expected
    assert leftovers == [
        Unrecognised("brandNew", b'{"brandNew":{"a": [1]}}'),
        Unrecognised("serverContent.hologram", b'{"hologram":{"q":1}}'),
        Unrecognised('we"ird', b'{"we\\"ird":null}'),
    ]


def test_decode_malformed_field_is_told_by_place_and_the_rest_is_kept() -> None:
    """Law 4: a field of a wrong type costs that field only."""
    frame = (
        '{"serverContent":{"interrupted":"perhaps","modelTurn":{"parts":[{"text":"kept"}]}},'
        '"toolCall":[],"usageMetadata":{"totalTokenCount":"5"}}'
    )
    message, leftovers = codec.decode(frame)
    assert message == ServerMessage(
        server_content=ServerContent(model_turn=Content((Part(text="kept"),))),
        usage_metadata=UsageMetadata(total_token_count=5),
    )
    assert [(type(left), left.where, left.raw) for left in leftovers] == [
        (Malformed, "serverContent.interrupted", b'"perhaps"'),
        (Malformed, "toolCall", b"[]"),
    ]
    assert "perhaps" not in str([left.message for left in leftovers if isinstance(left, Malformed)])


def test_decode_null_fields_beside_unknown_ones_are_absent() -> None:
    """A null means "not set", on the slow path as on the fast one."""
    nothing = ServerMessage()
    unknown = [Unrecognised("new", b'{"new":1}')]
    assert codec.decode('{"serverContent":null,"goAway":null}') == (nothing, [])
    assert codec.decode('{"serverContent":null,"goAway":null,"new":1}') == (nothing, unknown)


def test_decode_null_is_absent_where_there_is_always_a_value() -> None:
    """A null in place of a list or text means that it is not set, as proto3-JSON has it."""
    frame = (
        '{"serverContent":{"modelTurn":{"parts":[{"executableCode":'
        '{"code":"1","language":null}}]}},"toolCall":{"functionCalls":null}}'
    )
    part = Part(executable_code=ExecutableCode("1"))
    content = ServerContent(model_turn=Content((part,)))
    expected = ServerMessage(server_content=content, tool_call=ToolCallMessage())
    assert codec.decode(frame) == (expected, [])


SALVAGED: dict[str, tuple[str, list[str], ServerMessage]] = {
    "a call": (
        '{"toolCall":{"functionCalls":[{"id":"1","name":"a","args":{"k":1}},'
        '{"id":"2","name":5},{"id":7,"name":"b"},{"id":"3","name":"c","args":[]},8]}}',
        [
            *("functionCalls[1].name", "functionCalls[2].id", "functionCalls[3].args"),
            "functionCalls[4]",
        ],
        ServerMessage(
            tool_call=ToolCallMessage(
                (
                    FunctionCall("a", {"k": 1}, "1"),
                    FunctionCall("", None, "2"),
                    FunctionCall("b"),
                    FunctionCall("c", None, "3"),
                )
            )
        ),
    ),
    "a cancelled id": (
        '{"toolCallCancellation":{"ids":["a",5]}}',
        ["ids[1]"],
        ServerMessage(tool_call_cancellation=ToolCallCancellation(("a",))),
    ),
    "a time": ('{"goAway":{"timeLeft":10}}', ["timeLeft"], ServerMessage(go_away=GoAway())),
    "an index": (
        '{"sessionResumptionUpdate":{"newHandle":"h","resumable":true,'
        '"lastConsumedClientMessageIndex":"x"}}',
        ["lastConsumedClientMessageIndex"],
        ServerMessage(session_resumption_update=SessionResumptionUpdate("h", True)),
    ),
    "a word": (
        '{"serverContent":{"outputTranscription":{"text":"hi","words":'
        '[{"word":"hi","startOffset":1.5},{"word":5}]}}}',
        ["words[0].startOffset", "words[1]"],
        ServerMessage(
            server_content=ServerContent(
                output_transcription=Transcription("hi", words=(WordInfo("hi"),))
            )
        ),
    ),
    "a session id": (
        '{"setupComplete":{"sessionId":5}}',
        ["sessionId"],
        ServerMessage(setup_complete=SetupComplete()),
    ),
    "a count": (
        '{"usageMetadata":{"totalTokenCount":12,"promptTokensDetails":[{"tokenCount":"x"}]}}',
        ["promptTokensDetails[0]"],
        ServerMessage(usage_metadata=UsageMetadata(total_token_count=12, prompt_tokens_details=())),
    ),
}


@pytest.mark.parametrize("name", SALVAGED)
def test_decode_loses_no_more_than_what_cannot_be_read(name: str) -> None:
    """Law 4: at any depth, one broken field or item costs itself only, and is told by place."""
    frame, places, expected = SALVAGED[name]
    message, leftovers = codec.decode(frame)
    assert message == expected
    assert [
        left.where.split(".", 1)[1].removeprefix("outputTranscription.") for left in leftovers
    ] == places
    assert all(isinstance(left, Malformed) for left in leftovers)


@pytest.mark.parametrize("broken", [64, 65])
def test_decode_a_list_of_which_too_much_is_broken_is_told_once(broken: int) -> None:
    """Beyond 64 broken items the list is lost as a whole: telling of each would take too much."""
    items = ",".join(["5"] * broken + ['"a"'])
    message, leftovers = codec.decode('{"toolCallCancellation":{"ids":[' + items + "]}}")
    whole = broken == 64
    assert message.tool_call_cancellation == (ToolCallCancellation(("a",)) if whole else None)
    assert len(leftovers) == (64 if whole else 1)
    assert leftovers[0].where == "toolCallCancellation.ids" + ("[0]" if whole else "")


HALVES = {
    r"hi \ud83d": "hi \ufffd",
    r"\udc00 hi": "\ufffd hi",
    r"\uD83D\u0041\ud83d\ude00": "\ufffdA😀",
    r"\ud83d\ud83d\ude00\\ud83d": "\ufffd😀\\ud83d",
}


@pytest.mark.parametrize("text", HALVES)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_decode_half_surrogate_pairs_cost_their_character_only(text: str, as_bytes: bool) -> None:
    """Law 4: a text cut within an emoji loses that emoji; the frame is read, and the cut told."""
    frame = (
        '{"toolCall":{"functionCalls":[{"id":"1","name":"f","args":{"t":"' + text + '"}}]},'
        '"sessionResumptionUpdate":{"newHandle":"h","resumable":true}}'
    )
    message, leftovers = codec.decode(frame.encode() if as_bytes else frame)
    assert message == ServerMessage(
        tool_call=ToolCallMessage((FunctionCall("f", {"t": HALVES[text]}, "1"),)),
        session_resumption_update=SessionResumptionUpdate("h", True),
    )
    told = "half surrogate pairs, which are U+FFFD in the rest"
    assert leftovers == [Malformed("", told, frame.encode())]


def test_reprs_show_no_number_that_is_somebody_s_own() -> None:
    """Law 6: arguments of calls and places are payload, numbers or not."""
    call = FunctionCall("pay", partial_args=(PartialArg("$.card", number_value=4111.5),))
    assert "4111" not in repr(call)
    assert "True" not in repr(PartialArg(bool_value=True))
    assert repr(LatLng(52.5, 13.4)) == "LatLng(latitude=<float>, longitude=<float>)"


def test_text_of_a_frame_with_half_surrogate_pairs_is_found() -> None:
    """A field is found beside names and texts that no decoder reads, and has U+FFFD in them."""
    frame = r'{"\ud800":1,"error":{"code":1,"message":"\udc00"}}'
    assert codec.text_of(frame, "error") == rb'{"code":1,"message":"\ufffd"}'


def test_decode_server_content_that_is_no_object_is_malformed() -> None:
    """A serverContent of a wrong type is told by its name."""
    message, leftovers = codec.decode('{"serverContent":[1],"goAway":{}}')
    assert message == ServerMessage(go_away=GoAway())
    assert [(left.where, left.raw) for left in leftovers] == [("serverContent", b"[1]")]


DEEP = "[" * 100_000 + "]" * 100_000
BROKEN: dict[str, str | bytes] = {
    "empty": "",
    "no JSON": "hello",
    "cut off": '{"serverContent":{"turnComplete":tr',
    "array": "[1,2]",
    "number": "17",
    "null": "null",
    "NaN": '{"usageMetadata":{"totalTokenCount":NaN}}',
    "two values": "{}{}",
    "lone surrogate in a str": '{"a":"\ud800"}',
    "lone surrogate escaped and cut off": '{"serverContent":{"modelTurn":{"parts":["\\ud800"',
    "invalid UTF-8 in a name": b'{"\xff":1}',
    "binary": b"\x00\x01\x02",
    "deep": DEEP,
    "deep in an unknown field": '{"x":@}'.replace("@", DEEP),
}


@pytest.mark.parametrize("name", BROKEN)
def test_decode_frame_that_is_no_object_is_malformed_as_a_whole(name: str) -> None:
    """Law 4: no frame makes the codec raise; one that cannot be read is kept whole."""
    frame = BROKEN[name]
    message, leftovers = codec.decode(frame)
    raw = frame.encode("utf-8", "surrogatepass") if isinstance(frame, str) else frame
    assert message == ServerMessage()
    assert [(type(left), left.where, left.raw) for left in leftovers] == [(Malformed, "", raw)]


@pytest.mark.parametrize(
    "number", ["9" * 5_000, '"%s"' % ("9" * 5_000), "1e400", "1.5", '"x"', "true", "-"]
)
def test_decode_number_that_is_no_int_never_raises(number: str) -> None:
    """Numbers that Python refuses to read, or that are none, are malformed."""
    _, leftovers = codec.decode('{"usageMetadata":{"totalTokenCount":@}}'.replace("@", number))
    assert [type(left) for left in leftovers] == [Malformed]


def test_decode_deep_arguments_of_a_call_are_told_and_other_facts_kept() -> None:
    """A call whose arguments are nested too deeply to read does not take the frame with it."""
    frame = '{"goAway":{},"toolCall":{"functionCalls":[{"name":"f","args":{"x":@}}]}}'.replace(
        "@", DEEP
    )
    message, leftovers = codec.decode(frame)
    assert message in (ServerMessage(go_away=GoAway()), ServerMessage())
    assert [left.message for left in leftovers if isinstance(left, Malformed)] == [
        "nested too deeply"
    ]


def test_decode_large_frame_is_read() -> None:
    """Size alone is nothing special."""
    data = bytes(3_000_000)
    assert codec.decode(audio_frame(base64.b64encode(data).decode())) == (audio_message(data), [])


def test_text_of_gives_fields_as_they_were_written() -> None:
    """The raw text of a field is exactly what the service wrote, spaces included."""
    frame = '{"serverContent": {"modelTurn": {"parts": [{"a": 1}, {"b":  2.50 }]}}}'
    path = ("serverContent", "modelTurn", "parts", 1)
    assert codec.text_of(frame, *path) == b'{"b":  2.50 }'
    assert codec.text_of(frame.encode(), *path) == b'{"b":  2.50 }'


def test_text_of_a_field_that_is_too_deep_gives_what_surrounds_it() -> None:
    """What cannot be looked through a second time is kept as a whole."""
    frame = '{"parts":@}'.replace("@", DEEP)
    assert codec.text_of(frame, "parts") == frame.encode()


def test_copy_copies_mappings_of_any_kind_at_any_depth() -> None:
    """A copied object shares nothing with the original."""
    from types import MappingProxyType

    inner = {"b": [1]}
    copied = codec.copy(MappingProxyType({"a": MappingProxyType(inner)}), dict[str, object])
    inner["b"].append(2)
    assert copied == {"a": {"b": [1]}}


def test_copy_refuses_what_json_cannot_hold() -> None:
    """Anything but JSON's own types and mappings is refused by its type."""
    with pytest.raises(TypeError, match=r"^object cannot be written as JSON$"):
        codec.copy({"a": object()}, dict[str, object])


def test_decode_text_that_is_not_utf8_costs_its_field_only() -> None:
    """Invalid UTF-8 in a text is told by place; in an unknown field it is kept as it came."""
    frame = b'{"goAway":{"timeLeft":"\xff"},"setupComplete":{},"new":"\xfe"}'
    message, leftovers = codec.decode(frame)
    assert message == ServerMessage(setup_complete=SetupComplete(), go_away=GoAway())
    assert leftovers == [
        Malformed("goAway.timeLeft", "not valid UTF-8", b'"\xff"'),
        Unrecognised("new", b'{"new":"\xfe"}'),
    ]


# Anything at all

ENVELOPE = {field.encode_name: field.name for field in msgspec.structs.fields(ServerMessage)}
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["AAAA", "-_-_", "10s", "ACTIVITY_START", "audio/pcm;rate=0"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *ENVELOPE,
                    *(field.encode_name for field in msgspec.structs.fields(ServerContent)),
                    *("parts", "text", "inlineData", "data", "functionCalls", "args", "id", "ids"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(value=JSON_VALUES)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_decode_any_json_never_raises_and_loses_nothing(value: object) -> None:
    """Law 4: whatever JSON comes, each field is either known or a leftover."""
    message, leftovers = codec.decode(json.dumps(value))
    if not isinstance(value, dict):
        assert [left.where for left in leftovers] == [""]
        return
    told = {left.where.split(".")[0] for left in leftovers}
    known = {
        name for name, attribute in ENVELOPE.items() if getattr(message, attribute) is not None
    }
    assert {name for name, item in value.items() if item is not None} <= told | known


@given(frame=st.binary(max_size=60) | st.text(max_size=60))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_decode_any_frame_never_raises(frame: str | bytes) -> None:
    """Law 4: no bytes and no text, whatever they are, make the codec raise."""
    message, leftovers = codec.decode(frame)
    assert isinstance(message, ServerMessage)
    assert isinstance(leftovers, list)


@given(data=st.binary(max_size=40), url_safe=st.booleans(), padded=st.booleans())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_decode_any_media_in_any_base64_is_exact(data: bytes, url_safe: bool, padded: bool) -> None:
    """Media comes through bit by bit, however it was written."""
    text = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(data).decode()
    message, leftovers = codec.decode(audio_frame(text if padded else text.rstrip("=")))
    assert (message, leftovers) == (audio_message(data), [])


def test_tool_call_message_reads_calls_without_id() -> None:
    """Older servers send calls without an id; a batch keeps its order."""
    frame = '{"toolCall":{"functionCalls":[{"name":"a"},{"name":"b","id":"2","args":{"k":null}}]}}'
    calls = (FunctionCall("a"), FunctionCall("b", {"k": None}, "2"))
    assert codec.decode(frame) == (ServerMessage(tool_call=ToolCallMessage(calls)), [])


@pytest.mark.parametrize("kind", [Part, Content, ServerMessage, ClientMessage])
def test_public_structs_can_be_decoded_by_any_msgspec_decoder(kind: type[msgspec.Struct]) -> None:
    """Structs that say that they come from trio_live can still be read by their fields."""
    assert msgspec.json.decode(b"{}", type=kind) == kind()
