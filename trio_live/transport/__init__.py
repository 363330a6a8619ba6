"""Connections: the Transport protocol (interface.py) and what implements it.

Only this package knows WebSocket libraries. Outside of it, import from here.
"""

from trio_live.transport.interface import (
    NO_CLOSE_FRAME,
    Dialer,
    DialRequest,
    Transport,
    TransportClosed,
)

__all__ = ["NO_CLOSE_FRAME", "DialRequest", "Dialer", "Transport", "TransportClosed"]
