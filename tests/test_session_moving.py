"""Moves to the next connection in time; and connections that are dead."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import pytest
import trio
from lasting_parts import Lasting, unreachable
from session_parts import (
    CONFIG,
    PCM,
    Valve,
    frame,
    leaves_with,
    open_over,
    open_with,
    read_until,
    say,
    text_message,
)
from trio.testing import MockClock, wait_all_tasks_blocked

import trio_live
from trio_live import (
    ConnectionLost,
    FunctionResponse,
    Reconnected,
    Reconnecting,
    SessionHandle,
    TurnComplete,
)
from trio_live.testing import Fault, LiveServer
from trio_live.testing.checkpoints import AtStep, all_tasks, cancel_at_every_checkpoint

CALL = frame(toolCall={"functionCalls": [{"id": "c1", "name": "f", "args": {}}]})
DONE = frame(serverContent={"turnComplete": True})


def go_away(seconds: float) -> bytes:
    """The service will close the connection."""
    return frame(goAway={"timeLeft": f"{seconds}s"})


async def idle_with_handle(far: Lasting, session: SessionHandle) -> None:
    """Bring a session to where it could move at any time."""
    far.give_handle()
    await read_until(session, trio_live.SessionResumeUpdate)


async def test_go_away_in_idle_moves_at_once(autojump_clock: MockClock) -> None:
    """The block sees events; the gap is no time at all, and nothing was cut."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            await idle_with_handle(far, session)
            far.peer.send(go_away(50))
            happened = await read_until(session, Reconnected)
            assert trio.current_time() == 0
            await session.send_text("goes on")
            await session.flush()
            assert far.frames(1)[1:] == [text_message("goes on")]
            assert far.peers[0].closed_with == (1000, "")
    [reconnecting] = [event for event in happened if isinstance(event, Reconnecting)]
    assert (reconnecting.attempt, reconnecting.delay, reconnecting.code) == (0, 0.0, None)
    assert happened[-1] == Reconnected(True, 0.0, {}, {}, {})


async def test_next_connection_is_made_before_this_one_is_left(autojump_clock: MockClock) -> None:
    """Dialling takes its time while the old one works; the setup waits until that is closed."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            await idle_with_handle(far, session)
            far.dialling = trio.Event()
            far.peer.send(go_away(50))
            await trio.sleep(3)
            await session.send_text("still the old one")
            far.peer.send(say("yes"))
            far.peer.send(DONE)
            far.give_handle("handle-2")
            await read_until(session, TurnComplete)
            assert far.frames(0)[1:] == [text_message("still the old one")]
            far.dialling.set()
            told = (await read_until(session, Reconnected))[-1]
            assert told == Reconnected(True, 0.0, {}, {}, {})
            assert far.requests[1].secrets[-1] == "handle-1"  # dialled before the new handle came


async def test_move_waits_for_the_end_of_the_turn_and_a_fresh_handle(
    autojump_clock: MockClock,
) -> None:
    """A handle from before the turn would lose the turn."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            await idle_with_handle(far, session)
            await session.send_text("go")
            far.peer.send(say("on "))
            far.peer.send(go_away(50))
            await trio.sleep(5)
            far.peers[0].send(say("and on"))
            far.peers[0].send(DONE)
            await trio.sleep(5)
            assert far.peers[0].closed_with is None
            far.give_handle("handle-2", 0)
            told = (await read_until(session, Reconnected))[-1]
            assert told == Reconnected(True, 0.0, {}, {}, {})
            assert trio.current_time() == 10
            assert far.frames(1)[0]["setup"]["sessionResumption"] == {"handle": "handle-2"}


