"""SessionConfig and TransportConfig: checks, the setup they build, immutability."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from trio_live import (
    AudioTranscriptionConfig,
    AutomaticActivityDetection,
    AvatarConfig,
    ConfigError,
    Content,
    ContextWindowCompressionConfig,
    FunctionDeclaration,
    Part,
    SessionConfig,
    SlidingWindow,
    ThinkingConfig,
    Tool,
    TransportConfig,
)
from trio_live.config import merge
from trio_live.wire import codec
from trio_live.wire.client import ClientMessage
from trio_live.wire.tools import GoogleSearch


def setup(**settings: Any) -> dict[str, Any]:
    """The setup that a config builds, as JSON."""
    message = ClientMessage(setup=SessionConfig("m", **settings).setup("models/m"))
    built: dict[str, Any] = json.loads(codec.encode(message))["setup"]
    return built


def test_setup_of_a_bare_config_is_the_least() -> None:
    """What is not asked for is not in the setup; resumption handles are."""
    assert setup() == {
        "model": "models/m",
        "generationConfig": {"responseModalities": ["AUDIO"]},
        "sessionResumption": {},
    }


def test_setup_of_a_full_config_has_each_field_in_its_place() -> None:
    """Each argument stands where the service wants it."""
    assert setup(
        system_instruction="Be brief.",
        response_modalities=["AUDIO"],
        voice="Puck",
        language="de-DE",
        temperature=0.5,
        top_p=1,
        top_k=40,
        max_output_tokens=9,
        seed=-1,
        thinking=ThinkingConfig(thinking_budget=0),
        tools=[
            FunctionDeclaration("f", "does f", {"type": "object"}, "NON_BLOCKING"),
            Tool(google_search=GoogleSearch()),
            FunctionDeclaration("g"),
        ],
        input_transcription=True,
        output_transcription=AudioTranscriptionConfig(("de-DE",)),
        activity_detection=AutomaticActivityDetection(silence_duration_ms=300),
        activity_handling="NO_INTERRUPTION",
        turn_coverage="TURN_INCLUDES_ALL_INPUT",
        resumption_handle="handle",
        compression=ContextWindowCompressionConfig(9_000, SlidingWindow(5_000)),
    ) == {
        "model": "models/m",
        "generationConfig": {
            "responseModalities": ["AUDIO"],
            "temperature": 0.5,
            "topP": 1,
            "topK": 40,
            "maxOutputTokens": 9,
            "seed": -1,
            "speechConfig": {
                "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Puck"}},
                "languageCode": "de-DE",
            },
            "thinkingConfig": {"thinkingBudget": 0},
        },
        "systemInstruction": {"parts": [{"text": "Be brief."}], "role": "user"},
        "tools": [
            {
                "functionDeclarations": [
                    {
                        "name": "f",
                        "description": "does f",
                        "parametersJsonSchema": {"type": "object"},
                        "behavior": "NON_BLOCKING",
                    },
                    {"name": "g"},
                ]
            },
            {"googleSearch": {}},
        ],
        "realtimeInputConfig": {
            "automaticActivityDetection": {"silenceDurationMs": 300},
            "activityHandling": "NO_INTERRUPTION",
            "turnCoverage": "TURN_INCLUDES_ALL_INPUT",
        },
        "sessionResumption": {"handle": "handle"},
        "contextWindowCompression": {
            "triggerTokens": 9_000,
            "slidingWindow": {"targetTokens": 5_000},
        },
        "inputAudioTranscription": {},
        "outputAudioTranscription": {"languageCodes": ["de-DE"]},
    }


@pytest.mark.parametrize(
    ("settings", "field", "expected"),
    [
        (
            {"language": "de-DE"},
            "generationConfig",
            {"responseModalities": ["AUDIO"], "speechConfig": {"languageCode": "de-DE"}},
        ),
        ({"compression": True}, "contextWindowCompression", {"slidingWindow": {}}),
        ({"compression": False}, "contextWindowCompression", None),
        ({"session_resumption": False}, "sessionResumption", None),
        (
            {"session_resumption": False, "resumption_handle": "h"},
            "sessionResumption",
            {"handle": "h"},
        ),
        (
            {"activity_detection": False},
            "realtimeInputConfig",
            {"automaticActivityDetection": {"disabled": True}},
        ),
        ({"activity_detection": True}, "realtimeInputConfig", None),
        ({"tools": []}, "tools", None),
        (
            {"system_instruction": Content((Part(text="a"), Part(text="b")))},
            "systemInstruction",
            {"parts": [{"text": "a"}, {"text": "b"}]},
        ),
    ],
)
def test_setup_of_one_setting(settings: dict[str, Any], field: str, expected: object) -> None:
    """Short forms of a setting build what the service wants, or leave it out."""
    assert setup(**settings).get(field) == expected


@pytest.mark.parametrize(
    ("detection", "manual"),
    [
        (True, False),
        (False, True),
        (AutomaticActivityDetection(), False),
        (AutomaticActivityDetection(disabled=True), True),
    ],
)
def test_manual_activity_is_whether_detection_is_off(detection: Any, manual: bool) -> None:
    """Detection is off by False, or by a config that disables it."""
    assert SessionConfig("m", activity_detection=detection).manual_activity is manual


BAD: list[tuple[str, Any, str]] = [
    ("model", "", "model must not be an empty text"),
    ("model", None, "model must be a text that is not empty, not NoneType"),
    ("voice", "", "voice must not be an empty text"),
    ("language", 5, "language must be a text that is not empty, not int"),
    ("resumption_handle", b"h", "resumption_handle must be a text that is not empty, not bytes"),
    ("activity_handling", True, "activity_handling must be a text that is not empty, not bool"),
    ("turn_coverage", "", "turn_coverage must not be an empty text"),
    ("response_modalities", "TEXT", "response_modalities must be a list or tuple, not str"),
    ("response_modalities", [5], "response_modalities must hold str, not int"),
    (
        "response_modalities",
        [],
        "response_modalities=[] must name exactly one modality: a Live session answers in one",
    ),
    (
        "response_modalities",
        ("TEXT", "AUDIO"),
        "response_modalities=['TEXT', 'AUDIO'] must name exactly one modality: a Live session "
        "answers in one",
    ),
    ("temperature", 2.1, "temperature=2.1 must lie between 0.0 and 2.0"),
    ("temperature", math.nan, "temperature=nan must lie between 0.0 and 2.0"),
    ("temperature", "hot", "temperature must be int or float, not str"),
    ("temperature", True, "temperature must be int or float, not bool"),
    ("top_p", -0.1, "top_p=-0.1 must lie between 0.0 and 1.0"),
    ("top_k", 0, "top_k=0 must lie between 1 and 2147483647"),
    ("top_k", 1.5, "top_k must be int, not float"),
    ("max_output_tokens", 0, "max_output_tokens=0 must lie between 1 and 2147483647"),
    ("seed", "x", "seed must be int, not str"),
    ("system_instruction", b"x", "system_instruction must be str or Content, not bytes"),
    ("thinking", 5, "thinking must be ThinkingConfig, not int"),
    ("tools", FunctionDeclaration("f"), "tools must be a list or tuple, not FunctionDeclaration"),
    ("tools", [{"name": "f"}], "tools must hold Tool or FunctionDeclaration, not dict"),
    (
        "input_transcription",
        "yes",
        "input_transcription must be bool or AudioTranscriptionConfig, not str",
    ),
    (
        "output_transcription",
        1,
        "output_transcription must be bool or AudioTranscriptionConfig, not int",
    ),
    (
        "activity_detection",
        "off",
        "activity_detection must be bool or AutomaticActivityDetection, not str",
    ),
    (
        "session_resumption",
        "yes",
        "session_resumption must be bool or SessionResumptionConfig, not str",
    ),
    ("compression", 5, "compression must be bool or ContextWindowCompressionConfig, not int"),
    ("extra", "x", "extra must be Mapping, not str"),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_session_config_wrong_value_is_refused_by_name(number: int) -> None:
    """Law 9: a setting that cannot be is a ConfigError that names the argument."""
    name, value, message = BAD[number]
    with pytest.raises(ConfigError) as caught:
        SessionConfig(**{"model": "m", name: value})
    assert str(caught.value) == message
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"extra": {"a": object()}}, "extra['a']"),
        ({"extra": {"a": "\ud800"}}, "extra['a']"),
        ({"voice": "\ud800"}, "voice"),
        ({"system_instruction": "\ud800"}, "system_instruction"),
        (
            {"tools": [FunctionDeclaration("f", parameters_json_schema={"a": [object()]})]},
            "tools[0].parameters_json_schema['a'][0]",
        ),
    ],
)
def test_session_config_that_cannot_be_written_is_refused(
    settings: dict[str, Any], where: str
) -> None:
    """What cannot become JSON is refused when the config is made, not when a session opens."""
    with pytest.raises(ConfigError) as caught:
        SessionConfig("m", **settings)
    assert str(caught.value) == f"{where} holds something that cannot be written as JSON"


def test_two_functions_of_one_name_are_refused() -> None:
    """A call goes by the function's name, in whichever tool it is declared."""
    f = FunctionDeclaration("f")
    both: list[list[Tool | FunctionDeclaration]] = [[f, f], [f, Tool(function_declarations=(f,))]]
    for tools in both:
        with pytest.raises(ConfigError, match="tools has two functions of the name 'f'"):
            SessionConfig("m", tools=tools)


