"""SessionConfig in full: each field of the service can be said, and what cannot be is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import genai_types
import pytest
from google.genai import types as genai

from trio_live import (
    AudioTranscriptionConfig,
    AutomaticActivityDetection,
    AvatarConfig,
    Capabilities,
    ConfigError,
    Content,
    ContextWindowCompressionConfig,
    FunctionDeclaration,
    GenerationConfig,
    HistoryConfig,
    Part,
    ProactivityConfig,
    SafetySetting,
    SessionConfig,
    SessionResumptionConfig,
    SlidingWindow,
    SpeechConfig,
    ThinkingConfig,
    Tool,
    ToolConfig,
    TranslationConfig,
    VoiceConfig,
)
from trio_live.config.arguments import ARGUMENTS
from trio_live.wire import codec
from trio_live.wire.client import ClientMessage
from trio_live.wire.generation import ResponseFormat, TextResponseFormat
from trio_live.wire.retrieval import Retrieval, VertexAISearch, VertexRagStore
from trio_live.wire.schema import Schema
from trio_live.wire.setup import CustomizedAvatar
from trio_live.wire.speech import (
    MultiSpeakerVoiceConfig,
    PrebuiltVoiceConfig,
    ReplicatedVoiceConfig,
    VoiceConsentSignature,
)
from trio_live.wire.tools import (
    FileSearch,
    FunctionCallingConfig,
    GoogleSearch,
    Interval,
    LatLng,
    RetrievalConfig,
    UrlContext,
)


def setup_of(config: SessionConfig) -> dict[str, Any]:
    """The setup that a config builds, as JSON."""
    message = ClientMessage(setup=config.setup("models/m"))
    built: dict[str, Any] = json.loads(codec.encode(message))["setup"]
    return built


# Everything that can be said, and what the service gets of it.
FULL: dict[str, Any] = {
    "model": "m",
    "system_instruction": Content((Part(text="Be"), Part(text="brief."))),
    "response_modalities": ["AUDIO"],
    "speech": SpeechConfig(
        VoiceConfig(
            replicated_voice_config=ReplicatedVoiceConfig("audio/wav", b"\xff\xfe", b"consent")
        ),
        "de-DE",
    ),
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 40,
    "max_output_tokens": 100,
    "candidate_count": 1,
    "presence_penalty": -2.0,
    "frequency_penalty": 2.0,
    "seed": 7,
    "media_resolution": "MEDIA_RESOLUTION_LOW",
    "thinking": ThinkingConfig(True, 1024),
    "affective_dialog": True,
    "translation": TranslationConfig("de", True),
    "generation": GenerationConfig(
        enable_enhanced_civic_answers=True,
        response_format=(ResponseFormat(text=TextResponseFormat("text/plain")),),
    ),
    "tools": [
        FunctionDeclaration("f", parameters=Schema("OBJECT", properties={"a": Schema("STRING")})),
        Tool(google_search=GoogleSearch(exclude_domains=("a.example",)), url_context=UrlContext()),
    ],
    "tool_config": ToolConfig(
        FunctionCallingConfig("AUTO"), RetrievalConfig(LatLng(52.5, 13.4), "de")
    ),
    "safety_settings": [SafetySetting("HARM_CATEGORY_HARASSMENT", "BLOCK_ONLY_HIGH")],
    "input_transcription": AudioTranscriptionConfig(("de-DE",), ("Trio",), True, True, "SMART"),
    "output_transcription": True,
    "activity_detection": AutomaticActivityDetection(
        False, "START_SENSITIVITY_LOW", "END_SENSITIVITY_HIGH", 20, 300
    ),
    "activity_handling": "NO_INTERRUPTION",
    "turn_coverage": "TURN_INCLUDES_ALL_INPUT",
    "interim_timestamps": True,
    "session_resumption": SessionResumptionConfig(transparent=True),
    "resumption_handle": "handle",
    "compression": ContextWindowCompressionConfig(9_000, SlidingWindow(5_000)),
    "proactivity": ProactivityConfig(True, True),
    "initial_history": True,
    "avatar": AvatarConfig(
        customized_avatar=CustomizedAvatar("image/png", b"png"), video_bitrate_bps=1_000
    ),
    "explicit_vad_signal": True,
    "labels": {"team": "voice"},
    "extra": {"generationConfig": {"newField": 1}},
    "capabilities": Capabilities(scheduling=True),
}
FULL_SETUP: dict[str, Any] = {
    "model": "models/m",
    "generationConfig": {
        "responseModalities": ["AUDIO"],
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 40,
        "maxOutputTokens": 100,
        "seed": 7,
        "mediaResolution": "MEDIA_RESOLUTION_LOW",
        "speechConfig": {
            "voiceConfig": {
                "replicatedVoiceConfig": {
                    "mimeType": "audio/wav",
                    "voiceSampleAudio": "//4=",
                    "consentAudio": "Y29uc2VudA==",
                }
            },
            "languageCode": "de-DE",
        },
        "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 1024},
        "candidateCount": 1,
        "presencePenalty": -2.0,
        "frequencyPenalty": 2.0,
        "enableAffectiveDialog": True,
        "translationConfig": {"targetLanguageCode": "de", "echoTargetLanguage": True},
        "enableEnhancedCivicAnswers": True,
        "responseFormat": [{"text": {"mimeType": "text/plain"}}],
    },
    "systemInstruction": {"parts": [{"text": "Be"}, {"text": "brief."}]},
    "tools": [
        {
            "functionDeclarations": [
                {
                    "name": "f",
                    "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}},
                }
            ]
        },
        {"googleSearch": {"excludeDomains": ["a.example"]}, "urlContext": {}},
    ],
    "realtimeInputConfig": {
        "automaticActivityDetection": {
            "disabled": False,
            "startOfSpeechSensitivity": "START_SENSITIVITY_LOW",
            "endOfSpeechSensitivity": "END_SENSITIVITY_HIGH",
            "prefixPaddingMs": 20,
            "silenceDurationMs": 300,
        },
        "activityHandling": "NO_INTERRUPTION",
        "turnCoverage": "TURN_INCLUDES_ALL_INPUT",
        "interimTranscriptTimestampEnabled": True,
    },
    "sessionResumption": {"handle": "handle", "transparent": True},
    "contextWindowCompression": {"triggerTokens": 9_000, "slidingWindow": {"targetTokens": 5_000}},
    "inputAudioTranscription": {
        "languageCodes": ["de-DE"],
        "customVocabulary": ["Trio"],
        "wordTimestamp": True,
        "diarization": True,
        "mode": "SMART",
    },
    "outputAudioTranscription": {},
    "proactivity": {"proactiveAudio": True, "proactiveVideo": True},
    "explicitVadSignal": True,
    "historyConfig": {"initialHistoryInClientContent": True},
    "avatarConfig": {
        "customizedAvatar": {"imageMimeType": "image/png", "imageData": "cG5n"},
        "videoBitrateBps": 1_000,
    },
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}],
    "labels": {"team": "voice"},
    "toolConfig": {
        "functionCallingConfig": {"mode": "AUTO"},
        "retrievalConfig": {
            "latLng": {"latitude": 52.5, "longitude": 13.4},
            "languageCode": "de",
        },
    },
}


def test_full_config_puts_each_field_in_its_place() -> None:
    """All that there is at once; `voice` and `language` stand elsewhere, beside `speech`."""
    assert set(FULL) == set(ARGUMENTS) - {"voice", "language"}
    assert set(ARGUMENTS) == set(SessionConfig.__struct_fields__)
    assert setup_of(SessionConfig(**FULL)) == FULL_SETUP


def test_every_setting_of_live_connect_config_has_an_argument() -> None:
    """Each field of google-genai's LiveConnectConfig is said by an argument of SessionConfig."""
    said = {argument.place.wire_name for argument in ARGUMENTS.values() if argument.place}
    missing = {name for _, name, _, _ in genai_types.fields(genai.LiveConnectConfig)} - said
    # Its parts have arguments of their own; how to connect is for endpoint and TransportConfig.
    assert missing == {"realtimeInputConfig", "httpOptions"}