async def test_move_waits_for_a_call_to_be_answered(autojump_clock: MockClock) -> None:
    """Resumed from before the call, the service would not know it."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            far.peer.send(CALL)
            far.peer.send(DONE)
            far.give_handle()
            far.peer.send(go_away(50))
            await trio.sleep(5)
            assert far.peers[0].closed_with is None
            await session.send_tool_response([FunctionResponse("f", {}, "c1")])
            far.give_handle("handle-2", 0)
            await read_until(session, Reconnected)
            assert trio.current_time() == 5


async def test_move_is_made_at_the_deadline_though_the_service_is_silent(
    autojump_clock: MockClock,
) -> None:
    """After goAway nothing may come any more: the deadline is a timer, and the turn is cut."""
    far = Lasting()
    with trio.fail_after(100):
        async with far.open() as session:
            await idle_with_handle(far, session)
            await session.send_text("go")
            far.peer.send(say("half"))
            far.peer.send(go_away(50))
            told = (await read_until(session, Reconnected))[-1]
            assert trio.current_time() == 45
            assert told == Reconnected(True, 0.0, {}, {}, {}, cut_turn=1)
            assert far.peers[0].closed_with == (1000, "")


async def test_go_away_without_time_or_handle_moves_in_the_end(autojump_clock: MockClock) -> None:
    """It has nothing to resume from, and must go all the same."""
    far = Lasting()
    with trio.fail_after(100):
        async with far.open() as session:
            far.peer.send(frame(goAway={}))
            told = (await read_until(session, Reconnected))[-1]
            assert trio.current_time() == 30
            assert isinstance(told, Reconnected)
            assert not told.restored


async def test_old_connection_is_left_before_the_service_does(autojump_clock: MockClock) -> None:
    """Some servers send no goAway: from an age on, a safe moment is used."""
    far = Lasting()
    with trio.fail_after(10_000):
        async with far.open() as session:
            for number in range(3):
                far.give_handle(f"handle-{number}")
                await read_until(session, Reconnected)
            assert trio.current_time() == 3 * 540
            assert session.statistics().connections == 4


@pytest.mark.parametrize("why", ["no handle", "no way"])
async def test_old_connection_is_kept_while_there_is_nothing_better(
    autojump_clock: MockClock, why: str
) -> None:
    """Only its age speaks against it: without a handle, or another connection, it stays."""
    far = Lasting()
    with trio.fail_after(10_000):
        async with far.open() as session:
            if why == "no way":
                await idle_with_handle(far, session)
                far.unreachable = [unreachable()] * 100
            await trio.sleep(600)
            assert far.peers[0].closed_with is None
            assert session.statistics().connections == 1
            far.unreachable.clear()
            if why == "no way":
                await read_until(session, Reconnected)


async def test_old_connection_without_a_handle_dials_nowhere(autojump_clock: MockClock) -> None:
    """Nothing is made in advance that could not be used; with a handle the move comes at once."""
    far = Lasting()
    with trio.fail_after(10_000):
        async with far.open() as session:
            await trio.sleep(2_000)
            assert len(far.requests) == 1
            far.give_handle()
            await read_until(session, Reconnected)
            assert len(far.requests) == 2


async def test_move_that_takes_a_while_is_waited_for(autojump_clock: MockClock) -> None:
    """The other side does not answer the goodbye; the deadline is past, and nothing spins."""
    faults = [Fault("go-away", "during-turn", 10, "stay"), Fault("half-open", "during-turn", 900)]
    steps = Counter[str]()
    with trio.fail_after(600) as scope:

        class Watch(trio.abc.Instrument):
            def before_task_step(self, task: trio.lowlevel.Task) -> None:
                steps[task.name] += 1
                if steps[task.name] > 10_000:
                    scope.cancel()

        async with LiveServer(pace=0, faults=faults) as server, open_with(server) as session:
            await session.send_text("go")
            await read_until(session, trio_live.GoAway)
            watch = Watch()
            trio.lowlevel.add_instrument(watch)
            try:
                await read_until(session, Reconnected)
            finally:
                trio.lowlevel.remove_instrument(watch)
    assert steps["trio_live timer"] < 10


async def test_connection_made_in_advance_serves_after_a_loss_too(
    autojump_clock: MockClock,
) -> None:
    """The service closes before the safe moment came: what was prepared is used."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            await session.send_text("go")
            far.peer.send(go_away(50))
            await wait_all_tasks_blocked()
            assert len(far.peers) == 2
            far.peers[0].close(1001, "")
            await read_until(session, Reconnected)
            assert len(far.peers) == 2


