"""What the service says.

What lives here: the messages of the server's side. Enums are plain text, because the service adds
values. `ServerMessage` and `ServerContent` refuse unknown names on purpose: codec.py takes such a
message apart, so that what is new is reported and what is known is used. Below them unknown names
are ignored. Source: "Live API: WebSockets reference", ai.google.dev, and google-genai 3.4
`types.LiveServerMessage`, read November 2026.
"""

from __future__ import annotations

from trio_live.wire import enums
from trio_live.wire.base import Wire
from trio_live.wire.content import Content
from trio_live.wire.functions import FunctionCall
from trio_live.wire.grounding import GroundingMetadata, UrlContextMetadata
from trio_live.wire.marks import Duration, Int64, Unlisted, Vertex
from trio_live.wire.speech import VoiceConsentSignature
from trio_live.wire.transcription import Transcription
from trio_live.wire.usage import UsageMetadata


class SetupComplete(Wire, frozen=True):
    """The session is open.

    Attributes:
        session_id: May be absent.
        voice_consent_signature: Stands for the consent that a replicated voice was sent with.
    """

    session_id: str | None = None
    voice_consent_signature: VoiceConsentSignature | None = None


class ServerContent(Wire, frozen=True, gc=False, forbid_unknown_fields=True):
    """What the model says and where its turn stands. Any of the fields may come together.

    Attributes:
        model_turn: What the model says.
        generation_complete: The model has generated all of its answer.
        turn_complete: The turn is over.
        interrupted: The answer was interrupted.
        waiting_for_input: The model waits for more before it answers.
        turn_complete_reason: Why the turn is over, if not because all is said.
        input_transcription: What the user said.
        output_transcription: What the model said aloud.
        interaction_status: The state of an extended interaction.
        interim_input_transcription: What the user seems to be saying; later ones replace it.
        grounding_metadata: Where the answer comes from.
        url_context_metadata: Which pages were fetched for it.
    """

    model_turn: Content | None = None
    generation_complete: bool | None = None
    turn_complete: bool | None = None
    interrupted: bool | None = None
    waiting_for_input: bool | None = None
    turn_complete_reason: enums.TurnCompleteReason | None = None
    input_transcription: Transcription | None = None
    output_transcription: Transcription | None = None
    interaction_status: enums.InteractionStatus | None = None
    interim_input_transcription: Transcription | None = None
    grounding_metadata: GroundingMetadata | None = None
    url_context_metadata: UrlContextMetadata | None = None


class ToolCallMessage(Wire, frozen=True):
    """Functions to call; all of them are owed an answer."""

    function_calls: tuple[FunctionCall, ...] = ()


class ToolCallCancellation(Wire, frozen=True):
    """Calls that are no longer wanted. They must not be answered."""

    ids: tuple[str, ...] = ()


class GoAway(Wire, frozen=True):
    """The connection will be closed. `time_left` is a duration such as "10s" or "0.5s"."""

    time_left: Duration | None = None


class SessionResumptionUpdate(Wire, frozen=True):
    """Where the session could be resumed. `new_handle` counts only if `resumable`."""

    new_handle: str | None = None
    resumable: bool | None = None
    last_consumed_client_message_index: Vertex[Int64 | None] = None


class VoiceActivity(Wire, frozen=True):
    """Speech started or ended: "ACTIVITY_START" or "ACTIVITY_END", at a duration from the start."""

    type: enums.VoiceActivityType | None = None
    audio_offset: Duration | None = None


class VoiceActivityDetectionSignal(Wire, frozen=True):
    """The older form: "VAD_SIGNAL_TYPE_SOS" or "VAD_SIGNAL_TYPE_EOS"."""

    vad_signal_type: enums.VadSignalType | None = None


class ErrorStatus(Wire, frozen=True):
    """An error object at the top level: undocumented, seen by some clients."""

    code: int | None = None
    message: str | None = None
    status: str | None = None


class ServerMessage(Wire, frozen=True, gc=False, forbid_unknown_fields=True):
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
    interaction_status: Unlisted[enums.InteractionStatus | None] = None
    error: Unlisted[ErrorStatus | None] = None
