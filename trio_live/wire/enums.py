"""The service's enums: plain text on the wire and here, with the values known by now.

What lives here: one alias of `str` for each enum, named as in the service. A value that is not
listed is kept as it comes, in both directions. Source: google-genai 3.4 `types.py`, read
November 2026.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from trio_live.wire.marks import known

ActivityHandling: TypeAlias = Annotated[
    str, known("ACTIVITY_HANDLING_UNSPECIFIED", "START_OF_ACTIVITY_INTERRUPTS", "NO_INTERRUPTION")
]
"""What the start of speech does to an answer that is going on."""

AspectRatio: TypeAlias = Annotated[
    str,
    known(
        "ASPECT_RATIO_UNSPECIFIED",
        "ASPECT_RATIO_ONE_BY_ONE",
        "ASPECT_RATIO_TWO_BY_THREE",
        "ASPECT_RATIO_THREE_BY_TWO",
        "ASPECT_RATIO_THREE_BY_FOUR",
        "ASPECT_RATIO_FOUR_BY_THREE",
        "ASPECT_RATIO_FOUR_BY_FIVE",
        "ASPECT_RATIO_FIVE_BY_FOUR",
        "ASPECT_RATIO_NINE_BY_SIXTEEN",
        "ASPECT_RATIO_SIXTEEN_BY_NINE",
        "ASPECT_RATIO_TWENTY_ONE_BY_NINE",
        "ASPECT_RATIO_ONE_BY_EIGHT",
        "ASPECT_RATIO_EIGHT_BY_ONE",
        "ASPECT_RATIO_ONE_BY_FOUR",
        "ASPECT_RATIO_FOUR_BY_ONE",
    ),
]
"""The shape of an image or video."""

AudioTranscriptionConfigMode: TypeAlias = Annotated[
    str, known("MODE_UNSPECIFIED", "VERBATIM", "SMART")
]
"""How transcripts are written: word for word, or edited."""

Behavior: TypeAlias = Annotated[str, known("UNSPECIFIED", "BLOCKING", "NON_BLOCKING")]
"""Whether the conversation waits for a function."""

Delivery: TypeAlias = Annotated[str, known("DELIVERY_UNSPECIFIED", "INLINE", "URI")]
"""Whether media come inline or as a URI."""

DocumentMetadataContentLayer: TypeAlias = Annotated[
    str, known("CONTENT_LAYER_UNSPECIFIED", "PAGE_IMAGE", "PAGE_TEXT")
]
"""What of a document the model reads."""

DynamicRetrievalConfigMode: TypeAlias = Annotated[str, known("MODE_UNSPECIFIED", "MODE_DYNAMIC")]
"""Whether the model may decide against searching."""

EndSensitivity: TypeAlias = Annotated[
    str, known("END_SENSITIVITY_UNSPECIFIED", "END_SENSITIVITY_HIGH", "END_SENSITIVITY_LOW")
]
"""How readily speech counts as ended."""

FeatureSelectionPreference: TypeAlias = Annotated[
    str,
    known(
        "FEATURE_SELECTION_PREFERENCE_UNSPECIFIED",
        "PRIORITIZE_QUALITY",
        "BALANCED",
        "PRIORITIZE_COST",
    ),
]
"""What selecting a model aims at."""

FunctionCallingConfigMode: TypeAlias = Annotated[
    str, known("MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED")
]
"""Whether the model may, must or must not call functions."""

FunctionResponseScheduling: TypeAlias = Annotated[
    str, known("SCHEDULING_UNSPECIFIED", "SILENT", "WHEN_IDLE", "INTERRUPT")
]
"""When the model takes notice of a function response."""

HarmBlockMethod: TypeAlias = Annotated[
    str, known("HARM_BLOCK_METHOD_UNSPECIFIED", "SEVERITY", "PROBABILITY")
]
"""What a safety threshold is compared with."""

HarmBlockThreshold: TypeAlias = Annotated[
    str,
    known(
        "HARM_BLOCK_THRESHOLD_UNSPECIFIED",
        "BLOCK_LOW_AND_ABOVE",
        "BLOCK_MEDIUM_AND_ABOVE",
        "BLOCK_ONLY_HIGH",
        "BLOCK_NONE",
        "OFF",
    ),
]
"""From which harm on content is blocked."""

HarmCategory: TypeAlias = Annotated[
    str,
    known(
        "HARM_CATEGORY_UNSPECIFIED",
        "HARM_CATEGORY_HARASSMENT",
        "HARM_CATEGORY_HATE_SPEECH",
        "HARM_CATEGORY_SEXUALLY_EXPLICIT",
        "HARM_CATEGORY_DANGEROUS_CONTENT",
        "HARM_CATEGORY_CIVIC_INTEGRITY",
        "HARM_CATEGORY_JAILBREAK",
        "HARM_CATEGORY_IMAGE_HATE",
        "HARM_CATEGORY_IMAGE_DANGEROUS_CONTENT",
        "HARM_CATEGORY_IMAGE_HARASSMENT",
        "HARM_CATEGORY_IMAGE_SEXUALLY_EXPLICIT",
    ),
]
"""A kind of harm."""

ImageSize: TypeAlias = Annotated[
    str,
    known(
        "IMAGE_SIZE_UNSPECIFIED",
        "IMAGE_SIZE_FIVE_TWELVE",
        "IMAGE_SIZE_ONE_K",
        "IMAGE_SIZE_TWO_K",
        "IMAGE_SIZE_FOUR_K",
    ),
]
"""The size of a generated image."""

InteractionStatus: TypeAlias = Annotated[
    str, known("INTERACTION_STATUS_UNSPECIFIED", "IN_PROGRESS", "REQUIRES_ACTION", "IDLE")
]
"""The state of an extended interaction; REQUIRES_ACTION is deprecated."""

Language: TypeAlias = Annotated[str, known("LANGUAGE_UNSPECIFIED", "PYTHON")]
"""The language of executable code."""

MediaModality: TypeAlias = Annotated[
    str, known("MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT")
]
"""The modality of counted tokens."""

MediaProcessing: TypeAlias = Annotated[
    str, known("MEDIA_PROCESSING_UNSPECIFIED", "STATIC", "AGENTIC")
]
"""How the model looks at a video."""

MediaResolution: TypeAlias = Annotated[
    str,
    known(
        "MEDIA_RESOLUTION_UNSPECIFIED",
        "MEDIA_RESOLUTION_LOW",
        "MEDIA_RESOLUTION_MEDIUM",
        "MEDIA_RESOLUTION_HIGH",
    ),
]
"""How finely media are tokenised."""

Modality: TypeAlias = Annotated[
    str, known("MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "AUDIO", "VIDEO")
]
"""What a model answers with."""

ModelRoutingPreference: TypeAlias = Annotated[
    str, known("UNKNOWN", "PRIORITIZE_QUALITY", "BALANCED", "PRIORITIZE_COST")
]
"""What routing between models aims at."""

Outcome: TypeAlias = Annotated[
    str, known("OUTCOME_UNSPECIFIED", "OUTCOME_OK", "OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED")
]
"""How executed code ended."""

PartMediaResolutionLevel: TypeAlias = Annotated[
    str,
    known(
        "MEDIA_RESOLUTION_UNSPECIFIED",
        "MEDIA_RESOLUTION_LOW",
        "MEDIA_RESOLUTION_MEDIUM",
        "MEDIA_RESOLUTION_HIGH",
        "MEDIA_RESOLUTION_ULTRA_HIGH",
    ),
]
"""How finely one part's media are tokenised."""

