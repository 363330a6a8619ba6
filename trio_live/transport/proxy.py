"""Proxies: which one a connection goes through, and the TCP connection through it.

What lives here: HTTP CONNECT and SOCKS, by python-socks (extra `proxy`), which is imported where it
is used. What must not: WebSocket, and TLS with the server itself.
"""

from __future__ import annotations

import os
import ssl
from typing import Any, Final, Literal, cast
from urllib.parse import SplitResult, unquote, urlsplit

import trio

from trio_live.errors import ConfigError

ProxySetting = str | Literal[True] | None
"""A proxy's URL; True for what the environment says; None for none."""

_PORTS: Final = {
    "http": 80,
    "https": 443,
    "socks4": 1080,
    "socks4a": 1080,
    "socks5": 1080,
    "socks5h": 1080,
}


class ProxyFailed(OSError):
    """There is no connection, because of the proxy.

    Attributes:
        retryable: The same attempt may succeed later, unchanged.
    """

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


def check_proxy(setting: object) -> None:
    """Check a setting.

    Raises:
        ConfigError: It cannot be used; the message does not show it.
    """
    if setting is True or setting is None:
        return
    if not isinstance(setting, str):
        raise ConfigError(f"proxy must be a URL, True or None, not {type(setting).__name__}")
    _parse(setting)


def proxy_for(setting: ProxySetting, url: str) -> str | None:
    """Give the URL of the proxy for a connection, or None.

    True means the usual variables: for wss, `https_proxy` or else `all_proxy`, for ws `http_proxy`
    or else `all_proxy`, in small or capital letters, unless `no_proxy` names the host. This machine
    is never reached through a proxy of the environment.

    Raises:
        ConfigError: The proxy's URL cannot be used.
    """
    if setting is True:
        setting = _from_environment(urlsplit(url))
    if setting is not None:
        _parse(setting)
    return setting


def secrets_of(proxy: str | None) -> tuple[str, ...]:
    """Give the parts of a proxy's URL that must not be shown."""
    if proxy is None:
        return ()
    parts = urlsplit(proxy)
    raw = [text for text in (parts.username, parts.password) if text]
    return tuple(dict.fromkeys((*raw, *map(unquote, raw))))


async def open_tcp(proxy: str | None, host: str, port: int) -> trio.abc.Stream:
    """Connect to a host, through a proxy if there is one.

    Raises:
        OSError: There is no connection; ProxyFailed if the proxy is why.

    Cancellation: atomic. If cancelled, there is no connection.
    """
    if proxy is None:
        return await trio.open_tcp_stream(host, port)
    try:
        from python_socks import ProxyConnectionError, ProxyError, ProxyType
        from python_socks.async_.trio.v2 import Proxy
    except ImportError as error:
        raise ProxyFailed(
            "a proxy needs python-socks: pip install trio-live[proxy]", retryable=False
        ) from error
    parts = _parse(proxy)
    kind = {"h": ProxyType.HTTP, "4": ProxyType.SOCKS4, "5": ProxyType.SOCKS5}
    through = Proxy(
        kind["h" if parts.scheme.startswith("http") else parts.scheme[5]],
        parts.hostname or "",
        parts.port or _PORTS[parts.scheme],
        unquote(parts.username or "") or None,
        unquote(parts.password or "") or None,
        rdns=True,  # who has a proxy often cannot resolve names, and it should not leak them
        proxy_ssl=ssl.create_default_context() if parts.scheme == "https" else None,
    )
    place = f"the proxy {parts.hostname}:{parts.port or _PORTS[parts.scheme]}"
    try:
        # Bounded by the caller's scope; python-socks has a deadline of its own otherwise.
        connected: Any = await through.connect(host, port, timeout=float("inf"))
        return cast("trio.abc.Stream", connected.trio_stream)
    except ProxyConnectionError:
        failure = ProxyFailed(f"{place} cannot be reached", retryable=True)
    except ProxyError as error:
        failure = _refused(place, parts, error.error_code)
    except (trio.BrokenResourceError, ssl.SSLError):
        failure = ProxyFailed(f"{place} broke the connection", retryable=True)
    # Out here, where nothing becomes its context: a proxy's answer may repeat its credentials.
    raise failure


def _refused(place: str, parts: SplitResult, code: int | None) -> ProxyFailed:
    """Tell a refusal by its number: texts are the proxy's own, and may hold anything."""
    if code is None:
        return ProxyFailed(f"{place} did not answer as one does", retryable=True)
    if parts.scheme.startswith("http"):
        why = ": it wants other credentials" if code == 407 else ""
        return ProxyFailed(f"{place} refused with HTTP {code}{why}", retryable=code >= 500)
    return ProxyFailed(f"{place} refused with SOCKS reply {code}", retryable=True)


def _parse(proxy: str) -> SplitResult:
    try:
        parts = urlsplit(proxy)
        host, _ = parts.hostname, parts.port
        if not proxy.isprintable() or " " in proxy:
            raise ValueError
    except ValueError:
        raise ConfigError("the proxy's URL cannot be parsed") from None
    if parts.scheme not in _PORTS or not host:
        raise ConfigError(f"the proxy's URL must name a host and begin with one of {list(_PORTS)}")
    return parts


def _from_environment(target: SplitResult) -> str | None:
    host = (target.hostname or "").rstrip(".")
    port = target.port or (443 if target.scheme == "wss" else 80)
    # In a CGI program HTTP_PROXY is what a client's "Proxy:" header says (CVE-2016-1000110).
    capitals = target.scheme == "wss" or "REQUEST_METHOD" not in os.environ
    name = "https_proxy" if target.scheme == "wss" else "http_proxy"
    proxy = _variable(name, capitals=capitals) or _variable("all_proxy")
    if not proxy or _is_here(host) or _is_excluded(host, port, _variable("no_proxy")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _variable(name: str, *, capitals: bool = True) -> str:
    said = os.environ.get(name) or (os.environ.get(name.upper()) if capitals else None)
    return (said or "").strip()


def _is_excluded(host: str, port: int, no_proxy: str) -> bool:
    """Say whether a list such as "internal,.example.com,10.0.0.1:8080" has a host in it."""
    for entry in no_proxy.lower().split(","):
        name = entry.strip().lstrip(".")
        if name == "*" or name in (host, f"{host}:{port}"):
            return True
        if name and f"{host}:{port}".endswith((f".{name}", f".{name}:{port}")):
            return True
    return False


def _is_here(host: str) -> bool:
    return host in ("localhost", "::1") or host.endswith(".localhost") or host.startswith("127.")
