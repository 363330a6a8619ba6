"""Content: what is said, by either side, as the service writes it.

What lives here: Content and its parts. What must not: messages that carry it (client.py,
server.py). Source: the Gemini API reference, "Content" and "Part", and google-genai 3.4
`types.Content`, `types.Part`, read November 2026.

`gc=False` on what every audio frame is made of (here and in server.py): the garbage collector does
not follow these structs. Frozen and decoded, they can only lie in a reference cycle if somebody
puts one into its own `args`. It gives back what the fields of `Part` cost (benchmarks.codec, 960
bytes, best of 6 processes, November 2026: 1.07 us with 9 fields, 1.10 us with 20, 1.08 us with 20
and `gc=False`).
"""

from __future__ import annotations

from trio_live.wire import enums
from trio_live.wire.base import Wire
from trio_live.wire.functions import (
    FunctionCall,
    FunctionResponse,
    ServerToolCall,
    ServerToolResponse,
)
from trio_live.wire.marks import Gemini, JsonObject
from trio_live.wire.media import (
    AudioMetadata,
    DocumentMetadata,
    PartMediaResolution,
    SpeechMetadata,
    SpreadsheetMetadata,
    VideoMetadata,
)
from trio_live.wire.transcription import Transcription


class Blob(Wire, frozen=True, gc=False):
    """Inline media: `data` is base64 on the wire and bytes here; `mime_type` as in "image/jpeg"."""

    data: bytes = b""
    mime_type: str = ""
    display_name: str | None = None


class FileData(Wire, frozen=True):
    """Media by reference."""

    file_uri: str = ""
    mime_type: str = ""
    display_name: str | None = None


class ExecutableCode(Wire, frozen=True):
    """Code that the model wrote for the service's code execution; `id` pairs it with its result."""

    code: str = ""
    language: enums.Language = ""
    id: str | None = None


class CodeExecutionResult(Wire, frozen=True):
    """What that code printed: its output if `outcome` is "OUTCOME_OK", else what went wrong."""

    outcome: enums.Outcome = ""
    output: str = ""
    id: str | None = None


class Part(Wire, frozen=True, gc=False):
    """One piece of content: exactly one of its kinds is set, beside the flags.

    Attributes:
        text: Kind: text.
        inline_data: Kind: media, inline.
        file_data: Kind: media, by reference.
        function_call: Kind: a call for this program.
        function_response: Kind: the answer to one.
        executable_code: Kind: code that the service runs.
        code_execution_result: Kind: what that code gave.
        thought: Marks text or media as the model's reasoning.
        thought_signature: Opaque bytes of the service's own, to be sent back with the part.
        tool_call: Kind: a call of a tool that the service runs itself.
        tool_response: Kind: what that tool gave.
        media_resolution: How finely the media are tokenised.
        media_processing: How the model looks at a video.
        video_metadata: Which stretch of a video counts.
        audio_metadata: Which stretch of a sound counts.
        document_metadata: Which pages of a document count.
        spreadsheet_metadata: Which cells of a spreadsheet count.
        audio_transcription: What is said in the audio of the part; only the service sends it.
        speech_metadata: Who is to speak the text, and how.
        part_metadata: An object of the application's own, kept with the part.
    """

    text: str | None = None
    inline_data: Blob | None = None
    file_data: FileData | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    executable_code: ExecutableCode | None = None
    code_execution_result: CodeExecutionResult | None = None
    thought: bool | None = None
    thought_signature: bytes | None = None
    tool_call: Gemini[ServerToolCall | None] = None
    tool_response: Gemini[ServerToolResponse | None] = None
    media_resolution: PartMediaResolution | None = None
    media_processing: enums.MediaProcessing | None = None
    video_metadata: VideoMetadata | None = None
    audio_metadata: AudioMetadata | None = None
    document_metadata: DocumentMetadata | None = None
    spreadsheet_metadata: SpreadsheetMetadata | None = None
    audio_transcription: Transcription | None = None
    speech_metadata: SpeechMetadata | None = None
    part_metadata: Gemini[JsonObject | None] = None


class Content(Wire, frozen=True, gc=False):
    """What one side said: `role` is "user" or "model" (on Vertex also "system")."""

    parts: tuple[Part, ...] = ()
    role: str | None = None

    @classmethod
    def from_text(cls, text: str, role: str | None = "user") -> Content:
        """Make content of one text part."""
        return cls(parts=(Part(text=text),), role=role)
