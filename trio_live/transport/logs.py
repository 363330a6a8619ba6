"""What trio-websocket may write into the log of our connections.

What lives here: a filter on its logger. At debug level it logs why a connection was closed, in the
words of the server, which may repeat a resumption handle or a key. Records of connections that are
not ours are not touched, nor is any other record.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Final

from trio_websocket import ConnectionClosed

_ours: Final = ContextVar("trio_live_connection", default=False)


def keep_reasons_out() -> None:
    """Keep close reasons out of what this task, and tasks that it starts, log from now on."""
    _ours.set(True)


def _filter(record: logging.LogRecord) -> bool:
    match record.args:
        case (connection, ConnectionClosed(reason=closed)) if _ours.get():
            record.msg = "%s websocket closed with code %s"
            record.args = (connection, None if closed is None else closed.code)
        case _:
            pass
    return True


logging.getLogger("trio-websocket").addFilter(_filter)
