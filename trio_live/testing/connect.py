"""Connecting a session to a LiveServer in memory: all of WebSocket, no socket, no real time.

What lives here: that one connection. What must not: the server.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import trio

from trio_live.config import TransportConfig
from trio_live.transport.trio_ws import dial

if TYPE_CHECKING:
    from trio_live.testing.server import LiveServer


def connect_to(server: LiveServer) -> TransportConfig:
    """Make settings that connect to a server in this program, whatever the endpoint's host.

    Use it as `open_session(config, endpoint=..., transport=connect_to(server))`; take the limits
    and timeouts of your own with `dataclasses.replace(connect_to(server), ...)`.
    """

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return server.open_stream()

    return TransportConfig(dialer=functools.partial(dial, open_stream=open_stream))
