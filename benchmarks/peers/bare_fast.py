"""The loop of `bare` over the fast transport, without a session: shows what the session costs."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import trio

from benchmarks.peers.messages import SETUP, Turn, check_setup, encode_chunk, encode_turn
from benchmarks.peers.on_trio import Event, run, sleep_until, together
from trio_live.transport.interface import DialRequest, Transport
from trio_live.transport.websockets import dial

__all__ = ["Event", "open_session", "run", "sleep_until", "together"]

LIMIT: Final = 256 * 1024
"""Bytes that may wait before a push does, as in a session."""


class Session:
    """A connection after setup."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._pushed = 0

    async def ask(self, command: str) -> None:
        """Send a user's turn."""
        self._transport.send(encode_turn(command).decode())
        await self.flush()

    async def receive(self, arrivals: list[float]) -> int:
        """Read until the turn is complete."""
        receive, turn = self._transport.receive, Turn(arrivals)
        while not turn.take(await receive()):
            pass
        return turn.size

    async def push(self, chunk: bytes) -> None:
        """Send a chunk, and be as fair to others as a session is: a visit every 32nd time."""
        self._transport.send(encode_chunk(chunk).decode())
        self._pushed += 1
        if self._pushed % 32:
            await trio.lowlevel.checkpoint_if_cancelled()
        else:
            await trio.lowlevel.checkpoint()
        if self._transport.accepted_bytes - self._transport.written_bytes > LIMIT:
            await self.flush()

    async def flush(self) -> None:
        """Wait for the socket to take all."""
        await self._transport.wait_written(self._transport.accepted_bytes)


@asynccontextmanager
async def open_session(url: str, context: ssl.SSLContext | None) -> AsyncIterator[Session]:
    """Connect and set up."""
    async with trio.open_nursery() as nursery:
        transport = await dial(nursery, DialRequest(url, ssl_context=context))
        transport.send(SETUP)
        check_setup(await transport.receive())
        yield Session(transport)
        await transport.aclose()
        nursery.cancel_scope.cancel()
