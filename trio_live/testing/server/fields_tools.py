"""The fields of tools and of schemas, as data; see fields.py for sources."""

from __future__ import annotations

from typing import Final

from .grammar import (
    ANYTHING,
    BOOL,
    DURATION,
    EMPTY,
    FLOAT,
    INT32,
    INT64,
    ITSELF,
    OBJECT,
    STRING,
    STRINGS,
    TIMESTAMP,
    MapOf,
    Message,
    Repeated,
    choice,
    only_gemini,
    only_vertex,
)

_TYPES: Final = ("STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL")
SCHEMA: Final = Message(
    {
        # Enum values are read in any case, and JSON Schema's "string" is what people write.
        "type": choice("TYPE_UNSPECIFIED", *_TYPES, *(name.lower() for name in _TYPES)),
        "description": STRING,
        "title": STRING,
        "properties": MapOf(ITSELF),
        "required": STRINGS,
        "propertyOrdering": STRINGS,
        "additionalProperties": ANYTHING,
        "items": ITSELF,
        "enum": STRINGS,
        "format": STRING,
        "nullable": BOOL,
        "anyOf": Repeated(ITSELF),
        "default": ANYTHING,
        "example": ANYTHING,
        "minimum": FLOAT,
        "maximum": FLOAT,
        "minLength": INT64,
        "maxLength": INT64,
        "minItems": INT64,
        "maxItems": INT64,
        "minProperties": INT64,
        "maxProperties": INT64,
        "pattern": STRING,
        "defs": MapOf(ITSELF),
        "ref": STRING,
    }
)
FUNCTION_DECLARATION: Final = Message(
    {
        "name": STRING,
        "description": STRING,
        "parameters": SCHEMA,
        "parametersJsonSchema": ANYTHING,
        "response": SCHEMA,
        "responseJsonSchema": ANYTHING,
        "behavior": choice("UNSPECIFIED", "BLOCKING", "NON_BLOCKING"),
    }
)
_CONFIDENCE: Final = choice(
    "PHISH_BLOCK_THRESHOLD_UNSPECIFIED",
    "BLOCK_LOW_AND_ABOVE",
    "BLOCK_MEDIUM_AND_ABOVE",
    "BLOCK_HIGH_AND_ABOVE",
    "BLOCK_HIGHER_AND_ABOVE",
    "BLOCK_VERY_HIGH_AND_ABOVE",
    "BLOCK_ONLY_EXTREMELY_HIGH",
)
_AUTH: Final = Message(
    {
        "apiKey": STRING,
        "apiKeyConfig": only_vertex(
            Message(
                {
                    "apiKeySecret": STRING,
                    "apiKeyString": STRING,
                    "httpElementLocation": choice(
                        "HTTP_IN_UNSPECIFIED",
                        "HTTP_IN_QUERY",
                        "HTTP_IN_HEADER",
                        "HTTP_IN_PATH",
                        "HTTP_IN_BODY",
                        "HTTP_IN_COOKIE",
                    ),
                    "name": STRING,
                }
            )
        ),
        "authType": only_vertex(
            choice(
                "AUTH_TYPE_UNSPECIFIED",
                "NO_AUTH",
                "API_KEY_AUTH",
                "HTTP_BASIC_AUTH",
                "GOOGLE_SERVICE_ACCOUNT_AUTH",
                "OAUTH",
                "OIDC_AUTH",
            )
        ),
        "googleServiceAccountConfig": only_vertex(Message({"serviceAccount": STRING})),
        "httpBasicAuthConfig": only_vertex(Message({"credentialSecret": STRING})),
        "oauthConfig": only_vertex(Message({"accessToken": STRING, "serviceAccount": STRING})),
        "oidcConfig": only_vertex(Message({"idToken": STRING, "serviceAccount": STRING})),
    }
)
_RAG_RETRIEVAL: Final = Message(
    {
        "topK": INT32,
        "filter": Message(
            {
                "metadataFilter": STRING,
                "vectorDistanceThreshold": FLOAT,
                "vectorSimilarityThreshold": FLOAT,
            }
        ),
        "hybridSearch": Message({"alpha": FLOAT}),
        "ranking": Message(
            {
                "llmRanker": Message({"modelName": STRING}),
                "rankService": Message({"modelName": STRING}),
            }
        ),
    }
)
_RETRIEVAL: Final = Message(
    {
        "disableAttribution": BOOL,
        "vertexAiSearch": Message(
            {
                "datastore": STRING,
                "engine": STRING,
                "dataStoreSpecs": Repeated(Message({"dataStore": STRING, "filter": STRING})),
                "filter": STRING,
                "maxResults": INT32,
            }
        ),
        "vertexRagStore": Message(
            {
                "ragCorpora": STRINGS,
                "ragResources": Repeated(Message({"ragCorpus": STRING, "ragFileIds": STRINGS})),
                "ragRetrievalConfig": _RAG_RETRIEVAL,
                "similarityTopK": INT32,
                "storeContext": BOOL,
                "vectorDistanceThreshold": FLOAT,
            }
        ),
        "externalApi": Message(
            {
                "endpoint": STRING,
                "apiSpec": choice("API_SPEC_UNSPECIFIED", "SIMPLE_SEARCH", "ELASTIC_SEARCH"),
                "authConfig": _AUTH,
                "apiAuth": Message(
                    {
                        "apiKeyConfig": Message(
                            {"apiKeySecretVersion": STRING, "apiKeyString": STRING}
                        )
                    }
                ),
                "elasticSearchParams": Message(
                    {"index": STRING, "numHits": INT32, "searchTemplate": STRING}
                ),
                "simpleSearchParams": EMPTY,
            }
        ),
    }
)
TOOL: Final = Message(
    {
        "functionDeclarations": Repeated(FUNCTION_DECLARATION),
        "googleSearch": Message(
            {
                "searchTypes": Message({"webSearch": EMPTY, "imageSearch": EMPTY}),
                "timeRangeFilter": Message({"startTime": TIMESTAMP, "endTime": TIMESTAMP}),
                "excludeDomains": only_vertex(STRINGS),
                "blockingConfidence": only_vertex(_CONFIDENCE),
            }
        ),
        "googleSearchRetrieval": Message(
            {
                "dynamicRetrievalConfig": Message(
                    {
                        "mode": choice("MODE_UNSPECIFIED", "MODE_DYNAMIC"),
                        "dynamicThreshold": FLOAT,
                    }
                )
            }
        ),
        "googleMaps": Message(
            {
                "authConfig": _AUTH,
                "groundingTypes": only_vertex(Message({"places": EMPTY, "routing": EMPTY})),
                "enableWidget": BOOL,
            }
        ),
        "codeExecution": EMPTY,
        "computerUse": Message(
            {
                "environment": choice(
                    "ENVIRONMENT_UNSPECIFIED",
                    "ENVIRONMENT_BROWSER",
                    "ENVIRONMENT_MOBILE",
                    "ENVIRONMENT_DESKTOP",
                ),
                "excludedPredefinedFunctions": STRINGS,
                "enablePromptInjectionDetection": BOOL,
                "disabledSafetyPolicies": Repeated(
                    choice(
                        "SAFETY_POLICY_UNSPECIFIED",
                        "FINANCIAL_TRANSACTIONS",
                        "SENSITIVE_DATA_MODIFICATION",
                        "COMMUNICATION_TOOL",
                        "ACCOUNT_CREATION",
                        "DATA_MODIFICATION",
                        "USER_CONSENT_MANAGEMENT",
                        "LEGAL_TERMS_AND_AGREEMENTS",
                    )
                ),
            }
        ),
        "urlContext": EMPTY,
        "mcpServers": Repeated(
            Message(
                {
                    "name": only_gemini(STRING),
                    "streamableHttpTransport": only_gemini(
                        Message(
                            {
                                "url": STRING,
                                "headers": MapOf(STRING),
                                "timeout": DURATION,
                                "sseReadTimeout": DURATION,
                                "terminateOnClose": BOOL,
                            }
                        )
                    ),
                }
            )
        ),
        "fileSearch": only_gemini(
            Message({"fileSearchStoreNames": STRINGS, "topK": INT32, "metadataFilter": STRING})
        ),
        "retrieval": only_vertex(_RETRIEVAL),
        "enterpriseWebSearch": only_vertex(
            Message({"excludeDomains": STRINGS, "blockingConfidence": _CONFIDENCE})
        ),
        "parallelAiSearch": only_vertex(
            Message(
                {
                    "apiKey": STRING,
                    "customConfigs": OBJECT,
                    "enableZeroDataRetention": BOOL,
                    "enableDataRetention": BOOL,
                }
            )
        ),
        "exaAiSearch": only_vertex(Message({"apiKey": STRING, "customConfigs": OBJECT})),
    }
)
TOOL_CONFIG: Final = Message(
    {
        "functionCallingConfig": Message(
            {
                "mode": choice("MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"),
                "allowedFunctionNames": STRINGS,
                "streamFunctionCallArguments": only_vertex(BOOL),
            }
        ),
        "retrievalConfig": Message(
            {"latLng": Message({"latitude": FLOAT, "longitude": FLOAT}), "languageCode": STRING}
        ),
        "includeServerSideToolInvocations": only_gemini(BOOL),
    }
)
