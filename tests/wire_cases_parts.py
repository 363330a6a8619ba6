"""Turns of one part, one for each kind, as google-genai and as trio_live are told them."""

from __future__ import annotations

from typing import Any

from google.genai import types
from wire_clients import BYTES, Send, call

from trio_live import Blob, Content, FunctionResponse, Part
from trio_live.wire.content import CodeExecutionResult, ExecutableCode, FileData
from trio_live.wire.functions import (
    FunctionCall,
    PartialArg,
    ServerToolCall,
    ServerToolResponse,
)
from trio_live.wire.media import (
    AudioMetadata,
    DocumentMetadata,
    PartMediaResolution,
    SpeechMetadata,
    SpreadsheetMetadata,
    VideoMetadata,
)


def part(name: str, genai: dict[str, Any], ours: Part) -> Send:
    """A turn of one part."""
    turn = types.Content(role="user", parts=[types.Part(**genai)])
    return Send(
        f"part: {name}",
        call("send_client_content", turns=turn),
        call("send_client_content", [Content((ours,), "user")]),
    )


IMAGE: dict[str, Any] = {"inline_data": {"data": BYTES, "mime_type": "image/png"}}
VIDEO: dict[str, Any] = {"file_data": {"file_uri": "gs://b/f", "mime_type": "video/mp4"}}
OUR_IMAGE = Blob(BYTES, "image/png")
OUR_VIDEO = FileData("gs://b/f", "video/mp4")

PARTS = [
    part("text", {"text": 'Grüße 😀\n"quoted"'}, Part(text='Grüße 😀\n"quoted"')),
    part("image", IMAGE, Part(inline_data=OUR_IMAGE)),
    part(
        "named image",
        {"inline_data": IMAGE["inline_data"] | {"display_name": "x_y"}},
        Part(inline_data=Blob(BYTES, "image/png", "x_y")),
    ),
    part("file", VIDEO, Part(file_data=OUR_VIDEO)),
    part(
        "call",
        {"function_call": {"id": "1", "name": "f", "args": {"snake_key": [1, {"b_c": None}]}}},
        Part(function_call=FunctionCall("f", {"snake_key": [1, {"b_c": None}]}, "1")),
    ),
    part(
        "call in pieces",
        {
            "function_call": {
                "name": "f",
                "partial_args": [{"json_path": "$.a", "string_value": "x", "will_continue": True}],
                "will_continue": True,
            }
        },
        Part(
            function_call=FunctionCall(
                "f",
                partial_args=(PartialArg("$.a", string_value="x", will_continue=True),),
                will_continue=True,
            )
        ),
    ),
    part(
        "response",
        {"function_response": {"id": "1", "name": "f", "response": {"out_put": {"a_b": 1}}}},
        Part(function_response=FunctionResponse("f", {"out_put": {"a_b": 1}}, "1")),
    ),
    part(
        "code",
        {"executable_code": {"code": "print(1)", "language": "PYTHON", "id": "e"}},
        Part(executable_code=ExecutableCode("print(1)", "PYTHON", "e")),
    ),
    part(
        "code result",
        {"code_execution_result": {"outcome": "OUTCOME_OK", "output": "1", "id": "e"}},
        Part(code_execution_result=CodeExecutionResult("OUTCOME_OK", "1", "e")),
    ),
    part(
        "thought",
        {"text": "hm", "thought": True, "thought_signature": BYTES},
        Part(text="hm", thought=True, thought_signature=BYTES),
    ),
    part(
        "tool call",
        {"tool_call": {"id": "1", "tool_type": "URL_CONTEXT", "args": {"url_s": 1}}},
        Part(tool_call=ServerToolCall("1", "URL_CONTEXT", {"url_s": 1})),
    ),
    part(
        "tool response",
        {"tool_response": {"id": "1", "tool_type": "URL_CONTEXT", "response": {"a_b": 1}}},
        Part(tool_response=ServerToolResponse("1", "URL_CONTEXT", {"a_b": 1})),
    ),
    part(
        "resolution",
        IMAGE | {"media_resolution": {"level": "MEDIA_RESOLUTION_LOW", "num_tokens": 9}},
        Part(
            inline_data=OUR_IMAGE,
            media_resolution=PartMediaResolution("MEDIA_RESOLUTION_LOW", 9),
        ),
    ),
    part(
        "video metadata",
        VIDEO | {"video_metadata": {"start_offset": "1.5s", "end_offset": "2s", "fps": 0.5}},
        Part(file_data=OUR_VIDEO, video_metadata=VideoMetadata("1.5s", "2s", 0.5)),
    ),
    part(
        "media processing",
        VIDEO | {"media_processing": "STATIC"},
        Part(file_data=OUR_VIDEO, media_processing="STATIC"),
    ),
    part(
        "audio metadata",
        VIDEO | {"audio_metadata": {"start_offset": "1.5s", "end_offset": "2s"}},
        Part(file_data=OUR_VIDEO, audio_metadata=AudioMetadata("1.5s", "2s")),
    ),
    part(
        "document metadata",
        VIDEO | {"document_metadata": {"start_page": 1, "end_page": 2}},
        Part(file_data=OUR_VIDEO, document_metadata=DocumentMetadata(1, 2)),
    ),
    part(
        "spreadsheet metadata",
        VIDEO | {"spreadsheet_metadata": {"visible_cells": "A1:B2", "sheet_index": 1}},
        Part(file_data=OUR_VIDEO, spreadsheet_metadata=SpreadsheetMetadata("A1:B2", 1)),
    ),
    part(
        "speech metadata",
        {"text": "hm", "speech_metadata": {"speaker": "A", "style": "dry"}},
        Part(text="hm", speech_metadata=SpeechMetadata("A", "dry")),
    ),
    part(
        "part metadata",
        {"text": "hm", "part_metadata": {"snake_key": {"b_c": 1}}},
        Part(text="hm", part_metadata={"snake_key": {"b_c": 1}}),
    ),
]
