"""Vertex AI: with OAuth in a project, or in express mode with an API key.

Source: google-genai 3.4.0 `live.py` (AsyncLive.connect), `_api_client.py` and
`_transformers.t_model`, read November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
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

VERSION: Final = "v1beta1"  # google-genai 3.4's default; "v1" is the other one
MULTI_REGIONS: Final = ("us", "eu")


class VertexAI:
    """Vertex AI, in a project with OAuth, or in express mode with an API key alone.

    Args:
        project: The Google Cloud project.
        location: A region such as "us-central1", a multi-region ("us" or "eu"), or "global".
        credentials: Gives the OAuth access token, anew for each connection: `google.auth`
            credentials (refreshed in a worker thread when their token is old), or a function that
            gives a token (an async one is awaited, a plain one runs in a worker thread). None for
            the application default credentials. Credentials and None need the extra `vertex`.
        api_key: Express mode: an API key of Vertex AI instead of project and credentials.
        base_url: Another host that speaks the same protocol; http(s) and ws(s) both serve. For a
            gateway that wants no path of ours, use `Custom`.
        api_version: "v1beta1" or "v1".
        quota_project: The project that pays; None for the one that the credentials name, if any.
        headers: More headers for the upgrade; they win over those of the endpoint. Their values
            count as secrets.
        insecure: Allow ws:// to a host that is not this machine; tokens then travel in the clear.

    Raises:
        ConfigError: Arguments are missing, exclude each other or cannot be sent, or the URL is
            unusable or insecure.
    """

    platform: Platform | None = Platform.VERTEX

    def __init__(
        self,
        project: str | None = None,
        location: str = "global",
        *,
        credentials: Credentials | None = None,
        api_key: str | None = None,
        base_url: str | None = None,
        api_version: str = VERSION,
        quota_project: str | None = None,
        headers: Mapping[str, str] | None = None,
        insecure: bool = False,
    ) -> None:
        check_name("location", location, "us-central1")
        version = check_name("api_version", api_version, VERSION)
        self._own: Headers = ()
        self._source: TokenSource | None = None
        self._resources = ""  # what goes before a model's publisher
        if api_key is not None:
            if project is not None or credentials is not None or quota_project is not None:
                raise ConfigError(
                    "api_key is Vertex AI's express mode, without project, credentials and "
                    "quota_project: leave them out, or the key"
                )
            self._own = (("x-goog-api-key", check_key("api_key", api_key)),)
        elif project is None:
            raise ConfigError("VertexAI needs a project, or in express mode an api_key")
        else:
            # Old projects have a domain: "example.com:name".
            check_name("project", project.replace(":", "-"), "my-project")
            self._source = TokenSource(credentials, quota_project)
            self._resources = f"projects/{project}/locations/{location}/"
        root = _base_url(base_url or f"wss://{host_of(location)}", insecure=insecure)
        self._url = (
            f"{root}/ws/google.cloud.aiplatform.{version}.LlmBidiService/BidiGenerateContent"
        )
        self._headers = check_headers(headers)

    async def resolve(self) -> Address:
        """Give the URL and the credentials' headers; in a project with a token that is fresh.

        Raises:
            CredentialsError: No access token could be had.

        Cancellation: atomic. If cancelled, nothing changed; a worker thread that is refreshing a
        token is left to itself.
        """
        own = self._own if self._source is None else await self._source.headers()
        return address_of(self._url, own, self._headers)

    def model_name(self, model: str) -> str:
        """Give a model's resource name: "name", "publisher/name" or any part of the whole.

        Raises:
            ConfigError: It cannot be a model's name.
        """
        name = publisher_name(model)
        return self._resources + name if name.startswith("publishers/") else name

    def __repr__(self) -> str:
        return f"<VertexAI {without_query(self._url)}>"


def host_of(location: str) -> str:
    """Give the host of a location; "global" has no prefix, and multi-regions have a domain."""
    if location == "global":
        return "aiplatform.googleapis.com"
    if location in MULTI_REGIONS:
        return f"aiplatform.{location}.rep.googleapis.com"
    return f"{location}-aiplatform.googleapis.com"


def publisher_name(model: str) -> str:
    """Give a model's resource name without a project; Google is the publisher if none is named.

    Raises:
        ConfigError: It cannot be a model's name.
    """
    name = check_model(model)
    if name.startswith(("projects/", "models/", "publishers/")):
        return name
    publisher, slash, rest = name.partition("/")
    return f"publishers/{publisher}/models/{rest}" if slash else f"publishers/google/models/{name}"


_base_url = base_url  # the argument of the same name hides it
