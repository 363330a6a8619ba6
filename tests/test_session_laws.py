"""The laws of the design, one or more tests for each that a session has to keep."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import trio
from session_parts import (
    CONFIG,
    ENDPOINT,
    PCM,
    Json,
    Valve,
    Wired,
    collect,
    frame,
    leaves_with,
    open_over,
    open_with,
    read_to_the_end,
    read_until,
    say,
    serve_bare,
    text_message,
)
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked
from trio_websocket import WebSocketConnection

import trio_live
from trio_live import (
    ConnectionLost,
    Disconnected,
    Error,
    Interrupted,
    LocalProtocolError,
    PhaseChanged,
    SendText,
    SessionClosed,
    SessionPhase,
    TextDelta,
    Unknown,
)
from trio_live.testing import LiveServer, MemoryNetwork, scripted
from trio_live.testing.checkpoints import all_tasks
from trio_live.testing.server import Close, Say
from trio_live.transport import DialRequest, Transport, TransportClosed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class Stop(BaseException):
    """Stands for KeyboardInterrupt and SystemExit."""


async def leave_normally() -> None:
    """Come to the end."""
    await trio.lowlevel.checkpoint()


async def leave_by_exception() -> None:
    """Raise."""
    raise LookupError("of the block")


async def leave_by_base_exception() -> None:
    """Raise what is no Exception."""
    raise Stop


async def leave_by_cancellation() -> None:
    """Be there when the time is over."""
    await trio.sleep(1)
    await trio.sleep_forever()


WAYS_OUT: list[tuple[Callable[[], Awaitable[None]], type[BaseException] | None, int]] = [
    (leave_normally, None, 1000),
    (leave_by_exception, LookupError, 1000),
    (leave_by_base_exception, Stop, 1006),
    (leave_by_cancellation, trio.TooSlowError, 1006),
]


# Law 1: a session is a scope.


@pytest.mark.parametrize(("leave", "expected", "code"), WAYS_OUT)
async def test_scope_left_in_any_way_leaves_nothing_behind(
    autojump_clock: MockClock,
    leave: Callable[[], Awaitable[None]],
    expected: type[BaseException] | None,
    code: int,
) -> None:
    """Law 1: after the block no task is left and the server has seen the connection end."""
    with trio.fail_after(60):
        async with LiveServer() as server:
            before = all_tasks()
            raised: BaseException | None = None
            try:
                with trio.fail_after(2):
                    async with open_with(server):
                        await leave()
            except BaseException as error:
                raised = error
            assert type(raised) is (expected or type(None))
            assert await server.sessions[0].wait_closed() == (code, "")
            await wait_all_tasks_blocked()
            assert all_tasks() == before
            assert server.errors == []


@pytest.mark.parametrize(("leave", "expected", "code"), WAYS_OUT)
async def test_scope_over_memory_left_in_any_way_ends_the_connection(
    autojump_clock: MockClock,
    leave: Callable[[], Awaitable[None]],
    expected: type[BaseException] | None,
    code: int,
) -> None:
    """Law 1: it holds for any transport; only a normal end says goodbye."""
    wired = Wired()
    before = all_tasks()
    raised: BaseException | None = None
    try:
        with trio.fail_after(2):
            async with wired.open():
                await leave()
    except BaseException as error:
        raised = error
    assert type(raised) is (expected or type(None))
    assert wired.saw_the_end()
    assert wired.peer.closed_with == ((1000, "") if code == 1000 else None)
    assert all_tasks() == before


@pytest.mark.parametrize("way", ["normally", "by exception", "by disconnect()"])
async def test_scope_with_a_peer_that_reads_nothing_ends_within_close_timeout(
    autojump_clock: MockClock, way: str
) -> None:
    """Law 1: a peer that never reads and never answers holds nobody longer than close_timeout."""
    client, far = memory_stream_pair()
    valve = Valve(client)

    async def answer(websocket: WebSocketConnection) -> None:
        await websocket.get_message()
        await websocket.send_message('{"setupComplete":{}}')
        await trio.sleep_forever()

    async def open_stream() -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return valve

    start = 0.0

    async def use() -> None:
        nonlocal start
        async with open_over(open_stream, close_timeout=3, send_buffer_bytes=100) as session:
            valve.shut(leaks=10)
            await session.send_audio(PCM)
            session.command_tx.send_nowait(SendText("behind it"))
            await wait_all_tasks_blocked()  # the pump waits for room, which never comes
            start = trio.current_time()
            if way == "by exception":
                raise LookupError
            if way == "by disconnect()":
                await session.disconnect()

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_bare, far, answer)
            expected = LookupError if way == "by exception" else ConnectionLost
            with pytest.raises(expected) as caught:
                await use()
            assert trio.current_time() - start == 3
            if isinstance(caught.value, ConnectionLost):
                assert caught.value.undelivered == (
                    trio_live.SendAudio(PCM),
                    SendText("behind it"),
                )
                assert (caught.value.code, caught.value.phase) == (
                    1006,
                    SessionPhase.DISCONNECTING,
                )
            nursery.cancel_scope.cancel()


# Law 2: one owner per direction.


@asynccontextmanager
async def valved(
    **settings: Any,
) -> AsyncGenerator[tuple[trio_live.SessionScope, Valve, LiveServer]]:
    """A session with an embedded server, and a valve in its outgoing direction."""
    async with LiveServer() as server:

        async def open_stream() -> trio.abc.Stream:
            await trio.lowlevel.checkpoint()
            return valve

        valve = Valve(server.open_stream())
        yield open_over(open_stream, **settings), valve, server
        assert server.errors == []


async def test_send_cancelled_while_the_writer_is_stalled_leaves_no_partial_frame(
    autojump_clock: MockClock,
) -> None:
    """Law 2: a cancelled send did not happen; those accepted before and after arrive whole."""
    with trio.fail_after(60):
        async with valved(send_buffer_bytes=100) as (scope, valve, server):
            async with scope as session:
                valve.shut(leaks=7)
                await session.send_text("a" * 200)  # written by seven bytes of its frame
                with trio.move_on_after(1) as waiting:
                    await session.send_text("cancelled while it waits for room")
                assert waiting.cancelled_caught
                valve.opened.set()
                await session.send_text("b")
            assert server.sessions[0].received[1:] == [text_message("a" * 200), text_message("b")]
            assert server.sessions[0].closed == (1000, "")


async def test_sends_of_many_tasks_while_the_writer_is_stalled_never_mix(
    autojump_clock: MockClock,
) -> None:
    """Law 2: frames of many tasks, half of which are cancelled, arrive whole and in order."""
    with trio.fail_after(60):
        async with valved(send_buffer_bytes=1_000) as (scope, valve, server):
            done: list[str] = []

            async def talk(name: str, patience: float) -> None:
                with trio.move_on_after(patience):
                    for number in range(10):
                        text = f"{name}{number}" * 50
                        await session.send_text(text)
                        done.append(text)

            async with scope as session:
                valve.shut(leaks=1_500)
                async with trio.open_nursery() as nursery:
                    for index in range(10):
                        nursery.start_soon(talk, chr(ord("a") + index), 1 if index % 2 else 10)
                    await trio.sleep(2)
                    valve.opened.set()
            received = [
                msgspec.convert(message, Json)["clientContent"]["turns"][0]["parts"][0]["text"]
                for message in server.sessions[0].received[1:]
            ]
            assert sorted(received) == sorted(done)
            assert len(done) >= 50
            for index in range(10):
                own = [text for text in received if text[0] == chr(ord("a") + index)]
                assert own == sorted(own)


# Law 3: reading never waits for the application.


async def test_slow_consumers_do_not_stop_pings_and_interruptions(
    autojump_clock: MockClock,
) -> None:
    """Law 3: with every consumer asleep, pings are answered and an interruption is acted on."""
    pongs: list[float] = []

    async def flood(websocket: WebSocketConnection) -> None:
        await websocket.get_message()
        await websocket.send_message('{"setupComplete":{}}')
        for _ in range(500):
            await websocket.send_message(say("x" * 1_000).decode())
        await websocket.send_message('{"serverContent":{"interrupted":true}}')
        with trio.fail_after(1):
            await websocket.ping()
        pongs.append(trio.current_time())
        await read_to_the_end(websocket)

    client, far = memory_stream_pair()

    async def open_stream() -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return client

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_bare, far, flood)
            async with open_over(open_stream, max_buffered_events=50) as session:
                slow = session.subscribe(max_bytes=10_000)
                dropping = session.subscribe(max_events=20, policy="drop_oldest")
                await session.wait_for_phase(SessionPhase.INTERRUPTED)
                await wait_all_tasks_blocked()
                assert len(pongs) == 1
                peaks = slow.statistics(), dropping.statistics()
                assert (peaks[0].peak_bytes, peaks[1].peak_events) == (10_000, 20)
                statistics = session.statistics()
                assert statistics.peak_buffered_events == 50
                assert statistics.events["TextDelta"] == 500
                assert statistics.missed_events > 1_000
                with pytest.raises(trio_live.SubscriberLagged) as lagged:
                    await collect(slow)
                assert lagged.value.missed == slow.statistics().missed
                await session.send_text("the session lives")


async def test_block_policy_holds_the_reader_and_loses_nothing(autojump_clock: MockClock) -> None:
    """Law 3: "block" makes the session wait for its reader, who then gets every event in order."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open() as session:
            events = session.subscribe(max_events=3, policy="block")
            for number in range(50):
                wired.peer.send(say(str(number)))
            await wait_all_tasks_blocked()
            assert events.statistics().peak_events <= 4
            texts: list[str] = []
            async for event in events:
                if isinstance(event, TextDelta):
                    texts.append(event.text)
                    if len(texts) == 50:
                        break
            assert texts == [str(number) for number in range(50)]
        assert events.statistics().missed == 0


