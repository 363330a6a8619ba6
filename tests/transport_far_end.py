"""The other side of a connection, byte by byte, for the tests of transports."""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Protocol

import trio
from trio.testing import memory_stream_pair, wait_all_tasks_blocked

from trio_live.transport import DialRequest, Transport, TransportClosed, trio_ws, websockets
from trio_live.transport.opening import OpenStream

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
Frame = tuple[int, bytes]


class Dial(Protocol):
    """A dialer that can be given the stream under the connection."""

    def __call__(
        self,
        nursery: trio.Nursery,
        request: DialRequest,
        *,
        open_stream: OpenStream | None = None,
    ) -> Awaitable[Transport]: ...


DIALERS: dict[str, Dial] = {"trio_websocket": trio_ws.dial, "websockets": websockets.dial}


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, reserved: int = 0) -> bytes:
    """Build a frame as a server sends it."""
    head = bytes([fin << 7 | reserved << 4 | opcode])
    if len(payload) < 126:
        return head + bytes([len(payload)]) + payload
    if len(payload) < 65_536:
        return head + b"\x7e" + len(payload).to_bytes(2, "big") + payload
    return head + b"\x7f" + len(payload).to_bytes(8, "big") + payload


def close_payload(code: int, reason: str = "") -> bytes:
    """Build what a close frame holds."""
    return code.to_bytes(2, "big") + reason.encode()


def close_frame(code: int, reason: str = "") -> bytes:
    """Build a close frame."""
    return frame(CLOSE, close_payload(code, reason))


def accepting_answer(request: bytes) -> bytes:
    """Build the answer that accepts an upgrade."""
    [key] = [
        line.partition(b": ")[2]
        for line in request.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key:")
    ]
    token = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(token) + b"\r\n\r\n"
    )


class FarEnd:
    """A server's side of one connection. It does only what it is told to."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._buffer = bytearray()
        self._writing = trio.Lock()  # the near end may be dialled before accept() has returned

    async def read_request(self) -> bytes:
        """Read the upgrade request.

        Raises:
            trio.BrokenResourceError: The near end hung up.
        """
        while b"\r\n\r\n" not in self._buffer:
            if not await self._read_more():
                raise trio.BrokenResourceError
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        self._buffer[:] = rest
        return head

    async def accept(self, then: bytes = b"") -> None:
        """Accept the upgrade, and send `then` with it; if the near end hangs up, close."""
        try:
            answer = accepting_answer(await self.read_request()) + then
            async with self._writing:
                await self.stream.send_all(answer)
        except trio.BrokenResourceError:
            await trio.aclose_forcefully(self.stream)

    async def refuse(self, answer: bytes) -> None:
        """Answer the upgrade with these bytes and leave the stream open."""
        with suppress(trio.BrokenResourceError):  # the near end hung up
            await self.read_request()
            await self.stream.send_all(answer)

    async def send(self, *frames: bytes) -> None:
        """Send frames in one write."""
        async with self._writing:
            await self.stream.send_all(b"".join(frames))

    async def read_frame(self) -> Frame:
        """Read one frame, which must be final, masked and have no reserved bits."""
        first, second = await self._take(2)
        assert first & 0xF0 == 0x80, f"{first:#x}"
        assert second & 0x80, "a client masks"
        size = second & 0x7F
        if size == 126:
            size = int.from_bytes(await self._take(2), "big")
        elif size == 127:
            size = int.from_bytes(await self._take(8), "big")
        mask = await self._take(4)
        masked = int.from_bytes(await self._take(size), "big")
        key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
        return first & 0x0F, (masked ^ key).to_bytes(size, "big")

    async def read_frames(self, count: int) -> list[Frame]:
        """Read so many frames."""
        return [await self.read_frame() for _ in range(count)]

    async def read_rest(self) -> list[Frame]:
        """Read whole frames to the end of the stream."""
        frames: list[Frame] = []
        while self._buffer or await self._read_more():
            frames.append(await self.read_frame())
        return frames

    async def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            assert await self._read_more(), f"the stream ends in mid-frame: {self._buffer!r}"
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    async def _read_more(self) -> bool:
        data = await self.stream.receive_some(65_536)
        self._buffer += data
        return bool(data)


class Line(trio.abc.Stream):
    """A stream that can be stalled and broken, and notes each write.

    Attributes:
        writes: What was written, a piece per write.
        closed: It was closed.
    """

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.writes: list[bytes] = []
        self.closed = False
        self._stream = stream
        self._flows = trio.Event()
        self._flows.set()
        self._write_error: BaseException | None = None
        self._read_error: BaseException | None = None

    def stall(self) -> None:
        """Let writes wait."""
        self._flows = trio.Event()

    def resume(self) -> None:
        """Let them go."""
        self._flows.set()

    def break_writes(self, error: BaseException) -> None:
        """Let waiting and coming writes fail."""
        self._write_error = error
        self._flows.set()

    def break_reads(self, error: BaseException) -> None:
        """Let the reads fail that begin from now on."""
        self._read_error = error

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Write."""
        await trio.lowlevel.checkpoint()
        await self._flows.wait()
        if self._write_error is not None:
            raise self._write_error
        self.writes.append(bytes(data))
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until a write would not."""
        await self._flows.wait()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Read."""
        if self._read_error is not None:
            await trio.lowlevel.checkpoint()
            raise self._read_error
        return bytes(await self._stream.receive_some(max_bytes))

    async def aclose(self) -> None:
        """Close; who waits to write learns of it."""
        self.closed = True
        self.break_writes(trio.ClosedResourceError())
        await self._stream.aclose()


