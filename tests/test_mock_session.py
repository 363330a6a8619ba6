"""MockSession: a session without a service behaves as a real one does."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_live import (
    ActivityStart,
    Connected,
    ConnectionLost,
    Disconnect,
    Disconnected,
    Error,
    FunctionResponse,
    Interrupted,
    LiveError,
    LocalProtocolError,
    PhaseChanged,
    SendAudio,
    SendText,
    SendToolResponse,
    SessionClosed,
    SessionConfig,
    SessionEvent,
    SessionPhase,
    SubscriberLagged,
    TextDelta,
    ToolCall,
)
from trio_live.testing import MockSession

P = SessionPhase
PCM = b"\x00\x00"
OPENING: list[SessionEvent] = [
    PhaseChanged(P.CONNECTING, P.DISCONNECTED),
    PhaseChanged(P.SETUP_SENT, P.CONNECTING),
    Connected("mock-session"),
    PhaseChanged(P.ACTIVE, P.SETUP_SENT),
]
GOODBYE: list[SessionEvent] = [
    PhaseChanged(P.DISCONNECTING, P.ACTIVE),
    PhaseChanged(P.DISCONNECTED, P.DISCONNECTING),
    Disconnected(1000, "", True, {}),
]


async def read_to_the_end(session: MockSession) -> tuple[list[SessionEvent], LiveError | None]:
    """All events, and the error that ended them."""
    happened = []
    try:
        async for event in session:
            happened.append(event)
    except LiveError as error:
        return happened, error
    return happened, None


def test_mock_is_open_from_the_start_even_outside_of_trio() -> None:
    """A mock needs no event loop to be made."""
    session = MockSession(session_id="s")
    assert (session.phase, session.session_id, session.sent) == (P.ACTIVE, "s", [])


async def test_mock_records_verbs_and_raw_commands_in_their_order() -> None:
    """Commands are recorded in the order in which they were given, whichever way they took."""
    session = MockSession()
    with trio.fail_after(1):
        await session.command_tx.send(SendText("first"))
        await session.send_audio(PCM)
        await session.command_tx.send(SendText("third"))
        await session.flush()
    assert session.sent == [SendText("first"), SendAudio(PCM), SendText("third")]


async def test_mock_says_what_it_is_told_to() -> None:
    """A message of the service takes the way of a real one: events, phases, turns."""
    session = MockSession()
    with trio.fail_after(1):
        session.receive({"toolCall": {"functionCalls": [{"name": "f", "id": "1"}]}})
        await session.wait_for_phase(P.TOOL_CALL_PENDING)
        await session.send_tool_response([FunctionResponse("f", {"output": 1}, "1")])
        session.emit(TextDelta("a", 9))
        session.end()
        happened = [event async for event in session]
    assert happened[:4] == OPENING
    assert isinstance(happened[4], ToolCall)
    assert happened[5:] == [
        PhaseChanged(P.TOOL_CALL_PENDING, P.ACTIVE),
        PhaseChanged(P.ACTIVE, P.TOOL_CALL_PENDING),
        TextDelta("a", 9),
        *GOODBYE,
    ]
    assert session.sent == [SendToolResponse((FunctionResponse("f", {"output": 1}, "1"),))]


async def test_mock_refuses_what_a_session_refuses() -> None:
    """Law 7: the rules are those of a real session, with the config that was given."""
    session = MockSession(SessionConfig("m", activity_detection=False))
    with trio.fail_after(1):
        with pytest.raises(LocalProtocolError, match="audio counts only between"):
            await session.send_audio(PCM)
        await session.signal_activity_start()
        await session.send_audio(PCM)
    assert session.sent == [ActivityStart(), SendAudio(PCM)]


async def test_mock_tells_a_raw_command_that_was_refused() -> None:
    """Law 4: a raw command that breaks a rule comes back as an Error event."""
    session = MockSession()
    await session.command_tx.send(SendText(""))
    assert session.sent == []
    session.end()
    happened = [event async for event in session]
    refused = Error("a command was refused: text is empty: there is nothing to send", b"")
    assert happened == [*OPENING, refused, *GOODBYE]


async def test_mock_that_ended_refuses_and_says_so() -> None:
    """Law 7: after a normal end senders get SessionClosed, and waiters too."""
    session = MockSession()
    session.end()
    session.end(ConnectionLost("too late"))
    session.receive({"serverContent": {"turnComplete": True}})
    with trio.fail_after(1):
        for verb in (session.flush, session.end_audio_stream):
            with pytest.raises(SessionClosed):
                await verb()
        with pytest.raises(SessionClosed):
            session.interrupt()
        with pytest.raises(SessionClosed):
            await session.wait_for_phase(P.ACTIVE)
        await session.join()
        await session.disconnect()
        assert [event async for event in session] == [*OPENING, *GOODBYE]


async def test_mock_that_is_lost_says_why_to_everybody() -> None:
    """Law 7: a loss reaches senders, readers, waiters and join as a copy of itself."""
    session = MockSession()
    lost = ConnectionLost(
        "lost", code=1011, reason="Internal error", undelivered=(SendText("a"), SendText("b"))
    )
    session.end(lost)
    with trio.fail_after(1):
        happened, error = await read_to_the_end(session)
        assert error is not None
        assert error.__cause__ is lost
        with pytest.raises(ConnectionLost):
            await session.send_text("hi")
        with pytest.raises(ConnectionLost):
            await session.join()
    assert happened == [
        *OPENING,
        PhaseChanged(P.DISCONNECTED, P.ACTIVE),
        Disconnected(1011, "Internal error", False, {"SendText": 2}),
    ]


async def test_mock_that_ends_by_another_error_has_no_close_code() -> None:
    """Without a code of its own an end is told with 1006, as where there was no close frame."""
    session = MockSession()
    session.end(SubscriberLagged(1))
    happened, error = await read_to_the_end(session)
    assert happened[-1] == Disconnected(1006, "", False, {})
    assert isinstance(error, SubscriberLagged)


async def test_mock_disconnect_is_recorded_and_ends_it() -> None:
    """Disconnecting ends the session once, by verb or as a raw command."""
    by_verb, raw = MockSession(), MockSession()
    with trio.fail_after(1):
        await by_verb.disconnect()
        await by_verb.disconnect()
        await raw.command_tx.send(Disconnect())
        await raw.command_tx.send(SendText("too late"))
        assert raw.sent == [Disconnect()]
        for session in (by_verb, raw):
            assert session.sent == [Disconnect()]
            assert [event async for event in session] == [*OPENING, *GOODBYE]


async def test_mock_clone_is_another_handle_of_the_same_session() -> None:
    """A clone shares everything but its end; the session ends with the last handle."""
    session = MockSession()
    with trio.fail_after(1):
        with session.clone() as twin:
            assert isinstance(twin, MockSession)
            await twin.send_text("from the clone")
            await twin.command_tx.send(SendText("raw"))
        assert session.sent == [SendText("from the clone"), SendText("raw")]
        for refused in (twin.send_text("x"), twin.disconnect()):
            with pytest.raises(SessionClosed):
                await refused
        with pytest.raises(SessionClosed):
            twin.clone()
        phases = [session.phase]
        await session.command_tx.send(SendText("last"))
        session.close()
        session.close()
    assert [*phases, session.phase] == [P.ACTIVE, P.DISCONNECTED]
    assert [event async for event in session] == [*OPENING, *GOODBYE]
    assert session.sent[-1] == SendText("last")


async def test_mock_interrupt_is_local() -> None:
    """Interrupting tells every subscriber and sends nothing."""
    session = MockSession()
    events = session.subscribe()
    session.interrupt()
    assert events.receive_nowait() == Interrupted(0, local=True)
    assert session.sent == []


async def test_mock_statistics_count_what_there_is_to_count() -> None:
    """Statistics have a mock's messages and events; there are no bytes."""
    session = MockSession()
    await session.send_text("a")
    session.receive({"serverContent": {"turnComplete": True}})
    statistics = session.statistics()
    assert (statistics.frames_sent, statistics.frames_received) == (2, 2)
    assert (statistics.buffered_events, statistics.bytes_sent) == (5, 0)
    assert statistics.events == {"PhaseChanged": 3, "Connected": 1, "TurnComplete": 1}


async def test_mock_send_cancelled_sends_nothing() -> None:
    """Law 2: a cancelled send did not happen."""
    session = MockSession()
    with trio.CancelScope() as scope:
        scope.cancel()
        await session.send_text("a")
    assert scope.cancelled_caught
    assert session.sent == []


async def test_mock_uses_trios_clock(autojump_clock: trio.abc.Clock) -> None:
    """Law 10: turns carry Trio's time."""
    session = MockSession()
    begun = trio.current_time()
    with trio.fail_after(10):
        await session.send_text("a")
        await trio.sleep(3)
        session.receive({"serverContent": {"turnComplete": True}})
    (turn,) = session.state.history
    assert (turn.started, turn.completed) == (begun, begun + 3)


async def test_mock_reader_that_waits_gets_what_is_said_later() -> None:
    """A reader may wait before anything is said."""
    session = MockSession()
    got: list[SessionEvent] = []

    async def read() -> None:
        async with session.subscribe() as events:
            got.append(await events.receive())

    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await wait_all_tasks_blocked()
            session.receive({"serverContent": {"modelTurn": {"parts": [{"text": "a"}]}}})
    assert got == [TextDelta("a", 1)]
