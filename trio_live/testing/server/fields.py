"""The fields of the client messages, as data.

Source: google-genai 3.4.0 `types.py` and `_live_converters.py` (`Only` marks what that converter
refuses on the other platform), and the Live API reference. User data (function arguments and
answers, schemas, the settings of search tools) is `ANYTHING`: its keys are never looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

from .access import Platform

_CAPITAL: Final = re.compile(r"(?=[A-Z])")


class Scalar(Enum):
    """A single value, named as the service names it in its error texts."""

    STRING = "TYPE_STRING"
    BOOL = "TYPE_BOOL"
    INT32 = "TYPE_INT32"
    INT64 = "TYPE_INT64"
    FLOAT = "TYPE_FLOAT"
    BYTES = "TYPE_BYTES"
    NEVER_NULL = "TYPE_STRING, not null"
    ANYTHING = "google.protobuf.Value"


@dataclass(frozen=True, slots=True)
class Choice:
    """A string out of a closed list."""

    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Repeated:
    """An array."""

    item: Shape


@dataclass(frozen=True, slots=True)
class Labels:
    """An object whose keys and values are the user's strings."""


@dataclass(frozen=True, slots=True)
class Only:
    """A field that one platform alone knows."""

    platform: Platform
    shape: Shape


@dataclass(frozen=True, slots=True)
class Message:
    """An object with known fields, spelled in camelCase or snake_case."""

    fields: dict[str, Shape | Only]
    spellings: dict[str, str] = field(init=False)  # spelling on the wire -> camelCase name

    def __post_init__(self) -> None:
        both = {to_snake(name): name for name in self.fields} | {name: name for name in self.fields}
        object.__setattr__(self, "spellings", both)


Shape: TypeAlias = Scalar | Choice | Repeated | Labels | Message


def to_snake(name: str) -> str:
    """Spell a camelCase name in snake_case."""
    return _CAPITAL.sub("_", name).lower()


def _choice(*values: str) -> Choice:
    return Choice(frozenset(values))


STRING: Final = Scalar.STRING
BOOL: Final = Scalar.BOOL
INT32: Final = Scalar.INT32
INT64: Final = Scalar.INT64
FLOAT: Final = Scalar.FLOAT
BYTES: Final = Scalar.BYTES
ANYTHING: Final = Scalar.ANYTHING
EMPTY: Final = Message({})
STRINGS: Final = Repeated(STRING)

BLOB: Final = Message({"data": BYTES, "mimeType": STRING, "displayName": STRING})
FUNCTION_CALL: Final = Message(
    {
        "id": STRING,
        "name": STRING,
        "args": ANYTHING,
        "partialArgs": Only(Platform.VERTEX, ANYTHING),
        "willContinue": Only(Platform.VERTEX, BOOL),
    }
)
FUNCTION_RESPONSE: Final = Message(
    {
        "id": STRING,
        "name": STRING,
        "response": ANYTHING,
        "scheduling": _choice("SCHEDULING_UNSPECIFIED", "SILENT", "WHEN_IDLE", "INTERRUPT"),
        "willContinue": Only(Platform.GEMINI, BOOL),
        "parts": Repeated(
            Message(
                {
                    "inlineData": BLOB,
                    "fileData": ANYTHING,
                    "mediaProcessing": Only(Platform.GEMINI, ANYTHING),
                }
            )
        ),
    }
)
PART: Final = Message(
    {
        "text": STRING,
        "thought": BOOL,
        "thoughtSignature": BYTES,
        "inlineData": BLOB,
        "fileData": Message({"fileUri": STRING, "mimeType": STRING, "displayName": STRING}),
        "functionCall": FUNCTION_CALL,
        "functionResponse": FUNCTION_RESPONSE,
        "executableCode": ANYTHING,
        "codeExecutionResult": ANYTHING,
        "videoMetadata": ANYTHING,
        "mediaResolution": ANYTHING,
        "toolCall": Only(Platform.GEMINI, ANYTHING),
        "toolResponse": Only(Platform.GEMINI, ANYTHING),
        "partMetadata": Only(Platform.GEMINI, ANYTHING),
    }
)
CONTENT: Final = Message({"role": STRING, "parts": Repeated(PART)})

