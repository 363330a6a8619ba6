"""Transcripts of speech: what is asked for, and what comes.

What lives here: the transcription settings of a setup and the transcripts of a server message.
Source: google-genai 3.4 `types.py`, read November 2026.
"""

from __future__ import annotations

from trio_live.wire import enums
from trio_live.wire.base import Wire
from trio_live.wire.marks import Duration


class WordInfo(Wire, frozen=True):
    """One word, and when it was said: durations from the start of the audio."""

    word: str | None = None
    start_offset: Duration | None = None
    end_offset: Duration | None = None


class Transcription(Wire, frozen=True):
    """A piece of a transcript.

    Attributes:
        text: What was said.
        finished: Whether this was the last piece; it often never comes.
        language_code: The language as a BCP-47 code.
        speaker_label: Who spoke, such as "spk_1", with `diarization`.
        words: Each word with its time, with `word_timestamp`.
        start_offset: When the piece begins: a duration from the start of the audio.
        end_offset: When it ends, likewise.
    """

    text: str | None = None
    finished: bool | None = None
    language_code: str | None = None
    speaker_label: str | None = None
    words: tuple[WordInfo, ...] | None = None
    start_offset: Duration | None = None
    end_offset: Duration | None = None


class LanguageAuto(Wire, frozen=True):
    """Detect the language. Deprecated: it is what happens without language codes."""


class LanguageHints(Wire, frozen=True):
    """Languages to expect. Deprecated: use `AudioTranscriptionConfig.language_codes`."""

    language_codes: tuple[str, ...] | None = None


class AudioTranscriptionConfig(Wire, frozen=True):
    """Present (even empty): send transcriptions.

    Attributes:
        language_codes: Languages to expect, as BCP-47 codes; none: detect them.
        custom_vocabulary: Words to recognise more readily.
        word_timestamp: Whether each word comes with its time.
        diarization: Whether speakers are told apart.
        mode: "VERBATIM" (the service's default) or "SMART", which tidies up.
        source_text: With "SMART": a text that the speech edits.
        language_auto: Deprecated.
        language_hints: Deprecated.
        adaptation_phrases: Deprecated: use `custom_vocabulary`.
    """

    language_codes: tuple[str, ...] | None = None
    custom_vocabulary: tuple[str, ...] | None = None
    word_timestamp: bool | None = None
    diarization: bool | None = None
    mode: enums.AudioTranscriptionConfigMode | None = None
    source_text: str | None = None
    language_auto: LanguageAuto | None = None
    language_hints: LanguageHints | None = None
    adaptation_phrases: tuple[str, ...] | None = None
