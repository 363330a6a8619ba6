"""What is said in a session, to google-genai and to trio_live: every verb in every form.

Parts have a room of their own, wire_cases_parts.py.
"""

from __future__ import annotations

from typing import Any

from google.genai import types
from wire_cases_parts import PARTS
from wire_clients import BYTES, OURS, PLAIN, Case, Send, call

from trio_live import Content, FunctionDeclaration, FunctionResponse, Part, Tool
from trio_live.wire.functions import (
    FunctionResponseBlob,
    FunctionResponseFileData,
    FunctionResponsePart,
)

PCM = BYTES * 2

TURNS: list[Any] = [
    {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
    {"role": "model", "parts": [{"text": "c"}]},
]
OUR_TURNS = [
    Content((Part(text="a"), Part(text="b")), "user"),
    Content((Part(text="c"),), "model"),
]

CONTENT = [
    Send(
        "content: one turn",
        call("send_client_content", turns=TURNS[1]),
        call("send_client_content", OUR_TURNS[1:]),
    ),
    Send(
        "content: a text to answer",
        call("send_client_content", turns={"role": "user", "parts": [{"text": "hi"}]}),
        call("send_text", "hi"),
    ),
    Send(
        "content: turns",
        call("send_client_content", turns=TURNS),
        call("send_client_content", OUR_TURNS),
    ),
    Send(
        "content: more to come",
        call("send_client_content", turns=TURNS, turn_complete=False),
        call("send_client_content", OUR_TURNS, turn_complete=False),
    ),
    Send(
        "content: no more to come",
        call("send_client_content"),
        call("send_client_content", []),
    ),
    Send(
        "content: nothing",
        call("send_client_content", turn_complete=False),
        call("send_client_content", [], turn_complete=False),
    ),
    Send(
        "content: history without announcement",
        call("send_client_content", turns=[*TURNS, TURNS[0]], turn_complete=False),
        call("seed_history", [*OUR_TURNS, OUR_TURNS[0]]),
    ),
    Send(
        "content: no role",
        call("send_client_content", turns={"parts": [{"text": "hi"}]}),
        call("send_client_content", [Content((Part(text="hi"),))]),
    ),
    Send(
        "content: the deprecated send()",
        call("send", input="hi", end_of_turn=True),
        call("send_text", "hi"),
    ),
]


def realtime(name: str, ours: Any, **genai: Any) -> Send:
    """A piece of real-time input."""
    return Send(f"realtime: {name}", call("send_realtime_input", **genai), ours)


def blob(mime_type: str, data: bytes = PCM) -> Any:
    """Media for google-genai."""
    return types.Blob(data=data, mime_type=mime_type)


REALTIME = [
    realtime("audio", call("send_audio", PCM), audio=blob("audio/pcm;rate=16000")),
    realtime(
        "audio of 24 kHz",
        call("send_audio", PCM, sample_rate_hz=24_000),
        audio=blob("audio/pcm;rate=24000"),
    ),
    realtime(
        "audio of 11,025 Hz",
        call("send_audio", PCM, sample_rate_hz=11_025),
        audio={"data": PCM, "mime_type": "audio/pcm;rate=11025"},
    ),
    realtime("audio without a rate", call("send_audio", PCM), audio=blob("audio/pcm")),
    realtime("not audio", call("send_audio", b"odd"), audio=blob("text/plain", b"odd")),
    *(
        realtime(kind, call("send_video", BYTES, mime_type=kind), video=blob(kind, BYTES))
        for kind in ("image/jpeg", "image/png", "image/webp")
    ),
    realtime(
        "not an image",
        call("send_video", BYTES, mime_type="video/mp4"),
        video=blob("video/mp4", BYTES),
    ),
    realtime(
        "an image of another kind",
        call("send_video", BYTES, mime_type="image/gif"),
        video=blob("image/gif", BYTES),
    ),
    realtime("media: an image", call("send_video", BYTES), media=blob("image/jpeg", BYTES)),
    realtime("media: audio", call("send_audio", PCM), media=blob("audio/pcm;rate=16000")),
    realtime("text", call("send_realtime_text", "grüß"), text="grüß"),
    realtime("no text", call("send_realtime_text", ""), text=""),
]
AUTOMATIC = [
    *REALTIME,
    realtime("end of audio", call("end_audio_stream"), audio_stream_end=True),
]
MANUAL = [
    realtime("activity start", call("signal_activity_start"), activity_start={}),
    *REALTIME[:2],
    realtime("activity end", call("signal_activity_end"), activity_end=types.ActivityEnd()),
    realtime("nothing", call("send_audio", b"")),
]


def answer(name: str, genai: dict[str, Any], ours: FunctionResponse) -> Send:
    """An answer to a call."""
    return Send(
        f"answer: {name}",
        call("send_tool_response", function_responses=[genai]),
        call("send_tool_response", [ours]),
    )


OUTPUT: dict[str, Any] = {"output": {"snake_key": [None, True, 1.5]}}


def called(number: int, **more: Any) -> dict[str, Any]:
    """The answer to a call, for google-genai."""
    return {"id": f"c{number}", "name": "f", "response": OUTPUT} | more


def our_answer(number: int, **more: Any) -> FunctionResponse:
    """The same for trio_live."""
    return FunctionResponse("f", OUTPUT, f"c{number}", **more)


ANSWERS = [
    Send(
        "answer: one",
        call("send_tool_response", function_responses=types.FunctionResponse(**called(0))),
        call("send_tool_response", [our_answer(0)]),
    ),
    Send(
        "answer: two",
        call("send_tool_response", function_responses=[called(1), called(2)]),
        call("send_tool_response", [our_answer(1), our_answer(2)]),
    ),
    *(
        answer(how, called(number, scheduling=how), our_answer(number, scheduling=how))
        for number, how in enumerate(("INTERRUPT", "WHEN_IDLE", "SILENT"), start=3)
    ),
    answer(
        "more to come",
        called(6, will_continue=True),
        our_answer(6, will_continue=True),
    ),
    answer(
        "no more to come",
        called(6, will_continue=False),
        our_answer(6, will_continue=False),
    ),
    answer(
        "with media",
        called(
            7,
            parts=[
                {"inline_data": {"mime_type": "image/png", "data": BYTES, "display_name": "x"}},
                {"file_data": {"file_uri": "gs://b/f", "mime_type": "image/png"}},
            ],
        ),
        our_answer(
            7,
            parts=(
                FunctionResponsePart(FunctionResponseBlob(BYTES, "image/png", "x")),
                FunctionResponsePart(file_data=FunctionResponseFileData("gs://b/f", "image/png")),
            ),
        ),
    ),
    answer(
        "an error",
        called(8, response={"error": "no_such_city"}),
        FunctionResponse("f", {"error": "no_such_city"}, "c8"),
    ),
    answer(
        "without an id",
        {"name": "nameless", "response": OUTPUT},
        FunctionResponse("nameless", OUTPUT),
    ),
    Send(
        "answer: none",
        call("send_tool_response", function_responses=[]),
        call("send_tool_response", []),
    ),
]

FUNCTION: dict[str, Any] = {"function_declarations": [{"name": "g", "behavior": "NON_BLOCKING"}]}
OUR_FUNCTION = Tool(function_declarations=(FunctionDeclaration("g", behavior="NON_BLOCKING"),))
UPDATES = [
    Send(
        "context: instruction",
        call("send_context_update", system_instruction="Be brief."),
        call("update_instruction", "Be brief."),
    ),
    Send(
        "context: tools",
        call("send_context_update", tools=[FUNCTION]),
        call("update_context", tools=[OUR_FUNCTION]),
    ),
    Send(
        "context: no tools",
        call("send_context_update", tools=[]),
        call("update_context", tools=[]),
    ),
    Send(
        "context: both",
        call("send_context_update", system_instruction="Be brief.", tools=[FUNCTION]),
        call("update_context", system_instruction="Be brief.", tools=[OUR_FUNCTION]),
    ),
    Send(
        "context: an instruction in content",
        call(
            "send_context_update",
            system_instruction=types.Content(parts=[types.Part(text="a")], role="user"),
        ),
        call("update_context", system_instruction=Content((Part(text="a"),), "user")),
    ),
    Send("context: nothing", call("send_context_update"), call("update_context")),
]

ANNOUNCED = [
    Send(
        "history: announced",
        call("send_client_content", turns=TURNS),
        call("seed_history", OUR_TURNS),
    ),
    Send("history: then a text", CONTENT[1].genai, CONTENT[1].ours),
]

SENDS = [
    Case("parts", PLAIN, OURS, PARTS),
    Case("content", PLAIN, OURS, CONTENT),
    Case("real time", PLAIN, OURS, AUTOMATIC),
    Case(
        "manual",
        PLAIN | {"realtime_input_config": {"automatic_activity_detection": {"disabled": True}}},
        OURS | {"activity_detection": False},
        MANUAL,
    ),
    Case("answers", PLAIN, OURS, ANSWERS),
    Case(
        "history",
        PLAIN | {"history_config": {"initial_history_in_client_content": True}},
        OURS | {"initial_history": True},
        ANNOUNCED,
    ),
    Case("context", PLAIN, OURS, UPDATES),
]
