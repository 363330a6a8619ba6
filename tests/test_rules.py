"""The rules of platforms and models: each refusal, and each way past it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
import trio
from session_parts import Wired
from trio.testing import MockClock

from trio_live import (
    AutomaticActivityDetection,
    Blob,
    Capabilities,
    ConfigError,
    Content,
    ContextWindowCompressionConfig,
    Custom,
    Endpoint,
    Error,
    FunctionCall,
    FunctionDeclaration,
    FunctionResponse,
    GenerationConfig,
    GoogleAI,
    HistoryConfig,
    InvalidArgument,
    InvalidArgumentType,
    LocalProtocolError,
    Part,
    ProactivityConfig,
    SafetySetting,
    SendAudio,
    SendClientContent,
    SendRaw,
    SendRealtimeText,
    SendText,
    SendToolResponse,
    SessionConfig,
    SessionPhase,
    SessionResumptionConfig,
    SlidingWindow,
    SpeechConfig,
    ThinkingConfig,
    Tool,
    UpdateContext,
    VertexAI,
    VoiceConfig,
    capabilities_of,
    open_session,
    tokens,
)
from trio_live.capabilities import MODELS, UNKNOWN
from trio_live.commands import SessionCommand
from trio_live.outbound import build
from trio_live.protocol import LiveProtocol
from trio_live.rules import MessageRules, check_setup
from trio_live.testing import MockSession
from trio_live.wire.auth import (
    ApiKeyConfig,
    AuthConfig,
    AuthConfigGoogleServiceAccountConfig,
    AuthConfigHttpBasicAuthConfig,
    AuthConfigOauthConfig,
    AuthConfigOidcConfig,
)
from trio_live.wire.client import ClientMessage, ContextUpdate, ContextUpdateTools
from trio_live.wire.fields import fields_of, reachable, set_fields
from trio_live.wire.functions import (
    FunctionResponseBlob,
    FunctionResponsePart,
    PartialArg,
    ServerToolCall,
    ServerToolResponse,
)
from trio_live.wire.generation import ModelSelectionConfig
from trio_live.wire.marks import Platform
from trio_live.wire.retrieval import Retrieval
from trio_live.wire.schema import Schema
from trio_live.wire.speech import ReplicatedVoiceConfig, VoiceConsentSignature
from trio_live.wire.tools import (
    EnterpriseWebSearch,
    FileSearch,
    FunctionCallingConfig,
    GoogleMaps,
    GoogleMapsGroundingTypes,
    GoogleSearch,
    Interval,
    McpServer,
    StreamableHttpTransport,
    ToolConfig,
    ToolExaAiSearch,
    ToolParallelAiSearch,
)

NATIVE = "gemini-2.5-flash-native-audio-preview-12-2025"
LIVE_31 = "gemini-3.1-flash-live-preview"
LIVE_38 = "gemini-3.8-live"
EXTENDED = "gemini-3.8-live-extended-thinking"
OTHER = {Platform.GEMINI: Platform.VERTEX, Platform.VERTEX: Platform.GEMINI}
ENDPOINTS: dict[Platform | None, Endpoint] = {
    Platform.GEMINI: GoogleAI("key"),
    Platform.VERTEX: VertexAI("project", "us-central1", credentials=lambda: "token"),
    None: Custom("wss://gateway.example/live"),
}


def tool(**fields: Any) -> dict[str, Any]:
    """Settings with one tool."""
    return {"tools": [Tool(**fields)]}


def voice(**fields: Any) -> dict[str, Any]:
    """Settings with a copied voice."""
    copied = ReplicatedVoiceConfig("audio/wav", b"s", **fields)
    return {"speech": SpeechConfig(VoiceConfig(replicated_voice_config=copied))}


# Names of models


@pytest.mark.parametrize(
    ("model", "like"),
    [
        ("gemini-2.5-flash-native-audio-preview-09-2025", NATIVE),
        ("gemini-live-2.5-flash-native-audio", NATIVE),
        ("gemini-2.5-flash-preview-native-audio-dialog", NATIVE),
        ("models/gemini-2.5-flash-native-audio-latest", NATIVE),
        ("gemini-3.1-flash-live", LIVE_31),
        ("models/gemini-3.1-flash-live-preview", LIVE_31),
        ("publishers/google/models/gemini-3.8-live", LIVE_38),
        ("projects/p/locations/l/publishers/google/models/gemini-3.8-live-001", LIVE_38),
        ("gemini-3.8-live-preview-10-2026", LIVE_38),
        ("models/gemini-3.8-live-extended-thinking", EXTENDED),
    ],
)
def test_capabilities_are_found_by_name(model: str, like: str) -> None:
    """A model's generation is read off its name, with or without a resource name around it."""
    assert capabilities_of(model) == capabilities_of(like) != UNKNOWN