async def test_block_subscription_that_nobody_reads_does_not_hold_the_exit(
    autojump_clock: MockClock,
) -> None:
    """Law 3: leaving stops waiting for readers, so "block" cannot hang the end of the block."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open() as session:
            events = session.subscribe(max_events=1, policy="block")
            for number in range(10):
                wired.peer.send(say(str(number)))
            await wait_all_tasks_blocked()
            start = trio.current_time()
        assert trio.current_time() == start
        assert events.statistics().peak_events >= 1


@pytest.mark.parametrize("code", [1000, 1011])
async def test_end_behind_a_block_subscription_comes_once_it_is_read(
    autojump_clock: MockClock, code: int
) -> None:
    """Law 3: an end that comes while the reader waits for room is told behind all events."""
    wired = Wired()
    texts: list[str] = []

    async def use() -> None:
        async with wired.open(reconnect=None) as session:
            events = session.subscribe(max_events=2, policy="block")
            for number in range(10):
                wired.peer.send(say(str(number)))
            wired.peer.close(code)
            await wait_all_tasks_blocked()
            assert session.phase is SessionPhase.MODEL_SPEAKING
            texts.extend([e.text async for e in events if isinstance(e, TextDelta)])
            if code != 1000:
                await trio.sleep_forever()

    with trio.fail_after(60):
        if code == 1000:
            await use()
            assert texts == [str(number) for number in range(10)]
        else:
            with pytest.raises(ConnectionLost):
                await use()


async def test_loss_behind_an_unread_block_subscription_is_noticed_by_a_send(
    autojump_clock: MockClock,
) -> None:
    """Law 3: a send that finds the connection broken ends the wait for room in close_timeout."""
    wired = Wired()

    async def use() -> None:
        async with wired.open(reconnect=None, close_timeout=2) as session:
            unread.append(session.subscribe(max_events=1, policy="block"))
            wired.peer.send(say("a"))
            wired.peer.send(say("b"))
            await wait_all_tasks_blocked()
            wired.peer.close(1011)
            await session.send_text("too late")

    unread: list[trio_live.Subscription] = []
    with trio.fail_after(60):
        with pytest.raises(ConnectionLost) as caught:
            await use()
        assert trio.current_time() == 2
        assert (caught.value.code, caught.value.undelivered) == (1006, ())


# Law 4: nothing is lost silently.


async def test_loss_with_commands_unwritten_tells_which(autojump_clock: MockClock) -> None:
    """Law 4: what was accepted and not written is in the error, the last event, the statistics."""
    wired = Wired()
    last: list[trio_live.SessionEvent] = []
    handle: list[trio_live.SessionHandle] = []

    async def use() -> None:
        async with wired.open(reconnect=None, send_buffer_bytes=100) as session:
            handle.append(session)
            await session.send_text("written")
            wired.peer.stall()
            await session.send_audio(PCM)
            for text in ("first", "second"):
                session.command_tx.send_nowait(SendText(text))
            await wait_all_tasks_blocked()
            wired.peer.close(1011, "Internal error.")
            await trio.sleep_forever()

    with trio.fail_after(60):
        with pytest.raises(ConnectionLost) as caught:
            await use()
        error = caught.value
        lost = (trio_live.SendAudio(PCM), SendText("first"), SendText("second"))
        assert (error.undelivered, error.code, error.reason, error.retryable, error.phase) == (
            lost,
            1011,
            "Internal error.",
            True,
            SessionPhase.ACTIVE,
        )
        assert isinstance(error.__cause__, TransportClosed)
        counts = {"SendAudio": 1, "SendText": 2}
        assert handle[0].statistics().undelivered == counts
        async with handle[0].subscribe() as nothing:
            with pytest.raises(ConnectionLost):
                await nothing.receive()
        with leaves_with(ConnectionLost):
            async for event in handle[0]:
                last.append(event)
        assert last[-1] == Disconnected(1011, "Internal error.", False, counts)


async def test_raw_command_put_in_at_the_moment_of_a_loss_is_counted(
    autojump_clock: MockClock,
) -> None:
    """Law 4: also a command on its way from the channel to its taker is in `undelivered`."""
    wired = Wired()

    async def use() -> None:
        async with wired.open(reconnect=None) as session:
            await wait_all_tasks_blocked()
            wired.peer.close()
            session.command_tx.send_nowait(SendText("on its way"))
            await trio.sleep_forever()

    with trio.fail_after(60):
        for _ in range(20):
            wired = Wired()
            with pytest.raises(ConnectionLost) as caught:
                await use()
            assert caught.value.undelivered == (SendText("on its way"),)


async def test_raw_command_before_leaving_at_the_moment_of_a_loss_is_counted(
    autojump_clock: MockClock,
) -> None:
    """Law 4: the same when the block is left in that moment; the loss is told by its own code."""
    with trio.fail_after(60):
        for _ in range(20):
            wired = Wired()
            with leaves_with(ConnectionLost) as caught:
                async with wired.open(reconnect=None) as session:
                    await wait_all_tasks_blocked()
                    wired.peer.close(1011)
                    session.command_tx.send_nowait(SendText("on its way"))
            assert caught.value.undelivered == (SendText("on its way"),)
            assert caught.value.code == 1011


async def test_normal_close_by_the_service_with_commands_unwritten_tells_how_many(
    autojump_clock: MockClock,
) -> None:
    """Law 4: a clean end is no error; its event and the statistics count what was not written."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open(send_buffer_bytes=100) as session:
            wired.peer.stall()
            await session.send_audio(PCM)
            session.command_tx.send_nowait(SendText("queued"))
            await wait_all_tasks_blocked()
            wired.peer.close(1000)
            await session.join()
            events = await collect(session)
            counts = {"SendAudio": 1, "SendText": 1}
            assert events[-1] == Disconnected(1000, "", True, counts)
            assert session.statistics().undelivered == counts
            with pytest.raises(SessionClosed):
                await session.send_text("more")


