"""What is said, as events: the model's parts, transcripts, and where an answer comes from.

What lives here: one frozen struct per event that carries what somebody said. What must not: the
other events, and the order of all of them (events.py, through which they are imported).
"""

from __future__ import annotations

from trio_live.wire import functions
from trio_live.wire.base import Data
from trio_live.wire.content import Part
from trio_live.wire.grounding import GroundingMetadata, UrlMetadata


class TextDelta(Data, frozen=True):
    """A piece of the model's text (`modelTurn.parts[].text`)."""

    text: str
    response: int


class TextComplete(Data, frozen=True):
    """The whole text of a response, once it is complete. Not sent for an interrupted one."""

    text: str
    response: int


class Thought(Data, frozen=True):
    """A piece of the model's reasoning (a text part marked `thought`)."""

    text: str
    response: int


class AudioData(Data, frozen=True):
    """A piece of the model's voice (`modelTurn.parts[].inlineData` of type audio).

    Attributes:
        data: PCM, signed 16-bit little-endian mono, unless `mime_type` says otherwise.
        sample_rate_hz: Samples per second, from the mime type; 24,000 if it names none.
        mime_type: As sent, for instance "audio/pcm;rate=24000".
        response: The number of the response; see the module's text.
    """

    data: bytes
    sample_rate_hz: int
    mime_type: str
    response: int


class InlineData(Data, frozen=True):
    """Media of another kind in the model's turn, such as an image."""

    data: bytes
    mime_type: str
    response: int


class FileData(Data, frozen=True):
    """Media by reference in the model's turn (`modelTurn.parts[].fileData`)."""

    file_uri: str
    mime_type: str
    response: int


class ExecutableCode(Data, frozen=True):
    """Code that the model runs at the service (`executableCode`).

    `id` pairs it with its result; None if the service gave none.
    """

    code: str
    language: str
    response: int
    id: str | None = None


class CodeExecutionResult(Data, frozen=True):
    """What that code gave (`codeExecutionResult`); `outcome` is "OUTCOME_OK" or what went wrong."""

    output: str
    outcome: str
    response: int
    id: str | None = None


class ServerToolCall(Data, frozen=True):
    """The service uses a tool of its own (`modelTurn.parts[].toolCall`). Owed no answer."""

    call: functions.ServerToolCall
    response: int


class ServerToolResponse(Data, frozen=True):
    """What a tool of the service's own gave (`modelTurn.parts[].toolResponse`)."""

    result: functions.ServerToolResponse
    response: int


class ModelPart(Data, frozen=True):
    """A part of the model's turn that has no event of its own, or says more than that, as a whole.

    Such as a `functionCall` in the model's turn: it announces a call and is owed no answer, for the
    same call comes as a `ToolCall`. A part that carries more than its own event tells (a transcript
    of its audio, `thoughtSignature`, `partMetadata`, a `displayName`) is told by that event first
    and then as a whole: do not count its text or media twice.
    """

    part: Part
    response: int


class Word(Data, frozen=True):
    """A word of a transcript, from and to which second of the audio; None if it does not say."""

    word: str
    start_offset: float | None = None
    end_offset: float | None = None


class InterimTranscription(Data, frozen=True):
    """What the user seems to be saying, while it is said (`interimInputTranscription`).

    A guess: the next one replaces it, and `InputTranscription` holds in the end. It is not part of
    the turn's transcript.

    Attributes:
        text: What was heard so far.
        words: Its words with their times, as far as the service tells them.
        start_offset: When it begins, in seconds of the audio; None if the service does not say.
        end_offset: When it ends, likewise.
        language_code: The language as a BCP-47 code, or None.
        speaker_label: Who speaks, such as "spk_1", or None.
        finished: Whether this is the last guess.
    """

    text: str
    words: tuple[Word, ...] = ()
    start_offset: float | None = None
    end_offset: float | None = None
    language_code: str | None = None
    speaker_label: str | None = None
    finished: bool = False


class InputTranscription(Data, frozen=True):
    """A piece of what the user said (`inputTranscription`). `finished` often never comes true.

    The other attributes are those of `InterimTranscription`.
    """

    text: str
    finished: bool = False
    words: tuple[Word, ...] = ()
    start_offset: float | None = None
    end_offset: float | None = None
    language_code: str | None = None
    speaker_label: str | None = None


class OutputTranscription(Data, frozen=True):
    """A piece of what the model said aloud (`outputTranscription`).

    The other attributes are those of `InterimTranscription`.
    """

    text: str
    finished: bool = False
    response: int = 0
    words: tuple[Word, ...] = ()
    start_offset: float | None = None
    end_offset: float | None = None
    language_code: str | None = None
    speaker_label: str | None = None


class Grounding(Data, frozen=True):
    """Where an answer comes from (`groundingMetadata`); `response` is the last one so far."""

    metadata: GroundingMetadata
    response: int


class UrlContext(Data, frozen=True):
    """Which pages were fetched for an answer (`urlContextMetadata`), and how that went."""

    urls: tuple[UrlMetadata, ...]
    response: int