@pytest.mark.parametrize(
    "model",
    [
        "m",
        "gemini-4-live",
        "gemini-3.8-live-translate",
        "gemini-2.0-flash-live-001",
        "gemini-live-2.5-flash",
        "tunedModels/gemini-3.8-live",
        "publishers/other/models/gemini-3.8-live",
        "projects/p/locations/l/models/gemini-3.8-live",
        "",
    ],
)
def test_nothing_is_assumed_of_an_unknown_model(model: str) -> None:
    """Law 9: what is not in the table, nor a published model, is not guessed from its name."""
    assert capabilities_of(model) == Capabilities()


def test_no_name_fits_two_rows_of_the_table() -> None:
    """The order of the table does not matter, and each row is for one generation."""
    models = (NATIVE, LIVE_31, LIVE_38, EXTENDED)
    fits = [[row for row in MODELS if re.fullmatch(row.names, model)] for model in models]
    assert fits == [[row] for row in MODELS]


# What a platform does not have, in the setup

PLATFORM_SETUP: list[tuple[Platform, dict[str, Any], str]] = [
    (Platform.VERTEX, {"explicit_vad_signal": True}, "setup.explicitVadSignal"),
    (
        Platform.VERTEX,
        {"session_resumption": SessionResumptionConfig(transparent=True)},
        "setup.sessionResumption.transparent",
    ),
    (
        Platform.VERTEX,
        {
            "safety_settings": [
                SafetySetting("HARM_CATEGORY_HARASSMENT", "OFF"),
                SafetySetting("HARM_CATEGORY_JAILBREAK", "OFF", "SEVERITY"),
            ]
        },
        "setup.safetySettings[1].method",
    ),
    (Platform.VERTEX, tool(retrieval=Retrieval()), "setup.tools[0].retrieval"),
    (
        Platform.VERTEX,
        tool(enterprise_web_search=EnterpriseWebSearch()),
        "setup.tools[0].enterpriseWebSearch",
    ),
    (
        Platform.VERTEX,
        tool(parallel_ai_search=ToolParallelAiSearch()),
        "setup.tools[0].parallelAiSearch",
    ),
    (Platform.VERTEX, tool(exa_ai_search=ToolExaAiSearch()), "setup.tools[0].exaAiSearch"),
    (
        Platform.VERTEX,
        tool(google_search=GoogleSearch(exclude_domains=("a",))),
        "setup.tools[0].googleSearch.excludeDomains",
    ),
    (
        Platform.VERTEX,
        tool(google_search=GoogleSearch(blocking_confidence="BLOCK_LOW_AND_ABOVE")),
        "setup.tools[0].googleSearch.blockingConfidence",
    ),
    (
        Platform.VERTEX,
        tool(google_maps=GoogleMaps(grounding_types=GoogleMapsGroundingTypes())),
        "setup.tools[0].googleMaps.groundingTypes",
    ),
    (
        Platform.VERTEX,
        {"tool_config": ToolConfig(FunctionCallingConfig(stream_function_call_arguments=True))},
        "setup.toolConfig.functionCallingConfig.streamFunctionCallArguments",
    ),
    (
        Platform.GEMINI,
        {"generation": GenerationConfig(model_selection_config=ModelSelectionConfig())},
        "setup.generationConfig.modelSelectionConfig",
    ),
    (
        Platform.VERTEX,
        {"generation": GenerationConfig(model_config=ModelSelectionConfig())},
        "setup.generationConfig.modelConfig",
    ),
    (
        Platform.GEMINI,
        {"generation": GenerationConfig(enable_enhanced_civic_answers=True)},
        "setup.generationConfig.enableEnhancedCivicAnswers",
    ),
    (
        Platform.GEMINI,
        tool(file_search=FileSearch(("fileSearchStores/s",))),
        "setup.tools[0].fileSearch",
    ),
    (Platform.GEMINI, tool(mcp_servers=(McpServer(),)), "setup.tools[0].mcpServers"),
    (
        Platform.GEMINI,
        tool(mcp_servers=(McpServer("s", StreamableHttpTransport("https://a.example")),)),
        "setup.tools[0].mcpServers",  # and what is in it
    ),
    (
        Platform.GEMINI,
        {"tool_config": ToolConfig(include_server_side_tool_invocations=True)},
        "setup.toolConfig.includeServerSideToolInvocations",
    ),
    (
        Platform.GEMINI,
        tool(google_search=GoogleSearch(time_range_filter=Interval())),
        "setup.tools[0].googleSearch.timeRangeFilter",
    ),
    (
        Platform.GEMINI,
        voice(consent_audio=b"c"),
        "setup.generationConfig.speechConfig.voiceConfig.replicatedVoiceConfig.consentAudio",
    ),
    (
        Platform.GEMINI,
        voice(voice_consent_signature=VoiceConsentSignature("s")),
        "setup.generationConfig.speechConfig.voiceConfig.replicatedVoiceConfig."
        "voiceConsentSignature",
    ),
]


