"""What one session's setup agreed on, and the checks that it had to pass.

Sources: the Live API reference (`BidiGenerateContentSetup`), google-genai 3.4.0 `types.py`, and
close reasons reported in public issue threads, which are named where they are used.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from .access import Entrance, Platform
from .grammar import to_snake
from .shapes import (
    JsonObject,
    Refusal,
    get_number,
    get_object,
    get_objects,
    get_text,
    invalid_argument,
    is_array,
)

# Settings of generateContent that the reference lists as not supported in Live sessions.
UNSUPPORTED_GENERATION: Final = (
    "responseLogprobs",
    "responseMimeType",
    "logprobs",
    "responseSchema",
    "responseJsonSchema",
    "stopSequences",
    "routingConfig",
    "audioTimestamp",
)
_MODEL_NAME: Final = {
    Platform.GEMINI: re.compile(r"(models|tunedModels)/[^/?&]+"),
    Platform.VERTEX: re.compile(
        r"(projects/[^/?&]+/locations/[^/?&]+/)?publishers/[^/?&]+/models/[^/?&]+"
        r"|projects/[^/?&]+/.+|models/[^/?&]+"
    ),
}
_FUNCTION_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The agreed setup, as the rest of the server needs it.

    Attributes:
        platform: which service the session runs on.
        model: the full resource name.
        modality: "TEXT" or "AUDIO"; the service's default is AUDIO.
        input_transcription: whether the client asked for transcripts of its speech.
        output_transcription: whether it asked for transcripts of the answers.
        automatic_detection: whether the service finds speech by itself; else the client says so.
        interrupts: whether the start of activity stops a running answer.
        video_between_turns: whether images sent outside of activity belong to the next turn.
        start_threshold: mean absolute sample value that counts as speech.
        start_ms: milliseconds of speech before an activity starts.
        silence_ms: milliseconds of silence that end an activity.
        activity_signal: whether `voiceActivity` messages are sent (explicitVadSignal, Vertex AI).
        resumption: whether resumption handles are issued.
        transparent: whether updates say which client message was consumed last (Vertex AI).
        handle: the handle of the session to resume, or an empty string.
        seeds_history: whether the first clientContent fills the history without an answer.
    """

    platform: Platform
    model: str
    modality: str
    input_transcription: bool
    output_transcription: bool
    automatic_detection: bool
    interrupts: bool
    video_between_turns: bool
    start_threshold: int
    start_ms: int
    silence_ms: int
    activity_signal: bool
    resumption: bool
    transparent: bool
    handle: str
    seeds_history: bool


def agree(setup: JsonObject, entrance: Entrance, models: Collection[str] | None) -> Terms:
    """Check a setup message and return the terms of its session.

    Args:
        setup: the normalised message.
        entrance: where the client connected.
        models: the models that exist, with or without resource prefix; None accepts any.

    Raises:
        Refusal: the service would close the connection instead of answering `setupComplete`.
    """
    model = get_text(setup, "model")
    check_model(model, entrance, models)
    generation = get_object(setup, "generationConfig")
    modality = _check_modality(generation, model)
    _check_generation(generation, modality)
    check_instruction(get_object(setup, "systemInstruction"))
    if "tools" in setup:
        check_tools(setup)
    realtime = get_object(setup, "realtimeInputConfig")
    detection = get_object(realtime, "automaticActivityDetection")
    resumption = get_object(setup, "sessionResumption")
    default = "HIGH" if entrance.platform is Platform.GEMINI else "LOW"
    keen_start = _sensitivity(detection, "startOfSpeechSensitivity", default) == "HIGH"
    keen_end = _sensitivity(detection, "endOfSpeechSensitivity", default) == "HIGH"
    return Terms(
        platform=entrance.platform,
        model=model,
        modality=modality,
        input_transcription="inputAudioTranscription" in setup,
        output_transcription="outputAudioTranscription" in setup,
        automatic_detection=detection.get("disabled") is not True,
        interrupts=realtime.get("activityHandling") != "NO_INTERRUPTION",
        video_between_turns=realtime.get("turnCoverage") != "TURN_INCLUDES_ONLY_ACTIVITY",
        start_threshold=250 if keen_start else 800,
        start_ms=get_number(detection, "prefixPaddingMs", 40 if keen_start else 100),
        silence_ms=get_number(detection, "silenceDurationMs", 500 if keen_end else 800),
        activity_signal=setup.get("explicitVadSignal") is True,
        resumption="sessionResumption" in setup,
        transparent=resumption.get("transparent") is True,
        handle=get_text(resumption, "handle"),
        seeds_history=get_object(setup, "historyConfig").get("initialHistoryInClientContent")
        is True,
    )


def check_instruction(instruction: JsonObject) -> None:
    """Refuse a system instruction with anything but text in it."""
    if any(set(part) - {"text"} for part in get_objects(instruction, "parts")):
        raise invalid_argument("systemInstruction takes text parts only")


def check_tools(owner: JsonObject) -> None:
    """Refuse an empty list of tools and declarations that the service does not take."""
    if not owner["tools"]:
        raise invalid_argument("tools is an empty list; leave it out")
    for tool in get_objects(owner, "tools"):
        for declaration in get_objects(tool, "functionDeclarations"):
            if not _FUNCTION_NAME.fullmatch(get_text(declaration, "name")):
                raise invalid_argument("a function needs a name of letters, digits and _.:-")
            for one, other in (
                ("parameters", "parametersJsonSchema"),
                ("response", "responseJsonSchema"),
            ):
                if one in declaration and other in declaration:
                    raise invalid_argument(f"a function has both {one} and {other}")


def check_model(model: str, entrance: Entrance, models: Collection[str] | None) -> None:
    """Refuse a model's name that is no resource name, or that of a model which does not exist."""
    if not _MODEL_NAME[entrance.platform].fullmatch(model) or ".." in model:
        raise invalid_argument("setup.model needs a full resource name, such as models/NAME")
    if models is None or {name.rpartition("/")[2] for name in models} & {model.rpartition("/")[2]}:
        return
    if entrance.platform is Platform.VERTEX:
        raise Refusal(1008, f"Publisher Model `{model}` was not found")
    raise Refusal(
        1008,
        f"{model} is not found for API version {entrance.version}, or is not supported for "
        f"{'bidiGenerateMusic' if entrance.music else 'bidiGenerateContent'}.",
    )


def _check_modality(generation: JsonObject, model: str) -> str:
    asked = generation.get("responseModalities")
    names = [str(name) for name in asked] if is_array(asked) else []
    # Native audio models answer in audio only (the reference's list of models).
    offered = [["AUDIO"]] if "native-audio" in model else [["AUDIO"], ["TEXT"]]
    if names and names not in offered:
        raise Refusal(
            1007,
            f"The requested combination of response modalities ({', '.join(names)}) is not "
            "supported by the model.",
        )
    return names[0] if names else "AUDIO"


def _check_generation(generation: JsonObject, modality: str) -> None:
    for name in UNSUPPORTED_GENERATION:
        if name in generation:
            raise invalid_argument(f"{to_snake(name)} is not supported in Live sessions")
    speech = get_object(generation, "speechConfig")
    if "multiSpeakerVoiceConfig" in speech:
        raise invalid_argument("multi_speaker_voice_config is not supported in Live sessions")
    if "voiceConfig" in speech and modality == "TEXT":
        raise Refusal(1007, "Cannot extract voices from a non-audio request.")


def _sensitivity(detection: JsonObject, name: str, default: str) -> str:
    asked = get_text(detection, name).rpartition("_")[2]
    return asked if asked in ("HIGH", "LOW") else default
