"""The fields of contents and their parts, as data; see fields.py for sources."""

from __future__ import annotations

from typing import Final

from .grammar import (
    ANYTHING,
    BOOL,
    BYTES,
    DURATION,
    FLOAT,
    INT32,
    OBJECT,
    STRING,
    Message,
    Repeated,
    choice,
    only_gemini,
    only_vertex,
)

BLOB: Final = Message({"data": BYTES, "mimeType": STRING, "displayName": STRING})
FILE_DATA: Final = Message({"fileUri": STRING, "mimeType": STRING, "displayName": STRING})

_STRETCH: Final = {"startOffset": DURATION, "endOffset": DURATION}
_MEDIA_PROCESSING: Final = choice("MEDIA_PROCESSING_UNSPECIFIED", "STATIC", "AGENTIC")
# How media in a part, or in a part of a function's answer, are to be looked at.
_MEDIA_SETTINGS: Final = {
    "mediaResolution": Message(
        {
            "level": choice(
                "MEDIA_RESOLUTION_UNSPECIFIED",
                "MEDIA_RESOLUTION_LOW",
                "MEDIA_RESOLUTION_MEDIUM",
                "MEDIA_RESOLUTION_HIGH",
                "MEDIA_RESOLUTION_ULTRA_HIGH",
            ),
            "numTokens": INT32,
        }
    ),
    "videoMetadata": Message(
        {
            **_STRETCH,
            "fps": FLOAT,
            "contentLayers": Repeated(
                choice("CONTENT_LAYER_UNSPECIFIED", "FRAMES", "AUDIO", "TRANSCRIPT")
            ),
        }
    ),
    "audioMetadata": Message({**_STRETCH}),
    "documentMetadata": Message(
        {
            "startPage": INT32,
            "endPage": INT32,
            "contentLayers": Repeated(
                choice("CONTENT_LAYER_UNSPECIFIED", "PAGE_IMAGE", "PAGE_TEXT")
            ),
        }
    ),
    "spreadsheetMetadata": Message(
        {
            "visibleCells": STRING,
            "sheetIndex": INT32,
            "contentLayers": Repeated(
                choice("CONTENT_LAYER_UNSPECIFIED", "DATA", "FORMULAS", "VISUAL")
            ),
        }
    ),
}
_TOOL_TYPE: Final = choice(
    "TOOL_TYPE_UNSPECIFIED",
    "GOOGLE_SEARCH_WEB",
    "GOOGLE_SEARCH_IMAGE",
    "URL_CONTEXT",
    "GOOGLE_MAPS",
    "FILE_SEARCH",
    "MEDIA_PROCESSING",
)
FUNCTION_CALL: Final = Message(
    {
        "id": STRING,
        "name": STRING,
        "args": OBJECT,
        "partialArgs": only_vertex(
            Repeated(
                Message(
                    {
                        "jsonPath": STRING,
                        "stringValue": STRING,
                        "numberValue": FLOAT,
                        "boolValue": BOOL,
                        "nullValue": choice("NULL_VALUE"),
                        "willContinue": BOOL,
                    }
                )
            )
        ),
        "willContinue": only_vertex(BOOL),
    }
)
FUNCTION_RESPONSE: Final = Message(
    {
        "id": STRING,
        "name": STRING,
        "response": ANYTHING,
        "scheduling": choice("SCHEDULING_UNSPECIFIED", "SILENT", "WHEN_IDLE", "INTERRUPT"),
        "willContinue": only_gemini(BOOL),
        "parts": Repeated(
            Message(
                {
                    "inlineData": BLOB,
                    "fileData": FILE_DATA,
                    "mediaProcessing": only_gemini(_MEDIA_PROCESSING),
                    **_MEDIA_SETTINGS,
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
        "fileData": FILE_DATA,
        "functionCall": FUNCTION_CALL,
        "functionResponse": FUNCTION_RESPONSE,
        "executableCode": Message(
            {"code": STRING, "language": choice("LANGUAGE_UNSPECIFIED", "PYTHON"), "id": STRING}
        ),
        "codeExecutionResult": Message(
            {
                "outcome": choice(
                    "OUTCOME_UNSPECIFIED",
                    "OUTCOME_OK",
                    "OUTCOME_FAILED",
                    "OUTCOME_DEADLINE_EXCEEDED",
                ),
                "output": STRING,
                "id": STRING,
            }
        ),
        "mediaProcessing": _MEDIA_PROCESSING,
        **_MEDIA_SETTINGS,
        "audioTranscription": Message(
            {
                "text": STRING,
                "finished": BOOL,
                "languageCode": STRING,
                "speakerLabel": STRING,
                "words": Repeated(Message({"word": STRING, **_STRETCH})),
                **_STRETCH,
            }
        ),
        "speechMetadata": Message({"speaker": STRING, "style": STRING}),
        "toolCall": only_gemini(Message({"id": STRING, "toolType": _TOOL_TYPE, "args": OBJECT})),
        "toolResponse": only_gemini(
            Message({"id": STRING, "toolType": _TOOL_TYPE, "response": OBJECT})
        ),
        "partMetadata": only_gemini(OBJECT),
    }
)
CONTENT: Final = Message({"role": STRING, "parts": Repeated(PART)})