class Connection:
    """Both ends of a connection and the line between them.

    Attributes:
        transport: The near end, once dialled.
        far: The far end.
        line: The stream under the near end.
    """

    transport: Transport

    def __init__(self) -> None:
        ours, theirs = memory_stream_pair()
        self.line = Line(ours)
        self.far = FarEnd(theirs)
        self.dialled: list[tuple[str, int]] = []

    async def open_stream(self, host: str, port: int) -> trio.abc.Stream:
        """Give the near end its stream."""
        await trio.lowlevel.checkpoint()
        self.dialled.append((host, port))
        return self.line

    async def receive_rest(self) -> tuple[list[str | bytes], tuple[int, str]]:
        """Receive to the end; give the messages, and code and reason."""
        messages: list[str | bytes] = []
        while True:
            try:
                messages.append(await self.transport.receive())
            except TransportClosed as closed:
                return messages, (closed.code, closed.reason)


@asynccontextmanager
async def connected(
    dial: Dial, request: DialRequest | None = None, *, then: bytes = b""
) -> AsyncGenerator[Connection]:
    """Connect in memory; at the end the stream must be closed and no task left.

    If the block has closed the transport, its tasks must end by themselves.
    """
    connection = Connection()
    with trio.fail_after(600):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.far.accept, then)
            connection.transport = await dial(
                nursery,
                request or DialRequest("ws://localhost/live"),
                open_stream=connection.open_stream,
            )
            await wait_all_tasks_blocked()  # it reads
            yield connection
            if not connection.line.closed:
                nursery.cancel_scope.cancel()
    assert connection.line.closed


class _CancelAt(trio.abc.Instrument):
    def __init__(self, scope: trio.CancelScope, step: int) -> None:
        self._scope = scope
        self._left = step

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._left -= 1
        if not self._left:
            self._scope.cancel()


async def cancel_at_every_step(
    attempt: Callable[[trio.CancelScope, Callable[[], None]], Awaitable[None]],
) -> int:
    """Repeat an attempt, cancelled at the first step of any task, the second, ... until it ends.

    `attempt(scope, begin)` calls `begin()` where the steps are to be counted from, and does under
    `scope` what is to be cancelled. Gives the number of attempts that were cancelled.
    """
    for step in itertools.count(1):
        scope = trio.CancelScope()
        instrument = _CancelAt(scope, step)

        def begin(instrument: _CancelAt = instrument) -> None:
            trio.lowlevel.add_instrument(instrument)

        try:
            await attempt(scope, begin)
        finally:
            trio.lowlevel.remove_instrument(instrument)
        if not scope.cancelled_caught:
            return step - 1
    raise AssertionError