async def test_end_right_behind_a_go_away_is_followed_by_one_connection(
    autojump_clock: MockClock,
) -> None:
    """None is made in advance for a connection that has ended meanwhile: it would be kept."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            await idle_with_handle(far, session)
            far.peer.send(go_away(50))
            far.peer.close(1001, "")
            await read_until(session, Reconnected)
            await wait_all_tasks_blocked()
            assert len(far.requests) == 2


async def test_commands_of_a_move_go_over_the_next_connection(autojump_clock: MockClock) -> None:
    """From the goodbye on they wait; each is sent once, in order."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            await idle_with_handle(far, session)
            far.answers = [None]
            far.peer.send(go_away(50))
            await session.wait_for_phase(trio_live.SessionPhase.SETUP_SENT)
            await session.send_text("one")
            await session.send_audio(PCM)
            await session.send_text("two")
            await trio.sleep(2)
            far.peer.send(frame(setupComplete={}))
            told = (await read_until(session, Reconnected))[-1]
            assert told == Reconnected(True, 2.0, {"SendText": 2}, {"SendAudio": 1}, {})
            assert far.frames(1)[1:] == [text_message("one"), text_message("two")]


async def test_move_that_fails_goes_on_as_a_loss(autojump_clock: MockClock) -> None:
    """The prepared connection is gone by then; the next attempt makes another."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            await idle_with_handle(far, session)
            await session.send_text("go")
            far.peer.send(go_away(50))
            await wait_all_tasks_blocked()
            far.peers[1].close()
            far.peers[0].send(DONE)
            far.give_handle("handle-2", 0)
            happened = await read_until(session, Reconnected)
            assert [e.attempt for e in happened if isinstance(e, Reconnecting)] == [0, 1]
            assert len(far.peers) == 3


async def test_prepared_connection_that_waited_too_long_for_its_setup_costs_nothing(
    autojump_clock: MockClock,
) -> None:
    """The service closed it with a code that would else be the end: the next one tells."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            await idle_with_handle(far, session)
            await session.send_text("go")
            far.peer.send(go_away(50))
            await wait_all_tasks_blocked()
            far.peers[1].close(1008, "no setup came")
            far.peers[0].send(DONE)
            far.give_handle("handle-2", 0)
            happened = await read_until(session, Reconnected)
            assert [(e.attempt, e.code) for e in happened if isinstance(e, Reconnecting)] == [
                (0, None),
                (1, 1008),
            ]


@pytest.mark.parametrize("everywhere", [False, True], ids=["own", "everywhere"])
async def test_cancel_at_every_checkpoint_of_a_move(
    autojump_clock: MockClock, everywhere: bool
) -> None:
    """Law 1: neither the old connection nor the one made in advance is left behind."""

    async def scenario() -> None:
        far = Lasting()
        # Cancelled from anywhere, the far end may find its connection closed.
        with suppress(trio.ClosedResourceError):
            async with far.open() as session:
                await session.send_text("one")
                far.peer.send(go_away(50))
                far.peer.send(DONE)
                far.give_handle("handle-2")
                await read_until(session, Reconnected)
                await session.send_text("two")
                far.peer.send(go_away(50))
                await session.disconnect()

    with trio.fail_after(6_000):
        assert await cancel_at_every_checkpoint(scenario, everywhere=everywhere) > 10


async def test_real_server_is_moved_from_without_a_gap(autojump_clock: MockClock) -> None:
    """Over WebSocket: the server refuses a handle whose connection is open, and takes this one."""
    with trio.fail_after(600):
        async with LiveServer(pace=0) as server, open_with(server, CONFIG) as session:
            await session.send_text("before")
            await read_until(session, TurnComplete)
            await trio.sleep(1)
            await server.sessions[0].go_away(50)
            told = (await read_until(session, Reconnected))[-1]
            assert isinstance(told, Reconnected)
            assert (told.restored, told.cut_turn, told.uncertain) == (True, None, {})
            await session.send_text("after")
            await read_until(session, TurnComplete)
            assert session.statistics().connections == 2


# Signs of life.


async def test_half_open_connection_is_found(autojump_clock: MockClock) -> None:
    """The other side is gone without a word: a ping is not answered, and the session goes on."""
    far = Lasting()
    with trio.fail_after(1_000):
        async with far.open() as session:
            far.peer.mute()
            await read_until(session, Reconnected)
            assert 60 < trio.current_time() <= 110
        with leaves_with(ConnectionLost):
            async with far.open(policy=None):
                far.peer.mute()
                await trio.sleep_forever()


