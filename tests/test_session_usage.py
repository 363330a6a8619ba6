"""Sessions used as people use them: in programs, fixtures, tasks, nurseries; clones and parts."""

from __future__ import annotations

import logging
import subprocess
import sys
import textwrap
import traceback
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest
import trio
from session_parts import (
    CONFIG,
    ENDPOINT,
    KEY,
    MANUAL,
    PCM,
    Wired,
    collect,
    frame,
    leaves_with,
    open_with,
    read_until,
    say,
    text_message,
)
from trio.testing import MockClock, wait_all_tasks_blocked

import trio_live
from trio_live import (
    ConnectionLost,
    Disconnect,
    Disconnected,
    Error,
    EventFanout,
    LocalProtocolError,
    PhaseChanged,
    PhaseWatch,
    SendText,
    SessionClosed,
    SessionHandle,
    SessionPhase,
    SessionState,
    TextComplete,
    TextDelta,
    TurnComplete,
)
from trio_live.protocol import LiveProtocol
from trio_live.testing import LiveServer, scripted
from trio_live.testing.checkpoints import all_tasks
from trio_live.testing.server import CallTools, Say, Send


async def talk(session: SessionHandle, text: str) -> str:
    """Hold one turn; give what the model said."""
    await session.send_text(text)
    return "".join(
        [e.text for e in await read_until(session, TurnComplete) if isinstance(e, TextDelta)]
    )


# In a program.


def test_session_in_a_program() -> None:
    """A program with one `async with` talks, leaves, and trio.run returns its result."""

    async def main() -> str:
        async with LiveServer() as server, open_with(server) as session:
            return await talk(session, "hello")

    assert trio.run(main, clock=MockClock(autojump_threshold=0)) == "hello"


@pytest.mark.parametrize("kind", [LookupError, KeyboardInterrupt, SystemExit])
def test_session_in_a_program_that_fails(kind: type[BaseException]) -> None:
    """Whatever the block raises comes out of trio.run as it is."""

    async def main() -> None:
        wired = Wired()
        async with wired.open():
            raise kind

    with pytest.raises(kind):
        trio.run(main, clock=MockClock(autojump_threshold=0))


# As a fixture of pytest-trio.


@pytest.fixture(name="wired")
async def wired_fixture() -> Wired:
    """The far end of `session`."""
    await trio.lowlevel.checkpoint()
    return Wired()


@pytest.fixture(name="session")
async def session_fixture(autojump_clock: MockClock, wired: Wired) -> AsyncGenerator[SessionHandle]:
    """A session for the length of a test."""
    async with wired.open() as handle:
        yield handle
    assert wired.peer.closed_with == (1000, "")


async def test_session_as_a_fixture(session: SessionHandle, wired: Wired) -> None:
    """A fixture can hold the scope and yield the handle."""
    with trio.fail_after(60):
        await session.send_text("from a test")
        assert wired.sent() == [text_message("from a test")]


async def test_session_of_the_plugin(live_session: SessionHandle) -> None:
    """The plugin's own fixture is a session with an echoing server."""
    with trio.fail_after(60):
        assert await talk(live_session, "echo me") == "echo me"


def test_fixtures_whose_tests_end_in_any_way(tmp_path: Path) -> None:
    """Passing, failing, skipped and cancelled tests, and a loss in mid-test, each end plainly."""
    (tmp_path / "test_it.py").write_text(
        textwrap.dedent("""
        import pytest, trio
        from trio_live.testing import LiveServer

        async def test_passes(live_session):
            await live_session.send_text("x")

        async def test_fails(live_session):
            raise LookupError("on purpose")

        async def test_is_skipped(live_session):
            pytest.skip("on purpose")

        async def test_times_out(live_session):
            with trio.fail_after(5):
                await trio.sleep_forever()

        async def test_is_lost(live_server, live_session):
            await live_server.sessions[0].close(1008, "on purpose")
            await trio.sleep_forever()

        async def test_is_closed_in_the_test(live_session):
            await live_session.disconnect()
        """)
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\ntrio_mode = true\nfilterwarnings = error\n")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=60,
    )
    words = [line.split() for line in ran.stdout.splitlines()]
    results = {w[1].partition("::")[2]: w[0] for w in words if w[:1] in (["PASSED"], ["FAILED"])}
    assert results == {
        "test_passes": "PASSED",
        "test_is_closed_in_the_test": "PASSED",
        "test_fails": "FAILED",
        "test_times_out": "FAILED",
        "test_is_lost": "FAILED",
    }
    assert "ConnectionLost: the connection was lost (close code 1008, 'on purpose')" in ran.stdout
    assert "3 failed, 2 passed, 1 skipped" in ran.stdout


