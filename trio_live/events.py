"""SessionEvent: what a session tells.

What lives here: one frozen struct per event; those of what is said are in said.py, those of calls
in calls.py, those of the connection in links.py, and all are imported from here. What must not: how
they come about (inbound.py, protocol.py). They work with `match`:

    match event:
        case AudioData(data=pcm, response=number): ...
        case Interrupted(response=number): ...

**Order.** One frame of the service may hold several facts. Its events come in this order:
`Interrupted` first, so that playback is stopped before anything else is looked at; then
`Connected`, `GoAway`, `SessionResumeUpdate`, `ToolCallCancelled`; then what was said: voice
activity, `InterimTranscription`, `InputTranscription`, the model's parts in their own order,
`OutputTranscription`; then where it comes from: `Grounding`, `UrlContext`; then `ToolCall`; then
`Usage`; then the ends: `TextComplete`, `GenerationComplete`, `TurnComplete`, `WaitingForInput`,
`InteractionStatus`; then what nobody knows (`Error`, `Unknown`). Each `PhaseChanged` follows
directly the event that caused it.

**Parts.** Each part of the model's turn becomes one event by its kind: `TextDelta`, `Thought`,
`AudioData`, `InlineData`, `FileData`, `ExecutableCode`, `CodeExecutionResult`, `ServerToolCall`,
`ServerToolResponse`. A part of any other kind that is known becomes a `ModelPart`; one in which
nothing is known an `Unknown`. A part that says more than one of these is told by its text, then by
its media, then as a whole; so is one that carries more than its kind tells, such as a thought
signature.

**Responses.** Everything that the model says carries the number of the response it belongs to,
counted from 1 for each session. A response ends when its turn is complete or it is interrupted.
After `Interrupted(response=n)` whatever carries a number up to n is stale; playback should drop it.
"""

from __future__ import annotations

import sys
from typing import Final

import msgspec

from trio_live.calls import (
    AudioHeldBack,
    Outcome,
    ToolCall,
    ToolCallCancelled,
    ToolFinished,
    ToolStarted,
)
from trio_live.links import (
    Disconnected,
    GoAway,
    Reconnected,
    Reconnecting,
    SessionResumeUpdate,
)
from trio_live.music.events import MusicData, PromptFiltered
from trio_live.said import (
    AudioData,
    CodeExecutionResult,
    ExecutableCode,
    FileData,
    Grounding,
    InlineData,
    InputTranscription,
    InterimTranscription,
    ModelPart,
    OutputTranscription,
    ServerToolCall,
    ServerToolResponse,
    TextComplete,
    TextDelta,
    Thought,
    UrlContext,
    Word,
)
from trio_live.state import SessionPhase
from trio_live.wire.base import Data
from trio_live.wire.usage import UsageMetadata

__all__ = [
    "Connected",
    "PhaseChanged",
    "TextDelta",
    "TextComplete",
    "Thought",
    "AudioData",
    "InlineData",
    "FileData",
    "ExecutableCode",
    "CodeExecutionResult",
    "ServerToolCall",
    "ServerToolResponse",
    "ModelPart",
    "InterimTranscription",
    "InputTranscription",
    "OutputTranscription",
    "Grounding",
    "UrlContext",
    "ToolCall",
    "ToolCallCancelled",
    "ToolStarted",
    "ToolFinished",
    "AudioHeldBack",
    "Interrupted",
    "GenerationComplete",
    "TurnComplete",
    "WaitingForInput",
    "InteractionStatus",
    "VoiceActivityStart",
    "VoiceActivityEnd",
    "Usage",
    "GoAway",
    "SessionResumeUpdate",
    "Reconnecting",
    "Reconnected",
    "Disconnected",
    "Error",
    "Unknown",
    "MediaDropped",
    "Word",
    "Outcome",
    "SessionEvent",
    "MEDIA",
    "payload_size",
]


class Connected(Data, frozen=True):
    """The service accepted the setup (`setupComplete`).

    Attributes:
        session_id: The service's name for the session; "" if it gave none.
        voice_consent_signature: Stands for the consent that a replicated voice was sent with, so
            that later sessions need not send it; None if there was none. A secret.
    """

    session_id: str
    voice_consent_signature: str | None = None


class PhaseChanged(Data, frozen=True):
    """The session entered `phase` from `previous`."""

    phase: SessionPhase
    previous: SessionPhase


class Interrupted(Data, frozen=True):
    """The model was interrupted (`interrupted`): drop what is queued for playback.

    Attributes:
        response: The number of the interrupted response; what carries a number up to it is stale.
            0 if the model had said nothing yet.
        local: True if the caller asked for it with `interrupt()`, False if the service said it.
    """

    response: int
    local: bool = False