async def test_cancellation_with_commands_unwritten_tells_how_many(
    autojump_clock: MockClock,
) -> None:
    """Law 4: leaving by cancellation writes nothing more, and the last event counts it."""
    wired = Wired()
    with trio.fail_after(60):
        with trio.move_on_after(1) as scope:
            async with wired.open(send_buffer_bytes=100) as session:
                wired.peer.stall()
                await session.send_audio(PCM)
                session.command_tx.send_nowait(SendText("queued"))
                await trio.sleep_forever()
        assert scope.cancelled_caught
        assert trio.current_time() == 1
        events = await collect(session)
        counts = {"SendAudio": 1, "SendText": 1}
        assert events[-2:] == [
            PhaseChanged(SessionPhase.DISCONNECTED, SessionPhase.ACTIVE),
            Disconnected(1006, "", False, counts),
        ]
        assert session.statistics().undelivered == counts


async def test_every_frame_becomes_an_event(autojump_clock: MockClock) -> None:
    """Law 4: unknown fields, unknown messages and frames that are no JSON are told; it lives."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open() as session:
            await read_until(session, PhaseChanged)  # CONNECTING
            await read_until(session, PhaseChanged)  # SETUP_SENT
            await read_until(session, PhaseChanged)  # ACTIVE
            wired.peer.send(b'{"newThing":{"a":1}}')
            wired.peer.send("no JSON")
            wired.peer.send(b"\xff\xfe")
            wired.peer.send(b'{"toolCall":{"functionCalls":7}}')
            wired.peer.send(say("still here"))
            events = await read_until(session, TextDelta)
            assert [type(event) for event in events] == [Unknown, Error, Error, Error, TextDelta]
            assert events[0] == Unknown(b'{"newThing":{"a":1}}')
            await session.send_text("and so am I")
        assert wired.sent() == [text_message("and so am I")]


async def test_accepted_commands_are_written_exactly_once(autojump_clock: MockClock) -> None:
    """Law 4: verbs and raw commands, through stalls, arrive once and in order."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open(send_buffer_bytes=200) as session:
            for number in range(100):
                if number % 10 == 0:
                    wired.peer.stall()
                if number % 10 == 3:
                    await wait_all_tasks_blocked()
                if number % 10 == 5:
                    wired.peer.resume()
                if number % 2:
                    await session.command_tx.send(SendText(str(number)))
                else:
                    with trio.CancelScope() as scope:
                        async with trio.open_nursery() as nursery:
                            nursery.start_soon(session.send_text, str(number))
                            await wait_all_tasks_blocked()
                            wired.peer.resume()
                    assert not scope.cancelled_caught
        assert wired.sent() == [text_message(str(number)) for number in range(100)]
        assert session.statistics().frames_sent == 101