PhishBlockThreshold: TypeAlias = Annotated[
    str,
    known(
        "PHISH_BLOCK_THRESHOLD_UNSPECIFIED",
        "BLOCK_LOW_AND_ABOVE",
        "BLOCK_MEDIUM_AND_ABOVE",
        "BLOCK_HIGH_AND_ABOVE",
        "BLOCK_HIGHER_AND_ABOVE",
        "BLOCK_VERY_HIGH_AND_ABOVE",
        "BLOCK_ONLY_EXTREMELY_HIGH",
    ),
]
"""From which confidence on phishing sites are left out of searches."""

ServiceTier: TypeAlias = Annotated[str, known("unspecified", "flex", "standard", "priority")]
"""The tier that served a request; lower case on the wire."""

SpreadsheetMetadataContentLayer: TypeAlias = Annotated[
    str, known("CONTENT_LAYER_UNSPECIFIED", "DATA", "FORMULAS", "VISUAL")
]
"""What of a spreadsheet the model reads."""

StartSensitivity: TypeAlias = Annotated[
    str, known("START_SENSITIVITY_UNSPECIFIED", "START_SENSITIVITY_HIGH", "START_SENSITIVITY_LOW")
]
"""How readily sound counts as speech."""

ThinkingLevel: TypeAlias = Annotated[
    str, known("THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH")
]
"""How much a model thinks."""

