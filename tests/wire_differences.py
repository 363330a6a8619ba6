"""Where trio_live means to send something else than google-genai, each with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

GENAI_REFUSES: Final = ("google-genai refuses",)
WE_REFUSE: Final = ("trio_live refuses",)


@dataclass(frozen=True)
class Difference:
    """What differs in one request: as `wire_recorder.differences()` says it, and why.

    Attributes:
        case: The name of the case.
        send: The name of what is sent in it, "" for the setup.
        told: Where the two messages differ.
        reason: Why that is meant.
        platforms: Where it is so.
    """

    case: str
    send: str
    told: tuple[str, ...]
    reason: str
    platforms: tuple[str, ...] = ("gemini", "vertex")


_RESUMPTION: Final = "setup.sessionResumption: nothing / {}"
_MODALITY: Final = 'setup.generationConfig: nothing / {"responseModalities": ["AUDIO"]}'
_DEFAULTS: Final = (
    "resumption handles are asked for by default, as a lost connection cannot be helped "
    "afterwards; and AUDIO is what the service itself takes for no modality (google-genai says it "
    "on Vertex AI with a project, and nowhere else)"
)
_MEDIA: Final = (
    "mediaChunks is deprecated, and 3.1 models and later refuse it: what google-genai's media= "
    "takes is sent as the audio or video that it is"
)
_NOTHING: Final = "there is nothing in it: most likely a mistake, found at the caller's line"
_UNCHECKED: Final = (
    "on Vertex AI google-genai's send_client_content() and send_tool_response() go round its own "
    "converters, which refuse the field; trio_live has one rule for a field, however it is sent"
)
_BLOB: Final = '{"data": "+//+APv//gA=", "mimeType": "audio/pcm;rate=16000"}'
_JPEG: Final = '{"data": "+//+AA==", "mimeType": "image/jpeg"}'

DIFFERENCES: Final = (
    Difference("defaults", "", (_MODALITY, _RESUMPTION), _DEFAULTS, ("gemini", "express", "token")),
    Difference("defaults", "", (_RESUMPTION,), _DEFAULTS, ("vertex",)),
    Difference(
        "config: two modalities",
        "",
        WE_REFUSE,
        "a Live session answers in one modality: the service closes the connection on two",
    ),
    *(
        Difference(
            f"config: generation: {name}",
            "",
            WE_REFUSE,
            "the Live API reference lists it among what a Live session does not support",
        )
        for name in ("stop sequences", "log probabilities", "JSON")
    ),
    Difference(
        "config: temperature above the range",
        "",
        WE_REFUSE,
        "the service's range is 0.0 to 2.0, and it closes the connection on more",
    ),
    Difference(
        "config: tools: several",
        "",
        (
            'setup.tools[0].functionDeclarations: nothing / [{"name": "a"}]',
            "setup.tools[0].googleSearch: {} / nothing",
            'setup.tools[1].functionDeclarations: [{"name": "a"}] / nothing',
            "setup.tools[1].googleSearch: nothing / {}",
        ),
        "the order of tools means nothing; google-genai puts functions last, trio_live first",
    ),
    Difference(
        "config: tool: search in a time",
        "",
        WE_REFUSE,
        "google-genai itself describes the field as not supported there, and does not look",
        ("vertex",),
    ),
    *(
        Difference(case, send, WE_REFUSE, _UNCHECKED, ("vertex",))
        for case, send in (
            ("parts", "part: tool call"),
            ("parts", "part: tool response"),
            ("parts", "part: part metadata"),
            ("answers", "answer: more to come"),
            ("answers", "answer: no more to come"),
        )
    ),
    Difference("content", "content: nothing", WE_REFUSE, _NOTHING),
    Difference("real time", "realtime: no text", WE_REFUSE, _NOTHING),
    Difference(
        "real time",
        "realtime: audio without a rate",
        ('realtimeInput.audio.mimeType: "audio/pcm" / "audio/pcm;rate=16000"',),
        "the rate is always told: without it the service has to guess",
    ),
    Difference(
        "real time",
        "realtime: an image of another kind",
        WE_REFUSE,
        "the service documents JPEG, PNG and WebP",
    ),
    Difference(
        "real time",
        "realtime: media: an image",
        (
            f"realtimeInput.mediaChunks: [{_JPEG}] / nothing",
            f"realtimeInput.video: nothing / {_JPEG}",
        ),
        _MEDIA,
    ),
    Difference(
        "real time",
        "realtime: media: audio",
        (
            f"realtimeInput.audio: nothing / {_BLOB}",
            f"realtimeInput.mediaChunks: [{_BLOB}] / nothing",
        ),
        _MEDIA,
    ),
    Difference(
        "answers",
        "answer: without an id",
        GENAI_REFUSES,
        "a call without an id, as older servers make, can only be answered without one",
        ("gemini",),
    ),
)