async def test_idle_connection_that_answers_pings_lives(autojump_clock: MockClock) -> None:
    """However long nothing is said."""
    far = Lasting()
    with trio.fail_after(10_000):
        async with far.open() as session:
            await trio.sleep(5_000)
            assert session.statistics().connections == 1


async def test_silence_is_found_where_something_is_owed(autojump_clock: MockClock) -> None:
    """Pings are off: only a turn that is waited for tells silence from peace."""
    far = Lasting()
    with trio.fail_after(10_000):
        async with far.open(ping_timeout=None, silence_timeout=60) as session:
            await trio.sleep(1_000)
            assert session.statistics().connections == 1
            await session.send_text("are you there?")
            told = (await read_until(session, Reconnected))[-1]
            assert isinstance(told, Reconnected)
            assert 1_060 < trio.current_time() <= 1_063


async def test_service_that_answers_pings_and_no_question_is_left(
    autojump_clock: MockClock,
) -> None:
    """By default: a pong is no answer. The turn is cut, and the session resumed."""
    far = Lasting()
    with trio.fail_after(10_000):
        async with far.open() as session:
            await idle_with_handle(far, session)
            await session.send_text("are you there?")
            happened = await read_until(session, Reconnected)
            assert 60 < trio.current_time() <= 63
            [lost] = [event for event in happened if isinstance(event, Reconnecting)]
            assert lost.cause == "the service owed an answer and fell silent"
            assert happened[-1] == Reconnected(True, 0.0, {}, {}, {}, cut_turn=1)


async def test_service_that_never_answers_again_ends_the_session(
    autojump_clock: MockClock,
) -> None:
    """Law 5: connections that last for a minute each, and answer nothing, are no progress."""
    far = Lasting()
    connected = 0
    with trio.fail_after(1_000), leaves_with(ConnectionLost) as caught:
        async with far.open() as session:
            await idle_with_handle(far, session)
            await session.send_text("are you there?")
            async for event in session:
                if isinstance(event, Reconnected):
                    connected += 1
                    await session.send_text("and now?")
    assert connected > 2
    handles = [far.frames(index)[0]["setup"].get("sessionResumption") for index in range(4)]
    assert handles == [{}, {"handle": "handle-1"}, {}, {}]  # the second silence drops it
    assert caught.value.cause == "the service owed an answer and fell silent"
    assert (caught.value.code, caught.value.retryable) == (1006, True)


async def test_silence_without_a_policy_is_told_as_what_it_is(autojump_clock: MockClock) -> None:
    """The error names the silence, not the close code that stands in for it."""
    far = Lasting()
    with trio.fail_after(1_000), leaves_with(ConnectionLost) as caught:
        async with far.open(policy=None) as session:
            await session.send_text("are you there?")
            await trio.sleep_forever()
    assert caught.value.cause == "the service owed an answer and fell silent"
    assert trio.current_time() <= 63


async def test_turn_of_the_user_and_calls_of_theirs_are_no_silence(
    autojump_clock: MockClock,
) -> None:
    """Nothing is owed by the service while the program has a call to answer, or the user speaks."""
    far = Lasting()
    with trio.fail_after(10_000):
        async with far.open(changed={"max_connection_age": None}) as session:
            await session.send_text("call something")
            far.peer.send(CALL)
            await trio.sleep(1_000)
            await session.send_tool_response([FunctionResponse("f", {}, "c1")])
            await trio.sleep(50)
            far.peer.send(DONE)
            await trio.sleep(1_000)
            far.peer.send(frame(voiceActivity={"type": "ACTIVITY_START"}))
            far.peer.send(frame(serverContent={"inputTranscription": {"text": "well"}}))
            await trio.sleep(1_000)
            assert session.statistics().connections == 1


async def test_no_limits_wait_for_ever(autojump_clock: MockClock) -> None:
    """Both can be off."""
    far = Lasting()
    with trio.fail_after(100_000):
        async with far.open(
            ping_timeout=None, silence_timeout=None, changed={"max_connection_age": None}
        ) as session:
            far.peer.mute()
            await session.send_text("hello")
            await trio.sleep(50_000)
            assert session.statistics().connections == 1


