"""How the service's tools authenticate where they look things up.

What lives here: credentials inside tool settings. All of them are secrets or name secrets; none is
shown in a repr. Source: google-genai 3.4 `types.AuthConfig`, `types.ApiAuth`, read November 2026.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from trio_live.wire.base import Wire
from trio_live.wire.marks import Vertex, known

AuthType: TypeAlias = Annotated[
    str,
    known(
        "AUTH_TYPE_UNSPECIFIED",
        "NO_AUTH",
        "API_KEY_AUTH",
        "HTTP_BASIC_AUTH",
        "GOOGLE_SERVICE_ACCOUNT_AUTH",
        "OAUTH",
        "OIDC_AUTH",
    ),
]
"""How a tool authenticates."""

HttpElementLocation: TypeAlias = Annotated[
    str,
    known(
        "HTTP_IN_UNSPECIFIED",
        "HTTP_IN_QUERY",
        "HTTP_IN_HEADER",
        "HTTP_IN_PATH",
        "HTTP_IN_BODY",
        "HTTP_IN_COOKIE",
    ),
]
"""Where an API key is put in a request."""


class ApiAuthApiKeyConfig(Wire, frozen=True):
    """An API key: itself, or the Secret Manager version that holds it."""

    api_key_secret_version: str | None = None
    api_key_string: str | None = None


class ApiAuth(Wire, frozen=True):
    """The older form of AuthConfig. Deprecated."""

    api_key_config: ApiAuthApiKeyConfig | None = None


class ApiKeyConfig(Wire, frozen=True):
    """An API key and how it is sent.

    Attributes:
        api_key_secret: The Secret Manager version that holds it.
        api_key_string: Or the key itself.
        http_element_location: Where in the request it goes.
        name: The name of the parameter or header.
    """

    api_key_secret: str | None = None
    api_key_string: str | None = None
    http_element_location: HttpElementLocation | None = None
    name: str | None = None


class AuthConfigGoogleServiceAccountConfig(Wire, frozen=True):
    """A service account that the tool acts as."""

    service_account: str | None = None


class AuthConfigHttpBasicAuthConfig(Wire, frozen=True):
    """The Secret Manager version that holds name and password."""

    credential_secret: str | None = None


class AuthConfigOauthConfig(Wire, frozen=True):
    """An access token, or the service account that makes one."""

    access_token: str | None = None
    service_account: str | None = None


class AuthConfigOidcConfig(Wire, frozen=True):
    """An OpenID Connect token, or the service account that makes one."""

    id_token: str | None = None
    service_account: str | None = None


class AuthConfig(Wire, frozen=True):
    """How a tool authenticates: `auth_type` says which of the fields holds.

    Attributes:
        api_key: An API key, the only way that the Gemini API knows.
        auth_type: Which of the others holds.
        api_key_config: An API key and how it is sent.
        google_service_account_config: A service account.
        http_basic_auth_config: Name and password.
        oauth_config: OAuth.
        oidc_config: OpenID Connect.
    """

    api_key: str | None = None
    auth_type: Vertex[AuthType | None] = None
    api_key_config: Vertex[ApiKeyConfig | None] = None
    google_service_account_config: Vertex[AuthConfigGoogleServiceAccountConfig | None] = None
    http_basic_auth_config: Vertex[AuthConfigHttpBasicAuthConfig | None] = None
    oauth_config: Vertex[AuthConfigOauthConfig | None] = None
    oidc_config: Vertex[AuthConfigOidcConfig | None] = None
