"""From an endpoint to a connection.

What lives here: the one way to connect that every kind of session goes. What must not: what is said
on the connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from trio_live.errors import ConnectTimeout
from trio_live.state import SessionPhase
from trio_live.transport import DialRequest, Transport
from trio_live.transport.proxy import proxy_for, secrets_of
from trio_live.transport.trio_ws import dial as dial_trio_websocket

if TYPE_CHECKING:
    from trio_live.config import TransportConfig
    from trio_live.endpoints import Endpoint


async def connect(
    nursery: trio.Nursery,
    endpoint: Endpoint,
    settings: TransportConfig,
    secrets: tuple[str, ...] = (),
) -> Transport:
    """Connect to an endpoint, within `connect_timeout`, the credentials included.

    Args:
        nursery: Where the connection's tasks run.
        endpoint: Where to.
        settings: How.
        secrets: Texts to blank out in anything that is shown, beside the endpoint's own.

    Raises:
        ConnectError: There is no connection; ConnectTimeout if it took too long.
    """
    with trio.move_on_after(settings.connect_timeout):
        address = await endpoint.resolve()
        proxy = proxy_for(settings.proxy, address.url)
        request = DialRequest(
            address.url,
            address.headers,
            (*address.secrets, *secrets_of(proxy), *secrets),
            settings.ssl_context,
            settings.max_message_bytes,
            proxy,
        )
        return await (settings.dialer or dial_trio_websocket)(nursery, request)
    raise ConnectTimeout(
        f"no connection within connect_timeout={settings.connect_timeout:g} s",
        retryable=True,
        phase=SessionPhase.CONNECTING,
    )