async def test_slow_consumer_never_costs_the_connection(autojump_clock: MockClock) -> None:
    """Law 3: a "block" subscription keeps us from reading, which is no silence of the service."""
    far = Lasting()
    with trio.fail_after(10_000):
        async with (
            far.open() as session,
            session.subscribe(max_events=1, policy="block") as slow,
        ):
            far.peer.mute()
            await session.send_text("count")
            for number in range(10):
                far.peer.send(say(f"{number}"))
            await trio.sleep(500)
            assert session.statistics().connections == 1
            await slow.aclose()


async def test_what_the_old_connection_still_writes_is_not_sent_again(
    autojump_clock: MockClock,
) -> None:
    """A slow line: accepted before the move, written before the close frame, once in all."""
    valves: list[Valve] = []

    async def open_stream() -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        valves.append(Valve(server.open_stream()))
        return valves[-1]

    with trio.fail_after(600):
        async with LiveServer(pace=0) as server, open_over(open_stream) as session:
            await session.send_text("before")
            await read_until(session, TurnComplete)
            await trio.sleep(1)
            valves[0].shut()
            await session.update_instruction("Be brief.")
            await server.sessions[0].go_away(50)
            await session.wait_for_phase(trio_live.SessionPhase.ACTIVE)
            await trio.sleep(0.5)
            valves[0].opened.set()
            told = (await read_until(session, Reconnected))[-1]
            assert isinstance(told, Reconnected)
            assert (told.restored, told.replayed) == (True, {})
            updates = [
                message
                for there in server.sessions
                for message in there.received
                if "contextUpdate" in message
            ]
            assert len(updates) == 1


@pytest.mark.parametrize("handle", [False, True], ids=["loss", "move"])
async def test_the_end_asked_for_at_every_step_comes_at_once(
    autojump_clock: MockClock, handle: bool
) -> None:
    """Wherever a loss or a move stands when the last handle is closed: it ends, and tells all."""
    sent = 0
    for steps in range(1, 10_000):
        far = Lasting()
        handles: list[SessionHandle] = []

        ended: list[bool] = []

        def end(handles: list[SessionHandle] = handles, ended: list[bool] = ended) -> None:
            if handles:
                handles[0].close()
                ended.append(True)

        instrument = AtStep(end, steps)
        trio.lowlevel.add_instrument(instrument)
        undelivered = 0
        before = all_tasks()
        try:
            with trio.fail_after(60):
                async with far.open() as session:
                    handles.append(session)
                    other = session.subscribe()
                    with suppress(trio_live.SessionClosed, trio.ClosedResourceError):
                        if handle:
                            far.give_handle()
                            await session.update_instruction("0")
                            far.peer.send(go_away(50))
                        else:
                            await session.update_instruction("0")
                            far.unreachable = [unreachable()]
                            far.peer.close()
                        await session.update_instruction("1")
                        await trio.sleep(10)
                        await session.update_instruction("2")
                    await other.aclose()
                    if ended:
                        await session.join()
        except ConnectionLost as error:
            undelivered = len(error.undelivered)
        finally:
            trio.lowlevel.remove_instrument(instrument)
        await wait_all_tasks_blocked()
        assert all_tasks() == before
        arrived = [
            message["contextUpdate"]["systemInstruction"]["parts"][0]["text"]
            for index in range(len(far.peers))
            for message in far.frames(index)
            if "contextUpdate" in message
        ]
        assert arrived == sorted(set(arrived)), steps
        assert len(arrived) + undelivered <= 3, steps
        sent = max(sent, len(arrived))
        if instrument.acted_at is None:
            break
    assert sent == 3
    assert steps > 30


async def test_reason_that_echoes_a_handle_is_told_without_it(autojump_clock: MockClock) -> None:
    """It came after the connection was made, so the transport does not know it as a secret."""
    far = Lasting()
    with trio.fail_after(60):
        async with far.open() as session:
            await session.send_text("go")
            far.peer.send(go_away(50))
            await wait_all_tasks_blocked()
            far.give_handle("new-handle", 0)
            far.answers = []
            await wait_all_tasks_blocked()
            far.peers[1].close(1008, "session not found: new-handle")
            far.peers[0].close()
            happened = await read_until(session, Reconnected)
    reasons = [event.reason for event in happened if isinstance(event, Reconnecting)]
    assert reasons == ["", "session not found: ***"]
