"""What all endpoints have in common: Address, the Endpoint protocol, checks of URLs and headers.

What must not live here: any one service. Used by the endpoints and by tokens.py.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import unquote_plus, urlsplit, urlunsplit

from trio_live.errors import ConfigError
from trio_live.wire.marks import Platform

Headers = tuple[tuple[str, str], ...]

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_NAME: Final = re.compile(r"[0-9A-Za-z]([0-9A-Za-z._-]*[0-9A-Za-z])?")
# Headers that hold no secret; blanking them out would only garble what the service answers.
_SHOWN: Final = frozenset({"content-type", "user-agent", "x-goog-user-project"})


@dataclass(frozen=True, slots=True)
class Address:
    """Where one connection goes.

    Attributes:
        url: A ws or wss URL.
        headers: HTTP headers for the upgrade.
        secrets: Texts that must not appear in anything that is shown.
    """

    url: str
    headers: Headers = ()
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Address {without_query(self.url)}>"


class Endpoint(Protocol):
    """What open_session needs to know of a place to connect to."""

    @property
    def platform(self) -> Platform | None:
        """Which of Google's two services speaks there, whose rules hold; None: unknown."""
        ...

    async def resolve(self) -> Address:
        """Give the address of one connection; called anew for each, so that tokens are fresh."""
        ...

    def model_name(self, model: str) -> str:
        """Give a model's name as this platform spells it."""
        ...


def check_endpoint(endpoint: Endpoint) -> Endpoint:
    """Give what was passed as an endpoint, if it can be one.

    Raises:
        ConfigError: It cannot.
    """
    if isinstance(endpoint, type) or not all(
        hasattr(endpoint, name) for name in ("platform", "resolve", "model_name")
    ):
        raise ConfigError(
            "endpoint must be GoogleAI(...), VertexAI(...), Custom(url) or None, not "
            f"{endpoint.__name__ if isinstance(endpoint, type) else type(endpoint).__name__}"
        )
    return endpoint


def address_of(url: str, own: Headers, extra: Headers) -> Address:
    """Put an address together; of a header that both name, the user's goes out."""
    given = {name.lower() for name, _ in extra}
    headers = (*(header for header in own if header[0].lower() not in given), *extra)
    secrets = (*secrets_of_headers(headers), *_secrets_of_url(url))
    return Address(url, headers, tuple(dict.fromkeys(secrets)))


def check_key(name: str, value: object) -> str:
    """Give a key or token that can go into a header.

    Raises:
        ConfigError: It cannot; the message does not show it.
    """
    if not isinstance(value, str) or not value or not _is_header_value(value) or " " in value:
        raise ConfigError(
            f"{name} must be a text that is not empty and has neither spaces nor line ends"
        )
    return value


def check_headers(headers: Mapping[str, str] | None) -> Headers:
    """Give headers as pairs.

    Raises:
        ConfigError: One cannot be sent; the message does not show its value.
    """
    pairs = tuple((headers or {}).items())
    for name, value in pairs:
        if not _is_header_value(name) or not _TOKEN.fullmatch(name):
            raise ConfigError(f"headers has {name!r}, which cannot be the name of a header")
        if not _is_header_value(value):
            raise ConfigError(f"headers[{name!r}] cannot be sent: it must be one line of ASCII")
    return pairs


def check_name(name: str, value: object, example: str) -> str:
    """Give a text that can be one part of a path or host.

    Raises:
        ConfigError: It cannot.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ConfigError(f'{name} must be a name, such as "{example}"')
    return value


def check_model(model: str) -> str:
    """Give a model's name.

    Raises:
        ConfigError: It could reach beyond its place in a resource name; google-genai 3.4 refuses
            the same (its `_transformers.t_model`, read November 2026).
    """
    if not model or any(text in model for text in ("..", "?", "&")):
        raise ConfigError(f"model={model!r} must not be empty, nor have '..', '?' or '&' in it")
    return model


def base_url(url: str, *, insecure: bool) -> str:
    """Give a websocket URL behind which a path can be put, without a slash at its end.

    Raises:
        ConfigError: The URL is unusable or insecure.
    """
    root = websocket_url(url, insecure=insecure).rstrip("/")
    if "?" in root:
        raise ConfigError("base_url must not have a query: a path is put behind it")
    return root


def websocket_url(url: str, *, insecure: bool) -> str:
    """Map http to ws and https to wss, and refuse what would send a key in the clear.

    Raises:
        ConfigError: The URL is unusable or insecure.
    """
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


def secrets_of_headers(headers: Headers) -> tuple[str, ...]:
    """Give the texts in headers that may be secrets: values, and what is behind an auth scheme.

    The scheme is a first word, as "Bearer" is; gateways have headers of their own with one.
    """
    values = [value for name, value in headers if name.lower() not in _SHOWN]
    behind = (value.partition(" ")[2].strip() for value in values)
    return tuple(filter(None, (*values, *behind)))


def _secrets_of_url(url: str) -> tuple[str, ...]:
    """Give the parts of a URL that may be secrets: user information and the query's values."""
    parts = urlsplit(url)
    values = [pair.partition("=")[2] for pair in parts.query.split("&")]
    raw = [text for text in (*values, parts.username, parts.password) if text]
    return tuple(dict.fromkeys((*raw, *map(unquote_plus, raw))))


def _is_header_value(value: object) -> bool:
    if not isinstance(value, str):
        return False
    return value.isascii() and value.isprintable() and value == value.strip()