# In tasks and nurseries.


async def test_session_in_a_task_started_with_start(autojump_clock: MockClock) -> None:
    """A task can hold the scope, hand the handle to who started it, and live until it is closed."""

    async def hold(*, task_status: trio.TaskStatus[SessionHandle]) -> None:
        async with open_with(server) as session:
            task_status.started(session)
            await session.join()
        ended.append("normally")

    ended: list[str] = []
    with trio.fail_after(60):
        async with LiveServer() as server, trio.open_nursery() as nursery:
            session = await nursery.start(hold)
            assert await talk(session, "hello") == "hello"
            await session.disconnect()
            await wait_all_tasks_blocked()
            assert ended == ["normally"]
            second = await nursery.start(hold)
            assert await talk(second, "again") == "again"
            nursery.cancel_scope.cancel()
    assert ended == ["normally"]
    with pytest.raises(SessionClosed):
        await second.send_text("too late")


async def test_session_in_a_task_that_is_lost_tells_who_started_it(
    autojump_clock: MockClock,
) -> None:
    """A loss ends the task that holds the scope; those who use the handle get ConnectionLost."""

    async def hold(*, task_status: trio.TaskStatus[SessionHandle]) -> None:
        with leaves_with(ConnectionLost):
            async with wired.open(reconnect=None) as session:
                task_status.started(session)
                await trio.sleep_forever()

    wired = Wired()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            session = await nursery.start(hold)
            wired.peer.close(1011)
            for _ in range(2):
                with pytest.raises(ConnectionLost) as caught:
                    await session.send_text("into the void")
                assert caught.value.code == 1011
            await session.disconnect()  # it has ended already


async def test_fifty_sessions_in_one_nursery(autojump_clock: MockClock) -> None:
    """Sessions do not know of each other: some leave normally, some raise, some are cancelled."""
    outcomes: dict[int, str] = {}

    async def one(number: int) -> None:
        try:
            with trio.move_on_after(100) as scope:
                async with open_with(server) as session:
                    assert await talk(session, f"I am {number}") == f"I am {number}"
                    if number % 3 == 1:
                        raise LookupError
                    if number % 3 == 2:
                        scope.cancel()
                        await trio.sleep_forever()
            outcomes[number] = "cancelled" if scope.cancelled_caught else "normal"
        except LookupError:
            outcomes[number] = "raised"

    with trio.fail_after(600):
        async with LiveServer() as server:
            before = all_tasks()
            async with trio.open_nursery() as nursery:
                for number in range(50):
                    nursery.start_soon(one, number)
            assert outcomes == {n: ("normal", "raised", "cancelled")[n % 3] for n in range(50)}
            await wait_all_tasks_blocked()
            assert all_tasks() == before
            assert server.errors == []
            closed = sorted(session.closed or (0, "") for session in server.sessions)
            assert closed == [(1000, "")] * 34 + [(1006, "")] * 16


