"""What a session needs of a connection: the Transport protocol and its vocabulary.

What lives here: the contract, in words and types. What must not: any WebSocket library. To connect
in another way, write a `Dialer` and pass it as `TransportConfig(dialer=...)`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import trio

if TYPE_CHECKING:
    import ssl

NO_CLOSE_FRAME = 1006
"""The close code that stands for "the connection ended without one" (RFC 6455, section 7.1.5)."""


@dataclass(frozen=True, slots=True)
class DialRequest:
    """What to connect to.

    Attributes:
        url: A ws or wss URL.
        headers: HTTP headers for the upgrade.
        secrets: Texts to blank out in anything that is shown.
        ssl_context: For wss; None for the shared default.
        max_message_bytes: The largest message to accept; of a text message, trio-websocket counts
            characters.
        proxy: The URL of the proxy to go through, or None.
    """

    url: str = field(repr=False)  # its query may hold a key
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    ssl_context: ssl.SSLContext | None = None
    max_message_bytes: int = 64 * 1024 * 1024
    proxy: str | None = field(default=None, repr=False)


class TransportClosed(Exception):
    """The connection has ended.

    Attributes:
        code: The close code of the other side; while it can still send one, that of this side's
            `aclose`; 1009 if a message was too large; NO_CLOSE_FRAME if there is none of these, and
            if the connection ended before our close was answered.
        reason: The reason that came with the code, or what in the received bytes broke the rules of
            WebSocket; "" if none.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"connection closed with code {code}")
        self.code = code
        self.reason = reason


class Transport(Protocol):
    """One open WebSocket. One task receives; anybody in the same thread may send.

    Sending is synchronous on purpose: a frame is accepted as a whole or not at all, so that no
    cancellation can leave half a frame on the wire (design law 2), and nothing can come between the
    decision to send and the place in the order of frames.

    Attributes:
        accepted_bytes: Bytes on their way so far, framing, control frames and the upgrade included,
            but not what TLS makes of them; grows by each `send`.
        written_bytes: How many of them the operating system has taken.
        begun_bytes: How many of them it may have taken: writing them began, and may have failed.
        confirmed_bytes: How many of them the other end of the WebSocket has certainly read; grows
            by `ping`.
        heard_bytes: Bytes that came from the other side, control frames included.
    """

    @property
    def accepted_bytes(self) -> int:
        """Bytes that were accepted since the connection was made."""
        ...

    @property
    def written_bytes(self) -> int:
        """Bytes that were handed to the operating system since then."""
        ...

    @property
    def begun_bytes(self) -> int:
        """Bytes of which nobody can say that they were not handed over."""
        ...

    @property
    def confirmed_bytes(self) -> int:
        """What was accepted before the last ping that the other side has answered."""
        ...

    @property
    def heard_bytes(self) -> int:
        """Bytes that have come since then."""
        ...

    def ping(self) -> None:
        """Ask the other side for a sign that it has received what was accepted until now.

        While an answer is due already, the next ping waits for it, and counts for all calls until
        then. Nothing if the connection is closing or broken.
        """
        ...

    def send(self, frame: str | bytes) -> None:
        """Accept one text message, bytes being UTF-8 already.

        Written at once if the socket takes it, else by the transport.

        Raises:
            TransportClosed: The connection is closing or broken; the frame was not accepted.
        """
        ...

    async def wait_written(self, total: int) -> None:
        """Wait until `written_bytes` has reached `total`; if it has, return at once.

        `await transport.wait_written(transport.accepted_bytes)` waits for what was accepted until
        now, however much others send meanwhile.

        Raises:
            TransportClosed: The connection broke, so that it never will.

        Cancellation: atomic. If cancelled, nothing happened.
        """
        ...

    async def receive(self) -> str | bytes:
        """Wait for the next message, whole.

        Raises:
            TransportClosed: The connection has ended and all messages before that were received.

        Cancellation: atomic. If cancelled, no message is lost.
        """
        ...

    def receive_nowait(self) -> str | bytes | None:
        """Give the next message if it is there already; None: `await receive()`.

        None as well when it is time for other tasks: who calls only this, until it gives None,
        takes what came together, and no more than a few dozen messages.
        """
        ...

    def goodbye(self, code: int = 1000, reason: str = "") -> None:
        """Send the close frame, the last frame of this side; nothing if the end has begun already.

        What the other side has still to say can be received, up to its answer: then `receive`
        raises TransportClosed.
        """
        ...

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye, wait for the answer, close the socket. Not bounded in time: the caller is.

        What arrives before the answer is dropped: to get it, say `goodbye()` and receive. After an
        end that came from the other side, only the answer to it is still written.

        Cancellation: still cleans up. If cancelled, closes without waiting for the answer.
        """
        ...


Dialer = Callable[[trio.Nursery, DialRequest], Awaitable[Transport]]
"""Connects: `await dialer(nursery, request)` gives a Transport whose tasks run in that nursery.

It raises `trio_live.ConnectError` when there is no connection, and its tasks never raise because a
connection ended. The caller bounds it in time. When the nursery is cancelled, the socket is
closed."""
