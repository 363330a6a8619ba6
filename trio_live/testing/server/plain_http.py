"""One plain HTTP request on a connection that could as well have been a WebSocket upgrade.

trio-websocket takes upgrades only, so what begins with another method than GET is answered here,
below it. h11 is what it parses HTTP with as well, through wsproto.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import h11
import msgspec
import trio

from .shapes import JsonObject, is_object
from .watched import WatchedStream

_BODY_LIMIT: Final = 1024 * 1024
_RECEIVE_BYTES: Final = 65_536
_STATUS_NAMES: Final = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
}


@dataclass(frozen=True, slots=True)
class PlainRequest:
    """One request.

    Attributes:
        method: "POST".
        path: without its query.
        query: without the question mark.
        headers: names in lower case.
        body: as it came.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class HttpError(Exception):
    """A request that is answered with an error.

    Attributes:
        status: the HTTP status.
        reason: the words.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason


async def is_upgrade(stream: WatchedStream) -> bool:
    """Say whether a connection begins like an upgrade, a GET; what was read is put back.

    Cancellation: not atomic. If cancelled, the beginning may be lost.
    """
    begun = b""
    while len(begun) < 4:
        received = await stream.receive_some(_RECEIVE_BYTES)
        if not received:
            break
        begun += received
    stream.put_back(begun)
    return begun[:4] in (b"GET ", b"")


async def serve_plain(stream: WatchedStream, answer: Callable[[PlainRequest], JsonObject]) -> None:
    """Answer one request; the connection is not kept.

    Args:
        stream: where it comes in.
        answer: gives the answer's body, or raises `HttpError`.

    Raises:
        h11.RemoteProtocolError: what came in is not HTTP.
        trio.BrokenResourceError: the client is gone.
    """
    connection = h11.Connection(h11.SERVER)
    status, body = 200, b""
    try:
        body = msgspec.json.encode(answer(await _read(stream, connection)))
    except HttpError as error:
        status = error.status
        name = _STATUS_NAMES.get(status, "UNAVAILABLE")
        complaint = {"code": status, "message": error.reason, "status": name}
        body = msgspec.json.encode({"error": complaint})
    head = h11.Response(
        status_code=status,
        headers=[
            ("Content-Type", "application/json; charset=UTF-8"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ],
    )
    parts = (head, h11.Data(data=body), h11.EndOfMessage())
    await stream.send_all(b"".join(connection.send(part) or b"" for part in parts))


def read_json(body: bytes) -> JsonObject:
    """Decode a request's body.

    Raises:
        HttpError: It is not a JSON object.
    """
    try:
        decoded: object = msgspec.json.decode(body or b"{}")
    except (msgspec.DecodeError, RecursionError):
        raise HttpError(400, "Invalid JSON payload received. Unexpected token.") from None
    if not is_object(decoded):
        raise HttpError(400, "Invalid JSON payload received. Root element must be a message.")
    return decoded


async def _read(stream: trio.abc.ReceiveStream, connection: h11.Connection) -> PlainRequest:
    request: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            received = bytes(await stream.receive_some(_RECEIVE_BYTES))
            if not received:
                raise trio.BrokenResourceError("the connection ended in the middle of a request")
            connection.receive_data(received)
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > _BODY_LIMIT:
                raise HttpError(400, "Request payload size exceeds the limit.")
        else:
            break
    assert request is not None  # h11 ends nothing that has not begun
    path, _, query = request.target.decode("latin-1").partition("?")
    headers = {name.decode("latin-1"): text.decode("latin-1") for name, text in request.headers}
    return PlainRequest(request.method.decode("latin-1"), path, query, headers, bytes(body))