@pytest.mark.parametrize("way", ["normally", "by exception", "by cancellation"])
async def test_session_inside_of_another(autojump_clock: MockClock, way: str) -> None:
    """One block in another: each ends its own session, inside first."""
    outer_wired, inner_wired = Wired(), Wired()
    with trio.fail_after(60):
        try:
            with trio.CancelScope() as scope:
                async with outer_wired.open() as outer:
                    async with inner_wired.open() as inner:
                        await outer.send_text("to the outer")
                        await inner.send_text("to the inner")
                        if way == "by exception":
                            raise LookupError
                        if way == "by cancellation":
                            scope.cancel()
                            await trio.lowlevel.checkpoint()
                    assert inner_wired.peer.closed_with == (1000, "")
                    assert outer_wired.peer.closed_with is None
                    await outer.send_text("still here")
        except LookupError:
            assert way == "by exception"
        assert scope.cancelled_caught == (way == "by cancellation")
        closed = None if way == "by cancellation" else (1000, "")
        assert (outer_wired.peer.closed_with, inner_wired.peer.closed_with) == (closed, closed)
        more = [text_message("still here")] if way == "normally" else []
        assert outer_wired.sent() == [text_message("to the outer"), *more]
        assert inner_wired.sent() == [text_message("to the inner")]


@pytest.mark.parametrize("lost", ["inner", "outer"])
async def test_loss_of_one_of_two_nested_sessions(autojump_clock: MockClock, lost: str) -> None:
    """A loss cancels the block of its own session; the outer one can go on without the inner."""
    outer_wired, inner_wired = Wired(), Wired()

    async def nest() -> None:
        async with outer_wired.open(reconnect=None) as outer:
            with leaves_with(ConnectionLost):
                async with inner_wired.open(reconnect=None):
                    (inner_wired if lost == "inner" else outer_wired).peer.close(1011)
                    await trio.sleep_forever()
            await outer.send_text("still here")

    with trio.fail_after(60):
        if lost == "inner":
            await nest()
            assert outer_wired.sent() == [text_message("still here")]
        else:
            with leaves_with(ConnectionLost):
                await nest()
            assert inner_wired.saw_the_end()


# Entering and leaving.


def test_settings_of_the_wrong_type_are_told_before_anything_is_opened() -> None:
    """What open_session() is given is checked when it is called, not when it is entered."""
    with pytest.raises(trio_live.ConfigError, match="config must be a SessionConfig, not str"):
        trio_live.open_session("gemini", endpoint=ENDPOINT)  # type: ignore[arg-type]
    with pytest.raises(trio_live.ConfigError, match="must be a TransportConfig, not dict"):
        trio_live.open_session(CONFIG, endpoint=ENDPOINT, transport={})  # type: ignore[arg-type]
    for wrong, name in (("wss://h", "str"), (trio_live.GoogleAI, "GoogleAI"), ("", "str")):
        with pytest.raises(trio_live.ConfigError, match=rf"endpoint must be GoogleAI.* not {name}"):
            trio_live.open_session(CONFIG, endpoint=wrong)  # type: ignore[arg-type]
        with pytest.raises(trio_live.ConfigError, match="endpoint must be GoogleAI"):
            trio_live.open_music_session("m", endpoint=wrong)  # type: ignore[arg-type]
    with pytest.raises(trio_live.ConfigError, match="close_timeout=0 must be"):
        trio_live.open_session(CONFIG, endpoint=ENDPOINT, close_timeout=0)


async def test_scope_is_entered_and_left_once(autojump_clock: MockClock) -> None:
    """A second entry, a second exit and an exit without entry are wrong calls, told at once."""
    wired = Wired()
    with trio.fail_after(60):
        scope = wired.open()
        with pytest.raises(LocalProtocolError, match="never entered"):
            await scope.__aexit__(None, None, None)
        async with scope as session:
            with pytest.raises(LocalProtocolError, match="entered before"):
                await scope.__aenter__()
            await session.send_text("unharmed")
        with pytest.raises(LocalProtocolError, match="left before"):
            await scope.__aexit__(None, None, None)
        with pytest.raises(LocalProtocolError, match="entered before"):
            async with scope:
                raise AssertionError
        assert wired.sent() == [text_message("unharmed")]


