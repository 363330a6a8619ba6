"""What one session's setup agreed on, and the checks that it had to pass.

Sources: the Live API reference (`BidiGenerateContentSetup`), google-genai 3.4.0 `types.py`, and
close reasons reported in public issue threads, which are named where they are used.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from .access import Entrance, Platform
from .generations import Generation, generation_of
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
    unknown_name,
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
_REGIONAL: Final = "gemini-live-2.5-flash-native-audio"  # on Vertex AI alone, but not on "global"
_FUNCTION_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The agreed setup, as the rest of the server needs it.

    Attributes:
        platform: which service the session runs on.
        model: the full resource name.
        generation: what the model's generation does differently.
        modality: "TEXT" or "AUDIO"; the service's default is AUDIO. Of an avatar's VIDEO there is
            the sound only.
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
        bundles: whether several fields come in one serverContent.
    """

    platform: Platform
    model: str
    generation: Generation
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
    bundles: bool


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
    generation = generation_of(model)
    settings = get_object(setup, "generationConfig")
    modality = _check_modality(setup, settings, model)
    _check_generation(settings, modality)
    _check_thinking(settings, generation)
    _check_manner(setup, settings, generation, entrance)
    if entrance.platform is Platform.VERTEX:
        _check_compression(get_object(setup, "contextWindowCompression"))
    check_instruction(get_object(setup, "systemInstruction"))
    if "tools" in setup:
        check_tools(setup, generation)
    realtime = get_object(setup, "realtimeInputConfig")
    detection = get_object(realtime, "automaticActivityDetection")
    resumption = get_object(setup, "sessionResumption")
    coverage = get_text(realtime, "turnCoverage").replace("TURN_COVERAGE_UNSPECIFIED", "")
    if not coverage and generation.activity_video_only and entrance.platform is Platform.GEMINI:
        coverage = "TURN_INCLUDES_ONLY_ACTIVITY"
    default = "HIGH" if entrance.platform is Platform.GEMINI else "LOW"
    keen_start = _sensitivity(detection, "startOfSpeechSensitivity", default) == "HIGH"
    keen_end = _sensitivity(detection, "endOfSpeechSensitivity", default) == "HIGH"
    return Terms(
        platform=entrance.platform,
        model=model,
        generation=generation,
        modality=modality,
        input_transcription="inputAudioTranscription" in setup,
        output_transcription="outputAudioTranscription" in setup,
        automatic_detection=detection.get("disabled") is not True,
        interrupts=realtime.get("activityHandling") != "NO_INTERRUPTION",
        video_between_turns=coverage != "TURN_INCLUDES_ONLY_ACTIVITY",
        start_threshold=250 if keen_start else 800,
        start_ms=get_number(detection, "prefixPaddingMs", 40 if keen_start else 100),
        silence_ms=get_number(detection, "silenceDurationMs", 500 if keen_end else 800),
        activity_signal=setup.get("explicitVadSignal") is True,
        resumption="sessionResumption" in setup,
        transparent=resumption.get("transparent") is True,
        handle=get_text(resumption, "handle"),
        seeds_history=get_object(setup, "historyConfig").get("initialHistoryInClientContent")
        is True,
        bundles=entrance.platform in generation.bundles,
    )


def check_instruction(instruction: JsonObject) -> None:
    """Refuse a system instruction with anything but text in it."""
    if any(set(part) - {"text"} for part in get_objects(instruction, "parts")):
        raise invalid_argument("systemInstruction takes text parts only")


def check_tools(owner: JsonObject, generation: Generation) -> None:
    """Refuse tools that the service, or this generation of models, does not take."""
    if not owner["tools"] and not generation.empty_tools:
        raise invalid_argument("tools is an empty list; leave it out")
    names: set[str] = set()
    for tool in get_objects(owner, "tools"):
        for declaration in get_objects(tool, "functionDeclarations"):
            name = get_text(declaration, "name")
            if name in names:
                raise invalid_argument(f"two functions have the name {name}")
            names.add(name)
            if not _FUNCTION_NAME.fullmatch(name):
                raise invalid_argument("a function needs a name of letters, digits and _.:-")
            if declaration.get("behavior") == "BLOCKING" and not generation.blocking:
                raise invalid_argument("this model's functions cannot be BLOCKING")
            if declaration.get("behavior") == "NON_BLOCKING" and not generation.non_blocking:
                raise invalid_argument("this model's functions cannot be NON_BLOCKING")
            for one, other in (
                ("parameters", "parametersJsonSchema"),
                ("response", "responseJsonSchema"),
            ):
                if one in declaration and other in declaration:
                    raise invalid_argument(f"a function has both {one} and {other}")


def sign_consent(setup: JsonObject) -> JsonObject:
    """Return what setupComplete says of a speaker's consent: a signature for later setups."""
    speech = get_object(get_object(setup, "generationConfig"), "speechConfig")
    voice = get_object(get_object(speech, "voiceConfig"), "replicatedVoiceConfig")
    if "consentAudio" not in voice:
        return {}
    return {"voiceConsentSignature": {"signature": secrets.token_urlsafe(16)}}


