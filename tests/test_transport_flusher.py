"""What waits a moment is written by one task for all connections, as long as there are any."""

from __future__ import annotations

import trio
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked

from trio_live.transport.outgoing import OutgoingStream


def flushers() -> int:
    """How many such tasks there are."""
    root = trio.lowlevel.current_root_task()
    assert root is not None
    tasks = [task for nursery in root.child_nurseries for task in nursery.child_tasks]
    return sum(task.name == "trio_live flusher" for task in tasks)


async def test_flusher_writes_for_all_streams_and_ends_with_the_last(
    autojump_clock: MockClock,
) -> None:
    """Each stream's frames leave in order, in one write, when others run; there is one task."""
    taken: dict[int, list[bytes]] = {0: [], 1: []}

    def stream_of(number: int) -> OutgoingStream:
        def try_write(data: bytes) -> int:
            taken[number].append(data)
            return len(data)

        return OutgoingStream(memory_stream_pair()[0], try_write)

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            streams = [stream_of(0), stream_of(1)]
            for stream in streams:
                stream.start(nursery)
            assert flushers() == 0
            for _ in range(3):
                for data in (b"a", b"b", b"c"):
                    for stream in streams:
                        stream.write(data)
                await wait_all_tasks_blocked()
                assert flushers() == 1
                assert not nursery.child_tasks
            assert taken[0] == taken[1] == [b"a", b"bc", b"abc", b"abc"]
            for stream in streams:
                await stream.aclose()
                await stream.aclose()
            await wait_all_tasks_blocked()
            assert flushers() == 0


async def test_flusher_leaves_a_socket_that_is_full_to_a_task_of_its_own(
    autojump_clock: MockClock,
) -> None:
    """Nobody waits for another connection's socket."""
    near, far = memory_stream_pair()
    stream = OutgoingStream(near, lambda data: min(len(data), 1))
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            stream.start(nursery)
            stream._wrote_at = trio.current_time()  # so that the first frame waits, too
            for data in (b"ab", b"cd"):
                stream.write(data)
            await wait_all_tasks_blocked()
            assert await far.receive_some() == b"bcd"  # behind what the socket took
            assert stream.accepted == stream.written == stream.begun == 4
            await stream.aclose()


def test_flusher_writes_for_streams_that_end_with_the_run() -> None:
    """At the end of a run all system tasks are cancelled together; who has one still closes well.

    Several runs, because Trio wakes them in an order of its own.
    """
    told: list[tuple[bytes, int]] = []

    async def say_goodbye() -> None:
        taken = bytearray()

        def try_write(data: bytes) -> int:
            taken.extend(data)
            return len(data)

        stream = OutgoingStream(memory_stream_pair()[0], try_write)
        async with trio.open_nursery() as nursery:
            stream.start(nursery)
            stream.write(b"first,")
            stream.write(b"second,")
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    stream.write(b"third,")
                    stream.write(b"goodbye")
                    await trio.sleep(1)
                    told.append((bytes(taken), stream.backlog))
                    await stream.aclose()

    async def main() -> None:
        for _ in range(3):
            trio.lowlevel.spawn_system_task(say_goodbye)
        await wait_all_tasks_blocked()

    for _ in range(10):
        trio.run(main, clock=MockClock(autojump_threshold=0))
    assert told == [(b"first,second,third,goodbye", 0)] * 30