async def test_handle_after_the_block(autojump_clock: MockClock) -> None:
    """After the block the handle tells what was; sends raise SessionClosed."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open() as session:
            await session.send_text("x")
            handle = session.clone()
        for closed in (session, handle):
            with pytest.raises(SessionClosed) as caught:
                await closed.send_text("too late")
            assert caught.value.phase is SessionPhase.DISCONNECTED
            with pytest.raises(SessionClosed):
                await closed.flush()
            await closed.disconnect()
            await closed.join()
            assert (closed.phase, closed.session_id) == (SessionPhase.DISCONNECTED, "s1")
            assert closed.statistics().frames_sent == 2
        assert (await collect(handle))[-1] == Disconnected(1000, "", True, {})


def test_command_before_the_session_is_open_is_a_wrong_call() -> None:
    """The protocol refuses commands in any phase but those of the conversation."""
    protocol = LiveProtocol(CONFIG, "models/m")
    for step in (lambda: None, protocol.dial, protocol.setup, protocol.close, protocol.closed):
        step()
        with pytest.raises(LocalProtocolError) as caught:
            protocol.send(SendText("too early"), 0.0)
        assert caught.value.phase is protocol.state.phase


# Clones.


async def test_last_handle_closed_ends_the_session_cleanly(autojump_clock: MockClock) -> None:
    """Closing one of several handles ends nothing; closing the last one ends the session."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open() as session:
            clones = [session.clone() for _ in range(3)]
            session.close()
            with pytest.raises(SessionClosed, match="this handle is closed"):
                await session.send_text("x")
            with pytest.raises(SessionClosed, match="this handle is closed"):
                await session.flush()
            with pytest.raises(SessionClosed, match="this handle is closed"):
                await session.disconnect()
            with pytest.raises(SessionClosed, match="this handle is closed"):
                session.clone()
            for clone in clones:
                with clone:
                    await clone.send_text("y")
                clone.close()  # any number of times
            await session.join()
            assert session.phase is SessionPhase.DISCONNECTED
        assert wired.sent() == [text_message("y")] * 3
        assert wired.peer.closed_with == (1000, "")


async def test_handle_closed_under_a_waiting_send(autojump_clock: MockClock) -> None:
    """A send that waits for room in the channel while its handle is closed raises SessionClosed."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open(send_buffer_bytes=1) as session:
            wired.peer.stall()
            await session.send_text("first")
            await session.command_tx.send(SendText("raw"))
            await wait_all_tasks_blocked()  # the pump has it in hand and waits for room
            for _ in range(64):
                session.command_tx.send_nowait(SendText("raw"))
            clone = session.clone()

            async def send() -> None:
                with pytest.raises(SessionClosed, match="this handle is closed"):
                    await clone.send_text("waits for the channel")

            async with trio.open_nursery() as nursery:
                nursery.start_soon(send)
                await wait_all_tasks_blocked()
                clone.close()
            wired.peer.resume()
        assert wired.sent() == [text_message("first"), *[text_message("raw")] * 65]


async def test_clones_share_the_iteration_and_subscriptions_do_not(
    autojump_clock: MockClock,
) -> None:
    """Clones take turns at one stream of events; each subscription sees all of its own."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open() as session:
            first, second = session.subscribe(), session.subscribe()
            clone = session.clone()
            wired.peer.send(say("a"))
            await wait_all_tasks_blocked()
            assert (await read_until(session, TextDelta))[-1] == TextDelta("a", 1)
            wired.peer.send(say("b"))
            await wait_all_tasks_blocked()
            assert await read_until(clone, TextDelta) == [
                PhaseChanged(SessionPhase.MODEL_SPEAKING, SessionPhase.ACTIVE),
                TextDelta("b", 1),
            ]
        for events in (first, second):
            texts = [e.text for e in await collect(events) if isinstance(e, TextDelta)]
            assert texts == ["a", "b"]