PLATFORM_SETUP += [
    (
        Platform.VERTEX,
        tool(google_maps=GoogleMaps(auth)),
        f"setup.tools[0].googleMaps.authConfig.{name}",
    )
    for name, auth in {
        "authType": AuthConfig(auth_type="NO_AUTH"),
        "apiKeyConfig": AuthConfig(api_key_config=ApiKeyConfig()),
        "googleServiceAccountConfig": AuthConfig(
            google_service_account_config=AuthConfigGoogleServiceAccountConfig()
        ),
        "httpBasicAuthConfig": AuthConfig(http_basic_auth_config=AuthConfigHttpBasicAuthConfig()),
        "oauthConfig": AuthConfig(oauth_config=AuthConfigOauthConfig()),
        "oidcConfig": AuthConfig(oidc_config=AuthConfigOidcConfig()),
    }.items()
]


def test_every_marked_field_has_its_case() -> None:
    """Each field that one platform alone has is refused in some case, here or below."""
    marked = {
        found.path
        for struct in reachable(ClientMessage)
        for found in fields_of(struct)
        if found.platform in (Platform.GEMINI, Platform.VERTEX)
    }
    cases = [ClientMessage(setup=SessionConfig("m", **s).setup("m")) for _, s, _ in PLATFORM_SETUP]
    cases += [build(command) for _, command, _ in PLATFORM_SENDS]
    assert {f.path for case in cases for _, f, _ in set_fields(case) if f.platform} == marked


@pytest.mark.parametrize("number", range(len(PLATFORM_SETUP)))
def test_setup_for_the_other_platform_is_refused_before_anything_is_opened(number: int) -> None:
    """Law 9: open_session() itself raises, with the field's path, the platform and the way out."""
    owner, settings, path = PLATFORM_SETUP[number]
    config = SessionConfig("m", **settings)
    with pytest.raises(ConfigError) as caught:
        open_session(config, endpoint=ENDPOINTS[OTHER[owner]])
    assert str(caught.value) == (
        f"{path}: {OTHER[owner].value} has no such field; leave it out, or pass it unchecked in "
        "extra="
    )
    open_session(config, endpoint=ENDPOINTS[owner])
    open_session(config, endpoint=ENDPOINTS[None])


@pytest.mark.parametrize(
    ("compression", "problem"),
    [
        (
            ContextWindowCompressionConfig(4_999),
            "setup.contextWindowCompression.triggerTokens=4999 must lie between 5000 and 128000",
        ),
        (
            ContextWindowCompressionConfig(sliding_window=SlidingWindow(128_001)),
            "setup.contextWindowCompression.slidingWindow.targetTokens=128001 must lie between 0 "
            "and 128000",
        ),
    ],
)
def test_ranges_of_vertex_ai_hold_there_only(
    compression: ContextWindowCompressionConfig, problem: str
) -> None:
    """Bounds that one platform documents are checked for that platform."""
    config = SessionConfig("m", compression=compression)
    with pytest.raises(ConfigError) as caught:
        check_setup(config, Platform.VERTEX)
    assert str(caught.value) == f"{problem} on Vertex AI; extra= passes it unchecked"
    check_setup(config, Platform.GEMINI)
    check_setup(config, None)


@pytest.mark.parametrize("platform", [Platform.GEMINI, Platform.VERTEX])
def test_what_a_platform_refuses_passes_in_extra(platform: Platform) -> None:
    """Law 9: `extra` is not looked at, on no platform and for no model."""
    extra: dict[str, object] = {
        "explicitVadSignal": True,
        "generationConfig": {
            "responseModalities": ["TEXT"],
            "thinkingConfig": {"thinkingLevel": "LOW"},
        },
        "tools": [{"fileSearch": {}}, {"retrieval": {}}],
    }
    for model in (NATIVE, LIVE_31, LIVE_38, EXTENDED):
        check_setup(SessionConfig(model, extra=extra), platform)


def test_a_token_is_not_asked_for_what_the_gemini_api_refuses() -> None:
    """Ephemeral tokens are the Gemini API's: their setup keeps to its rules."""
    config = SessionConfig("m", explicit_vad_signal=True)
    with pytest.raises(ConfigError, match=r"setup\.explicitVadSignal: Gemini API has no such"):
        tokens.request_body(config, None, None, None, None)


# What a model does not take, in the setup

