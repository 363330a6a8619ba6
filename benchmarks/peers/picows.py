"""picows, WebSockets in C, on uvloop, and msgspec: the least that Python code can take today.

Its frames come by callback. The turn is decoded there, and only its end wakes a task, as a program
would that does its work in the callback.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from benchmarks.peers import T
from benchmarks.peers.messages import (
    MAX_MESSAGE_BYTES,
    SETUP,
    Turn,
    check_setup,
    encode_chunk,
    encode_turn,
)
from benchmarks.peers.on_asyncio import Event, sleep_until, together

__all__ = ["Event", "open_session", "run", "sleep_until", "together"]


def run(main: Callable[[], Coroutine[object, object, T]]) -> T:
    """Run `main` under uvloop."""
    done: T = uvloop.run(main())
    return done


class Session(WSListener):  # type: ignore[misc]  # a class in C
    """A WebSocket after setup."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.set_up: asyncio.Future[bytes] = loop.create_future()
        self._complete = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._arrivals: list[float] = []
        self._turn = Turn(self._arrivals)
        self.transport: WSTransport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take a frame."""
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
        elif not self.set_up.done():
            self.set_up.set_result(frame.get_payload_as_bytes())
        elif self._turn.take(frame.get_payload_as_memoryview()):
            self._complete.set()

    def pause_writing(self) -> None:
        """Flow control: stop."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Flow control: go on."""
        self._writable.set()

    async def ask(self, command: str) -> None:
        """Send a user's turn."""
        self._complete.clear()
        self._arrivals = []
        self._turn = Turn(self._arrivals)
        self.transport.send(WSMsgType.TEXT, encode_turn(command))

    async def receive(self, arrivals: list[float]) -> int:
        """Wait until the turn is complete."""
        await self._complete.wait()
        arrivals += self._arrivals
        return self._turn.size

    async def push(self, chunk: bytes) -> None:
        """Send a chunk, when the loop takes more."""
        if not self._writable.is_set():
            await self._writable.wait()
        self.transport.send(WSMsgType.TEXT, encode_chunk(chunk))

    async def flush(self) -> None:
        """The loop writes what is left; nobody can wait for it."""


@asynccontextmanager
async def open_session(url: str, context: ssl.SSLContext | None) -> AsyncIterator[Session]:
    """Connect and set up."""
    transport, session = await ws_connect(
        Session, url, ssl_context=context, max_frame_size=MAX_MESSAGE_BYTES
    )
    session.transport = transport
    transport.send(WSMsgType.TEXT, SETUP.encode())
    check_setup(await session.set_up)
    yield session
    transport.send_close()
    await transport.wait_disconnected()
