"""The opening handshake, on a stream.

What lives here: upgrade(). What must not: frames. The engine is wsproto's, as under trio-websocket,
so that all transports ask and refuse alike.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Final

import trio
import trio_websocket
from wsproto.connection import ConnectionType
from wsproto.events import AcceptConnection, RejectConnection, RejectData, Request
from wsproto.handshake import H11Handshake

from trio_live.transport.interface import DialRequest
from trio_live.transport.opening import ANSWER_LIMIT, incomplete_answer, upgrade_request
from trio_live.transport.outgoing import OutgoingStream

# Where the accepting answer ends; bare line feeds are what h11 accepts as well.
_END_OF_HEAD: Final = re.compile(rb"\n\r?\n")


async def upgrade(request: DialRequest, stream: OutgoingStream) -> bytes:
    """Turn a stream into a WebSocket; give what arrived behind the answer.

    Raises:
        ConnectionRejected: The server refuses.
        ConnectionResetError: The stream ended before the server answered.
        RemoteProtocolError: It is no answer to an upgrade.
        LocalProtocolError: The request cannot be sent.

    Cancellation: not atomic. If cancelled, the stream is unusable.
    """
    host, target, headers = upgrade_request(request)
    handshake = H11Handshake(ConnectionType.CLIENT)
    with suppress(trio.BrokenResourceError):  # there may be an answer all the same
        stream.write(handshake.send(Request(host, target, extra_headers=headers)))
    answer = bytearray()
    status, body = 0, bytearray()
    told: tuple[tuple[bytes, bytes], ...] = ()
    while len(answer) <= ANSWER_LIMIT:
        try:
            data = await stream.receive_some()
        except trio.BrokenResourceError:
            break
        if not data:
            break
        answer += data
        handshake.receive_data(data)
        for event in handshake.events():
            if isinstance(event, AcceptConnection):
                end = _END_OF_HEAD.search(answer)
                return bytes(answer[end.end() :]) if end else b""
            if isinstance(event, RejectConnection):
                status, told = event.status_code, tuple(event.headers)
                if not event.has_body:
                    raise trio_websocket.ConnectionRejected(status, told, b"")
            elif isinstance(event, RejectData):
                body += event.data
                if event.body_finished:
                    raise trio_websocket.ConnectionRejected(status, told, bytes(body))
    raise incomplete_answer(answer)
