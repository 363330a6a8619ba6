"""Where the service is and how this program is known there: URL, headers, model names.

    address       what all endpoints have in common: Address, Endpoint, checks of URLs and headers
    credentials   access tokens from google-auth or from a function, in worker threads
    google_ai     the Gemini Developer API
    vertex        Vertex AI
    custom        any other URL
    environment   the endpoint that the environment variables describe

What must not be here: connections. Secrets go into headers, never into a URL, a repr or an error.
"""

from trio_live.endpoints.address import (
    Address,
    Endpoint,
    check_endpoint,
    is_loopback,
    without_query,
)
from trio_live.endpoints.credentials import Credentials, GoogleCredentials
from trio_live.endpoints.custom import Custom
from trio_live.endpoints.environment import (
    API_KEY_VARIABLES,
    from_environment,
    key_from_environment,
    wants_vertex,
)
from trio_live.endpoints.google_ai import GoogleAI
from trio_live.endpoints.vertex import VertexAI

__all__ = [
    "API_KEY_VARIABLES",
    "Address",
    "Credentials",
    "Custom",
    "Endpoint",
    "GoogleAI",
    "GoogleCredentials",
    "VertexAI",
    "check_endpoint",
    "from_environment",
    "is_loopback",
    "key_from_environment",
    "wants_vertex",
    "without_query",
]
