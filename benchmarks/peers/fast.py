"""The library over its fast transport, `transport="websockets"`; otherwise as `live`."""

from __future__ import annotations

import functools

from benchmarks.peers.live import open_session as open_with
from benchmarks.peers.on_trio import Event, run, sleep_until, together
from trio_live import TransportConfig
from trio_live.transport import websockets as websockets

__all__ = ["Event", "open_session", "run", "sleep_until", "together"]

open_session = functools.partial(open_with, transport=TransportConfig(transport="websockets"))
