"""Six traps measured with trio and trio-websocket, each with a test that it stays shut."""

from __future__ import annotations

import pytest
import trio
from session_parts import (
    PCM,
    Valve,
    Wired,
    collect,
    leaves_with,
    open_over,
    open_with,
    read_until,
    say,
    text_message,
)
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

import trio_live
from trio_live import ConnectionLost, Disconnected, SendText, TextDelta
from trio_live.testing import LiveServer, scripted
from trio_live.testing.checkpoints import all_tasks
from trio_live.testing.server import Say


async def test_trap_t1_send_cancelled_in_mid_frame_does_not_tear_the_connection(
    autojump_clock: MockClock,
) -> None:
    """T1: a send cancelled while its task's frame is half on the wire costs that wait only."""
    with trio.fail_after(60):
        async with LiveServer() as server:
            valve = Valve(server.open_stream())

            async def open_stream() -> trio.abc.Stream:
                await trio.lowlevel.checkpoint()
                return valve

            async with open_over(open_stream, send_buffer_bytes=1) as session:
                for leak in range(1, 40):
                    valve.shut(leaks=leak)
                    with trio.move_on_after(1):
                        await session.send_text(f"accepted {leak}")  # `leak` bytes of it leave
                        await session.send_text("waits for room and is cancelled")
                    valve.opened.set()
                    await session.flush()
            session_there = server.sessions[0]
            assert session_there.received[1:] == [
                text_message(f"accepted {n}") for n in range(1, 40)
            ]
            assert session_there.closed == (1000, "")


async def test_trap_t2_close_by_the_server_cancels_a_sleeping_body(
    autojump_clock: MockClock,
) -> None:
    """T2: a body that waits for something else learns of a loss at once, by cancellation."""
    with trio.fail_after(60):
        async with LiveServer() as server:
            with leaves_with(ConnectionLost) as caught:
                async with open_with(server, reconnect=None), trio.open_nursery() as nursery:
                    nursery.start_soon(server.sessions[0].close, 1011, "Internal error.")
                    await trio.sleep_forever()
            assert (caught.value.code, trio.current_time()) == (1011, 0)


async def test_trap_t3_full_consumers_do_not_stop_pongs(autojump_clock: MockClock) -> None:
    """T3: nobody reads events, far more come than fit, and pings are answered all the same."""
    client, far = memory_stream_pair()

    async def open_stream() -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return client

    async def serve() -> None:
        async with trio.open_nursery() as serving:
            request = await wrap_server_stream(serving, far)
            websocket: WebSocketConnection = await request.accept()
            await websocket.get_message()
            await websocket.send_message('{"setupComplete":{}}')
            for _ in range(20):
                for _ in range(100):
                    await websocket.send_message(say("x" * 100).decode())
                with trio.fail_after(0.5):
                    await websocket.ping()
            done.set()
            with pytest.raises(ConnectionClosed):
                await websocket.get_message()

    done = trio.Event()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            async with open_over(open_stream, max_buffered_events=64) as session:
                await done.wait()
                statistics = session.statistics()
                assert statistics.events["TextDelta"] == 2_000
                assert statistics.peak_buffered_events == 64


async def test_trap_t4_events_before_a_loss_can_be_read_after_it(
    autojump_clock: MockClock,
) -> None:
    """T4: the cancelled block does not get them; the iteration, which outlives it, still does."""
    wired = Wired()
    with trio.fail_after(60):
        with leaves_with(ConnectionLost):
            async with wired.open(reconnect=None) as session:
                wired.peer.send(say("the last words"))
                wired.peer.close(1011)
                await trio.sleep_forever()
        assert TextDelta("the last words", 1) in await read_until(session, Disconnected)
        with pytest.raises(ConnectionLost):
            await collect(session)


async def test_trap_t4_events_before_a_clean_end_reach_the_block(
    autojump_clock: MockClock,
) -> None:
    """T4: a normal close ends the stream behind what was received; nothing is cancelled."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open() as session:
            wired.peer.send(say("the last words"))
            wired.peer.close(1000)
            assert TextDelta("the last words", 1) in await collect(session)


async def test_trap_t5_leaving_while_the_server_floods_does_not_raise(
    autojump_clock: MockClock,
) -> None:
    """T5: with events unread and more on their way, leaving is clean in each of 50 runs."""
    model = scripted([[Say("word " * 200)]] * 50)
    with trio.fail_after(600):
        async with LiveServer(model, pace=0) as server:
            before = all_tasks()
            for _ in range(50):
                async with open_with(server) as session:
                    await session.send_text("talk")
                    await read_until(session, TextDelta)
                await server.sessions[-1].wait_closed()
                await wait_all_tasks_blocked()
                assert all_tasks() == before
            assert server.errors == []


async def test_trap_t5_leaving_while_subscribers_read_ends_them_cleanly(
    autojump_clock: MockClock,
) -> None:
    """T5: readers outside of the block see the end of the stream, not a broken resource."""
    wired = Wired()
    ended: list[trio_live.SessionEvent] = []

    async def read(events: trio_live.Subscription) -> None:
        ended.append((await collect(events))[-1])

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery, wired.open() as session:
            for _ in range(5):
                nursery.start_soon(read, session.subscribe())
            for number in range(100):
                wired.peer.send(say(str(number)))
        assert ended == [Disconnected(1000, "", True, {})] * 5


@pytest.mark.parametrize("kind", ["verbs", "raw", "audio and raw"])
async def test_trap_t6_two_sends_and_leaving_deliver_both(
    autojump_clock: MockClock, kind: str
) -> None:
    """T6: the close handshake waits for the writer; nothing is lost in 200 runs of each kind."""
    with trio.fail_after(600):
        async with LiveServer() as server:
            for number in range(200):
                async with open_with(server) as session:
                    if kind == "verbs":
                        await session.send_text("first")
                    elif kind == "audio and raw":
                        await session.send_audio(PCM)
                    else:
                        session.command_tx.send_nowait(SendText("first"))
                    if kind == "verbs":
                        await session.send_text(f"last {number}")
                    else:
                        session.command_tx.send_nowait(SendText(f"last {number}"))
                received = server.sessions[-1].received
                assert (len(received), received[-1]) == (3, text_message(f"last {number}"))
