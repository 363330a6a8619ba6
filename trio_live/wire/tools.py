"""What the model may use: functions of this program, and tools of the service.

What lives here: `tools` of a setup and all in it, but for retrieval (retrieval.py), and
`toolConfig`. What must not: calls and answers (functions.py). Source: google-genai 3.4
`types.Tool`, `types.ToolConfig`, read November 2026.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from trio_live.wire import enums
from trio_live.wire.auth import AuthConfig
from trio_live.wire.base import Wire
from trio_live.wire.marks import Duration, Gemini, JsonObject, Timestamp, Vertex, known
from trio_live.wire.retrieval import Retrieval
from trio_live.wire.schema import Schema

Environment: TypeAlias = Annotated[
    str,
    known(
        "ENVIRONMENT_UNSPECIFIED",
        "ENVIRONMENT_BROWSER",
        "ENVIRONMENT_MOBILE",
        "ENVIRONMENT_DESKTOP",
    ),
]
"""What a computer-use model operates."""

SafetyPolicy: TypeAlias = Annotated[
    str,
    known(
        "SAFETY_POLICY_UNSPECIFIED",
        "FINANCIAL_TRANSACTIONS",
        "SENSITIVE_DATA_MODIFICATION",
        "COMMUNICATION_TOOL",
        "ACCOUNT_CREATION",
        "DATA_MODIFICATION",
        "USER_CONSENT_MANAGEMENT",
        "LEGAL_TERMS_AND_AGREEMENTS",
    ),
]
"""A check of the computer-use tool."""


class FunctionDeclaration(Wire, frozen=True):
    """A function that the model may call.

    Attributes:
        name: A letter or underscore first, then letters, digits and `_ . : -`; at most 128.
        description: What it does, for the model to read.
        parameters_json_schema: JSON Schema of the arguments, an object schema.
        behavior: "BLOCKING" or "NON_BLOCKING"; unset leaves the model's own default.
        parameters: The arguments as the service's own kind of schema; not with the other form.
        response: What it gives, as the service's own kind of schema.
        response_json_schema: What it gives, as JSON Schema; not with the other form.
    """

    name: str
    description: str | None = None
    parameters_json_schema: JsonObject | None = None
    behavior: enums.Behavior | None = None
    parameters: Schema | None = None
    response: Schema | None = None
    response_json_schema: JsonObject | None = None


class WebSearch(Wire, frozen=True):
    """Search for pages."""


class ImageSearch(Wire, frozen=True):
    """Search for images."""


class SearchTypes(Wire, frozen=True):
    """What to search for; pages if nothing is set."""

    web_search: WebSearch | None = None
    image_search: ImageSearch | None = None


class Interval(Wire, frozen=True):
    """A time range, its end excluded. Both ends are set, or none."""

    start_time: Timestamp | None = None
    end_time: Timestamp | None = None


class GoogleSearch(Wire, frozen=True):
    """Google Search.

    Attributes:
        search_types: What to search for.
        time_range_filter: When pages are from.
        exclude_domains: Domains to leave out.
        blocking_confidence: How surely a site must be phishing to be left out.
    """

    search_types: SearchTypes | None = None
    time_range_filter: Gemini[Interval | None] = None
    exclude_domains: Vertex[tuple[str, ...] | None] = None
    blocking_confidence: Vertex[enums.PhishBlockThreshold | None] = None


class DynamicRetrievalConfig(Wire, frozen=True):
    """Whether to search: if the model's score, from 0.0 to 1.0, reaches the threshold."""

    mode: enums.DynamicRetrievalConfigMode | None = None
    dynamic_threshold: float | None = None


class GoogleSearchRetrieval(Wire, frozen=True):
    """The older form of Google Search."""

    dynamic_retrieval_config: DynamicRetrievalConfig | None = None


class EnterpriseWebSearch(Wire, frozen=True):
    """Web search for enterprises."""

    exclude_domains: tuple[str, ...] | None = None
    blocking_confidence: enums.PhishBlockThreshold | None = None


class ToolParallelAiSearch(Wire, frozen=True):
    """Search by Parallel.ai. `enable_data_retention` is deprecated."""

    api_key: str | None = None
    custom_configs: JsonObject | None = None
    enable_zero_data_retention: bool | None = None
    enable_data_retention: bool | None = None


class ToolExaAiSearch(Wire, frozen=True):
    """Search by Exa.ai."""

    api_key: str | None = None
    custom_configs: JsonObject | None = None


class UrlContext(Wire, frozen=True):
    """Reading the pages that are named in the conversation."""


