"""The setup: what a session is to be.

What lives here: the first message of a connection and the settings that belong to no other room.
What must not: SessionConfig, the user's view of it (config/). Source: "Live API: WebSockets
reference", ai.google.dev, and google-genai 3.4 `types.LiveClientSetup`, `types.LiveConnectConfig`,
read November 2026.
"""

from __future__ import annotations

from trio_live.wire import enums
from trio_live.wire.base import Wire
from trio_live.wire.content import Content
from trio_live.wire.generation import GenerationConfig
from trio_live.wire.marks import Int64, Unlisted, Vertex
from trio_live.wire.tools import Tool, ToolConfig
from trio_live.wire.transcription import AudioTranscriptionConfig


class AutomaticActivityDetection(Wire, frozen=True):
    """The service's speech detection. Times in milliseconds; sensitivities by enum name."""

    disabled: bool | None = None
    start_of_speech_sensitivity: enums.StartSensitivity | None = None
    end_of_speech_sensitivity: enums.EndSensitivity | None = None
    prefix_padding_ms: int | None = None
    silence_duration_ms: int | None = None


class RealtimeInputConfig(Wire, frozen=True):
    """How real-time input becomes turns; whether interim transcripts carry times."""

    automatic_activity_detection: AutomaticActivityDetection | None = None
    activity_handling: enums.ActivityHandling | None = None
    turn_coverage: enums.TurnCoverage | None = None
    interim_transcript_timestamp_enabled: bool | None = None


class SessionResumptionConfig(Wire, frozen=True):
    """Present (even empty): send resumption updates. `handle`: resume that session.

    `transparent` asks for the index of the last message that each handle covers.
    """

    handle: str | None = None
    transparent: Vertex[bool | None] = None


class SlidingWindow(Wire, frozen=True):
    """How many tokens a compression leaves."""

    target_tokens: Int64 | None = None


class ContextWindowCompressionConfig(Wire, frozen=True):
    """When to compress the context, in tokens, and how."""

    trigger_tokens: Int64 | None = None
    sliding_window: SlidingWindow | None = None


class ProactivityConfig(Wire, frozen=True):
    """Whether the model may stay silent, and whether it may speak about what it sees."""

    proactive_audio: bool | None = None
    proactive_video: bool | None = None


class HistoryConfig(Wire, frozen=True):
    """Whether the first `clientContent` messages, up to `turnComplete`, are history only."""

    initial_history_in_client_content: bool | None = None


class CustomizedAvatar(Wire, frozen=True):
    """An avatar's looks: a portrait of 9 to 16, at least 704 by 1280; base64 on the wire."""

    image_mime_type: str | None = None
    image_data: bytes | None = None


class AvatarConfig(Wire, frozen=True):
    """A talking avatar, one of the service's or one's own; bitrates in bits a second."""

    avatar_name: str | None = None
    customized_avatar: CustomizedAvatar | None = None
    audio_bitrate_bps: int | None = None
    video_bitrate_bps: int | None = None


class SafetySetting(Wire, frozen=True):
    """From which threshold on one kind of harm is blocked."""

    category: enums.HarmCategory | None = None
    threshold: enums.HarmBlockThreshold | None = None
    method: Vertex[enums.HarmBlockMethod | None] = None


class Setup(Wire, frozen=True):
    """The first message of a connection, and the only one of its kind.

    Attributes:
        model: The model's full resource name.
        generation_config: Sampling, output, speech, thinking.
        system_instruction: Holds for the whole session; text parts only.
        tools: What the model may use; never an empty list.
        realtime_input_config: How real-time input becomes turns.
        session_resumption: Send resumption updates, or resume.
        context_window_compression: Compress the context.
        input_audio_transcription: Send transcripts of the user's speech.
        output_audio_transcription: Send transcripts of the model's speech.
        proactivity: Whether the model decides itself when to speak; refused as false by 3.8 models.
        explicit_vad_signal: Send `voiceActivity`.
        history_config: How a history is sent; 3.1 models and later.
        avatar_config: A talking avatar.
        safety_settings: What is blocked.
        labels: The caller's own, for billing and reports.
        tool_config: How tools are used.
    """

    model: str
    generation_config: GenerationConfig | None = None
    system_instruction: Content | None = None
    tools: tuple[Tool, ...] | None = None
    realtime_input_config: RealtimeInputConfig | None = None
    session_resumption: SessionResumptionConfig | None = None
    context_window_compression: ContextWindowCompressionConfig | None = None
    input_audio_transcription: AudioTranscriptionConfig | None = None
    output_audio_transcription: AudioTranscriptionConfig | None = None
    proactivity: ProactivityConfig | None = None
    explicit_vad_signal: Vertex[bool | None] = None
    history_config: HistoryConfig | None = None
    avatar_config: AvatarConfig | None = None
    safety_settings: tuple[SafetySetting, ...] | None = None
    labels: dict[str, str] | None = None
    tool_config: Unlisted[ToolConfig | None] = None
