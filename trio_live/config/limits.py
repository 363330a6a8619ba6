"""What the values of settings must keep to, as data: ranges, what excludes what, what is required.

What lives here: rules that hold on both platforms and for every model. What must not: rules of a
platform (the marks in wire/) or of a model (capabilities.py). Known enum values stand with the
enums (wire/enums.py). Sources: the descriptions of google-genai 3.4 `types.py` and the Live API
reference, read November 2026.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from trio_live.wire.generation import GenerationConfig, ResponseFormat, ThinkingConfig
from trio_live.wire.retrieval import Retrieval
from trio_live.wire.setup import (
    AutomaticActivityDetection,
    AvatarConfig,
    ContextWindowCompressionConfig,
    SafetySetting,
    SlidingWindow,
)
from trio_live.wire.speech import ReplicatedVoiceConfig, SpeechConfig, VoiceConfig
from trio_live.wire.tools import (
    DynamicRetrievalConfig,
    FileSearch,
    FunctionDeclaration,
    Interval,
    LatLng,
)

Struct = type[msgspec.Struct]

_INT32: Final = 2**31 - 1
_INT64: Final = 2**63 - 1

# (struct, field) -> least and greatest value.
RANGES: Final[dict[tuple[Struct, str], tuple[float, float]]] = {
    (GenerationConfig, "temperature"): (0.0, 2.0),
    (GenerationConfig, "top_p"): (0.0, 1.0),
    (GenerationConfig, "top_k"): (1, _INT32),
    (GenerationConfig, "max_output_tokens"): (1, _INT32),
    (GenerationConfig, "seed"): (-_INT32 - 1, _INT32),
    (GenerationConfig, "candidate_count"): (1, _INT32),
    (GenerationConfig, "presence_penalty"): (-2.0, 2.0),
    (GenerationConfig, "frequency_penalty"): (-2.0, 2.0),
    (ThinkingConfig, "thinking_budget"): (-1, _INT32),
    (AutomaticActivityDetection, "prefix_padding_ms"): (0, _INT32),
    (AutomaticActivityDetection, "silence_duration_ms"): (0, _INT32),
    (ContextWindowCompressionConfig, "trigger_tokens"): (1, _INT64),
    (SlidingWindow, "target_tokens"): (0, _INT64),
    (AvatarConfig, "audio_bitrate_bps"): (1, _INT32),
    (AvatarConfig, "video_bitrate_bps"): (1, _INT32),
    (DynamicRetrievalConfig, "dynamic_threshold"): (0.0, 1.0),
    (FileSearch, "top_k"): (1, _INT32),
    (LatLng, "latitude"): (-90.0, 90.0),
    (LatLng, "longitude"): (-180.0, 180.0),
}

# Struct -> fields of which one at most is set.
EXCLUSIVE: Final[dict[Struct, tuple[tuple[str, ...], ...]]] = {
    AvatarConfig: (("avatar_name", "customized_avatar"),),
    FunctionDeclaration: (
        ("parameters", "parameters_json_schema"),
        ("response", "response_json_schema"),
    ),
    ReplicatedVoiceConfig: (("consent_audio", "voice_consent_signature"),),
    ResponseFormat: (("text", "audio", "image", "video"),),
    Retrieval: (("vertex_ai_search", "vertex_rag_store", "external_api"),),
    ThinkingConfig: (("thinking_budget", "thinking_level"),),
    VoiceConfig: (("prebuilt_voice_config", "replicated_voice_config", "voice"),),
}

# Struct -> fields that are set wherever it stands.
REQUIRED: Final[dict[Struct, tuple[str, ...]]] = {
    FileSearch: ("file_search_store_names",),
    Interval: ("start_time", "end_time"),
    SafetySetting: ("category", "threshold"),
}
# An interval without any end is whole as well.
MAY_BE_EMPTY: Final[frozenset[Struct]] = frozenset({Interval})

# (struct, field) -> why Live refuses it, beyond the mark that says that it does.
REASONS: Final[dict[tuple[Struct, str], str]] = {
    (SpeechConfig, "multi_speaker_voice_config"): "the model speaks with one voice; say which "
    "with voice=, or speech= with a voice_config",
}

FUNCTION_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")
