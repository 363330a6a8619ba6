"""The Gemini Developer API: with an API key, an ephemeral token, or an OAuth access token.

Source: google-genai 3.4.0 `live.py` (AsyncLive.connect) and `_api_client.py`, read November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Final

from trio_live.endpoints.address import (
    Address,
    Headers,
    address_of,
    base_url,
    check_headers,
    check_key,
    check_model,
    check_name,
    without_query,
)
from trio_live.endpoints.credentials import Credentials, TokenSource
from trio_live.errors import ConfigError
from trio_live.wire.marks import Platform

HOST: Final = "wss://generativelanguage.googleapis.com"
TOKEN_PREFIX: Final = "auth_tokens/"
# google-genai 3.4's default for keys. For tokens it warns about any version but v1alpha.
KEY_VERSION: Final = "v1"
TOKEN_VERSION: Final = "v1alpha"
# "Live Music API reference", ai.google.dev, read November 2026; later pages also say v1beta.
MUSIC_VERSION: Final = "v1alpha"


class GoogleAI:
    """The Gemini Developer API. Give it exactly one of the first three arguments.

    Args:
        api_key: An API key; sent as a header, never in the URL.
        token: An ephemeral token, "auth_tokens/..." (see `trio_live.tokens.create`); it goes to the
            service's constrained method.
        credentials: OAuth access tokens: `google.auth` credentials, or a function that gives a
            token, see `VertexAI`.
        base_url: Another host that speaks the same protocol; http(s) and ws(s) both serve.
        api_version: None for "v1", or "v1alpha" with an ephemeral token and for music; "v1alpha"
            also has early features.
        quota_project: The project that pays for calls with OAuth; None for the credentials' own.
        headers: More headers for the upgrade; they win over those of the endpoint. Their values
            count as secrets.
        insecure: Allow ws:// to a host that is not this machine; the key then travels in the clear.

    Raises:
        ConfigError: There are no credentials or several, one of them cannot be a header, or the URL
            is unusable or insecure.
    """

    platform: Platform | None = Platform.GEMINI

    def __init__(
        self,
        api_key: str | None = None,
        *,
        token: str | None = None,
        credentials: Credentials | None = None,
        base_url: str = HOST,
        api_version: str | None = None,
        quota_project: str | None = None,
        headers: Mapping[str, str] | None = None,
        insecure: bool = False,
    ) -> None:
        given = sum(each is not None for each in (api_key, token, credentials))
        if given > 1:
            raise ConfigError("api_key, token and credentials exclude each other: give one")
        if not given:
            raise ConfigError(
                "give api_key, token or credentials; open_session(endpoint=None) reads the "
                "environment"
            )
        if quota_project is not None and credentials is None:
            raise ConfigError("quota_project goes with credentials only: a key has its own project")
        self._own: Headers = ()
        self._source: TokenSource | None = None
        self._has_token = token is not None
        if token is not None:
            self._own = (("Authorization", f"Token {_check_token(token)}"),)
        elif credentials is not None:
            self._source = TokenSource(credentials, quota_project)
        else:
            self._own = (("x-goog-api-key", _check_api_key(api_key)),)
        if api_version is not None:
            check_name("api_version", api_version, "v1beta")
        self._version = api_version
        self._root = _base_url(base_url, insecure=insecure)
        if token is None:
            self._url = self._url_of("BidiGenerateContent", KEY_VERSION)
        else:
            self._url = self._url_of("BidiGenerateContentConstrained", TOKEN_VERSION)
        self._headers = check_headers(headers)

    @property
    def api_version(self) -> str:
        """The version of the API that sessions go to."""
        return self._version or (TOKEN_VERSION if self._has_token else KEY_VERSION)

    async def resolve(self) -> Address:
        """Give the URL and the credentials' headers.

        Raises:
            CredentialsError: No access token could be had.

        Cancellation: atomic. If cancelled, nothing changed.
        """
        own = self._own if self._source is None else await self._source.headers()
        return address_of(self._url, own, self._headers)

    def model_name(self, model: str) -> str:
        """Put "models/" before a bare name.

        Raises:
            ConfigError: It cannot be a model's name.
        """
        name = check_model(model)
        return name if name.startswith(("models/", "tunedModels/")) else f"models/{name}"

    def for_music(self) -> GoogleAI:
        """Give the endpoint of music sessions at the same place; `open_music_session` asks for it.

        Raises:
            ConfigError: There is an ephemeral token, which opens Live sessions only: the service
                has a constrained method for these alone.
        """
        if self._has_token:
            raise ConfigError(
                "an ephemeral token opens Live sessions only; a music session needs an api_key or "
                "credentials"
            )
        music = copy(self)
        music._url = self._url_of("BidiGenerateMusic", MUSIC_VERSION)
        return music

    def _url_of(self, method: str, default_version: str) -> str:
        version = self._version or default_version
        service = f"google.ai.generativelanguage.{version}.GenerativeService"
        return f"{self._root}/ws/{service}.{method}"

    def __repr__(self) -> str:
        return f"<GoogleAI {without_query(self._url)}>"


def _check_api_key(api_key: object) -> str:
    key = check_key("api_key", api_key)
    if key.startswith(TOKEN_PREFIX):
        raise ConfigError("api_key holds an ephemeral token: give it as GoogleAI(token=...)")
    return key


def _check_token(token: str) -> str:
    if not check_key("token", token).startswith(TOKEN_PREFIX):
        raise ConfigError(
            f'token must be the name of an ephemeral token, which begins with "{TOKEN_PREFIX}"; an '
            "API key is given as api_key=..., OAuth as credentials=..."
        )
    return token


_base_url = base_url  # the argument of the same name hides it
