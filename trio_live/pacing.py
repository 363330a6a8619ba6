"""Audio at the speed at which it is spoken, with one clock for all sessions.

What lives here: the clock, and `pace`, which cuts a source into chunks and sends each when it is
due. What must not: what sending is.

A timer and a step of its own for each session and chunk cost as much as sending the chunk does. So
there is one task for a whole `trio.run`, as long as somebody waits. It wakes up at ticks 5 ms apart
and sends on the spot, for everybody whose time has come, what need not wait; a session's own task
runs when its source has to be asked for more, or when sending has to wait, or went wrong. At 100
sessions that takes a third off all that a session costs (benchmarks/capacity.py, "shared clock").

A chunk is early by less than a tick, which does not add up: the time of each chunk is counted from
the first one's.
"""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from typing import Final, TypeAlias

import trio

from trio_live.errors import InvalidArgument, InvalidArgumentType

AudioSource: TypeAlias = bytes | Iterable[bytes] | AsyncIterable[bytes]
"""Audio, or pieces of it of any size."""

TICK: Final = 0.005
"""Seconds between two ticks of the clock."""

_ROUNDING: Final = 1e-3
"""Of a tick: what is due at one is not sent a whole tick before it."""

_MOST_LATE: Final = 0.1
"""Who is later than this, in seconds, does not catch up: a pause is a pause, not a burst."""

_CHUNKS_AHEAD: Final = 16
"""For how many chunks an iterable that is not asynchronous is asked at a time."""

_SAMPLE_BYTES: Final = 2


class Pace:
    """What is to be sent of one source, and when.

    Args:
        send: Sends a chunk.
        send_now: The same without waiting; gives whether it was done.
        rate: Samples per second.
        size: The bytes of a chunk.

    Attributes:
        due: When the next chunk is.
    """

    def __init__(
        self,
        send: Callable[[bytes], Awaitable[None]],
        send_now: Callable[[bytes], bool],
        rate: int,
        size: int,
    ) -> None:
        self.due = trio.current_time()
        self._send = send
        self._send_now = send_now
        self._bytes_per_second = _SAMPLE_BYTES * rate
        self._size = size
        self._data = b""
        self._at = 0  # so much of it is sent
        self._least = size  # from how many bytes on there is a chunk
        self._stuck = False  # the chunk that is due has to wait
        self._error: Exception | None = None

    async def play(self, data: bytes, *, last: bool = False) -> None:
        """Send data, chunk by chunk; what is no whole chunk waits for more, but not the last."""
        self._data = self._data[self._at :] + data
        self._at = 0
        if last:
            self._least = 1
        while len(self._data) - self._at >= self._least:
            await _clock().serve(self)
            if self._error is not None:
                try:
                    raise self._error
                finally:
                    self._error = None
            if self._stuck:
                self._stuck = False
                chunk = self._next()
                await self._send(chunk)
                self._sent(chunk, trio.current_time())

    def ring(self, now: float) -> bool:
        """Send the chunk that is due, from the clock's task; say whether another will be."""
        chunk = self._next()
        try:
            if not self._send_now(chunk):
                self._stuck = True
                return False
        except Exception as error:  # raised in the task that waits
            self._error = error
            return False
        self._sent(chunk, now)
        return len(self._data) - self._at >= self._least

    def _next(self) -> bytes:
        return self._data[self._at : self._at + self._size]

    def _sent(self, chunk: bytes, now: float) -> None:
        if now - self.due > _MOST_LATE:
            self.due = now
        self._at += len(chunk)
        self.due += len(chunk) / self._bytes_per_second