@pytest.mark.parametrize(
    ("settings", "field", "expected"),
    [
        ({"proactivity": True}, "proactivity", {"proactiveAudio": True}),
        ({"proactivity": False}, "proactivity", {"proactiveAudio": False}),
        (
            {"initial_history": HistoryConfig(False)},
            "historyConfig",
            {"initialHistoryInClientContent": False},
        ),
        ({"initial_history": False}, "historyConfig", None),
        ({"session_resumption": SessionResumptionConfig()}, "sessionResumption", {}),
        ({"labels": {}}, "labels", None),
        ({"safety_settings": ()}, "safetySettings", None),
        (
            {"interim_timestamps": False},
            "realtimeInputConfig",
            {"interimTranscriptTimestampEnabled": False},
        ),
        ({"tool_config": ToolConfig()}, "toolConfig", {}),
    ],
)
def test_setup_of_one_more_setting(settings: dict[str, Any], field: str, expected: object) -> None:
    """Short forms, and what is empty."""
    assert setup_of(SessionConfig("m", **settings)).get(field) == expected


def tool(**fields: Any) -> dict[str, Any]:
    """Settings with one tool."""
    return {"tools": [Tool(**fields)]}


EXTRA = "; extra= passes what is newer than this list"
REFUSED: list[tuple[dict[str, Any], str]] = [
    # Types inside, with msgspec's path
    (
        {"thinking": ThinkingConfig(thinking_budget="x")},  # type: ignore[arg-type]
        "thinking: Expected `int | null`, got `str` - at `$.thinkingBudget`",
    ),
    (
        {"tools": [FunctionDeclaration("f", parameters=Schema(required=(5,)))]},  # type: ignore[arg-type]
        "tools[0]: Expected `str`, got `int` - at `$.parameters.required[0]`",
    ),
    ({"labels": {"a": 5}}, "labels: Expected `str`, got `int` - at `$[...]`"),
    (
        {"capabilities": Capabilities(client_content="never")},  # type: ignore[arg-type]
        "capabilities: Invalid enum value 'never' - at `$.client_content`",
    ),
    ({"affective_dialog": 1}, "affective_dialog must be bool, not int"),
    # Ranges
    ({"candidate_count": 0}, "candidate_count=0 must lie between 1 and 2147483647"),
    ({"presence_penalty": -2.1}, "presence_penalty=-2.1 must lie between -2.0 and 2.0"),
    ({"frequency_penalty": math.inf}, "frequency_penalty=inf must lie between -2.0 and 2.0"),
    ({"seed": 2**31}, "seed=2147483648 must lie between -2147483648 and 2147483647"),
    (
        {"thinking": ThinkingConfig(thinking_budget=-2)},
        "thinking.thinking_budget=-2 must lie between -1 and 2147483647",
    ),
    (
        {"activity_detection": AutomaticActivityDetection(prefix_padding_ms=-1)},
        "activity_detection.prefix_padding_ms=-1 must lie between 0 and 2147483647",
    ),
    (
        {"compression": ContextWindowCompressionConfig(0)},
        "compression.trigger_tokens=0 must lie between 1 and 9223372036854775807",
    ),
    (
        {"compression": ContextWindowCompressionConfig(10, SlidingWindow(10))},
        "compression.sliding_window.target_tokens=10 must be below trigger_tokens=10: a "
        "compression leaves less than what started it",
    ),
    (
        {"avatar": AvatarConfig("a", audio_bitrate_bps=0)},
        "avatar.audio_bitrate_bps=0 must lie between 1 and 2147483647",
    ),
    (
        {"tool_config": ToolConfig(retrieval_config=RetrievalConfig(LatLng(90.5, 0.0)))},
        "tool_config.retrieval_config.lat_lng.latitude=90.5 must lie between -90.0 and 90.0",
    ),
    # Enums
    (
        {"activity_handling": "NO_INTERUPTION"},
        "activity_handling='NO_INTERUPTION' must be one of ACTIVITY_HANDLING_UNSPECIFIED, "
        "START_OF_ACTIVITY_INTERRUPTS, NO_INTERRUPTION" + EXTRA,
    ),
    (
        {"response_modalities": ["SMELL"]},
        "response_modalities[0]='SMELL' must be one of MODALITY_UNSPECIFIED, TEXT, IMAGE, AUDIO, "
        "VIDEO" + EXTRA,
    ),
    (
        {"tools": [FunctionDeclaration("f", behavior="BLOCK")]},
        "tools[0].behavior='BLOCK' must be one of UNSPECIFIED, BLOCKING, NON_BLOCKING" + EXTRA,
    ),
    (
        {"tools": [FunctionDeclaration("f", parameters=Schema(properties={"a": Schema("thing")}))]},
        "tools[0].parameters.properties['a'].type='THING' must be one of TYPE_UNSPECIFIED, "
        "STRING, NUMBER, INTEGER, BOOLEAN, ARRAY, OBJECT, NULL" + EXTRA,
    ),
    # What excludes what
    ({"voice": "Puck", "speech": SpeechConfig()}, "voice and speech exclude each other"),
    ({"language": "de", "speech": SpeechConfig()}, "language and speech exclude each other"),
    (
        {"thinking": ThinkingConfig(thinking_budget=1, thinking_level="LOW")},
        "thinking has thinking_budget and thinking_level: one of them at most is taken",
    ),
    (
        {"tools": [FunctionDeclaration("f", parameters=Schema(), parameters_json_schema={"a": 1})]},
        "tools[0] has parameters and parameters_json_schema: one of them at most is taken",
    ),
    (
        tool(
            function_declarations=(
                FunctionDeclaration("f", response=Schema(), response_json_schema={"a": 1}),
            )
        ),
        "tools[0].function_declarations[0] has response and response_json_schema: one of them at "
        "most is taken",
    ),
    (
        {"speech": SpeechConfig(VoiceConfig(PrebuiltVoiceConfig("Puck"), voice="speaker"))},
        "speech.voice_config has prebuilt_voice_config and voice: one of them at most is taken",
    ),
    (
        {
            "speech": SpeechConfig(
                VoiceConfig(
                    replicated_voice_config=ReplicatedVoiceConfig(
                        None, None, b"c", VoiceConsentSignature("s")
                    )
                )
            )
        },
        "speech.voice_config.replicated_voice_config has consent_audio and "
        "voice_consent_signature: one of them at most is taken",
    ),
    (
        {"avatar": AvatarConfig("a", CustomizedAvatar())},
        "avatar has avatar_name and customized_avatar: one of them at most is taken",
    ),
    (
        tool(retrieval=Retrieval(VertexAISearch(), VertexRagStore())),
        "tools[0].retrieval has vertex_ai_search and vertex_rag_store: one of them at most is "
        "taken",
    ),
    (
        {"generation": GenerationConfig(temperature=0.5)},
        "generation.temperature has an argument of its own: say it as temperature=",
    ),
    (
        {"generation": GenerationConfig(speech_config=SpeechConfig())},
        "generation.speech_config has an argument of its own: say it as speech=",
    ),
    (
        {"session_resumption": SessionResumptionConfig("h")},
        "session_resumption.handle has an argument of its own: say it as resumption_handle=",
    ),
    (
        {"voice": "Puck", "response_modalities": ["TEXT"]},
        "voice and speech need response_modalities=['AUDIO'], or ['VIDEO'] with an avatar, not "
        "['TEXT']: the service refuses a voice for what is not spoken",
    ),
    (
        {"proactivity": ProactivityConfig(False, True)},
        "proactivity.proactive_video=True needs proactive_audio=True",
    ),
    # What is required
    (
        {"safety_settings": [SafetySetting("HARM_CATEGORY_HARASSMENT")]},
        "safety_settings[0] needs threshold",
    ),
    (tool(file_search=FileSearch()), "tools[0].file_search needs file_search_store_names"),
    (
        tool(google_search=GoogleSearch(time_range_filter=Interval("2026-01-01T00:00:00Z"))),
        "tools[0].google_search.time_range_filter needs end_time",
    ),
    (tool(), "tools[0] is an empty Tool: it allows nothing"),
    (
        {"tools": [FunctionDeclaration("1f")]},
        "tools[0].name='1f' must begin with a letter or underscore and have letters, digits and "
        "_ . : - only, 128 at most",
    ),
    (
        {"system_instruction": Content()},
        "system_instruction takes parts of text only, and at least one",
    ),
    (
        {"system_instruction": Content((Part(text="a", thought=True),))},
        "system_instruction takes parts of text only, and at least one",
    ),
    # What Live takes on no platform
    (
        {"speech": SpeechConfig(multi_speaker_voice_config=MultiSpeakerVoiceConfig())},
        "speech.multi_speaker_voice_config is refused in Live sessions, on both platforms: the "
        "model speaks with one voice; say which with voice=, or speech= with a voice_config",
    ),
    (
        {"generation": GenerationConfig(response_json_schema={"type": "object"})},
        "generation.response_json_schema is refused in Live sessions, on both platforms; extra= "
        "passes it unchecked",
    ),
    (
        {"generation": GenerationConfig(response_logprobs=True)},
        "generation.response_logprobs is refused in Live sessions, on both platforms; extra= "
        "passes it unchecked",
    ),
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_setting_that_cannot_be_is_refused_with_its_rule(number: int) -> None:
    """Law 9: the error names argument, value and rule."""
    settings, message = REFUSED[number]
    with pytest.raises(ConfigError) as caught:
        SessionConfig("m", **settings)
    assert str(caught.value).startswith(message)


def test_types_of_a_schema_are_written_in_upper_case() -> None:
    """JSON Schema's "string" is what people write; the config, not the caller's object, has it."""
    given = Schema("object", properties={"a": Schema("array", items=Schema("string"))})
    (function,) = SessionConfig("m", tools=[FunctionDeclaration("f", parameters=given)]).tools
    assert isinstance(function, FunctionDeclaration)
    expected = Schema("OBJECT", properties={"a": Schema("ARRAY", items=Schema("STRING"))})
    assert function.parameters == expected
    assert given.type == "object"


def test_a_whole_number_may_be_a_float() -> None:
    """40.0 is 40 in YAML and after a division."""
    config = SessionConfig.from_dict({"model": "m", "top_k": 40.0, "seed": -1.0})
    assert (repr(config.top_k), repr(config.seed)) == ("40", "-1")


def test_an_interval_without_ends_is_taken() -> None:
    """Both ends are set, or none."""
    search = GoogleSearch(time_range_filter=Interval())
    assert SessionConfig("m", **tool(google_search=search)).tools == (Tool(google_search=search),)


def test_what_is_refused_passes_in_extra() -> None:
    """`extra` is not looked at: neither unknown values nor refused fields."""
    extra = {
        "generationConfig": {"thinkingConfig": {"thinkingLevel": "OF_NEXT_YEAR"}, "logprobs": 3},
        "tools": [{}],
    }
    assert SessionConfig("m", extra=extra).extra == extra


# Values


def test_configs_are_equal_by_value() -> None:
    """Two configs that say the same are equal, whatever they were made from."""
    assert SessionConfig(**FULL) == SessionConfig(**FULL)
    lists = {**FULL, "tools": tuple(FULL["tools"]), "temperature": 0.5}
    assert SessionConfig(**lists) == SessionConfig(**FULL)
    assert SessionConfig(**{**FULL, "seed": 8}) != SessionConfig(**FULL)
    assert SessionConfig("m", top_p=1) == SessionConfig("m", top_p=1.0)


@pytest.mark.parametrize(
    ("settings", "change"),
    [
        (
            {"tools": [FunctionDeclaration("f", parameters_json_schema={"a": {}})]},
            lambda given: given["tools"][0].parameters_json_schema["a"].update(b=1),
        ),
        (
            {"tools": [FunctionDeclaration("f", parameters=Schema(properties={}))]},
            lambda given: given["tools"][0].parameters.properties.update(b=Schema()),
        ),
        ({"labels": {"a": "b"}}, lambda given: given["labels"].update(c="d")),
        ({"safety_settings": []}, lambda given: given["safety_settings"].append(None)),
    ],
)
def test_config_does_not_change_with_what_is_in_it(
    settings: dict[str, Any], change: Callable[[dict[str, Any]], None]
) -> None:
    """Immutable at every depth: objects inside of structs are copied as well."""
    config = SessionConfig("m", **settings)
    before = setup_of(config)
    change(settings)
    assert setup_of(config) == before


# from_dict


def plain(value: Any, *, camel: bool) -> Any:
    """A setting as plain values, with the names of Python or of the wire."""
    if hasattr(value, "__struct_fields__"):
        names = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
        items = [(w if camel else p, getattr(value, p)) for p, w in names]
        return {name: plain(item, camel=camel) for name, item in items if item is not None}
    if isinstance(value, list | tuple):
        return [plain(item, camel=camel) for item in value]
    return value


@pytest.mark.parametrize("camel", [False, True])
def test_from_dict_makes_the_same_config(camel: bool) -> None:
    """Nested structs are mappings, in either spelling; bytes are bytes or base64."""
    settings = {name: plain(value, camel=camel) for name, value in FULL.items()}
    assert SessionConfig.from_dict(settings) == SessionConfig(**FULL)
    assert SessionConfig.from_dict(settings).tools == tuple(FULL["tools"])
    avatar = {"customizedAvatar": {"imageData": "cG5n"}}
    config = SessionConfig.from_dict({"model": "m", "avatar": avatar})
    assert config.avatar == AvatarConfig(customized_avatar=CustomizedAvatar(image_data=b"png"))


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "m"},
        {"model": "m", "temperature": 0.5, "response_modalities": ["TEXT"], "seed": None},
        {"model": "m", "compression": True, "proactivity": False, "voice": "Puck"},
        {"model": "m", "system_instruction": "Be brief.", "labels": {"a": "b"}},
        {"model": "m", "extra": {"generation_config": {"thinkingBudget": 1}}},
    ],
)
def test_from_dict_of_plain_values_is_the_constructor(settings: dict[str, Any]) -> None:
    """`SessionConfig.from_dict(x) == SessionConfig(**x)` where no struct is needed."""
    before = json.dumps(settings)
    assert SessionConfig.from_dict(settings) == SessionConfig(**settings)
    assert json.dumps(settings) == before


