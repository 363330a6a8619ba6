"""Waiting for a phase."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_live import ConnectionLost, GoAway, PhaseChanged, PhaseWatch, SessionClosed, SessionPhase

P = SessionPhase


async def test_wait_for_the_current_phase_returns_at_once() -> None:
    """The current phase need not be waited for."""
    with trio.fail_after(1):
        await PhaseWatch().wait_for(P.DISCONNECTED)


async def test_wait_for_a_phase_that_lasts_no_time_is_not_missed() -> None:
    """A phase that is entered and left before the waiter runs again was entered."""
    watch = PhaseWatch(P.ACTIVE)
    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch.wait_for, P.INTERRUPTED)
            nursery.start_soon(watch.wait_for, P.INTERRUPTED)
            await wait_all_tasks_blocked()
            watch.enter(P.INTERRUPTED)
            watch.enter(P.ACTIVE)
    assert watch.phase is P.ACTIVE


async def test_wait_for_a_phase_entered_right_after_the_call_is_not_missed() -> None:
    """The wait begins with the call, not with the next time that the waiter runs."""
    watch = PhaseWatch(P.ACTIVE)

    async def wait() -> None:
        # Runs as soon as the waiter below first lets others run, before it runs again.
        trio.lowlevel.spawn_system_task(flash)
        await watch.wait_for(P.INTERRUPTED)

    async def flash() -> None:
        watch.enter(P.INTERRUPTED)
        watch.enter(P.ACTIVE)

    with trio.fail_after(1):
        for _ in range(20):  # Trio shuffles the tasks of a batch
            await wait()


async def test_wait_released_by_an_earlier_entry_does_not_wait_for_a_later_one() -> None:
    """Who begins to wait after the phase was left waits for the next time."""
    watch = PhaseWatch(P.ACTIVE)
    released: list[str] = []

    async def wait(name: str) -> None:
        await watch.wait_for(P.MODEL_SPEAKING)
        released.append(name)

    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait, "first")
            await wait_all_tasks_blocked()
            watch.enter(P.MODEL_SPEAKING)
            watch.enter(P.ACTIVE)
            nursery.start_soon(wait, "second")
            await wait_all_tasks_blocked()
            assert released == ["first"]
            watch.enter(P.MODEL_SPEAKING)
    assert released == ["first", "second"]


async def test_wait_raises_if_the_session_ends_normally_first() -> None:
    """Law 5: nobody waits for a phase of a session that has ended."""
    watch = PhaseWatch(P.ACTIVE)

    async def wait() -> None:
        with pytest.raises(SessionClosed) as caught:
            await watch.wait_for(P.MODEL_SPEAKING)
        assert str(caught.value) == "the session ended without entering model_speaking"
        assert caught.value.phase is P.DISCONNECTED

    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await wait_all_tasks_blocked()
            watch.enter(P.DISCONNECTED)
            watch.close()
        await wait()  # and who comes later
        await watch.wait_for(P.DISCONNECTED)


async def test_wait_raises_the_loss_if_the_session_is_lost_first() -> None:
    """Law 7: a loss reaches those who wait; a later close changes nothing."""
    watch = PhaseWatch(P.ACTIVE)
    lost = ConnectionLost("lost")
    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:

            async def wait() -> None:
                with pytest.raises(ConnectionLost) as caught:
                    await watch.wait_for(P.MODEL_SPEAKING)
                assert caught.value.__cause__ is lost  # a copy, so that it does not grow

            nursery.start_soon(wait)
            await wait_all_tasks_blocked()
            watch.close(lost)
            watch.close(None)
        await wait()


async def test_wait_for_a_phase_entered_just_before_the_end_is_not_an_error() -> None:
    """A phase that was entered was entered, whatever came right after."""
    watch = PhaseWatch(P.ACTIVE)
    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch.wait_for, P.DISCONNECTED)
            await wait_all_tasks_blocked()
            watch.enter(P.DISCONNECTED)
            watch.close(ConnectionLost("lost"))


async def test_wait_cancelled_leaves_the_others_waiting() -> None:
    """Cancellation is atomic: one who gives up releases nobody."""
    watch = PhaseWatch(P.ACTIVE)
    with trio.fail_after(1):
        with trio.move_on_after(0) as scope:
            await watch.wait_for(P.INTERRUPTED)
        assert scope.cancelled_caught
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch.wait_for, P.INTERRUPTED)
            await wait_all_tasks_blocked()
            watch.enter(P.INTERRUPTED)


async def test_wait_is_a_checkpoint_whatever_it_finds() -> None:
    """A wait that need not wait still lets others run."""
    watch = PhaseWatch(P.ACTIVE)
    with trio.testing.assert_checkpoints():
        await watch.wait_for(P.ACTIVE)
    watch.close()
    with trio.testing.assert_checkpoints(), pytest.raises(SessionClosed):
        await watch.wait_for(P.INTERRUPTED)


def test_follow_enters_each_phase_of_a_list_of_events() -> None:
    """Phases are followed event by event; other events change nothing."""
    watch = PhaseWatch()
    watch.follow([GoAway(None), PhaseChanged(P.CONNECTING, P.DISCONNECTED), GoAway(None)])
    assert watch.phase is P.CONNECTING
