"""Session tickets of TLS: the next connection to a server needs no certificates.

What lives here: one ticket per context and server, and when it is fetched anew. What must not:
handshakes (tls.py). With a ticket a connection takes 0.29 ms of the client's processor instead of
0.40 ms (measured with a chain of one certificate; 0.12 ms of it is Python's copying of the ticket),
and none of the server's signatures.

One ticket serves any number of connections, until the server does not take it any more. RFC 8446
(appendix C.4) would have a new one for each, so that nobody on the way can tell that two
connections are of one client. In Python that is not possible: `SSLObject.session` leaks an OpenSSL
session, 6.5 KiB, each time it is read (measured with CPython 3.11 to 3.13). So it is read once, and
after that only if the server has refused the ticket, and not more often than every `_RENEW_AFTER`
seconds. Who minds being recognised can pass a context of its own for each session.
"""

from __future__ import annotations

import ssl
from typing import Final, NamedTuple, cast

_ATTRIBUTE: Final = "_trio_live_tickets"
_RENEW_AFTER: Final = 600.0
_MAX_SERVERS: Final = 64


class _Kept(NamedTuple):
    ticket: ssl.SSLSession | None
    since: float


def ticket_for(context: ssl.SSLContext, host: str, port: int) -> ssl.SSLSession | None:
    """Give the ticket for a server, if there is one; it serves with this context only."""
    kept = _tickets(context).get((host, port))
    return None if kept is None else kept.ticket


def keep_ticket(engine: ssl.SSLObject, host: str, port: int, now: float) -> None:
    """Keep the ticket of a connection, if one is wanted.

    Args:
        engine: The connection's, after it has read something: in TLS 1.3 tickets come behind the
            handshake.
        host: Whom its certificate was checked against.
        port: Where.
        now: The time.
    """
    tickets = _tickets(engine.context)
    kept = tickets.get((host, port))
    if engine.session_reused or (kept is not None and 0 <= now - kept.since < _RENEW_AFTER):
        return
    if len(tickets) >= _MAX_SERVERS:
        tickets.clear()
    session = engine.session
    has_one = session is not None and session.has_ticket
    tickets[host, port] = _Kept(session if has_one else None, now)


def _tickets(context: ssl.SSLContext) -> dict[tuple[str, int], _Kept]:
    # With the context, so that they go when it goes: a ticket refers to its context.
    return cast("dict[tuple[str, int], _Kept]", context.__dict__.setdefault(_ATTRIBUTE, {}))