THINKING = "setup.generationConfig.thinkingConfig"
MODEL_SETUP: list[tuple[str, dict[str, Any], str]] = [
    (
        NATIVE,
        {"response_modalities": ["TEXT"]},
        "setup.generationConfig.responseModalities=[TEXT]: the model answers in AUDIO only",
    ),
    (
        NATIVE,
        {"thinking": ThinkingConfig(thinking_level="LOW")},
        f"{THINKING}.thinkingLevel: the model takes a thinking_budget only",
    ),
    (NATIVE, {"initial_history": True}, "setup.historyConfig: the model takes no initial history"),
    (
        LIVE_31,
        {"thinking": ThinkingConfig(thinking_budget=0)},
        f"{THINKING}.thinkingBudget: the model takes a thinking_level only",
    ),
    (
        LIVE_31,
        {"affective_dialog": True},
        "setup.generationConfig.enableAffectiveDialog: the model has no affective dialog",
    ),
    (
        LIVE_31,
        {"proactivity": False},
        "setup.proactivity: the model takes no proactivity",
    ),
    (
        LIVE_31,
        {"tools": [FunctionDeclaration("f"), FunctionDeclaration("g", behavior="NON_BLOCKING")]},
        "setup.tools[0].functionDeclarations[1].behavior=NON_BLOCKING: the model's functions are "
        "BLOCKING only",
    ),
    (
        LIVE_38,
        {"thinking": ThinkingConfig(include_thoughts=True)},
        f"{THINKING}: the model takes no thinking config",
    ),
    (
        LIVE_38,
        {"affective_dialog": True},
        "setup.generationConfig.enableAffectiveDialog: the model has no affective dialog",
    ),
    (
        LIVE_38,
        {"proactivity": ProactivityConfig(False)},
        "setup.proactivity.proactiveAudio=False: the model takes True only",
    ),
    (
        EXTENDED,
        {"thinking": ThinkingConfig(thinking_level="XHIGH")},
        f"{THINKING}.thinkingLevel=XHIGH: the model takes LOW or MEDIUM or HIGH only",
    ),
    (
        EXTENDED,
        {"thinking": ThinkingConfig(thinking_budget=-1)},
        f"{THINKING}.thinkingBudget: the model takes a thinking_level only",
    ),
    (
        EXTENDED,
        {"tools": [FunctionDeclaration("f", behavior="BLOCKING")]},
        "setup.tools[0].functionDeclarations[0].behavior=BLOCKING: the model's functions are "
        "NON_BLOCKING only",
    ),
]


@pytest.mark.parametrize("number", range(len(MODEL_SETUP)))
@pytest.mark.parametrize("platform", [Platform.GEMINI, Platform.VERTEX, None])
def test_setup_that_the_model_does_not_take_is_refused(
    number: int, platform: Platform | None
) -> None:
    """Law 9: by rule, path and remedy; not for an unknown model, nor against the user's word."""
    model, settings, problem = MODEL_SETUP[number]
    with pytest.raises(ConfigError) as caught:
        open_session(SessionConfig(model, **settings), endpoint=ENDPOINTS[platform])
    assert str(caught.value) == (
        f"{problem} ({model}); if the model does take it, say so with capabilities=, or pass "
        "it unchecked in extra="
    )
    open_session(SessionConfig("gemini-next", **settings), endpoint=ENDPOINTS[platform])
    allowed = SessionConfig(model, capabilities=Capabilities(), **settings)
    open_session(allowed, endpoint=ENDPOINTS[platform])


def test_capabilities_of_the_user_forbid_as_well() -> None:
    """What is said of an unknown model is checked like what the table says."""
    known = msgspec.structs.replace(capabilities_of(LIVE_31), response_modalities=("TEXT",))
    with pytest.raises(ConfigError, match="the model answers in TEXT only"):
        check_setup(SessionConfig("m", capabilities=known), None)
    check_setup(SessionConfig("m", capabilities=known, response_modalities=["TEXT"]), None)


def test_capabilities_from_plain_values() -> None:
    """Also in a settings file."""
    settings = {"model": "m", "capabilities": {"thinking_levels": ["LOW"], "scheduling": False}}
    config = SessionConfig.from_dict(settings)
    assert config.capabilities == Capabilities(thinking_levels=("LOW",), scheduling=False)


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        (NATIVE, {"thinking": ThinkingConfig(thinking_budget=0), "affective_dialog": True}),
        (NATIVE, {"proactivity": ProactivityConfig(True, True)}),
        (NATIVE, {"tools": [FunctionDeclaration("f", behavior="NON_BLOCKING")]}),
        (LIVE_31, {"thinking": ThinkingConfig(thinking_level="XHIGH"), "initial_history": True}),
        (LIVE_31, {"tools": [FunctionDeclaration("f", behavior="UNSPECIFIED")]}),
        (LIVE_31, {"affective_dialog": False}),
        (LIVE_38, {"proactivity": True, "response_modalities": ["TEXT"]}),
        (LIVE_38, {"tools": [FunctionDeclaration("f", behavior="BLOCKING")]}),
        (EXTENDED, {"thinking": ThinkingConfig(True, thinking_level="HIGH")}),
        (EXTENDED, {"activity_detection": AutomaticActivityDetection(silence_duration_ms=0)}),
    ],
)
def test_setup_that_the_model_takes_is_not_refused(model: str, settings: dict[str, Any]) -> None:
    """The table forbids no more than it says."""
    check_setup(SessionConfig(model, **settings), Platform.GEMINI)


