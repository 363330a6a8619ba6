"""Tools of a session, as google-genai and as trio_live are told them."""

from __future__ import annotations

from typing import Any

from wire_cases_config import config
from wire_clients import Case

from trio_live import FunctionDeclaration, Tool
from trio_live.wire import auth, tools
from trio_live.wire.retrieval import (
    Retrieval,
    VertexAISearch,
    VertexRagStore,
    VertexRagStoreRagResource,
)
from trio_live.wire.schema import Schema


def tool(name: str, genai: dict[str, Any], **ours: Any) -> Case:
    """A session with one tool."""
    return config(f"tool: {name}", {"tools": [genai]}, {"tools": [Tool(**ours)]})


def function(name: str, genai: dict[str, Any], **ours: Any) -> Case:
    """A session with one function."""
    return config(
        f"function: {name}",
        {"tools": [{"function_declarations": [{"name": "get_it"} | genai]}]},
        {"tools": [FunctionDeclaration("get_it", **ours)]},
    )


JSON_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city_name": {"type": "string"}, "day": {"type": ["integer", "null"]}},
    "required": ["city_name"],
    "additionalProperties": False,
    "$defs": {"a_b": {"type": "string"}},
}
SCHEMA: dict[str, Any] = {
    "type": "OBJECT",
    "properties": {
        "city_name": {"type": "STRING", "description": "Where", "enum": ["a", "b"]},
        "days": {"type": "ARRAY", "items": {"type": "INTEGER", "minimum": 1}, "min_items": 1},
        "when": {"any_of": [{"type": "STRING", "format": "date"}, {"type": "NUMBER"}]},
    },
    "required": ["city_name"],
    "property_ordering": ["days", "city_name"],
    "nullable": True,
}
OUR_SCHEMA = Schema(
    type="OBJECT",
    properties={
        "city_name": Schema(type="STRING", description="Where", enum=("a", "b")),
        "days": Schema(type="ARRAY", items=Schema(type="INTEGER", minimum=1), min_items=1),
        "when": Schema(any_of=(Schema(type="STRING", format="date"), Schema(type="NUMBER"))),
    },
    required=("city_name",),
    property_ordering=("days", "city_name"),
    nullable=True,
)
KEY_AUTH: dict[str, Any] = {"api_key_config": {"api_key_string": "s", "name": "n"}}