def test_name_that_is_no_text_is_refused_with_its_place() -> None:
    """YAML reads `on:` as True; the error says where that stands."""
    settings = {
        "model": "m",
        "tools": [{"name": "f", "parameters_json_schema": {"properties": {True: {}}}}],
    }
    with pytest.raises(ConfigError) as caught:
        SessionConfig.from_dict(settings)
    assert str(caught.value) == (
        "tools[0].parameters_json_schema['properties'] has the name True, which is a bool and no "
        "text"
    )
    itself: dict[str, object] = {}
    itself["a"] = itself
    with pytest.raises(ConfigError, match="extra holds something that cannot be written as JSON"):
        SessionConfig("m", extra=itself)


def test_session_config_does_not_change_with_what_it_was_made_from() -> None:
    """A config is immutable: lists and mappings that it was given are copied."""
    modalities, tools = ["TEXT"], [Tool(google_search=GoogleSearch())]
    extra = {"proactivity": {"a": [1]}}
    config = SessionConfig("m", response_modalities=modalities, tools=tools, extra=extra)
    modalities.append("AUDIO")
    tools.clear()
    extra["proactivity"]["a"].append(2)
    assert config.response_modalities == ("TEXT",)
    assert config.tools == (Tool(google_search=GoogleSearch()),)
    assert config.extra == {"proactivity": {"a": [1]}}
    with pytest.raises(AttributeError):
        config.model = "other"  # type: ignore[misc]


