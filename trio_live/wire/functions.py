"""Function calls and their answers, as parts of content and as messages of their own.

What lives here: what is called and what is answered, by this program (FunctionCall) or by the
service itself (ServerToolCall). What must not: declarations (tools.py). Source: google-genai 3.4
`types.py`, read November 2026.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from trio_live.wire import enums
from trio_live.wire.base import Wire
from trio_live.wire.marks import Gemini, JsonObject, Vertex, known
from trio_live.wire.media import (
    AudioMetadata,
    DocumentMetadata,
    PartMediaResolution,
    SpreadsheetMetadata,
    VideoMetadata,
)

NullValue: TypeAlias = Annotated[str, known("NULL_VALUE")]
"""The JSON null, where it has to be a text."""


class PartialArg(Wire, frozen=True):
    """A piece of a call's arguments, streamed. One of the values is set.

    Attributes:
        json_path: Where it belongs, as a JSON Path (RFC 9535) such as "$.city".
        string_value: Text, or a piece of it.
        number_value: A number.
        bool_value: A truth value.
        null_value: "NULL_VALUE": the argument is null.
        will_continue: Whether more of this same argument follows.
    """

    json_path: str | None = None
    string_value: str | None = None
    number_value: float | None = None
    bool_value: bool | None = None
    null_value: NullValue | None = None
    will_continue: bool | None = None


class FunctionCall(Wire, frozen=True):
    """A call that the model wants made.

    Attributes:
        name: The function's name, as declared.
        args: The arguments, a JSON object.
        id: Pairs the call with its answer; older servers send none.
        partial_args: Pieces of the arguments, where they are streamed.
        will_continue: Whether more pieces of this call follow.
    """

    name: str = ""
    args: JsonObject | None = None
    id: str | None = None
    partial_args: Vertex[tuple[PartialArg, ...] | None] = None
    will_continue: Vertex[bool | None] = None


class FunctionResponseBlob(Wire, frozen=True):
    """Inline media in an answer: base64 on the wire and bytes here."""

    data: bytes = b""
    mime_type: str = ""
    display_name: str | None = None


class FunctionResponseFileData(Wire, frozen=True):
    """Media by reference in an answer."""

    file_uri: str = ""
    mime_type: str = ""
    display_name: str | None = None


class FunctionResponsePart(Wire, frozen=True):
    """A piece of media in an answer, and how it is to be looked at."""

    inline_data: FunctionResponseBlob | None = None
    file_data: FunctionResponseFileData | None = None
    media_processing: Gemini[enums.MediaProcessing | None] = None
    media_resolution: PartMediaResolution | None = None
    video_metadata: VideoMetadata | None = None
    document_metadata: DocumentMetadata | None = None
    spreadsheet_metadata: SpreadsheetMetadata | None = None
    audio_metadata: AudioMetadata | None = None


class FunctionResponse(Wire, frozen=True):
    """The answer to one function call.

    Attributes:
        name: The function's name, as in the call; always set in an answer that is sent.
        response: A JSON object; by convention `{"output": ...}` or `{"error": ...}`. Always set in
            an answer that is sent.
        id: The call's id. The Gemini API requires it.
        scheduling: "INTERRUPT", "WHEN_IDLE" (the service's default) or "SILENT"; only heeded for
            functions declared NON_BLOCKING.
        will_continue: Whether more answers to the same call follow; NON_BLOCKING functions only.
        parts: Media that belong to the answer, in order.
    """

    name: str = ""
    response: JsonObject | None = None
    id: str | None = None
    scheduling: enums.FunctionResponseScheduling | None = None
    will_continue: Gemini[bool | None] = None
    parts: tuple[FunctionResponsePart, ...] | None = None


class ServerToolCall(Wire, frozen=True):
    """A call of a tool that the service runs itself (a part's `toolCall`). Owed no answer."""

    id: str | None = None
    tool_type: enums.ToolType | None = None
    args: JsonObject | None = None


class ServerToolResponse(Wire, frozen=True):
    """What a tool of the service's own gave (a part's `toolResponse`)."""

    id: str | None = None
    tool_type: enums.ToolType | None = None
    response: JsonObject | None = None