async def test_join_from_many_any_number_of_times(autojump_clock: MockClock) -> None:
    """Each join of each clone returns at the end, or raises the loss with its attributes."""
    with trio.fail_after(60):
        for code in (1000, 1011):
            wired = Wired()
            told: list[int | None] = []

            async def join(handle: SessionHandle, told: list[int | None] = told) -> None:
                for _ in range(3):
                    try:
                        await handle.join()
                    except ConnectionLost as lost:
                        told.append(lost.code)
                    else:
                        told.append(None)

            async def hold(wired: Wired = wired, code: int = code) -> None:
                async with wired.open(reconnect=None) as session:
                    for _ in range(5):
                        nursery.start_soon(join, session.clone())
                    await wait_all_tasks_blocked()
                    wired.peer.close(code)
                    if code != 1000:
                        await trio.sleep_forever()

            async with trio.open_nursery() as nursery:
                if code == 1000:
                    await hold()
                else:
                    with leaves_with(ConnectionLost):
                        await hold()
            assert told == [None if code == 1000 else code] * 15


async def test_loss_told_again_and_again_does_not_grow(autojump_clock: MockClock) -> None:
    """The error that many calls raise does not collect the frames of all of them."""
    wired = Wired()
    with trio.fail_after(60):
        with leaves_with(ConnectionLost) as lost:
            async with wired.open(reconnect=None) as session:
                wired.peer.close()
                await trio.sleep_forever()
        depths: list[int] = []
        for _ in range(50):
            for call in (session.join, lambda: session.send_text("x"), session.flush):
                with pytest.raises(ConnectionLost):
                    await call()
            depths.append(len(traceback.extract_tb(lost.value.__traceback__)))
        assert len(set(depths)) == 1


async def test_disconnect_in_one_task_while_another_leaves(autojump_clock: MockClock) -> None:
    """However the two meet, there is one goodbye, everything is written, and both return."""
    with trio.fail_after(60):
        for late in range(10):
            wired = Wired()

            async def disconnect(handle: SessionHandle, late: int = late) -> None:
                for _ in range(late):
                    await trio.lowlevel.checkpoint()
                await handle.disconnect()

            async with trio.open_nursery() as nursery, wired.open() as session:
                nursery.start_soon(disconnect, session)
                session.command_tx.send_nowait(SendText("the last"))
                for _ in range(3):
                    await trio.lowlevel.checkpoint()
            assert wired.sent() == [text_message("the last")]
            assert (await collect(session))[-1] == Disconnected(1000, "", True, {})


# The raw channel.


async def test_raw_commands_keep_the_order_with_verbs(autojump_clock: MockClock) -> None:
    """Verbs and what is put into command_tx go out in the order of the calls."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open() as session:
            for number in range(0, 90, 3):
                await session.command_tx.send(SendText(str(number)))
                session.command_tx.send_nowait(SendText(str(number + 1)))
                await session.send_text(str(number + 2))
        assert wired.sent() == [text_message(str(number)) for number in range(90)]


async def test_refused_raw_commands_become_error_events(autojump_clock: MockClock) -> None:
    """A raw command that breaks a rule, or is none, comes back as an event; the session lives."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open() as session:
            events = session.subscribe()
            wrong: list[object] = [SendText(""), trio_live.ActivityStart(), object(), "text", None]
            for item in wrong:
                await session.command_tx.send(item)  # type: ignore[arg-type]
            await session.send_text("right")
            await wait_all_tasks_blocked()
        told = [event for event in await collect(events) if isinstance(event, Error)]
        assert [error.message for error in told] == [
            "a command was refused: text is empty: there is nothing to send",
            "a command was refused: activity signals need activity_detection=False in the "
            "SessionConfig: the service detects speech itself here and refuses them",
            "a command was refused: object is not a SessionCommand; see trio_live.SessionCommand",
            "a command was refused: str is not a SessionCommand; see trio_live.SessionCommand",
            "a command was refused: NoneType is not a SessionCommand; see trio_live.SessionCommand",
        ]
        assert wired.sent() == [text_message("right")]


