"""Where the service is and how this program is known there: URL, headers, model names.

What lives here: the Endpoint protocol, GoogleAI (the Gemini Developer API) and Custom. What must
not: I/O. Secrets go into headers, never into a URL, a repr or an error.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import unquote_plus, urlsplit, urlunsplit

from trio_live.errors import ConfigError

# google-genai 3.4 reads these two, in this order (its _api_client.py, read November 2026).
API_KEY_VARIABLES: Final = ("GOOGLE_API_KEY", "GEMINI_API_KEY")

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2


@dataclass(frozen=True, slots=True)
class Address:
    """Where one connection goes.

    Attributes:
        url: A ws or wss URL.
        headers: HTTP headers for the upgrade.
        secrets: Texts that must not appear in anything that is shown.
    """

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Address {without_query(self.url)}>"


class Endpoint(Protocol):
    """What open_session needs to know of a place to connect to."""

    async def resolve(self) -> Address:
        """Give the address of one connection; called anew for each, so that tokens are fresh."""
        ...

    def model_name(self, model: str) -> str:
        """Give a model's name as this platform spells it."""
        ...


class GoogleAI:
    """The Gemini Developer API, with an API key (sent as a header, never in the URL).

    Args:
        api_key: The key.
        base_url: Another host that speaks the same protocol; http(s) and ws(s) both serve.
        api_version: "v1beta", or "v1alpha" for early features.
        insecure: Allow ws:// to a host that is not this machine; the key then travels in the clear.

    Raises:
        ConfigError: The key is empty or cannot be a header, or the URL is unusable or insecure.
    """

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str = "wss://generativelanguage.googleapis.com",
        api_version: str = "v1beta",
        insecure: bool = False,
    ) -> None:
        if not api_key or not _is_header_value(api_key) or " " in api_key:
            raise ConfigError(
                "api_key must be a text that is not empty and has neither spaces nor line ends"
            )
        if not _TOKEN.fullmatch(api_version):
            raise ConfigError('api_version must be a name, such as "v1beta"')
        root = _websocket_url(base_url, insecure=insecure).rstrip("/")
        if "?" in root:
            raise ConfigError("base_url must not have a query: a path is put behind it")
        self._api_key = api_key
        self._url = (
            f"{root}/ws/google.ai.generativelanguage.{api_version}"
            ".GenerativeService.BidiGenerateContent"
        )

    async def resolve(self) -> Address:
        """Give the URL and the key's header."""
        secrets = (self._api_key, *_secrets_of(self._url))
        return Address(self._url, (("x-goog-api-key", self._api_key),), secrets)

    def model_name(self, model: str) -> str:
        """Put "models/" before a bare name."""
        return model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"

    def __repr__(self) -> str:
        return f"<GoogleAI {without_query(self._url)}>"


class Custom:
    """Any other place that speaks the protocol: the URL is used as it is, model names too.

    Args:
        url: A ws, wss, http or https URL, path and query included.
        headers: Sent with the upgrade. Their values count as secrets.
        insecure: Allow ws:// to a host that is not this machine.

    Raises:
        ConfigError: The URL is unusable or insecure, or a header cannot be one.
    """

    def __init__(
        self, url: str, *, headers: Mapping[str, str] | None = None, insecure: bool = False
    ) -> None:
        self._url = _websocket_url(url, insecure=insecure)
        self._headers = tuple((headers or {}).items())
        for name, value in self._headers:
            if not _is_header_value(name) or not _TOKEN.fullmatch(name):
                raise ConfigError(f"headers has {name!r}, which cannot be the name of a header")
            if not _is_header_value(value):
                raise ConfigError(f"headers[{name!r}] cannot be sent: it must be one line of ASCII")

    async def resolve(self) -> Address:
        """Give the URL and headers; the values of headers and query are secrets."""
        values = (value for _, value in self._headers if value)
        return Address(self._url, self._headers, (*values, *_secrets_of(self._url)))

    def model_name(self, model: str) -> str:
        """Leave the name as it is."""
        return model

    def __repr__(self) -> str:
        return f"<Custom {without_query(self._url)}>"


def from_environment() -> GoogleAI:
    """Make an endpoint from GOOGLE_API_KEY or else GEMINI_API_KEY.

    Raises:
        ConfigError: Neither is set.
    """
    _, key = key_from_environment()
    if key:
        return GoogleAI(key)
    raise ConfigError(
        "no endpoint was given and the environment has no API key: set "
        f"{' or '.join(API_KEY_VARIABLES)}, or pass endpoint=GoogleAI(api_key=...)"
    )


def key_from_environment() -> tuple[str, str]:
    """Give the variable that holds an API key, and the key; two empty texts if none does."""
    for name in API_KEY_VARIABLES:
        if key := os.environ.get(name, "").strip():
            return name, key
    return "", ""


def without_query(url: str) -> str:
    """Give a URL without query and user information, which may hold secrets."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def is_loopback(host: str) -> bool:
    """Say whether a host name or address certainly means this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _websocket_url(url: str, *, insecure: bool) -> str:
    """Map http to ws and https to wss, and refuse what would send a key in the clear."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        if not url.isprintable() or " " in url:
            raise ValueError
    except (ValueError, AttributeError, TypeError):
        raise ConfigError("the URL cannot be parsed") from None
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    if scheme not in ("ws", "wss") or not host:
        raise ConfigError(
            f"the URL {without_query(url)!r} must begin with wss://, ws://, https:// or http:// "
            "and name a host"
        )
    if scheme == "ws" and not insecure and not is_loopback(host):
        raise ConfigError(
            f"{without_query(url)!r} would send credentials in the clear to another machine; use "
            "wss://, or say insecure=True"
        )
    return urlunsplit((scheme, parts.netloc, parts.path, parts.query, ""))


def _secrets_of(url: str) -> tuple[str, ...]:
    """Give the parts of a URL that may be secrets: user information and the query's values."""
    parts = urlsplit(url)
    values = [pair.partition("=")[2] for pair in parts.query.split("&")]
    raw = [text for text in (*values, parts.username, parts.password) if text]
    return tuple(dict.fromkeys((*raw, *map(unquote_plus, raw))))


def _is_header_value(value: object) -> bool:
    if not isinstance(value, str):
        return False
    return value.isascii() and value.isprintable() and value == value.strip()
