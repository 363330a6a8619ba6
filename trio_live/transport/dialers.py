"""Which transport a session connects with, by its name in TransportConfig.

What lives here: that choice. What must not: what a transport does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_live.errors import ConfigError
from trio_live.transport import trio_ws

if TYPE_CHECKING:
    from trio_live.transport.interface import Dialer


def dialer_for(transport: str) -> Dialer:
    """Give the dialer of "trio-websocket" or "websockets".

    Raises:
        ConfigError: The library behind it is not installed.
    """
    if transport == "trio-websocket":
        return trio_ws.dial
    try:
        from trio_live.transport import websockets
    except ImportError as error:
        raise ConfigError(
            'transport="websockets" needs the websockets library, 15.0 or later:'
            " pip install trio-live[fast]"
        ) from error
    return websockets.dial