def test_from_dict_leaves_the_objects_of_the_application_alone() -> None:
    """Names in JSON Schema and in maps are nobody's spelling."""
    schema: dict[str, object] = {
        "type": "object",
        "properties": {"thinking_budget": {}, "thinkingBudget": {}},
    }
    function = {"name": "f", "parameters_json_schema": schema}
    config = SessionConfig.from_dict({"model": "m", "tools": [function]})
    assert config.tools == (FunctionDeclaration("f", parameters_json_schema=schema),)


def test_from_dict_reads_what_proto3_json_writes() -> None:
    """Numbers of 64 bits may be texts, and bytes base64 in either alphabet."""
    settings = {
        "model": "m",
        "compression": {"triggerTokens": "9000", "sliding_window": {"target_tokens": "-0"}},
        "avatar": {"customizedAvatar": {"imageData": "-_-_-w"}},
    }
    config = SessionConfig.from_dict(settings)
    assert config.compression == ContextWindowCompressionConfig(9_000, SlidingWindow(0))
    image = CustomizedAvatar(image_data=b"\xfb\xff\xbf\xfb")
    assert config.avatar == AvatarConfig(customized_avatar=image)


@pytest.mark.parametrize("number", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["extra", "tools", "tool_config"])
def test_a_number_that_is_not_finite_is_refused_at_any_depth(name: str, number: float) -> None:
    """JSON has none; an encoder would quietly write null."""
    schema: dict[str, object] = {"properties": {"a": {"maximum": number}}}
    settings: dict[str, Any] = {
        "extra": {"a": [{"b": number}]},
        "tools": [FunctionDeclaration("f", parameters_json_schema=schema)],
        "tool_config": ToolConfig(retrieval_config=RetrievalConfig(LatLng(number, 0.0))),
    }
    with pytest.raises(ConfigError, match="not finite"):
        SessionConfig("m", **{name: settings[name]})