async def test_mock_session_tells_what_the_model_does_not_take() -> None:
    """A test without a service finds a wrong config too."""
    with pytest.raises(ConfigError, match="takes no thinking config"):
        MockSession(SessionConfig(LIVE_38, thinking=ThinkingConfig()))


@pytest.mark.parametrize(
    ("version", "token", "refused"),
    [
        (None, False, "v1"),
        ("v1beta", False, "v1beta"),
        ("v1alpha", False, None),
        (None, True, None),
    ],
)
@pytest.mark.parametrize("name", ["proactivity", "affective_dialog"])
def test_early_features_need_their_version(
    name: str, version: str | None, token: bool, refused: str | None
) -> None:
    """Law 9: what 2.5 models have in v1alpha only is refused elsewhere, with the remedy."""
    key: dict[str, Any] = {"token": "auth_tokens/a"} if token else {"api_key": "key"}
    endpoint = GoogleAI(**key, api_version=version)
    settings: dict[str, Any] = {name: True}
    config = SessionConfig(NATIVE, **settings)
    if refused is None:
        open_session(config, endpoint=endpoint)
        return
    with pytest.raises(ConfigError) as caught:
        open_session(config, endpoint=endpoint)
    assert str(caught.value) == (
        f"{name}: the Gemini API has it for this model in v1alpha only, not in {refused} "
        f'({NATIVE}); connect with api_version="v1alpha", or pass it unchecked in extra='
    )
    for other in (ENDPOINTS[Platform.VERTEX], ENDPOINTS[None]):
        open_session(config, endpoint=other)


# What is sent


@dataclass
class Talk:
    """An open session, without I/O."""

    protocol: LiveProtocol

    def send(self, command: SessionCommand) -> dict[str, Any]:
        frame, _ = self.protocol.send(command, 0.0)
        sent: dict[str, Any] = json.loads(frame)
        return sent


def talk(model: str = "m", platform: Platform | None = None, **settings: Any) -> Talk:
    """An open session whose model owes answers to the calls "1" and "2"."""
    protocol = LiveProtocol(SessionConfig(model, **settings), model, platform=platform)
    protocol.dial()
    protocol.setup()
    protocol.receive_frame(b'{"setupComplete":{}}', 0.0)
    calls = [{"id": "1", "name": "f"}, {"id": "2", "name": "f"}]
    protocol.receive_frame(json.dumps({"toolCall": {"functionCalls": calls}}), 0.0)
    return Talk(protocol)


def content(part: Part) -> SendClientContent:
    """A turn of one part."""
    return SendClientContent((Content((part,), "model"),))


def answer(**fields: Any) -> SendToolResponse:
    """An answer to call "1"."""
    return SendToolResponse((FunctionResponse("f", {}, "1", **fields),))


TURN = "clientContent.turns[0].parts[0]"
ANSWER = "toolResponse.functionResponses[0]"
PLATFORM_SENDS: list[tuple[Platform, SessionCommand, str]] = [
    (
        Platform.VERTEX,
        content(Part(function_call=FunctionCall("f", partial_args=(PartialArg(),)))),
        f"{TURN}.functionCall.partialArgs",
    ),
    (
        Platform.VERTEX,
        content(Part(function_call=FunctionCall("f", will_continue=True))),
        f"{TURN}.functionCall.willContinue",
    ),
    (Platform.GEMINI, content(Part(tool_call=ServerToolCall())), f"{TURN}.toolCall"),
    (Platform.GEMINI, content(Part(tool_response=ServerToolResponse())), f"{TURN}.toolResponse"),
    (
        Platform.GEMINI,
        content(Part(text="a", part_metadata={"a": 1})),
        f"{TURN}.partMetadata",
    ),
    (Platform.GEMINI, answer(will_continue=False), f"{ANSWER}.willContinue"),
    (
        Platform.GEMINI,
        answer(
            parts=(
                FunctionResponsePart(
                    FunctionResponseBlob(b"i", "image/png"), media_processing="STATIC"
                ),
            )
        ),
        f"{ANSWER}.parts[0].mediaProcessing",
    ),
]


