"""Sessions that outlive their connections: what is told, sent, dropped and raised."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import trio
from lasting_parts import Lasting, unreachable
from session_parts import MANUAL, PCM, collect, frame, leaves_with, read_until, say, text_message
from trio.testing import MockClock, wait_all_tasks_blocked

import trio_live
from trio_live import (
    ConnectionLost,
    Content,
    Custom,
    Disconnected,
    FunctionResponse,
    GoogleAI,
    LocalProtocolError,
    PhaseChanged,
    Reconnected,
    Reconnecting,
    SendQueueFull,
    SendText,
    SessionHandle,
    SessionPhase,
    TextDelta,
    ToolCallCancelled,
    TurnComplete,
)
from trio_live.testing.checkpoints import AtStep, cancel_at_every_checkpoint
from trio_live.transport import TransportClosed

DROP = "the network dropped the connection"
CALL = frame(toolCall={"functionCalls": [{"id": "c1", "name": "f", "args": {}}]})
DONE = frame(serverContent={"turnComplete": True})


def handle_in(setup: dict[str, object]) -> object:
    """The resumption handle that a setup names."""
    inner = setup["setup"]
    assert isinstance(inner, dict)
    return inner["sessionResumption"].get("handle")


async def told_by(session: SessionHandle) -> list[trio_live.SessionEvent]:
    """All events of a session that was lost."""
    events: list[trio_live.SessionEvent] = []
    with suppress(ConnectionLost):
        async for event in session:
            events.append(event)  # it ends by raising
    return events


async def test_drop_in_idle_is_told_and_survived(autojump_clock: MockClock) -> None:
    """The block notices nothing but events; phases go their line again; sending works as before."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            far.give_handle()
            await wait_all_tasks_blocked()
            events = session.subscribe()
            far.peer.close()
            happened = await read_until(events, Reconnected)
            await session.send_text("after")
            await session.flush()
            first, second = far.frames(0), far.frames(1)
        assert [handle_in(first[0]), handle_in(second[0])] == [None, "handle-1"]
        assert second[1:] == [text_message("after")]
    phases = SessionPhase
    assert happened == [
        PhaseChanged(phases.DISCONNECTED, phases.ACTIVE),
        Reconnecting(DROP, 1, 0.0, 1006),
        PhaseChanged(phases.CONNECTING, phases.DISCONNECTED),
        PhaseChanged(phases.SETUP_SENT, phases.CONNECTING),
        trio_live.Connected("s1"),
        PhaseChanged(phases.ACTIVE, phases.SETUP_SENT),
        Reconnected(True, 0.0, {}, {}, {}),
    ]


async def test_phases_of_an_outage_are_seen_by_waiters(autojump_clock: MockClock) -> None:
    """wait_for_phase sees each, however short."""
    far = Lasting()
    seen: list[SessionPhase] = []
    with trio.fail_after(60):
        async with far.open() as session, trio.open_nursery() as nursery:

            async def wait(phase: SessionPhase) -> None:
                await session.wait_for_phase(phase)
                seen.append(phase)

            for phase in (
                SessionPhase.DISCONNECTED,
                SessionPhase.CONNECTING,
                SessionPhase.SETUP_SENT,
            ):
                nursery.start_soon(wait, phase)
            await wait_all_tasks_blocked()
            far.peer.close()
            await session.wait_for_phase(SessionPhase.SETUP_SENT)
    assert len(seen) == 3


async def test_drop_in_mid_turn_ends_the_turn_and_says_so(autojump_clock: MockClock) -> None:
    """The turn is kept, marked as cut; what comes next is another turn, another response."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            await session.send_text("go")
            far.peer.send(say("half an ans"))
            await wait_all_tasks_blocked()
            far.peer.close()
            happened = await read_until(session, Reconnected)
            assert TurnComplete(1, 1, cut=True) in happened
            assert happened[-1] == Reconnected(False, 0.0, {}, {}, {}, cut_turn=1)
            [turn] = session.state.history
            assert (turn.cut, turn.text, turn.sent_text) == (True, "half an ans", "go")
            far.peer.send(say("another"))
            assert (await read_until(session, TextDelta))[-1] == TextDelta("another", 2)


async def test_commands_of_an_outage_wait_in_order(autojump_clock: MockClock) -> None:
    """Sends return at once; what waits goes out in order, the channel's commands included."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            far.dialling = trio.Event()
            far.peer.close()
            await session.wait_for_phase(SessionPhase.CONNECTING)
            await session.send_text("one")
            await session.command_tx.send(SendText("two"))
            await session.send_client_content([Content.from_text("three")], turn_complete=False)
            await session.update_instruction("four")
            await wait_all_tasks_blocked()
            assert session.statistics().waiting_commands == 4
            far.dialling.set()
            await session.flush()
            sent = far.frames()[1:]
            assert (await read_until(session, Reconnected))[-1] == Reconnected(
                False,
                0.0,
                {"SendText": 2, "SendClientContent": 1, "UpdateInstruction": 1},
                {},
                {},
            )
    assert sent[:2] == [text_message("one"), text_message("two")]
    assert [next(iter(message)) for message in sent] == [
        "clientContent",
        "clientContent",
        "clientContent",
        "contextUpdate",
    ]


