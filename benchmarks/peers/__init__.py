"""The libraries that are compared: each is a module with the same shape, described by `Peer`.

A peer only wraps a library's public interface; the loop over messages is inside the peer, so that a
call through this interface is paid once per measurement and not once per message.
"""

from __future__ import annotations

import importlib
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar, cast

T = TypeVar("T")

NAMES = ("bare", "genai", "live", "fast")
"""Every peer, in the order in which the first round runs them."""


class PeerMissing(Exception):
    """The library behind a peer is not installed, or has not what the peer needs."""


class PeerSession(Protocol):
    """One open session of a peer."""

    async def ask(self, command: str) -> None:
        """Send `command` as a user's text turn: that is how the server is told what to do."""

    async def receive(self) -> tuple[int, int]:
        """Read until the turn is complete; return the audio messages and the audio bytes seen."""

    async def send(self, chunk: bytes, count: int, period: float, delay: float) -> None:
        """Send `chunk` `count` times and wait until all is written.

        The sends start `delay` seconds from now and are `period` seconds apart; with 0 for both
        there is no timer at all.
        """


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
