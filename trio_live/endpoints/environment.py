"""The endpoint that the environment variables describe, as google-genai understands them.

Source: google-genai 3.4.0 `_api_client.py` (BaseApiClient.__init__, get_env_api_key) and
`_base_url.py`, read November 2026; tests/test_endpoints_genai.py compares the two. What differs, on
purpose:

- A key of nothing but spaces does not count.
- GOOGLE_VERTEX_BASE_URL counts for Vertex AI and GOOGLE_GEMINI_BASE_URL for the Gemini API;
  google-genai takes the latter for both, unless Vertex AI was asked for by an argument.
- An ephemeral token in place of a key goes to v1alpha, where google-genai warns and takes v1.
- A project is not looked up in the application default credentials: it must be told.
"""

from __future__ import annotations

import os
from typing import Final

from trio_live.endpoints.address import Endpoint
from trio_live.endpoints.custom import Custom
from trio_live.endpoints.google_ai import HOST, TOKEN_PREFIX, GoogleAI
from trio_live.endpoints.vertex import VERSION as VERTEX_VERSION
from trio_live.endpoints.vertex import VertexAI, publisher_name
from trio_live.errors import ConfigError
from trio_live.wire.marks import Platform

API_KEY_VARIABLES: Final = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
# The first that is set decides, also if it says no.
VERTEX_VARIABLES: Final = ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI")


def from_environment() -> Endpoint:
    """Make an endpoint from the environment variables that google-genai reads.

    GOOGLE_GENAI_USE_VERTEXAI (or GOOGLE_GENAI_USE_ENTERPRISE, which wins) being "true" or "1" means
    Vertex AI: with the application default credentials in GOOGLE_CLOUD_PROJECT and
    GOOGLE_CLOUD_LOCATION ("global" if unset), or, if neither is set, in express mode with the API
    key. Else it is the Gemini Developer API with the key. The key is that of GOOGLE_API_KEY, or
    else of GEMINI_API_KEY. GOOGLE_GENAI_API_VERSION ("beta" or a version), GOOGLE_GEMINI_BASE_URL
    and GOOGLE_VERTEX_BASE_URL change the rest. A base URL for Vertex AI outside googleapis.com,
    without express mode, is a gateway: it is used as it is, without credentials.

    Raises:
        ConfigError: Something is missing; the message says what was looked for.
    """
    return _vertex() if wants_vertex() else _gemini()


def key_from_environment() -> tuple[str, str]:
    """Give the variable that holds an API key, and the key; two empty texts if none does."""
    for name in API_KEY_VARIABLES:
        if key := _read(name):
            return name, key
    return "", ""


def _read(name: str) -> str:
    return os.environ.get(name, "").strip()


def wants_vertex() -> bool:
    """Say whether the environment asks for Vertex AI."""
    for name in VERTEX_VARIABLES:
        if name in os.environ:
            return os.environ[name].lower() in ("true", "1")
    return False


def _version(beta: str) -> str | None:
    """Give the version that the environment asks for; None leaves it to the endpoint."""
    said = _read("GOOGLE_GENAI_API_VERSION")
    return beta if said == "beta" else said or None


def _gemini() -> Endpoint:
    _, key = key_from_environment()
    if not key:
        raise ConfigError(
            "no endpoint was given and the environment has no API key: set "
            f"{' or '.join(API_KEY_VARIABLES)}, or pass endpoint=GoogleAI(api_key=...); for Vertex "
            "AI set GOOGLE_GENAI_USE_VERTEXAI=true"
        )
    base = _read("GOOGLE_GEMINI_BASE_URL") or HOST
    if key.startswith(TOKEN_PREFIX):
        return GoogleAI(token=key, base_url=base, api_version=_version("v1beta"))
    return GoogleAI(key, base_url=base, api_version=_version("v1beta"))


def _vertex() -> Endpoint:
    project, location = _read("GOOGLE_CLOUD_PROJECT"), _read("GOOGLE_CLOUD_LOCATION")
    base = _read("GOOGLE_VERTEX_BASE_URL") or None
    version = _version(VERTEX_VERSION) or VERTEX_VERSION
    # Project and location come before a key, one alone as well.
    key = "" if project or location else key_from_environment()[1]
    if key:
        return VertexAI(api_key=key, base_url=base, api_version=version)
    if base is not None and not (project and base.endswith(".googleapis.com")):
        return Custom(base, model_name=publisher_name, platform=Platform.VERTEX)
    if not project:
        raise ConfigError(
            "the environment asks for Vertex AI and names no project: set GOOGLE_CLOUD_PROJECT (and"
            " GOOGLE_CLOUD_LOCATION), or neither of them and, for express mode, "
            f"{' or '.join(API_KEY_VARIABLES)}; or pass endpoint=VertexAI(...)"
        )
    return VertexAI(project, location or "global", base_url=base, api_version=version)
