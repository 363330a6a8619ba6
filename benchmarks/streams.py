"""What does one read cost, and one write, on the streams under a connection, beside Trio's own?

    python -m benchmarks.streams [--json] [--quick] [--rounds N]

`plain` compares `trio_live.transport.sockets.DirectSocket` with `trio.SocketStream`, `tls`
`trio_live.transport.tls.TlsStream` over the first with `trio.SSLStream` over the second.

Input: frames of 2,600 bytes (40 ms of the model's voice in JSON) that arrive one at a time, each
when the reader waits for it, so that each is a wake-up; and frames of 900 bytes (20 ms of a
microphone) that are written one at a time. The other end is a socket in the same process, whose
system calls and two visits to the scheduler a frame are in the figures of both. Interleaved rounds,
CPU microseconds a frame, and the ratio of Trio's stream to ours in the same round.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import trio
import trio.testing
import trustme

from benchmarks.cores import CLIENT_CORE, pinned
from benchmarks.harness import Question, Run, main
from trio_live.transport.outgoing import OutgoingStream
from trio_live.transport.sockets import DirectSocket
from trio_live.transport.tls import TlsStream

READ_BYTES: Final = 2_600
WRITTEN_BYTES: Final = 900
HOST: Final = "bench.test"
AUTHORITY: Final = trustme.CA()
KINDS: Final = ("trio", "ours")
MODES: Final = ("plain", "tls")

Write = Callable[[bytes], Awaitable[None]]


class FarEnd:
    """The other end of the connection, which only uses system calls, and TLS in memory."""

    def __init__(self, end: socket.socket, context: ssl.SSLContext | None) -> None:
        self._socket = end
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._engine: ssl.SSLObject | None = None
        if context is not None:
            self._engine = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    async def shake_hands(self) -> None:
        """Do the server's part of TLS's handshake."""
        done = self._engine is None
        while not done:
            assert self._engine is not None
            try:
                self._engine.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                pass
            if self._outgoing.pending:
                self._socket.send(self._outgoing.read())
            if not done:
                await trio.lowlevel.wait_readable(self._socket)
                self._incoming.write(self._socket.recv(65_536))

    def frames(self, count: int) -> list[bytes]:
        """Make what to send, encrypted beforehand."""
        if self._engine is None:
            return [bytes(READ_BYTES)] * count
        made = []
        for _ in range(count):
            self._engine.write(bytes(READ_BYTES))
            made.append(self._outgoing.read())
        return made

    def send(self, data: bytes) -> None:
        """Send."""
        self._socket.send(data)

    def drop_all(self) -> None:
        """Take what has arrived, and forget it."""
        try:
            while self._socket.recv(1 << 20):
                pass
        except BlockingIOError:
            pass


def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make the client's and the server's context."""
    client = ssl.create_default_context()
    AUTHORITY.configure_trust(client)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert(HOST).configure_cert(server)
    return client, server


async def shake_hands(near: Callable[[], Awaitable[None]], far: FarEnd) -> None:
    """Do both ends' parts of TLS's handshake."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(near)
        nursery.start_soon(far.shake_hands)


@asynccontextmanager
async def connected(kind: str, mode: str) -> AsyncIterator[tuple[trio.abc.Stream, Write, FarEnd]]:
    """Connect; give our end, a way to write a frame to it, and the far end."""
    near, far = trio.socket.socketpair()
    client, server = contexts()
    with socket.socket(fileno=os.dup(far.fileno())) as end, far:
        end.setblocking(False)
        far_end = FarEnd(end, server if mode == "tls" else None)
        plain = trio.SocketStream(near)
        async with trio.open_nursery() as nursery:
            if kind == "trio":
                stream: trio.SocketStream | trio.SSLStream[trio.SocketStream] = plain
                if mode == "tls":
                    stream = trio.SSLStream(plain, client, server_hostname=HOST)
                    await shake_hands(stream.do_handshake, far_end)
                yield stream, stream.send_all, far_end
                await trio.aclose_forcefully(stream)
            else:
                direct = DirectSocket(plain)
                ours = OutgoingStream(direct, direct.try_write)
                if mode == "tls":
                    ours = TlsStream(direct, direct.try_write, client, HOST)
                    ours.start(nursery)
                    await shake_hands(ours.do_handshake, far_end)

                async def write(data: bytes) -> None:
                    ours.write(data)
                    await trio.lowlevel.checkpoint()  # as a fair sender has, and send_all() too

                yield ours, write, far_end
                await ours.aclose()
            nursery.cancel_scope.cancel()


async def measure(kind: str, mode: str, count: int) -> tuple[float, float]:
    """Give the microseconds of a read and of a write."""
    async with connected(kind, mode) as (stream, write, far):
        seen = 0
        frames = far.frames(count)

        async def read() -> None:
            nonlocal seen
            while seen < count * READ_BYTES:
                seen += len(await stream.receive_some(65_536))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await trio.testing.wait_all_tasks_blocked()
            begun = time.process_time()
            for data in frames:
                far.send(data)
                await trio.lowlevel.checkpoint()
                await trio.lowlevel.checkpoint()
        reading = time.process_time() - begun
        begun = time.process_time()
        for number in range(count):
            await write(bytes(WRITTEN_BYTES))
            if number % 50 == 49:
                far.drop_all()
        return reading / count * 1e6, (time.process_time() - begun) / count * 1e6


def ask(run: Run) -> None:
    """Measure in interleaved rounds."""
    count = 100 if run.quick else 4_000
    with pinned(CLIENT_CORE):
        for number in range(run.rounds):
            for mode in MODES:
                for kind in KINDS[:: 1 if number % 2 else -1]:
                    taken = trio.run(measure, kind, mode, count)
                    for way, figure in zip(("read", "write"), taken, strict=True):
                        run.add(number, f"{mode} {way}", kind, figure, {})


QUESTION: Final = Question(
    "streams", "What does a read cost, and a write, beside Trio's own streams?",
    "us of CPU per frame", ask, (("trio", "ours"),), rounds=9, uses_peers=False,
)  # fmt: skip

if __name__ == "__main__":
    main(QUESTION)
