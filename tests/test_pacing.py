"""Paced sources: one clock for all sessions, no drift, no burst, and nobody waits for another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_live.commands import SendAudio
from trio_live.errors import InvalidArgument, InvalidArgumentType
from trio_live.pacing import TICK, AudioSource, pace
from trio_live.testing import MockSession

CHUNK = b"\1\2" * 320  # 20 ms at 16 kHz


def clocks() -> list[str]:
    """Give the pacing clocks that run."""
    root = trio.lowlevel.current_root_task()
    assert root is not None
    tasks = [task for nursery in root.child_nurseries for task in nursery.child_tasks]
    return [task.name for task in tasks if task.name == "trio_live pacing clock"]


class Line:
    """Takes chunks, and notes when.

    Args:
        at_once: Whether it can take them without waiting.
    """

    def __init__(self, *, at_once: bool = True) -> None:
        self.at_once = at_once
        self.times: list[float] = []
        self.chunks: list[bytes] = []

    async def send(self, chunk: bytes) -> None:
        """Take a chunk."""
        await trio.lowlevel.checkpoint()
        self._take(chunk)

    def send_now(self, chunk: bytes) -> bool:
        """Take a chunk, or leave it to `send`."""
        if self.at_once:
            self._take(chunk)
        return self.at_once

    def _take(self, chunk: bytes) -> None:
        self.times.append(trio.current_time())
        self.chunks.append(chunk)


async def paced(line: Line, source: AudioSource, chunk_ms: int = 20) -> None:
    """Pace at 16 kHz."""
    await pace(line.send, line.send_now, source, 16_000, chunk_ms)


async def test_chunks_do_not_drift(autojump_clock: MockClock) -> None:
    """A chunk is less than a tick early, also after ten minutes; time for sending adds nothing."""
    line = Line(at_once=False)
    start = trio.current_time()

    async def send(chunk: bytes) -> None:
        await line.send(chunk)
        await trio.sleep(0.0013)

    await pace(send, line.send_now, (CHUNK for _ in range(30_000)), 16_000, 20)
    assert len(line.times) == 30_000
    early = [start + number * 0.02 - at for number, at in enumerate(line.times)]
    assert min(early) >= -1e-4
    assert max(early) < TICK


async def test_one_task_wakes_all_and_ends(autojump_clock: MockClock) -> None:
    """However many sessions are paced there is one clock, and none when they are done."""
    lines = [Line() for _ in range(50)]
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            for line in lines:
                nursery.start_soon(paced, line, CHUNK * 100)
                await trio.sleep(0.0007)
            await trio.sleep(0.5)
            assert len(clocks()) == 1
        await wait_all_tasks_blocked()
    assert clocks() == []
    assert [len(line.chunks) for line in lines] == [100] * 50
    ticks = {round(at / TICK, 3) for line in lines for at in line.times[1:]}
    assert all(tick == int(tick) for tick in ticks)


async def test_cancelled_waits_leave_nothing(autojump_clock: MockClock) -> None:
    """Who is cancelled does not disturb others, and the last one takes the clock along."""
    line = Line()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(paced, line, CHUNK * 10)
            with trio.move_on_after(0.09):
                await paced(Line(), CHUNK * 100)
        assert len(line.chunks) == 10
        await wait_all_tasks_blocked()
        assert clocks() == []
        await paced(line, CHUNK * 3)  # and it can begin again
    assert len(line.chunks) == 13


async def test_clock_that_is_wanted_again_at_once(autojump_clock: MockClock) -> None:
    """The last wait is cancelled and another begins before the clock's task has run."""
    line = Line()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(paced, Line(), CHUNK * 100)
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True):
                await paced(line, CHUNK * 2)
        await wait_all_tasks_blocked()
    assert clocks() == []
    assert len(line.chunks) == 2


async def test_slow_session_delays_no_other(autojump_clock: MockClock) -> None:
    """Who cannot send waits alone, and goes on at the old speed, without a burst."""
    slow, quick = Line(at_once=False), Line()

    async def send_slowly(chunk: bytes) -> None:
        await slow.send(chunk)
        if len(slow.times) == 5:
            await trio.sleep(3)

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(pace, send_slowly, slow.send_now, CHUNK * 10, 16_000, 20))
            nursery.start_soon(paced, quick, CHUNK * 100)
    assert quick.times == pytest.approx([n * 0.02 for n in range(100)])
    assert slow.times == pytest.approx(
        [*(n * 0.02 for n in range(5)), *(3.1 + n * 0.02 for n in range(5))]
    )


async def test_sources_of_all_kinds_are_cut_to_chunks(autojump_clock: MockClock) -> None:
    """Bytes, iterables and asynchronous ones, in pieces of any size; the rest comes last."""
    data = bytes(range(256)) * 10

    def pieces() -> Iterator[bytes]:
        yield data[:1]
        yield b""
        yield data[1:2_000]
        yield data[2_000:]

    async def slow_pieces() -> AsyncIterator[bytes]:
        for piece in pieces():
            await trio.sleep(1)
            yield piece

    sources: list[AudioSource] = [data, list(pieces()), pieces(), slow_pieces()]
    for source in sources:
        line = Line()
        await paced(line, source)
        assert b"".join(line.chunks) == data
        assert [len(chunk) for chunk in line.chunks] == [640] * 4