class GoogleMapsPlaces(Wire, frozen=True):
    """Places."""


class GoogleMapsRouting(Wire, frozen=True):
    """Routes."""


class GoogleMapsGroundingTypes(Wire, frozen=True):
    """What to take from Google Maps; places if nothing is set."""

    places: GoogleMapsPlaces | None = None
    routing: GoogleMapsRouting | None = None


class GoogleMaps(Wire, frozen=True):
    """Google Maps. `enable_widget` is deprecated."""

    auth_config: AuthConfig | None = None
    grounding_types: Vertex[GoogleMapsGroundingTypes | None] = None
    enable_widget: bool | None = None


class ToolCodeExecution(Wire, frozen=True):
    """Running code that the model writes."""


class FileSearch(Wire, frozen=True):
    """Search in file search stores, by resource name; `top_k` pieces are given."""

    file_search_store_names: tuple[str, ...] | None = None
    top_k: int | None = None
    metadata_filter: str | None = None


class ComputerUse(Wire, frozen=True):
    """Operating a computer: the service declares functions of its own for it.

    Attributes:
        environment: What is operated.
        excluded_predefined_functions: Functions that are not to be declared.
        enable_prompt_injection_detection: Whether to look for prompt injection.
        disabled_safety_policies: Checks to leave out.
    """

    environment: Environment | None = None
    excluded_predefined_functions: tuple[str, ...] | None = None
    enable_prompt_injection_detection: bool | None = None
    disabled_safety_policies: tuple[SafetyPolicy, ...] | None = None


class StreamableHttpTransport(Wire, frozen=True):
    """How the service reaches an MCP server; timeouts are durations."""

    url: str | None = None
    headers: dict[str, str] | None = None
    timeout: Duration | None = None
    sse_read_timeout: Duration | None = None
    terminate_on_close: bool | None = None


class McpServer(Wire, frozen=True):
    """An MCP server that the service itself connects to."""

    name: Gemini[str | None] = None
    streamable_http_transport: Gemini[StreamableHttpTransport | None] = None


class Tool(Wire, frozen=True):
    """What the model may use: functions, or tools of the service."""

    function_declarations: tuple[FunctionDeclaration, ...] | None = None
    google_search: GoogleSearch | None = None
    code_execution: ToolCodeExecution | None = None
    url_context: UrlContext | None = None
    google_maps: GoogleMaps | None = None
    computer_use: ComputerUse | None = None
    file_search: Gemini[FileSearch | None] = None
    mcp_servers: Gemini[tuple[McpServer, ...] | None] = None
    retrieval: Vertex[Retrieval | None] = None
    enterprise_web_search: Vertex[EnterpriseWebSearch | None] = None
    parallel_ai_search: Vertex[ToolParallelAiSearch | None] = None
    exa_ai_search: Vertex[ToolExaAiSearch | None] = None
    google_search_retrieval: GoogleSearchRetrieval | None = None


def gather(given: Sequence[Tool | FunctionDeclaration]) -> tuple[Tool, ...]:
    """Put bare function declarations into one tool, which comes first."""
    functions = tuple(item for item in given if isinstance(item, FunctionDeclaration))
    tools = tuple(item for item in given if isinstance(item, Tool))
    return (Tool(function_declarations=functions), *tools) if functions else tools


def declared_twice(tools: Sequence[Tool]) -> str | None:
    """Give the name of a function that is declared more than once; None if there is none."""
    seen: set[str] = set()
    for tool in tools:
        for function in tool.function_declarations or ():
            if function.name in seen:
                return function.name
            seen.add(function.name)
    return None


class LatLng(Wire, frozen=True):
    """A place on Earth, in degrees."""

    latitude: float | None = None
    longitude: float | None = None


class RetrievalConfig(Wire, frozen=True):
    """Where the user is, and the user's language, for tools that look things up."""

    lat_lng: LatLng | None = None
    language_code: str | None = None


class FunctionCallingConfig(Wire, frozen=True):
    """Whether functions may, must or must not be called, and which; "AUTO" by default."""

    mode: enums.FunctionCallingConfigMode | None = None
    allowed_function_names: tuple[str, ...] | None = None
    stream_function_call_arguments: Vertex[bool | None] = None


class ToolConfig(Wire, frozen=True):
    """How tools are used. `include_server_side_tool_invocations`: show the service's own calls."""

    function_calling_config: FunctionCallingConfig | None = None
    retrieval_config: RetrievalConfig | None = None
    include_server_side_tool_invocations: Gemini[bool | None] = None