class GenerationComplete(Data, frozen=True):
    """The model has generated all of its answer; the turn ends when it is assumed to be played."""

    response: int


class TurnComplete(Data, frozen=True):
    """The model's turn is complete (`turnComplete`).

    Attributes:
        response: The number of the last response of the turn; 0 if the model said nothing yet.
        turn: The number of the turn, as in `state.history`; 0 if no turn was going on.
        interrupted: Whether it was interrupted.
        reason: The service's `turnCompleteReason`, or None.
        cut: Whether it ended because the connection did: the rest will not come. The service did
            not say this one.
    """

    response: int
    turn: int = 0
    interrupted: bool = False
    reason: str | None = None
    cut: bool = False


class WaitingForInput(Data, frozen=True):
    """The model waits for more input (`waitingForInput`)."""


class InteractionStatus(Data, frozen=True):
    """The status of an extended interaction: "IN_PROGRESS", "IDLE" or newer."""

    status: str


class VoiceActivityStart(Data, frozen=True):
    """The service heard speech start, `offset` seconds into the audio stream if it says so."""

    offset: float | None = None


class VoiceActivityEnd(Data, frozen=True):
    """The service heard speech end, `offset` seconds into the audio stream if it says so."""

    offset: float | None = None


class Usage(Data, frozen=True):
    """Token counts (`usageMetadata`)."""

    usage: UsageMetadata

    @property
    def total_tokens(self) -> int:
        """The total, 0 if the service did not say it."""
        return self.usage.total_token_count or 0


class Error(Data, frozen=True):
    """Something of the service's could not be read, or it sent an error object. The session lives.

    Attributes:
        message: What is wrong, without the payload.
        raw: What the service sent.
        code: The code of an error object, or None.
        status: Its status, such as "RESOURCE_EXHAUSTED", or None.
    """

    message: str
    raw: bytes
    code: int | None = None
    status: str | None = None


class Unknown(Data, frozen=True):
    """Something that this version does not know, as JSON: `{"name": value}`, or a part."""

    raw: bytes


class MediaDropped(Data, frozen=True):
    """This subscription (policy "drop_oldest") lost media here: its reader was too slow.

    Attributes:
        events: How many media events were dropped since the last such notice.
        bytes: Their payload, in bytes.
    """

    events: int
    bytes: int


SessionEvent = (
    Connected
    | PhaseChanged
    | TextDelta
    | TextComplete
    | Thought
    | AudioData
    | InlineData
    | FileData
    | ExecutableCode
    | CodeExecutionResult
    | ServerToolCall
    | ServerToolResponse
    | ModelPart
    | InterimTranscription
    | InputTranscription
    | OutputTranscription
    | Grounding
    | UrlContext
    | ToolCall
    | ToolCallCancelled
    | ToolStarted
    | ToolFinished
    | AudioHeldBack
    | Interrupted
    | GenerationComplete
    | TurnComplete
    | WaitingForInput
    | InteractionStatus
    | VoiceActivityStart
    | VoiceActivityEnd
    | Usage
    | GoAway
    | SessionResumeUpdate
    | Reconnecting
    | Reconnected
    | Disconnected
    | Error
    | Unknown
    | MediaDropped
)
"""Any event of a session."""

MEDIA: Final = (AudioData, InlineData, MusicData)
"""The events that a "drop_oldest" subscription may drop."""

_PAYLOAD: Final[dict[type, str]] = {
    InlineData: "data",
    MusicData: "data",
    PromptFiltered: "text",
    TextDelta: "text",
    TextComplete: "text",
    Thought: "text",
    FileData: "file_uri",
    ExecutableCode: "code",
    CodeExecutionResult: "output",
    Error: "raw",
    Unknown: "raw",
}
_OBJECTS: Final[dict[type, str]] = {
    ServerToolCall: "call",
    ServerToolResponse: "result",
    ModelPart: "part",
    Grounding: "metadata",
    UrlContext: "urls",
    ToolCall: "calls",
}


def payload_size(event: object) -> int:
    """Give the size of what an event carries, in bytes of media or characters of text."""
    if type(event) is AudioData:  # nearly all of them
        return len(event.data)
    if name := _PAYLOAD.get(type(event)):
        return len(getattr(event, name))
    if isinstance(event, InputTranscription | OutputTranscription | InterimTranscription):
        return len(event.text) + sum(len(word.word) for word in event.words)
    if (name := _OBJECTS.get(type(event))) is None:
        return 0
    try:
        return len(msgspec.json.encode(getattr(event, name)))
    except RecursionError:  # nested as deeply as could just be decoded, with less around it
        return sys.getrecursionlimit()