def check_model(model: str, entrance: Entrance, models: Collection[str] | None) -> None:
    """Refuse a model's name that is no resource name, or that of a model which does not exist."""
    if not _MODEL_NAME[entrance.platform].fullmatch(model) or ".." in model:
        raise invalid_argument("setup.model needs a full resource name, such as models/NAME")
    name = model.rpartition("/")[2]
    if models is None:
        exists = _is_offered(name, model, entrance.platform)
    else:
        exists = name in {known.rpartition("/")[2] for known in models}
    # Of other names it is not known which method they serve.
    if exists and not name.startswith("gemini-" if entrance.music else "lyria-"):
        return
    if entrance.platform is Platform.VERTEX:
        raise Refusal(1008, f"Publisher Model `{model}` was not found")
    raise Refusal(
        1008,
        f"{model} is not found for API version {entrance.version}, or is not supported for "
        f"{'bidiGenerateMusic' if entrance.music else 'bidiGenerateContent'}.",
    )


def _is_offered(name: str, model: str, platform: Platform) -> bool:
    """Whether a model, as far as it is known, exists on a platform and in a location."""
    if name == _REGIONAL:
        return platform is Platform.VERTEX and "/locations/global/" not in model
    return platform in generation_of(name).platforms


def _check_modality(setup: JsonObject, settings: JsonObject, model: str) -> str:
    asked = settings.get("responseModalities")
    names = [str(name) for name in asked] if is_array(asked) else []
    # Native audio models answer in audio only (the reference's list of models).
    offered = [["AUDIO"]] if "native-audio" in model else [["AUDIO"], ["TEXT"]]
    if "avatarConfig" in setup and "native-audio" not in model:
        offered.append(["VIDEO"])
    if names and names not in offered:
        raise Refusal(
            1007,
            f"The requested combination of response modalities ({', '.join(names)}) is not "
            "supported by the model.",
        )
    return "TEXT" if names == ["TEXT"] else "AUDIO"


def _check_generation(settings: JsonObject, modality: str) -> None:
    for name in UNSUPPORTED_GENERATION:
        if name in settings:
            raise invalid_argument(f"{to_snake(name)} is not supported in Live sessions")
    speech = get_object(settings, "speechConfig")
    if "multiSpeakerVoiceConfig" in speech:
        raise invalid_argument("multi_speaker_voice_config is not supported in Live sessions")
    if "voiceConfig" in speech and modality == "TEXT":
        raise Refusal(1007, "Cannot extract voices from a non-audio request.")


def _check_thinking(settings: JsonObject, generation: Generation) -> None:
    """Refuse what the model does not take of thinkingConfig."""
    if "thinkingConfig" not in settings:
        return
    if not generation.thinking_budget and not generation.thinking_levels:
        raise invalid_argument("this model takes no thinkingConfig")
    thinking = get_object(settings, "thinkingConfig")
    if "thinkingBudget" in thinking:
        if not generation.thinking_budget:
            raise invalid_argument("this model takes a thinkingLevel instead of a thinkingBudget")
        if get_number(thinking, "thinkingBudget", 0) < -1:
            raise invalid_argument("thinkingBudget is less than -1")
    level = get_text(thinking, "thinkingLevel").replace("THINKING_LEVEL_UNSPECIFIED", "")
    if level and level not in generation.thinking_levels:
        raise invalid_argument("this model does not take this thinkingLevel")


def _check_manner(
    setup: JsonObject, settings: JsonObject, generation: Generation, entrance: Entrance
) -> None:
    """Refuse proactivity, affective dialog and history where model or version has none."""
    if "historyConfig" in setup and not generation.history:
        raise invalid_argument("this model takes no historyConfig")
    early = entrance.platform is Platform.GEMINI and entrance.version != "v1alpha"
    if early and generation.alpha:
        for owner, name, where in (
            (setup, "proactivity", "setup"),
            (settings, "enableAffectiveDialog", "setup.generation_config"),
        ):
            if name in owner:
                raise unknown_name(name, where)
    if "proactivity" in setup and not generation.proactivity:
        raise invalid_argument("this model takes no proactivity")
    switches = get_object(setup, "proactivity")
    if generation.always_proactive and switches.get("proactiveAudio") is False:
        raise invalid_argument("this model's proactive audio cannot be switched off")
    if settings.get("enableAffectiveDialog") is True and not generation.affective_dialog:
        raise invalid_argument("this model has no affective dialog")


def _check_compression(compression: JsonObject) -> None:
    """Refuse numbers that Vertex AI does not take."""
    window = get_object(compression, "slidingWindow")
    if not 5_000 <= get_number(compression, "triggerTokens", 5_000) <= 128_000:
        raise invalid_argument("triggerTokens is not from 5,000 to 128,000")
    if not 0 <= get_number(window, "targetTokens", 0) <= 128_000:
        raise invalid_argument("targetTokens is not from 0 to 128,000")


def _sensitivity(detection: JsonObject, name: str, default: str) -> str:
    asked = get_text(detection, name).rpartition("_")[2]
    return asked if asked in ("HIGH", "LOW") else default
