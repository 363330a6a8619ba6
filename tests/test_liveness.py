"""When a connection counts as dead, and how soon after that it is found out."""

from __future__ import annotations

import pytest
import trio
from lasting_parts import Lasting
from session_parts import MANUAL, frame, leaves_with, read_until, say
from trio.testing import MockClock

from trio_live import ConnectionLost, FunctionResponse, Reconnected, Reconnecting, ToolCall
from trio_live.liveness import Health, Liveness

CALL = frame(toolCall={"functionCalls": [{"id": "c1", "name": "f", "args": {}}]})
DONE = frame(serverContent={"turnComplete": True})


def test_program_that_slept_gets_another_look() -> None:
    """The verdict comes from two looks: what arrived meanwhile is read between them."""
    liveness = Liveness(60.0, None)
    liveness.begin(0.0)
    assert liveness.look(20.0, 10, 0.0, None) is Health.ALIVE
    assert liveness.look(40.0, 10, 0.0, None) is Health.DOUBTFUL
    assert liveness.look(500.0, 10, 0.0, None) is Health.ALIVE
    assert liveness.look_at == 501.0
    assert liveness.look(501.0, 12, 0.0, None) is Health.ALIVE
    assert liveness.look(521.0, 12, 0.0, None) is Health.DOUBTFUL


def test_answer_that_is_owed_is_counted_by_messages_alone() -> None:
    """Pongs go on coming; each message, and each time in which nothing is owed, begins it anew."""
    liveness = Liveness(None, 60.0)
    liveness.begin(0.0)
    assert liveness.look(20.0, 10, 0.0, 19.0) is Health.ALIVE
    assert liveness.look(78.0, 12, 18.0, 19.0) is Health.ALIVE
    assert liveness.look_at == 79.0  # to the moment
    assert liveness.look(79.0, 12, 78.5, 19.0) is Health.ALIVE
    assert liveness.look(130.0, 16, 78.5, None) is Health.ALIVE
    assert liveness.look(133.0, 18, 78.5, 19.0) is Health.ALIVE  # the user's words have ended
    assert liveness.look(192.0, 20, 78.5, 19.0) is Health.ALIVE
    assert liveness.look_at == 193.0
    assert liveness.look(193.0, 20, 78.5, 19.0) is Health.ALIVE  # a second look is due
    assert liveness.look_at == 194.0
    assert liveness.look(194.0, 22, 78.5, 19.0) is Health.SILENT


def test_turn_that_follows_another_has_all_of_its_time() -> None:
    """Between two looks one turn may end and the next begin."""
    liveness = Liveness(None, 60.0)
    liveness.begin(0.0)
    assert liveness.look(3.0, 10, 0.0, 1.0) is Health.ALIVE
    assert liveness.look(60.0, 10, 0.0, 58.0) is Health.ALIVE
    assert liveness.look(63.0, 10, 58.0, 58.0) is Health.ALIVE
    assert liveness.look(117.0, 10, 58.0, 58.0) is Health.ALIVE
    assert liveness.look_at == 118.0


@pytest.mark.parametrize("patience", [0.5, 5.0, 60.0, 900.0])
@pytest.mark.parametrize("last", [0.0, 0.33, 7.77])
async def test_silence_is_found_in_time(
    autojump_clock: MockClock, patience: float, last: float
) -> None:
    """Not before `silence_timeout` after the last frame, and within a tenth of it."""
    far = Lasting()
    with trio.fail_after(10_000), leaves_with(ConnectionLost) as caught:
        async with far.open(policy=None, ping_timeout=None, silence_timeout=patience) as session:
            await trio.sleep(1.234)
            await session.send_text("say something long")
            begun = trio.current_time()
            while trio.current_time() < begun + last * patience:
                await trio.sleep(patience / 9)
                far.peer.send(say("on"))
            heard = trio.current_time()
            await trio.sleep_forever()
    assert caught.value.cause == "the service owed an answer and fell silent"
    assert patience <= trio.current_time() - heard <= 1.1 * patience


@pytest.mark.parametrize("what", ["tool", "activity"])
async def test_silence_is_counted_from_when_an_answer_is_owed(
    autojump_clock: MockClock, what: str
) -> None:
    """The time of a call, and that of the user, are not the service's."""
    far = Lasting()
    with trio.fail_after(10_000), leaves_with(ConnectionLost):
        async with far.open(MANUAL, policy=None, silence_timeout=60) as session:
            await session.signal_activity_start()
            await trio.sleep(50)
            await session.signal_activity_end()
            if what == "tool":
                far.peer.send(CALL)
                await read_until(session, ToolCall)
                await trio.sleep(50)
                await session.send_tool_response([FunctionResponse("f", {}, "c1")])
            owed = trio.current_time()
            await trio.sleep_forever()
    assert 60 <= trio.current_time() - owed <= 66


async def test_silent_sessions_are_looked_at_a_few_times_only(autojump_clock: MockClock) -> None:
    """However many frames come: no timer is moved for them."""
    far = Lasting()
    looks = 0

    class Watch(trio.abc.Instrument):
        def before_task_step(self, task: trio.lowlevel.Task) -> None:
            nonlocal looks
            looks += task.name == "trio_live timer"

    with trio.fail_after(1_000):
        async with far.open() as session:
            await session.send_text("count")
            watch = Watch()
            trio.lowlevel.add_instrument(watch)
            try:
                for _ in range(6_000):
                    await trio.sleep(0.01)
                    far.peer.send(say("1"))
                far.peer.send(DONE)
                far.peer.close(1001)
                await read_until(session, Reconnected)
            finally:
                trio.lowlevel.remove_instrument(watch)
    assert looks < 60


async def test_network_that_is_gone_after_each_setup_is_given_up(
    autojump_clock: MockClock,
) -> None:
    """Law 5: connections of which nothing is heard are no progress, however long that takes."""
    far = Lasting()
    with trio.fail_after(10_000), leaves_with(ConnectionLost) as caught:
        async with far.open() as session:
            far.mute = True
            far.peer.mute()
            async for _ in session:
                pass
    assert caught.value.cause == "no ping was answered in time"
    assert trio.current_time() < 600


async def test_connection_that_was_heard_of_for_long_has_worked(autojump_clock: MockClock) -> None:
    """Pongs are enough: an idle session whose network drops now and then is not given up."""
    far = Lasting()
    with trio.fail_after(100_000):
        async with far.open(changed={"max_attempts": 2, "max_connection_age": None}) as session:
            for _ in range(5):
                await trio.sleep(400)
                far.peer.mute()
                happened = await read_until(session, Reconnected)
                [told] = [event for event in happened if isinstance(event, Reconnecting)]
                assert (told.attempt, told.delay) == (1, 0.0)