# Law 5: nothing hangs.


class Silent(trio.abc.Stream):
    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.sleep_forever()
        raise AssertionError

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


async def silent() -> trio.abc.Stream:
    """A stream that takes everything and says nothing."""
    await trio.lowlevel.checkpoint()
    return Silent()


async def never() -> trio.abc.Stream:
    """A host that does not answer."""
    await trio.sleep_forever()
    raise AssertionError


@pytest.mark.parametrize("open_stream", [never, silent])
async def test_unreachable_and_silent_servers_end_in_connect_timeout(
    autojump_clock: MockClock, open_stream: Callable[[], Awaitable[trio.abc.Stream]]
) -> None:
    """Law 5: a dial, or an upgrade, that is never answered ends at connect_timeout."""
    with trio.fail_after(60):
        with pytest.raises(trio_live.ConnectTimeout) as caught:
            async with open_over(open_stream, connect_timeout=4):
                raise AssertionError
        assert trio.current_time() == 4
        assert (caught.value.retryable, caught.value.phase) == (True, SessionPhase.CONNECTING)
        assert str(caught.value) == "no connection within connect_timeout=4 s"


async def test_trickling_upgrade_ends_in_connect_timeout(autojump_clock: MockClock) -> None:
    """Law 5: an answer to the upgrade that comes a byte a second ends at connect_timeout."""
    client, far = memory_stream_pair()

    async def trickle() -> None:
        for byte in b"HTTP/1.1 101 Switching Protocols\r\n" + b"X-Slow: 1\r\n" * 1_000:
            await trio.sleep(1)
            await far.send_all(bytes([byte]))

    async def open_stream() -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return client

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trickle)
            with pytest.raises(trio_live.ConnectTimeout):
                await open_over(open_stream, connect_timeout=5.5).__aenter__()
            assert trio.current_time() == 5.5  # between two bytes
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("trickle", [False, True])
async def test_setup_without_answer_ends_in_setup_timeout(
    autojump_clock: MockClock, trickle: bool
) -> None:
    """Law 5: a service that says nothing, or nothing to the point, ends at setup_timeout."""
    client, far = memory_stream_pair()

    async def serve(websocket: WebSocketConnection) -> None:
        while trickle:
            await trio.sleep(0.5)
            await websocket.send_message('{"usageMetadata":{}}')
        await trio.sleep_forever()

    async def open_stream() -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return client

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_bare, far, serve)
            with pytest.raises(trio_live.SetupTimeout) as caught:
                await open_over(open_stream, setup_timeout=3).__aenter__()
            assert trio.current_time() == 3
            assert (caught.value.retryable, caught.value.phase) == (True, SessionPhase.SETUP_SENT)
            nursery.cancel_scope.cancel()


async def test_close_that_is_never_answered_ends_at_close_timeout(
    autojump_clock: MockClock,
) -> None:
    """Law 5: when all is written, a missing answer to the close costs close_timeout.

    Laws 4, 7: it is an error if nothing else shows that the last text has arrived.
    """
    client, far = memory_stream_pair()

    async def hold(websocket: WebSocketConnection) -> None:
        await websocket.get_message()
        await websocket.send_message('{"setupComplete":{}}')
        await websocket.get_message()
        held.set()
        await trio.sleep_forever()

    async def open_stream() -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return client

    held = trio.Event()

    async def serve_until_held(stream: trio.abc.Stream) -> None:
        # Cancelling trio-websocket's reader leaves the stream open: a peer that is stuck.
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(serve_bare, stream, hold)
                await held.wait()
                scope.cancel()

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_until_held, far)
            with leaves_with(ConnectionLost) as caught:
                async with open_over(open_stream, close_timeout=2.5) as session:
                    await session.send_text("the last")
                    await held.wait()
            assert trio.current_time() == 2.5
            assert (caught.value.undelivered, caught.value.uncertain) == ((), {"SendText": 1})
            with pytest.raises(ConnectionLost):
                await session.join()