UNKNOWN: list[tuple[Any, str]] = [
    ([], "settings must be a mapping, not list"),
    ({}, "model is missing: every session names its model"),
    ({"model": "m", "tempereture": 1}, "no argument 'tempereture'; did you mean 'temperature'?"),
    (
        {"model": "m", "maxOutputTokens": 1},
        "SessionConfig has no argument 'maxOutputTokens'; did you mean 'max_output_tokens'?",
    ),
    ({"model": "m", "zzz": 1}, "SessionConfig has no argument 'zzz'"),
    ({"model": "m", 5: 1}, "SessionConfig has no argument 5"),
    (
        {"model": "m", "thinking": {"budget": 1}},
        "thinking has no field 'budget'; did you mean 'thinking_budget'?",
    ),
    (
        {"model": "m", "thinking": {"thinking_budget": 1, "thinkingBudget": 1}},
        "thinking has both thinking_budget and thinkingBudget: they are one field",
    ),
    (
        {"model": "m", "tools": [{"google_search": {"search_typs": {}}}]},
        "tools[0].google_search has no field 'search_typs'; did you mean 'search_types'?",
    ),
    (
        {"model": "m", "tools": [{"name": "f", "parameters": {"properties": {"a": {"typ": 1}}}}]},
        "tools[0].parameters.properties['a'] has no field 'typ'; did you mean 'type'?",
    ),
    (
        {"model": "m", "tools": [{"functionDeclarations": [{"nam": "f"}]}]},
        "tools[0].function_declarations[0] has no field 'nam'; did you mean 'name'?",
    ),
    (
        {"model": "m", "compression": {"slidingWindow": {"targetTokens": "x"}}},
        "compression: Expected `int | null`, got `str` - at `$.slidingWindow.targetTokens`",
    ),
    (
        {"model": "m", "tools": [{"functionDeclarations": [{}]}]},
        "tools[0]: Object missing required field `name` - at `$.functionDeclarations[0]`",
    ),
    ({"model": "m", "thinking": 5}, "thinking must be ThinkingConfig, not int"),
    ({"model": "m", "tools": {"name": "f"}}, "tools must be a list or tuple, not "),
    ({"model": "m", "temperature": 3}, "temperature=3 must lie between 0.0 and 2.0"),
]


@pytest.mark.parametrize("number", range(len(UNKNOWN)))
def test_from_dict_says_which_name_or_value_it_does_not_know(number: int) -> None:
    """Law 9: unknown names are refused at every depth, with the path and what was meant."""
    settings, message = UNKNOWN[number]
    with pytest.raises(ConfigError) as caught:
        SessionConfig.from_dict(settings)
    assert message in str(caught.value)
