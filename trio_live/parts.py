"""Single parts and transcripts of the service as events, and what nobody can read.

What lives here: which event a part or transcript becomes, as functions without state. What must
not: text and audio, which change the session's state, and the order of events (inbound.py).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trio_live import events
from trio_live.wire import codec
from trio_live.wire.content import FileData, Part
from trio_live.wire.salvage import Leftover, Unrecognised

if TYPE_CHECKING:
    from trio_live.events import SessionEvent
    from trio_live.wire.server import ErrorStatus
    from trio_live.wire.transcription import Transcription

_MAX_MIME_TYPE: Final = 256  # characters; what is longer is a mistake or worse
_NUMBER: Final = re.compile("[1-9][0-9]{0,5}")  # up to 999,999 Hz; more is a mistake or worse


def events_of(part: Part, response: int) -> list[SessionEvent]:
    """Give the events of a part that is neither text nor inline media; none: nothing is known.

    The part as a whole follows where it says more than its own event does.
    """
    event: SessionEvent
    if (code := part.executable_code) is not None:
        event = events.ExecutableCode(code.code, code.language, response, code.id)
        told = Part(executable_code=code)
    elif (result := part.code_execution_result) is not None:
        event = events.CodeExecutionResult(result.output, result.outcome, response, result.id)
        told = Part(code_execution_result=result)
    elif (file := part.file_data) is not None:
        event = events.FileData(file.file_uri, file.mime_type, response)
        told = Part(file_data=FileData(file.file_uri, file.mime_type))
    elif part.tool_call is not None:
        event = events.ServerToolCall(part.tool_call, response)
        told = Part(tool_call=part.tool_call)
    elif part.tool_response is not None:
        event = events.ServerToolResponse(part.tool_response, response)
        told = Part(tool_response=part.tool_response)
    else:
        known = part != Part(thought=part.thought)
        return [events.ModelPart(part, response)] if known else []
    return [event] if part == told else [event, events.ModelPart(part, response)]


def has_more(part: Part) -> bool:
    """Whether a part that was told as text or media says more than that.

    The answer is almost always no, and this is on the way of every piece of audio: it asks for what
    is set, and builds nothing (0.13 microseconds).
    """
    blob = part.inline_data
    return (
        not (
            part.audio_transcription is None
            and part.thought_signature is None
            and part.executable_code is None
            and part.code_execution_result is None
            and part.file_data is None
            and part.function_call is None
            and part.function_response is None
            and part.tool_call is None
            and part.tool_response is None
            and part.media_resolution is None
            and part.media_processing is None
            and part.video_metadata is None
            and part.audio_metadata is None
            and part.document_metadata is None
            and part.spreadsheet_metadata is None
            and part.speech_metadata is None
            and part.part_metadata is None
        )
        or (blob is not None and blob.display_name is not None)
        or bool(part.thought and part.text is None)
    )


def interim(said: Transcription) -> events.InterimTranscription:
    """Give the event of a guess at what the user is saying."""
    return events.InterimTranscription(
        said.text or "",
        words_of(said),
        codec.seconds(said.start_offset),
        codec.seconds(said.end_offset),
        said.language_code,
        said.speaker_label,
        bool(said.finished),
    )


def input_of(said: Transcription) -> events.InputTranscription:
    """Give the event of what the user said."""
    return events.InputTranscription(
        said.text or "",
        bool(said.finished),
        words_of(said),
        codec.seconds(said.start_offset),
        codec.seconds(said.end_offset),
        said.language_code,
        said.speaker_label,
    )


def output_of(said: Transcription, response: int) -> events.OutputTranscription:
    """Give the event of what the model said aloud."""
    return events.OutputTranscription(
        said.text or "",
        bool(said.finished),
        response,
        words_of(said),
        codec.seconds(said.start_offset),
        codec.seconds(said.end_offset),
        said.language_code,
        said.speaker_label,
    )


def words_of(said: Transcription) -> tuple[events.Word, ...]:
    """Give the words of a transcript, with their times in seconds."""
    return tuple(
        events.Word(
            word.word or "", codec.seconds(word.start_offset), codec.seconds(word.end_offset)
        )
        for word in said.words or ()
    )


def error_of(error: ErrorStatus, frame: str | bytes) -> events.Error:
    """Give the event of an error object, which stands in this frame."""
    raw = codec.text_of(frame, "error")
    return events.Error("the service sent an error object", raw, error.code, error.status)


def leftover_of(leftover: Leftover) -> events.Error | events.Unknown:
    """Give the event of what could not be read, or is not known here."""
    if isinstance(leftover, Unrecognised):
        return events.Unknown(leftover.raw)
    where = leftover.where or "a frame"
    text = f"{where} of the service could not be read: {leftover.message}"
    return events.Error(text, leftover.raw)


def parameter_of(mime_type: str, name: str, default: int) -> int:
    """Read a number such as the rate of "audio/pcm;rate=24000"."""
    found = default
    for parameter in mime_type[:_MAX_MIME_TYPE].split(";")[1:]:
        key, _, value = parameter.strip().partition("=")
        if key.casefold() == name and _NUMBER.fullmatch(value):
            found = int(value)
    return found
