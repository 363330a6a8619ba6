"""TransportConfig: how a session connects, and how much it may hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from trio_live.errors import ConfigError
from trio_live.reconnect import ReconnectPolicy
from trio_live.transport.proxy import ProxySetting, check_proxy

if TYPE_CHECKING:
    import ssl

    from trio_live.transport.interface import Dialer

MEBIBYTE: Final = 1024 * 1024

_TIMEOUTS: Final = (
    "connect_timeout",
    "setup_timeout",
    "close_timeout",
    "ping_timeout",
    "silence_timeout",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportConfig:
    """How a session connects, and how much it may hold.

    Attributes:
        connect_timeout: Seconds for the name, TCP, TLS and the HTTP upgrade together.
        setup_timeout: Seconds from then to the service's setupComplete.
        close_timeout: Seconds that a normal end may take to write what was accepted and to say
            goodbye.
        ssl_context: For wss URLs; None shares one default context among all sessions.
        proxy: The URL of a proxy, "http://user:password@host:port" or with https, socks4 or socks5
            (extra `proxy`); True reads the environment: `https_proxy` for wss URLs, `http_proxy`
            for ws, else `all_proxy`, in small or capital letters, unless `no_proxy` names the
            host; this machine (localhost, 127.0.0.0/8, ::1) is then never reached through a proxy.
            None connects directly. Not in the repr.
        max_message_bytes: A server message beyond it ends the connection with 1009.
        send_buffer_bytes: Sends wait while more than this is accepted and not yet written.
        max_buffered_events: The bound of the session's own event iteration, in events.
        max_buffered_bytes: The same in bytes of payload.
        transport: The WebSocket library under the session: "trio-websocket", or the faster
            "websockets" (extra `fast`).
        dialer: Another way to connect than these two; see `trio_live.transport.interface`.
        ping_timeout: Seconds that the answer to a ping may take before the connection counts as
            lost; pings are sent while nothing is heard. None: no such pings.
        silence_timeout: Seconds for which the service may say nothing while a turn goes on and it
            is the model's to speak; pongs do not count. After that the connection counts as lost.
            None: for ever.
        reconnect: How the session goes on when its connection is lost; None: it does not.
    """

    connect_timeout: float = 10.0
    setup_timeout: float = 10.0
    close_timeout: float = 5.0
    ssl_context: ssl.SSLContext | None = None
    proxy: ProxySetting = field(default=True, repr=False)
    max_message_bytes: int = 64 * MEBIBYTE
    send_buffer_bytes: int = 256 * 1024
    max_buffered_events: int = 16_384
    max_buffered_bytes: int = 16 * MEBIBYTE
    transport: Literal["trio-websocket", "websockets"] = "trio-websocket"
    dialer: Dialer | None = None
    ping_timeout: float | None = 60.0
    silence_timeout: float | None = 60.0
    reconnect: ReconnectPolicy | None = field(default_factory=ReconnectPolicy)

    def __post_init__(self) -> None:
        check_proxy(self.proxy)
        if self.transport not in ("trio-websocket", "websockets"):
            raise ConfigError(
                f'transport={self.transport!r} must be "trio-websocket" or "websockets"'
            )
        policy: object = self.reconnect
        if policy is not None and not isinstance(policy, ReconnectPolicy):
            raise ConfigError(
                f"reconnect must be a ReconnectPolicy or None, not {type(policy).__name__}"
            )
        for name in _TIMEOUTS:
            value = getattr(self, name)
            if value is None and name in ("ping_timeout", "silence_timeout"):
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise ConfigError(f"{name}={value!r} must be a number of seconds above 0")
            if isinstance(value, int) and value > 1e9:  # an int can be more than any clock takes
                raise ConfigError(f"{name} must be at most 1e9 seconds")
        for name in (
            "max_message_bytes",
            "send_buffer_bytes",
            "max_buffered_events",
            "max_buffered_bytes",
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigError(f"{name}={value!r} must be a whole number above 0")
