"""The libraries that are compared: each is a module with the same shape, described by `Peer`.

A peer only wraps a library's public interface, in the way that its documentation shows. The loop
over received messages is inside the peer, and `push` is what an application would write to send a
chunk, so that no peer pays for being compared.
"""

from __future__ import annotations

import importlib
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol, TypeVar, cast

T = TypeVar("T")

NAMES: Final = ("floor", "bare", "bare_fast", "ws_trio", "ws_asyncio", "picows", "genai",
                "live", "fast")  # fmt: skip
"""Every peer, in the order in which the first round runs them."""


class PeerMissing(Exception):
    """The library behind a peer is not installed, or has not what the peer needs."""


class PeerSession(Protocol):
    """One open session of a peer."""

    async def ask(self, command: str) -> None:
        """Send `command` as a user's text turn: that is how the server is told what to do."""

    async def receive(self, arrivals: list[float]) -> int:
        """Read until the turn is complete; return the audio bytes seen.

        Appends the time of each audio message, by `time.monotonic`, when the application has it.
        """

    async def push(self, chunk: bytes) -> None:
        """Send one chunk, as an application does that has one."""

    async def flush(self) -> None:
        """Wait until all that was sent is written, where `push` does not."""


class Event(Protocol):
    """What both loops' events can do."""

    def set(self) -> None:
        """Let those go on who wait."""

    async def wait(self) -> object:
        """Wait until it is set."""


class Peer(Protocol):
    """What a module in this package provides."""

    def open_session(
        self, url: str, context: ssl.SSLContext | None
    ) -> AbstractAsyncContextManager[PeerSession]:
        """Open a session at `url` (``ws:``, or ``wss:`` with a context); enter after setup."""

    def run(self, main: Callable[[], Coroutine[object, object, T]]) -> T:
        """Run `main` in the peer's event loop."""

    async def together(self, jobs: Sequence[Callable[[], Awaitable[None]]]) -> None:
        """Run the jobs as concurrent tasks and wait for all of them."""

    async def sleep_until(self, due: float) -> None:
        """Sleep until a time of `time.monotonic`."""

    def Event(self) -> Event:  # noqa: N802  # it is the loop's class
        """Make an event."""


def modes(name: str) -> tuple[str, ...]:
    """The connections that a peer can make: google-genai turns every URL into ``wss:``."""
    return ("tls",) if name == "genai" else ("plain", "tls")


def load(name: str) -> Peer:
    """Import a peer.

    Raises:
        PeerMissing: with the reason.
    """
    if name not in NAMES:
        raise ValueError(f"peer must be one of {', '.join(NAMES)}, not {name!r}")
    try:
        module = importlib.import_module(f"benchmarks.peers.{name}")
    except (ImportError, AttributeError) as error:
        raise PeerMissing(f"{type(error).__name__}: {error}") from error
    return cast("Peer", module)
