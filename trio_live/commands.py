"""SessionCommand: what a session is told.

What lives here: one frozen struct per command. What must not: checks and
encoding (outbound.py). The `send_*` verbs of SessionHandle make these; they can also be put into
`handle.command_tx` directly.
"""

from __future__ import annotations

from trio_live.wire.base import Data
from trio_live.wire.content import Content
from trio_live.wire.functions import FunctionResponse
from trio_live.wire.tools import Tool


class SendAudio(Data, frozen=True):
    """Microphone audio.

    Attributes:
        data: PCM, signed 16-bit little-endian mono; 20 to 100 ms a piece is usual.
        sample_rate_hz: Samples per second; the service resamples what is not 16,000.
    """

    data: bytes
    sample_rate_hz: int = 16_000


class SendVideo(Data, frozen=True):
    """One video frame or still image; at most one a second is usual."""

    data: bytes
    mime_type: str = "image/jpeg"


class SendText(Data, frozen=True):
    """A user's turn of text, to be answered now (`clientContent` with `turnComplete`)."""

    text: str


class SendRealtimeText(Data, frozen=True):
    """Text as real-time input, beside audio and video (`realtimeInput.text`)."""

    text: str


class SendClientContent(Data, frozen=True):
    """Turns for the history; with `turn_complete` the model answers now."""

    turns: tuple[Content, ...] = ()
    turn_complete: bool = True


class SeedHistory(Data, frozen=True):
    """What was said before the session: history that is not answered; see `seed_history()`."""

    turns: tuple[Content, ...] = ()


class SendToolResponse(Data, frozen=True):
    """Answers to function calls."""

    responses: tuple[FunctionResponse, ...]


class UpdateInstruction(Data, frozen=True):
    """A new system instruction for the rest of the session."""

    text: str


class UpdateContext(Data, frozen=True):
    """Another system instruction, other tools, or both; None leaves what there is.

    Attributes:
        system_instruction: Content of text parts.
        tools: All tools from now on; an empty tuple takes them away.
    """

    system_instruction: Content | None = None
    tools: tuple[Tool, ...] | None = None


class SendRaw(Data, frozen=True):
    """Any message in the wire's spelling, as it is: the way past every rule.

    Of what it says only tool answers are noted, by their ids, and the end of an initial history;
    turns and activity are not.

    Attributes:
        message: A JSON object with one field, such as `{"clientContent": {...}}`.
    """

    message: dict[str, object]


class ActivityStart(Data, frozen=True):
    """The user starts speaking; only with automatic activity detection disabled."""


class ActivityEnd(Data, frozen=True):
    """The user stops speaking; only with automatic activity detection disabled."""


class EndAudioStream(Data, frozen=True):
    """The microphone is off for now; only with automatic activity detection."""


class Disconnect(Data, frozen=True):
    """End the session cleanly, after everything before it was written."""


SessionCommand = (
    SendAudio
    | SendVideo
    | SendText
    | SendRealtimeText
    | SendClientContent
    | SeedHistory
    | SendToolResponse
    | UpdateInstruction
    | UpdateContext
    | SendRaw
    | ActivityStart
    | ActivityEnd
    | EndAudioStream
    | Disconnect
)
"""Any command of a session."""