VOICE_CONFIG: Final = Message(
    {
        "prebuiltVoiceConfig": Message({"voiceName": STRING}),
        "replicatedVoiceConfig": Message(
            {
                "mimeType": STRING,
                "voiceSampleAudio": BYTES,
                "consentAudio": Only(Platform.GEMINI, BYTES),
                "voiceConsentSignature": Only(Platform.GEMINI, Message({"signature": STRING})),
            }
        ),
        "voice": STRING,
    }
)
GENERATION_CONFIG: Final = Message(
    {
        "responseModalities": Repeated(
            _choice("MODALITY_UNSPECIFIED", "TEXT", "AUDIO", "IMAGE", "VIDEO")
        ),
        "temperature": FLOAT,
        "topP": FLOAT,
        "topK": FLOAT,
        "candidateCount": INT32,
        "maxOutputTokens": INT32,
        "seed": INT32,
        "presencePenalty": FLOAT,
        "frequencyPenalty": FLOAT,
        "mediaResolution": _choice(
            "MEDIA_RESOLUTION_UNSPECIFIED",
            "MEDIA_RESOLUTION_LOW",
            "MEDIA_RESOLUTION_MEDIUM",
            "MEDIA_RESOLUTION_HIGH",
        ),
        "speechConfig": Message(
            {
                "languageCode": STRING,
                "voiceConfig": VOICE_CONFIG,
                "multiSpeakerVoiceConfig": ANYTHING,
            }
        ),
        "thinkingConfig": Message(
            {
                "includeThoughts": BOOL,
                "thinkingBudget": INT32,
                "thinkingLevel": _choice(
                    "THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"
                ),
            }
        ),
        "enableAffectiveDialog": BOOL,
        "translationConfig": Message({"targetLanguageCode": STRING, "echoTargetLanguage": BOOL}),
        "enableEnhancedCivicAnswers": Only(Platform.GEMINI, BOOL),
        # Known to the service elsewhere, refused in Live sessions (rules.UNSUPPORTED_GENERATION).
        "responseLogprobs": BOOL,
        "responseMimeType": STRING,
        "logprobs": INT32,
        "responseSchema": ANYTHING,
        "responseJsonSchema": ANYTHING,
        "stopSequences": STRINGS,
        "routingConfig": ANYTHING,
        "audioTimestamp": BOOL,
    }
)
FUNCTION_DECLARATION: Final = Message(
    {
        "name": STRING,
        "description": STRING,
        "parameters": ANYTHING,
        "parametersJsonSchema": ANYTHING,
        "response": ANYTHING,
        "responseJsonSchema": ANYTHING,
        "behavior": _choice("UNSPECIFIED", "BLOCKING", "NON_BLOCKING"),
    }
)
TOOL: Final = Message(
    {
        "functionDeclarations": Repeated(FUNCTION_DECLARATION),
        "googleSearch": ANYTHING,
        "googleSearchRetrieval": ANYTHING,
        "googleMaps": ANYTHING,
        "codeExecution": ANYTHING,
        "computerUse": ANYTHING,
        "urlContext": ANYTHING,
        "mcpServers": ANYTHING,
        "fileSearch": Only(Platform.GEMINI, ANYTHING),
        "retrieval": Only(Platform.VERTEX, ANYTHING),
        "enterpriseWebSearch": Only(Platform.VERTEX, ANYTHING),
        "parallelAiSearch": Only(Platform.VERTEX, ANYTHING),
        "exaAiSearch": Only(Platform.VERTEX, ANYTHING),
    }
)
REALTIME_INPUT_CONFIG: Final = Message(
    {
        "automaticActivityDetection": Message(
            {
                "disabled": BOOL,
                "startOfSpeechSensitivity": _choice(
                    "START_SENSITIVITY_UNSPECIFIED",
                    "START_SENSITIVITY_HIGH",
                    "START_SENSITIVITY_LOW",
                ),
                "endOfSpeechSensitivity": _choice(
                    "END_SENSITIVITY_UNSPECIFIED", "END_SENSITIVITY_HIGH", "END_SENSITIVITY_LOW"
                ),
                "prefixPaddingMs": INT32,
                "silenceDurationMs": INT32,
            }
        ),
        "activityHandling": _choice(
            "ACTIVITY_HANDLING_UNSPECIFIED", "START_OF_ACTIVITY_INTERRUPTS", "NO_INTERRUPTION"
        ),
        "turnCoverage": _choice(
            "TURN_COVERAGE_UNSPECIFIED",
            "TURN_INCLUDES_ONLY_ACTIVITY",
            "TURN_INCLUDES_ALL_INPUT",
            "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO",
        ),
        "interimTranscriptTimestampEnabled": BOOL,
    }
)
TRANSCRIPTION: Final = Message(
    {
        "languageCodes": STRINGS,
        "customVocabulary": STRINGS,
        "wordTimestamp": BOOL,
        "diarization": BOOL,
        "mode": _choice("MODE_UNSPECIFIED", "VERBATIM", "SMART"),
        "sourceText": ANYTHING,
        "languageAuto": ANYTHING,
        "languageHints": Message({"languageCodes": STRINGS}),
        "adaptationPhrases": STRINGS,
    }
)
SETUP: Final = Message(
    {
        "model": STRING,
        "generationConfig": GENERATION_CONFIG,
        "systemInstruction": CONTENT,
        "tools": Repeated(TOOL),
        "realtimeInputConfig": REALTIME_INPUT_CONFIG,
        "sessionResumption": Message(
            {"handle": Scalar.NEVER_NULL, "transparent": Only(Platform.VERTEX, BOOL)}
        ),
        "contextWindowCompression": Message(
            {"triggerTokens": INT64, "slidingWindow": Message({"targetTokens": INT64})}
        ),
        "inputAudioTranscription": TRANSCRIPTION,
        "outputAudioTranscription": TRANSCRIPTION,
        "proactivity": Message({"proactiveAudio": BOOL, "proactiveVideo": BOOL}),
        "explicitVadSignal": Only(Platform.VERTEX, BOOL),
        "historyConfig": Message({"initialHistoryInClientContent": BOOL}),
        "avatarConfig": Message(
            {
                "avatarName": STRING,
                "customizedAvatar": Message({"imageMimeType": STRING, "imageData": BYTES}),
                "audioBitrateBps": INT32,
                "videoBitrateBps": INT32,
            }
        ),
        "safetySettings": Repeated(
            Message(
                {
                    "category": STRING,
                    "threshold": _choice(
                        "HARM_BLOCK_THRESHOLD_UNSPECIFIED",
                        "BLOCK_LOW_AND_ABOVE",
                        "BLOCK_MEDIUM_AND_ABOVE",
                        "BLOCK_ONLY_HIGH",
                        "BLOCK_NONE",
                        "OFF",
                    ),
                    "method": Only(Platform.VERTEX, STRING),
                }
            )
        ),
        "labels": Labels(),
    }
)
CLIENT_MESSAGE: Final = Message(
    {
        "setup": SETUP,
        "clientContent": Message({"turns": Repeated(CONTENT), "turnComplete": BOOL}),
        "realtimeInput": Message(
            {
                "audio": BLOB,
                "video": BLOB,
                "text": STRING,
                "audioStreamEnd": BOOL,
                "activityStart": EMPTY,
                "activityEnd": EMPTY,
                "mediaChunks": Repeated(BLOB),
            }
        ),
        "toolResponse": Message({"functionResponses": Repeated(FUNCTION_RESPONSE)}),
        "contextUpdate": Message(
            {"systemInstruction": CONTENT, "tools": Message({"tools": Repeated(TOOL)})}
        ),
    }
)