async def test_raw_commands_that_cannot_be_encoded_become_error_events(
    autojump_clock: MockClock,
) -> None:
    """Text that is no Unicode, or an answer that is no JSON, is refused; the session lives."""
    wired = Wired()
    call = {"id": "c1", "name": "f", "args": {}}
    answer = trio_live.FunctionResponse("f", {"x": object()}, "c1")
    with trio.fail_after(60):
        async with wired.open() as session:
            wired.peer.send(frame(toolCall={"functionCalls": [call]}))
            events = session.subscribe()
            await session.command_tx.send(SendText("\ud800"))
            await session.command_tx.send(trio_live.SendToolResponse((answer,)))
            for send in (session.send_text("\ud800"), session.send_tool_response([answer])):
                with pytest.raises(LocalProtocolError):
                    await send
            await session.send_text("right")
        told = [event for event in await collect(events) if isinstance(event, Error)]
        assert len(told) == 2
        assert wired.sent() == [text_message("right")]


async def test_raw_disconnect_ends_the_session(autojump_clock: MockClock) -> None:
    """Disconnect in command_tx ends the session behind what was put in before it."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open() as session:
            await session.command_tx.send(SendText("before"))
            await session.command_tx.send(Disconnect())
            await session.join()
            assert wired.peer.closed_with == (1000, "")
        assert wired.sent() == [text_message("before")]


# A handle made from parts.


async def test_handle_from_parts(autojump_clock: MockClock) -> None:
    """Verbs put commands into the channel, events come from the fan-out, phases from the watch."""
    with trio.fail_after(60):
        command_tx, command_rx = trio.open_memory_channel[trio_live.SessionCommand](10)
        fanout, state, watch = EventFanout(), SessionState(), PhaseWatch()
        handle = SessionHandle(command_tx, fanout, state, watch)
        assert handle.event_sender() is fanout
        await handle.send_text("x")
        await handle.send_audio(PCM)
        assert [command_rx.receive_nowait() for _ in range(2)] == [
            SendText("x"),
            trio_live.SendAudio(PCM),
        ]
        with pytest.raises(trio_live.InvalidArgument):
            await handle.send_text("")
        for call in (handle.flush, handle.interrupt, handle.statistics):
            with pytest.raises(LocalProtocolError, match="needs a session made by open_session"):
                await call()  # type: ignore[misc]
        happened: list[trio_live.SessionEvent]
        happened = [PhaseChanged(SessionPhase.ACTIVE, SessionPhase.SETUP_SENT), TextDelta("y", 1)]
        watch.follow(happened)
        fanout.publish(happened)
        await handle.wait_for_phase(SessionPhase.ACTIVE)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(handle.disconnect)
            assert await command_rx.receive() == Disconnect()
            fanout.close()
            watch.close()
        assert await collect(handle) == happened
        await handle.join()
        with pytest.raises(SessionClosed):
            await handle.send_text("too late")


async def test_handle_from_parts_whose_receiver_is_gone(autojump_clock: MockClock) -> None:
    """When nobody takes commands any more, verbs raise SessionClosed, or the recorded loss."""
    with trio.fail_after(60):
        command_tx, command_rx = trio.open_memory_channel[trio_live.SessionCommand](0)
        fanout = EventFanout()
        handle = SessionHandle(command_tx, fanout, SessionState(), PhaseWatch())
        command_rx.close()
        with pytest.raises(SessionClosed):
            await handle.send_text("x")
        fanout.close(ConnectionLost("lost", code=1006))
        for call in (handle.join, lambda: handle.send_text("x")):
            with pytest.raises(ConnectionLost) as caught:
                await call()
            assert caught.value.code == 1006
        await handle.disconnect()


# What a handle tells.


async def test_statistics_count_everything(autojump_clock: MockClock) -> None:
    """Frames, bytes, queues and events of a session whose far end stalls for a while."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open(send_buffer_bytes=100) as session:
            setup = session.statistics().bytes_sent
            wired.peer.send(say("x" * 10))
            await wait_all_tasks_blocked()
            wired.peer.stall()
            await session.send_text("y" * 100)
            size = session.statistics().backlog_bytes
            assert size > 100
            for _ in range(3):
                session.command_tx.send_nowait(SendText("z"))
            await wait_all_tasks_blocked()
            assert session.statistics() == trio_live.SessionStatistics(
                frames_sent=2,
                frames_received=2,
                bytes_sent=setup + size,
                bytes_received=36 + len(say("x" * 10)),
                backlog_bytes=size,
                peak_backlog_bytes=size,
                queued_commands=2,
                peak_queued_commands=3,
                buffered_events=6,
                peak_buffered_events=6,
                events={"PhaseChanged": 4, "Connected": 1, "TextDelta": 1},
                dropped_events=0,
                missed_events=0,
                undelivered={},
            )
            wired.peer.resume()
            await session.flush()
            statistics = session.statistics()
            assert (statistics.frames_sent, statistics.backlog_bytes) == (5, 0)
            assert statistics.queued_commands == 0