@pytest.mark.parametrize("number", range(len(PLATFORM_SENDS)))
def test_command_for_the_other_platform_is_refused(number: int) -> None:
    """Law 9: with path, platform and way out; nothing has changed, and the right one goes."""
    owner, command, path = PLATFORM_SENDS[number]
    session = talk(platform=OTHER[owner])
    owed = dict(session.protocol.state.machine.calls_owed)
    with pytest.raises(InvalidArgument) as caught:
        session.send(command)
    assert str(caught.value) == (
        f"{path}: {OTHER[owner].value} has no such field; leave it out, or use send_raw(), which "
        "is unchecked"
    )
    assert session.protocol.state.machine.calls_owed == owed
    for platform in (owner, None):
        assert talk(platform=platform).send(command)
    # The same, raw.
    raw = talk(platform=owner).send(command)
    assert session.send(SendRaw(raw)) == raw


async def test_session_knows_the_platform_of_its_endpoint() -> None:
    """A command is refused at the caller's line; the session lives, and send_raw() passes."""
    wired = Wired()
    async with wired.open(SessionConfig("m")) as session:  # of the Gemini API
        turn = Content((Part(function_call=FunctionCall("f", will_continue=True)),), "model")
        with pytest.raises(InvalidArgument, match="Gemini API has no such field"):
            await session.send_client_content([turn])
        await session.send_raw({"clientContent": {"turnComplete": True}})
        await session.flush()
        assert wired.sent() == [{"clientContent": {"turnComplete": True}}]


@pytest.mark.parametrize("model", [EXTENDED])
def test_scheduling_is_refused_where_the_model_has_none(model: str) -> None:
    """An answer that says when it counts, to a model that has no say in it."""
    with pytest.raises(InvalidArgument) as caught:
        talk(model).send(answer(scheduling="SILENT"))
    assert str(caught.value) == (
        f"{ANSWER}.scheduling=SILENT: the model has no scheduling ({model}); if the model does "
        "take it, say so with capabilities=, or use send_raw(), which is unchecked"
    )
    assert talk(model).send(answer())
    assert talk(model, capabilities=Capabilities()).send(answer(scheduling="SILENT"))
    for other in (NATIVE, LIVE_31, LIVE_38, "m"):  # 3.1 ignores it, as for all BLOCKING functions
        assert talk(other).send(answer(scheduling="SILENT"))


def test_new_tools_keep_to_the_behaviors_of_the_model() -> None:
    """A context update is checked like the setup's tools."""
    function = FunctionDeclaration("f", behavior="BLOCKING")
    tools = ContextUpdateTools((Tool(function_declarations=(function,)),))
    message = ClientMessage(context_update=ContextUpdate(tools=tools))
    with pytest.raises(InvalidArgument) as caught:
        MessageRules(SessionConfig(EXTENDED), None).admit(message, initial=False)
    assert str(caught.value).startswith(
        "contextUpdate.tools.tools[0].functionDeclarations[0].behavior=BLOCKING: "
    )
    MessageRules(SessionConfig(LIVE_38), None).admit(message, initial=False)
    empty = ClientMessage(context_update=ContextUpdate(tools=ContextUpdateTools(())))
    MessageRules(SessionConfig(EXTENDED), None).admit(empty, initial=False)


BAD_NESTED: list[tuple[SessionCommand, str]] = [
    (content(Part(text=5)), "turns[0].parts[0].text must be text, not int"),  # type: ignore[arg-type]
    (
        content(Part(inline_data=Blob("AAAA", "image/png"))),  # type: ignore[arg-type]
        "turns[0].parts[0].inline_data.data must be base64, not str",
    ),
    (
        content(Part(inline_data={"data": b"i"})),  # type: ignore[arg-type]
        "turns[0].parts[0].inline_data must be Blob, not dict",
    ),
    (
        SendClientContent((Content(({"text": "a"},)),)),  # type: ignore[arg-type]
        "turns[0].parts[0] must be Part, not dict",
    ),
    (
        SendClientContent((Content((Part(text="a"),), 5),)),  # type: ignore[arg-type]
        "turns[0].role must be text, not int",
    ),
    (answer(parts=5), "responses[0].parts must be list of FunctionResponsePart, not int"),
    (
        answer(parts=(FunctionResponsePart(inline_data={"data": b"i"}),)),  # type: ignore[arg-type]
        "responses[0].parts[0].inline_data must be FunctionResponseBlob, not dict",
    ),
    (
        answer(will_continue="yes"),
        "responses[0].will_continue must be boolean, not str",
    ),
    (
        SendToolResponse((FunctionResponse("f", {}, ["1"]),)),  # type: ignore[arg-type]
        "responses[0].id must be text, not list",
    ),
    (
        UpdateContext(Content((Part(text=5),))),  # type: ignore[arg-type]
        "system_instruction.parts[0].text must be text, not int",
    ),
]


