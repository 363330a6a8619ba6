"""What the caller is told when there is no connection.

What lives here: ConnectErrors, built from what dialling ran into, without the request's secrets.
What must not: dialling (trio_ws.py), what codes and statuses mean (close_codes.py).
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final, cast
from urllib.parse import SplitResult, urlsplit

import trio
import trio_websocket
from wsproto.utilities import RemoteProtocolError

from trio_live.close_codes import judge_status, judge_trouble
from trio_live.close_table import CLOSES, Trouble
from trio_live.errors import ConnectError
from trio_live.transport.interface import DialRequest
from trio_live.transport.proxy import ProxyFailed

_BODY_EXCERPT: Final = 300
_JUDGED_BY: Final = tuple(row.text for row in CLOSES if row.text is not None)
_TROUBLES: Final = {
    errno.ECONNREFUSED: Trouble.REFUSED,
    errno.ENETUNREACH: Trouble.UNREACHABLE,
    errno.EHOSTUNREACH: Trouble.UNREACHABLE,
    errno.ENETDOWN: Trouble.UNREACHABLE,
    errno.EHOSTDOWN: Trouble.UNREACHABLE,
    errno.ECONNRESET: Trouble.BROKEN,
    errno.ECONNABORTED: Trouble.BROKEN,
    errno.EPIPE: Trouble.BROKEN,
    errno.ETIMEDOUT: Trouble.TIMEOUT,
    errno.EMFILE: Trouble.DESCRIPTORS,
    errno.ENFILE: Trouble.DESCRIPTORS,
}


def port_of(parts: SplitResult) -> int:
    """Give the port of a ws or wss URL."""
    return parts.port or (443 if parts.scheme == "wss" else 80)


def network_failure(request: DialRequest, error: Exception) -> ConnectError:
    """Build the error for a name, a network or a TLS handshake that failed."""
    parts = urlsplit(request.url)
    cause = error.__cause__ if isinstance(error, trio.BrokenResourceError) else error
    trouble = trouble_of(cause or error)
    if trouble is Trouble.CERTIFICATE:
        what = "the TLS certificate was not accepted"
    elif trouble is Trouble.HOST_NAME:
        what = "this is no usable host name"
    else:
        what = _describe(cause or error)
    verdict = judge_trouble(trouble)
    failure = ConnectError(
        f"could not connect to {parts.hostname}:{port_of(parts)}: {what}",
        cause=verdict.cause,
        retryable=verdict.retryable,
    )
    failure.__cause__ = error
    return failure


def trouble_of(error: BaseException) -> Trouble:
    """Say what kind of trouble an error of the network is."""
    cause = error.__cause__
    if isinstance(cause, BaseExceptionGroup):
        tried = cast("BaseExceptionGroup[BaseException]", cause)  # an error for each address
        kinds = {trouble_of(each) for each in tried.exceptions}
        return kinds.pop() if len(kinds) == 1 else Trouble.OTHER
    if isinstance(error, ProxyFailed):
        return Trouble.PROXY_PASSING if error.retryable else Trouble.PROXY_PERMANENT
    # A certificate's error is a ValueError as well, and a TLS error an OSError.
    if isinstance(error, ssl.SSLCertVerificationError):
        return Trouble.CERTIFICATE
    if isinstance(error, ssl.SSLError):
        return Trouble.TLS
    if isinstance(error, ValueError):
        return Trouble.HOST_NAME
    if isinstance(error, socket.gaierror):
        return Trouble.NAME
    if isinstance(error, trio.BrokenResourceError):
        return Trouble.BROKEN
    return _TROUBLES.get(getattr(error, "errno", None) or 0, Trouble.OTHER)


def upgrade_failure(request: DialRequest, error: Exception | None) -> ConnectError:
    """Build the error for an upgrade that was refused or not completed."""
    host = urlsplit(request.url).hostname
    if not isinstance(error, trio_websocket.ConnectionRejected):
        verdict = judge_trouble(Trouble.BROKEN)
        failure = ConnectError(
            f"{host} did not complete the WebSocket upgrade: "
            + without_secrets(request, _describe(error)),
            cause=verdict.cause,
            retryable=verdict.retryable,
        )
    else:
        verdict = judge_status(error.status_code)
        body = without_secrets(request, (error.body or b"").decode("utf-8", "replace"))
        failure = ConnectError(
            f"{host} refused the WebSocket upgrade with HTTP {error.status_code}"
            + (f": {verdict.cause}" if verdict.cause else ""),
            status=error.status_code,
            body=body[:_BODY_EXCERPT],
            cause=verdict.cause,
            retry_after=retry_after(error.headers),
            retryable=verdict.retryable,
        )
    # The original holds the whole answer, secrets and all, so it is not chained.
    failure.__suppress_context__ = True
    return failure


def retry_after(headers: Sequence[tuple[bytes, bytes]]) -> float | None:
    """Give the seconds that an answer asks to wait, or None if it does not, or not clearly.

    A point in time (RFC 9110, section 10.2.3) is compared with the answer's own Date, so that this
    machine's clock plays no part.
    """
    texts = {name.lower(): value.decode("latin-1").strip() for name, value in headers}
    asked = texts.get(b"retry-after", "")
    if asked.isascii() and asked.isdecimal():
        return float(asked[:9])
    until, now = _date(asked), _date(texts.get(b"date", ""))
    if until is None or now is None:
        return None
    return max(0.0, (until - now).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo is not None else None


def without_secrets(request: DialRequest, text: str) -> str:
    """Blank the request's secrets out of a text of the server's.

    Not the words by which a close is judged: a header's value that is one of them is no secret.
    """
    for secret in sorted(request.secrets, key=len, reverse=True):  # one may begin another
        if not any(secret.casefold() in words for words in _JUDGED_BY):
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
