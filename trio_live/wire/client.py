"""What a client says: setup, then clientContent, realtimeInput, toolResponse, contextUpdate.

What lives here: the messages of the client's side and their parts. What must not: the rules about
when they may be sent (outbound.py). Source: "Live API: WebSockets reference", ai.google.dev,
and google-genai 3.4 `types.LiveClientMessage`, read November 2026.
"""

from __future__ import annotations

from trio_live.wire.base import Wire
from trio_live.wire.content import Blob, Content, FunctionResponse


class Empty(Wire, frozen=True):
    """A message without fields: `{}`."""


class PrebuiltVoiceConfig(Wire, frozen=True):
    """One of the service's voices, by name."""

    voice_name: str = ""


class VoiceConfig(Wire, frozen=True):
    """How the model's voice is chosen."""

    prebuilt_voice_config: PrebuiltVoiceConfig | None = None


class SpeechConfig(Wire, frozen=True):
    """Voice and language (BCP-47) of spoken answers."""

    voice_config: VoiceConfig | None = None
    language_code: str | None = None


class ThinkingConfig(Wire, frozen=True):
    """How much the model thinks: a budget in tokens (0 off, -1 automatic) or a level, by model."""

    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: str | None = None


class GenerationConfig(Wire, frozen=True):
    """Sampling and output settings."""

    response_modalities: tuple[str, ...] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_output_tokens: int | None = None
    seed: int | None = None
    media_resolution: str | None = None
    speech_config: SpeechConfig | None = None
    thinking_config: ThinkingConfig | None = None


class FunctionDeclaration(Wire, frozen=True):
    """A function that the model may call.

    Attributes:
        name: A letter or underscore first, then letters, digits and `_ . : -`; at most 128.
        description: What it does, for the model to read.
        parameters_json_schema: JSON Schema of the arguments, an object schema.
        behavior: "BLOCKING" or "NON_BLOCKING"; unset leaves the model's own default.
    """

    name: str
    description: str | None = None
    parameters_json_schema: dict[str, object] | None = None
    behavior: str | None = None


class Tool(Wire, frozen=True):
    """What the model may use: functions, or tools of the service."""

    function_declarations: tuple[FunctionDeclaration, ...] | None = None
    google_search: dict[str, object] | None = None
    code_execution: dict[str, object] | None = None
    url_context: dict[str, object] | None = None


class AutomaticActivityDetection(Wire, frozen=True):
    """The service's speech detection. Times in milliseconds; sensitivities by enum name."""

    disabled: bool | None = None
    start_of_speech_sensitivity: str | None = None
    end_of_speech_sensitivity: str | None = None
    prefix_padding_ms: int | None = None
    silence_duration_ms: int | None = None


class RealtimeInputConfig(Wire, frozen=True):
    """How real-time input becomes turns."""

    automatic_activity_detection: AutomaticActivityDetection | None = None
    activity_handling: str | None = None
    turn_coverage: str | None = None


class SessionResumptionConfig(Wire, frozen=True):
    """Present (even empty): send resumption updates. `handle`: resume that session."""

    handle: str | None = None


class SlidingWindow(Wire, frozen=True):
    """How many tokens a compression leaves."""

    target_tokens: int | None = None


class ContextWindowCompressionConfig(Wire, frozen=True):
    """When to compress the context, in tokens, and how."""

    trigger_tokens: int | None = None
    sliding_window: SlidingWindow | None = None


class AudioTranscriptionConfig(Wire, frozen=True):
    """Present (even empty): send transcriptions."""

    language_codes: tuple[str, ...] | None = None


class Setup(Wire, frozen=True):
    """The first message of a connection, and the only one of its kind."""

    model: str
    generation_config: GenerationConfig | None = None
    system_instruction: Content | None = None
    tools: tuple[Tool, ...] | None = None
    realtime_input_config: RealtimeInputConfig | None = None
    session_resumption: SessionResumptionConfig | None = None
    context_window_compression: ContextWindowCompressionConfig | None = None
    input_audio_transcription: AudioTranscriptionConfig | None = None
    output_audio_transcription: AudioTranscriptionConfig | None = None


class ClientContent(Wire, frozen=True):
    """Turns for the history; `turn_complete` true means "answer now"."""

    turns: tuple[Content, ...] | None = None
    turn_complete: bool | None = None


class RealtimeInput(Wire, frozen=True):
    """One piece of real-time input: exactly one field is set (the service's rule)."""

    audio: Blob | None = None
    video: Blob | None = None
    text: str | None = None
    activity_start: Empty | None = None
    activity_end: Empty | None = None
    audio_stream_end: bool | None = None


class ToolResponse(Wire, frozen=True):
    """Answers to function calls."""

    function_responses: tuple[FunctionResponse, ...]


class ContextUpdate(Wire, frozen=True):
    """A change of the context while the session runs; what is absent stays as it is."""

    system_instruction: Content | None = None


class ClientMessage(Wire, frozen=True):
    """The envelope: exactly one field is set (two would silently lose one at the service)."""

    setup: Setup | None = None
    client_content: ClientContent | None = None
    realtime_input: RealtimeInput | None = None
    tool_response: ToolResponse | None = None
    context_update: ContextUpdate | None = None