async def test_audio_of_an_outage_is_dropped_by_age(autojump_clock: MockClock) -> None:
    """What is a second old when the connection is back is still sent, older audio is counted."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            far.dialling = trio.Event()
            far.peer.close()
            await session.wait_for_phase(SessionPhase.CONNECTING)
            for _ in range(50):
                await session.send_audio(PCM)
                await trio.sleep(0.1)
            far.dialling.set()
            [told] = (await read_until(session, Reconnected))[-1:]
            assert len(far.frames()[1:]) == 10
            assert isinstance(told, Reconnected)
            assert (told.replayed, told.dropped) == ({"SendAudio": 10}, {"SendAudio": 40})
            assert told.gap_seconds == pytest.approx(5.0)


async def test_activity_that_goes_on_over_a_loss_is_begun_again(autojump_clock: MockClock) -> None:
    """The user's own signals stay in pairs on each connection, and mean what they meant."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open(MANUAL) as session:
            await session.signal_activity_start()
            far.peer.close()
            await read_until(session, Reconnected)
            with pytest.raises(LocalProtocolError):
                await session.signal_activity_start()
            await session.send_audio(PCM)
            await session.signal_activity_end()
            kinds = [list(message["realtimeInput"]) for message in far.frames()[1:]]
    assert kinds == [["activityStart"], ["audio"], ["activityEnd"]]


async def test_queue_that_is_full_refuses_at_the_callers_line(autojump_clock: MockClock) -> None:
    """The session lives on, and what was accepted is sent."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open(changed={"queue_commands": 2}) as session:
            far.dialling = trio.Event()
            far.peer.close()
            await session.wait_for_phase(SessionPhase.CONNECTING)
            await session.send_text("1")
            await session.send_text("2")
            with pytest.raises(SendQueueFull):
                await session.send_text("3")
            with pytest.raises(trio_live.InvalidArgument):
                await session.send_text("")
            far.dialling.set()
            await session.flush()
            assert far.frames()[1:] == [text_message("1"), text_message("2")]


async def test_what_was_not_written_is_sent_again_and_what_was_is_not(
    autojump_clock: MockClock,
) -> None:
    """Law 4: written exactly once; nobody can have read what was still here."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            await session.send_text("written")
            far.peer.stall()
            await session.send_text("unwritten")
            far.peer.close()
            told = (await read_until(session, Reconnected))[-1]
            await session.flush()
            assert far.frames(0)[1:] == [text_message("written")]
            assert far.frames(1)[1:] == [text_message("unwritten")]
            assert isinstance(told, Reconnected)
            assert (told.replayed, told.uncertain) == ({"SendText": 1}, {})


async def test_what_was_written_without_a_sign_is_reported(autojump_clock: MockClock) -> None:
    """It may have arrived or not: it is not sent again, and told as uncertain."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            await session.send_text("confirmed")
            far.peer.mute()
            await session.send_text("perhaps")
            await session.send_audio(PCM)
            far.peer.close()
            told = (await read_until(session, Reconnected))[-1]
            assert isinstance(told, Reconnected)
            assert told.uncertain == {"SendText": 1}
            assert far.frames(1)[1:] == []


async def test_send_that_finds_the_connection_broken_waits(autojump_clock: MockClock) -> None:
    """A write fails before the reader knows: the command is accepted and goes over the next one."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            far.peer.close()
            await session.send_text("too late for this one")
            await session.flush()
            assert far.frames(1)[1:] == [text_message("too late for this one")]


