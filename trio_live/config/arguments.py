"""The arguments of SessionConfig as data: what each takes, and the field that it becomes.

What lives here: one table. What must not: checks (values.py). SessionConfig says what they mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from trio_live.capabilities import Capabilities
from trio_live.wire.base import Data
from trio_live.wire.content import Content
from trio_live.wire.fields import Field, fields_of
from trio_live.wire.generation import GenerationConfig, ThinkingConfig, TranslationConfig
from trio_live.wire.setup import (
    AutomaticActivityDetection,
    AvatarConfig,
    ContextWindowCompressionConfig,
    HistoryConfig,
    ProactivityConfig,
    RealtimeInputConfig,
    SafetySetting,
    SessionResumptionConfig,
    Setup,
)
from trio_live.wire.speech import PrebuiltVoiceConfig, SpeechConfig
from trio_live.wire.tools import FunctionDeclaration, Tool, ToolConfig
from trio_live.wire.transcription import AudioTranscriptionConfig


class Argument(Data, frozen=True):
    """One argument.

    Attributes:
        kinds: The types that it takes; None is always taken, but for many.
        place: The field of the setup that it becomes, or that it is a short form of; None: none.
        many: Whether it takes a list or tuple of these types.
    """

    kinds: tuple[type, ...]
    place: Field | None = None
    many: bool = False


def _in(struct: type[msgspec.Struct], name: str, *kinds: type, many: bool = False) -> Argument:
    place = next(field for field in fields_of(struct) if field.name == name)
    return Argument(kinds, place, many)


ARGUMENTS: Final[dict[str, Argument]] = {
    "model": _in(Setup, "model", str),
    "system_instruction": _in(Setup, "system_instruction", str, Content),
    "response_modalities": _in(GenerationConfig, "response_modalities", str, many=True),
    "voice": _in(PrebuiltVoiceConfig, "voice_name", str),
    "language": _in(SpeechConfig, "language_code", str),
    "speech": _in(GenerationConfig, "speech_config", SpeechConfig),
    "temperature": _in(GenerationConfig, "temperature", int, float),
    "top_p": _in(GenerationConfig, "top_p", int, float),
    "top_k": _in(GenerationConfig, "top_k", int),
    "max_output_tokens": _in(GenerationConfig, "max_output_tokens", int),
    "candidate_count": _in(GenerationConfig, "candidate_count", int),
    "presence_penalty": _in(GenerationConfig, "presence_penalty", int, float),
    "frequency_penalty": _in(GenerationConfig, "frequency_penalty", int, float),
    "seed": _in(GenerationConfig, "seed", int),
    "media_resolution": _in(GenerationConfig, "media_resolution", str),
    "thinking": _in(GenerationConfig, "thinking_config", ThinkingConfig),
    "affective_dialog": _in(GenerationConfig, "enable_affective_dialog", bool),
    "translation": _in(GenerationConfig, "translation_config", TranslationConfig),
    "generation": _in(Setup, "generation_config", GenerationConfig),
    "tools": _in(Setup, "tools", Tool, FunctionDeclaration, many=True),
    "tool_config": _in(Setup, "tool_config", ToolConfig),
    "safety_settings": _in(Setup, "safety_settings", SafetySetting, many=True),
    "input_transcription": _in(Setup, "input_audio_transcription", bool, AudioTranscriptionConfig),
    "output_transcription": _in(
        Setup, "output_audio_transcription", bool, AudioTranscriptionConfig
    ),
    "activity_detection": _in(
        RealtimeInputConfig, "automatic_activity_detection", bool, AutomaticActivityDetection
    ),
    "activity_handling": _in(RealtimeInputConfig, "activity_handling", str),
    "turn_coverage": _in(RealtimeInputConfig, "turn_coverage", str),
    "interim_timestamps": _in(RealtimeInputConfig, "interim_transcript_timestamp_enabled", bool),
    "session_resumption": _in(Setup, "session_resumption", bool, SessionResumptionConfig),
    "resumption_handle": _in(SessionResumptionConfig, "handle", str),
    "compression": _in(Setup, "context_window_compression", bool, ContextWindowCompressionConfig),
    "proactivity": _in(Setup, "proactivity", bool, ProactivityConfig),
    "initial_history": _in(Setup, "history_config", bool, HistoryConfig),
    "avatar": _in(Setup, "avatar_config", AvatarConfig),
    "explicit_vad_signal": _in(Setup, "explicit_vad_signal", bool),
    "labels": _in(Setup, "labels", Mapping),
    "extra": Argument((Mapping,)),
    "capabilities": Argument((Capabilities,)),
}