def test_session_config_repr_shows_neither_texts_nor_handle() -> None:
    """Law 6: of what may be private, the repr shows sizes."""
    config = SessionConfig(
        "m", system_instruction="secret", resumption_handle="secret", extra={"secret": 1}
    )
    assert "secret" not in repr(config)
    assert "model='m'" in repr(config)


def test_merge_puts_fields_in_at_any_depth_and_changes_nothing_given() -> None:
    """Of two objects the second wins, field by field."""
    base: dict[str, object] = {"a": {"b": 1, "c": 2}, "d": 3, "e": [1]}
    extra = {"a": {"b": 9}, "d": {"x": 1}, "e": [2], "f": None}
    assert merge(base, extra) == {"a": {"b": 9, "c": 2}, "d": {"x": 1}, "e": [2], "f": None}
    assert base == {"a": {"b": 1, "c": 2}, "d": 3, "e": [1]}
    assert extra == {"a": {"b": 9}, "d": {"x": 1}, "e": [2], "f": None}


@pytest.mark.parametrize("value", [0, -1, math.nan, "5", None, True])
@pytest.mark.parametrize("name", ["connect_timeout", "setup_timeout", "close_timeout"])
def test_transport_config_timeout_must_be_seconds_above_zero(name: str, value: Any) -> None:
    """Law 5: each deadline is a number of seconds above 0."""
    with pytest.raises(ConfigError) as caught:
        TransportConfig(**{name: value})
    assert str(caught.value) == f"{name}={value!r} must be a number of seconds above 0"


@pytest.mark.parametrize("value", [0, -1, 1.5, "5", None, True])
@pytest.mark.parametrize(
    "name", ["max_message_bytes", "send_buffer_bytes", "max_buffered_events", "max_buffered_bytes"]
)
def test_transport_config_bound_must_be_a_whole_number_above_zero(name: str, value: Any) -> None:
    """Law 3: each bound is a whole number above 0."""
    with pytest.raises(ConfigError) as caught:
        TransportConfig(**{name: value})
    assert str(caught.value) == f"{name}={value!r} must be a whole number above 0"


def test_transport_config_defaults_are_bounded() -> None:
    """Law 3, law 5: by default everything has a bound and a deadline."""
    config = TransportConfig()
    assert (config.connect_timeout, config.setup_timeout, config.close_timeout) == (10, 10, 5)
    assert config.max_message_bytes == 64 * 1024 * 1024
    assert TransportConfig(close_timeout=math.inf).close_timeout == math.inf


@pytest.mark.parametrize("name", [n for n in SessionConfig.__struct_fields__ if n != "model"])
def test_none_is_the_default_of_every_argument(name: str) -> None:
    """A null in a file of settings says nothing; it does not turn speech detection off, say."""
    config = SessionConfig.from_dict({"model": "m", name: None})
    assert config == SessionConfig("m")
    assert not config.manual_activity


@pytest.mark.parametrize("name", ["voice", "language"])
def test_an_avatar_answers_with_video_and_a_voice(name: str) -> None:
    """A voice is refused for text only: a talking picture has one."""
    built = setup(response_modalities=["VIDEO"], avatar=AvatarConfig("Ana"), **{name: "Puck"})
    assert built["generationConfig"]["responseModalities"] == ["VIDEO"]
    assert built["generationConfig"]["speechConfig"]


def test_transport_config_timeout_that_no_clock_takes_is_refused() -> None:
    """A whole number that is no float is refused here, and not by the clock later on."""
    with pytest.raises(ConfigError, match="close_timeout must be at most 1e9 seconds"):
        TransportConfig(close_timeout=10**400)
