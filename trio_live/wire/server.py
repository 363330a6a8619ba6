"""What the service says.

What lives here: the messages of the server's side and their parts. Enums are plain text, because
the service adds values. `ServerMessage` and `ServerContent` refuse unknown names on purpose:
codec.py takes such a message apart, so that what is new is reported and what is known is used.
Below them unknown names are ignored. Source: "Live API: WebSockets reference", ai.google.dev, and
google-genai 3.4 `types.LiveServerMessage`, read November 2026.
"""

from __future__ import annotations

from trio_live.wire.base import Wire
from trio_live.wire.content import Content, FunctionCall


class SetupComplete(Wire, frozen=True):
    """The session is open. `session_id` may be absent."""

    session_id: str | None = None


class Transcription(Wire, frozen=True):
    """A piece of a transcript. `finished` often never comes."""

    text: str | None = None
    finished: bool | None = None
    language_code: str | None = None


class ServerContent(Wire, frozen=True, forbid_unknown_fields=True):
    """What the model says and where its turn stands. Any of the fields may come together."""

    model_turn: Content | None = None
    generation_complete: bool | None = None
    turn_complete: bool | None = None
    interrupted: bool | None = None
    waiting_for_input: bool | None = None
    turn_complete_reason: str | None = None
    input_transcription: Transcription | None = None
    output_transcription: Transcription | None = None
    interaction_status: str | None = None


class ToolCallMessage(Wire, frozen=True):
    """Functions to call; all of them are owed an answer."""

    function_calls: tuple[FunctionCall, ...] = ()


class ToolCallCancellation(Wire, frozen=True):
    """Calls that are no longer wanted. They must not be answered."""

    ids: tuple[str, ...] = ()


class ModalityTokenCount(Wire, frozen=True):
    """Tokens of one modality: "TEXT", "AUDIO", "IMAGE", "VIDEO", "DOCUMENT"."""

    modality: str = ""
    token_count: int = 0


class UsageMetadata(Wire, frozen=True):
    """Token counts. Vertex says `candidates*` where the Gemini API says `response*`."""

    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    response_token_count: int | None = None
    candidates_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    thoughts_token_count: int | None = None
    total_token_count: int | None = None
    prompt_tokens_details: tuple[ModalityTokenCount, ...] | None = None
    response_tokens_details: tuple[ModalityTokenCount, ...] | None = None
    candidates_tokens_details: tuple[ModalityTokenCount, ...] | None = None


class GoAway(Wire, frozen=True):
    """The connection will be closed. `time_left` is a duration such as "10s" or "0.5s"."""

    time_left: str | None = None


class SessionResumptionUpdate(Wire, frozen=True):
    """Where the session could be resumed. `new_handle` counts only if `resumable`."""

    new_handle: str | None = None
    resumable: bool | None = None
    last_consumed_client_message_index: int | None = None


class VoiceActivity(Wire, frozen=True):
    """Speech started or ended: "ACTIVITY_START" or "ACTIVITY_END", at a duration from the start."""

    type: str | None = None
    audio_offset: str | None = None


class VoiceActivityDetectionSignal(Wire, frozen=True):
    """The older form: "VAD_SIGNAL_TYPE_SOS" or "VAD_SIGNAL_TYPE_EOS"."""

    vad_signal_type: str | None = None


class ErrorStatus(Wire, frozen=True):
    """An error object at the top level: undocumented, seen by some clients."""

    code: int | None = None
    message: str | None = None
    status: str | None = None


class ServerMessage(Wire, frozen=True, forbid_unknown_fields=True):
    """The envelope. Nominally one field is set; in truth several come together."""

    setup_complete: SetupComplete | None = None
    server_content: ServerContent | None = None
    tool_call: ToolCallMessage | None = None
    tool_call_cancellation: ToolCallCancellation | None = None
    usage_metadata: UsageMetadata | None = None
    go_away: GoAway | None = None
    session_resumption_update: SessionResumptionUpdate | None = None
    voice_activity: VoiceActivity | None = None
    voice_activity_detection_signal: VoiceActivityDetectionSignal | None = None
    interaction_status: str | None = None
    error: ErrorStatus | None = None