TOOLS = [
    config("tools: none", {"tools": []}, {"tools": []}),
    function("name", {}),
    function("description", {"description": "Gets it."}, description="Gets it."),
    function(
        "JSON Schema",
        {"parameters_json_schema": JSON_SCHEMA},
        parameters_json_schema=JSON_SCHEMA,
    ),
    function("schema", {"parameters": SCHEMA}, parameters=OUR_SCHEMA),
    function("result", {"response": SCHEMA}, response=OUR_SCHEMA),
    function(
        "result in JSON Schema",
        {"response_json_schema": JSON_SCHEMA},
        response_json_schema=JSON_SCHEMA,
    ),
    function("non-blocking", {"behavior": "NON_BLOCKING"}, behavior="NON_BLOCKING"),
    function("blocking", {"behavior": "BLOCKING"}, behavior="BLOCKING"),
    config(
        "functions",
        {"tools": [{"function_declarations": [{"name": "a"}, {"name": "b"}]}]},
        {"tools": [FunctionDeclaration("a"), FunctionDeclaration("b")]},
    ),
    tool("search", {"google_search": {}}, google_search=tools.GoogleSearch()),
    tool(
        "search types",
        {"google_search": {"search_types": {"web_search": {}, "image_search": {}}}},
        google_search=tools.GoogleSearch(tools.SearchTypes(tools.WebSearch(), tools.ImageSearch())),
    ),
    tool(
        "search in a time",
        {
            "google_search": {
                "time_range_filter": {
                    "start_time": "2026-01-01T00:00:00Z",
                    "end_time": "2026-02-01T00:00:00Z",
                }
            }
        },
        google_search=tools.GoogleSearch(
            time_range_filter=tools.Interval(
                "2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00"
            )
        ),
    ),
    tool(
        "search without domains",
        {"google_search": {"exclude_domains": ["example.com"]}},
        google_search=tools.GoogleSearch(exclude_domains=("example.com",)),
    ),
    tool(
        "search without phishing",
        {"google_search": {"blocking_confidence": "BLOCK_HIGH_AND_ABOVE"}},
        google_search=tools.GoogleSearch(blocking_confidence="BLOCK_HIGH_AND_ABOVE"),
    ),
    tool(
        "search, the older one",
        {
            "google_search_retrieval": {
                "dynamic_retrieval_config": {"mode": "MODE_DYNAMIC", "dynamic_threshold": 0.5}
            }
        },
        google_search_retrieval=tools.GoogleSearchRetrieval(
            tools.DynamicRetrievalConfig("MODE_DYNAMIC", 0.5)
        ),
    ),
    tool("code", {"code_execution": {}}, code_execution=tools.ToolCodeExecution()),
    tool("URLs", {"url_context": {}}, url_context=tools.UrlContext()),
    tool("maps", {"google_maps": {}}, google_maps=tools.GoogleMaps()),
    tool(
        "maps with a widget",
        {"google_maps": {"enable_widget": True}},
        google_maps=tools.GoogleMaps(enable_widget=True),
    ),
    tool(
        "maps with routes",
        {"google_maps": {"grounding_types": {"places": {}, "routing": {}}}},
        google_maps=tools.GoogleMaps(
            grounding_types=tools.GoogleMapsGroundingTypes(
                tools.GoogleMapsPlaces(), tools.GoogleMapsRouting()
            )
        ),
    ),
    tool(
        "maps with a key",
        {"google_maps": {"auth_config": {"api_key": "k_1"}}},
        google_maps=tools.GoogleMaps(auth.AuthConfig(api_key="k_1")),
    ),
    tool(
        "maps with a key's place",
        {"google_maps": {"auth_config": {"auth_type": "API_KEY_AUTH"} | KEY_AUTH}},
        google_maps=tools.GoogleMaps(
            auth.AuthConfig(
                auth_type="API_KEY_AUTH",
                api_key_config=auth.ApiKeyConfig(api_key_string="s", name="n"),
            )
        ),
    ),
    tool(
        "computer",
        {
            "computer_use": {
                "environment": "ENVIRONMENT_BROWSER",
                "excluded_predefined_functions": ["drag_and_drop"],
                "enable_prompt_injection_detection": True,
                "disabled_safety_policies": ["ACCOUNT_CREATION"],
            }
        },
        computer_use=tools.ComputerUse(
            "ENVIRONMENT_BROWSER", ("drag_and_drop",), True, ("ACCOUNT_CREATION",)
        ),
    ),
    tool(
        "files",
        {"file_search": {"file_search_store_names": ["s/a"], "top_k": 3, "metadata_filter": "a=1"}},
        file_search=tools.FileSearch(("s/a",), 3, "a=1"),
    ),
    tool(
        "MCP",
        {
            "mcp_servers": [
                {
                    "name": "m",
                    "streamable_http_transport": {
                        "url": "https://h/",
                        "headers": {"x_y": "z"},
                        "timeout": "5s",
                    },
                }
            ]
        },
        mcp_servers=(
            tools.McpServer(
                "m", tools.StreamableHttpTransport("https://h/", {"x_y": "z"}, timeout="5s")
            ),
        ),
    ),
    tool(
        "retrieval",
        {"retrieval": {"vertex_ai_search": {"datastore": "d", "max_results": 3}}},
        retrieval=Retrieval(VertexAISearch("d", max_results=3)),
    ),
    tool(
        "retrieval from a store",
        {
            "retrieval": {
                "vertex_rag_store": {
                    "rag_resources": [{"rag_corpus": "c", "rag_file_ids": ["1"]}],
                    "store_context": True,
                }
            }
        },
        retrieval=Retrieval(
            vertex_rag_store=VertexRagStore(
                (VertexRagStoreRagResource("c", ("1",)),), store_context=True
            )
        ),
    ),
    tool(
        "search for enterprises",
        {"enterprise_web_search": {"exclude_domains": ["example.com"]}},
        enterprise_web_search=tools.EnterpriseWebSearch(("example.com",)),
    ),
    tool(
        "search by Parallel.ai",
        {"parallel_ai_search": {"api_key": "k", "custom_configs": {"a_b": {"c_d": 1}}}},
        parallel_ai_search=tools.ToolParallelAiSearch("k", {"a_b": {"c_d": 1}}),
    ),
    tool(
        "search by Exa.ai",
        {"exa_ai_search": {"api_key": "k", "custom_configs": {"a_b": 1}}},
        exa_ai_search=tools.ToolExaAiSearch("k", {"a_b": 1}),
    ),
    config(
        "tools: several",
        {"tools": [{"function_declarations": [{"name": "a"}]}, {"google_search": {}}]},
        {"tools": [FunctionDeclaration("a"), Tool(google_search=tools.GoogleSearch())]},
    ),
]