async def test_answers_to_calls_of_a_lost_epoch_are_withheld(autojump_clock: MockClock) -> None:
    """The call was made after the handle: the restored session does not know it."""
    far = Lasting()
    answer = [FunctionResponse("f", {"ok": 1}, "c1")]
    with trio.fail_after(60):
        async with far.open() as session:
            far.give_handle()
            far.peer.send(CALL)
            await read_until(session, trio_live.ToolCall)
            far.dialling = trio.Event()
            far.peer.close()
            await session.wait_for_phase(SessionPhase.CONNECTING)
            await session.send_tool_response(answer)
            with pytest.raises(LocalProtocolError, match="c1"):
                await session.send_tool_response(answer)
            far.dialling.set()
            happened = await read_until(session, Reconnected)
            assert ToolCallCancelled(("c1",)) in happened
            told = happened[-1]
            assert isinstance(told, Reconnected)
            assert (told.replayed, told.dropped) == ({}, {"SendToolResponse": 1})
            with pytest.raises(LocalProtocolError, match="c1"):
                await session.send_tool_response(answer)
            assert far.frames()[1:] == []


async def test_answers_to_calls_that_the_restored_session_knows_are_sent(
    autojump_clock: MockClock,
) -> None:
    """The handle came after the call: it is still owed, and may be answered, once."""
    far = Lasting()
    answer = [FunctionResponse("f", {"ok": 1}, "c1")]
    with trio.fail_after(60):
        async with far.open() as session:
            far.peer.send(CALL)
            far.give_handle()
            await read_until(session, trio_live.SessionResumeUpdate)
            far.peer.close()
            happened = await read_until(session, Reconnected)
            assert not [event for event in happened if isinstance(event, ToolCallCancelled)]
            await session.send_tool_response(answer)
            far.peer.close()
            await read_until(session, Reconnected)
            with pytest.raises(LocalProtocolError):
                await session.send_tool_response(answer)
            assert [list(m) for m in far.frames(1)[1:]] == [["toolResponse"]]


@pytest.mark.parametrize(
    ("code", "reason"), [(1008, "API key was reported as leaked"), (1007, "bad"), (1009, "")]
)
async def test_permanent_close_is_raised_at_once(
    autojump_clock: MockClock, code: int, reason: str
) -> None:
    """Not retried, not once."""
    far = Lasting()
    with trio.fail_after(60):
        with leaves_with(ConnectionLost) as caught:
            async with far.open():
                far.peer.close(code, reason)
                await trio.sleep_forever()
        assert len(far.requests) == 1
        assert (caught.value.code, caught.value.retryable) == (code, False)


async def test_permanent_error_while_reconnecting_is_raised_at_once(
    autojump_clock: MockClock,
) -> None:
    """The key was revoked during the outage: the refusal is the cause, with its status."""
    far = Lasting()
    with trio.fail_after(60):
        with leaves_with(ConnectionLost) as caught:
            async with far.open() as session:
                far.unreachable = [unreachable(), unreachable(status=403, retryable=False)]
                far.peer.close()
                await session.send_text("waits")
                await trio.sleep_forever()
        assert len(far.requests) == 3
        error = caught.value
        assert (error.code, error.status, error.retryable) == (1006, 403, False)
        assert error.undelivered == (SendText("waits"),)
        assert isinstance(error.__cause__, trio_live.ConnectError)


async def test_give_up_raises_what_was_tried_last(autojump_clock: MockClock) -> None:
    """A server that stays away is given up after the attempts; the session ends as by a loss."""
    far = Lasting()
    with trio.fail_after(600):
        with leaves_with(ConnectionLost, match="4 attempts") as caught:
            async with far.open(changed={"max_attempts": 4}) as session:
                far.unreachable = [unreachable()] * 10
                far.peer.close()
                await trio.sleep_forever()
        assert len(far.requests) == 5
        assert caught.value.retryable
        happened = await told_by(session)
        waits = [event.attempt for event in happened if isinstance(event, Reconnecting)]
        assert waits == [1, 2, 3, 4]
        assert happened[-1] == Disconnected(1006, "", False, {})


async def test_first_connection_is_not_retried(autojump_clock: MockClock) -> None:
    """Entering the block fails at its line, as ever."""
    far = Lasting()
    far.unreachable = [unreachable()]
    with trio.fail_after(60), pytest.raises(trio_live.ConnectError):
        await far.open().__aenter__()
    assert len(far.requests) == 1


