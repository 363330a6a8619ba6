"""Any other place that speaks the protocol: gateways, proxies, servers of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

from trio_live.endpoints.address import (
    Address,
    address_of,
    check_headers,
    websocket_url,
    without_query,
)
from trio_live.errors import ConfigError
from trio_live.wire.marks import Platform

_PLATFORMS: Final[dict[object, Platform | None]] = {
    None: None,
    "gemini": Platform.GEMINI,
    "vertex": Platform.VERTEX,
    Platform.GEMINI: Platform.GEMINI,
    Platform.VERTEX: Platform.VERTEX,
}


class Custom:
    """Any other place that speaks the protocol: the URL is used as it is.

    Args:
        url: A ws, wss, http or https URL, path and query included.
        headers: Sent with the upgrade. Their values count as secrets.
        model_name: Gives a model's name as that place spells it; None leaves names as they are.
        platform: The service behind it, whose rules are checked before sending: "gemini" for the
            Gemini Developer API, "vertex" for Vertex AI, or the `platform` of another endpoint;
            None checks none.
        insecure: Allow ws:// to a host that is not this machine.

    Raises:
        ConfigError: The URL is unusable or insecure, a header cannot be one, or there is no such
            platform.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        model_name: Callable[[str], str] | None = None,
        platform: Platform | Literal["gemini", "vertex"] | None = None,
        insecure: bool = False,
    ) -> None:
        self._url = websocket_url(url, insecure=insecure)
        self._headers = check_headers(headers)
        self._model_name = model_name
        self.platform = read_platform(platform)

    async def resolve(self) -> Address:
        """Give the URL and headers; the values of headers and query are secrets."""
        return address_of(self._url, (), self._headers)

    def model_name(self, model: str) -> str:
        """Leave the name as it is, or as the argument of that name has it."""
        return model if self._model_name is None else self._model_name(model)

    def __repr__(self) -> str:
        return f"<Custom {without_query(self._url)}>"


def read_platform(given: object) -> Platform | None:
    """Read the argument `platform=`; raises ConfigError if there is no such platform."""
    if not isinstance(given, str | None) or given not in _PLATFORMS:
        raise ConfigError(f'platform={given!r} must be "gemini", "vertex" or None')
    return _PLATFORMS[given]