@pytest.mark.parametrize("raw", [False, True])
async def test_connection_that_breaks_for_writing_only_ends_at_close_timeout(
    autojump_clock: MockClock, raw: bool
) -> None:
    """Law 5: when writing fails and reading stays silent, a send ends in ConnectionLost in time."""
    wired = Wired()

    def refuse(_frame: str) -> None:
        raise TransportClosed(1006)

    async def use() -> None:
        async with wired.open(reconnect=None, close_timeout=3) as session:
            wired.peer.client.send = refuse  # type: ignore[assignment,method-assign]
            await trio.sleep(1)
            if raw:
                await session.command_tx.send(SendText("x"))
                await trio.sleep_forever()
            await session.send_text("x")

    with trio.fail_after(60):
        with pytest.raises(ConnectionLost) as caught:
            await use()
        assert trio.current_time() == 4
        lost = (SendText("x"),) if raw else ()
        assert (caught.value.code, caught.value.undelivered) == (1006, lost)


# Law 6: plain exceptions.


async def test_exception_of_the_block_leaves_as_itself(autojump_clock: MockClock) -> None:
    """Law 6: the block's exception is the very object, without a group, cause or context."""
    wired = Wired()
    mine = LookupError("mine")
    with trio.fail_after(60):
        with leaves_with(LookupError) as caught:
            async with wired.open() as session:
                await session.send_text("before")
                raise mine
        assert caught.value is mine
        assert (mine.__cause__, mine.__context__) == (None, None)
        assert wired.sent() == [text_message("before")]
        assert wired.peer.closed_with == (1000, "")


@pytest.mark.parametrize("kind", [StopIteration, StopAsyncIteration, ZeroDivisionError, Stop])
async def test_any_kind_of_exception_leaves_as_itself(
    autojump_clock: MockClock, kind: type[BaseException]
) -> None:
    """Law 6: that the scope is built of generators and nurseries cannot be seen from outside."""
    wired = Wired()
    mine = kind()
    with trio.fail_after(60):
        with leaves_with(kind) as caught:
            async with wired.open():
                raise mine
        assert caught.value is mine


async def test_loss_leaves_plain_with_its_cause(autojump_clock: MockClock) -> None:
    """Law 6: a loss comes out as ConnectionLost, chained to what the transport said."""
    wired = Wired()
    with trio.fail_after(60):
        with leaves_with(ConnectionLost) as caught:
            async with wired.open(reconnect=None):
                wired.peer.close(1011, "Internal error.")
                await trio.sleep_forever()
        assert isinstance(caught.value.__cause__, TransportClosed)
        assert str(caught.value) == (
            "the connection was lost (close code 1011, 'Internal error.'): "
            "a failure inside the service"
        )


async def test_exception_of_the_block_wins_over_a_loss(autojump_clock: MockClock) -> None:
    """Law 6: when the connection is lost while the block raises, the block's exception goes out."""
    wired = Wired()
    mine = LookupError("mine")
    with trio.fail_after(60):
        with leaves_with(LookupError) as caught:
            async with wired.open(reconnect=None):
                try:
                    wired.peer.close()
                    await trio.sleep_forever()
                finally:
                    raise mine
        assert caught.value is mine
        with leaves_with(LookupError) as caught:
            async with wired.open(reconnect=None):
                wired.peer.close()
                raise mine
        assert caught.value is mine


async def test_group_of_the_block_stays_as_it_is(autojump_clock: MockClock) -> None:
    """Law 6: a nursery in the block raises groups, and so does the block then: the same object."""
    wired = Wired()
    group = ExceptionGroup("mine", [LookupError(), ExceptionGroup("inner", [OSError()])])
    with trio.fail_after(60):
        with leaves_with(ExceptionGroup) as caught:
            async with wired.open():
                raise group
        assert caught.value is group

        async def fail() -> None:
            raise LookupError

        with pytest.RaisesGroup(LookupError, LookupError):
            async with wired.open(), trio.open_nursery() as nursery:
                nursery.start_soon(fail)
                nursery.start_soon(fail)


async def test_loss_with_a_nursery_in_the_block_leaves_plain(autojump_clock: MockClock) -> None:
    """Law 6: tasks of the block that send, wait and read are cancelled by a loss; no group."""
    for _ in range(20):
        wired = Wired()

        async def use(wired: Wired) -> None:
            async with wired.open(reconnect=None, send_buffer_bytes=100) as session:

                async def talk() -> None:
                    while True:
                        await session.send_text("x" * 200)

                async def read() -> None:
                    async for _ in session:
                        pass

                async with trio.open_nursery() as nursery:
                    wired.peer.stall()
                    for _ in range(3):
                        nursery.start_soon(talk)
                    for _ in range(70):  # more than the channel takes
                        nursery.start_soon(session.send_text, "y")
                    nursery.start_soon(read)
                    nursery.start_soon(session.join)
                    nursery.start_soon(session.flush)
                    nursery.start_soon(session.wait_for_phase, SessionPhase.INTERRUPTED)
                    await wait_all_tasks_blocked()
                    wired.peer.close(1011)

        with trio.fail_after(60):
            with pytest.raises(ConnectionLost) as caught:
                await use(wired)
            assert caught.value.code == 1011
            assert {type(command) for command in caught.value.undelivered} == {SendText}