@pytest.mark.parametrize("number", range(len(BAD_NESTED)))
def test_a_field_of_a_wrong_type_is_refused_at_any_depth(number: int) -> None:
    """Law 9: no struct checks its own fields; a wrong one is told where it is, and not sent."""
    command, message = BAD_NESTED[number]
    with pytest.raises(InvalidArgumentType) as caught:
        talk().send(command)
    assert str(caught.value) == message


def update(*tools: Any) -> UpdateContext:
    """Other tools."""
    return UpdateContext(tools=tools)


BAD_TOOLS: list[tuple[UpdateContext, str]] = [
    (update(Tool()), "tools[0] is an empty Tool: it allows nothing"),
    (
        update(Tool(function_declarations=(FunctionDeclaration("bad name!"),))),
        "tools[0].function_declarations[0].name='bad name!' must begin with a letter",
    ),
    (
        update(
            Tool(
                function_declarations=(
                    FunctionDeclaration("f", parameters=Schema(), parameters_json_schema={}),
                )
            )
        ),
        "tools[0].function_declarations[0] has parameters and parameters_json_schema: one of them",
    ),
    (
        update(Tool(function_declarations=FunctionDeclaration("f"))),  # type: ignore[arg-type]
        "tools[0]: Expected `array | null`, got `object` - at `$.functionDeclarations`",
    ),
    (
        update(Tool(function_declarations=(FunctionDeclaration("f", behavior="NEW"),))),
        "tools[0].function_declarations[0].behavior='NEW' must be one of UNSPECIFIED, BLOCKING, "
        "NON_BLOCKING; send_raw() passes what is newer than this list",
    ),
]


@pytest.mark.parametrize("number", range(len(BAD_TOOLS)))
def test_new_tools_keep_to_the_rules_of_a_config(number: int) -> None:
    """Law 9: what is refused in a config is refused in a session, with the way past it there."""
    command, message = BAD_TOOLS[number]
    with pytest.raises(InvalidArgument) as caught:
        talk().send(command)
    assert str(caught.value).startswith(message)


def test_new_tools_are_read_as_those_of_a_config() -> None:
    """A plain object in place of a declaration becomes one, and the model's rules see it."""
    tool = Tool(function_declarations=({"name": "f", "behavior": "BLOCKING"},))  # type: ignore[arg-type]
    sent = talk().send(UpdateContext(tools=(tool,)))
    assert sent["contextUpdate"]["tools"]["tools"] == [
        {"functionDeclarations": [{"name": "f", "behavior": "BLOCKING"}]}
    ]
    with pytest.raises(InvalidArgument, match="behavior=BLOCKING"):
        talk(EXTENDED).send(UpdateContext(tools=(tool,)))


async def test_a_wrong_tool_in_the_channel_does_not_end_the_session(
    autojump_clock: MockClock,
) -> None:
    """What comes through `command_tx` is told as an Error, whatever is in it; the session lives."""
    bad = Tool(function_declarations=FunctionDeclaration("f"))  # type: ignore[arg-type]
    with trio.fail_after(60):
        async with Wired().open(SessionConfig("m")) as session:
            await session.command_tx.send(UpdateContext(tools=(bad,)))
            await session.flush()
            async for event in session:
                if isinstance(event, Error):
                    assert "array" in event.message
                    break
            assert session.phase is SessionPhase.ACTIVE


@pytest.mark.parametrize(
    ("role", "platform", "taken"),
    [
        (None, None, True),
        ("user", Platform.GEMINI, True),
        ("model", Platform.VERTEX, True),
        ("system", Platform.VERTEX, True),
        ("system", None, True),
        ("system", Platform.GEMINI, False),
        ("assistant", None, False),
        ("assistant", Platform.VERTEX, False),
    ],
)
def test_roles_are_those_of_the_platform(
    role: str | None, platform: Platform | None, taken: bool
) -> None:
    """Law 9: the service closes with 1007 at another role than user, model and, there, system."""
    turn = SendClientContent((Content.from_text("a", role),), turn_complete=False)
    if taken:
        assert talk("m", platform).send(turn)
        return
    with pytest.raises(InvalidArgument) as caught:
        talk("m", platform).send(turn)
    assert str(caught.value).startswith("clientContent.turns[0].role must be user or ")


TURNS = SendClientContent((Content.from_text("a"),), turn_complete=False)


@pytest.mark.parametrize("command", [SendText("hello"), TURNS, SendClientContent()])
def test_turns_go_only_to_a_model_that_takes_them(command: SessionCommand) -> None:
    """Law 9: 3.1 models close with 1007 at `clientContent`; the error names what to use."""
    with pytest.raises(LocalProtocolError) as caught:
        talk(LIVE_31).send(command)
    assert str(caught.value) == (
        f"{LIVE_31} takes clientContent as its initial history only, with initial_history=True in "
        "the SessionConfig; use send_realtime_text(); if the model does take it, say so "
        "with capabilities=, or use send_raw(), which is unchecked"
    )
    assert talk(LIVE_31).send(SendRealtimeText("hello"))
    for model in (NATIVE, LIVE_38, EXTENDED, "m"):
        assert talk(model).send(command)
    assert talk(LIVE_31, capabilities=Capabilities()).send(command)