ToolType: TypeAlias = Annotated[
    str,
    known(
        "TOOL_TYPE_UNSPECIFIED",
        "GOOGLE_SEARCH_WEB",
        "GOOGLE_SEARCH_IMAGE",
        "URL_CONTEXT",
        "GOOGLE_MAPS",
        "FILE_SEARCH",
        "MEDIA_PROCESSING",
    ),
]
"""A tool that the service runs itself."""

TrafficType: TypeAlias = Annotated[
    str,
    known(
        "TRAFFIC_TYPE_UNSPECIFIED",
        "ON_DEMAND",
        "ON_DEMAND_PRIORITY",
        "ON_DEMAND_FLEX",
        "ON_DEMAND_OFFPEAK",
        "PROVISIONED_THROUGHPUT",
    ),
]
"""How a request is paid for."""

TurnCompleteReason: TypeAlias = Annotated[
    str,
    known(
        "TURN_COMPLETE_REASON_UNSPECIFIED",
        "MALFORMED_FUNCTION_CALL",
        "RESPONSE_REJECTED",
        "NEED_MORE_INPUT",
        "PROHIBITED_INPUT_CONTENT",
        "IMAGE_PROHIBITED_INPUT_CONTENT",
        "INPUT_TEXT_CONTAIN_PROMINENT_PERSON_PROHIBITED",
        "INPUT_IMAGE_CELEBRITY",
        "INPUT_IMAGE_PHOTO_REALISTIC_CHILD_PROHIBITED",
        "INPUT_TEXT_NCII_PROHIBITED",
        "INPUT_OTHER",
        "INPUT_IP_PROHIBITED",
        "BLOCKLIST",
        "UNSAFE_PROMPT_FOR_IMAGE_GENERATION",
        "GENERATED_IMAGE_SAFETY",
        "GENERATED_CONTENT_SAFETY",
        "GENERATED_AUDIO_SAFETY",
        "GENERATED_VIDEO_SAFETY",
        "GENERATED_CONTENT_PROHIBITED",
        "GENERATED_CONTENT_BLOCKLIST",
        "GENERATED_IMAGE_PROHIBITED",
        "GENERATED_IMAGE_CELEBRITY",
        "GENERATED_IMAGE_PROMINENT_PEOPLE_DETECTED_BY_REWRITER",
        "GENERATED_IMAGE_IDENTIFIABLE_PEOPLE",
        "GENERATED_IMAGE_MINORS",
        "OUTPUT_IMAGE_IP_PROHIBITED",
        "GENERATED_OTHER",
        "MAX_REGENERATION_REACHED",
    ),
]
"""Why a turn ended, where it did not end by itself."""

TurnCoverage: TypeAlias = Annotated[
    str,
    known(
        "TURN_COVERAGE_UNSPECIFIED",
        "TURN_INCLUDES_ONLY_ACTIVITY",
        "TURN_INCLUDES_ALL_INPUT",
        "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO",
    ),
]
"""Which input belongs to the user's turn."""

Type: TypeAlias = Annotated[
    str,
    known("TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"),
]
"""The type of a schema."""

UrlRetrievalStatus: TypeAlias = Annotated[
    str,
    known(
        "URL_RETRIEVAL_STATUS_UNSPECIFIED",
        "URL_RETRIEVAL_STATUS_SUCCESS",
        "URL_RETRIEVAL_STATUS_ERROR",
        "URL_RETRIEVAL_STATUS_PAYWALL",
        "URL_RETRIEVAL_STATUS_UNSAFE",
    ),
]
"""How fetching a page went."""

VadSignalType: TypeAlias = Annotated[
    str, known("VAD_SIGNAL_TYPE_UNSPECIFIED", "VAD_SIGNAL_TYPE_SOS", "VAD_SIGNAL_TYPE_EOS")
]
"""Start or end of speech, in the older signal."""

VideoMetadataContentLayer: TypeAlias = Annotated[
    str, known("CONTENT_LAYER_UNSPECIFIED", "FRAMES", "AUDIO", "TRANSCRIPT")
]
"""What of a video the model gets."""

VoiceActivityType: TypeAlias = Annotated[
    str, known("TYPE_UNSPECIFIED", "ACTIVITY_START", "ACTIVITY_END")
]
"""Start or end of speech."""