async def test_outer_timeout_leaves_as_cancellation(autojump_clock: MockClock) -> None:
    """Law 6: a timeout around the block is a timeout, and not a loss."""
    wired = Wired()
    with trio.fail_after(60):
        with trio.move_on_after(1) as scope:
            async with wired.open():
                await trio.sleep_forever()
        assert scope.cancelled_caught


async def test_exception_while_cancelled_from_outside_leaves_as_itself(
    autojump_clock: MockClock,
) -> None:
    """Law 6: what the block raises while it is cancelled goes out plain, not beside Cancelled."""
    wired = Wired()
    mine = LookupError("mine")
    with trio.fail_after(60):
        with leaves_with(LookupError) as caught, trio.move_on_after(1):
            async with wired.open():
                try:
                    await trio.sleep_forever()
                finally:
                    raise mine
        assert caught.value is mine


async def test_loss_is_not_hidden_by_a_later_timeout(autojump_clock: MockClock) -> None:
    """Law 6: a loss that was recorded goes out although the scope around is cancelled meanwhile."""
    wired = Wired()
    with trio.fail_after(60):
        with leaves_with(ConnectionLost), trio.move_on_after(1):
            async with wired.open(reconnect=None):
                try:
                    wired.peer.close()
                    await trio.sleep_forever()
                finally:
                    with trio.CancelScope(shield=True):
                        await trio.sleep(2)


async def test_loss_at_the_moment_of_a_timeout_leaves_plain(autojump_clock: MockClock) -> None:
    """Law 6: loss and timeout in one instant give one or the other, never a group."""
    for _ in range(20):
        wired = Wired()
        raised: BaseException | None = None
        with trio.fail_after(60), trio.CancelScope() as scope:
            try:
                async with wired.open():
                    await wait_all_tasks_blocked()
                    wired.peer.close()
                    scope.cancel()
                    await trio.sleep_forever()
            except BaseException as error:
                raised = error
                raise_again = not isinstance(error, ConnectionLost)
                if raise_again:
                    raise
        assert type(raised) in (ConnectionLost, trio.Cancelled)


async def test_loss_while_leaving_leaves_plain(autojump_clock: MockClock) -> None:
    """Law 6: a connection that breaks under what is still being written is told by its own code."""
    wired = Wired()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:

            async def drop() -> None:
                await trio.sleep(1)
                wired.peer.close(1011)

            with leaves_with(ConnectionLost) as caught:
                async with wired.open() as session:
                    wired.peer.stall()
                    await session.send_text("unwritten")
                    nursery.start_soon(drop)
            assert trio.current_time() == 1
            assert caught.value.code == 1011
            assert caught.value.undelivered == (SendText("unwritten"),)
            assert caught.value.phase is SessionPhase.DISCONNECTING


async def test_exception_of_the_block_wins_over_an_error_while_leaving(
    autojump_clock: MockClock,
) -> None:
    """Law 6: not being able to say goodbye does not replace what the block raised."""
    wired = Wired()
    with trio.fail_after(60):
        with leaves_with(LookupError):
            async with wired.open(close_timeout=2) as session:
                wired.peer.stall()
                await session.send_text("unwritten")
                raise LookupError
        assert trio.current_time() == 2
        with pytest.raises(ConnectionLost) as caught:
            await session.join()
        assert caught.value.undelivered == (SendText("unwritten"),)


async def test_exception_of_the_block_wins_over_a_timeout_while_leaving(
    autojump_clock: MockClock,
) -> None:
    """Law 6: cancelled while it says goodbye, the block still raises its own exception."""
    wired = Wired()
    with trio.fail_after(60):
        with leaves_with(LookupError), trio.move_on_after(1):
            async with wired.open(close_timeout=2) as session:
                wired.peer.stall()
                await session.send_text("unwritten")
                raise LookupError
        assert trio.current_time() == 1


async def test_bug_in_a_background_task_leaves_as_itself(autojump_clock: MockClock) -> None:
    """Law 6: an error that nobody foresaw cancels the block and comes out plain."""
    network = MemoryNetwork()
    bug = ZeroDivisionError("a bug")

    async def dial(nursery: trio.Nursery, request: DialRequest) -> Transport:
        async def break_down() -> None:
            await trio.sleep(1)
            raise bug

        client = await network.dial(nursery, request)
        peer = await network.accept()
        peer.send('{"setupComplete":{}}')
        nursery.start_soon(break_down)
        return client

    transport = trio_live.TransportConfig(dialer=dial)
    with trio.fail_after(60):
        before = all_tasks()
        with leaves_with(ZeroDivisionError) as caught:
            async with trio_live.open_session(CONFIG, endpoint=ENDPOINT, transport=transport):
                await trio.sleep_forever()
        assert caught.value is bug
        assert all_tasks() == before


async def test_errors_of_entering_leave_as_themselves(autojump_clock: MockClock) -> None:
    """Law 6: a refused setup is a SetupError with code and reason, and no group."""
    with trio.fail_after(60):
        async with LiveServer(models=["another"]) as server:
            before = all_tasks()
            with pytest.raises(trio_live.SetupError) as caught:
                await open_with(server).__aenter__()
            assert caught.value.code == 1008
            assert caught.value.phase is SessionPhase.SETUP_SENT
            assert isinstance(caught.value.__cause__, TransportClosed)
            await server.sessions[0].wait_closed()
            await wait_all_tasks_blocked()
            assert all_tasks() == before


# Law 7: end, loss and misuse are three things.