@pytest.mark.parametrize("history", [True, HistoryConfig(True)])
def test_initial_history_is_taken_up_to_its_end(history: Any) -> None:
    """3.1: turns go as history, until one completes it."""
    session = talk(LIVE_31, initial_history=history)
    session.send(TURNS)
    session.send(SendClientContent((Content.from_text("b", "model"),)))
    with pytest.raises(LocalProtocolError, match="use send_realtime_text"):
        session.send(TURNS)
    # In the whole session elsewhere.
    session = talk(LIVE_38, initial_history=history)
    session.send(SendClientContent())
    assert session.send(SendText("hello"))
    assert session.send(TURNS)


def test_a_refused_command_does_not_end_the_history() -> None:
    """What was not sent has not changed anything."""
    session = talk(LIVE_31, platform=Platform.VERTEX, initial_history=True)
    wrong = content(Part(text="a", part_metadata={"a": 1}))
    with pytest.raises(InvalidArgument):
        session.send(wrong)
    with pytest.raises(InvalidArgument, match="lone surrogate"):
        session.send(SendClientContent((Content.from_text("\ud800"),)))
    assert session.send(TURNS)


@pytest.mark.parametrize("platform", [Platform.GEMINI, Platform.VERTEX, None])
@pytest.mark.parametrize("model", [NATIVE, LIVE_31, LIVE_38, EXTENDED])
def test_audio_is_sent_on_every_platform_to_every_model(
    model: str, platform: Platform | None
) -> None:
    """No rule of a platform or model concerns audio; also not while a call is open."""
    assert talk(model, platform).send(SendAudio(b"\0\0"))["realtimeInput"]["audio"]


# Raw messages


def test_raw_message_goes_as_it_is() -> None:
    """Any JSON object, with whatever it says."""
    message: dict[str, object] = {"clientContent": {"turns": [], "newField": {"a": [1, None]}}}
    assert talk(LIVE_31).send(SendRaw(message)) == message


def test_raw_message_may_be_or_end_the_initial_history() -> None:
    """While the service waits for the history, a raw one passes, and its end is noted."""
    session = talk(LIVE_31, initial_history=True)
    session.send(SendRaw({"clientContent": {"turns": []}}))
    with pytest.raises(LocalProtocolError, match="seed_history"):
        session.send(SendRealtimeText("hello"))
    session.send(SendRaw({"clientContent": {"turnComplete": True}}))
    assert session.send(SendRealtimeText("hello"))


@pytest.mark.parametrize(
    ("message", "owed"),
    [
        ({"toolResponse": {"functionResponses": [{"id": "1", "name": "f"}]}}, {"2"}),
        ({"toolResponse": {"functionResponses": [{"id": "1"}, {"id": "2"}, {"id": "2"}]}}, set()),
        ({"toolResponse": {"functionResponses": [{"id": "1", "willContinue": True}]}}, {"1", "2"}),
        ({"toolResponse": {"functionResponses": [{"id": "9"}, {}]}}, {"1", "2"}),
        ({"toolResponse": {"functionResponses": "?"}}, {"1", "2"}),
        ({"toolResponse": {}}, {"1", "2"}),
        ({"realtimeInput": {}}, {"1", "2"}),
    ],
)
def test_raw_answers_settle_their_calls(message: dict[str, Any], owed: set[str]) -> None:
    """No call is owed an answer that went out raw, and no phase waits for it."""
    session = talk()
    session.send(SendRaw(message))
    assert set(session.protocol.state.machine.calls_owed) == owed


@pytest.mark.parametrize(
    ("message", "kind", "text"),
    [
        ([], InvalidArgumentType, "message must be a JSON object (a dict), not list"),
        ({}, InvalidArgument, "message is empty: there is nothing to send"),
        (
            {"a": object()},
            InvalidArgument,
            "SendRaw cannot be written as JSON: Encoding objects of type object is unsupported",
        ),
    ],
)
def test_raw_message_must_be_json(message: Any, kind: type[Exception], text: str) -> None:
    """Nothing is sent that is no message at all."""
    with pytest.raises(kind) as caught:
        talk().send(SendRaw(message))
    assert str(caught.value) == text


async def test_send_raw_is_a_verb() -> None:
    """`session.send_raw()` takes any mapping."""
    session = MockSession()
    await session.send_raw({"newMessage": {}})
    assert session.sent == [SendRaw({"newMessage": {}})]
    with pytest.raises(InvalidArgumentType, match="message must be a mapping, not str"):
        await session.send_raw("{}")  # type: ignore[arg-type]