async def test_wait_for_phase_misses_none(autojump_clock: MockClock) -> None:
    """A phase that is entered and left within one frame is not missed."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open() as session:
            await session.wait_for_phase(SessionPhase.ACTIVE)
            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(session.wait_for_phase, SessionPhase.MODEL_SPEAKING)
                nursery.start_soon(session.wait_for_phase, SessionPhase.INTERRUPTED)
                await wait_all_tasks_blocked()
                wired.peer.send(frame(serverContent={"modelTurn": {"parts": [{"text": "x"}]}}))
                wired.peer.send(frame(serverContent={"interrupted": True, "turnComplete": True}))
            assert session.phase is SessionPhase.ACTIVE
            wired.peer.close(1000)
            with pytest.raises(SessionClosed, match="ended without entering tool_call_pending"):
                await session.wait_for_phase(SessionPhase.TOOL_CALL_PENDING)
            await session.wait_for_phase(SessionPhase.DISCONNECTED)


async def test_repr_shows_id_and_phase(autojump_clock: MockClock) -> None:
    """The repr of a handle says which session it is and where it stands."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open() as session:
            assert repr(session) == "<SessionHandle s1: active>"
            assert repr(session.clone()) == "<SessionHandle s1: active>"
        assert repr(session) == "<SessionHandle s1: disconnected>"


# Secrets.

SECRETS = {
    "key": KEY,
    "handle": "planted-handle-71c2",
    "text": "planted-text-9be0",
    "audio": "cGxhbnRlZC1hdWRpby0z",  # base64 of b"planted-audio-3"
    "args": "planted-argument-44aa",
}


def _secrets_in(shown: str) -> list[str]:
    return [name for name, secret in SECRETS.items() if secret in shown]


def _everything_shown(error: BaseException) -> str:
    texts = [str(error), repr(error), *traceback.format_exception(error)]
    return "\n".join(texts)