async def test_server_that_accepts_and_drops_is_no_hot_loop(autojump_clock: MockClock) -> None:
    """A connection that does not last does not count: the waits grow, and it ends."""
    far = Lasting()
    with trio.fail_after(600):
        with leaves_with(ConnectionLost):
            async with far.open() as session:
                while True:
                    far.peer.close()
                    await read_until(session, Reconnected)
        assert len(far.peers) == 11


async def test_stale_handle_is_dropped_and_the_session_begins_afresh(
    autojump_clock: MockClock,
) -> None:
    """With the history of what was said, if that is asked for; never with both."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open(changed={"reseed": "history"}) as session:
            await session.send_text("hello")
            far.peer.send(say("hi"))
            far.peer.send(DONE)
            far.give_handle()
            await read_until(session, trio_live.SessionResumeUpdate)
            far.answers = [TransportClosed(1008, "BidiGenerateContent session not found")]
            far.peer.close()
            told = (await read_until(session, Reconnected))[-1]
            assert isinstance(told, Reconnected)
            assert not told.restored
            assert session.resumption_handle is None
            assert [handle_in(setup) for setup in far.refused] == ["handle-1"]
            setup, seed = far.frames(2)
    assert handle_in(setup) is None
    assert seed == {
        "clientContent": {
            "turns": [
                {"parts": [{"text": "hello"}], "role": "user"},
                {"parts": [{"text": "hi"}], "role": "model"},
            ],
            "turnComplete": False,
        }
    }


async def test_one_internal_error_keeps_the_handle_a_second_drops_it(
    autojump_clock: MockClock,
) -> None:
    """1011 in a row: the handle is the likely reason."""
    far = Lasting()
    internal = TransportClosed(1011, "Internal error encountered.")
    with trio.fail_after(60):
        async with far.open(changed={"reseed": "history"}) as session:
            far.give_handle()
            await read_until(session, trio_live.SessionResumeUpdate)
            far.answers = [internal]
            far.peer.close(internal.code, internal.reason)
            await read_until(session, Reconnected)
            assert [handle_in(setup) for setup in far.refused] == ["handle-1"]
            assert handle_in(far.frames(2)[0]) is None


async def test_handle_is_kept_through_updates_without_one(autojump_clock: MockClock) -> None:
    """While the model speaks the service says that the session is not resumable."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            far.give_handle()
            far.peer.send(frame(sessionResumptionUpdate={"newHandle": "", "resumable": False}))
            await wait_all_tasks_blocked()
            assert session.resumption_handle == "handle-1"
            far.peer.close()
            assert (await read_until(session, Reconnected))[-1] == Reconnected(
                True, 0.0, {}, {}, {}
            )
            assert handle_in(far.frames()[0]) == "handle-1"
            assert "handle-1" in far.requests[-1].secrets


async def test_handle_that_was_given_holds_until_another_comes(autojump_clock: MockClock) -> None:
    """A handle is good for any number of resumptions."""
    far = Lasting()
    config = trio_live.SessionConfig("gemini-3.8-live", resumption_handle="given")
    with trio.fail_after(60):
        async with far.open(config) as session:
            far.peer.close()
            await read_until(session, Reconnected)
            assert [handle_in(far.frames(index)[0]) for index in (0, 1)] == ["given", "given"]