async def test_clean_end_by_the_service_ends_iteration_and_the_block_goes_on(
    autojump_clock: MockClock,
) -> None:
    """Law 7: a normal close ends the streams; sends then raise SessionClosed; leaving is silent."""
    model = scripted([[Say("Goodbye."), Close(1000)]])
    with trio.fail_after(60):
        async with LiveServer(model) as server, open_with(server) as session:
            await session.send_text("hello")
            events = await collect(session)
            assert events[-1] == Disconnected(1000, "", True, {})
            assert TextDelta("Goodbye.", 1) in events
            assert await collect(session) == []
            for send in (session.send_text("more"), session.flush()):
                with pytest.raises(SessionClosed) as caught:
                    await send
                assert caught.value.phase is SessionPhase.DISCONNECTED
            with pytest.raises(SessionClosed):
                session.interrupt()
            with pytest.raises(SessionClosed):
                await session.wait_for_phase(SessionPhase.ACTIVE)
            with pytest.raises(trio.BrokenResourceError):
                await session.command_tx.send(SendText("more"))
            await session.disconnect()
            await session.join()


async def test_loss_cancels_the_block_and_is_raised_with_its_attributes(
    autojump_clock: MockClock,
) -> None:
    """Law 7: a loss cancels whatever the block does, and tells code, reason, handle and phase."""
    wired = Wired()
    cancelled: list[str] = []

    async def use() -> None:
        async with wired.open(reconnect=None) as session:
            update = {"newHandle": "h-1", "resumable": True}
            wired.peer.send(frame(sessionResumptionUpdate=update))
            await read_until(session, trio_live.SessionResumeUpdate)
            wired.peer.close(1008, "The operation was aborted")
            try:
                await trio.sleep_forever()
            except trio.Cancelled:
                cancelled.append("yes")
                raise

    with trio.fail_after(60):
        with pytest.raises(ConnectionLost) as caught:
            await use()
        assert cancelled == ["yes"]
        error = caught.value
        assert (error.code, error.reason, error.retryable, error.resumption_handle) == (
            1008,
            "The operation was aborted",
            True,
            "h-1",
        )
        assert "h-1" not in str(error) + repr(error)


async def test_every_wait_outside_of_the_block_ends_with_the_loss(
    autojump_clock: MockClock,
) -> None:
    """Law 7: tasks outside that hold the handle get ConnectionLost from whatever they wait for."""
    wired = Wired()
    told: dict[str, type[BaseException] | None] = {}

    async def wait(name: str, call: Callable[[], Awaitable[object]]) -> None:
        try:
            await call()
        except trio_live.LiveError as error:
            told[name] = type(error)
        else:
            told[name] = None

    async def use() -> None:
        async with wired.open(reconnect=None, send_buffer_bytes=100) as session:
            wired.peer.stall()
            await session.send_audio(PCM)
            calls: dict[str, Callable[[], Awaitable[object]]] = {
                "send": lambda: session.send_text("queued"),
                "flush": session.flush,
                "join": session.join,
                "read": lambda: collect(session),
                "phase": lambda: session.wait_for_phase(SessionPhase.INTERRUPTED),
            }
            for name, call in calls.items():
                nursery.start_soon(wait, name, call)
            await wait_all_tasks_blocked()
            wired.peer.close(1011)
            await trio.sleep_forever()

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            with pytest.raises(ConnectionLost) as caught:
                await use()
            assert caught.value.undelivered == (trio_live.SendAudio(PCM),)
        assert told == dict.fromkeys(["send", "flush", "join", "read", "phase"], ConnectionLost)


async def test_wrong_call_raises_at_the_callers_line_and_the_session_lives(
    autojump_clock: MockClock,
) -> None:
    """Law 7: a call that breaks a rule raises there, sends nothing, and changes nothing."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open() as session:
            calls: list[tuple[Callable[[], Awaitable[object]], type[LocalProtocolError]]] = [
                (lambda: session.send_audio(b"odd"), trio_live.InvalidArgument),
                (lambda: session.send_text(7), trio_live.InvalidArgumentType),  # type: ignore[arg-type]
                (session.signal_activity_start, LocalProtocolError),
                (
                    lambda: session.send_tool_response([trio_live.FunctionResponse("f", {}, "x")]),
                    LocalProtocolError,
                ),
            ]
            for call, kind in calls:
                with pytest.raises(LocalProtocolError) as caught:
                    await call()
                assert type(caught.value) is kind
                assert str(caught.traceback[0].path).endswith("test_session_laws.py")
            assert session.phase is SessionPhase.ACTIVE
            await session.send_text("right")
        assert wired.sent() == [text_message("right")]


async def test_wrong_call_behind_a_stalled_writer_raises_at_the_callers_line(
    autojump_clock: MockClock,
) -> None:
    """Law 7: the same while commands wait for room: at once, or when their turn comes."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open(send_buffer_bytes=100) as session:
            wired.peer.stall()
            await session.send_text("x" * 200)
            with pytest.raises(trio_live.InvalidArgument):
                await session.send_audio(b"odd")
            async with trio.open_nursery() as nursery:

                async def signal() -> None:
                    with pytest.raises(LocalProtocolError):
                        await session.signal_activity_start()

                nursery.start_soon(signal)
                await wait_all_tasks_blocked()
                wired.peer.resume()
            await session.send_text("right")
        assert wired.sent() == [text_message("x" * 200), text_message("right")]


# Law 8: order is contract.


async def test_last_command_before_leaving_is_always_delivered(autojump_clock: MockClock) -> None:
    """Law 8: in 200 runs over WebSocket framing, what was sent last before leaving arrives."""
    with trio.fail_after(600):
        async with LiveServer() as server:
            for number in range(200):
                async with open_with(server) as session:
                    await session.send_text("first")
                    await session.send_text(f"last {number}")
                assert server.sessions[-1].received[1:] == [
                    text_message("first"),
                    text_message(f"last {number}"),
                ]


