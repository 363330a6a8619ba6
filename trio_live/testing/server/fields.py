"""The fields of the client messages, as data; what is in contents and tools in fields_*.py.

Source: google-genai 3.4.0 `types.py` and `_live_converters.py` (`Only` marks what that converter
refuses on the other platform), and the Live API reference. User data (function arguments and
answers, JSON schemas) is `OBJECT` or `ANYTHING`: its keys are never looked at.
"""

from __future__ import annotations

from typing import Final

from .fields_content import BLOB, CONTENT, FUNCTION_RESPONSE
from .fields_tools import SCHEMA, TOOL, TOOL_CONFIG
from .grammar import (
    ANYTHING,
    BOOL,
    BYTES,
    DURATION,
    EMPTY,
    FLOAT,
    INT32,
    INT64,
    STRING,
    STRINGS,
    MapOf,
    Message,
    Repeated,
    Scalar,
    choice,
    only_gemini,
    only_vertex,
)

VOICE_CONFIG: Final = Message(
    {
        "prebuiltVoiceConfig": Message({"voiceName": STRING}),
        "replicatedVoiceConfig": Message(
            {
                "mimeType": STRING,
                "voiceSampleAudio": BYTES,
                "consentAudio": only_gemini(BYTES),
                "voiceConsentSignature": only_gemini(Message({"signature": STRING})),
            }
        ),
        "voice": STRING,
    }
)
TRANSCRIPTION: Final = Message(
    {
        "languageCodes": STRINGS,
        "customVocabulary": STRINGS,
        "wordTimestamp": BOOL,
        "diarization": BOOL,
        "mode": choice("MODE_UNSPECIFIED", "VERBATIM", "SMART"),
        "sourceText": STRING,
        "languageAuto": EMPTY,
        "languageHints": Message({"languageCodes": STRINGS}),
        "adaptationPhrases": STRINGS,
    }
)
_MODEL_SELECTION: Final = Message(
    {
        "featureSelectionPreference": choice(
            "FEATURE_SELECTION_PREFERENCE_UNSPECIFIED",
            "PRIORITIZE_QUALITY",
            "BALANCED",
            "PRIORITIZE_COST",
        )
    }
)
_DELIVERY: Final = choice("DELIVERY_UNSPECIFIED", "INLINE", "URI")
_ASPECT_RATIO: Final = choice(
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
)
_RESPONSE_FORMAT: Final = Message(
    {
        "text": Message({"mimeType": STRING, "schema": ANYTHING}),
        "audio": Message(
            {"mimeType": STRING, "sampleRate": INT32, "bitRate": INT32, "delivery": _DELIVERY}
        ),
        "image": Message(
            {
                "mimeType": STRING,
                "aspectRatio": _ASPECT_RATIO,
                "imageSize": choice(
                    "IMAGE_SIZE_UNSPECIFIED",
                    "IMAGE_SIZE_FIVE_TWELVE",
                    "IMAGE_SIZE_ONE_K",
                    "IMAGE_SIZE_TWO_K",
                    "IMAGE_SIZE_FOUR_K",
                ),
                "delivery": _DELIVERY,
            }
        ),
        "video": Message(
            {
                "aspectRatio": _ASPECT_RATIO,
                "resolution": STRING,
                "duration": DURATION,
                "gcsUri": STRING,
                "delivery": _DELIVERY,
            }
        ),
    }
)
GENERATION_CONFIG: Final = Message(
    {
        "responseModalities": Repeated(
            choice("MODALITY_UNSPECIFIED", "TEXT", "AUDIO", "IMAGE", "VIDEO")
        ),
        "temperature": FLOAT,
        "topP": FLOAT,
        "topK": FLOAT,
        "candidateCount": INT32,
        "maxOutputTokens": INT32,
        "seed": INT32,
        "presencePenalty": FLOAT,
        "frequencyPenalty": FLOAT,
        "mediaResolution": choice(
            "MEDIA_RESOLUTION_UNSPECIFIED",
            "MEDIA_RESOLUTION_LOW",
            "MEDIA_RESOLUTION_MEDIUM",
            "MEDIA_RESOLUTION_HIGH",
        ),
        "speechConfig": Message(
            {
                "languageCode": STRING,
                "voiceConfig": VOICE_CONFIG,
                "multiSpeakerVoiceConfig": Message(
                    {
                        "speakerVoiceConfigs": Repeated(
                            Message({"speaker": STRING, "voiceConfig": VOICE_CONFIG})
                        )
                    }
                ),
            }
        ),
        "thinkingConfig": Message(
            {
                "includeThoughts": BOOL,
                "thinkingBudget": INT32,
                "thinkingLevel": choice(
                    "THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"
                ),
            }
        ),
        "enableAffectiveDialog": BOOL,
        "translationConfig": Message({"targetLanguageCode": STRING, "echoTargetLanguage": BOOL}),
        "enableEnhancedCivicAnswers": only_gemini(BOOL),
        "audioTranscriptionConfig": TRANSCRIPTION,
        "modelSelectionConfig": only_gemini(_MODEL_SELECTION),
        "modelConfig": only_vertex(_MODEL_SELECTION),  # the same, as Vertex AI calls it
        "responseFormat": Repeated(_RESPONSE_FORMAT),
        # Known to the service elsewhere, refused in Live sessions (terms.UNSUPPORTED_GENERATION).
        "responseLogprobs": BOOL,
        "responseMimeType": STRING,
        "logprobs": INT32,
        "responseSchema": SCHEMA,
        "responseJsonSchema": ANYTHING,
        "stopSequences": STRINGS,
        "routingConfig": Message(
            {
                "autoMode": Message(
                    {
                        "modelRoutingPreference": choice(
                            "UNKNOWN", "PRIORITIZE_QUALITY", "BALANCED", "PRIORITIZE_COST"
                        )
                    }
                ),
                "manualMode": Message({"modelName": STRING}),
            }
        ),
        "audioTimestamp": BOOL,
    }
)
REALTIME_INPUT_CONFIG: Final = Message(
    {
        "automaticActivityDetection": Message(
            {
                "disabled": BOOL,
                "startOfSpeechSensitivity": choice(
                    "START_SENSITIVITY_UNSPECIFIED",
                    "START_SENSITIVITY_HIGH",
                    "START_SENSITIVITY_LOW",
                ),
                "endOfSpeechSensitivity": choice(
                    "END_SENSITIVITY_UNSPECIFIED", "END_SENSITIVITY_HIGH", "END_SENSITIVITY_LOW"
                ),
                "prefixPaddingMs": INT32,
                "silenceDurationMs": INT32,
            }
        ),
        "activityHandling": choice(
            "ACTIVITY_HANDLING_UNSPECIFIED", "START_OF_ACTIVITY_INTERRUPTS", "NO_INTERRUPTION"
        ),
        "turnCoverage": choice(
            "TURN_COVERAGE_UNSPECIFIED",
            "TURN_INCLUDES_ONLY_ACTIVITY",
            "TURN_INCLUDES_ALL_INPUT",
            "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO",
        ),
        "interimTranscriptTimestampEnabled": BOOL,
    }
)
SETUP: Final = Message(
    {
        "model": STRING,
        "generationConfig": GENERATION_CONFIG,
        "systemInstruction": CONTENT,
        "tools": Repeated(TOOL),
        # google-genai has none; the setup of Firebase's Android SDK does.
        "toolConfig": TOOL_CONFIG,
        "realtimeInputConfig": REALTIME_INPUT_CONFIG,
        "sessionResumption": Message(
            {"handle": Scalar.NEVER_NULL, "transparent": only_vertex(BOOL)}
        ),
        "contextWindowCompression": Message(
            {"triggerTokens": INT64, "slidingWindow": Message({"targetTokens": INT64})}
        ),
        "inputAudioTranscription": TRANSCRIPTION,
        "outputAudioTranscription": TRANSCRIPTION,
        "proactivity": Message({"proactiveAudio": BOOL, "proactiveVideo": BOOL}),
        "explicitVadSignal": only_vertex(BOOL),
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
                    "category": choice(
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
                    "threshold": choice(
                        "HARM_BLOCK_THRESHOLD_UNSPECIFIED",
                        "BLOCK_LOW_AND_ABOVE",
                        "BLOCK_MEDIUM_AND_ABOVE",
                        "BLOCK_ONLY_HIGH",
                        "BLOCK_NONE",
                        "OFF",
                    ),
                    "method": only_vertex(
                        choice("HARM_BLOCK_METHOD_UNSPECIFIED", "SEVERITY", "PROBABILITY")
                    ),
                }
            )
        ),
        "labels": MapOf(STRING),
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