async def test_old_connection_is_gone_before_the_next_is_dialled(
    autojump_clock: MockClock,
) -> None:
    """A handle whose connection is open is refused."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            old = far.peer
            far.dialling = trio.Event()
            old.close(1001, "")
            await session.wait_for_phase(SessionPhase.CONNECTING)
            with pytest.raises(TransportClosed):
                old.client.send("anything")
            far.dialling.set()


Stage = Callable[[Lasting, SessionHandle], Awaitable[None]]


async def dialling(far: Lasting, session: SessionHandle) -> None:
    """Bring a session to where it dials, for ever."""
    far.dialling = trio.Event()
    far.peer.close()
    await session.wait_for_phase(SessionPhase.CONNECTING)


async def backing_off(far: Lasting, session: SessionHandle) -> None:
    """Bring it to where it waits before an attempt."""
    far.unreachable = [unreachable(), unreachable(), unreachable()]
    far.peer.close()
    async for event in session:
        if isinstance(event, Reconnecting) and event.attempt == 3:
            return


async def setting_up(far: Lasting, session: SessionHandle) -> None:
    """Bring it to where it waits for setupComplete."""
    far.answers = [None]
    far.peer.close()
    await session.wait_for_phase(SessionPhase.SETUP_SENT)


STAGES = [dialling, backing_off, setting_up]


@pytest.mark.parametrize("way", ["leave", "disconnect", "handles", "raise", "cancel"])
@pytest.mark.parametrize("stage", STAGES)
async def test_leaving_works_at_once_in_every_state(
    autojump_clock: MockClock, stage: Stage, way: str
) -> None:
    """Nothing is waited for: not for the dial, nor for the wait, nor for the service."""
    far = Lasting()
    with trio.fail_after(600):
        with trio.CancelScope() as scope:
            try:
                async with far.open() as session:
                    await stage(far, session)
                    since = trio.current_time()
                    await session.send_audio(PCM)
                    if way == "disconnect":
                        await session.disconnect()
                    elif way == "handles":
                        session.close()
                        await session.join()
                    elif way == "raise":
                        raise LookupError
                    elif way == "cancel":
                        scope.cancel()
                        await trio.sleep_forever()
            except LookupError:
                assert way == "raise"
        assert trio.current_time() == since
        last = (await collect(session))[-1]
        assert last == Disconnected(1006, "", False, {"SendAudio": 1})
        assert session.phase is SessionPhase.DISCONNECTED


@pytest.mark.parametrize("stage", STAGES)
async def test_leaving_with_commands_that_wait_reports_them(
    autojump_clock: MockClock, stage: Stage
) -> None:
    """Law 4: they were accepted and will not be sent; that is no normal end."""
    far = Lasting()
    with trio.fail_after(600):
        with leaves_with(ConnectionLost) as caught:
            async with far.open() as session:
                await stage(far, session)
                await session.send_text("waits")
        assert caught.value.undelivered == (SendText("waits"),)
        assert (await told_by(session))[-1] == Disconnected(1006, "", False, {"SendText": 1})


@pytest.mark.parametrize("everywhere", [False, True], ids=["own", "everywhere"])
async def test_cancel_at_every_checkpoint_of_a_reconnect(
    autojump_clock: MockClock, everywhere: bool
) -> None:
    """Law 1: wherever it is cancelled, no task is left and it takes no time."""

    async def scenario() -> None:
        far = Lasting()
        far.unreachable = [None, unreachable()]
        async with far.open(changed={"first_ceiling": 0.0}) as session:
            await session.send_text("one")
            far.peer.close()
            await session.send_text("two")
            await read_until(session, Reconnected)
            await session.flush()
            far.peer.close(1011, "Internal error encountered.")
            await read_until(session, Reconnected)
            await session.disconnect()

    with trio.fail_after(6_000):
        assert await cancel_at_every_checkpoint(scenario, everywhere=everywhere) > 12


@pytest.mark.parametrize("changed", [{}, {"transparent": True}], ids=["plain", "transparent"])
async def test_leaving_without_a_sign_that_a_command_arrived_reports_it(
    autojump_clock: MockClock, changed: dict[str, object]
) -> None:
    """Law 4: no Reconnected came to count it, so the loss does."""
    far = Lasting()
    with trio.fail_after(600):
        with leaves_with(ConnectionLost) as caught:
            async with far.open(changed=changed, endpoint=Custom("ws://localhost")) as session:
                far.mute = True
                far.peer.mute()
                await session.send_text("did it arrive?")
                await session.send_audio(PCM)
                far.dialling = trio.Event()
                far.peer.close()
                await session.wait_for_phase(SessionPhase.CONNECTING)
        assert caught.value.undelivered == ()
        assert caught.value.uncertain == {"SendText": 1}


@pytest.mark.parametrize("everywhere", [False, True], ids=["own", "everywhere"])
@pytest.mark.parametrize("stage", STAGES)
async def test_cancel_at_every_checkpoint_of_a_disconnect(
    autojump_clock: MockClock, stage: Stage, everywhere: bool
) -> None:
    """Law 1: the end, asked for while there is no connection, and cancelled itself."""

    async def scenario() -> None:
        far = Lasting()
        with suppress(trio.ClosedResourceError):
            async with far.open() as session:
                await stage(far, session)
                await session.send_audio(PCM)
                await session.disconnect()

    with trio.fail_after(6_000):
        runs = await cancel_at_every_checkpoint(scenario, everywhere=everywhere)
        assert runs > 5


async def test_every_command_arrives_or_is_told_wherever_the_connection_drops(
    autojump_clock: MockClock,
) -> None:
    """Law 4: at each step of every task a drop; each text is received once, or reported."""

    async def use(far: Lasting) -> list[trio_live.SessionEvent]:
        async with far.open(send_buffer_bytes=150) as session:
            far.peer.stall()
            async with trio.open_nursery() as nursery:

                async def put() -> None:
                    for number in range(4):
                        await session.command_tx.send(SendText(f"raw {number}"))

                nursery.start_soon(put)

                async def talk() -> None:
                    for number in range(4):
                        await session.send_text(f"verb {number}")

                nursery.start_soon(talk)
                await trio.sleep(1)
                far.peers[0].resume()
            await session.flush()
            await trio.sleep(1)
            await session.disconnect()
            return await collect(session)

    reconnects = 0
    with trio.fail_after(6_000):
        for steps in range(1, 10_000):
            far = Lasting()

            def act(far: Lasting = far) -> None:
                if far.peers:
                    far.peers[0].close()

            instrument = AtStep(act, steps)
            trio.lowlevel.add_instrument(instrument)
            try:
                happened = await use(far)
            except trio_live.SetupError:
                continue
            finally:
                trio.lowlevel.remove_instrument(instrument)
            texts = [
                message["clientContent"]["turns"][0]["parts"][0]["text"]
                for index in range(len(far.peers))
                for message in far.frames(index)
                if "clientContent" in message
            ]
            told = [event for event in happened if isinstance(event, Reconnected)]
            reconnects += len(told)
            assert sorted(texts) == sorted(f"{w} {n}" for w in ("raw", "verb") for n in range(4))
            for way in ("raw", "verb"):
                mine = [text for text in texts if text.startswith(way)]
                assert mine == sorted(mine)
            assert not [event for event in told if event.dropped]
            if instrument.acted_at is None:
                break
    assert reconnects > 20


async def test_credentials_are_asked_for_each_connection(autojump_clock: MockClock) -> None:
    """Tokens are fresh: the endpoint gives the address anew."""
    asked: list[int] = []

    async def token() -> str:
        await trio.lowlevel.checkpoint()
        asked.append(len(asked))
        return f"token-{len(asked)}"

    far = Lasting()
    endpoint = GoogleAI(credentials=token, base_url="ws://localhost")
    transport = trio_live.TransportConfig(dialer=far.dial)
    with trio.fail_after(60):
        async with trio_live.open_session(
            trio_live.SessionConfig("m"), endpoint=endpoint, transport=transport
        ) as session:
            far.peer.close()
            await read_until(session, Reconnected)
    assert len(asked) == 2


async def test_random_drops_deliver_or_report_each_text_never_both(
    autojump_clock: MockClock,
) -> None:
    """Law 4, against a far end that reads and confirms now and then, and loses what it has not."""
    connections = uncertain = 0
    for seed in range(150):
        rng = random.Random(seed)
        far = Lasting()
        far.mute = True
        arrived: list[str] = []
        reported: Counter[str] = Counter()
        settings = {"max_attempts": 1_000, "give_up_after": 1e9}
        with trio.fail_after(60_000):
            async with far.open(changed=settings, silence_timeout=None) as session:

                async def watch(session: SessionHandle = session) -> None:
                    async for event in session:
                        if isinstance(event, Reconnected):
                            reported.update(event.uncertain)  # noqa: B023
                            reported.update(event.dropped)  # noqa: B023

                async with trio.open_nursery() as nursery:
                    nursery.start_soon(watch)
                    for number in range(30):
                        chance = rng.random()
                        if chance < 0.3:
                            arrived += far.read_and_confirm()
                        elif chance < 0.4:
                            far.peer.stall()
                        elif chance < 0.5:
                            far.peer.resume()
                        elif chance < 0.65:
                            far.peer.close()
                            if chance < 0.58:
                                await trio.sleep(100)
                        await session.send_text(f"{number:02}")
                    await trio.sleep(1)
                    far.peer.resume()
                    await session.flush()
                    arrived += far.read_and_confirm()
                    await wait_all_tasks_blocked()
                    nursery.cancel_scope.cancel()
                connections += session.statistics().connections
        assert arrived == sorted(set(arrived)), seed
        assert len(arrived) + reported["SendText"] == 30, seed
        uncertain += reported["SendText"]
    assert connections > 300
    assert uncertain > 50