async def test_source_that_pauses_is_not_hurried(autojump_clock: MockClock) -> None:
    """What comes after a pause is sent at its own speed; a little lateness is made up for."""

    async def microphone() -> AsyncIterator[bytes]:
        for number in range(6):
            if number == 2:
                await trio.sleep(0.1)  # it was due after 0.04: 0.06 late
            if number == 4:
                await trio.sleep(5)
            yield CHUNK

    line = Line()
    await paced(line, microphone())
    gaps = [after - before for before, after in zip(line.times, line.times[1:], strict=False)]
    assert gaps[0] == pytest.approx(0.02)
    assert gaps[1] == pytest.approx(0.1)
    assert gaps[2] == pytest.approx(0)
    assert gaps[3] > 4.9
    assert gaps[4] == pytest.approx(0.02, abs=TICK)


class Broken(Line):
    """Fails at its third chunk; `scope` is cancelled then."""

    def __init__(self, scope: trio.CancelScope | None = None) -> None:
        super().__init__()
        self.scope = scope

    def send_now(self, chunk: bytes) -> bool:
        """Fail, or take a chunk."""
        if len(self.chunks) == 2:
            if self.scope is not None:
                self.scope.cancel()
            raise RuntimeError("broken")
        return super().send_now(chunk)


async def test_error_of_sending_is_raised_where_it_belongs(autojump_clock: MockClock) -> None:
    """What a send raises comes out of its own source's call; others are not disturbed."""
    other = Line()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(paced, other, CHUNK * 10)
            with pytest.raises(RuntimeError, match="broken"):
                await paced(Broken(), CHUNK * 5)
    assert len(other.chunks) == 10


async def test_send_that_cancels_everybody(autojump_clock: MockClock) -> None:
    """A send may find the connection broken, and cancel its own task and others of this tick."""
    others = [Line() for _ in range(3)]
    with trio.fail_after(60):
        async with trio.open_nursery() as outside:
            outside.start_soon(paced, others[2], CHUNK * 5)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(paced, others[0], CHUNK * 5)
                nursery.start_soon(paced, Broken(nursery.cancel_scope), CHUNK * 5)
                nursery.start_soon(paced, others[1], CHUNK * 5)
        await wait_all_tasks_blocked()
    assert [len(line.chunks) for line in others[:2]] in ([2, 2], [2, 3], [3, 2], [3, 3])
    assert len(others[2].chunks) == 5
    assert clocks() == []


async def test_who_is_cancelled_by_the_send_of_another_sends_nothing_more(
    autojump_clock: MockClock,
) -> None:
    """Those whose chunk is due at the same tick, too."""
    sent: list[Line] = []
    sent_at_the_end: list[int] = []

    class Counted(Line):
        def send_now(self, chunk: bytes) -> bool:
            sent.append(self)
            if self is lines[0] and sent.count(self) == 3:
                nursery.cancel_scope.cancel()
                sent_at_the_end.append(len(sent))
            return super().send_now(chunk)

    lines = [Counted() for _ in range(10)]
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            for line in lines:
                nursery.start_soon(paced, line, CHUNK * 5)
        await wait_all_tasks_blocked()
    assert sent_at_the_end == [len(sent)]
    assert clocks() == []


@pytest.mark.parametrize(
    ("source", "rate", "chunk_ms", "error"),
    [
        (["text"], 16_000, 20, InvalidArgumentType),
        ("a.wav", 16_000, 20, InvalidArgumentType),
        (None, 16_000, 20, InvalidArgumentType),
        (bytearray(640), 16_000, 20, InvalidArgumentType),
        (memoryview(CHUNK), 16_000, 20, InvalidArgumentType),
        ([CHUNK, 1], 16_000, 20, InvalidArgumentType),
        (CHUNK, "16000", 20, InvalidArgumentType),
        (CHUNK, 16_000, True, InvalidArgumentType),
        (CHUNK, 16_000, 0, InvalidArgument),
        (CHUNK, -1, 20, InvalidArgument),
    ],
)
async def test_what_cannot_be_paced(
    source: AudioSource, rate: int, chunk_ms: int, error: type[Exception]
) -> None:
    """Mistakes are told at the call that makes them."""
    with pytest.raises(error):
        await pace(Line().send, Line().send_now, source, rate, chunk_ms)


async def test_session_sends_from_a_source(autojump_clock: MockClock) -> None:
    """The verb sends what send_audio() would, with its checks."""
    session = MockSession()
    await session.send_audio_from(CHUNK * 2 + CHUNK[:100], sample_rate_hz=16_000)
    sent = [command for command in session.sent if isinstance(command, SendAudio)]
    assert [len(command.data) for command in sent] == [640, 640, 100]
    assert trio.current_time() == pytest.approx(0.04)
    with pytest.raises(InvalidArgument):
        await session.send_audio_from(b"odd")


async def test_other_buffers_are_not_taken_for_numbers() -> None:
    """The message names the argument and says what to do."""
    line = Line()
    with pytest.raises(InvalidArgumentType, match=r"source must be bytes.*bytearray.*bytes\("):
        await paced(line, bytearray(CHUNK))  # type: ignore[arg-type]
    assert not line.chunks
