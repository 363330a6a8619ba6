"""What the caller is told when there is no connection.

What lives here: ConnectErrors, built from what dialling ran into, without the request's secrets.
What must not: dialling (trio_ws.py), what codes and statuses mean (close_codes.py).
"""

from __future__ import annotations

import ssl
from typing import Final, cast
from urllib.parse import SplitResult, urlsplit

import trio
import trio_websocket
from wsproto.utilities import RemoteProtocolError

from trio_live.close_codes import judge_status
from trio_live.errors import ConnectError
from trio_live.transport.interface import DialRequest
from trio_live.transport.proxy import ProxyFailed

_BODY_EXCERPT: Final = 300


def port_of(parts: SplitResult) -> int:
    """Give the port of a ws or wss URL."""
    return parts.port or (443 if parts.scheme == "wss" else 80)


def network_failure(request: DialRequest, error: Exception) -> ConnectError:
    """Build the error for a name, a network or a TLS handshake that failed."""
    parts = urlsplit(request.url)
    cause = error.__cause__ if isinstance(error, trio.BrokenResourceError) else error
    trusted = not isinstance(cause, ssl.SSLCertVerificationError)
    if not trusted:
        what = "the TLS certificate was not accepted"
    elif isinstance(error, ValueError):
        what = "this is no usable host name"
    else:
        what = _describe(cause or error)
    failure = ConnectError(
        f"could not connect to {parts.hostname}:{port_of(parts)}: {what}",
        retryable=error.retryable
        if isinstance(error, ProxyFailed)
        else trusted and not isinstance(error, ValueError),
    )
    failure.__cause__ = error
    return failure


def upgrade_failure(request: DialRequest, error: Exception | None) -> ConnectError:
    """Build the error for an upgrade that was refused or not completed."""
    host = urlsplit(request.url).hostname
    if not isinstance(error, trio_websocket.ConnectionRejected):
        failure = ConnectError(
            f"{host} did not complete the WebSocket upgrade: "
            + without_secrets(request, _describe(error)),
            retryable=True,
        )
    else:
        verdict = judge_status(error.status_code)
        body = without_secrets(request, (error.body or b"").decode("utf-8", "replace"))
        failure = ConnectError(
            f"{host} refused the WebSocket upgrade with HTTP {error.status_code}"
            + (f": {verdict.cause}" if verdict.cause else ""),
            status=error.status_code,
            body=body[:_BODY_EXCERPT],
            retryable=verdict.retryable,
        )
    # The original holds the whole answer, secrets and all, so it is not chained.
    failure.__suppress_context__ = True
    return failure


def without_secrets(request: DialRequest, text: str) -> str:
    """Blank the request's secrets out of a text of the server's."""
    for secret in sorted(request.secrets, key=len, reverse=True):  # one may begin another
        text = text.replace(secret, "***")
    return text


def _describe(error: BaseException | None) -> str:
    """Say what a network error was, in the words of the system or the library that noticed it."""
    cause = None if error is None else error.__cause__
    if isinstance(cause, BaseExceptionGroup):
        tried = cast("BaseExceptionGroup[BaseException]", cause)  # an error for each address
        return ", ".join(dict.fromkeys(_describe(each) for each in tried.exceptions))
    complaint = error  # trio-websocket fails in telling it to the server
    while complaint is not None:
        if isinstance(complaint, RemoteProtocolError):
            return str(complaint)
        complaint = complaint.__context__
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return type(error).__name__
