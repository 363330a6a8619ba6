"""What a client says: setup, then clientContent, realtimeInput, toolResponse, contextUpdate.

What lives here: the messages of the client's side, but for the setup itself (setup.py). What must
not: the rules about when they may be sent (outbound.py). Source: "Live API: WebSockets reference",
ai.google.dev, and google-genai 3.4 `types.LiveClientMessage`, read November 2026.
"""

from __future__ import annotations

from trio_live.wire.base import Wire
from trio_live.wire.content import Blob, Content
from trio_live.wire.functions import FunctionResponse
from trio_live.wire.setup import Setup
from trio_live.wire.tools import Tool


class Empty(Wire, frozen=True):
    """A message without fields: `{}`."""


class ClientContent(Wire, frozen=True):
    """Turns for the history; `turn_complete` true means "answer now"."""

    turns: tuple[Content, ...] | None = None
    turn_complete: bool | None = None


class RealtimeInput(Wire, frozen=True):
    """One piece of real-time input: exactly one field is set (the service's rule).

    Attributes:
        audio: Sound, as "audio/pcm;rate=16000".
        video: One frame, as JPEG, PNG or WebP.
        text: Text, beside sound and video.
        activity_start: The user starts to speak; without the service's speech detection only.
        activity_end: The user stops speaking, likewise.
        audio_stream_end: The microphone is off; with the service's speech detection only.
        media_chunks: Deprecated, and refused by 3.1 models and later; only the first counts.
    """

    audio: Blob | None = None
    video: Blob | None = None
    text: str | None = None
    activity_start: Empty | None = None
    activity_end: Empty | None = None
    # Not marked as the Gemini API's only: google-genai 3.4 refuses it on Vertex AI in one of its
    # two ways to send it, and sends it in the other.
    audio_stream_end: bool | None = None
    media_chunks: tuple[Blob, ...] | None = None


class ToolResponse(Wire, frozen=True):
    """Answers to function calls."""

    function_responses: tuple[FunctionResponse, ...]


class ContextUpdateTools(Wire, frozen=True):
    """Tools, wrapped: an empty list takes all tools away, where no list leaves them."""

    tools: tuple[Tool, ...] | None = None


class ContextUpdate(Wire, frozen=True):
    """A change of the context while the session runs; what is absent stays as it is."""

    system_instruction: Content | None = None
    tools: ContextUpdateTools | None = None


class ClientMessage(Wire, frozen=True):
    """The envelope: exactly one field is set (two would silently lose one at the service)."""

    setup: Setup | None = None
    client_content: ClientContent | None = None
    realtime_input: RealtimeInput | None = None
    tool_response: ToolResponse | None = None
    context_update: ContextUpdate | None = None
