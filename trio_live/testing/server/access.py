"""Who may connect, and where: the service's paths and credentials.

Source: google-genai 3.4.0 `live.py` (the URLs and headers that clients send) and the Live API
reference.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import parse_qsl

from .shapes import Refusal

UNREGISTERED_CALLER: Final = (
    "Method doesn't allow unregistered callers (callers without established identity). Please use "
    "API Key or other form of API consumer identity to call this API."
)
INVALID_KEY: Final = "API key not valid. Please pass a valid API key."

# The SDKs write a double slash when their base URL ends in one (js-genai issue 691).
_GEMINI_PATH: Final = re.compile(
    r"/{1,2}ws/google\.ai\.generativelanguage\.(v1|v1beta|v1alpha)"
    r"\.GenerativeService\.(BidiGenerateContent|BidiGenerateContentConstrained|BidiGenerateMusic)"
)
_VERTEX_PATH: Final = re.compile(
    r"/{1,2}ws/google\.cloud\.aiplatform\.(v1|v1beta1)\.LlmBidiService/BidiGenerateContent"
)


class Platform(Enum):
    """The two services that speak this protocol."""

    GEMINI = "Gemini Developer API"
    VERTEX = "Vertex AI"


@dataclass(frozen=True, slots=True)
class Entrance:
    """What the path of an upgrade request asks for.

    Attributes:
        platform: which of the two services.
        version: the API version in the path, such as "v1beta".
        constrained: whether it is the method for ephemeral tokens.
        music: whether it is the method of music sessions.
    """

    platform: Platform
    version: str
    constrained: bool
    music: bool = False


@dataclass(frozen=True, slots=True)
class Rejection:
    """An upgrade that is refused with an HTTP status instead of a WebSocket close."""

    status: int
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRules:
    """Which credentials are good.

    Attributes:
        api_keys: the valid keys; None accepts any that is not empty.
        bearer_tokens: the valid OAuth tokens; None accepts any that is not empty.
        reject_with_http: answer bad credentials with HTTP 401 or 403 at the upgrade, as proxies
            and gateways do, instead of accepting the upgrade and closing.
    """

    api_keys: Collection[str] | None = None
    bearer_tokens: Collection[str] | None = None
    reject_with_http: bool = False

    def check(
        self, entrance: Entrance, headers: Mapping[str, str], query: str
    ) -> Rejection | Refusal | None:
        """Return why the caller is turned away, or None when it may come in."""
        parameters = dict(parse_qsl(query))
        scheme, _, credential = headers.get("authorization", "").partition(" ")
        key = headers.get("x-goog-api-key", "")
        if entrance.constrained:
            found = token_of(headers, query)
            return None if found.startswith("auth_tokens/") else self._turn_away(missing=True)
        if scheme == "Bearer" and credential:
            good = self.bearer_tokens is None or credential in self.bearer_tokens
            # OAuth tokens are checked at the upgrade.
            return None if good else Rejection(401, "Request had invalid authentication.")
        if entrance.platform is Platform.GEMINI:
            key = key or parameters.get("key", "")
        if not key or key.startswith("auth_tokens/"):
            return self._turn_away(missing=True)
        if self.api_keys is None or key in self.api_keys:
            return None
        return self._turn_away(missing=False)

    def judge_unknown_token(self) -> Refusal | None:
        """Return why an ephemeral token that was not issued here is no good, or None if it is."""
        return None if self.api_keys is None else Refusal(1008, "Token is not valid.")

    def _turn_away(self, *, missing: bool) -> Rejection | Refusal:
        if self.reject_with_http:
            return Rejection(403, UNREGISTERED_CALLER) if missing else Rejection(401, INVALID_KEY)
        return Refusal(1008, UNREGISTERED_CALLER) if missing else Refusal(1007, INVALID_KEY)


def token_of(headers: Mapping[str, str], query: str) -> str:
    """Return the ephemeral token that a request carries, or an empty string."""
    scheme, _, credential = headers.get("authorization", "").partition(" ")
    return credential if scheme == "Token" else dict(parse_qsl(query)).get("access_token", "")


def find_entrance(path: str) -> Entrance | None:
    """Return what `path` (without its query) asks for, or None where the service has nothing."""
    if found := _GEMINI_PATH.fullmatch(path):
        method = found[2]
        return Entrance(
            Platform.GEMINI,
            found[1],
            constrained=method.endswith("Constrained"),
            music=method == "BidiGenerateMusic",
        )
    if found := _VERTEX_PATH.fullmatch(path):
        return Entrance(Platform.VERTEX, found[1], constrained=False)
    return None