@pytest.mark.parametrize("end", ["leave", "lose", "refuse"])
async def test_nothing_shown_holds_a_secret(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    """Law 6: key, handle, text, audio and arguments are in no log, no error and no event's repr."""
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    update = {"newHandle": SECRETS["handle"], "resumable": True}
    script: list[list[trio_live.testing.Step]] = [
        [
            Send({"sessionResumptionUpdate": update}),
            Send({"newField": {"text": SECRETS["text"]}}),
            Send({"toolCall": SECRETS["text"]}),
            Say(SECRETS["text"]),
            CallTools([("f", {"x": SECRETS["args"]})]),
        ]
    ]
    config = trio_live.SessionConfig(
        "gemini-3.8-live",
        response_modalities=["TEXT"],
        system_instruction=SECRETS["text"],
        tools=[trio_live.FunctionDeclaration("f", SECRETS["text"])],
    )

    async def use() -> None:
        async with open_with(server, config, reconnect=None) as session:
            await session.send_text(SECRETS["text"])
            await session.send_audio(b"planted-audio-3.")
            calls: list[Callable[[], object]] = [
                lambda: session.send_audio(b"planted-audio-3"),
                lambda: session.send_text(""),
                session.signal_activity_start,
            ]
            for call in calls:
                with pytest.raises(LocalProtocolError) as wrong:
                    await call()  # type: ignore[misc]
                shown.append(_everything_shown(wrong.value))
            async for event in session:
                shown.append(repr(event))
                if isinstance(event, trio_live.ToolCall):
                    break
            shown.extend([repr(session), repr(session.state), repr(session.statistics())])
            if end == "lose":
                await session.send_text(SECRETS["text"])
                await server.sessions[0].close(1011, "Internal error.")
                await trio.sleep_forever()
            if end == "refuse":
                await server.sessions[0].send_raw("not JSON " + SECRETS["text"])
                shown.extend([repr(e) for e in await read_until(session, Error)])

    with trio.fail_after(60):
        async with LiveServer(scripted(script)) as server:
            if end == "lose":
                with pytest.raises(ConnectionLost) as lost:
                    await use()
                assert lost.value.resumption_handle == SECRETS["handle"]
                shown.append(_everything_shown(lost.value))
            else:
                await use()
    assert len(shown) > 10
    # A traceback shows lines of source, and those of this test name the secrets: by name only.
    assert _secrets_in("\n".join(shown)) == []
    assert len(caplog.records) > 10
    logged = "\n".join([record.getMessage() + repr(record.args) for record in caplog.records])
    assert _secrets_in(logged) == []


async def test_errors_of_connecting_hold_no_secret(autojump_clock: MockClock) -> None:
    """Law 6: a server that quotes the key in its refusal does not bring it into our errors."""
    with trio.fail_after(60):
        async with LiveServer(api_keys=["another"]) as server:
            with pytest.raises(trio_live.SetupError) as refused:
                await open_with(server).__aenter__()
            assert _secrets_in(_everything_shown(refused.value)) == []
        async with LiveServer(api_keys=["another"], reject_with_http=True) as server:
            with pytest.raises(trio_live.ConnectError) as rejected:
                await open_with(server).__aenter__()
            assert _secrets_in(_everything_shown(rejected.value)) == []
        wired = Wired()
        with leaves_with(ConnectionLost) as lost:
            async with wired.open():
                wired.peer.close(1008, "bye")
                await trio.sleep_forever()
        assert _secrets_in(_everything_shown(lost.value) + repr(ENDPOINT)) == []


# A turn as a whole, by the books.


async def test_conversation_event_by_event(autojump_clock: MockClock) -> None:
    """A short session's events from the first to the last, and its state in the end."""
    wired = Wired()
    with trio.fail_after(60):
        async with wired.open(MANUAL) as session:
            await session.signal_activity_start()
            await session.send_audio(PCM)
            await session.signal_activity_end()
            wired.peer.send(say("Hello."))
            wired.peer.send(frame(serverContent={"turnComplete": True}))
            await wait_all_tasks_blocked()
        phase = SessionPhase
        assert await collect(session) == [
            PhaseChanged(phase.CONNECTING, phase.DISCONNECTED),
            PhaseChanged(phase.SETUP_SENT, phase.CONNECTING),
            trio_live.Connected("s1"),
            PhaseChanged(phase.ACTIVE, phase.SETUP_SENT),
            PhaseChanged(phase.USER_SPEAKING, phase.ACTIVE),
            PhaseChanged(phase.ACTIVE, phase.USER_SPEAKING),
            TextDelta("Hello.", 1),
            PhaseChanged(phase.MODEL_SPEAKING, phase.ACTIVE),
            TextComplete("Hello.", 1),
            TurnComplete(1, 1),
            PhaseChanged(phase.ACTIVE, phase.MODEL_SPEAKING),
            PhaseChanged(phase.DISCONNECTING, phase.ACTIVE),
            PhaseChanged(phase.DISCONNECTED, phase.DISCONNECTING),
            Disconnected(1000, "", True, {}),
        ]
        assert [turn.text for turn in session.state.history] == ["Hello."]


@pytest.mark.parametrize("target", ["active", "ACTIVE", None, 3])
async def test_wait_for_what_is_no_phase(target: object, live_session: SessionHandle) -> None:
    """It is told, and not waited for."""
    with pytest.raises(trio_live.InvalidArgumentType, match="target must be a SessionPhase"):
        await live_session.wait_for_phase(target)  # type: ignore[arg-type]