@pytest.mark.parametrize("way", ["nowait", "send", "verbs and raw"])
async def test_last_raw_command_before_leaving_is_always_delivered(
    autojump_clock: MockClock, way: str
) -> None:
    """Law 8: commands put into command_tx right before leaving are written, in 100 runs."""
    with trio.fail_after(600):
        for _ in range(100):
            wired = Wired()
            expected = [text_message("raw")]
            async with wired.open() as session:
                if way == "nowait":
                    session.command_tx.send_nowait(SendText("raw"))
                elif way == "send":
                    await session.command_tx.send(SendText("raw"))
                else:
                    await session.send_text("verb")
                    session.command_tx.send_nowait(SendText("raw"))
                    session.command_tx.send_nowait(trio_live.Disconnect())
                    session.command_tx.send_nowait(SendText("raw"))
                    expected = [text_message(text) for text in ("verb", "raw", "raw")]
            assert wired.sent() == expected
            assert wired.peer.closed_with == (1000, "")
            assert [e for e in await collect(session) if isinstance(e, Error)] == []


async def test_last_command_before_an_exception_is_delivered(autojump_clock: MockClock) -> None:
    """Law 8: an exception of the block is no reason to drop what was accepted before."""
    with trio.fail_after(600):
        async with LiveServer() as server:
            for _ in range(20):
                with leaves_with(LookupError):
                    async with open_with(server) as session:
                        session.command_tx.send_nowait(SendText("raw"))
                        await session.send_text("last")
                        raise LookupError
                assert server.sessions[-1].received[1:] == [
                    text_message("raw"),
                    text_message("last"),
                ]


async def test_leaving_goes_through_the_phases_and_ends_the_streams_last(
    autojump_clock: MockClock,
) -> None:
    """Law 8: DISCONNECTING, then DISCONNECTED, then the last event, then the end."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open() as session:
            events = session.subscribe()
            await session.send_text("x")
        assert await collect(events) == [
            PhaseChanged(SessionPhase.DISCONNECTING, SessionPhase.ACTIVE),
            PhaseChanged(SessionPhase.DISCONNECTED, SessionPhase.DISCONNECTING),
            Disconnected(1000, "", True, {}),
        ]


async def test_failing_records_the_first_cause(autojump_clock: MockClock) -> None:
    """Law 8: what comes after the first cause does not replace it."""
    wired = Wired()
    with trio.fail_after(60):
        with leaves_with(ConnectionLost) as caught:
            async with wired.open(reconnect=None) as session:
                wired.peer.close(1013, "overloaded")
                wired.peer.close(1011, "too late")
                await session.send_text("finds it broken")
        assert (caught.value.code, caught.value.reason) == (1013, "overloaded")
        with pytest.raises(ConnectionLost) as joined:
            await session.join()
        assert joined.value.__cause__ is caught.value
        assert joined.value.code == 1013


async def test_frames_before_the_end_are_told_before_the_end(autojump_clock: MockClock) -> None:
    """Law 8: a send that finds the connection broken does not overtake what was received before."""
    wired = Wired()
    with trio.fail_after(60):
        with leaves_with(ConnectionLost):
            async with wired.open(reconnect=None) as session:
                wired.peer.send(frame(serverContent={"interrupted": True}))
                wired.peer.close(1011)
                await session.send_text("finds it broken")
        told: list[trio_live.SessionEvent] = []
        with leaves_with(ConnectionLost):
            async for event in session:
                told.append(event)
        assert told[-4:] == [
            Interrupted(0),
            PhaseChanged(SessionPhase.INTERRUPTED, SessionPhase.ACTIVE),
            PhaseChanged(SessionPhase.DISCONNECTED, SessionPhase.INTERRUPTED),
            Disconnected(1011, "", False, {}),
        ]


# Law 10: time is Trio's clock.


async def test_hours_of_session_take_no_time(autojump_clock: MockClock) -> None:
    """Law 10: a conversation of hours, with its timeouts, runs on the virtual clock."""
    with trio.fail_after(40_000):
        async with LiveServer() as server:
            async with open_with(server) as session:
                for _ in range(10):
                    await trio.sleep(3_600)
                    await session.send_text("still there?")
                    await read_until(session, trio_live.TurnComplete)
            assert server.sessions[0].closed == (1000, "")
        assert 36_000 <= trio.current_time() < 36_010


# Law 12: pay for what you use.


def test_import_takes_in_only_what_a_session_needs() -> None:
    """Law 12: `import trio_live` imports trio, trio-websocket and msgspec, and no extra."""
    program = textwrap.dedent("""
        import sys
        import trio, trio_websocket, msgspec
        before = {name.partition(".")[0] for name in sys.modules}
        import trio_live
        after = {name.partition(".")[0] for name in sys.modules}
        rooms = [name for name in sys.modules if name.startswith("trio_live.")]
        extras = [n for n in rooms if n.split(".")[1] in ("testing", "audio", "cli")]
        heavy = [n for n in ("numpy", "soxr", "soundfile", "click", "rich", "websockets", "pytest",
                             "google", "opentelemetry", "asyncio.runners") if n in sys.modules]
        new = sorted(after - before - set(sys.stdlib_module_names))
        print((new, extras, heavy))
    """)
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stderr == ""
    assert ran.stdout == "(['trio_live'], [], [])\n"


def test_decoding_of_helpers_is_plain_json() -> None:
    """The texts that these tests compare are what a server reads."""
    assert msgspec.json.decode(say("x")) == {
        "serverContent": {"modelTurn": {"parts": [{"text": "x"}]}}
    }
