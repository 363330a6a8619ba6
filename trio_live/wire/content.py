"""Content: what is said, by either side, as the service writes it.

What lives here: Content and everything that can be a part of it. What must not: messages that carry
it (client.py, server.py). Source: the Gemini API reference, "Content" and "Part", and
google-genai 3.4 `types.Content`, `types.Part`, read November 2026.
"""

from __future__ import annotations

from trio_live.wire.base import Wire


class Blob(Wire, frozen=True):
    """Inline media: `data` is base64 on the wire and bytes here; `mime_type` as in "image/jpeg"."""

    data: bytes = b""
    mime_type: str = ""


class FileData(Wire, frozen=True):
    """Media by reference."""

    file_uri: str = ""
    mime_type: str = ""


class FunctionCall(Wire, frozen=True):
    """A call that the model wants made. `id` pairs it with its answer; older servers send none."""

    name: str = ""
    args: dict[str, object] | None = None
    id: str | None = None


class FunctionResponse(Wire, frozen=True):
    """The answer to one function call.

    Attributes:
        name: The function's name, as in the call.
        response: A JSON object; by convention `{"output": ...}` or `{"error": ...}`.
        id: The call's id. The Gemini API requires it.
        scheduling: "INTERRUPT", "WHEN_IDLE" (the service's default) or "SILENT"; only heeded for
            functions declared NON_BLOCKING.
    """

    name: str
    response: dict[str, object]
    id: str | None = None
    scheduling: str | None = None


class ExecutableCode(Wire, frozen=True):
    """Code that the model wrote for the service's code execution."""

    code: str = ""
    language: str = ""


class CodeExecutionResult(Wire, frozen=True):
    """What that code printed. `outcome` is "OUTCOME_OK", "OUTCOME_FAILED" or newer."""

    outcome: str = ""
    output: str = ""


class Part(Wire, frozen=True):
    """One piece of content: exactly one of its kinds is set, beside the flags.

    `thought` marks text or media as the model's reasoning; `thought_signature` is opaque bytes.
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


class Content(Wire, frozen=True):
    """What one side said: `role` is "user" or "model" (on Vertex also "system")."""

    parts: tuple[Part, ...] = ()
    role: str | None = None

    @classmethod
    def from_text(cls, text: str, role: str | None = "user") -> Content:
        """Make content of one text part."""
        return cls(parts=(Part(text=text),), role=role)