class Clock:
    """The pacing clock of a run."""

    def __init__(self) -> None:
        self._waiting: dict[int, dict[Pace, trio.lowlevel.Task]] = {}  # by tick
        self._ticks: list[int] = []  # a heap: the keys of these
        self._parked: set[Pace] = set()  # whose tasks wait
        self._running = False
        self._sleep = trio.CancelScope()

    async def serve(self, pace: Pace) -> None:
        """Ring until there is nothing more to be sent from here.

        Cancellation: atomic. If cancelled, nothing was sent after that.
        """
        tick = self._put(pace, trio.lowlevel.current_task())
        self._parked.add(pace)
        if not self._running:
            self._running = True
            trio.lowlevel.spawn_system_task(self._run, name="trio_live pacing clock")
        else:
            self._sleep.deadline = min(self._sleep.deadline, tick * TICK)

        def abort(_: object) -> trio.lowlevel.Abort:
            for waiting in self._waiting.values():
                waiting.pop(pace, None)
            self._parked.discard(pace)
            if not self._parked:
                self._sleep.cancel()
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    async def _run(self) -> None:
        while self._parked:
            with trio.CancelScope(deadline=self._ticks[0] * TICK) as self._sleep:
                await trio.sleep_forever()
            now = trio.current_time()
            while self._ticks and self._ticks[0] * TICK <= now:
                due = self._waiting.pop(heapq.heappop(self._ticks))
                while due:
                    pace = next(iter(due))
                    task = due.pop(pace)
                    # A send that finds the connection broken may cancel anybody here: those whose
                    # turn is still to come, who send nothing more, and its own task.
                    if pace not in self._parked:
                        continue
                    more = pace.ring(now)
                    if pace not in self._parked:
                        continue
                    if more:
                        self._put(pace, task)
                    else:
                        self._parked.discard(pace)
                        trio.lowlevel.reschedule(task)
        self._waiting.clear()
        self._ticks.clear()
        self._running = False

    def _put(self, pace: Pace, task: trio.lowlevel.Task) -> int:
        tick = int(pace.due / TICK + _ROUNDING)
        if tick not in self._waiting:
            self._waiting[tick] = {}
            heapq.heappush(self._ticks, tick)
        self._waiting[tick][pace] = task
        return tick


_CLOCK: Final = trio.lowlevel.RunVar[Clock]("trio_live pacing clock")


def _clock() -> Clock:
    try:
        return _CLOCK.get()
    except LookupError:
        clock = Clock()
        _CLOCK.set(clock)
        return clock


async def pace(
    send: Callable[[bytes], Awaitable[None]],
    send_now: Callable[[bytes], bool],
    source: AudioSource,
    sample_rate_hz: int,
    chunk_ms: int,
) -> None:
    """Send audio, chunk by chunk, each when the one before has been spoken.

    Args:
        send: Sends a chunk.
        send_now: The same without waiting, in whatever task; gives whether it was done.
        source: PCM, signed 16-bit little-endian mono.
        sample_rate_hz: Samples per second.
        chunk_ms: Milliseconds of a chunk.

    Raises:
        InvalidArgument, InvalidArgumentType: A length or a rate that cannot be, or no bytes.
        Exception: What `send` or the source raises.

    Cancellation: not atomic. If cancelled, what was sent is whole chunks.
    """
    for name, value in (("sample_rate_hz", sample_rate_hz), ("chunk_ms", chunk_ms)):
        given: object = value
        if isinstance(given, bool) or not isinstance(given, int):
            raise InvalidArgumentType(f"{name} must be an int, not {type(given).__name__}")
    kind: object = source
    if isinstance(kind, str | bytearray | memoryview) or not isinstance(
        kind, bytes | Iterable | AsyncIterable
    ):
        raise InvalidArgumentType(
            f"source must be bytes, or an iterable of bytes, not {type(kind).__name__}; copy other "
            "buffers with bytes(...)"
        )
    size = _SAMPLE_BYTES * (sample_rate_hz * chunk_ms // 1_000)
    if size <= 0:
        raise InvalidArgument(f"{chunk_ms=} at {sample_rate_hz=} is less than one sample")
    player = Pace(send, send_now, sample_rate_hz, size)
    data = bytearray()
    if isinstance(source, bytes):
        data += source
    elif isinstance(source, AsyncIterable):
        async for piece in source:
            await player.play(_checked(piece))
    else:
        for piece in source:
            data += _checked(piece)
            if len(data) >= _CHUNKS_AHEAD * size:
                await player.play(bytes(data))
                data.clear()
    await player.play(bytes(data), last=True)


def _checked(piece: object) -> bytes:
    if not isinstance(piece, bytes):
        raise InvalidArgumentType(f"audio must be bytes, not {type(piece).__name__}")
    return piece
